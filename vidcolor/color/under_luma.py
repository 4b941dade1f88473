"""Colors as they must be asked for, so that a film shows them under the luma that it has.

A film's lightness is that of its luma taken as neutral. A saturated color of that luma is lighter:
a red by 10 L*. Its Cb and Cr, made with the neutral's lightness, would be those of a pinker red.
"""

from collections.abc import Callable

import torch

from vidcolor.color.lab import lab_from_srgb, srgb_from_lab
from vidcolor.color.ycbcr import KR_KB
from vidcolor.frame import FrameFormat

STEPS = 14
"""Halvings of what is searched: to 1/100 of L*."""

MOST_LIGHTER, MOST_DARKER = 80.0, 20.0
"""By how much L* of a color may differ from that of a neutral of its luma."""

MOST_ADDED = 1.0
"""Searched likewise: what R', G' and B' have in common."""


def under_luma(ab: torch.Tensor, lightness: torch.Tensor, picture: FrameFormat) -> torch.Tensor:
    """The a* and b* for `chroma_codes` that make a film show the wanted ones.

    Args:
        ab: Wanted a* and b*, (2, h, w).
        lightness: L* of the film's luma taken as neutral, (h, w).
        picture: The film's matrix.

    Returns:
        (2, h, w): with `lightness` they have the Cb and Cr of the color that has the wanted ones
        and this luma.
    """
    kr, kb = KR_KB[picture.matrix]
    weights = torch.tensor([kr, 1 - kr - kb, kb])[:, None, None].to(ab)
    luma = srgb_from_lab(torch.stack([lightness, *torch.zeros_like(ab)]))[0]

    def of_luma(own: torch.Tensor) -> torch.Tensor:
        return (weights * srgb_from_lab(torch.cat([own[None], ab]))).sum(0) - luma

    low, high = lightness - MOST_DARKER, lightness + MOST_LIGHTER
    shown = srgb_from_lab(torch.cat([_root(of_luma, low, high)[None], ab]))

    def of_lightness(added: torch.Tensor) -> torch.Tensor:
        return lab_from_srgb(shown + added)[0] - lightness

    most = torch.full_like(lightness, MOST_ADDED)
    return lab_from_srgb(shown + _root(of_lightness, -most, most))[1:]


def _root(
    rising: Callable[[torch.Tensor], torch.Tensor], low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    """Where a function that rises passes 0, by halving."""
    for _ in range(STEPS):
        middle = (low + high) / 2
        is_above = rising(middle) > 0
        low, high = torch.where(is_above, low, middle), torch.where(is_above, middle, high)
    return (low + high) / 2
