"""The program `vidcolor`."""
