"""Which frames of a film are meant. Standard library only.

```
1734  1734f     a frame's number, from 0
57.8s  1:30.5   the frame on screen so long after the film's first one
10:00:12:05     a timecode, hours to frames, as the film counts it; 10:00:12;05 drops frames
1700-1740       from one to another of the same kind, both included
```
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Self

from vidcolor.errors import SourceError
from vidcolor.timecode import Timecode

_MIDDLE = Fraction(1, 2)  # of a frame: a time that no rounding moves to another one

_FRAME = re.compile(r"(\d+)f?")
_NUMBERED = re.compile(r"\d+f")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time in a film, or a length, as it is written.

    Attributes:
        text: As it was written.
        unit: What it counts.
        count: How many frames from 0 or seconds; of a timecode 0.
        timecode: The timecode; None for what is none.
    """

    text: str
    unit: Literal["frames", "seconds", "timecode"] = "seconds"
    count: Fraction = Fraction(0)
    timecode: Timecode | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The time that `text` means: `90`, `90.5s`, `1:30.5`, `2160f` or `10:00:12:05`.

        Raises:
            ValueError: It is none of them.
        """
        if timecode := Timecode.parse(text):
            return cls(text=text, unit="timecode", timecode=timecode)
        if _NUMBERED.fullmatch(text):
            return cls(text=text, unit="frames", count=Fraction(text.removesuffix("f")))
        seconds = Fraction(0)
        try:
            for part in text.removesuffix("s").split(":"):
                seconds = seconds * 60 + Fraction(part)
        except (ValueError, ZeroDivisionError):
            seconds = Fraction(-1)
        if seconds < 0 or "-" in text:
            raise ValueError(
                f"{text!r} is not a time; write seconds, HH:MM:SS.fff, frames as 2160f, or "
                "timecode HH:MM:SS:FF"
            )
        return cls(text=text, count=seconds)

    @classmethod
    def parse_later(cls, text: str) -> Self:
        """What `parse` gives, but not the film's beginning or no length.

        Raises:
            ValueError: It is none of them, or 0.
        """
        moment = cls.parse(text)
        if not moment.count and (moment.timecode is None or not any(moment.timecode[:4])):
            raise ValueError(f"{text!r} is zero; write more than 0")
        return moment

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of a film that is asked for.

    Attributes:
        start: Where it begins; None for the film's beginning.
        end: Before what it ends; None for `duration`.
        duration: How much of the film it is; None for all to the end.
    """

    start: Moment | None = None
    end: Moment | None = None
    duration: Moment | None = None

    def label(self) -> str:
        """A part of a file's name: `90s-120s`, `2160f-end`, `1.30+30s`; empty for all."""
        if self == Part():
            return ""
        start = "0s" if self.start is None else _name(self.start)
        if self.duration is not None:
            return f"{start}+{_name(self.duration)}"
        return f"{start}-{'end' if self.end is None else _name(self.end)}"


def _name(moment: Moment) -> str:
    """A time as names of files have it: without colons, which some file systems refuse."""
    is_bare = moment.unit == "seconds" and ":" not in moment.text
    text = moment.text.removesuffix("s") + "s" if is_bare else moment.text
    return text.replace(":", ".").replace(";", ",").replace("/", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some frames of a film in a row.

    Attributes:
        text: As it was written.
        unit: What `first` and `last` count, frames from 0 or seconds after the film's first frame.
        first: Where it begins.
        last: Where it ends; what is there belongs to it.
    """

    text: str
    unit: Literal["frames", "seconds"]
    first: Fraction
    last: Fraction

    def holds(self, frame: int, begin: Fraction, end: Fraction) -> bool:
        """Whether a frame belongs to it.

        Args:
            frame: Its number.
            begin: When it comes on screen, in seconds after the film's first frame.
            end: When the next one comes.
        """
        if self.unit == "frames":
            return self.first <= frame <= self.last
        return begin <= self.last and end > self.first


@dataclass(frozen=True, slots=True, kw_only=True)
class TimecodeSpan:
    """Some frames in a row, from one timecode to another; see `Span`."""

    text: str
    first: Timecode
    last: Timecode

    def resolve(self, rate: Fraction, start: Timecode, option: str) -> Span:
        """The same in seconds of a film: the middle of the frames that the timecodes count.

        Args:
            rate: Frames a second of the film.
            start: Timecode of its first frame.
            option: What the frames were named by, for errors.

        Raises:
            SourceError: A timecode is not one of the film.
        """
        drops = start.drops or self.first.drops
        try:
            base = start.count(rate)
            first, last = (t._replace(drops=drops).count(rate) for t in (self.first, self.last))
        except ValueError as error:
            raise SourceError(f"{option} {self.text}: {error}; write HH:MM:SS:FF") from error
        if first < base:
            raise SourceError(f"{option} {self.text}: the film begins later, at {start.text()}")
        begin, end = ((count - base + _MIDDLE) / rate for count in (first, last))
        return Span(text=self.text, unit="seconds", first=begin, last=end)


@dataclass(frozen=True, slots=True)
class FrameSelection:
    """Chosen frames of any film, as spans in the order written."""

    spans: tuple[Span | TimecodeSpan, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The frames that `text` means: spans with commas between.

        Raises:
            ValueError: It is no such text, or a span ends before it begins.
        """
        return cls(tuple(_parse_span(part.strip()) for part in text.split(",")))

    def __str__(self) -> str:
        return ",".join(span.text for span in self.spans)

    def resolve(
        self, rate: Fraction, start_timecode: str | None, option: str = "--dump-frames"
    ) -> tuple[Span, ...]:
        """The chosen frames of one film.

        Args:
            rate: Frames a second of the film.
            start_timecode: Timecode of the film's first frame; None for 00:00:00:00.
            option: What the frames were named by, for errors.

        Raises:
            SourceError: A timecode is not one of the film.
        """
        start = Timecode.parse(start_timecode or "") or Timecode(0, 0, 0, 0, drops=False)
        return tuple(
            span.resolve(rate, start, option) if isinstance(span, TimecodeSpan) else span
            for span in self.spans
        )


def _parse_span(text: str) -> Span | TimecodeSpan:
    first_text, dash, last_text = (part.strip() for part in text.partition("-"))
    first = _parse_moment(first_text or text)
    last = _parse_moment(last_text or text) if dash else first
    if isinstance(first, Timecode) and isinstance(last, Timecode):
        reversed_ends = last < first
        span: Span | TimecodeSpan = TimecodeSpan(text=text, first=first, last=last)
    elif not isinstance(first, Timecode) and not isinstance(last, Timecode) and first[0] == last[0]:
        reversed_ends = last[1] < first[1]
        span = Span(text=text, unit=first[0], first=first[1], last=last[1])
    else:
        raise ValueError(f"{text!r} begins and ends in different units")
    if reversed_ends:
        raise ValueError(f"{text!r} ends before it begins")
    return span


def _parse_moment(text: str) -> Timecode | tuple[Literal["frames", "seconds"], Fraction]:
    """One end of a span: a timecode, or a number and what it counts."""
    if _FRAME.fullmatch(text):
        return "frames", Fraction(text.removesuffix("f"))
    if found := _SECONDS.fullmatch(text):
        return "seconds", Fraction(found[1])
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = found.groups()
        return "seconds", int(hours or 0) * 3600 + int(minutes) * 60 + Fraction(seconds)
    if timecode := Timecode.parse(text):
        return timecode
    raise ValueError(
        f"{text!r} is not a frame; write 1734, 57.8s, 1:30.5, 10:00:12:05 or a range, 1700-1740"
    )
