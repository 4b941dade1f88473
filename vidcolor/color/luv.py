"""CIELUV's u* and v* of CIELAB colors: CIE 15:2004, sections 8.2.1 and 8.2.2, white point D65."""

import torch

from vidcolor.color.lab import D65_XY

_KNEE = 6 / 29  # of CIELAB's f, below which it is linear


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
