"""How a film is encoded, joined and named."""
