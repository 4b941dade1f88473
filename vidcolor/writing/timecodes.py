"""The timecode that a film, or a piece of one, states in its container."""

from collections.abc import MutableMapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from vidcolor.reading.source import Source
from vidcolor.timecode import Timecode
from vidcolor.writing.encoding import MP4_FAMILY

DROPPING = 30
"""Frames a second, rounded, at multiples of which timecode may leave numbers out (ST 12-1)."""

TIMECODE_TAG = "timecode"


class WrittenTimecode(NamedTuple):
    """What a film states, and what the user should know of it.

    Attributes:
        text: The timecode of its first frame; None for none.
        note: A sentence; empty for none.
    """

    text: str | None
    note: str = ""


def timecode_of(source: Source, container: str, shift_seconds: Fraction) -> WrittenTimecode:
    """The timecode of the first frame that is written.

    Args:
        source: The film.
        container: FFmpeg's name of the result's.
        shift_seconds: The film's time at which the result begins; 0 for a whole film.
    """
    stated = source.timecode
    if stated is None:
        return WrittenTimecode(None)
    code, rate, note = Timecode.parse(stated), source.frame_rate, ""
    if code is not None and code.drops and round(rate) % DROPPING and container in MP4_FAMILY:
        # Its muxer writes no timecode at all then.
        code = code._replace(drops=False)
        note = f"its timecode {stated} drops numbers, which {float(rate):.6g} frames/s has not"
        note = f"{note}: kept as {code.text()}"
    if shift_seconds:
        first = source.first_pts * source.time_base
        code = code and _after(code, ceil((shift_seconds - first) * rate), rate)
        if code is None:
            note = f"the timecode {stated} cannot be counted at {float(rate):.6g} frames/s"
            return WrittenTimecode(None, f"{note}: left out of the piece")
    return WrittenTimecode(stated if code is None else code.text(), note)


def _after(code: Timecode, frames: int, rate: Fraction) -> Timecode | None:
    if code.drops and round(rate) % DROPPING:
        counted = _after(code._replace(drops=False), frames, rate)
        return counted and counted._replace(drops=True)  # as its source writes it
    try:
        return code.after(frames, rate)
    except ValueError:
        return None


def state_timecode(text: str | None, *tags: MutableMapping[str, str]) -> None:
    """Put a timecode in the place of the source's in tags; into the first, if none has one.

    Args:
        text: The timecode; None to take the source's out.
        tags: Of the picture's stream, and of the file.
    """
    places = [(each, key) for each in tags for key in each if key.lower() == TIMECODE_TAG]
    for each, key in places:
        del each[key]
    for each, key in places or [(tags[0], TIMECODE_TAG)]:
        if text is not None:
            each[key] = text
