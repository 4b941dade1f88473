"""A film's frames, decoded one after the other, each with its luma as coded."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import ceil
from typing import Any

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidcolor.color.ycbcr import KR_KB
from vidcolor.errors import SourceError
from vidcolor.frame import Frame, FrameFormat, Plane
from vidcolor.reading.captions import CAPTIONED_CODECS, captions_of
from vidcolor.reading.chroma import read_chroma
from vidcolor.reading.clock import Clock, ExactRate
from vidcolor.reading.damage_log import DamageLog
from vidcolor.reading.fields import SAYING_CODECS, FieldOrders
from vidcolor.reading.pixels import (
    FLOAT_SUFFIXES,
    GRAY,
    PLANAR_RGB,
    gray_view,
    is_planar_luma,
    light_view,
    planar_format,
    plane_view,
    rgb_views,
)
from vidcolor.reading.source import Source, main_video_stream, open_source
from vidcolor.words import counted

# Starts nearer than this to the beginning are reached by decoding, farther ones by seeking.
SEEK_FROM_SECONDS = 10
# Their standards define each decoded sample exactly, so that hardware gives the same luma.
EXACT_CODECS = ("h264", "hevc", "vp8", "vp9", "av1")
# As hardware gives pictures back; deep codes lie in the high bits of a word.
HARDWARE_FORMATS = ("nv12", "yuv444p")
DEEP_HARDWARE_FORMATS = ("p010le", "p012le", "p016le", "yuv444p16le")
# A picture that ends this much before its stated length is reported as cut short: less than a frame
# where the file's writer stated the length, more where FFmpeg guesses it by times that it finds.
END_TOLERANCE_FRAMES = 0.75
GUESSED_TOLERANCE_SECONDS = 0.5
GUESSED_LENGTHS = ("mpeg", "mpegts")
MOST_NAMES = 5  # of images with a fault that are named


_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Damage:
    """What was damaged or missing in a source, counted while it is read.

    Attributes:
        packets: Packets that gave no frame because they do not decode.
        frames: Frames that the decoder marked as damaged, or with slices whose checksums fail.
        times: Frames without a usable time, which got the next one in order.
        held: Missing images of a sequence, in whose place the one before them is repeated.
        unread: Places in the source that the disk does not give back; zeros stand for them.
        missing_seconds: How much earlier the picture ended than its header states.
        blank: Images of a sequence that are black all over.
        names: Of the first of a sequence's images that do not decode, are damaged or black.
    """

    packets: int = 0
    frames: int = 0
    times: int = 0
    held: int = 0
    unread: int = 0
    missing_seconds: float = 0.0
    blank: int = 0
    names: list[str] = field(default_factory=list)

    def add_name(self, name: str) -> None:
        """Keep the name of an image with a fault, unless there are many."""
        if name not in self.names and len(self.names) < MOST_NAMES:
            self.names.append(name)

    def __str__(self) -> str:
        parts = (
            _some(self.packets, "packet does not decode", "packets do not decode"),
            _some(self.frames, "frame is damaged", "frames are damaged"),
            _some(self.times, "frame time was mended", "frame times were mended"),
            _some(self.held, "missing image is held", "missing images are held"),
            _some(self.unread, "place cannot be read", "places cannot be read"),
            f"the file ends {self.missing_seconds:.2f} s early" if self.missing_seconds else "",
            _some(self.blank, "image is black all over", "images are black all over"),
        )
        more = ", ..." if len(self.names) == MOST_NAMES else ""
        names = f" ({', '.join(self.names)}{more})" if self.names else ""
        return ", ".join(filter(None, parts)) + names


def _some(count: int, one: str, many: str = "") -> str:
    return counted(count, one, many) if count else ""


def read_frames(
    source: Source,
    losses: Damage,
    *,
    start_seconds: Fraction = Fraction(0),
    duration_seconds: Fraction | None = None,
    hwaccel: str | None = None,
) -> Iterator[Frame]:
    """Yield the frames of `source` in the order shown.

    Every frame that decodes comes out, damaged or not; what does not is counted in `losses`.

    Args:
        source: The film.
        losses: Counted up while the film is read.
        start_seconds: Leave out frames shown earlier than this after the film's first one.
        duration_seconds: Stop at frames shown this long after the first one yielded.
        hwaccel: FFmpeg's name of the hardware that decodes; if it cannot, software does, with a
            warning.

    Raises:
        SourceError: The frame size or pixel format changes, or no frame lies in the range.
    """
    index = 0
    end_pts: int | None = None
    wanted_pts = source.first_pts + ceil(start_seconds / source.time_base)
    is_far = start_seconds > SEEK_FROM_SECONDS
    seek_pts = wanted_pts if is_far and _seeks_cleanly(source, wanted_pts) else None
    to_frame = _FrameMaker(source, by_hardware=hwaccel is not None)
    with closing(_timed_frames(source, losses, wanted_pts, seek_pts, hwaccel)) as timed:
        for decoded, pts in timed:
            if index == 0 and duration_seconds is not None:
                end_pts = pts + ceil(duration_seconds / source.time_base)
            if end_pts is not None and pts >= end_pts:
                return
            frame = to_frame(decoded, pts, index)
            _look_for_black(frame, source, losses)
            yield frame
            losses.held += source.sequence is not None and source.sequence.is_held(pts)
            index += 1
    losses.unread = len(source.access.unread or ())
    if index == 0:
        raise SourceError(f"{source.path}: ends before {float(start_seconds):g} s; start earlier")


def read_frames_from(
    source: Source,
    first: tuple[int, int],
    *,
    seek_pts: int | None,
    hwaccel: str | None = None,
) -> Generator[Frame, None, None]:
    """Yield frames of a film that was read before, from one in its middle on.

    Args:
        source: The film.
        first: Number and pts of the first frame.
        seek_pts: Decode from the key frame before this pts on; None for from the film's beginning.
            Frames that need what lies before it, and mended times, are not what they were.
        hwaccel: See `read_frames`.
    """
    number, wanted_pts = first
    to_frame = _FrameMaker(source, by_hardware=hwaccel is not None)
    with closing(_timed_frames(source, Damage(), wanted_pts, seek_pts, hwaccel)) as timed:
        for index, (decoded, pts) in enumerate(timed, number):
            yield to_frame(decoded, pts, index)


def _look_for_black(frame: Frame, source: Source, losses: Damage) -> None:
    """Count an image whose codes are all 0, which no scanner gives and a failed decoder does."""
    if source.sequence is not None and not frame.luma.any():
        losses.blank += 1
        losses.add_name(source.sequence.file_at(frame.pts).name)


def _timed_frames(
    source: Source, losses: Damage, wanted_pts: int, seek_pts: int | None, hwaccel: str | None
) -> Generator[tuple[VideoFrame, int], None, None]:
    """Decoded frames from `wanted_pts` on, with strictly rising pts."""
    with _opened(source, hwaccel) as container:
        stream = main_video_stream(container, source.path)
        if seek_pts is not None:
            container.seek(seek_pts, stream=stream)
        last_pts: int | None = None
        end_pts = source.first_pts
        frame_pts = round(1 / (source.frame_rate * source.time_base))
        for decoded in _decode(container, stream, losses, source):
            pts = _rising_pts(decoded, last_pts, losses)
            last_pts = pts
            pts = _restore_rate(decoded, pts, source.clock.exact_rate)
            end_pts = pts + (decoded.duration or frame_pts)
            if pts >= wanted_pts:
                yield decoded, pts
        first, end = (float(pts * source.time_base) for pts in (source.first_pts, end_pts))
        missing = source.missing_seconds(first, end)
        tolerance = END_TOLERANCE_FRAMES / float(source.frame_rate)
        if source.container in GUESSED_LENGTHS:
            tolerance = GUESSED_TOLERANCE_SECONDS
        losses.missing_seconds = missing if missing > tolerance else 0.0


def _restore_rate(decoded: VideoFrame, pts: int, exact: ExactRate | None) -> int:
    """The frame's time, and length, as they were before its container rounded them."""
    if exact is None:
        return pts
    decoded.duration = exact.exact_length(decoded.duration or 0)
    return exact.exact(pts)


