"""From lightness and ab at the chroma planes' size to the Cb and Cr codes of a film.

The formula itself, in float32 passes over strips of the planes: measured faster than a 3-D table.
"""

from functools import cache
from typing import cast

import numpy as np
import torch

from vidcolor.color.lab import BT709_PRIMARIES, relative_xyz_from_rgb
from vidcolor.color.siting import chroma_strips
from vidcolor.frame import FrameFormat, Map, Matrix, Plane, Record

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

_LAB_KNEE = 6 / 29  # CIE 15:2004, section 8.2.1: below it the cube continues along its tangent
_SRGB_KNEE = 0.0031308  # IEC 61966-2-1, section 5.3: below it the curve is a line
_SRGB_SLOPE = 12.92
_LEAST_DIFFERENCE = 1e-9  # keeps a neutral sample from dividing by zero

Extremes = tuple[torch.Tensor, torch.Tensor]


def luma_range(depth: int, full_range: bool) -> tuple[int, int]:
    """Give the codes of black and of white (H.273, equations 30 to 35).

    Args:
        depth: Bits of a code, 8 to 16.
        full_range: Whether the codes span the whole depth.
    """
    if full_range:
        return 0, (1 << depth) - 1
    return 16 << (depth - 8), 235 << (depth - 8)


def chroma_span(picture: FrameFormat) -> int:
    """Codes from the least to the greatest of Cb and of Cr (H.273, equations 30 to 35)."""
    return (1 << picture.depth) - 1 if picture.full_range else 224 << (picture.depth - 8)


def neutral_chroma(depth: int) -> int:
    """The code of Cb and of Cr without color (H.273, equations 30 to 35)."""
    return 1 << (depth - 1)


def unit_luma(luma: Plane, picture: FrameFormat) -> Map:
    """Y' with black at 0 and white at 1."""
    black, white = luma_range(picture.depth, picture.full_range)
    return (luma.astype(np.float32) - np.float32(black)) / np.float32(white - black)


def unit_chroma(codes: Plane, picture: FrameFormat) -> Map:
    """Cb or Cr in [-0.5, 0.5], neutral at 0."""
    neutral = np.float32(neutral_chroma(picture.depth))
    return (codes.astype(np.float32) - neutral) * np.float32(1 / chroma_span(picture))


def chroma_codes(
    ab: torch.Tensor,
    lightness: torch.Tensor,
    luma_extremes: Extremes,
    picture: FrameFormat,
    record: Record | None = None,
) -> tuple[Plane, Plane]:
    """Give the Cb and Cr codes of a color, for a luma that stays as it is.

    The color's own R'G'B' gives Cb and Cr by the film's matrix. Both are then scaled down as far
    as needed for every luma sample they cover to stay inside R'G'B' of [0, 1], so that no player
    has to clip. A neutral color, black and white come out exactly neutral.

    Args:
        ab: CIELAB a* and b*, (2, Hc, Wc), on any device; so all else.
        lightness: L* in [0, 100] at the chroma samples, (Hc, Wc).
        luma_extremes: The least and the greatest luma code under each chroma sample, (Hc, Wc), of
            any type.
        picture: The film's matrix, primaries, range and depth.
        record: Gets `gamut_share`, the share of the color that is left, (Hc, Wc) float32 in
            [0, 1], and `cb_unlimited` and `cr_unlimited`, the codes that the whole color has.

    Returns:
        Cb and Cr, each (Hc, Wc), uint8 at 8 bits and uint16 above.
    """
    least, greatest = luma_extremes
    dtype = torch.uint8 if picture.depth == 8 else torch.int32  # noqa: PLR2004 - bits
    codes = torch.empty((2, *lightness.shape), dtype=dtype, device=ab.device)  # Cb and Cr
    whole = torch.empty_like(codes) if record is not None else None
    shares = torch.empty_like(lightness) if record is not None else None
    for strip in chroma_strips(picture, ab.device):
        over_luma = _over_luma(ab[:, strip], lightness[strip], picture)
        share = share_inside(over_luma, least[strip], greatest[strip], picture)
        _quantize(over_luma * share, picture, codes[:, strip])
        if whole is not None and shares is not None:
            shares[strip] = share
            _quantize(over_luma, picture, whole[:, strip])
    if record is not None and whole is not None and shares is not None:
        record["gamut_share"] = shares.cpu().numpy()
        record["cb_unlimited"], record["cr_unlimited"] = _planes(whole)
    return _planes(codes)


