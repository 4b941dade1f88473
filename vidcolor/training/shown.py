"""Colors as they are shown, with a gradient: a mean nearly plain, a constant gain, a soft ceiling.

A net that learns through its decoding learns what a viewer will see. Sharper means pile color on
the few pixels that a net is sure of, and a gain by entropy makes faces glow; a constant one with a
soft ceiling does neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from vidcolor.color.bins import BIN_CENTERS, Decoding

_TINY = 1e-6  # under roots, whose slope at 0 is infinite
_HALVINGS = 24
_MOST_GAIN = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How histograms are shown.

    Attributes:
        temperature: Of the annealed mean (Zhang et al. 2016, equation 5), in (0, 1].
        gain: What colors are multiplied by, before the ceiling.
        knee: Chroma up to which colors stay as they are, at least 0.
        top: Chroma that no color passes, above the knee. Skin at L* 60 hardly passes 40.
    """

    temperature: float = 0.85
    gain: float = 1.0
    knee: float = 20.0
    top: float = 45.0


def mean_colors(logits: torch.Tensor, decoding: Decoding, temperature: float) -> torch.Tensor:
    """Annealed means, the tilt that the loss gave taken back.

    Args:
        logits: (N, bins, h, w).
        decoding: Of the net; only its `rebalancing_weight` plays a part.
        temperature: Of the mean.

    Returns:
        (N, 2, h, w) float32, a* and b*.
    """
    rows = logits.movedim(1, -1).float()  # (N, h, w, bins)
    tilt = decoding.rebalancing_weight.to(rows.device).log()
    shares = ((rows - tilt) / temperature).softmax(-1)
    return (shares @ BIN_CENTERS.to(rows.device)).movedim(-1, 1)


def limit_chroma(ab: torch.Tensor, look: Look) -> torch.Tensor:
    """Colors times the gain, chroma above the knee bent towards the top; hues stay.

    Args:
        ab: (N, 2, h, w) a* and b*.
        look: Its gain, knee and top.

    Returns:
        (N, 2, h, w), c' = k + (t - k) tanh((c - k) / (t - k)) where c is above k.
    """
    ab = look.gain * ab
    chroma = (ab.square().sum(1, keepdim=True) + _TINY).sqrt()
    room = look.top - look.knee
    bent = look.knee + room * torch.tanh((chroma - look.knee).clamp_min(0) / room)
    return ab * torch.where(chroma > look.knee, bent / chroma, 1.0)


def show(logits: torch.Tensor, decoding: Decoding, look: Look) -> torch.Tensor:
    """The colors of histograms, (N, bins, h, w) logits to (N, 2, h, w) a* and b*."""
    return limit_chroma(mean_colors(logits, decoding, look.temperature), look)


def median_chroma(maps: Sequence[torch.Tensor]) -> float:
    """The mean over pictures, (2, h, w) each, of the median of their pixels' chroma."""
    medians = [torch.linalg.vector_norm(ab, dim=0).median() for ab in maps]
    return float(torch.stack(medians).mean())


def gain_for(maps: Sequence[torch.Tensor], look: Look, median: float) -> float:
    """The gain at which shown colors have a median chroma.

    Args:
        maps: Annealed means of pictures, (2, h, w) each.
        look: Its knee and top.
        median: The median chroma wanted, in units of a* and b*.
    """
    low, high = 0.0, _MOST_GAIN
    for _ in range(_HALVINGS):
        gain = (low + high) / 2
        tried = Look(temperature=look.temperature, gain=gain, knee=look.knee, top=look.top)
        found = median_chroma([limit_chroma(ab[None], tried)[0] for ab in maps])
        low, high = (low, gain) if found > median else (gain, high)
    return (low + high) / 2


def enlarge(ab: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Colors (N, 2, h, w) at a picture's size, cubic."""
    return functional.interpolate(ab, size=(height, width), mode="bicubic", align_corners=False)
