"""The part of a film that is asked for, in seconds of that film."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from heapq import heappop, heappush
from itertools import dropwhile, islice

import av

from vidcolor.errors import SourceError
from vidcolor.reading.source import Source, main_video_stream, open_source
from vidcolor.settings import Settings
from vidcolor.spans import Moment, Part
from vidcolor.timecode import Timecode

_REORDERED = 64
"""Packets among which one that is shown earlier may come later; codecs reorder 16 at most."""

_MIDDLE = Fraction(1, 2)  # of a frame: a time that no rounding moves to another one


def settle_part(settings: Settings, source: Source) -> Settings:
    """The settings with the part of one film in seconds: `start_seconds`, `duration_seconds`.

    Frames and timecodes are looked up among the times of the film's packets.

    Args:
        settings: All settings.
        source: The film.

    Raises:
        SourceError: The film has no such frame or timecode, or the part ends before it begins.
    """
    part = settings.part
    if part == Part():
        return settings
    start = settings.start_seconds
    if part.start is not None:
        start = seconds_at(source, part.start, "--start")
    length = settings.duration_seconds
    if part.duration is not None:
        length = _length(source, start, part.duration)
    if part.end is not None:
        length = seconds_at(source, part.end, "--end") - start
        if length <= 0:
            told = "" if part.start is None else f" {part.start}"
            raise SourceError(
                f"{source.path}: --end {part.end} is not after --start{told}; name a later --end"
            )
    return replace(settings, part=Part(), start_seconds=start, duration_seconds=length)


def first_frames(source: Source, seconds: Sequence[Fraction]) -> list[int]:
    """The number of the first frame at or after each of some times that the film has.

    Args:
        source: The film.
        seconds: After its first frame, in order.
    """
    found: list[int] = []
    for number, time in enumerate(_frame_seconds(source)):
        while len(found) < len(seconds) and time >= seconds[len(found)]:
            found.append(number)
    return found


def seconds_at(source: Source, moment: Moment, option: str) -> Fraction:
    """When a frame of the film comes on screen, in seconds after the first one."""
    if moment.unit == "seconds":
        return moment.count
    if moment.timecode is not None:
        number = _counted(source, moment.timecode, option) - _first_count(source, option)
        if number < 0:
            raise SourceError(
                f"{source.path}: {option} {moment}: the film begins later, at {source.timecode}"
            )
        middle = (number + _MIDDLE) / source.frame_rate
        times = [first for first, after in _with_next(source) if first <= middle < after]
    else:
        number = int(moment.count)
        times = list(islice(_frame_seconds(source), number, number + 1))
    if not times:
        raise SourceError(f"{source.path}: {option} {moment}: the film ends before; start earlier")
    return times[0]


def _length(source: Source, start: Fraction, moment: Moment) -> Fraction | None:
    """How long a length is in the film; None if it reaches beyond the end."""
    if moment.unit == "seconds":
        return moment.count
    count = int(moment.count)
    if moment.timecode is not None:
        count = _counted(source, moment.timecode, "--duration")
    times = dropwhile(lambda seconds: seconds < start, _frame_seconds(source))
    begin = next(times, None)
    end = next(islice(times, count - 1, None), None)
    return None if begin is None or end is None else end - begin


def _counted(source: Source, timecode: Timecode, option: str) -> int:
    """Frames from 00:00:00:00 to a timecode of the film."""
    start = _first_timecode(source)
    timecode = timecode._replace(drops=start.drops or timecode.drops)
    try:
        return timecode.count(source.frame_rate)
    except ValueError as error:
        raise SourceError(
            f"{source.path}: {option} {timecode.text()}: {error}; write HH:MM:SS:FF"
        ) from error


def _first_count(source: Source, option: str) -> int:
    return _counted(source, _first_timecode(source), option)


def _first_timecode(source: Source) -> Timecode:
    return Timecode.parse(source.timecode or "") or Timecode(0, 0, 0, 0, drops=False)


def _with_next(source: Source) -> Iterator[tuple[Fraction, Fraction]]:
    """When each frame comes and when the next one does; the last lasts as long as most."""
    before: Fraction | None = None
    for seconds in _frame_seconds(source):
        if before is not None:
            yield before, seconds
        before = seconds
    if before is not None:
        yield before, before + 1 / source.frame_rate


def _frame_seconds(source: Source) -> Iterator[Fraction]:
    """When each frame comes on screen, in order, by the packets; nothing is decoded."""
    if source.sequence is not None:
        for number in range(len(source.sequence)):
            yield number / source.frame_rate
        return
    waiting: list[int] = []
    for pts in _packet_times(source):
        heappush(waiting, pts)
        if len(waiting) > _REORDERED:
            yield from _after_first(source, heappop(waiting))
    while waiting:
        yield from _after_first(source, heappop(waiting))


def _after_first(source: Source, pts: int) -> Iterator[Fraction]:
    """The time after the film's first frame; nothing for what cannot be decoded before that."""
    if pts >= source.first_pts:
        yield (pts - source.first_pts) * source.time_base


def _packet_times(source: Source) -> Iterator[int]:
    clock = source.clock
    with open_source(source) as container:
        stream = main_video_stream(container, source.path)
        packets = clock.mended(container.demux(stream))
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return
            pts = packet.dts if clock.in_order else packet.pts
            if packet.size and pts is not None and not packet.is_discard:
                yield pts if clock.exact_rate is None else clock.exact_rate.exact(pts)
