"""One pass over a film's packets, nothing decoded: where its clocks jump, and what its rate is."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
from av.packet import Packet
from av.stream import Disposition, Stream

from vidcolor.reading.clock import Clock, StreamClock
from vidcolor.reading.rates import RateFinder
from vidcolor.reading.source import Source

# Decoding times within a stream rise by the length of a packet; what lies this far off is wrong.
JUMP_SECONDS = Fraction(1, 2)
# Forward, a clock is taken to jump only from here on; a shorter hole may be a loss of signal.
HOLE_SECONDS = 10
# Of containers whose clocks may begin anew. In others a long hole is a long hole.
CLOCKED = ("mpegts", "mpeg")
# Clocks of several streams jump by the same amount, but for how far each stream had come.
SAME_JUMP_SECONDS = 3
# So many packets in a row prove that the clock jumped, fewer are stray ones.
SURE_PACKETS = 3
# By so many packets the streams of a film lie apart in the file at most.
REMEMBERED = 512
MOST_NOTES = 5


@dataclass(slots=True)
class _Part:
    """A stretch of one stream's packets whose clock runs on; times in the stream's unit.

    `order` is the place of the first packet among all packets of the file.
    """

    first: int
    order: int
    jump: int = 0
    start: int | None = None
    end: int | None = None

    def add(self, pts: int, length: int) -> None:
        self.start = pts if self.start is None else min(self.start, pts)
        self.end = pts + length if self.end is None else max(self.end, pts + length)


@dataclass(slots=True)
class _Track:
    """What is learned of one stream, packet by packet."""

    stream: Stream
    unit: Fraction
    is_clocked: bool
    parts: list[_Part] = field(default_factory=list)
    strays: dict[int, int] = field(default_factory=dict)
    stray_times: list[tuple[int, int]] = field(default_factory=list)
    doubled: int = 0
    count: int = 0
    length: int = 0
    due: int | None = None
    last: int | None = None
    pending: list[tuple[int, int, int, int]] = field(default_factory=list)
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def is_continuous(self) -> bool:
        return self.stream.type in {"audio", "video"}

    def add(self, packet: Packet[Stream], order: int) -> None:
        """Take in the next packet, the `order`-th of the file."""
        number, self.count = self.count, self.count + 1
        self.recent.append((order, number))
        time = packet.pts if packet.dts is None else packet.dts
        if time is None:
            return
        shown = time if packet.pts is None else packet.pts
        self.length = packet.duration or self.length
        if not self.parts:
            self.parts.append(_Part(number, order))
        if not self.is_continuous:
            self.parts[-1].add(shown, self.length)
            return
        self._judge((number, order, time, shown))

    def end(self) -> None:
        """Decide about the last packets: what lies later than due may be so."""
        self._settle(as_strays=bool(self.pending) and self.pending[0][2] < (self.due or 0))

    def _judge(self, one: tuple[int, int, int, int]) -> None:
        time = one[2]
        limit = max(JUMP_SECONDS / self.unit, 2 * self.length)
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
                self.due = self.last = due + self.length
                self.last = due
                continue
            off = time - due
            hole = HOLE_SECONDS / self.unit if self.is_clocked else None
            if one is pending[0] and (off < 0 or (hole is not None and off > hole)):
                self.parts.append(_Part(number, order, off))
                self.last = None
            self._take(one)

    def _take(self, one: tuple[int, int, int, int]) -> None:
        _, _, time, shown = one
        self.parts[-1].add(shown, self.length)
        is_sound = self.stream.type == "audio"
        if is_sound and self.last is not None and time <= self.last and self.length:
            self.doubled += 1
            time = self.last + self.length
        self.last, self.due = time, time + self.length

    def first_from(self, order: int) -> int:
        """Number of the stream's first packet from a place in the file on."""
        found = [number for place, number in self.recent if place >= order]
        return found[0] if found else self.count


