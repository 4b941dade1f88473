"""From a film's luma to the lightness picture that the network sees, and its maps back again.

The network sees the picture as it is shown: upright, and of the shape that the sample aspect ratio
and the display matrix give it.
"""

from functools import cache
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.lab import EPSILON, KAPPA, lightness_from_luma, srgb_from_linear
from vidcolor.color.shrink import shrunk
from vidcolor.color.ycbcr import luma_range
from vidcolor.frame import SIDE_MULTIPLE, FrameFormat, Plane

Map = NDArray[np.float32]

EXPOSED_WHITE = 64.0
"""L* of the whitest things up to which a picture is lightened; most are lighter than that."""

MOST_EXPOSURE = 64.0
"""Largest factor on the light: beyond, a picture is black, and there is but grain."""

LOG_BLACK, LOG_WHITE = 95, 685
"""10-bit codes of printing density that are black and white on a screen."""

_DENSITY_A_CODE, _NEGATIVE_GAMMA = 0.002, 0.6

_KNEE = KAPPA * EPSILON  # L* below which it is a line of the light
_WHITE_PERCENT = 99  # specks and scratches are whiter
_SAMPLED = 4  # every fourth pixel shows how white a picture is

MAX_ELONGATION = 4
"""Longest side of the network's picture against the shortest; longer pictures are squeezed."""


def network_size(picture: FrameFormat, render_size: int) -> tuple[int, int]:
    """Give the size of the picture that the network sees.

    Args:
        picture: The film's size, sample aspect ratio and display matrix.
        render_size: Short side wanted, in pixels.

    Returns:
        Width and height as shown, multiples of `SIDE_MULTIPLE`.
    """
    aspect = shown_aspect(picture)
    short = _to_multiple(render_size)
    long = _to_multiple(short * min(max(aspect, 1 / aspect), MAX_ELONGATION))
    return (long, short) if aspect >= 1 else (short, long)


def shown_aspect(picture: FrameFormat) -> float:
    """Give width over height of the picture as it is shown: upright, its samples square."""
    aspect = picture.width * float(picture.sample_aspect_ratio) / picture.height
    return 1 / aspect if display_turn(picture)[0] else aspect


def brighten(lightness: Map) -> tuple[Map, float]:
    """Lighten a dark picture as if it had got more light, so that a fade changes no hue.

    Args:
        lightness: L* in [0, 100], (H, W).

    Returns:
        The picture that the network is to see, the same if it is not dark; and the share of its
        colors that the dark picture has: a* and b* go with the cube root of light.
    """
    sampled = lightness[::_SAMPLED, ::_SAMPLED]
    white = _light(np.percentile(sampled, _WHITE_PERCENT, keepdims=True))
    wanted = _light(np.full_like(white, EXPOSED_WHITE))
    gain = float(
        np.minimum(wanted / np.maximum(white, wanted / MOST_EXPOSURE), MOST_EXPOSURE)[0, 0]
    )
    if gain <= 1:
        return lightness, 1.0
    light = np.minimum(_light(lightness) * np.float32(gain), 1)
    above = np.cbrt(np.maximum(light, EPSILON)) * 116 - 16
    brightened = np.where(light > EPSILON, above, light * np.float32(KAPPA))
    return np.asarray(brightened, np.float32), gain ** (-1 / 3)


def _light(lightness: NDArray[np.floating]) -> Map:
    """Give the luminance of L*, white being 1 (CIE 15:2004, section 8.2.1)."""
    cube = ((lightness + 16) / 116) ** 3
    return np.asarray(np.where(lightness > _KNEE, cube, lightness / np.float32(KAPPA)), np.float32)


