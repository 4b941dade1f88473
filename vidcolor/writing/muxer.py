"""A film's encoded picture, joined with everything else of its source in one file."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain, islice
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
from av.container import Flags as ContainerFlags
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from vidcolor.errors import DiskFullError, OutputError
from vidcolor.files import (
    is_write_fault,
    open_new,
    own_place,
    part_path,
    refuse_other,
    write_error,
)
from vidcolor.reading.source import Source
from vidcolor.writing.encoding import MP4_FAMILY, Encoding
from vidcolor.writing.matroska import room_for, write_aspect
from vidcolor.writing.matroska_append import append_words
from vidcolor.writing.mxf import MXF
from vidcolor.writing.passthrough import Passthrough, is_gap, kept_tags
from vidcolor.writing.picture_marks import stereo_tags, window_in
from vidcolor.writing.quicktime import add_boxes, picture_boxes
from vidcolor.writing.shot_encoder import Encoded, encoding_error
from vidcolor.writing.timecodes import state_timecode, timecode_of
from vidcolor.writing.times import TIME_ERROR_SECONDS
from vidcolor.writing.transport import lengthen
from vidcolor.writing.video_stream import add_video_stream

# Copied packets may run this far ahead of the picture, as muxers like them interleaved.
COPY_AHEAD_SECONDS = 0.5
# The muxer holds back at most this much (in microseconds) while a sparse stream has no packet.
MAX_INTERLEAVE_DELTA = "1000000"
LEAST_FREE_BYTES = 1 << 16
# Units a second of MP4's own clock: what FFmpeg takes by itself, and the most that is taken here.
MILLISECONDS, MOST_UNITS = 1000, 1_000_000
# Tags that the muxers write, the best first: of free text QuickTime has the comment alone.
NOTE_TAGS: dict[str, tuple[str, ...]] = {
    "mp4": ("description", "synopsis", "comment"),
    "mov": ("comment",),
    "mxf": ("comment_COLORIZED_BY",),
}


class FilmWriter:
    """Writes one film, under a temporary name beside its target until it is whole.

    As a context manager: leaving it normally checks the file and renames it; leaving it by an
    exception removes it.

    Args:
        source: The film whose other streams, chapters and metadata are copied.
        encoding: How to write.
        made_by: What made the color; kept in the output's metadata.
        shift_seconds: Source time at which the output begins, if not at the film's own start.
        end_seconds: Time of the output at which it ends, if the film goes on.
        check: Called with the whole file before it gets its name; what it raises removes the file.

    Raises:
        OutputError: The file cannot be written, or what was written is not what went in.
    """

    def __init__(
        self,
        source: Source,
        encoding: Encoding,
        *,
        made_by: str,
        shift_seconds: Fraction = Fraction(0),
        end_seconds: Fraction | None = None,
        check: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._encoding = encoding
        self._check = check
        self._time_base = source.time_base
        self._words, self._marks = source.words, source.marks
        self._shift_seconds, self._end_seconds = shift_seconds, end_seconds
        self._moved_seconds = shift_seconds - source.clock.base_seconds
        self._count = 0
        self._ends_seconds = (inf, -inf)
        self._part = part_path(encoding.path)
        self._passthrough = Passthrough(
            source, shift_seconds=shift_seconds, end_seconds=end_seconds
        )
        try:
            self._file = open_new(self._part)
            # FFmpeg opens by name and follows links, even one that is planted at this moment.
            self._place = own_place(self._file, self._part)
            self._output = _open_output(self._place, encoding, source)
            self._stream = self._add_streams(source, made_by)
            self._output.start_encoding()
        except (av.FFmpegError, ValueError, OSError) as error:
            self.abandon()
            raise self._explained(error) from error
        except BaseException:
            self.abandon()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.abandon()
            return
        try:
            self._finish()
        except (av.FFmpegError, OSError) as error:
            self.abandon()
            if isinstance(error, OutputError):  # of `check`, and clear already
                raise
            raise self._explained(error) from error
        except BaseException:  # an interrupt, say
            self.abandon()
            raise

    def write(self, packets: Iterable[Encoded], reordered: int) -> None:
        """Write the whole picture.

        Args:
            packets: In the order that decoders want them, those of a shot after those of the shot
                before, their times in units of the source's time base.
            reordered: The greatest `reorder_depth` of the shots.
        """
        try:
            for packet, dts in _decoding_times(packets, reordered):
                self._write(packet, dts)
        except OutputError:  # of the packets' own file, and clear already
            raise
        except (av.FFmpegError, OSError) as error:
            raise self._explained(error) from error

    def _add_streams(self, source: Source, made_by: str) -> Stream:
        """Give each stream its place, in the source's order; the video stream is returned."""
        encoding = self._encoding
        added: Stream | None = None
        streams = list(self._passthrough.input.streams)
        if encoding.container == MXF:  # which wants its picture first
            streams.sort(key=lambda stream: stream.index != source.stream_index)
        for stream in streams:
            if stream.index == source.stream_index:
                added = add_video_stream(self._output, encoding, source)
                added.metadata.update(kept_tags(stream.metadata))
                added.metadata.update(stereo_tags(encoding.container, source.marks))
                added.disposition = stream.disposition
                self._make_room(added)
            elif not encoding.chroma_only:
                self._passthrough.add_stream(stream, self._output, encoding.container)
        if added is None:
            raise OutputError(f"{source.path}: changed while it was read; start again")
        self._passthrough.copy_tags(self._output, encoding.container)
        timecode = timecode_of(source, encoding.container, self._shift_seconds)
        state_timecode(timecode.text, added.metadata, self._output.metadata)
        _add_note(self._output.metadata, encoding.container, made_by)
        return added

    def _write(self, encoded: Encoded, dts: int) -> None:
        packet = Packet(encoded.data)
        packet.time_base = self._time_base
        packet.pts, packet.dts, packet.duration = encoded.pts, dts, encoded.duration
        packet.is_keyframe = encoded.is_key
        packet.stream = self._stream
        seconds = float(encoded.pts * self._time_base)
        first, last = self._ends_seconds
        self._ends_seconds = (min(first, seconds), max(last, seconds))
        self._count += 1
        self._passthrough.copy_until(self._output, seconds + COPY_AHEAD_SECONDS)
        self._output.mux(packet)

    def _finish(self) -> None:
        """Copy what is left, check the file and give it its name."""
        self._passthrough.copy_until(self._output, None)
        video_index = self._stream.index
        picture_number = self._output.streams.video.index(self._stream)
        self._output.close()
        self._passthrough.close()
        self._say_more(video_index, picture_number)
        self._verify(video_index)
        refuse_other(self._part, self._file)
        self._file.close()
        self._check(self._part)
        with self._part.open("rb") as written:
            os.fsync(written.fileno())
        self._part.replace(self._encoding.path)

    def _make_room(self, stream: Stream) -> None:
        """Have the muxer leave room for what is said later."""
        if self._encoding.container == "matroska":
            room = room_for(self._words.window, self._marks)
            if room:
                stream.metadata["title"] = stream.metadata.get("title", "") + room

    def _say_more(self, video_index: int, picture_number: int) -> None:
        """Tell in the finished file what its muxer could not be told."""
        encoding = self._encoding
        window = window_in(encoding.container, self._words.window)
        if encoding.container == "matroska":
            write_aspect(
                self._place,
                encoding.picture,
                track=picture_number,
                window=window,
                marks=self._marks,
            )
            append_words(self._place, self._words, self._moved_seconds, self._end_seconds)
        elif encoding.container in MP4_FAMILY:
            added = b"".join(picture_boxes(encoding.picture, window, self._marks))
            add_boxes(self._place, added, track=video_index)
        elif encoding.container == "mpegts":
            lengthen(self._place)

    def _verify(self, video_index: int) -> None:
        """Read the file back: as many packets as went in, the picture's ends where they were."""
        wanted = {video_index: self._count} | self._passthrough.packet_counts
        found = dict.fromkeys(wanted, 0)
        first, last = inf, -inf
        with av.open(str(self._place.absolute())) as written:  # a colon would name a protocol
            for packet in written.demux():
                index = packet.stream.index
                if not packet.size or is_gap(packet) or index not in found:
                    continue
                found[index] += 1
                if index == video_index and packet.pts is not None:
                    seconds = float(packet.pts * packet.time_base)
                    first, last = min(first, seconds), max(last, seconds)
        ends = self._ends_seconds
        same_ends = max(abs(first - ends[0]), abs(last - ends[1])) < TIME_ERROR_SECONDS
        if found != wanted or not same_ends:
            raise OutputError(
                f"{self._encoding.path}: differs from what was written (packets {wanted} from "
                f"{ends} s, read back as {found} from {first, last} s); "
                "run again, or choose another -o"
            )

    def abandon(self) -> None:
        """Remove what was written and close everything."""
        self._passthrough.close()
        # First of all, so that closing spends no time on putting a header in front of it.
        with suppress(OSError):
            self._part.unlink()
        if hasattr(self, "_file"):
            self._file.close()
        if hasattr(self, "_output"):
            with suppress(av.FFmpegError, OSError, ValueError):
                self._output.close()
        self._part.unlink(missing_ok=True)

    def _explained(self, error: Exception) -> OutputError:
        """`error` as one line that names the file and what to do."""
        path = self._encoding.path
        if is_write_fault(error):
            return write_error(path, error)
        if shutil.disk_usage(path.parent).free < LEAST_FREE_BYTES:
            return DiskFullError(path.parent)
        return encoding_error(self._encoding, error, self._count)


