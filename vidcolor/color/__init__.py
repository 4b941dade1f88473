"""Color mathematics: lightness, the ab bins, chroma planes."""
