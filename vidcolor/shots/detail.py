"""Pictures of a film made small and compared by their detail.

Detail is what is left of a picture at 32 pixels when its broad light and shade are taken down. Two
pictures are as unlike as their correlation is low at the shift that suits them best, so that
neither a change of exposure nor a jerk of the camera sets them apart.
"""

from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.color.shrink import shrunk
from vidcolor.frame import Plane

SmallLuma = NDArray[np.uint8]
Detail = NDArray[np.float32]

SMALL_SIDE = 128
"""Long side of the pictures given, in pixels: grain is averaged away, content stays."""

DETAIL_SIDE = 32
"""Long side of the pictures compared, in pixels."""

SHADE_SHARE = 0.7
"""How much of the broad light and shade is taken away: sky over land is alike in many shots."""

SHADE_SIGMA = 4.0
"""How broad it is, in pixels of the pictures compared."""

SHIFT_SHARE = 8
"""Pictures are shifted by up to one part in this many of their sides, either way."""

MIN_DIFFERENCE = 4.0
"""Details that differ less than this in the mean, in 8-bit codes, are alike: nothing but grain."""

BLANK_DETAIL = 2.5
"""Standard deviation of detail, in 8-bit codes, below which it may be grain alone."""

PLAIN_DETAIL = 8.0
"""The same above which one picture can be told from another."""


def small_luma(luma: Plane, depth: int) -> SmallLuma:
    """Give the small 8-bit picture that cuts are looked for in.

    Args:
        luma: Y' codes, (H, W).
        depth: Bits of a code, 8 to 16.

    Returns:
        Y' codes at 8 bits, (h, w), the longer side at most `SMALL_SIDE` pixels.
    """
    small = _shrunk(luma, SMALL_SIDE)
    return np.right_shift(small, depth - 8, dtype=luma.dtype).astype(np.uint8)


def find_detail(picture: SmallLuma) -> tuple[Detail, float]:
    """Give the detail of a picture, the longer side at most `DETAIL_SIDE`, and its mean code."""
    small = _shrunk(picture, DETAIL_SIDE).astype(np.float32)
    detail = small - SHADE_SHARE * cv2.GaussianBlur(small, (0, 0), SHADE_SIGMA)
    detail -= detail.mean()
    return detail, float(small.mean())


def _shrunk(plane: Plane, side: int) -> Plane:
    """A plane shrunk until its longer side has at most this many pixels."""
    height, width = plane.shape
    share = min(1.0, side / max(height, width))
    return shrunk(plane, max(1, round(width * share)), max(1, round(height * share)))


def spread(detail: Detail) -> float:
    """The standard deviation of detail, whose mean is 0."""
    return float(cv2.norm(detail)) / sqrt(detail.size)


def unlikeness(one: Detail, other: Detail) -> float:
    """How unlike two pictures are, but for exposure and a shift: 0 alike, 1 not at all, up to 2."""
    if cv2.norm(one, other, cv2.NORM_L1) < MIN_DIFFERENCE * one.size:
        return 0.0
    height, width = one.shape
    y, x = height // SHIFT_SHARE, width // SHIFT_SHARE
    inner = np.s_[y : height - y, x : width - x]
    likeness = max(
        cv2.matchTemplate(whole, part[inner], cv2.TM_CCOEFF_NORMED).max()
        for whole, part in ((one, other), (other, one))
    )
    # Where only grain is left, it may match by chance.
    variance = spread(one) * spread(other)
    return 1 - float(likeness) * variance / (variance + BLANK_DETAIL**2)
