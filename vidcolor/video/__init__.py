"""Film in, film out: reading, shots, writing."""