def survey(source: Source) -> Source:
    """The film with what one pass over its packets says of its times.

    Jumps of the clock move all streams by one amount, so that pictures follow each other and no
    sound lies on other sound. A single packet that lies elsewhere is put where it was due.

    Args:
        source: The film; an image sequence has no clock and is given back as it is.

    Raises:
        SourceError: It cannot be opened any more.
    """
    if source.sequence is not None:
        return source
    is_clocked = source.container in CLOCKED
    rates = RateFinder(source)
    has_reordered = False
    with source.open() as opened:
        tracks = {
            stream.index: _Track(stream, Fraction(stream.time_base or 1), is_clocked)
            for stream in opened.streams
            if not stream.disposition & Disposition.attached_pic
        }
        seams = _Seams(tracks, source.stream_index)
        for order, packet in enumerate(_packets(opened)):
            if packet.stream.index in tracks:
                tracks[packet.stream.index].add(packet, order)
                seams.look()
            if packet.stream.index == source.stream_index:
                rates.add(packet.pts)
                has_reordered |= packet.pts != packet.dts
        for track in tracks.values():
            track.end()
        seams.look()
    streams, notes = seams.mended()
    clock = Clock(
        streams=streams,
        in_order=source.container == "avi" and has_reordered,
        frames=tracks[source.stream_index].count if source.stream_index in tracks else None,
        notes=tuple(notes),
    )
    return replace(
        source,
        clock=clock,
        frame_rate=rates.average(),
        constant_rate=rates.constant(),
        exact_rate=rates.exact(),
    )


