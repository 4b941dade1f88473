"""The films of a run: those named on the command line, and those in named folders."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from vidcolor.errors import OutputError, SourceError
from vidcolor.files import LINES, MANIFEST, is_file, is_folder
from vidcolor.photos.find import count_photos
from vidcolor.reading.sequence import list_patterns, refuse_one_of_many, sequence_of
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reels.kinds import holds_film, is_film_name, is_told_of
from vidcolor.spans import Part
from vidcolor.words import counted

_LOG = logging.getLogger(__name__)

MOST_NAMES = 20
"""Of what is passed over in a folder."""

MADE = (".colorized", ".chroma", ".compare")
"""Endings, before the suffix, of films that the program made: they are not reels."""


_SIZED_IMAGES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """One film to be colorized.

    Attributes:
        path: The file, or the pattern of an image sequence's names.
        subfolder: Where in the named folder it was found; outputs go to the same subfolder.
        part: The part of the film that this reel is, if the film is split.
        note: What the user should know of that.
    """

    path: Path
    subfolder: Path = Path()
    part: Part = field(default_factory=Part)
    note: str = ""

    @property
    def title(self) -> Path:
        """The path that its output is named after."""
        names = SequenceNames.parse(self.path)
        return self.path if names is None else names.title

    @property
    def entry(self) -> Path:
        """What a ledger calls it."""
        return entry_path(self.path, self.part.label())

    def named(self, output: Path | None) -> Path | None:
        """The output's name, in which a part is told from the others."""
        if output is None or self.part == Part():
            return output
        return output.with_name(f"{output.stem}.{self.part.label()}{output.suffix}")

    @property
    def is_sequence(self) -> bool:
        """Whether it lies in numbered images."""
        return SequenceNames.parse(self.path) is not None and not is_file(self.path)


def entry_path(source: Path, part: str) -> Path:
    """What a ledger calls a reel: its path, and behind it which part of the film it is, if any."""
    return Path(f"{source} [{part}]") if part else source


class UnfoundError(SourceError):
    """A named path is not a reel.

    Attributes:
        path: The path.
    """

    def __init__(self, path: Path, error: SourceError) -> None:
        super().__init__(str(error))
        self.path = path
        self.__cause__: BaseException | None = error


def find_reels(paths: Iterable[Path], *, recursive: bool) -> list[Reel | UnfoundError]:
    """Find the named films and those in named folders, each once.

    Args:
        paths: Films, folders and patterns of image sequences' names.
        recursive: Search subfolders as well.

    Returns:
        The reels in the order named, those of a folder by name; an error for each folder that
        holds none or cannot be read, and for each single image of a sequence. The image sequences
        of a folder are reels if it holds no film file.
    """
    found: dict[Path, Reel | UnfoundError] = {}
    for path in paths:
        reels: Iterable[Reel | UnfoundError]
        try:
            refuse_one_of_many(path)
            reels = _reels_in(path, recursive=recursive) if is_folder(path) else [Reel(path=path)]
        except SourceError as error:
            reels = [UnfoundError(path, error)]
        for reel in reels:
            place = reel.path if isinstance(reel, Reel) else sequence_of(reel.path) or reel.path
            found.setdefault(place.resolve(), reel)
    return list(found.values())


def _reels_in(folder: Path, *, recursive: bool) -> list[Reel | UnfoundError]:
    """The films in a folder, and an error for each of its folders that cannot be read.

    Raises:
        SourceError: There is no film, and nothing that could not be read.
    """
    reels: list[Reel | UnfoundError] = []

    def keep(error: OSError) -> None:
        place = Path(error.filename)
        text = f"{place}: cannot be read ({error.strerror}). Check its permissions."
        reels.append(UnfoundError(place, SourceError(text)))

    passed_over: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=keep):
        folders[:] = sorted(name for name in folders if not _is_made(name)) * recursive
        passed_over += (path for name in folders if (path := Path(place, name)).is_symlink())
        if {LINES, MANIFEST} <= set(names):
            folders.clear()  # a dump: its images are not a sequence
            continue
        paths, others = _sorted_out(Path(place), names)
        passed_over += others
        subfolder = Path(place).relative_to(folder)
        reels += _larger_first([Reel(path=path, subfolder=subfolder) for path in paths])
    if not reels:
        remedy = (
            "name a film" if recursive else "name a film, or search subfolders with --recursive"
        )
        if photos := count_photos(folder):
            remedy = f"its photographs ({photos}) are colorized with --photos"
        told = f" ({describe_passed_over(passed_over)})" if passed_over else ""
        raise SourceError(f"{folder}: holds no film{told}; {remedy}")
    if passed_over:
        _LOG.info("%s: %s", folder, describe_passed_over(passed_over))
    return reels


