"""FFmpeg's pixel formats: what lies in their planes, and a plane as an array."""

from typing import Any, cast

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidcolor.frame import Plane

# Deep formats that FFmpeg stores in the high bits of a word: their planes are no luma codes.
HIGH_BIT_FORMATS = ("p0", "p2", "p4", "xv", "y2")
MSB_SUFFIX = ("msble", "msbbe")
SEMIPLANAR = "p010le"  # that of graphics cards: chroma in one plane, ten bits in the high ones
FLOAT_SUFFIXES = ("f16le", "f32le", "f16be", "f32be")
GRAY = "gray"  # how names of formats begin that have luma alone
PLANAR_RGB = "gbr"  # how names of RGB formats begin that have a plane for each of G, B and R
DEEPEST = 16  # bits of a code that a film can keep
_PACKED_RGB = (1, 2, 0)  # where G, B and R lie among R, G and B
# (log2 of width, log2 of height) by which chroma is smaller: the part of FFmpeg's format names.
SUBSAMPLING_NAMES = {
    (0, 0): "444",
    (0, 1): "440",
    (1, 0): "422",
    (1, 1): "420",
    (2, 0): "411",
    (2, 2): "410",
}


def plane_view(frame: VideoFrame, index: int) -> Plane:
    """The samples of one plane, (height, width), uint8 or uint16, without the padding of its rows.

    A view: writing to it writes to the frame, and it lives no longer than the frame.
    """
    plane = frame.planes[index]
    deep = frame.format.components[0].bits > 8  # noqa: PLR2004 - bits of a byte
    dtype = np.dtype("uint16" if deep else "uint8")
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return cast(Plane, rows[: plane.height, : plane.width])


def component_views(frame: VideoFrame) -> list[NDArray[Any]]:
    """The samples of luma, Cb and Cr, as `plane_view` gives those of planes of their own."""
    if frame.format.name != SEMIPLANAR:
        return [plane_view(frame, index) for index in range(len(frame.planes))]
    plane = frame.planes[1]
    rows = np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)
    both = rows[:, : 2 * plane.width]
    return [plane_view(frame, 0), both[:, 0::2], both[:, 1::2]]


def rgb_views(frame: VideoFrame) -> list[NDArray[Any]]:
    """The codes of G, B and R of a frame in a planar RGB format of integers, (height, width) each.

    FFmpeg's own conversion leaves samples unwritten where such a format has alpha and more than
    eight bits, and takes the bytes of others in the wrong order (FFmpeg 8.1).
    """
    fmt = frame.format
    bits = fmt.components[0].bits
    views: list[NDArray[Any]] = [plane_view(frame, index) for index in range(3)]
    if bits <= 8:  # noqa: PLR2004 - bits of a byte
        return views
    if fmt.is_big_endian:
        views = [view.byteswap() for view in views]
    if fmt.name.endswith(MSB_SUFFIX):
        return [view >> np.uint16(16 - bits) for view in views]
    return [view & np.uint16((1 << bits) - 1) for view in views]


def gray_view(frame: VideoFrame) -> NDArray[Any]:
    """The codes of a gray frame, (height, width), with or without alpha between them.

    FFmpeg's own conversion of `ya16be` gives a few wrong samples now and then (FFmpeg 8.1).
    """
    fmt = frame.format
    deep = fmt.components[0].bits > 8  # noqa: PLR2004 - bits of a byte
    dtype = np.dtype(f"{'>' if fmt.is_big_endian else '<'}u2" if deep else "u1")
    plane, step = frame.planes[0], len(fmt.components)
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, : step * plane.width : step].astype(dtype.newbyteorder("="))


def light_view(frame: VideoFrame, index: int) -> NDArray[np.float64]:
    """The samples of one plane of a format of floats, (height, width), 0 to 1 as 0 to 65535.

    What is darker or lighter than that is cut off.

    Args:
        frame: A frame.
        index: The plane; of RGB they are G, B and R. A packed format is read as if it had planes.
    """
    size = "f2" if "f16" in frame.format.name else "f4"
    # By name: FFmpeg's table lacks the flag of rgbf16be.
    dtype = np.dtype(f"{'>' if frame.format.name.endswith('be') else '<'}{size}")
    step, first = 1, 0
    if len(frame.planes) == 1:
        step = len(frame.format.components)
        first = _PACKED_RGB[index] if frame.format.is_rgb else index
        index = 0
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    light = rows[: plane.height, first : step * plane.width : step].astype(np.float64)
    return np.clip(np.nan_to_num(light), 0, 1) * 65535


def code_bits(fmt: VideoFormat) -> int:
    """Bits of a code. A color filter's samples are spread over R, G and B in FFmpeg's table."""
    if fmt.is_bayer:
        return sum(component.bits for component in fmt.components)
    return fmt.components[0].bits


def planar_format(fmt: VideoFormat) -> str:
    """The planar little-endian format of the same depth and subsampling as `fmt`.

    RGB comes out as planar G, B, R. Alpha is left out.
    """
    bits = min(code_bits(fmt), 16)
    suffix = "" if bits <= 8 else f"{bits}le"  # noqa: PLR2004 - 8 bits need no byte order
    if fmt.is_rgb or fmt.has_palette or fmt.is_bayer or fmt.name.startswith("xyz"):
        return f"gbrp{suffix}"
    if len(fmt.components) < 3:  # noqa: PLR2004 - luma and perhaps alpha
        return f"gray{suffix}"
    return f"yuv{_subsampling_name(fmt)}p{suffix}"


def is_planar_luma(fmt: VideoFormat) -> bool:
    """Whether plane 0 of `fmt` holds nothing but luma codes, one a sample, in native order."""
    if not fmt.components:  # it lies in the memory of a graphics card
        return False
    first = fmt.components[0]
    alone = sum(component.plane == first.plane for component in fmt.components) == 1
    return (
        alone
        and not fmt.is_rgb
        and not fmt.name.endswith(MSB_SUFFIX)
        and not fmt.has_palette
        and not fmt.is_big_endian
        and not fmt.is_bit_stream
        and not fmt.name.endswith(FLOAT_SUFFIXES)
        and not fmt.name.startswith(HIGH_BIT_FORMATS)
    )


def word_bits(fmt: VideoFormat) -> int:
    """Bits from the lowest of a word to the highest of a code."""
    return 16 if fmt.name == SEMIPLANAR else fmt.components[0].bits


def log2_subsampling(fmt: VideoFormat) -> tuple[int, int]:
    """How often chroma is halved, (in width, in height); (0, 0) for RGB."""
    # 64 divides by every ratio in use, so the quotients are exact.
    wide, high = 64 // fmt.chroma_width(64), 64 // fmt.chroma_height(64)
    return wide.bit_length() - 1, high.bit_length() - 1


def _subsampling_name(fmt: VideoFormat) -> str:
    return SUBSAMPLING_NAMES[log2_subsampling(fmt)]
