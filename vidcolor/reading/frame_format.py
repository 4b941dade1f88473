"""What the frames of a film have in common, as one of them and its decoder say it."""

from fractions import Fraction
from math import cos, radians, sin

from av.sidedata.sidedata import Type as SideDataType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from vidcolor.frame import ChromaLocation, FrameFormat, Matrix
from vidcolor.reading.pixels import DEEPEST, code_bits, log2_subsampling, planar_format
from vidcolor.reading.side_data import side_data_of

UNSPECIFIED = 2
FULL_RANGE = 2
BOTTOM_FIELD_FIRST = 3
# Below this many lines an untagged film is standard definition, hence BT.601.
HD_LINES = 720


def format_of(
    frame: VideoFrame, context: VideoCodecContext, aspect: Fraction | None
) -> FrameFormat:
    """What a decoded frame says of the frames of its film.

    Args:
        frame: The frame.
        context: Its decoder.
        aspect: Width to height of one sample; None if nobody says.
    """
    fmt = frame.format
    rgb = planar_format(fmt).startswith("gbrp")
    gray = planar_format(fmt).startswith("gray")
    log2_width, log2_height = (1, 1) if gray else (0, 0) if rgb else log2_subsampling(fmt)
    return FrameFormat(
        width=frame.width,
        height=frame.height,
        depth=max(8, min(DEEPEST, code_bits(fmt))),
        log2_chroma_width=log2_width,
        log2_chroma_height=log2_height,
        matrix=_matrix(int(frame.colorspace), int(frame.color_primaries), frame.height),
        full_range=_is_full_range(frame, rgb=rgb, gray=gray),
        primaries=int(frame.color_primaries) or UNSPECIFIED,
        transfer=int(frame.color_trc) or UNSPECIFIED,
        chroma_location=_chroma_location(frame),
        sample_aspect_ratio=Fraction(aspect or 1),
        field_order=_field_order(frame, context),
        display_matrix=_display_matrix(frame),
    )


def _is_full_range(frame: VideoFrame, *, rgb: bool, gray: bool) -> bool:
    """Range as tagged; FFmpeg takes untagged RGB and gray for full, untagged Y'CbCr for limited."""
    if rgb or frame.format.name.startswith("yuvj"):
        return True
    return int(frame.color_range) == FULL_RANGE or (gray and int(frame.color_range) == 0)


def _matrix(tagged: int, primaries: int, lines: int) -> Matrix:
    """The matrix to write chroma with: the tagged one where it is one of ours, else by size."""
    if tagged in set(Matrix):
        return Matrix(tagged)
    if primaries == int(Matrix.BT2020_NCL):
        return Matrix.BT2020_NCL
    return Matrix.BT709 if lines >= HD_LINES else Matrix.SMPTE170M


def _chroma_location(frame: VideoFrame) -> ChromaLocation:
    """Where new chroma goes: left, or top left for BT.2020 (ITU-R BT.2020-2 table 2).

    The source's own place does not matter, since its chroma is replaced; these are what players
    assume where they read no tag.
    """
    wide = int(frame.colorspace) in {Matrix.BT2020_NCL, Matrix.BT2020_CL}
    return ChromaLocation.TOP_LEFT if wide else ChromaLocation.LEFT


def _field_order(frame: VideoFrame, context: VideoCodecContext) -> int:
    """AVFieldOrder as the stream says; raw DV says nothing and is always bottom field first."""
    order = int(context.field_order)
    if order == 0 and frame.interlaced_frame and context.name == "dvvideo":
        return BOTTOM_FIELD_FIRST
    return order


def _display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    try:
        found = side_data_of(frame).get(SideDataType.DISPLAYMATRIX)
    except ValueError:  # PyAV 18.1 does not know Exif, which FFmpeg 8.1 finds in many a picture
        return _turned_by(frame.rotation) if frame.rotation else None
    return None if found is None else tuple(memoryview(bytes(found)).cast("i"))


def _turned_by(degrees: float) -> tuple[int, ...]:
    """The display matrix of a picture that is turned counterclockwise, but not mirrored."""
    cosine, sine = (round(part(radians(degrees)) * 0x10000) for part in (cos, sin))
    return (cosine, -sine, 0, sine, cosine, 0, 0, 0, 1 << 30)
