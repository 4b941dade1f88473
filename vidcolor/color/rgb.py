"""R'G'B' of a film's luma and chroma, out of which the luma can be read again, code for code."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.siting import chroma_strips
from vidcolor.color.ycbcr import KR_KB, luma_range, share_inside, unit_chroma
from vidcolor.frame import FrameFormat, Matrix, Plane

_STRIP_SAMPLES = 1 << 18  # looked at together, so that they stay in the processor's cache


def full_luma(luma: Plane, picture: FrameFormat, depth: int) -> Plane:
    """Luma as full-range codes; those below black and above white become black and white.

    Args:
        luma: Codes of the picture's depth and range, of any shape.
        picture: Says both.
        depth: Bits of the result, no fewer than the picture's.

    Returns:
        Codes of that many bits, of the same shape: another for each code from black to white.
    """
    table = _full_codes(picture.depth, picture.full_range, depth)
    full: Plane = table[luma]
    return full


def rgb_picture(
    luma: Plane, chroma: tuple[Plane, Plane], picture: FrameFormat, depth: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Full-range R', G' and B' whose luma by the picture's matrix, rounded, is `full_luma`.

    R' and B' are rounded as they come by the matrix (ITU-T H.273, equations 30 to 45). G' is then
    what the luma still lacks: as green weighs more than half of it, its own rounding moves luma by
    less than half a code for every matrix in use (by 0.36 at most).

    Args:
        luma: (H, W) codes of the picture's depth and range.
        chroma: Cb and Cr, the same.
        picture: Says how they are coded; its chroma planes are as large as luma.
        depth: Bits of the result, no fewer than the picture's.

    Returns:
        (H, W, 3), uint8 at 8 bits and uint16 above.
    """
    kr, kb = (np.float32(weight) for weight in KR_KB[picture.matrix])
    kg = 1 - kr - kb
    target = replace(picture, depth=depth, full_range=True)
    _, top = luma_range(depth, full_range=True)
    made = np.empty((*luma.shape, 3), np.uint8 if depth == 8 else np.uint16)  # noqa: PLR2004
    for strip in chroma_strips(picture):
        full = full_luma(luma[strip], picture, depth)
        blue = unit_chroma(chroma[0][strip], picture) * (2 - 2 * kb)
        red = unit_chroma(chroma[1][strip], picture) * (2 - 2 * kr)
        green = np.asarray((kr * red + kb * blue) / -kg, np.float32)
        over_luma = torch.from_numpy(np.stack([red, green, blue]))
        # Rounded chroma may lie a little outside the gamut, where G' could not make up for it.
        codes = torch.from_numpy(full)
        share = share_inside(over_luma, codes, codes, target).numpy() * np.float32(top)
        y = full.astype(np.float32)
        red, blue = np.rint(y + share * red), np.rint(y + share * blue)
        green = np.rint((y - kr * red - kb * blue) / kg)
        for channel, plane in enumerate((red, green, blue)):
            made[strip, :, channel] = np.clip(plane, 0, top)
    return made


def luma_of_rgb(rgb: NDArray[np.uint8] | NDArray[np.uint16], matrix: Matrix) -> Plane:
    """The luma of full-range R', G' and B', rounded: of a neutral pixel its R' = G' = B', exactly.

    Args:
        rgb: (H, W, 3).
        matrix: Weighs them.

    Returns:
        (H, W) full-range codes of the same depth.
    """
    kr, kb = KR_KB[matrix]
    luma = np.empty(rgb.shape[:2], rgb.dtype)
    step = max(1, _STRIP_SAMPLES // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), step):
        red, green, blue = np.moveaxis(rgb[top : top + step].astype(np.float64), -1, 0)
        luma[top : top + step] = np.rint(green + kr * (red - green) + kb * (blue - green))
    return luma


@cache
def _full_codes(depth: int, full_range: bool, wanted: int) -> Plane:
    """The full-range code of each code of a depth and range."""
    black, white = luma_range(depth, full_range)
    top = (1 << wanted) - 1
    codes = (np.arange(1 << depth) - black) * (top / (white - black))
    dtype = np.uint8 if wanted == 8 else np.uint16  # noqa: PLR2004 - bits of a byte
    table: Plane = np.rint(codes).clip(0, top).astype(dtype)
    return table
