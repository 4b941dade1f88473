"""Where the films of a run lie: those that are named, and those in folders."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vidcolor.errors import SourceError
from vidcolor.files import LINES, MANIFEST
from vidcolor.photos.find import count_photos
from vidcolor.reading.sequence import list_patterns, refuse_one_of_many, sequence_of

SOURCE_SUFFIXES = {
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

MADE = (".colorized", ".chroma", ".compare")
"""Before the suffix of films that were made by the program: they are no reels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """One film to be colorized.

    Attributes:
        path: Where it lies; of a series of pictures the pattern of their names.
        subfolder: Of the folder that was named, where it was found; outputs are sorted likewise.
    """

    path: Path
    subfolder: Path = Path()


class UnfoundError(SourceError):
    """What was named is no reel.

    Attributes:
        path: What was named.
    """

    def __init__(self, path: Path, error: SourceError) -> None:
        super().__init__(str(error))
        self.path = path
        self.__cause__ = error


def find_reels(paths: Iterable[Path], *, recursive: bool) -> list[Reel | UnfoundError]:
    """Find the films that are named and those in folders that are, each once.

    Args:
        paths: Films, folders and patterns of pictures' names.
        recursive: Look into the folders' own folders, too.

    Returns:
        The reels in the order named, those of a folder by their names; and an error for each
        folder that holds none or cannot be read, and for each series of which only pictures are
        named. A folder's series of pictures are reels where it holds no film.
    """
    found: dict[Path, Reel | UnfoundError] = {}
    for path in paths:
        reels: Iterable[Reel | UnfoundError]
        try:
            refuse_one_of_many(path)
            reels = _reels_in(path, recursive=recursive) if path.is_dir() else [Reel(path=path)]
        except SourceError as error:
            reels = [UnfoundError(path, error)]
        for reel in reels:
            place = reel.path if isinstance(reel, Reel) else sequence_of(path) or path
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
        folders[:] = sorted(name for name in folders if not _is_made(name)) * recursive
        if {LINES, MANIFEST} <= set(names):
            folders.clear()  # a dump, whose pictures are no film
            continue
        paths = _films_among(Path(place), names) or list_patterns(Path(place), names)
        subfolder = Path(place).relative_to(folder)
        reels += [Reel(path=path, subfolder=subfolder) for path in paths]
    if not reels:
        remedy = "name a film" if recursive else "name a film, or look deeper with --recursive"
        if photos := count_photos(folder):
            remedy = f"its photographs ({photos}) are colorized with --photos"
        raise SourceError(f"{folder}: holds no film; {remedy}")
    return reels


def _is_made(folder: str) -> bool:
    """Whether a folder is hidden, or holds a film as pictures that the program made."""
    return folder.startswith(".") or folder.endswith(MADE)


def _films_among(folder: Path, names: Iterable[str]) -> list[Path]:
    """The films among a folder's files, sorted; none that is hidden or made by the program."""
    paths = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
    return [
        path
        for path in paths
        if path.suffix.lower() in SOURCE_SUFFIXES and not path.stem.endswith(MADE)
    ]
