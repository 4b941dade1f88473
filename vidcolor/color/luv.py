"""CIELUV's u* and v* of CIELAB colors: CIE 15:2004, sections 8.2.1 and 8.2.2, white point D65."""

import torch

from vidcolor.color.lab import D65_XY

LEAST_UV, LARGEST_UV = (-84.0, -135.0), (176.0, 108.0)
"""u* and v* of the sRGB colors lie between these."""

_KNEE = 6 / 29  # of CIELAB's f, below which it is linear
_LEAST_LIGHTNESS = 1e-2  # in place of 0, by which nothing can be divided
_MOST_U, _LEAST_V, _MOST_V = 0.63, 0.05, 0.6  # u' and v' of all light, roughly


def uv_from_lab(lab: torch.Tensor) -> torch.Tensor:
    """u* and v* of a picture.

    Args:
        lab: (..., 3, H, W) L* in [0, 100], a* and b*.

    Returns:
        (..., 2, H, W); of sRGB colors u* lies in [-84, 176] and v* in [-135, 108]. Black has 0.
    """
    lightness, a, b = lab.unbind(-3)
    f = (lightness + 16) / 116
    x_white, z_white = D65_XY[0] / D65_XY[1], (1 - sum(D65_XY)) / D65_XY[1]  # for Y of 1
    x = x_white * _inverse(f + a / 500)
    y = _inverse(f)
    z = z_white * _inverse(f - b / 200)
    total = x + 15 * y + 3 * z
    white = x_white + 15 + 3 * z_white
    seen = total > 0
    safe = torch.where(seen, total, 1)
    u = torch.where(seen, 4 * x / safe - 4 * x_white / white, 0)
    v = torch.where(seen, 9 * y / safe - 9 / white, 0)
    return 13 * torch.stack([lightness * u, lightness * v], -3)


def _inverse(f: torch.Tensor) -> torch.Tensor:
    """What CIELAB's f was taken of, at least 0."""
    linear = 3 * _KNEE**2 * (f - 4 / 29)
    return torch.where(f > _KNEE, f**3, linear).clamp_min(0)


def ab_from_uv(lightness: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """a* and b* of CIELUV colors; the reverse of `uv_from_lab`.

    Chromaticities that no light has, which nets may predict where it is dark, are brought to the
    nearest that light may have.

    Args:
        lightness: (..., 1, H, W) L* in [0, 100].
        uv: (..., 2, H, W).

    Returns:
        (..., 2, H, W).
    """
    x_white, z_white = D65_XY[0] / D65_XY[1], (1 - sum(D65_XY)) / D65_XY[1]
    white = x_white + 15 + 3 * z_white
    scaled = uv / (13 * lightness.clamp_min(_LEAST_LIGHTNESS))
    u = (scaled[..., :1, :, :] + 4 * x_white / white).clamp(0, _MOST_U)
    v = (scaled[..., 1:, :, :] + 9 / white).clamp(_LEAST_V, _MOST_V)
    f = (lightness + 16) / 116
    y = _inverse(f)
    x = y * 9 * u / (4 * v)
    z = (y * (12 - 3 * u - 20 * v) / (4 * v)).clamp_min(0)
    a = 500 * (_forward(x / x_white) - f)
    b = 200 * (f - _forward(z / z_white))
    return torch.cat([a, b], -3)


def _forward(ratio: torch.Tensor) -> torch.Tensor:
    """CIELAB's f; `_inverse` backwards."""
    linear = ratio / (3 * _KNEE**2) + 4 / 29
    return torch.where(ratio > _KNEE**3, ratio.clamp_min(_KNEE**3) ** (1 / 3), linear)