class _Seams:
    """Where streams jump, put together; noted as they come, while the file's order is known."""

    def __init__(self, tracks: dict[int, _Track], main: int) -> None:
        self._tracks, self._main = tracks, main
        self._seen = dict.fromkeys(tracks, 1)
        # For each jump of a stream, the first packet of every other stream behind it in the file.
        self._beside: dict[tuple[int, int], dict[int, int]] = {}

    def look(self) -> None:
        """Note the jumps that were found since the last look."""
        for index, track in self._tracks.items():
            if len(track.parts) <= self._seen[index]:
                continue
            for number in range(self._seen[index], len(track.parts)):
                order = track.parts[number].order
                others = {other: one.first_from(order) for other, one in self._tracks.items()}
                self._beside[index, number] = others
            self._seen[index] = len(track.parts)

    def mended(self) -> tuple[dict[int, StreamClock], list[str]]:
        """The clock of each stream that needs one, and what is told of all."""
        starts = {index: [0] for index in self._tracks}
        shifts = {index: [Fraction(0)] for index in self._tracks}
        notes: list[str] = []
        free = set(self._beside)
        for key in sorted(self._beside, key=self._order):
            if key not in free:
                continue
            group = {key[0]: key[1]} | self._same_jump(key, free)
            free -= set(group.items())
            alone = len(group) == 1 and any(
                index != key[0] and self._is_active(index, key) for index in self._tracks
            )
            jump = self._jump(key)
            if alone and jump > 0:
                continue
            moved = [key[0]] if alone else list(self._tracks)
            shift = self._shift(group, shifts)
            for index in moved:
                number = group.get(index)
                first = (
                    self._beside[key][index]
                    if number is None
                    else self._tracks[index].parts[number].first
                )
                starts[index].append(first)
                shifts[index].append(shift)
            notes.append(self._told(key, jump, shifts, alone=alone))
        return self._clocks(starts, shifts), [*_shortened(notes), *self._told_strays()]

    def _clocks(
        self, starts: dict[int, list[int]], shifts: dict[int, list[Fraction]]
    ) -> dict[int, StreamClock]:
        clocks = {
            index: StreamClock(
                starts=tuple(starts[index]),
                shifts=tuple(shifts[index]),
                strays={number: off * track.unit for number, off in track.strays.items()},
                is_doubled=bool(track.doubled),
            )
            for index, track in self._tracks.items()
        }
        return {index: clock for index, clock in clocks.items() if not clock.is_plain}

    def _order(self, key: tuple[int, int]) -> tuple[int, bool]:
        """Jumps in the file's order, at one place that of the picture first."""
        return self._tracks[key[0]].parts[key[1]].order, key[0] != self._main

    def _jump(self, key: tuple[int, int]) -> Fraction:
        track = self._tracks[key[0]]
        return track.parts[key[1]].jump * track.unit

    def _same_jump(self, key: tuple[int, int], free: set[tuple[int, int]]) -> dict[int, int]:
        """The next jumps of other streams, as far as they are the same one."""
        found: dict[int, int] = {}
        for index, number in sorted(free, key=self._order):
            is_other = index != key[0] and index not in found
            if is_other and abs(self._jump((index, number)) - self._jump(key)) < SAME_JUMP_SECONDS:
                found[index] = number
        return found

    def _is_active(self, index: int, key: tuple[int, int]) -> bool:
        """Whether a stream of sound or pictures goes on over a jump of another."""
        track = self._tracks[index]
        return track.is_continuous and 0 < self._beside[key][index] < track.count

    def _shift(self, group: dict[int, int], shifts: dict[int, list[Fraction]]) -> Fraction:
        """Seconds by which the new part is moved: the picture goes on, and no sound lies on other.

        An overlap of up to half a packet is left, as sound and pictures never end at one time.
        """
        wanted, lengths = {}, {}
        for index, number in group.items():
            track = self._tracks[index]
            before, part = track.parts[number - 1], track.parts[number]
            ended = (before.end or 0) * track.unit + shifts[index][-1]
            wanted[index] = ended - (part.start or 0) * track.unit
            lengths[index] = track.length * track.unit
        shift = wanted.get(self._main, max(wanted.values()))
        for index, one in wanted.items():
            if one - shift > lengths[index] / 2:
                shift = one
        return shift

    def _told(
        self,
        key: tuple[int, int],
        jump: Fraction,
        shifts: dict[int, list[Fraction]],
        *,
        alone: bool,
    ) -> str:
        track = self._tracks[key[0]]
        part = track.parts[key[1]]
        place = _clock_text(self._since_first(part.start or 0, track, shifts[key[0]][-1]))
        what = f"the clock of {_name(track.stream)}" if alone else "the clock of all streams"
        which = f" (frame {part.first})" if key[0] == self._main else ""
        return f"{what} jumps by {float(jump):+.3f} s at {place}{which}: closed"

    def _told_strays(self) -> list[str]:
        notes = []
        for index, track in self._tracks.items():
            what = "frame" if index == self._main else f"packet of {_name(track.stream)}"
            for number, due in track.stray_times:
                off = float(-track.strays[number] * track.unit)
                late = "late" if off > 0 else "early"
                place = _clock_text(self._since_first(due, track, Fraction(0)))
                one = f"frame {number}" if index == self._main else f"{what} {number}"
                notes.append(f"{one} at {place} was {abs(off):.3f} s {late}: put where it was due")
            if track.doubled:
                notes.append(
                    f"{track.doubled} packets of {_name(track.stream)} had the time of the one "
                    "before: put behind it"
                )
        return _shortened(notes)

    def _since_first(self, time: int, track: _Track, shift: Fraction) -> float:
        main = self._tracks.get(self._main)
        first = (main.parts[0].start or 0) * main.unit if main and main.parts else Fraction(0)
        return float(time * track.unit + shift - first)


def _packets(opened: av.container.InputContainer) -> Iterator[Packet[Stream]]:
    """All packets of a file that hold something, up to where it breaks off."""
    demuxed = opened.demux()
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.FFmpegError):
            return
        if packet.size:
            yield packet


def _name(stream: Stream) -> str:
    codec = stream.codec_context.name if stream.codec_context else "no codec"
    return f"{stream.type} {stream.index} ({codec})"


def _clock_text(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02}:{rest:06.3f}"


def _shortened(notes: list[str]) -> list[str]:
    more = len(notes) - MOST_NOTES
    return notes if more <= 0 else [*notes[:MOST_NOTES], f"and {more} more of that kind"]
