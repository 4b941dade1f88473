"""How far colors are from the truth, and how strong they are: one function a formula."""

import math

import torch

PEAK = 255.0
"""Colorfulness is given on this scale of sRGB values."""


def delta_ab(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Euclidean distance in the ab plane: (..., 2, H, W) twice to (..., H, W)."""
    return (ab - truth).square().sum(-3).sqrt()


def psnr(srgb: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio, dB, over each picture: (N, 3, H, W) in [0, 1] twice to (N,)."""
    return -10 * torch.log10((srgb - truth).square().flatten(1).mean(1))


def colorfulness_m3(srgb: torch.Tensor) -> torch.Tensor:
    """Colorfulness M3: D. Hasler, S. Suesstrunk, "Measuring colourfulness in natural images", 2003.

    Args:
        srgb: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) on the paper's scale: 0 none, 15 slight, 45 quite, 109 extreme.
    """
    red, green, blue = (PEAK * srgb).flatten(2).unbind(1)  # (N, H * W)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], 1)  # (N, 2, H * W)
    mean = opponents.mean(2)  # (N, 2)
    # Norms, as roots of sums of squares would have no slope where a picture is grey.
    spread: torch.Tensor = torch.linalg.vector_norm(opponents - mean[..., None], dim=(1, 2))
    shift: torch.Tensor = torch.linalg.vector_norm(mean, dim=1)
    return spread / math.sqrt(opponents.shape[2]) + 0.3 * shift


def ciede2000(lab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """CIEDE2000 color difference with all three parametric factors 1.

    G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and
    Application 30(1), 2005, equations 2 to 22.

    Args:
        lab: (..., 3, H, W) L*, a* and b*.
        truth: Those of the other picture.

    Returns:
        (..., H, W); about 1 is a just noticeable difference.
    """
    l1, a1, b1 = lab.unbind(-3)
    l2, a2, b2 = truth.unbind(-3)
    mean_chroma = (torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2
    stretch = 1 + (1 - chroma_ratio(mean_chroma)) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = torch.atan2(b1, a1), torch.atan2(b2, a2)
    turn = torch.remainder(h2 - h1 + math.pi, 2 * math.pi) - math.pi  # (-pi, pi]
    hue_difference = 2 * (c1 * c2).sqrt() * torch.sin(turn / 2)
    hue = h1 + turn / 2  # where one color has no hue, both terms that take it are 0
    c_mean, l_offset = (c1 + c2) / 2, ((l1 + l2) / 2 - 50).square()
    lightness_scale = 1 + 0.015 * l_offset / (20 + l_offset).sqrt()
    chroma_scale = 1 + 0.045 * c_mean
    hue_scale = 1 + 0.015 * c_mean * hue_term(hue)
    lightness_part = (l2 - l1) / lightness_scale
    chroma_part = (c2 - c1) / chroma_scale
    hue_part = hue_difference / hue_scale
    turned = rotation(hue, c_mean) * chroma_part * hue_part
    squared = lightness_part**2 + chroma_part**2 + hue_part**2 + turned
    return squared.clamp_min(0).sqrt()


def chroma_ratio(chroma: torch.Tensor) -> torch.Tensor:
    """The saturating ratio of equations 4 and 18."""
    seventh = chroma.double().pow(7)
    return (seventh / (seventh + 25.0**7)).sqrt().to(chroma.dtype)


def hue_term(hue: torch.Tensor) -> torch.Tensor:
    """T of equation 15; hue in radians."""
    return (
        1
        - 0.17 * torch.cos(hue - math.radians(30))
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6))
        - 0.20 * torch.cos(4 * hue - math.radians(63))
    )


def rotation(hue: torch.Tensor, chroma: torch.Tensor) -> torch.Tensor:
    """R_T of equations 16, 17 and 19: chroma and hue differences interact in the blues."""
    degrees = torch.remainder(torch.rad2deg(hue), 360)
    angle = 30 * torch.exp(-(((degrees - 275) / 25).square()))
    return -2 * chroma_ratio(chroma) * torch.sin(torch.deg2rad(2 * angle))