def reorder_depth(times: Iterable[int]) -> int:
    """By how many places a picture comes later than it would in the order shown, at most.

    Args:
        times: Of one shot's pictures, in the order that decoders want them.
    """
    shown = sorted((time, coded) for coded, time in enumerate(times))
    return max((coded - order for order, (_, coded) in enumerate(shown)), default=0)


def _decoding_times(packets: Iterable[Encoded], reordered: int) -> Iterator[tuple[Encoded, int]]:
    """Each packet with a time to decode it: the times shown, in order, `reordered` places later.

    The encoder's own figure is useless here, as it was restarted for each shot.
    """
    remaining = iter(packets)
    first = list(islice(remaining, 2 * reordered + 1))
    early = sorted(packet.pts for packet in first)
    # Before the first picture is shown others must be decoded: as long before as they last.
    whole = len(early) > reordered
    lead = early[reordered] - early[0] if whole else reordered * max(1, first[0].duration)
    waiting: list[int] = []
    for count, packet in enumerate(chain(first, remaining)):
        heappush(waiting, packet.pts)
        yield packet, early[count] - lead if count < reordered else heappop(waiting)


def _add_note(tags: dict[str, str], container: str, note: str) -> None:
    """Tell what made the colors in a tag that the source leaves free, else behind its own words."""
    keys = NOTE_TAGS.get(container, ("COLORIZED_BY",))
    taken = {key.lower() for key in tags}
    key = next((key for key in keys if key.lower() not in taken), None)
    if key is not None:
        tags[key] = note
        return
    own = next(key for key in tags if key.lower() == keys[-1].lower())
    tags[own] = f"{tags[own]} ({note})"


def _open_output(path: Path, encoding: Encoding, source: Source) -> OutputContainer:
    # Times go out as they came in, however they start; bitexact leaves out random identifiers.
    options = {"avoid_negative_ts": "disabled", "max_interleave_delta": MAX_INTERLEAVE_DELTA}
    if encoding.container in MP4_FAMILY:
        options["movflags"] = "+faststart"
        if MILLISECONDS < source.time_base.denominator <= MOST_UNITS:
            # When a film begins is otherwise rounded to a millisecond.
            options["movie_timescale"] = str(source.time_base.denominator)
    if encoding.container == "mpegts":
        options["mpegts_copyts"] = "1"
    output = av.open(
        str(path.absolute()), "w", format=encoding.container, container_options=options
    )
    output.flags |= cast(int, ContainerFlags.bitexact.value)
    return output
