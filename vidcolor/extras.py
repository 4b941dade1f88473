"""What some options need beside the package's own libraries. Standard library only."""

from typing import NamedTuple


class Extra(NamedTuple):
    """Libraries that come with an extra.

    Attributes:
        module: One of them, by which they are known to be there.
        packages: All, as pip names them.
        what: What they do.
    """

    module: str
    packages: str
    what: str


EXTRAS = {
    "plot": Extra("matplotlib", "matplotlib", "draws timelines for --plot"),
    "c2pa": Extra(
        "c2pa", "c2pa-python cryptography", "signs content credentials for --c2pa-certificate"
    ),
    "scans": Extra(
        "imagecodecs",
        "'tifffile[codecs]' openexr",
        "reads codecs inside TIFF, and OpenEXR in DWAA and DWAB",
    ),
    "studio": Extra(
        "uvicorn", "starlette uvicorn", "serves the pages of vidcolor-studio and vidcolor-review"
    ),
    "ray": Extra("ray", "fsspec 'ray[default]'", "shares work among machines for --engine ray"),
}
"""By their names in pyproject.toml."""


def how_to_install(extra: str) -> str:
    """The command that installs an extra's libraries, wherever this package came from."""
    return f"pip install {EXTRAS[extra].packages}"