def to_network(luma: Plane, picture: FrameFormat, size: tuple[int, int]) -> Map:
    """Give the upright lightness picture that the network sees.

    Args:
        luma: Y' codes as decoded, (H, W).
        picture: The film's depth, range and display matrix.
        size: Width and height from `network_size`.

    Returns:
        L* in [0, 100], (height, width).
    """
    transposed, mirrored, upside_down = display_turn(picture)
    width, height = reversed(size) if transposed else size
    seen = lightness_at(luma, picture, width, height)
    seen = seen.T if transposed else seen
    seen = seen[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
    return np.ascontiguousarray(seen)


def negated(luma: Plane, picture: FrameFormat) -> Plane:
    """Give the positive of a negative, or the other way: black becomes white.

    Args:
        luma: Y' codes, (H, W).
        picture: The film's depth and range.
    """
    black, white = luma_range(picture.depth, picture.full_range)
    positive = black + white - np.clip(luma, black, white).astype(np.int32)
    return cast(Plane, positive.astype(luma.dtype))


def from_log(luma: Plane, picture: FrameFormat) -> Plane:
    """Give the codes of a picture for screens (sRGB) of one in printing density.

    Kodak's Cineon curve: 0.002 of density a 10-bit code, black at 95, white at 685, a negative's
    gamma of 0.6 (Kodak, "Conversion of 10-bit log film data to 8-bit linear or video data", 1995).

    Args:
        luma: Y' codes, (H, W).
        picture: The film's depth and range.
    """
    return cast(Plane, np.take(_log_table(picture.depth, picture.full_range), luma, mode="clip"))


@cache
def _log_table(depth: int, full_range: bool) -> Plane:
    black, white = luma_range(depth, full_range)
    codes = 1023 * np.clip((np.arange(1 << depth) - black) / (white - black), 0, 1)
    exponent = _DENSITY_A_CODE / _NEGATIVE_GAMMA
    least = 10 ** ((LOG_BLACK - LOG_WHITE) * exponent)
    light = np.clip((10 ** ((codes - LOG_WHITE) * exponent) - least) / (1 - least), 0, 1)
    shown = srgb_from_linear(torch.from_numpy(light)).numpy()
    made = np.rint(black + shown * (white - black))
    return cast(Plane, made.astype(np.uint8 if depth == 8 else np.uint16))  # noqa: PLR2004


def from_network(maps: Map, picture: FrameFormat) -> Map:
    """Turn maps that the network made back to the way the film is stored; inverse of `to_network`.

    Args:
        maps: Maps of the upright picture, (..., h, w).
        picture: The film's display matrix.

    Returns:
        The maps of the stored picture, (..., h, w) or (..., w, h).
    """
    transposed, mirrored, upside_down = display_turn(picture)
    maps = maps[..., :: -1 if upside_down else 1, :: -1 if mirrored else 1]
    maps = maps.swapaxes(-1, -2) if transposed else maps
    return np.ascontiguousarray(maps)


def lightness_at(luma: Plane, picture: FrameFormat, width: int, height: int) -> Map:
    """Give a film's lightness at any size, in the orientation it is stored in.

    Args:
        luma: Y' codes as decoded, (H, W).
        picture: The film's depth and range.
        width: Columns wanted.
        height: Rows wanted.

    Returns:
        L* in [0, 100], (height, width): shrunk by area, enlarged linearly.
    """
    small = (min(width, luma.shape[1]), min(height, luma.shape[0]))
    resized = shrunk(luma, *small)
    if small != (width, height):
        enlarged = cv2.resize(resized, (width, height), interpolation=cv2.INTER_LINEAR)
        resized = cast(Plane, enlarged)
    return lightness_of(resized, picture)


def lightness_of(luma: Plane, picture: FrameFormat) -> Map:
    """Give the lightness L* in [0, 100] of each luma code; same shape, float32."""
    table = _lightness_table(picture.depth, picture.full_range)
    if picture.depth == 8:  # noqa: PLR2004
        return np.asarray(cv2.LUT(luma, table))
    return np.take(table, luma, mode="clip")


def lightness_on(luma: torch.Tensor, picture: FrameFormat) -> torch.Tensor:
    """What `lightness_of` gives, of and as a tensor on any device; luma as whole numbers."""
    table = _table_on(picture.depth, picture.full_range, luma.device)
    return table[luma.int().clamp(max=len(table) - 1)]


@cache
def _table_on(depth: int, full_range: bool, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(_lightness_table(depth, full_range)).to(device)


@cache
def _lightness_table(depth: int, full_range: bool) -> Map:
    """Give L* of the gray sRGB pixel (Y', Y', Y') for each code; beyond black and white: theirs."""
    black, white = luma_range(depth, full_range)
    gray = np.clip((np.arange(1 << depth) - black) / (white - black), 0, 1)
    return lightness_from_luma(torch.from_numpy(gray)).numpy().astype(np.float32)


def display_turn(picture: FrameFormat) -> tuple[bool, bool, bool]:
    """Read a display matrix as: transpose, then mirror left to right, then turn upside down.

    A point (x, y) of the stored picture is shown at (a x + c y, b x + d y), with the matrix
    (a, b, u, c, d, v, x, y, w) of FFmpeg's libavutil/display.h. Other angles than quarter turns
    are taken as the nearest.
    """
    if picture.display_matrix is None:
        return False, False, False
    a, b, _, c, d, *_ = picture.display_matrix
    transposed = abs(b) > abs(a)
    return (True, c < 0, b < 0) if transposed else (False, a < 0, d < 0)


def _to_multiple(side: float) -> int:
    return max(1, round(side / SIDE_MULTIPLE)) * SIDE_MULTIPLE
