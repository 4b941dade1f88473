"""Luma as it was and new chroma, encoded; everything else of the source copied beside it."""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, cast

import av
import numpy as np
from av.codec.context import Flags as CodecFlags
from av.container import Flags as ContainerFlags
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.errors import OutputError
from vidcolor.frame import ChromaLocation, Frame, Plane
from vidcolor.video.encoding import MP4_FAMILY, Encoding
from vidcolor.video.matroska import write_aspect
from vidcolor.video.passthrough import Passthrough, is_gap, kept_tags
from vidcolor.video.pixels import plane_view
from vidcolor.video.source import FULL_RANGE, Source

LIMITED_RANGE = 1
CHROMA_LOCATION_NAMES = {ChromaLocation.LEFT: "left", ChromaLocation.TOP_LEFT: "topleft"}
# Copied packets may run this far ahead of the picture, as muxers like them interleaved.
COPY_AHEAD_SECONDS = 0.5
# The muxer holds back at most this much (in microseconds) while a sparse stream has no packet.
MAX_INTERLEAVE_DELTA = "1000000"
INTERLACED_ORDERS = (2, 3, 4, 5)
# Containers round times: Matroska to a millisecond.
TIME_ERROR_SECONDS = 0.002
# libx265 leaves decoding times unset in films as short as its delay for B frames.
X265_UNTIMED_FRAMES = 4
LEAST_FREE_BYTES = 1 << 16


class FilmWriter:
    """Writes one film, under a temporary name beside its target until it is whole.

    As a context manager: leaving it normally checks the file and renames it; leaving it by an
    exception removes it.

    Args:
        source: The film whose other streams, chapters and metadata are copied.
        encoding: How to write.
        made_by: What made the color; kept in the output's metadata.
        shift_seconds: Source time at which the output begins, if not at the film's own start.
        duration_seconds: Length of the output if it is a piece of the film.
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
        duration_seconds: Fraction | None = None,
        check: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._encoding = encoding
        self._check = check
        self._shift_pts = round(shift_seconds / source.time_base)
        self._mark_fields: Callable[[VideoFrame], VideoFrame] | None = None
        self._count = 0
        self._ends_seconds: tuple[float, float] | None = None
        self._part = _part_path(encoding.path)
        self._passthrough = Passthrough(
            source, shift_seconds=shift_seconds, end_seconds=duration_seconds
        )
        try:
            self._output = _open_output(self._part, encoding)
            expected = source.frames_expected(duration_seconds=duration_seconds)
            self._stream = self._add_streams(source, made_by, expected or inf)
            self._output.start_encoding()
        except (av.FFmpegError, ValueError, OSError) as error:
            self._abandon()
            raise self._explained(error) from error
        except BaseException:
            self._abandon()
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
            self._abandon()
            return
        try:
            self._finish()
        except (av.FFmpegError, OSError) as error:
            self._abandon()
            raise self._explained(error) from error
        except BaseException:  # an interrupt, say
            self._abandon()
            raise

    def write(self, frame: Frame, chroma: tuple[Plane, Plane]) -> None:
        """Encode one frame.

        Args:
            frame: Its luma and times go out as they are.
            chroma: Cb and Cr, each (chroma_height, chroma_width) of the encoding's picture, in
                codes of the encoding's pixel format.
        """
        try:
            self._write(frame, chroma)
        except av.FFmpegError as error:
            raise self._explained(error) from error

    def _add_streams(self, source: Source, made_by: str, expected_frames: float) -> VideoStream:
        """Give each stream its place, in the source's order; the video stream is returned."""
        encoding = self._encoding
        added: VideoStream | None = None
        for stream in self._passthrough.input.streams:
            if stream.index == source.stream_index:
                added = _add_video_stream(self._output, encoding, source, expected_frames)
                added.metadata.update(kept_tags(stream.metadata))
                added.disposition = stream.disposition
            else:
                self._passthrough.add_stream(stream, self._output, encoding.container)
        if added is None:
            raise OutputError(f"{source.path}: changed while it was read; start again")
        self._passthrough.copy_tags(self._output, encoding.container)
        key = "description" if encoding.container in MP4_FAMILY else "COLORIZED_BY"
        self._output.metadata.setdefault(key, made_by)
        return added

    def _write(self, frame: Frame, chroma: tuple[Plane, Plane]) -> None:
        picture, shift = self._encoding.picture, self._encoding.luma_shift
        encoded = VideoFrame(picture.width, picture.height, self._encoding.pixel_format)
        for index, plane in enumerate((frame.luma, *chroma)):
            view = plane_view(encoded, index)
            view[:] = plane if shift == 0 else plane.astype(np.uint16) << shift
        # ProRes writes those of the frame, not of the encoder.
        encoded.colorspace = picture.matrix
        encoded.color_range = FULL_RANGE if picture.full_range else LIMITED_RANGE
        encoded.color_primaries = picture.primaries
        encoded.color_trc = picture.transfer
        encoded.pts = frame.pts - self._shift_pts
        encoded.time_base = frame.time_base
        encoded.duration = frame.duration
        if frame.top_field_first is not None:
            if self._mark_fields is None:
                self._mark_fields = _field_marker(encoded, top_first=frame.top_field_first)
            encoded = self._mark_fields(encoded)
        seconds = float((frame.pts - self._shift_pts) * frame.time_base)
        self._ends_seconds = (self._ends_seconds[0] if self._ends_seconds else seconds, seconds)
        self._count += 1
        self._passthrough.copy_until(self._output, seconds + COPY_AHEAD_SECONDS)
        self._output.mux(self._stream.encode(encoded))

    def _finish(self) -> None:
        """Flush the encoder, copy what is left, check the file and give it its name."""
        self._output.mux(self._stream.encode(None))
        self._passthrough.copy_until(self._output, None)
        video_index = self._stream.index
        picture_number = self._output.streams.video.index(self._stream)
        self._output.close()
        self._passthrough.close()
        if self._encoding.container == "matroska":
            write_aspect(self._part, self._encoding.picture, track=picture_number)
        self._verify(video_index)
        self._check(self._part)
        with self._part.open("rb") as written:
            os.fsync(written.fileno())
        self._part.replace(self._encoding.path)

    def _verify(self, video_index: int) -> None:
        """Read the file back: as many packets as went in, the picture's ends where they were."""
        wanted = {video_index: self._count} | self._passthrough.packet_counts
        found = dict.fromkeys(wanted, 0)
        first, last = inf, -inf
        with av.open(str(self._part)) as written:
            for packet in written.demux():
                index = packet.stream.index
                if not packet.size or is_gap(packet) or index not in found:
                    continue
                found[index] += 1
                if index == video_index and packet.pts is not None:
                    seconds = float(packet.pts * packet.time_base)
                    first, last = min(first, seconds), max(last, seconds)
        ends = self._ends_seconds or (inf, -inf)
        same_ends = max(abs(first - ends[0]), abs(last - ends[1])) < TIME_ERROR_SECONDS
        if found != wanted or not same_ends:
            raise OSError(
                errno.EIO,
                f"wrote packets {wanted} from {ends} s, but read back {found} from {first, last} s",
            )

    def _abandon(self) -> None:
        """Remove what was written and close everything."""
        self._passthrough.close()
        # First of all, so that closing spends no time on putting a header in front of it.
        with suppress(OSError):
            self._part.unlink()
        if hasattr(self, "_output"):
            with suppress(av.FFmpegError, OSError, ValueError):
                self._output.close()
        self._part.unlink(missing_ok=True)

    def _explained(self, error: Exception) -> OutputError:
        """`error` as one line that names the file and what to do."""
        folder = self._encoding.path.parent
        full = getattr(error, "errno", None) == errno.ENOSPC
        if full or shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
            return OutputError(f"{folder}: the disk is full; make room or choose another -o")
        reason = getattr(error, "strerror", None) or str(error)
        where = f" at frame {self._count}" if self._count else ""
        return OutputError(
            f"{self._encoding.path}: {self._encoding.codec} in {self._encoding.container} "
            f"failed{where} ({reason}); try another --codec or -o"
        )


