"""The times of a film's packets, mended: a jump moves all streams, a stray time only one."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Self, TypeVar

from av.packet import Packet
from av.stream import Stream

S = TypeVar("S", bound=Stream)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamClock:
    """How the times of one stream are mended.

    Attributes:
        starts: Number of the first packet of each part of the film whose clock runs on, the first
            of which is 0.
        shifts: Seconds to be added in each part.
        strays: Seconds to be added beside that to single packets, by their number.
        is_doubled: Whether packets have the time of the packet before, and follow it instead.
    """

    starts: tuple[int, ...] = (0,)
    shifts: tuple[Fraction, ...] = (Fraction(0),)
    strays: Mapping[int, Fraction] = field(default_factory=dict)
    is_doubled: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether all times are as they should be."""
        return not (any(self.shifts) or self.strays or self.is_doubled)

    def shift_at(self, number: int) -> Fraction:
        """Seconds to be added to the time of a packet, by its number in the stream."""
        part = bisect_right(self.starts, number) - 1
        return self.shifts[part] + self.strays.get(number, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactRate:
    """A constant rate behind times that a container rounded.

    Attributes:
        rate: Frames a second.
        origin_seconds: Exact time of a frame.
        rounded: The container's unit in seconds.
    """

    rate: Fraction
    origin_seconds: Fraction
    rounded: Fraction

    @property
    def time_base(self) -> Fraction:
        """A unit in which all of the film's times are whole."""
        ticks = lcm(self.rate.numerator, self.rounded.denominator)
        return Fraction(1, lcm(ticks, self.origin_seconds.denominator))

    def exact(self, pts: int) -> int:
        """The time in units of `time_base` of a frame, by its rounded time."""
        number = round((pts * self.rounded - self.origin_seconds) * self.rate)
        return round((self.origin_seconds + number / self.rate) / self.time_base)

    def exact_length(self, duration: int) -> int:
        """Ticks that a frame is shown for: as long as all others, unless it clearly differs."""
        stated = duration * self.rounded
        is_usual = abs(stated - 1 / self.rate) <= self.rounded
        return round((1 / self.rate if is_usual else stated) / self.time_base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How the times of a film are mended.

    Attributes:
        streams: Of each stream that needs it, by its index.
        base_seconds: Added to all times.
        in_order: Whether frames are shown one a tick, in the decoder's order, as in AVI.
        exact_rate: The rate that the film's frames are put back to; None for times as they are.
        first_seconds: When the first stream of the film begins, `base_seconds` not added.
        notes: What is mended, with place and amount, a sentence each.
    """

    streams: Mapping[int, StreamClock] = field(default_factory=dict)
    base_seconds: Fraction = Fraction(0)
    in_order: bool = False
    exact_rate: ExactRate | None = None
    first_seconds: Fraction = Fraction(0)
    notes: tuple[str, ...] = ()

    @property
    def can_seek(self) -> bool:
        """Whether the film's times are the file's, so that a place is found by its time."""
        is_plain = all(stream.is_plain for stream in self.streams.values())
        return is_plain and not (self.in_order or self.base_seconds or self.exact_rate)

    def identity(self) -> dict[str, object]:
        """What of it decides a film's bytes, as values that JSON has; empty if nothing does."""
        rate = None if self.exact_rate is None else str(self.exact_rate.rate)
        facts = {"mended": list(self.notes), "moved": float(self.base_seconds), "rate": rate}
        facts["in_order"] = self.in_order
        return {key: fact for key, fact in facts.items() if fact}

    def mended(self, packets: Iterable[Packet[S]]) -> Iterator[Packet[S]]:
        """Packets of a film, from its beginning, with mended times."""
        numbers: Counter[int] = Counter()
        ends: dict[int, tuple[int, int]] = {}
        for packet in packets:
            index = packet.stream.index
            if packet.size and (packet.pts is not None or packet.dts is not None):
                clock = self.streams.get(index, PLAIN)
                _move(packet, clock.shift_at(numbers[index]) + self.base_seconds)
                if clock.is_doubled:
                    _follow(packet, ends.get(index))
                    ends[index] = (packet.pts or 0, packet.duration or 0)
            if packet.size:
                numbers[index] += 1
            yield packet

    def moved(self, seconds: Fraction) -> Self:
        """The clock with all times later by so much."""
        return replace(self, base_seconds=self.base_seconds + seconds)


PLAIN = StreamClock()
NO_CLOCK = Clock()
"""Of a film whose times are taken as they are."""


def _move(packet: Packet[S], seconds: Fraction) -> None:
    if not seconds:
        return
    ticks = round(seconds / packet.time_base)
    packet.pts = None if packet.pts is None else packet.pts + ticks
    packet.dts = None if packet.dts is None else packet.dts + ticks


def _follow(packet: Packet[S], before: tuple[int, int] | None) -> None:
    """Put a packet that does not come later than the one before behind that."""
    if before is None or packet.pts is None or packet.pts > before[0]:
        return
    packet.pts = packet.dts = before[0] + max(1, before[1])
