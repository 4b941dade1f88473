"""Luma as it was and new chroma, encoded: part by part, so that each can stand alone."""

import gc
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple, cast

import av
import numpy as np
from av.filter import Graph
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.color.rgb import rgb_picture
from vidcolor.color.ycbcr import luma_range
from vidcolor.errors import OutputError
from vidcolor.frame import Frame, Plane
from vidcolor.reading.frame_format import FULL_RANGE
from vidcolor.reading.pixels import component_views
from vidcolor.reading.source import Source
from vidcolor.writing.encoder_options import COUNTING_CODECS, LIMITED_RANGE
from vidcolor.writing.encoding import Encoding
from vidcolor.writing.frame_side_data import CaptionedFrames
from vidcolor.writing.mixed_frames import as_whole_frame, fitted, is_woven_by_x264
from vidcolor.writing.video_stream import encoding_stream

RGB = 0

Encode = Callable[[VideoFrame | None], "Iterable[Packet[VideoStream]]"]


class Encoded(NamedTuple):
    """One encoded picture, in the order that decoders want it.

    Attributes:
        data: What the encoder made of it.
        pts: Time shown, in units of the source's time base.
        duration: Time on screen in the same units; 0 where the source does not say.
        is_key: Whether decoding may begin with it.
    """

    data: bytes
    pts: int
    duration: int
    is_key: bool


class ShotEncoder:
    """Encodes the frames of a film; after each part of a shot the encoder is flushed and restarted.

    So the packets of a part depend on its frames alone, and those of all parts, one after the
    other, are the film: a run may stop after any of them and resume later.

    Args:
        source: The film.
        encoding: How to write it.
        shift_seconds: Source time at which the output begins, if not at the film's own start.
    """

    def __init__(
        self, source: Source, encoding: Encoding, *, shift_seconds: Fraction = Fraction(0)
    ) -> None:
        self._source = source
        self._encoding = encoding
        self._shift_pts = round(shift_seconds / source.time_base)
        self._markers: dict[bool, Callable[[VideoFrame], VideoFrame]] = {}
        self._encode: Encode | None = None
        self._opened = encoding
        self._unwoven: set[int] = set()
        self._count = self._count_in_part = 0
        # Time and length of the frames that the encoder has, by number, where it counts them.
        is_counting = encoding.codec in COUNTING_CODECS
        self._counted: dict[int | None, tuple[int, int]] | None = {} if is_counting else None
        holds_captions = encoding.captions == "inside" and not encoding.chroma_only
        size = (encoding.picture.width, encoding.picture.height)
        self._captioned = CaptionedFrames(*size, encoding.pixel_format) if holds_captions else None

    def encode(self, frame: Frame, chroma: tuple[Plane, Plane]) -> Iterator[Encoded]:
        """Take in the next frame of a part; what the encoder gives is that of earlier ones, mostly.

        Args:
            frame: Its luma and times go out as they are.
            chroma: Cb and Cr, each (chroma_height, chroma_width) of the encoding's picture, in
                codes of the encoding's pixel format.

        Raises:
            OutputError: The encoder fails.
        """
        encoding = fitted(self._opened, self._source, frame)
        if encoding != self._opened:
            yield from self.end_part()
        if self._encode is None:
            self._encode, self._opened = _open_encoder(encoding, self._source), encoding
        yield from self._given(self._encode, self._picture(frame, chroma))
        self._count += 1
        self._count_in_part += 1

    def end_part(self) -> Iterator[Encoded]:
        """What the encoder still holds of the part.

        Raises:
            OutputError: The encoder fails.
        """
        encode, self._encode = self._encode, None
        self._count_in_part = 0
        self._opened = self._encoding
        if encode is not None:
            yield from self._given(encode, None)
            # PyAV's containers and streams refer to each other, so that an encoder's memory is only
            # free when Python looks for such circles; by itself it would after dozens of shots.
            del encode
            gc.collect()

    def _given(self, encode: Encode, picture: VideoFrame | None) -> Iterator[Encoded]:
        try:
            packets = encode(picture)
        except (av.FFmpegError, ValueError) as error:
            raise encoding_error(self._encoding, error, self._count) from error
        for packet in packets:
            pts, duration = packet.pts, packet.duration or 0
            if self._counted is not None:
                pts, duration = self._counted.pop(pts, (None, 0))
            if pts is None:
                raise encoding_error(self._encoding, ValueError("a time is lost"), self._count)
            data = bytes(packet)
            if pts in self._unwoven:
                self._unwoven.remove(pts)
                data = as_whole_frame(data)
            yield Encoded(data, pts, duration, packet.is_keyframe)

    def _picture(self, frame: Frame, chroma: tuple[Plane, Plane]) -> VideoFrame:
        picture = self._opened.picture
        in_rgb = self._encoding.is_sequence
        encoded = self._in_rgb(frame, chroma) if in_rgb else self._in_ycbcr(frame, chroma)
        if frame.captions and self._captioned is not None:
            encoded = self._captioned.with_captions(encoded, frame.captions)
        # ProRes and PNG write those of the frame, not of the encoder.
        encoded.colorspace = RGB if in_rgb else picture.matrix
        encoded.color_range = FULL_RANGE if in_rgb or picture.full_range else LIMITED_RANGE
        encoded.color_primaries = picture.primaries
        encoded.color_trc = picture.transfer
        encoded.pts, encoded.duration = frame.pts - self._shift_pts, frame.duration
        encoded.time_base = frame.time_base
        top_first = frame.top_field_first
        if top_first is None and is_woven_by_x264(self._opened):
            self._unwoven.add(encoded.pts)
            top_first = not picture.is_bottom_first
        if self._counted is not None:
            # MPEG-4 writes it into the pictures.
            self._counted[self._count_in_part] = (encoded.pts, encoded.duration)
            encoded.pts, encoded.duration = self._count_in_part, 1
            encoded.time_base = 1 / self._source.frame_rate
        return encoded if top_first is None else self._marked(encoded, top_first=top_first)

    def _marked(self, encoded: VideoFrame, *, top_first: bool) -> VideoFrame:
        """The frame, marked as woven of two fields."""
        if top_first not in self._markers:
            self._markers[top_first] = _field_marker(encoded, top_first=top_first)
        return self._markers[top_first](encoded)

    def _in_ycbcr(self, frame: Frame, chroma: tuple[Plane, Plane]) -> VideoFrame:
        picture, shift = self._encoding.picture, self._encoding.luma_shift
        encoded = VideoFrame(picture.width, picture.height, self._encoding.pixel_format)
        luma = even_gray(frame) if self._encoding.chroma_only else frame.luma
        for view, plane in zip(component_views(encoded), (luma, *chroma), strict=True):
            view[:] = plane if shift == 0 else plane.astype(np.uint16) << shift
        return encoded

    def _in_rgb(self, frame: Frame, chroma: tuple[Plane, Plane]) -> VideoFrame:
        codes = rgb_picture(frame.luma, chroma, frame.picture, self._encoding.rgb_depth)
        return VideoFrame.from_ndarray(codes, self._encoding.pixel_format)


