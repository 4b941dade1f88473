"""One pass over a film's packets: where its clocks jump, its rate, and what changes in mid-film."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import av
from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from vidcolor.reading.changes import ChangeFinder
from vidcolor.reading.clock import PLAIN, Clock
from vidcolor.reading.rates import RateFinder
from vidcolor.reading.seams import Seams
from vidcolor.reading.source import Source, main_video_stream, open_source
from vidcolor.reading.tracks import Track

# Containers whose clocks may restart. In others a long hole is a long hole.
CLOCKED = ("mpegts", "mpeg")
# Containers that hold no time of a frame, only its place.
UNTIMED = ("avi", "gxf")
# Held in memory while a film is opened.
WIDE_PROBE_BYTES = 32 << 20
MOST_PROBED_BYTES = 512 << 20


def survey(source: Source) -> Source:
    """The film with what one pass over its packets says of its times.

    Jumps of the clock move all streams by one amount, so that pictures follow each other and no
    sound lies on other sound. A single stray packet is moved to where it was due.

    Args:
        source: The film; an image sequence has no clock and is given back as it is.

    Raises:
        SourceError: It cannot be opened any more.
    """
    if source.sequence is not None:
        return source
    if source.container in CLOCKED:
        source = _probed_to(source, _probe_bytes(source))
    rates = RateFinder(source)
    tracks, seams, is_reordered, finder = _look(source, rates)
    main = tracks.get(source.stream_index)
    if main is None:  # a cover picture alone, say
        return source
    streams, notes = seams.mended()
    clock = Clock(
        streams=streams,
        in_order=source.container in UNTIMED and is_reordered,
        first_seconds=min(track.first_seconds for track in tracks.values() if track.count),
        notes=tuple(notes),
    )
    is_one = len(main.parts) == 1
    surveyed = replace(
        source,
        first_pts=_first_pts(source, clock, main),
        clock=clock,
        frame_rate=rates.average(),
        constant_rate=rates.constant() if is_one else None,
        exact_rate=rates.exact() if is_one else None,
    )
    surveyed = _with_changes(surveyed, finder)
    if not streams:
        return surveyed
    # What the header says of the length is false where times were.
    seconds = float(main.count / surveyed.frame_rate)
    return replace(surveyed, picture_seconds=None, duration_seconds=seconds)


def _with_changes(source: Source, finder: ChangeFinder) -> Source:
    """The film with what changes in its midst, and what its frames say of their fields."""
    clock = source.clock.streams.get(source.stream_index, PLAIN)
    changes = finder.changes(source.first_pts, source.time_base, clock.shift_at)
    return replace(source, changes=changes, fields=finder.fields())


class _Looked(NamedTuple):
    """What a pass over a film's packets finds: its streams, their jumps, B-frames, and changes."""

    tracks: dict[int, Track]
    seams: Seams
    is_reordered: bool
    finder: ChangeFinder


def _look(source: Source, rates: RateFinder) -> _Looked:
    is_clocked, is_reordered = source.container in CLOCKED, False
    with open_source(source) as opened:
        tracks = {
            stream.index: Track(
                stream.type, _name(stream), Fraction(stream.time_base or 1), is_clocked
            )
            for stream in opened.streams
            if not stream.disposition & Disposition.attached_pic
        }
        if source.stream_index in tracks:
            tracks[source.stream_index].shown = rates.add
        seams = Seams(tracks, source.stream_index)
        finder = ChangeFinder(main_video_stream(opened, source.path))
        for order, packet in enumerate(_packets(opened)):
            if packet.stream.index in tracks:
                tracks[packet.stream.index].add(packet, order)
                seams.look()
            is_main = packet.stream.index == source.stream_index
            is_reordered |= is_main and packet.pts != packet.dts
            if is_main:
                finder.add(packet)
        for track in tracks.values():
            track.end()
        seams.look()
    return _Looked(tracks, seams, is_reordered, finder)


def _first_pts(source: Source, clock: Clock, main: Track) -> int:
    """Time of the first frame, mended."""
    stream = clock.streams.get(source.stream_index)
    first = main.first_time if clock.in_order else source.first_pts
    return first if stream is None else first + round(stream.shift_at(0) / source.time_base)


def _probe_bytes(source: Source) -> int:
    """How far into a file streams begin that FFmpeg's own probe does not reach; 0 for none.

    In MPEG's streams sound may be switched on late; what is not known of it when its container is
    written makes it unwritable, and of a program stream it is then not found at all.
    """
    with open_source(source) as opened:
        narrow = len(opened.streams)
        late = [stream for stream in opened.streams if not _is_known(stream)]
        places = {stream.index: 0 for stream in late}
        for packet in _packets(opened) if late else ():
            if not places.get(packet.stream.index, 1):
                places[packet.stream.index] = packet.pos or 0
                if all(places.values()):
                    break
    if late:
        return min(MOST_PROBED_BYTES, max(WIDE_PROBE_BYTES, 2 * max(places.values())))
    with open_source(_probed_to(source, WIDE_PROBE_BYTES)) as opened:
        return WIDE_PROBE_BYTES if len(opened.streams) > narrow else 0


def _probed_to(source: Source, probe_bytes: int) -> Source:
    return replace(source, access=replace(source.access, probe_bytes=probe_bytes))


def _is_known(stream: Stream) -> bool:
    """Whether enough of a sound track is known to write it elsewhere."""
    context = stream.codec_context
    return not isinstance(context, AudioCodecContext) or bool(context.sample_rate)


def _packets(opened: InputContainer) -> Iterator[Packet[Stream]]:
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
