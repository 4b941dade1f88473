"""One stream's packets, taken in one by one: where its clock jumps, and which of them are stray."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

# Decoding times within a stream rise by the length of a packet; what lies this far off is wrong.
JUMP_SECONDS = Fraction(1, 2)
# Forward, a clock is taken to jump only from here on; a shorter hole may be a loss of signal.
HOLE_SECONDS = 10
# So many packets in a row prove that the clock jumped, fewer are stray ones.
SURE_PACKETS = 3
# No packet is decoded so long before it is shown: one that says so has a wrong time of decoding.
MOST_AHEAD_SECONDS = 60
# The most packets by which the streams of a film lie apart in the file.
REMEMBERED = 512


@dataclass(slots=True)
class Part:
    """A stretch of one stream's packets whose clock runs on; times in the stream's unit.

    `order` is the place of the first packet among all packets of the file.
    """

    first: int
    order: int
    jump: int = 0
    start: int | None = None
    end: int | None = None

    def add(self, pts: int, length: int) -> None:
        """Take in a packet that is shown at `pts` for as long as `length`."""
        self.start = pts if self.start is None else min(self.start, pts)
        self.end = pts + length if self.end is None else max(self.end, pts + length)


@dataclass(slots=True)
class Track:
    """What is learned of one stream, packet by packet."""

    kind: str
    name: str
    unit: Fraction
    is_clocked: bool
    parts: list[Part] = field(default_factory=list)
    strays: dict[int, int] = field(default_factory=dict)
    stray_times: list[tuple[int, int]] = field(default_factory=list)
    doubled: int = 0
    count: int = 0
    length: int = 0
    first_time: int = 0
    due: int | None = None
    last: int | None = None
    moved: int = 0
    shown: Callable[[int], None] = lambda _: None
    pending: list[tuple[int, int, int, int]] = field(default_factory=list)
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def is_continuous(self) -> bool:
        """Whether its packets follow each other without a hole, as those of sound do."""
        return self.kind in {"audio", "video"}

    def add(self, packet: Packet[Stream], order: int) -> None:
        """Take in the next packet, the `order`-th of the file."""
        number, self.count = self.count, self.count + 1
        self.recent.append((order, number))
        time = packet.pts if packet.dts is None else packet.dts
        if time is None:
            return
        shown = time if packet.pts is None else packet.pts
        if abs(shown - time) * self.unit > MOST_AHEAD_SECONDS:
            time = shown
        self.length = packet.duration or self.length
        if not self.parts:
            self.first_time = time
            self.parts.append(Part(number, order))
        if not self.is_continuous:
            self.parts[-1].add(shown, self.length)
            return
        self._judge((number, order, time, shown))

    @property
    def first_seconds(self) -> Fraction:
        """When the stream begins, in mended time."""
        return ((self.parts[0].start or 0) * self.unit) if self.parts else Fraction(0)

    def end(self) -> None:
        """Decide about the last packets: what lies later than due may be so."""
        self._settle(as_strays=bool(self.pending) and self.pending[0][2] < (self.due or 0))

    def _judge(self, one: tuple[int, int, int, int]) -> None:
        time = one[2]
        limit = max(round(JUMP_SECONDS / self.unit), 2 * self.length)
        if self.pending:
            due = (self.due or 0) + len(self.pending) * self.length
            before = self.pending[-1][2]
            if abs(time - due) <= limit:
                self._settle(as_strays=True)
            elif abs(time - before - self.length) > limit:
                self._settle(as_strays=False)
        if self.due is not None and abs(time - self.due) > limit:
            self.pending.append(one)
            if len(self.pending) >= SURE_PACKETS:
                self._settle(as_strays=False)
            return
        self._take(one)

    def _settle(self, *, as_strays: bool) -> None:
        pending, self.pending = self.pending, []
        for one in pending:
            number, order, time, _ = one
            due = self.due or 0
            if as_strays:
                self.strays[number] = due - time
                self.stray_times.append((number, due))
                self.shown(due + one[3] - time + self.moved)
                self.last, self.due = due, due + self.length
                continue
            off = time - due
            hole = HOLE_SECONDS / self.unit if self.is_clocked else None
            if one is pending[0] and (off < 0 or (hole is not None and off > hole)):
                self._jump(number, order, off)
            self._take(one)

    def _jump(self, number: int, order: int, off: int) -> None:
        """Begin a part; what is too short before it to be one lay elsewhere by mistake."""
        self.last = None
        self.moved -= off
        first = self.parts[-1]
        if len(self.parts) > 1 or number - first.first >= SURE_PACKETS:
            self.parts.append(Part(number, order, off))
            return
        self.strays |= dict.fromkeys(range(first.first, number), off)
        self.stray_times += [(stray, (first.start or 0) + off) for stray in range(number)[:1]]
        self.parts[-1] = Part(first.first, first.order)

    def _take(self, one: tuple[int, int, int, int]) -> None:
        _, _, time, shown = one
        self.parts[-1].add(shown, self.length)
        self.shown(shown + self.moved)
        is_sound = self.kind == "audio"
        if is_sound and self.last is not None and time <= self.last and self.length:
            self.doubled += 1
            time = self.last + self.length
        self.last, self.due = time, time + self.length

    def first_from(self, order: int) -> int:
        """Number of the stream's first packet from a place in the file on."""
        found = [number for place, number in self.recent if place >= order]
        return found[0] if found else self.count
