"""When the packets of a film's copied streams come, in its source and in the result."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple, cast

import av
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.stream import Stream

from vidcolor.reading.clock import NO_CLOCK
from vidcolor.reading.source import Source, open_source
from vidcolor.writing.passthrough import (
    data_streams,
    demux_streams,
    holds_samples,
    holds_stream,
    is_gap,
    is_outside,
    name_stream,
)
from vidcolor.writing.subtitles import text_codec, text_converter
from vidcolor.writing.times import TIME_ERROR_SECONDS

# Less than a sample of any sound lasts.
SAMPLE_SECONDS = 1e-6

GAP_SECONDS = 0.02
"""MOV and MP4 lay samples without gaps: of a gap of one short packet, as VOB has them, they say
nothing. What comes behind is early by that packet, but by no more."""


class _Timed(NamedTuple):
    """A packet, or the samples in it: when it comes, and how long it is, in seconds."""

    seconds: float
    length: float


class _Off(NamedTuple):
    """How far a packet lies from where it should, and how far it may, in seconds."""

    seconds: float
    most: float

    @property
    def is_too_far(self) -> bool:
        return self.seconds > self.most


def stream_time_errors(
    source: Source,
    result: Source,
    container: str,
    *,
    shift_seconds: Fraction = Fraction(0),
    end_seconds: Fraction | None = None,
) -> dict[str, float]:
    """For each copied stream with packets that come at another time, by how much at most.

    A packet may come half its length early or late, as where parts of a film overlap, and samples
    one short packet early.

    Args:
        source: The film, with its clock.
        result: What was written.
        container: Of the result.
        shift_seconds: As for `Passthrough`.
        end_seconds: As for `Passthrough`.
    """
    with open_source(source) as opened, open_source(result) as written:
        copied = [
            stream
            for stream in data_streams(opened, source)
            if holds_stream(container, stream, source.container)
        ]
        names = [(stream.index, name_stream(stream), holds_samples(stream)) for stream in copied]
        numbers = [stream.index for stream in data_streams(written, result)]
    errors = {}
    for (index, name, is_sampled), number in zip(names, numbers, strict=False):
        wanted = _source_times(source, index, container, shift_seconds, end_seconds)
        compare = _sample_errors if is_sampled else _packet_errors
        offs = compare(wanted, _result_times(result, number))
        errors[name] = max((off.seconds for off in offs if off.is_too_far), default=0.0)
    return {name: error for name, error in errors.items() if error}


def _source_times(
    source: Source,
    index: int,
    container: str,
    shift_seconds: Fraction,
    end_seconds: Fraction | None,
) -> Iterator[_Timed]:
    with open_source(source) as opened:
        stream = opened.streams[index]
        codec = text_codec(container, stream)
        convert = None if codec is None else text_converter(codec)
        for packet in demux_streams(opened, [stream], source.clock):
            if is_gap(packet) or is_outside(packet, shift_seconds, end_seconds):
                continue
            if packet.size and (convert is None or convert(packet) is not None):
                yield _timed(packet, float(shift_seconds))


def _result_times(result: Source, index: int) -> Iterator[_Timed]:
    with open_source(result) as opened:
        for packet in demux_streams(opened, [opened.streams[index]], NO_CLOCK):
            if packet.size and not is_gap(packet):
                yield _timed(packet, 0.0)


def _timed(packet: Packet[Stream], shift_seconds: float) -> _Timed:
    pts = packet.dts if packet.pts is None else packet.pts
    seconds = float((pts or 0) * packet.time_base) - shift_seconds
    if not holds_samples(packet.stream):
        return _Timed(seconds, float((packet.duration or 0) * packet.time_base))
    try:
        frames = cast("list[AudioFrame]", packet.decode())
    except av.FFmpegError:
        frames = []
    return _Timed(seconds, sum(frame.samples / frame.sample_rate for frame in frames))


def _packet_errors(wanted: Iterable[_Timed], found: Iterable[_Timed]) -> Iterator[_Off]:
    """How far packets lie from where they should, one by one."""
    for one, other in zip(wanted, found, strict=False):
        yield _Off(abs(other.seconds - one.seconds), max(TIME_ERROR_SECONDS, one.length / 2))


def _sample_errors(wanted: Iterable[_Timed], found: Iterable[_Timed]) -> Iterator[_Off]:
    """How far samples lie from where they should, however packets divide them, one by one."""
    packets = iter(found)
    place = begins = longest = 0.0
    current = next(packets, None)
    for one in wanted:
        while current is not None and place >= begins + current.length - SAMPLE_SECONDS:
            begins, current = begins + current.length, next(packets, None)
        if current is None:
            return
        longest = max(longest, one.length)
        most = max(one.length / 2, min(longest, GAP_SECONDS) + TIME_ERROR_SECONDS)
        yield _Off(abs(current.seconds + place - begins - one.seconds), most)
        place += one.length
