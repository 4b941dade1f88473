"""The shots of a film, found by a pass over its luma alone, as a table, CSV or CMX3600 EDL."""

import csv
import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import groupby
from math import floor
from operator import attrgetter
from typing import NamedTuple

from vidcolor.errors import SourceError
from vidcolor.frame import Frame
from vidcolor.reading.source import Source
from vidcolor.shots.cuts import number_frames
from vidcolor.timecode import Timecode

HEADINGS = (
    "shot",
    "first_frame",
    "last_frame",
    "frames",
    "start_seconds",
    "end_seconds",
    "start_timecode",
    "end_timecode",
    "returns_to",
)
"""Columns of a list in CSV; the end is when the next shot begins."""

EDL_SUFFIX = ".edl"

_REEL, _CHANNEL, _CUT = "AX", "V", "C"
_HALF = Fraction(1, 2)


class ListedShot(NamedTuple):
    """One shot of a film.

    Attributes:
        number: Its number, from 1 as the program prints it.
        first_frame: Number of its first frame, from 0.
        frames: How many frames it has.
        begin: When it begins, in seconds after the film's first frame.
        end: When the next one begins.
        returns_to: Number of the earlier shot whose set-up it shows again; None for none.
    """

    number: int
    first_frame: int
    frames: int
    begin: Fraction
    end: Fraction
    returns_to: int | None


class Clock(NamedTuple):
    """What counts a film's timecodes.

    Attributes:
        start: Timecode of its first frame.
        rate: Frames a second.
    """

    start: Timecode
    rate: Fraction

    def at(self, seconds: Fraction) -> str:
        """The timecode so many seconds after the film's first frame."""
        return self.start.after(floor(seconds * self.rate + _HALF), self.rate).text()


def clock_of(source: Source) -> Clock:
    """The clock of a film; it begins at 00:00:00:00 where the film states no timecode.

    Raises:
        SourceError: It states one that there is not at its rate.
    """
    start = Timecode.parse(source.timecode or "") or Timecode(0, 0, 0, 0, drops=False)
    try:
        start.count(source.frame_rate)
    except ValueError as error:
        raise SourceError(
            f"{source.path}: {start.text()}: {error}. State another with --timecode."
        ) from error
    return Clock(start, source.frame_rate)


def list_shots(frames: Iterable[Frame], source: Source) -> Iterator[ListedShot]:
    """Yield the shots of a film, each when its last frame has been seen.

    Args:
        frames: The film's frames.
        source: The film.
    """
    first_seconds = source.first_pts * source.time_base
    waiting: ListedShot | None = None
    for shot, members in groupby(number_frames(frames), key=attrgetter("shot")):
        first = last = None
        for one in members:
            first, last = first or one.frame, one.frame
        if first is None or last is None:  # groupby gives no empty group
            continue
        begin = first.pts * first.time_base - first_seconds
        if waiting is not None:
            yield waiting._replace(end=begin)
        length = last.duration * last.time_base or 1 / source.frame_rate
        waiting = ListedShot(
            number=shot.number + 1,
            first_frame=first.index,
            frames=last.index - first.index + 1,
            begin=begin,
            end=last.pts * last.time_base - first_seconds + length,
            returns_to=None if shot.returns_to is None else shot.returns_to + 1,
        )
    if waiting is not None:
        yield waiting


def table_text(shots: Iterable[ListedShot], clock: Clock) -> str:
    """The list for people."""
    rows = [("shot", "frames", "begins", "ends", "length", "returns to")]
    for shot in shots:
        last = shot.first_frame + shot.frames - 1
        rows.append(
            (
                str(shot.number),
                f"{shot.first_frame}-{last}",
                clock.at(shot.begin),
                clock.at(shot.end),
                f"{float(shot.end - shot.begin):.2f} s",
                "" if shot.returns_to is None else str(shot.returns_to),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.rjust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def csv_text(shots: Iterable[ListedShot], clock: Clock) -> str:
    """The list as CSV (RFC 4180, with line feeds)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    for shot in shots:
        writer.writerow(
            (
                shot.number,
                shot.first_frame,
                shot.first_frame + shot.frames - 1,
                shot.frames,
                f"{float(shot.begin):.6f}",
                f"{float(shot.end):.6f}",
                clock.at(shot.begin),
                clock.at(shot.end),
                shot.returns_to,
            )
        )
    return text.getvalue()


def edl_text(shots: Iterable[ListedShot], clock: Clock, film: str) -> str:
    """The list as an edit decision list in the CMX 3600 form, one event a shot.

    Record times are the source's; the end is the first frame that no longer belongs.

    Args:
        shots: The shots.
        clock: Counts the film's timecodes.
        film: Its name.
    """
    mode = "DROP FRAME" if clock.start.drops else "NON-DROP FRAME"
    lines = [f"TITLE: {film}", f"FCM: {mode}", ""]
    for shot in shots:
        begin, end = clock.at(shot.begin), clock.at(shot.end)
        lines += [
            f"{shot.number:03d}  {_REEL:8} {_CHANNEL:5} {_CUT:8} {begin} {end} {begin} {end}",
            f"* FROM CLIP NAME: {film}",
        ]
    return "\n".join([*lines, ""])
