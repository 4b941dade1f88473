"""The version of the program, written once: the wheel and all that names it read it here."""

__version__ = "0.1.0"
