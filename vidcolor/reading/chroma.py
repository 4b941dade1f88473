"""The color that a decoded frame has of its own, as Cb and Cr codes."""

from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidcolor.color.ycbcr import KR_KB, neutral_chroma
from vidcolor.frame import FrameFormat, Plane
from vidcolor.reading.pixels import (
    FLOAT_SUFFIXES,
    PLANAR_RGB,
    light_view,
    planar_format,
    plane_view,
    rgb_views,
)

COMPONENTS = 3
DEEP_HARDWARE_PREFIX = "p0"


def read_chroma(decoded: VideoFrame, picture: FrameFormat) -> tuple[Plane, Plane] | None:
    """The Cb and Cr codes of a frame, in its own subsampling; None if it has none.

    Those of RGB are made by the picture's matrix, to the nearest code.

    Args:
        decoded: The frame.
        picture: Its depth and matrix.
    """
    if len(decoded.format.components) < COMPONENTS and not decoded.format.has_palette:
        return None
    name = planar_format(decoded.format)
    if name.startswith("gray"):
        return None
    if name.startswith("gbrp"):
        return _of_rgb(decoded, picture)
    planar = decoded if decoded.format.name == name else decoded.reformat(format=name)
    return plane_view(planar, 1).copy(), plane_view(planar, 2).copy()


def _of_rgb(decoded: VideoFrame, picture: FrameFormat) -> tuple[Plane, Plane]:
    is_float = decoded.format.name.endswith(FLOAT_SUFFIXES)
    name = planar_format(decoded.format)
    if is_float:
        codes: list[NDArray[Any]] = [light_view(decoded, index) for index in range(3)]
    else:
        is_planar = decoded.format.name.startswith(PLANAR_RGB)
        codes = rgb_views(decoded if is_planar else decoded.reformat(format=name))
    green, blue, red = (view.astype(np.float64) for view in codes)
    kr, kb = KR_KB[picture.matrix]
    luma = green + kr * (red - green) + kb * (blue - green)
    neutral, top = neutral_chroma(picture.depth), (1 << picture.depth) - 1
    dtype = np.uint8 if picture.depth == 8 else np.uint16  # noqa: PLR2004 - bits
    cb, cr = (
        np.clip(np.rint((part - luma) / (2 * (1 - weight)) + neutral), 0, top).astype(dtype)
        for part, weight in ((blue, kb), (red, kr))
    )
    return cast(Plane, cb), cast(Plane, cr)