def _part_path(target: Path) -> Path:
    """A name beside `target` that shows what it is and that no other run takes."""
    return target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")


def _open_output(path: Path, encoding: Encoding) -> OutputContainer:
    # Times go out as they came in, however they start; bitexact leaves out random identifiers.
    options = {"avoid_negative_ts": "disabled", "max_interleave_delta": MAX_INTERLEAVE_DELTA}
    if encoding.container in MP4_FAMILY:
        options["movflags"] = "+faststart"
    if encoding.container == "mpegts":
        options["mpegts_copyts"] = "1"
    output = av.open(
        str(path.absolute()), "w", format=encoding.container, container_options=options
    )
    output.flags |= cast(int, ContainerFlags.bitexact.value)
    return output


def _add_video_stream(
    output: OutputContainer, encoding: Encoding, source: Source, expected_frames: float
) -> VideoStream:
    picture = encoding.picture
    options = dict(encoding.options)
    location = CHROMA_LOCATION_NAMES.get(picture.chroma_location)
    if location:
        options["chroma_sample_location"] = location
    if encoding.codec == "libx265" and expected_frames <= X265_UNTIMED_FRAMES:
        options["x265-params"] += ":bframes=0"
    stream = output.add_stream(
        cast(Literal["libx264"], encoding.codec),  # for mypy: some video encoder, so a VideoStream
        rate=source.frame_rate,
        options=options,
        width=picture.width,
        height=picture.height,
        time_base=source.time_base,
        pix_fmt=encoding.pixel_format,
    )
    context = stream.codec_context
    context.sample_aspect_ratio = picture.sample_aspect_ratio
    context.color_range = FULL_RANGE if picture.full_range else LIMITED_RANGE
    context.colorspace = picture.matrix
    context.color_primaries = picture.primaries
    context.color_trc = picture.transfer
    context.field_order = picture.field_order
    context.flags |= int(CodecFlags.frame_duration | CodecFlags.bitexact)
    if picture.field_order in INTERLACED_ORDERS:
        context.flags |= int(CodecFlags.interlaced_dct | CodecFlags.interlaced_me)
    if encoding.codec == "libx265" and encoding.container in MP4_FAMILY:
        context.codec_tag = "hvc1"  # the one that QuickTime plays
    stream.set_display_matrix(picture.display_matrix)
    return stream


def _field_marker(like: VideoFrame, *, top_first: bool) -> Callable[[VideoFrame], VideoFrame]:
    """A function that marks frames like `like` as interlaced; PyAV sets that by a filter alone."""
    graph = Graph()
    entry = graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=like.time_base
    )
    setfield = graph.add("setfield", f"mode={'tff' if top_first else 'bff'}")
    leave = graph.add("buffersink")
    graph.link_nodes(entry, setfield, leave).configure()

    def mark(frame: VideoFrame) -> VideoFrame:
        graph.push(frame)
        return cast(VideoFrame, graph.pull())

    return mark
