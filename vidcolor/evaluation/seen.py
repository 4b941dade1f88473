"""What a viewer sees in colors beside the true ones: glare, grey, wrong hues, unevenness.

A mean error forgives what eyes do not: a red face costs CIEDE2000 little, as its S_C grows with
chroma. Each figure here counts one such fault. Chroma is the distance of (a*, b*) from neutral, in
units of CIELAB (CIE 15:2004, section 8.2.1). The limits were chosen for what one sees.
"""

import math

import torch
from torch.nn import functional

GLARE_EXCESS = (30, 50)
"""Units of chroma above the truth's from which a color glares."""
GREY_CHROMA = 6.0
"""Below it a shown color passes for grey."""
COLORED_CHROMA = 15.0
"""Above it a color has a hue that everyone would name."""
MISSED_HUE_DEGREES = 60.0
"""Hues further apart than this are two colors: red and yellow, green and blue."""
PATCH_SIDE = 16
"""Of the patches in which evenness is looked at, in pixels of a picture 256 pixels high."""
EVEN_DEVIATION = 3.0
"""Standard deviation in ab up to which a patch is of one color: about what JPEG alone does."""

_LEAST_FILLED = 0.5  # of a patch's pixels must be looked at for the patch to count


def glares(chroma: torch.Tensor, true_chroma: torch.Tensor, excess: float) -> torch.Tensor:
    """Where colors are far stronger than the true ones: C* >= C*_true + excess.

    Args:
        chroma: Of the colors shown; any shape, in ab units.
        true_chroma: Of the true ones, of the same shape.
        excess: In ab units.

    Returns:
        bool, of that shape.
    """
    return chroma - true_chroma >= excess


def is_left_grey(chroma: torch.Tensor, true_chroma: torch.Tensor) -> torch.Tensor:
    """Where something colored is shown grey: C* < `GREY_CHROMA`, C*_true > `COLORED_CHROMA`.

    Args and result as of `glares`.
    """
    return (chroma < GREY_CHROMA) & (true_chroma > COLORED_CHROMA)


def count_faults(chroma: torch.Tensor, true_chroma: torch.Tensor) -> dict[str, float]:
    """How many colors are far too strong, and how many are missing.

    Args as of `glares`.

    Returns:
        In percent of them: `glare_` and the excess for each of `GLARE_EXCESS`, and `left_grey`.
    """
    faults = {f"glare_{excess}": glares(chroma, true_chroma, excess) for excess in GLARE_EXCESS}
    faults["left_grey"] = is_left_grey(chroma, true_chroma)
    return {name: 100 * float(where.float().mean()) for name, where in faults.items()}


def misses_hue(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Where a color is shown as another one: both chromas above `COLORED_CHROMA`, hues far apart.

    Hues are further apart than `MISSED_HUE_DEGREES` where a a' + b b' < C* C*' cos of it.

    Args:
        ab: (2, ...) the colors shown.
        truth: (2, ...) the true ones.

    Returns:
        (...) bool.
    """
    chroma, true_chroma = ab.norm(dim=0), truth.norm(dim=0)
    colored = (chroma > COLORED_CHROMA) & (true_chroma > COLORED_CHROMA)
    limit = math.cos(math.radians(MISSED_HUE_DEGREES))
    missed: torch.Tensor = colored & ((ab * truth).sum(0) < limit * chroma * true_chroma)
    return missed


def unevenness(
    ab: torch.Tensor, truth: torch.Tensor, within: torch.Tensor | None = None
) -> torch.Tensor:
    """How much colors vary inside patches whose true color hardly does, in ab units.

    The picture is cut into squares of `PATCH_SIDE` pixels; what does not fill one at the right and
    the bottom is left out. var = var(a*) + var(b*) is taken in each. The result is the root of its
    mean over the squares where the truth's root is at most `EVEN_DEVIATION`.

    Args:
        ab: (2, H, W) the colors shown.
        truth: (2, H, W) the true ones; given for both, the result is the truth's own unevenness.
        within: (H, W) bool, which pixels to look at, None for all. A square counts if it has half
            of its pixels there.

    Returns:
        A scalar, NaN if no square is even.
    """
    weight = torch.ones_like(ab[:1]) if within is None else within[None].to(ab.dtype)
    filled = functional.avg_pool2d(weight, PATCH_SIDE)[0]  # (rows, columns)
    variance, true_variance = (_variance(colors, weight, filled) for colors in (ab, truth))
    even = (filled >= _LEAST_FILLED) & (true_variance <= EVEN_DEVIATION**2)
    return variance[even].mean().sqrt()


def measure_seen(
    ab: torch.Tensor, truth: torch.Tensor, within: torch.Tensor | None = None
) -> dict[str, float]:
    """All figures of a picture.

    Args:
        ab: (2, H, W) a* and b* shown.
        truth: (2, H, W) the true ones.
        within: (H, W) bool, which pixels to look at; None for all.

    Returns:
        In percent of the pixels looked at, `glare_30`, `glare_50`, `left_grey` and `hue_misses`; in
        ab units `unevenness` and `median_chroma`, each also of the truth (`truth_...`). NaN where
        there is nothing to look at.
    """
    pixels, true_pixels = (
        colors.flatten(1) if within is None else colors[:, within] for colors in (ab, truth)
    )  # (2, pixels)
    chroma, true_chroma = pixels.norm(dim=0), true_pixels.norm(dim=0)
    figures = count_faults(chroma, true_chroma)
    figures["hue_misses"] = 100 * float(misses_hue(pixels, true_pixels).float().mean())
    for prefix, colors, strength in (("", ab, chroma), ("truth_", truth, true_chroma)):
        figures[f"{prefix}unevenness"] = float(unevenness(colors, truth, within))
        figures[f"{prefix}median_chroma"] = float(strength.median()) if len(strength) else math.nan
    return figures


def _variance(ab: torch.Tensor, weight: torch.Tensor, filled: torch.Tensor) -> torch.Tensor:
    """Weighted var(a*) + var(b*) of each square, (rows, columns); NaN in an empty one."""
    mean = functional.avg_pool2d(weight * ab, PATCH_SIDE) / filled
    square = functional.avg_pool2d(weight * ab.square(), PATCH_SIDE) / filled
    return (square - mean.square()).clamp_min(0).sum(0)
