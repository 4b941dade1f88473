"""What is kept of a finished film's shots, so that a later run takes those over that do not change.

A hidden file beside a film made with a color script: which film it belongs to, what made it, and
for each shot the times of its packets and the figures of its frames. The packets are in the film.
"""

import gzip
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple
from zlib import error as ZlibError  # noqa: N812

from vidcolor.errors import OutputError
from vidcolor.files import part_path, shots_path, write_error
from vidcolor.report.timeline import FrameFigures
from vidcolor.writing.shot_encoder import Encoded

FORMAT, VERSION = "vidcolor shots", 1

_COLUMNS = FrameFigures._fields


PART_FRAMES = 500
"""Frames of a line: memory does not grow with a shot."""


class KeptPart(NamedTuple):
    """What is kept of a shot, or of some of its frames.

    Attributes:
        shot: Its number.
        times: pts of its packets, in the order that decoders want them.
        durations: Likewise.
        is_key: Likewise, whether decoding may begin there.
        figures: Of its frames, in the order shown.
    """

    shot: int
    times: list[int]
    durations: list[int]
    is_key: list[bool]
    figures: list[FrameFigures]


class PacketTimes:
    """Times of packets as they go by."""

    def __init__(self) -> None:
        self._numbers = array("q")

    def watch(self, packets: Iterable[Encoded]) -> Iterator[Encoded]:
        """The packets, noted."""
        del self._numbers[:]
        for packet in packets:
            self._numbers.extend((packet.pts, packet.duration, packet.is_key))
            yield packet

    def __iter__(self) -> Iterator[tuple[int, int, bool]]:
        numbers = iter(self._numbers)
        for pts in numbers:
            yield pts, next(numbers), bool(next(numbers))


def write_kept(
    film: Path,
    sha256: str,
    made_of: Mapping[str, object],
    times: PacketTimes,
    figures: Iterable[FrameFigures],
) -> None:
    """Keep what a later run needs; the same film gives the same bytes.

    Args:
        film: The finished film.
        sha256: Of its file.
        made_of: What decides its bytes, but for the color script.
        times: Of its packets.
        figures: Of its frames.

    Raises:
        OutputError: The file cannot be written.
    """
    path = shots_path(film)
    part = part_path(path)
    head = {"format": FORMAT, "version": VERSION, "film": sha256, "made_of": made_of}
    packets = iter(times)
    try:
        with part.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            file.write(_line(head | {"columns": _COLUMNS}))
            for number, members in groupby(figures, key=attrgetter("shot")):
                while rows := list(islice(members, PART_FRAMES)):
                    columns = list(zip(*islice(packets, len(rows)), strict=True))
                    file.write(_line({"shot": number, "packets": columns, "figures": rows}))
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise write_error(path, error) from error


def read_head(film: Path) -> Mapping[str, Any] | None:
    """What a film's file states of it; None if there is none that can be read."""
    with suppress(OSError, EOFError, ValueError, ZlibError), gzip.open(shots_path(film)) as file:
        head = json.loads(file.readline())
        is_ours = head.get("format") == FORMAT and head.get("version") == VERSION
        if is_ours and tuple(head.get("columns", ())) == _COLUMNS:
            return dict(head)
    return None


def read_kept(film: Path) -> Iterator[tuple[int, Iterator[KeptPart]]]:
    """The number of each shot of a film and its parts, which are gone when the next one is taken.

    Raises:
        OutputError: They are damaged.
    """
    return groupby(_read_parts(shots_path(film)), key=attrgetter("shot"))


def _read_parts(path: Path) -> Iterator[KeptPart]:
    try:
        with gzip.open(path) as file:
            file.readline()
            for line in file:
                shot = json.loads(line)
                times, durations, is_key = shot["packets"]
                figures = [FrameFigures(*row) for row in shot["figures"]]
                yield KeptPart(shot["shot"], times, durations, is_key, figures)
    except (OSError, EOFError, KeyError, TypeError, ValueError, ZlibError) as error:
        raise OutputError(f"{path}: is damaged. Delete it and run again.") from error


def _line(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, separators=(",", ":")).encode() + b"\n"
