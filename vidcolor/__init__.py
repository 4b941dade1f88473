"""Colorize black-and-white film: the luma stays as decoded, only chroma is written."""

__version__ = "0.1.0"
