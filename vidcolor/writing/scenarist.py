"""Closed captions as a Scenarist file (.scc), for films whose codec cannot carry them.

A Scenarist file holds the byte pairs of one field of line 21 (ANSI/CTA-608-E) as television sends
them: one pair in each frame of 30000/1001 a second, from a drop-frame timecode on.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from vidcolor.timecode import Timecode

FRAME_RATE = Fraction(30000, 1001)
SUFFIX = ".scc"
HEAD = "Scenarist_SCC V1.0"
TRIPLET_BYTES = 3
VALID, FIRST_FIELD, LATER_KINDS = 4, 0, (2, 3)
PARITY_FREE = 0x7F
# Of CTA-608-E's control codes: erase displayed memory, carriage return, end of caption.
CONTROLS, SHOWN_BY = (0x14, 0x15, 0x1C, 0x1D), (0x2C, 0x2D, 0x2F)


class Captions(NamedTuple):
    """What the captions of a film come to.

    Attributes:
        text: The file; None if field 1 says nothing.
        lost: What it cannot hold, a phrase each.
    """

    text: str | None
    lost: list[str]


def write_captions(frames: Iterable[tuple[float, bytes]]) -> Captions:
    """A Scenarist file of a film's closed captions.

    Args:
        frames: Of each frame with captions its time since the film's first frame, in seconds, and
            its captions (ATSC A/53 part 4, 6.2.3: three bytes each), in the order shown.
    """
    runs: list[tuple[int, list[str]]] = []
    lost: dict[str, None] = {}
    for seconds, data in frames:
        number = round(Fraction(seconds) * FRAME_RATE)
        for kind, pair in _pairs(data):
            if kind != FIRST_FIELD:
                lost["EIA-708 captions" if kind in LATER_KINDS else "captions of field 2"] = None
                continue
            first, words = runs[-1] if runs else (number, [])
            is_repeated = words[-1:] == [pair]  # as control codes are, for safety
            if number > first + len(words) or not words or (_shows(pair) and not is_repeated):
                runs.append((max(number, first + len(words)), [pair]))
            else:
                words.append(pair)
    lines = [f"{_timecode(first)}\t{' '.join(words)}" for first, words in runs]
    return Captions("\n\n".join([HEAD, *lines, ""]) if lines else None, list(lost))


def _pairs(data: bytes) -> Iterator[tuple[int, str]]:
    """The kind and the four digits of each pair that is valid and says something."""
    for start in range(0, len(data) - TRIPLET_BYTES + 1, TRIPLET_BYTES):
        head, first, second = data[start : start + TRIPLET_BYTES]
        kind = head & 3
        is_608 = kind not in LATER_KINDS
        says = (first & PARITY_FREE or second & PARITY_FREE) if is_608 else first or second
        if head & VALID and says:
            yield kind, f"{first:02x}{second:02x}"


def _shows(pair: str) -> bool:
    """Whether a pair shows, moves or clears text; some programs take a line's pairs at once."""
    first, second = (int(digits, 16) & PARITY_FREE for digits in (pair[:2], pair[2:]))
    return first in CONTROLS and second in SHOWN_BY


def _timecode(number: int) -> str:
    """The drop-frame timecode of a frame (SMPTE ST 12-1): two numbers fall out of most minutes."""
    return Timecode(0, 0, 0, 0, drops=True).after(number, FRAME_RATE).text()
