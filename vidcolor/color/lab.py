"""sRGB to CIELAB and back, on tensors whose third axis from the end is the channel.

sRGB: IEC 61966-2-1:1999. CIELAB: CIE 15:2004 section 8.2.1, with the exact rational constants that
make its two branches meet.
"""

import torch

D65_XY = (0.3127, 0.3290)
"""Chromaticity of the white of sRGB and BT.709 (ITU-R BT.709-6, item 1.4)."""

Primaries = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

BT709_PRIMARIES: Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
"""Chromaticities of red, green and blue of sRGB and BT.709 (ITU-R BT.709-6, item 1.3)."""

EPSILON = 216 / 24389
"""Ratio Y/Yn below which the CIELAB curve is a line, (6/29)^3."""
KAPPA = 24389 / 27
"""Slope of L* over Y/Yn on that line, (29/3)^3."""

_LINEAR_BELOW = 0.0031308  # light whose sRGB value is in proportion to it: IEC 61966-2-1, 5.3


def linear_from_srgb(srgb: torch.Tensor) -> torch.Tensor:
    """Light, in proportion, of gamma-coded sRGB values; any shape, [0, 1] to [0, 1]."""
    low = srgb / 12.92
    high = ((srgb.clamp_min(0) + 0.055) / 1.055).pow(2.4)
    return torch.where(srgb <= 0.04045, low, high)  # noqa: PLR2004  # IEC 61966-2-1, 5.2


def srgb_from_linear(linear: torch.Tensor) -> torch.Tensor:
    """Gamma-coded sRGB values of light; any shape. Values outside [0, 1] stay outside."""
    low = linear * 12.92
    high = 1.055 * linear.clamp_min(_LINEAR_BELOW).pow(1 / 2.4) - 0.055  # of a finite slope
    return torch.where(linear <= _LINEAR_BELOW, low, high)


def lightness_from_luma(luma: torch.Tensor) -> torch.Tensor:
    """CIELAB L* in [0, 100] of the neutral whose three sRGB values are `luma`, in [0, 1]."""
    return 116 * _compress(linear_from_srgb(luma)) - 16


def lab_from_srgb(srgb: torch.Tensor) -> torch.Tensor:
    """CIELAB of gamma-coded sRGB.

    Args:
        srgb: (..., 3, H, W) in [0, 1].

    Returns:
        (..., 3, H, W): L* in [0, 100], a* and b*.
    """
    xyz = _mix(_RELATIVE_XYZ_FROM_RGB, linear_from_srgb(srgb))
    x, y, z = _compress(xyz).unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-3)


def srgb_from_lab(lab: torch.Tensor) -> torch.Tensor:
    """Gamma-coded sRGB of CIELAB; colors that sRGB lacks come out below 0 or above 1.

    Args:
        lab: (..., 3, H, W): L* in [0, 100], a* and b*.

    Returns:
        (..., 3, H, W).
    """
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    xyz = _expand(torch.stack([y + a / 500, y, y - b / 200], dim=-3))
    return srgb_from_linear(_mix(_RGB_FROM_RELATIVE_XYZ, xyz))


def _compress(ratio: torch.Tensor) -> torch.Tensor:
    """The curve f of CIELAB over X/Xn, Y/Yn or Z/Zn."""
    cube_root = ratio.clamp_min(EPSILON).pow(1 / 3)
    return torch.where(ratio > EPSILON, cube_root, (KAPPA * ratio + 16) / 116)


def _expand(compressed: torch.Tensor) -> torch.Tensor:
    """The inverse of `_compress`."""
    cube = compressed**3
    return torch.where(cube > EPSILON, cube, (116 * compressed - 16) / KAPPA)


def _mix(matrix: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
    """`matrix` (3, 3) applied to each pixel of `channels` (..., 3, H, W)."""
    matrix = matrix.to(channels.device, channels.dtype)
    return torch.matmul(matrix, channels.flatten(-2)).reshape(channels.shape)


def relative_xyz_from_rgb(primaries_xy: Primaries) -> torch.Tensor:
    """Matrix from linear RGB to (X/Xn, Y/Yn, Z/Zn) where white is D65 (SMPTE RP 177).

    Its rows sum to 1, so neutrals stay neutral.

    Args:
        primaries_xy: Chromaticities of red, green and blue.

    Returns:
        (3, 3) float64.
    """
    corners = torch.tensor(
        [(x / y, 1.0, (1 - x - y) / y) for x, y in (*primaries_xy, D65_XY)], dtype=torch.float64
    )  # XYZ of red, green, blue and white, each at Y = 1
    colors, white = corners[:3].T, corners[3]
    luminances: torch.Tensor = torch.linalg.solve(colors, white)  # Y of each primary at full
    return colors * luminances / white[:, None]


_RELATIVE_XYZ_FROM_RGB = relative_xyz_from_rgb(BT709_PRIMARIES)
_RGB_FROM_RELATIVE_XYZ = torch.linalg.inv(_RELATIVE_XYZ_FROM_RGB)
