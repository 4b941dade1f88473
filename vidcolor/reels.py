"""Many films: where they lie, their outputs' names, and each one's failure kept to itself."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vidcolor.dump.folder import LINES, MANIFEST
from vidcolor.dump.sink import FrameDump
from vidcolor.errors import OutputError, SourceError, VidcolorError
from vidcolor.film import Progress, Result, colorize_job, paths_written, plan_film
from vidcolor.models.zoo import Model
from vidcolor.settings import Settings
from vidcolor.video.plan import Job
from vidcolor.video.sequence import list_patterns, refuse_one_of_many, series_of

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
        path: Where it lies; of a series of pictures the pattern of their names.
        subfolder: Of the folder that was named, where it was found; outputs are sorted likewise.
    """

    path: Path
    subfolder: Path = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one reel ended: with a result or with an error."""

    source: Path
    result: Result | None = None
    error: VidcolorError | None = None


def make_folder(folder: Path) -> None:
    """Make the output folder if it is missing.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({error.strerror}); name another -o"
        ) from error


def find_reels(paths: Iterable[Path], *, recursive: bool) -> list[Reel | Outcome]:
    """Find the films that are named and those in folders that are, each once.

    Args:
        paths: Films, folders and patterns of pictures' names.
        recursive: Look into the folders' own folders, too.

    Returns:
        The reels in the order named, those of a folder by their names; and an outcome for each
        folder that holds none or cannot be read, and for each series of which only pictures are
        named. A folder's series of pictures are reels where it holds no film.
    """
    found: dict[Path, Reel | Outcome] = {}
    for path in paths:
        reels: Iterable[Reel | Outcome]
        try:
            refuse_one_of_many(path)
            reels = _reels_in(path, recursive=recursive) if path.is_dir() else [Reel(path=path)]
        except SourceError as error:
            reels = [Outcome(source=series_of(path) or path, error=error)]
        for reel in reels:
            place = reel.path if isinstance(reel, Reel) else reel.source
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
        if {LINES, MANIFEST} <= set(names):
            folders.clear()  # a dump, whose pictures are no film
            continue
        paths = _films_among(Path(place), names) or list_patterns(Path(place), names)
        subfolder = Path(place).relative_to(folder)
        reels += [Reel(path=path, subfolder=subfolder) for path in paths]
    if not reels:
        remedy = "name a film" if recursive else "name a film, or look deeper with --recursive"
        raise SourceError(f"{folder}: holds no film; {remedy}")
    return reels


def _films_among(folder: Path, names: Iterable[str]) -> list[Path]:
    """The films among a folder's files, sorted; none that is hidden or made by the program."""
    paths = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
    return [
        path
        for path in paths
        if path.suffix.lower() in FILM_SUFFIXES and not path.stem.endswith(MADE)
    ]


def plan_reels(
    reels: Iterable[Reel | Outcome], output: Path | None, folder: Path | None, settings: Settings
) -> Iterator[Job | Outcome]:
    """Yield for each reel how it will be colorized, or why it cannot be.

    Args:
        reels: The reels, in the order wanted; outcomes among them are handed on.
        output: The output of a single reel, if named.
        folder: Where unnamed outputs go; None for beside their sources.
        settings: All settings.
    """
    targets: dict[Path, Path] = {}
    for reel in reels:
        if isinstance(reel, Outcome):
            yield reel
            continue
        source = reel.path
        try:
            place = None if folder is None else folder / reel.subfolder
            job = plan_film(source, output, settings, folder=place)
            for target in paths_written(job, settings):
                earlier = targets.setdefault(target.absolute(), source)
                if earlier is not source:
                    raise OutputError(
                        f"{source}: its output {target} would be that of {earlier} too; "
                        "colorize them into different folders"
                    )
        except VidcolorError as error:
            yield Outcome(source=source, error=error)
        else:
            yield job


def colorize_reel(
    job: Job,
    model: Model,
    settings: Settings,
    progress: Progress,
    dump: FrameDump | None = None,
) -> Outcome:
    """Colorize one planned reel; an error is its outcome."""
    source = job.source.path
    try:
        make_folder(job.encoding.path.parent)
        return Outcome(source=source, result=colorize_job(job, model, settings, progress, dump))
    except VidcolorError as error:
        return Outcome(source=source, error=error)