def _opened(source: Source, hwaccel: str | None) -> InputContainer:
    """The film, to be decoded by hardware if that is asked for and can be."""
    if hwaccel is not None:
        try:
            return _opened_for_hardware(source, hwaccel)
        except (NotImplementedError, SourceError) as error:
            reason = error.__cause__ or error
            told = getattr(reason, "strerror", None) or reason
            place = (source.path, hwaccel, source.codec, told)
            _LOG.warning("%s: %s cannot decode %s (%s); decoding in software", *place)
    return open_source(source)


def _opened_for_hardware(source: Source, hwaccel: str) -> InputContainer:
    if source.codec not in EXACT_CODECS:
        raise NotImplementedError("its decoders may give other luma")
    container = open_source(source, HWAccel(hwaccel))
    if not main_video_stream(container, source.path).codec_context.is_hwaccel:
        container.close()
        raise NotImplementedError("not in this FFmpeg")
    return container


def _seeks_cleanly(source: Source, pts: int) -> bool:
    """Whether decoding may begin at the key frame before `pts`.

    Of a frame that a file calls one in vain decoders make nothing, or garbage without a word.
    """
    if not source.clock.can_seek:
        return False
    with open_source(source) as container:
        stream = main_video_stream(container, source.path)
        try:
            container.seek(pts, stream=stream)
            decoded = next(container.decode(stream))
        except (av.FFmpegError, StopIteration):
            return False
        is_whole = bool(decoded.key_frame) and not decoded.is_corrupt
        return is_whole and decoded.pts is not None and decoded.pts <= pts


