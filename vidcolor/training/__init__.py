"""Training of the nets; nothing here is used when a film is colorized."""
