"""The jumps of a film's streams put together: what moves all of them, and by how much."""

from fractions import Fraction

from vidcolor.reading.clock import StreamClock
from vidcolor.reading.tracks import Track

# Clocks of several streams jump by the same amount, but for how far each stream had come.
SAME_JUMP_SECONDS = 3
MOST_NOTES = 5


class Seams:
    """Where streams jump, put together; noted as they come, while the file's order is known."""

    def __init__(self, tracks: dict[int, Track], main: int) -> None:
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
        """The clock of each stream that needs one, and a note on each change."""
        starts = {index: [0] for index in self._tracks}
        shifts = {index: [Fraction(0)] for index in self._tracks}
        notes: list[str] = []
        free = set(self._beside)
        for key in sorted(self._beside, key=self._order):
            if key not in free:
                continue
            group = {key[0]: key[1]} | self._same_jump(key, free)
            free -= set(group.items())
            if self._main in group:
                key = (self._main, group[self._main])  # noqa: PLW2901 - the note names the picture's place
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

        An overlap of less than a packet is left, as sound and pictures never end at one time.
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
            if one - shift >= lengths[index]:
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
        what = f"the clock of {track.name}" if alone else "the clock of all streams"
        which = f" (frame {part.first})" if key[0] == self._main else ""
        return f"{what} jumps by {float(jump):+.3f} s at {place}{which}: removed"

    def _told_strays(self) -> list[str]:
        notes = []
        for index, track in self._tracks.items():
            for number, due in track.stray_times:
                off = float(-track.strays[number] * track.unit)
                late = "late" if off > 0 else "early"
                place = _clock_text(self._since_first(due, track, Fraction(0)))
                what = "frame" if index == self._main else "packet"
                one = f"{what} {number}" + ("" if index == self._main else f" of {track.name}")
                notes.append(
                    f"{one} at {place} was {abs(off):.3f} s {late}: moved to where it was due"
                )
            if track.doubled:
                notes.append(
                    f"{track.doubled} packets of {track.name} had the time of the one "
                    "before: moved behind it"
                )
        return _shortened(notes)

    def _since_first(self, time: int, track: Track, shift: Fraction) -> float:
        main = self._tracks.get(self._main)
        first = (main.parts[0].start or 0) * main.unit if main and main.parts else Fraction(0)
        return float(time * track.unit + shift - first)


def _clock_text(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02}:{rest:06.3f}"


def _shortened(notes: list[str]) -> list[str]:
    more = len(notes) - MOST_NOTES
    return notes if more <= 0 else [*notes[:MOST_NOTES], f"and {more} more of that kind"]
