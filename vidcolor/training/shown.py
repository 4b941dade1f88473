"""Colors as they are shown, with a gradient: a mean nearly plain, a constant gain, a soft ceiling.

A net that learns through its decoding learns what a viewer will see.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.nn import functional

from vidcolor.color.bins import Decoding, bend_chroma
from vidcolor.training.loss import decode_logits

SHOWN_TEMPERATURE = 0.85
"""Temperature of the annealed mean: nearly the plain mean.

The plain mean spreads color over whole things; annealing piles it on the few places that a net is
sure of, which then glow beside what stays grey.
"""

SHOWN_KNEE, SHOWN_CEILING = 20.0, 45.0
"""Chroma from which colors are bent, and that none reaches; skin at L* 60 hardly exceeds 40."""

_HALVINGS = 24
_MOST_GAIN = 16.0


def shown_decoding(decoding: Decoding, gain: float = 1.0) -> Decoding:
    """How histograms are shown: a net's weight of each bin, a gain, all else as in use."""
    return Decoding(
        rebalancing_weight=decoding.rebalancing_weight,
        temperature=SHOWN_TEMPERATURE,
        gain=gain,
        knee=SHOWN_KNEE,
        ceiling=SHOWN_CEILING,
    )


def show(logits: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """The colors of histograms.

    Args:
        logits: (N, bins, h, w).
        decoding: How they are shown; the weight is on the same device.

    Returns:
        (N, 2, h, w) float32, a* and b*.
    """
    return strengthen(decode_logits(logits, decoding), decoding)


def strengthen(means: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Annealed means (..., 2, h, w) times the gain, their chroma bent towards the ceiling."""
    return bend_chroma(decoding.gain * means, decoding)


def median_chroma(maps: Sequence[torch.Tensor]) -> float:
    """The mean over pictures, (2, h, w) each, of the median of their pixels' chroma."""
    medians = [torch.linalg.vector_norm(ab, dim=0).median() for ab in maps]
    return float(torch.stack(medians).mean())


def gain_for(maps: Sequence[torch.Tensor], decoding: Decoding, median: float) -> float:
    """The gain at which shown colors have a median chroma.

    Args:
        maps: Annealed means of pictures, (2, h, w) each.
        decoding: Its knee and ceiling; its own gain plays no part.
        median: The median chroma wanted, in units of a* and b*.
    """
    low, high = 0.0, _MOST_GAIN
    for _ in range(_HALVINGS):
        gain = (low + high) / 2
        found = median_chroma([strengthen(ab, replace(decoding, gain=gain)) for ab in maps])
        low, high = (low, gain) if found > median else (gain, high)
    return (low + high) / 2


def enlarge(ab: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Colors (N, 2, h, w) at a picture's size, cubic."""
    return functional.interpolate(ab, size=(height, width), mode="bicubic", align_corners=False)
