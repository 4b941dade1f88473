"""Where the films of a run lie: those that are named, and those in folders."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vidcolor.errors import SourceError

FILM_SUFFIXES = {
    ".3gp",
    ".asf",
    ".avi",
    ".dif",
    ".divx",
    ".dv",
    ".flv",
    ".gxf",
    ".ivf",
    ".m2t",
    ".m2ts",
    ".m2v",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".mxf",
    ".nut",
    ".ogv",
    ".qt",
    ".ts",
    ".vob",
    ".webm",
    ".wmv",
    ".y4m",
}
"""Of files that are taken for films where a folder is named; a file that is named is always."""

MADE = ".colorized"
"""Before the suffix of films that were made by the program: they are no reels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """One film to be colorized.

    Attributes:
        path: Where it lies.
        subfolder: Of the folder that was named, where it was found; outputs are sorted likewise.
    """

    path: Path
    subfolder: Path = Path()


def find_reels(paths: Iterable[Path], *, recursive: bool) -> list[Reel | SourceError]:
    """Find the films that are named and those in folders that are, each once.

    Args:
        paths: Films and folders.
        recursive: Look into the folders' own folders, too.

    Returns:
        The reels in the order named, those of a folder by their names; and an error for each
        folder that holds none or cannot be read.
    """
    found: dict[Path, Reel | SourceError] = {}
    for path in paths:
        reels: Iterable[Reel | SourceError]
        try:
            reels = _reels_in(path, recursive=recursive) if path.is_dir() else [Reel(path=path)]
        except SourceError as error:
            reels = [error]
        for reel in reels:
            place = reel.path if isinstance(reel, Reel) else path
            found.setdefault(place.resolve(), reel)
    return list(found.values())


def _reels_in(folder: Path, *, recursive: bool) -> list[Reel]:
    """The films in a folder.

    Raises:
        SourceError: There are none, or a folder cannot be read.
    """

    def fail(error: OSError) -> NoReturn:
        raise SourceError(f"{error.filename}: cannot be read ({error.strerror})") from error

    reels = []
    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) * recursive
        for name in sorted(names):
            path = Path(place, name)
            is_made = path.stem.endswith(MADE) or name.startswith(".")
            if path.suffix.lower() in FILM_SUFFIXES and not is_made:
                reels.append(Reel(path=path, subfolder=Path(place).relative_to(folder)))
    if not reels:
        remedy = "name a film" if recursive else "name a film, or look deeper with --recursive"
        raise SourceError(f"{folder}: holds no film; {remedy}")
    return reels
