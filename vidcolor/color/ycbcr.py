"""From lightness and ab at the chroma planes' size to the Cb and Cr codes of a film.

The formula itself, in float32 passes over strips of the planes: measured faster than a 3-D table.
"""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.lab import BT709_PRIMARIES, relative_xyz_from_rgb
from vidcolor.color.siting import chroma_strips
from vidcolor.frame import Matrix, Picture, Plane, Record

Map = NDArray[np.float32]

KR_KB: dict[Matrix, tuple[float, float]] = {
    Matrix.BT709: (0.2126, 0.0722),  # ITU-R BT.709-6, item 3.2
    Matrix.FCC: (0.30, 0.11),  # 47 CFR 73.682 (a) (20), as in H.273 table 4
    Matrix.BT470BG: (0.299, 0.114),  # ITU-R BT.601-7, section 2.5.1
    Matrix.SMPTE170M: (0.299, 0.114),  # the same
    Matrix.SMPTE240M: (0.212, 0.087),  # SMPTE ST 240, as in H.273 table 4
    Matrix.BT2020_NCL: (0.2627, 0.0593),  # ITU-R BT.2020-2, table 4
    Matrix.BT2020_CL: (0.2627, 0.0593),  # taken as non-constant luminance, as most players do
}
"""Weights of red and of blue in Y', by ITU-T H.273 (07/2024), table 4."""