def even_gray(frame: Frame) -> Plane:
    """A luma plane of the frame's size and depth, all of it in the middle of the range."""
    black, white = luma_range(frame.picture.depth, frame.picture.full_range)
    return np.full_like(frame.luma, (black + white) // 2)


def encoding_error(encoding: Encoding, error: Exception, count: int) -> OutputError:
    """What an encoder or a container cannot do, as one line that names the file and a remedy."""
    reason = getattr(error, "strerror", None) or str(error)
    where = f" at frame {count}" if count else ""
    return OutputError(
        f"{encoding.path}: {encoding.codec} in {encoding.container} "
        f"failed{where} ({reason}); try another --codec or -o"
    )


def _open_encoder(encoding: Encoding, source: Source) -> Encode:
    """An encoder set up as for the film, all of whose packets are given to the caller."""
    if not encoding.is_sequence:
        # A container of its own, into which nothing is written, sets the encoder up as the film's
        # own container wants it.
        return encoding_stream(encoding, source).encode
    context = cast(VideoCodecContext, av.CodecContext.create(encoding.codec, "w"))
    context.width, context.height = encoding.picture.width, encoding.picture.height
    context.pix_fmt = encoding.pixel_format
    context.time_base = source.time_base
    context.sample_aspect_ratio = encoding.picture.sample_aspect_ratio
    context.options = encoding.options
    return context.encode


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
