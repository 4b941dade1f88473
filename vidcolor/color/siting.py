"""Where chroma samples lie among luma samples.

Positions are in luma samples, 0 at the centre of the first. Sitings are those of ITU-T H.273
(07/2024), clause 8.7 and figure 1. A field of an interlaced frame comes as a picture of its own.
"""

from collections.abc import Iterator

import torch

from vidcolor.frame import ChromaLocation, FrameFormat

STRIP_SAMPLES = 1 << 16  # of float32, in each of the dozen maps that a step works on
_CENTERED_COLUMNS = (ChromaLocation.CENTER, ChromaLocation.TOP, ChromaLocation.BOTTOM)
_TOP_ROWS = (ChromaLocation.TOP_LEFT, ChromaLocation.TOP)
_BOTTOM_ROWS = (ChromaLocation.BOTTOM_LEFT, ChromaLocation.BOTTOM)


def chroma_origin(picture: FrameFormat) -> tuple[float, float]:
    """Give the position (x, y) of the first chroma sample, in luma samples."""
    last_x = (1 << picture.log2_chroma_width) - 1
    last_y = (1 << picture.log2_chroma_height) - 1
    location = picture.chroma_location
    x = last_x / 2 if location in _CENTERED_COLUMNS else 0.0
    if location in _TOP_ROWS:
        return x, 0.0
    return x, float(last_y) if location in _BOTTOM_ROWS else last_y / 2


def chroma_strips(picture: FrameFormat, device: torch.device | None = None) -> Iterator[slice]:
    """Cut the chroma planes into strips of rows that stay in the processor's cache.

    On a device that is no CPU all rows are one strip.
    """
    is_cpu = device is None or device.type == "cpu"
    rows = max(1, STRIP_SAMPLES // picture.chroma_width) if is_cpu else picture.chroma_height
    for top in range(0, picture.chroma_height, rows):
        yield slice(top, min(top + rows, picture.chroma_height))