def gamut_limited_share(
    ab: torch.Tensor, lightness: torch.Tensor, luma_extremes: Extremes, picture: FrameFormat
) -> float:
    """How many of some colors `chroma_codes` gives less of than there is, in [0, 1].

    Args:
        ab: As there, of any samples, (2, h, w).
        lightness: Their L*, (h, w).
        luma_extremes: The least and the greatest luma code under each, (h, w).
        picture: As there.
    """
    over_luma = _over_luma(ab, lightness, picture)
    share = share_inside(over_luma, *luma_extremes, picture)
    given, whole = torch.empty((2, 2, *lightness.shape), device=ab.device)
    _quantize(over_luma * share, picture, given)
    _quantize(over_luma, picture, whole)
    return float((given != whole).any(0).float().mean())


def _over_luma(ab: torch.Tensor, lightness: torch.Tensor, picture: FrameFormat) -> torch.Tensor:
    """Give R' - Y', G' - Y' and B' - Y' of CIELAB colors, (3, h, w), of any gamut."""
    y = (lightness + 16) * (1 / 116)
    roots = torch.stack([torch.add(y, ab[0], alpha=1 / 500), y, torch.sub(y, ab[1], alpha=1 / 200)])
    linear = _rgb_from_relative_xyz(picture.primaries, ab.device) @ _cubed(roots).flatten(1)
    over_luma: torch.Tensor = _less_luma(picture.matrix, ab.device) @ _srgb_coded(linear)
    return over_luma.reshape(3, *lightness.shape)


def _cubed(f: torch.Tensor) -> torch.Tensor:
    """Give X/Xn of its CIELAB root, and so for Y and Z; the root is overwritten."""
    above = f.clamp_min(_LAB_KNEE)
    return (above * above).mul_(above).add_(f.sub_(above), alpha=3 * _LAB_KNEE**2)


def _srgb_coded(linear: torch.Tensor) -> torch.Tensor:
    """Gamma-code light by the sRGB curve, mirrored at zero for colors out of gamut."""
    size = linear.abs()
    above = size.clamp_min(_SRGB_KNEE)
    below = size.sub_(above)
    root = above.log2_().mul_(1 / 2.4).exp2_()  # three times as fast as pow
    return root.mul_(1.055).sub_(0.055).add_(below, alpha=_SRGB_SLOPE).copysign_(linear)


def share_inside(
    over_luma: torch.Tensor, least: torch.Tensor, greatest: torch.Tensor, picture: FrameFormat
) -> torch.Tensor:
    """Give the largest share of each color, at most 1, that all luma over it leaves in gamut.

    Args:
        over_luma: R' - Y', G' - Y' and B' - Y', (3, h, w).
        least: The least luma code over each, (h, w), of any type.
        greatest: The greatest.
        picture: Says how luma is coded.
    """
    black, white = luma_range(picture.depth, picture.full_range)
    room_below = (least.float() - black).clamp_min_(0)
    room_above = (white - greatest.float()).clamp_min_(0)
    highest = over_luma.amax(0).clamp_min_(_LEAST_DIFFERENCE)
    lowest = over_luma.amin(0).neg_().clamp_min_(_LEAST_DIFFERENCE)
    share = torch.minimum(room_above.div_(highest), room_below.div_(lowest))
    return share.mul_(1 / (white - black)).clamp_max_(1)


def _quantize(over_luma: torch.Tensor, picture: FrameFormat, codes: torch.Tensor) -> None:
    """Write Cb and Cr into `codes`, (2, h, w): neutral is 2^(depth - 1) (H.273, eqs. 30 to 35)."""
    depth, (kr, kb) = picture.depth, KR_KB[picture.matrix]
    span = chroma_span(picture)
    for code, difference, weight in ((codes[0], over_luma[2], kb), (codes[1], over_luma[0], kr)):
        scaled = (difference * (span / (2 - 2 * weight))).add_(neutral_chroma(depth))
        code.copy_(scaled.round_().clamp_(0, (1 << depth) - 1))


def _planes(codes: torch.Tensor) -> tuple[Plane, Plane]:
    """Give codes as planes in the processor's memory, of the type that their depth has."""
    cb, cr = codes.cpu().numpy()
    if codes.dtype == torch.uint8:
        return cast(Plane, cb), cast(Plane, cr)
    return cb.astype(np.uint16), cr.astype(np.uint16)


@cache
def _less_luma(matrix: Matrix, device: torch.device) -> torch.Tensor:
    """Give the matrix from R'G'B' to R' - Y', G' - Y', B' - Y'."""
    kr, kb = KR_KB[matrix]
    return (torch.eye(3) - torch.tensor([kr, 1 - kr - kb, kb])).to(device)


@cache
def _rgb_from_relative_xyz(primaries: int, device: torch.device) -> torch.Tensor:
    """Give the matrix from (X/Xn, Y/Yn, Z/Zn) to linear RGB: each row sums to 1."""
    relative = relative_xyz_from_rgb(PRIMARIES_XY.get(primaries, BT709_PRIMARIES))
    inverse: torch.Tensor = torch.linalg.inv(relative)
    return inverse.float().to(device)