def _decode(
    container: InputContainer, stream: VideoStream, losses: Damage, source: Source
) -> Iterator[VideoFrame]:
    """All frames that the decoder gives, the held back ones at the end included."""
    clock = source.clock
    ticks: list[int] = []
    with DamageLog(stream.codec_context.name) as log:
        for packet in _packets(container, stream, clock):
            if clock.in_order and packet is not None and packet.dts is not None:
                heappush(ticks, packet.dts)
            try:
                frames = stream.decode(packet)
            except av.FFmpegError:
                losses.packets += 1
                log.take()
                _name_image(source, packet, losses)
                if packet is not None and packet.dts in ticks:
                    ticks.remove(packet.dts)
                    heapify(ticks)
                continue
            damaged = log.take() or sum(frame.is_corrupt for frame in frames)
            losses.frames += damaged
            if damaged:
                _name_image(source, packet, losses)
            for frame in frames:
                if ticks:
                    frame.pts = heappop(ticks)
                yield frame


def _name_image(source: Source, packet: Packet[VideoStream] | None, losses: Damage) -> None:
    """Keep the name of an image that does not decode, or is damaged."""
    if source.sequence is not None and packet is not None and packet.pts is not None:
        losses.add_name(source.sequence.file_at(packet.pts).name)


def _packets(
    container: InputContainer, stream: VideoStream, clock: Clock
) -> Iterator[Packet[VideoStream] | None]:
    """The stream's packets, then None; a file that breaks off ends like one that is whole."""
    demuxed = clock.mended(container.demux(stream))
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.FFmpegError):
            break
        if packet.size:
            yield packet
    yield None


def _rising_pts(decoded: VideoFrame, last_pts: int | None, losses: Damage) -> int:
    """The frame's own pts, or the next possible one where it has none or goes back."""
    pts = decoded.pts if decoded.pts is not None else decoded.dts
    if pts is not None and (last_pts is None or pts > last_pts):
        return pts
    losses.times += 1
    return 0 if last_pts is None else last_pts + max(1, decoded.duration or 1)


