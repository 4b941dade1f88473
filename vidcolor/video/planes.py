"""A plane of a PyAV frame as an array."""

from typing import cast

import numpy as np
from av.video.frame import VideoFrame

from vidcolor.frame import Plane


def plane_view(frame: VideoFrame, index: int) -> Plane:
    """The samples of one plane, (height, width), uint8 or uint16, without the padding of its rows.

    A view: writing to it writes to the frame, and it lives no longer than the frame.
    """
    plane = frame.planes[index]
    deep = frame.format.components[0].bits > 8  # noqa: PLR2004 - bits of a byte
    dtype = np.dtype("uint16" if deep else "uint8")
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return cast(Plane, rows[: plane.height, : plane.width])
