"""Where in a film a range of a color script holds. Standard library only."""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from vidcolor.directing.script import Range
from vidcolor.spans import FrameSelection, Span, TimecodeSpan

_SHOTS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


class Place(NamedTuple):
    """Frames or shots in a row.

    Attributes:
        unit: What is counted: frames from 0, seconds, or shots from 1.
        first: Where it begins.
        last: Where it ends; what is there belongs to it.
    """

    unit: str
    first: Fraction
    last: Fraction

    def meets(self, other: "Place") -> bool:
        """Whether both have something in common; places of different units are not compared."""
        return self.unit == other.unit and self.first <= other.last and other.first <= self.last


def parse_frames(text: str) -> FrameSelection:
    """The frames that a text means.

    Raises:
        ValueError: It is no such text.
    """
    return FrameSelection.parse(text)


def parse_shots(text: str) -> tuple[Place, ...]:
    """The shots that a text such as `12-15,20` means.

    Raises:
        ValueError: It is no such text.
    """
    places = []
    for part in text.split(","):
        found = _SHOTS.fullmatch(part.strip())
        if found is None:
            raise ValueError(f'{part.strip()!r} is no shot. Write 12, or a range, "12-15".')
        first, last = int(found[1]), int(found[2] or found[1])
        if first < 1:
            raise ValueError("shots are counted from 1. Write the number that --list-shots prints.")
        if last < first:
            raise ValueError(f"{part.strip()!r} ends before it begins. Write the lower one first.")
        places.append(Place("shots", Fraction(first), Fraction(last)))
    return tuple(places)


def places_of(part: Range) -> tuple[Place, ...] | None:
    """Where a range holds, as far as that is known without the film; None for all of it.

    Timecodes are in units of their own: hours to frames as one number.
    """
    if part.shots is not None:
        return parse_shots(part.shots)
    if part.frames is None:
        return None
    return tuple(_places_of(parse_frames(part.frames).spans))


def _places_of(spans: Iterable[Span | TimecodeSpan]) -> Iterable[Place]:
    for span in spans:
        if isinstance(span, Span):
            yield Place(span.unit, span.first, span.last)
        else:
            first, last = (
                Fraction(((t.hours * 60 + t.minutes) * 60 + t.seconds) * 1000 + t.frames)
                for t in (span.first, span.last)
            )
            yield Place("timecode", first, last)