class _FrameMaker:
    """Makes frames of what the decoder of a film gives."""

    def __init__(self, source: Source, *, by_hardware: bool) -> None:
        self._source = source
        self._by_hardware = by_hardware
        self._orders = FieldOrders() if source.codec in SAYING_CODECS else None

    def __call__(self, decoded: VideoFrame, pts: int, index: int) -> Frame:
        source, picture = self._source, self._source.picture
        found = (decoded.width, decoded.height, decoded.format.name)
        if not self._is_expected(found):
            path = source.path if source.sequence is None else source.sequence.file_at(pts)
            raise SourceError(
                f"{path}: frame {index} changes from {picture.width}x{picture.height} "
                f"{source.pixel_format} to {found[0]}x{found[1]} {found[2]}; "
                "if it says so in its headers, add --on-change split"
            )
        for change in source.changes:
            if pts >= change.pts:
                # Not the shape of pixels: a net sees all frames of a shot at one size.
                picture = change.colored(picture)
        return Frame(
            index=index,
            luma=luma_codes(decoded, picture),
            pts=pts,
            duration=decoded.duration or 0,
            time_base=source.time_base,
            picture=picture,
            top_field_first=self._top_field_first(decoded),
            chroma=read_chroma(decoded, picture) if source.reads_chroma else None,
            captions=captions_of(decoded) if source.codec in CAPTIONED_CODECS else b"",
        )

    def _is_expected(self, found: tuple[int, int, str]) -> bool:
        picture = self._source.picture
        # In mid-film decoders do not always say full range by their formats' names; the tags do.
        names = {name.replace("yuvj", "yuv") for name in (found[2], self._source.pixel_format)}
        if found[:2] == (picture.width, picture.height) and len(names) == 1:
            return True
        return self._by_hardware and found in _from_hardware(picture)

    def _top_field_first(self, decoded: VideoFrame) -> bool | None:
        if not decoded.interlaced_frame:
            return None
        if self._orders is None or self._by_hardware:
            return not self._source.picture.is_bottom_first
        return self._orders.is_top_first(decoded)


def _from_hardware(picture: FrameFormat) -> list[tuple[int, int, str]]:
    """What the frames of a film may be that hardware decoded."""
    names = HARDWARE_FORMATS if picture.depth == 8 else DEEP_HARDWARE_FORMATS  # noqa: PLR2004
    return [(picture.width, picture.height, name) for name in names]


def luma_codes(decoded: VideoFrame, picture: FrameFormat) -> Plane:
    """The frame's luma codes, (height, width); for RGB its luma by the picture's matrix."""
    if decoded.format.name in DEEP_HARDWARE_FORMATS:
        return np.asarray(plane_view(decoded, 0) >> np.uint16(16 - picture.depth), np.uint16)
    if is_planar_luma(decoded.format):
        return plane_view(decoded, 0).copy()
    fmt = decoded.format
    name = planar_format(fmt)
    if not name.startswith(PLANAR_RGB):
        if fmt.name.endswith(FLOAT_SUFFIXES):
            return np.rint(light_view(decoded, 0)).astype(np.uint16)
        if name.startswith(GRAY) and not fmt.is_bit_stream:
            return gray_view(decoded)
        return plane_view(decoded.reformat(format=name), 0).copy()
    if fmt.name.endswith(FLOAT_SUFFIXES):
        codes: list[NDArray[Any]] = [light_view(decoded, index) for index in range(3)]
    else:
        is_planar = fmt.name.startswith(PLANAR_RGB)
        codes = rgb_views(decoded if is_planar else decoded.reformat(format=name))
    # Full range, so that a neutral pixel's luma is its R = G = B code, exactly.
    kr, kb = KR_KB[picture.matrix]
    green, blue, red = (view.astype(np.float64) for view in codes)
    luma = np.rint(green + kr * (red - green) + kb * (blue - green))
    return luma.astype(np.uint8) if picture.depth == 8 else luma.astype(np.uint16)  # noqa: PLR2004
