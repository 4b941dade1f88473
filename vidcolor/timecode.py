"""Exact time: timecode as films carry it, and frame rates as people write them. Stdlib only."""

import re
from fractions import Fraction
from typing import NamedTuple, Self

MINUTES_WITHOUT_DROP = 10
FRAMES_PER_DROPPED = 15  # 2 of 30 and 4 of 60 numbers go each minute but every tenth

_TIMECODE = re.compile(r"(\d+):(\d{2}):(\d{2})([:;])(\d{2,3})")

FASTEST = 1000

LARGEST_DENOMINATOR = 1_001_000

NTSC = Fraction(1000, 1001)
"""By how much television's rates in the Americas and Japan are slower than whole numbers."""


class Timecode(NamedTuple):
    """A place in a film as SMPTE ST 12-1 counts it."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drops: bool

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The timecode that `text` is; None if it is none."""
        found = _TIMECODE.fullmatch(text)
        if found is None:
            return None
        hours, minutes, seconds, separator, frames = found.groups()
        return cls(int(hours), int(minutes), int(seconds), int(frames), separator == ";")

    def count(self, rate: Fraction) -> int:
        """Frames since 00:00:00:00 at `rate` frames a second.

        Raises:
            ValueError: There is no such timecode at that rate.
        """
        nominal = round(rate)
        if self.minutes >= 60 or self.seconds >= 60 or self.frames >= nominal:  # noqa: PLR2004
            raise ValueError(f"no such timecode at {float(rate):.6g} frames/s")
        minutes = self.hours * 60 + self.minutes
        count = (minutes * 60 + self.seconds) * nominal + self.frames
        if self.drops:
            count -= nominal // FRAMES_PER_DROPPED * (minutes - minutes // MINUTES_WITHOUT_DROP)
        return count

    def after(self, frames: int, rate: Fraction) -> Self:
        """The timecode that many frames later; after 24 hours it begins again.

        Raises:
            ValueError: There is no such timecode at that rate.
        """
        count, nominal = self.count(rate) + frames, round(rate)
        if self.drops:
            dropped = nominal // FRAMES_PER_DROPPED
            minute = 60 * nominal - dropped
            tens, rest = divmod(count, MINUTES_WITHOUT_DROP * minute + dropped)
            # The first minute of ten is longer, as it drops none.
            minutes = max(0, (rest - dropped) // minute)
            count += dropped * ((MINUTES_WITHOUT_DROP - 1) * tens + minutes)
        seconds, number = divmod(count, nominal)
        hours, minutes, seconds = seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
        return self._replace(hours=hours, minutes=minutes, seconds=seconds, frames=number)

    def text(self) -> str:
        """As it is written."""
        hours, minutes, seconds, frames, drops = self
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if drops else ':'}{frames:02}"


def parse_rate(text: str) -> Fraction:
    """Frames a second of `18`, `16.5`, `24000/1001`, or `23.976`, which means 24000/1001.

    A decimal that is a whole number times 1000/1001, rounded to two digits or more, is that one.

    Raises:
        ValueError: It is no rate above 0 and up to 1000.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= FASTEST or rate.denominator > LARGEST_DENOMINATOR:
        raise ValueError(f"{text!r} is not a frame rate; write 18, 23.976 or 24000/1001")
    digits = len(text.partition(".")[2])
    exact = round(rate / NTSC) * NTSC
    is_rounded = digits > 1 and rate.denominator > 1 and round(exact, digits) == rate
    return exact if is_rounded else rate
