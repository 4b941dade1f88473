"""The stream of a film's picture in a container, and the encoder that is set up for it."""

import io
from typing import Literal, cast

import av
from av.bitstream import BitStreamFilterContext
from av.codec.context import Flags as CodecFlags
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.errors import OutputError
from vidcolor.frame import ChromaLocation
from vidcolor.reading.frame_format import FULL_RANGE
from vidcolor.reading.source import Source
from vidcolor.writing.encoder_options import COUNTING_CODECS, mark_picture
from vidcolor.writing.encoding import MP4_FAMILY, Encoding
from vidcolor.writing.mxf import MXF, MXF_CODECS
from vidcolor.writing.stream_copy import CARRIERS, throw_away

CHROMA_LOCATION_NAMES = {ChromaLocation.LEFT: "left", ChromaLocation.TOP_LEFT: "topleft"}

TRANSPORT_STREAM_CODECS = {"mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc", "jpeg2000"}
"""Of pictures that programs find in a transport stream (ITU-T H.222.0, table 2-34)."""


def encoding_stream(encoding: Encoding, source: Source) -> VideoStream:
    """A stream of no file, whose encoder is set up as the film's container wants it."""
    name = "null" if _is_carried(encoding) else encoding.container
    return _with_encoder(av.open(io.BytesIO(), "w", format=name), encoding, source)


def add_video_stream(output: OutputContainer, encoding: Encoding, source: Source) -> Stream:
    """A place in a film that is not begun for the packets of its picture.

    Raises:
        ValueError: The container has none for them.
    """
    if not _is_carried(encoding):
        return _with_encoder(output, encoding, source)
    stream = encoding_stream(encoding, source)
    cast(OutputContainer, stream.container).start_encoding()
    place = output.add_mux_stream(CARRIERS["video"], rate=source.frame_rate)
    # The filter does nothing to packets; it hands on what the encoder says of its stream.
    BitStreamFilterContext("null", stream, place)
    place.time_base = source.time_base
    return place


def holds_codec(encoding: Encoding, source: Source) -> bool:
    """Whether a container takes such a picture: whether its muxer writes a header for it."""
    if encoding.container == "mpegts":  # whose muxer writes anything, and nobody reads it
        return av.Codec(encoding.codec, "w").canonical_name in TRANSPORT_STREAM_CODECS
    if encoding.container == MXF:
        return av.Codec(encoding.codec, "w").canonical_name in MXF_CODECS
    trial = av.open(io.BytesIO(), "w", format=encoding.container)
    try:
        add_video_stream(trial, encoding, source)
        trial.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    finally:
        throw_away(trial)
    return True


def refuse_frame_rate(encoding: Encoding, source: Source) -> None:
    """Raise if the stream of a codec cannot state the film's rate, as MPEG-2's cannot state many.

    Raises:
        OutputError: Its encoder does not open at that rate.
    """
    if encoding.codec not in COUNTING_CODECS:
        return
    trial = av.open(io.BytesIO(), "w", format="null")
    try:
        _with_encoder(trial, encoding, source)
        trial.start_encoding()
    except (ValueError, av.FFmpegError) as error:
        raise OutputError(
            f"{source.path}: {encoding.codec} cannot encode {float(source.frame_rate):.6g} "
            "frames/s; use --codec libx264 or ffv1"
        ) from error
    finally:
        throw_away(trial)


def says_full_range(encoding: Encoding, source: Source) -> bool:
    """Whether a film of full range is read as such: whether one frame of it is, as a trial."""
    file = io.BytesIO()
    with av.open(file, "w", format=encoding.container) as output:
        place = add_video_stream(output, encoding, source)
        stream = encoding_stream(encoding, source)
        frame = VideoFrame(encoding.picture.width, encoding.picture.height, encoding.pixel_format)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts, frame.color_range = 0, FULL_RANGE
        output.start_encoding()
        for encoded in [*stream.encode(frame), *stream.encode(None)]:
            packet: Packet[Stream] = Packet(bytes(encoded))
            packet.stream, packet.time_base = place, source.time_base
            packet.pts = packet.dts = 0
            packet.is_keyframe = encoded.is_keyframe
            output.mux(packet)
    file.seek(0)
    with av.open(file, "r") as written:
        return int(next(written.decode(video=0)).color_range) == FULL_RANGE


def _is_carried(encoding: Encoding) -> bool:
    """Whether a codec goes into Matroska by Windows' name of it, which PyAV does not ask for."""
    if encoding.container != "matroska":
        return False
    trial = av.open(io.BytesIO(), "w", format=encoding.container)
    try:
        trial.add_stream(encoding.codec)
    except ValueError:
        return True
    finally:
        throw_away(trial)
    return False


def _with_encoder(output: OutputContainer, encoding: Encoding, source: Source) -> VideoStream:
    """The stream of a film's picture, its encoder set up but not opened."""
    picture = encoding.picture
    options = dict(encoding.options)
    location = CHROMA_LOCATION_NAMES.get(picture.chroma_location)
    if location:
        options["chroma_sample_location"] = location
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
    if encoding.codec in COUNTING_CODECS:
        context.time_base = 1 / source.frame_rate
    mark_picture(context, picture)
    context.flags |= int(CodecFlags.frame_duration | CodecFlags.bitexact)
    if encoding.codec == "libx265" and encoding.container in MP4_FAMILY:
        context.codec_tag = "hvc1"  # the one that QuickTime plays
    stream.set_display_matrix(picture.display_matrix)
    return stream
