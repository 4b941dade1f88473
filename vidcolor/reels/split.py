"""Films that are split where their frames change, and the lists that join their parts again."""

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from vidcolor.errors import OutputError, SettingError
from vidcolor.files import is_file, stems_of, write_whole
from vidcolor.reading.changes import Change
from vidcolor.reading.part import first_frames
from vidcolor.reading.source import probe
from vidcolor.reading.survey import survey
from vidcolor.reels.find import Reel
from vidcolor.reels.result import ReelResult
from vidcolor.settings import Settings
from vidcolor.spans import Moment, Part

LIST_SUFFIX = ".ffconcat"

HEAD = b"ffconcat version 1.0\n"


def split_reels(reels: Iterable[Reel], settings: Settings, *, bag: bool = False) -> list[Reel]:
    """The reels, with one for each part of films that are to be split.

    Args:
        reels: The films.
        settings: All settings; `output.on_change` says whether films are split.
        bag: Whether the films go to a bag.

    Raises:
        SettingError: A part of each film is asked for as well, or a bag.
    """
    if settings.output.on_change != "split":
        return list(reels)
    if settings.part_label():
        raise SettingError("--on-change split is for whole films; leave out --start and --end")
    if bag:
        raise SettingError("--on-change split writes a list, which is no film; leave out --bagit")
    return [part for reel in reels for part in _parts(reel, settings)]


def _parts(reel: Reel, settings: Settings) -> Iterator[Reel]:
    """The parts of a reel; itself, if it cannot be read, which its own plan reports."""
    try:
        source = survey(probe(reel.path, settings.input))
        starts = first_frames(source, [change.seconds for change in source.changes])
    except Exception:  # noqa: BLE001 - whatever it is, the plan of this reel meets it again
        yield reel
        return
    changes = {number: one for number, one in zip(starts, source.changes, strict=False) if number}
    ends = [*sorted(changes), None]
    if len(ends) == 1:
        yield reel
        return
    for number, (start, end) in enumerate(pairwise([0, *ends]), 1):
        note = f"part {number} of {len(ends)}" + _why(changes.get(start or 0))
        last = None if end is None else _at(end)
        part = Part(start=_at(start or 0), end=last)
        yield Reel(path=reel.path, subfolder=reel.subfolder, part=part, note=note)


def _why(change: Change | None) -> str:
    return "" if change is None else f", as {change}"


def _at(frame: int) -> Moment:
    return Moment.parse(f"{frame}f")


class PartLists:
    """Writes, for each film that is split, a list that joins its parts once all of them are done.

    Args:
        reels: All reels, the parts of a film in their order.
        overwrite: Whether a list that differs is replaced.
    """

    def __init__(self, reels: Iterable[Reel], *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._films: dict[Path, dict[str, Path | None]] = {}
        for reel in reels:
            if reel.part != Part():
                self._films.setdefault(reel.path, {})[reel.part.label()] = None

    def add(self, result: ReelResult) -> Path | None:
        """Take in how a reel ended; the list, if its film's is written now.

        Raises:
            OutputError: It cannot be written, or another one lies there.
        """
        films = self._films.get(result.source)
        if films is None or result.part not in films or not result.is_done:
            return None
        films[result.part] = result.film
        made = [film for film in films.values() if film is not None and film.is_file()]
        if len(made) < len(films):
            return None
        first, label = made[0], next(iter(films))
        name = first.name.replace(f".{label}", "", 1)
        paths = [first.with_name(stem + LIST_SUFFIX) for stem in stems_of(first.with_name(name))]
        free = (path for path in paths if not _lists_others(path, first.suffix))
        path = next(free, paths[-1])
        text = HEAD + b"".join(map(_line, made))
        if is_file(path) and path.read_bytes() != text and not self._overwrite:
            raise OutputError(f"{path}: exists already, of other films; move it away and run again")
        write_whole(path, text)
        return path


def _lists_others(path: Path, suffix: str) -> bool:
    """Whether a list is of films of another kind that have the same stem."""
    text = path.read_bytes() if is_file(path) else b""
    return text.startswith(HEAD) and f"{suffix}'\n".encode() not in text


def _line(film: Path) -> bytes:
    """A film in a list of FFmpeg's concat demuxer, next to it."""
    name = os.fsencode(film.name)
    if b"\n" in name or b"\r" in name:
        raise OutputError(f"{film}: no list can name it; name the parts without line breaks")
    return b"file '" + name.replace(b"'", rb"'\''") + b"'\n"