BT601_525_PRIMARIES = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
PRIMARIES_XY = {
    1: BT709_PRIMARIES,
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: BT601_525_PRIMARIES,
    7: BT601_525_PRIMARIES,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
"""Chromaticities of red, green and blue where white is D65, by H.273 table 2; others as BT.709."""

_LAB_KNEE = 6 / 29  # CIE 15:2004, section 8.2.1: below it the cube goes on along its tangent
_SRGB_KNEE = 0.0031308  # IEC 61966-2-1, section 5.3: below it the curve is a line
_SRGB_SLOPE = 12.92
_LEAST_DIFFERENCE = np.float32(1e-9)  # keeps a neutral sample from dividing by zero


class Colors(NamedTuple):
    """Maps of what is red, green and blue, all of one shape."""

    red: Map
    green: Map
    blue: Map


def luma_range(depth: int, full_range: bool) -> tuple[int, int]:
    """Give the codes of black and of white (H.273, equations 30 to 35).

    Args:
        depth: Bits of a code, 8 to 16.
        full_range: Whether the codes span the whole depth.
    """
    if full_range:
        return 0, (1 << depth) - 1
    return 16 << (depth - 8), 235 << (depth - 8)


def chroma_codes(
    ab: Map,
    lightness: Map,
    luma_extremes: tuple[Plane, Plane],
    picture: Picture,
    record: Record | None = None,
) -> tuple[Plane, Plane]:
    """Give the Cb and Cr codes of a color, for a luma that stays as it is.

    The color's own R'G'B' gives Cb and Cr by the film's matrix. Both are then scaled down as far
    as needed for every luma sample they cover to stay inside R'G'B' of [0, 1], so that no player
    has to clip. A neutral color, black and white come out exactly neutral.

    Args:
        ab: CIELAB a* and b*, (2, Hc, Wc).
        lightness: L* in [0, 100] at the chroma samples, (Hc, Wc).
        luma_extremes: The least and the greatest luma code under each chroma sample, (Hc, Wc).
        picture: The film's matrix, primaries, range and depth.
        record: Gets `gamut_share`, the share of the color that is left, (Hc, Wc) float32 in
            [0, 1], and `cb_unlimited` and `cr_unlimited`, the codes that the whole color has.

    Returns:
        Cb and Cr, each (Hc, Wc), uint8 at 8 bits and uint16 above.
    """
    kr, kb = KR_KB[picture.matrix]
    least, greatest = luma_extremes
    cb, cr = np.empty_like(least), np.empty_like(least)
    if record is not None:
        shares = record["gamut_share"] = np.ones(least.shape, np.float32)
        whole_cb = record["cb_unlimited"] = np.empty_like(least)
        whole_cr = record["cr_unlimited"] = np.empty_like(least)
    for strip in chroma_strips(picture):
        rgb = _coded_rgb(ab[:, strip], lightness[strip], picture.primaries)
        over_luma = _over_luma(rgb, kr, kb)
        share = share_inside(over_luma, least[strip], greatest[strip], picture)
        cb[strip] = _codes(over_luma.blue * share, 1 / (2 - 2 * kb), picture)
        cr[strip] = _codes(over_luma.red * share, 1 / (2 - 2 * kr), picture)
        if record is not None:
            shares[strip] = share
            whole_cb[strip] = _codes(over_luma.blue, 1 / (2 - 2 * kb), picture)
            whole_cr[strip] = _codes(over_luma.red, 1 / (2 - 2 * kr), picture)
    return cb, cr


def limited_share(
    ab: Map, lightness: Map, luma_extremes: tuple[Plane, Plane], picture: Picture
) -> float:
    """How many of some colors `chroma_codes` gives less of than there is, in [0, 1].

    Args:
        ab: As there, of any samples, (2, h, w).
        lightness: Their L*, (h, w).
        luma_extremes: The least and the greatest luma code under each, (h, w).
        picture: As there.
    """
    kr, kb = KR_KB[picture.matrix]
    over_luma = _over_luma(_coded_rgb(ab, lightness, picture.primaries), kr, kb)
    share = share_inside(over_luma, *luma_extremes, picture)
    changed = np.zeros(share.shape, bool)
    for difference, scale in (
        (over_luma.blue, 1 / (2 - 2 * kb)),
        (over_luma.red, 1 / (2 - 2 * kr)),
    ):
        given = _codes(difference * share, scale, picture)
        changed |= given != _codes(difference, scale, picture)
    return float(changed.mean())


def _coded_rgb(ab: Map, lightness: Map, primaries: int) -> Colors:
    """Give R', G' and B' of CIELAB colors; those that the primaries lack lie outside [0, 1]."""
    y = (lightness + np.float32(16)) * np.float32(1 / 116)
    ratios = [
        _cubed(f) for f in (y + ab[0] * np.float32(1 / 500), y, y - ab[1] * np.float32(1 / 200))
    ]
    weights = _rgb_from_relative_xyz(primaries)
    channels = (sum(w * ratio for w, ratio in zip(row, ratios, strict=True)) for row in weights)
    return Colors(*(_srgb_coded(np.asarray(channel)) for channel in channels))


def _cubed(f: Map) -> Map:
    """Give X/Xn of its CIELAB root, and so for Y and Z."""
    above: Map = np.maximum(f, np.float32(_LAB_KNEE))
    return above * above * above + np.float32(3 * _LAB_KNEE**2) * (f - above)


def _srgb_coded(linear: Map) -> Map:
    """Gamma-code light by the sRGB curve, mirrored at zero for colors out of gamut."""
    size = np.abs(linear)
    above = np.maximum(size, np.float32(_SRGB_KNEE))
    root = np.asarray(cv2.pow(above, 1 / 2.4), np.float32)
    curve = np.float32(1.055) * root - np.float32(0.055)
    return np.copysign(curve + np.float32(_SRGB_SLOPE) * (size - above), linear)


def _over_luma(colors: Colors, kr: float, kb: float) -> Colors:
    """Give R' - Y', G' - Y' and B' - Y'."""
    kg = 1 - kr - kb
    luma = np.float32(kr) * colors.red + np.float32(kg) * colors.green
    luma += np.float32(kb) * colors.blue
    return Colors(*(channel - luma for channel in colors))


def share_inside(over_luma: Colors, least: Plane, greatest: Plane, picture: Picture) -> Map:
    """Give the largest share of each color, at most 1, that all luma over it leaves in gamut."""
    black, white = luma_range(picture.depth, picture.full_range)
    scale = np.float32(1 / (white - black))
    room_below = np.maximum(least.astype(np.float32) - np.float32(black), 0) * scale
    room_above = np.maximum(np.float32(white) - greatest.astype(np.float32), 0) * scale
    red, green, blue = over_luma
    highest = np.maximum(np.maximum(red, green), np.maximum(blue, _LEAST_DIFFERENCE))
    lowest = np.minimum(np.minimum(red, green), np.minimum(blue, -_LEAST_DIFFERENCE))
    share: Map = np.minimum(room_above / highest, room_below / -lowest)
    return np.minimum(share, np.float32(1))


def _codes(difference: Map, scale: float, picture: Picture) -> Map:
    """Quantize a color difference (H.273, equations 30 to 35): neutral is 2^(depth - 1)."""
    depth = picture.depth
    span = (1 << depth) - 1 if picture.full_range else 224 << (depth - 8)
    neutral = 1 << (depth - 1)
    codes: Map = np.rint(difference * np.float32(scale * span) + np.float32(neutral))
    return np.minimum(np.maximum(codes, 0), np.float32((1 << depth) - 1))


@cache
def _rgb_from_relative_xyz(primaries: int) -> NDArray[np.float32]:
    """Give the matrix from (X/Xn, Y/Yn, Z/Zn) to linear RGB: each row sums to 1."""
    relative = relative_xyz_from_rgb(PRIMARIES_XY.get(primaries, BT709_PRIMARIES))
    return np.asarray(torch.linalg.inv(relative).numpy(), np.float32)
