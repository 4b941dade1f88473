"""Color that holds still: how things move, what is remembered of them, how strong it stays."""
