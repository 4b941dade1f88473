"""Which of the things that are named are photographs, and which are films. Standard library only.

A picture file is a photograph, unless it is one of an image sequence; a folder holds films. Where
photographs are asked for, both are photographs.
"""

import os
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple, NoReturn

from vidcolor.errors import SourceError
from vidcolor.files import PHOTO_SUFFIXES, is_file, is_folder
from vidcolor.reading.sequence_names import SequenceNames

MADE = ".colorized"
"""Before the suffix of photographs that were made by the program."""


class FoundPhoto(NamedTuple):
    """A photograph to be colorized.

    Attributes:
        path: Its file.
        subfolder: Of the folder that was named, where it was found; outputs are sorted likewise.
    """

    path: Path
    subfolder: Path = Path()


class Sorted(NamedTuple):
    """Inputs by what they are.

    Attributes:
        photos: Photographs, each once.
        films: All else.
        errors: Why inputs are neither.
    """

    photos: list[FoundPhoto]
    films: list[Path]
    errors: list[SourceError]


def sort_inputs(paths: Iterable[Path], *, as_photos: bool, recursive: bool) -> Sorted:
    """Tell photographs from films.

    Args:
        paths: Files, folders and patterns of image sequences' names.
        as_photos: Whether pictures with numbers and those in folders are photographs.
        recursive: Look into the folders' own folders, too.
    """
    photos: dict[Path, FoundPhoto] = {}
    films: list[Path] = []
    errors: list[SourceError] = []
    named = list(_expanded(paths))
    for path in named:
        if _is_made_of(path, named):
            continue
        if not is_photo(path, as_photos=as_photos) and not (as_photos and is_folder(path)):
            films.append(path)
            continue
        try:
            found = _photos_in(path, recursive=recursive) if is_folder(path) else [FoundPhoto(path)]
        except SourceError as error:
            errors.append(error)
            continue
        for photo in found:
            photos.setdefault(photo.path.resolve(), photo)
    return Sorted(list(photos.values()), films, errors)


def is_photo(path: Path, *, as_photos: bool = False) -> bool:
    """Whether a path that is named is a photograph: not a folder, a film, or one of a sequence."""
    if not has_photo_name(path) or is_folder(path):
        return False
    if not is_file(path) and SequenceNames.parse(path) is not None:
        return False
    if as_photos:
        return True
    from vidcolor.reading.sequence import sequence_of  # noqa: PLC0415 - it loads FFmpeg

    return sequence_of(path) is None


def has_photo_name(path: Path) -> bool:
    """Whether a name ends as those of photographs do."""
    return path.suffix.lower() in PHOTO_SUFFIXES


def _is_made_of(path: Path, named: Iterable[Path]) -> bool:
    """Whether a photograph was made of another that is named, too, as *.jpg names both."""
    is_made = path.stem.endswith(MADE) and has_photo_name(path)
    return is_made and path.with_name(f"{path.stem.removesuffix(MADE)}{path.suffix}") in named


def _expanded(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths, with patterns such as *.jpg filled in, which not every shell does."""
    for path in paths:
        if not (is_file(path) or is_folder(path)) and has_magic(str(path)):
            found = sorted(glob(str(path)))  # noqa: PTH207 - the pattern has a folder
            yield from map(Path, found or [str(path)])
        else:
            yield path


def _photos_in(folder: Path, *, recursive: bool) -> list[FoundPhoto]:
    """The photographs in a folder; none that is hidden or made by the program.

    Raises:
        SourceError: There are none, or a folder cannot be read.
    """

    def fail(error: OSError) -> NoReturn:
        raise SourceError(
            f"{error.filename}: cannot be read ({error.strerror}); check its permissions"
        ) from error

    found = []
    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) * recursive
        paths = (Path(place, name) for name in sorted(names) if not name.startswith("."))
        subfolder = Path(place).relative_to(folder)
        found += [
            FoundPhoto(path, subfolder)
            for path in paths
            if has_photo_name(path) and not path.stem.endswith(MADE)
        ]
    if not found:
        remedy = "" if recursive else ", or search subfolders with --recursive"
        raise SourceError(f"{folder}: holds no photograph; name one{remedy}")
    return found


def count_photos(folder: Path) -> int:
    """How many photographs a folder itself holds; 0 where it cannot be read."""
    try:
        names = [Path(name) for name in os.listdir(folder)]  # noqa: PTH208 - names alone
    except OSError:
        return 0
    return sum(has_photo_name(name) and not name.stem.endswith(MADE) for name in names)