def describe_passed_over(paths: Sequence[Path]) -> str:
    """A line on what is not colorized of a folder: how much, and the first names."""
    links = sum(path.is_symlink() and path.is_dir() for path in paths)
    counts = (
        (len(paths) - links, "file that is no film", "files that are no films"),
        (
            links,
            "linked folder, to be named by itself",
            "linked folders, to be named by themselves",
        ),
    )
    told = " and ".join(counted(*count) for count in counts if count[0])
    names = ", ".join(path.name for path in paths[:MOST_NAMES])
    more = f", and {len(paths) - MOST_NAMES} more" if len(paths) > MOST_NAMES else ""
    return f"passed over {told} ({names}{more})"


def _larger_first(reels: list[Reel]) -> list[Reel]:
    """The same reels; of several of one stem, such as a master and its proxy, the larger first."""
    groups: dict[str, list[Reel]] = {}
    for reel in reels:
        groups.setdefault(reel.title.stem, []).append(reel)
    return [reel for group in groups.values() for reel in sorted(group, key=_size_of, reverse=True)]


def find_same_stems(reels: Iterable[Reel], folder: Path | None) -> Iterator[Reel]:
    """The reels whose outputs would share a name, as those of tape.avi and tape.mpg.

    Args:
        reels: All reels of a run.
        folder: The output folder; None for next to the reels.
    """
    groups: defaultdict[Path, defaultdict[str, list[Reel]]]
    groups = defaultdict(lambda: defaultdict(list))
    for reel in reels:
        title = reel.title
        place = title.parent if folder is None else folder / reel.subfolder
        groups[place / title.stem][title.name].append(reel)
    several = (by_name for by_name in groups.values() if len(by_name) > 1)
    return chain.from_iterable(chain.from_iterable(one.values()) for one in several)


def refuse_same_names(reels: Iterable[Reel], folder: Path | None) -> dict[Reel, OutputError]:
    """An error for each reel whose output would be that of an earlier one, told before any work.

    So it is with one/film.mkv and two/film.mkv if both are named.

    Args:
        reels: All reels of a run.
        folder: The output folder; None for next to the reels, where no two can be one.
    """
    if folder is None:
        return {}
    first: dict[Path, Reel] = {}
    found = {}
    for reel in reels:
        earlier = first.setdefault(folder / reel.subfolder / reel.title.name, reel)
        if earlier.path != reel.path:
            found[reel] = OutputError(
                f"{reel.path}: its output would have the name of that of {earlier.path}; "
                "choose different output folders"
            )
    return found


def _size_of(reel: Reel) -> int:
    """Bytes of a film, or of the largest of an image sequence's first images."""
    names = SequenceNames.parse(reel.path)
    try:
        if names is None:
            return reel.path.stat().st_size
        with os.scandir(names.folder) as entries:
            images = (entry for entry in entries if names.number(entry.name) is not None)
            return max(entry.stat().st_size for entry in islice(images, _SIZED_IMAGES))
    except (OSError, ValueError):
        return 0  # reading it reports why


def _is_made(folder: str) -> bool:
    """Whether a folder is hidden, or holds an image sequence that the program made."""
    return folder.startswith(".") or folder.endswith(MADE)


def _sorted_out(folder: Path, names: Iterable[str]) -> tuple[list[Path], list[Path]]:
    """The films or image sequences among a folder's files, and what else is to be named.

    Hidden files, and those that the program made, are neither.
    """
    others = [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
    others = [path for path in others if not path.stem.endswith(MADE)]
    films = [path for path in others if is_film_name(path) or holds_film(path)]
    others = [path for path in others if is_told_of(path) and path not in set(films)]
    if films:
        return films, others
    patterns = list_patterns(folder, names)
    taken = [found for path in patterns if (found := SequenceNames.parse(path)) is not None]
    is_taken = {path for path in others for one in taken if one.number(path.name) is not None}
    return patterns, [path for path in others if path not in is_taken]
