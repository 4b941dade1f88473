"""The version of the program, written once: the wheel and all that names it read it here."""

__version__ = "0.1.0"

COLORS = 2
"""Raised when the same frames, weights and settings come out in other colors, so that what is kept
of earlier work (unfinished films, decoded colors, shots of a film) is not mixed with them."""
