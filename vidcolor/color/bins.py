"""The 313 bins of the ab plane: soft encoding of colors, decoding of histograms.

After R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016 (arXiv:1603.08511):
the bins and their soft encoding are section 2.1, the rebalancing 2.2, the annealed mean 2.3.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import torch
from torch.nn import functional

GRID = 10
"""Side of a bin in units of a* and b* (section 2.1)."""

_B_RANGES = (
    (-90, 50, 90),
    (-80, 20, 90),
    (-70, 0, 90),
    (-60, -20, 90),
    (-50, -30, 100),
    (-40, -40, 100),
    (-30, -50, 100),
    (-20, -50, 100),
    (-10, -60, 100),
    (0, -70, 100),
    (10, -80, 90),
    (20, -80, 90),
    (30, -90, 90),
    (40, -100, 90),
    (50, -100, 80),
    (60, -110, 80),
    (70, -110, 80),
    (80, -110, 70),
    (90, -110, 70),
    (100, -90, 0),
)
"""For each a*, the first and the last b* whose bin some sRGB color falls into."""

BIN_CENTERS = torch.tensor(
    [(a, b) for a, first, last in _B_RANGES for b in range(first, last + GRID, GRID)],
    dtype=torch.float32,
)
"""Centers of the bins, (bins, 2) float32, in the order of a histogram's first axis."""

BIN_COUNT = len(BIN_CENTERS)
MOST_ENTROPY_BITS = math.log2(BIN_COUNT)
"""Of a histogram in which all bins are as likely."""
NEIGHBOR_COUNT = 5
"""Bins that share a color's weight (section 2.1)."""
NEIGHBOR_SIGMA = 5.0
"""Standard deviation in ab of the Gaussian that shares it (section 2.1)."""
TEMPERATURE = 0.38
"""Temperature of the annealed mean in the paper (section 2.3, equation 5)."""

_TINY = 2.0**-100  # in place of probability 0, whose logarithm is infinite
_MOST_BENT = 1 - 2.0**-20  # of the way from knee to ceiling, whose end would be infinitely far
_AB_LIMIT = 110
"""Colors beyond this a* or b* are encoded as if they lay on it; sRGB reaches -108 to 98."""


def soft_encode(ab: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The nearest bins of each color and how they share it.

    Colors are rounded to whole a* and b* first, which makes the encoding a table look-up.

    Args:
        ab: (N, 2, h, w) a* and b*.

    Returns:
        Indices, (N, 5, h, w) int64, nearest bin first, and weights, (N, 5, h, w) float32, that
        sum to 1 over the second axis.
    """
    indices, weights = _encoding_table(ab.device)
    a, b = (ab.round() + _AB_LIMIT).clamp(0, 2 * _AB_LIMIT).long().unbind(1)  # (N, h, w)
    return indices[a, b].movedim(-1, 1), weights[a, b].movedim(-1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoding:
    """How the histograms of one model become colors.

    Attributes:
        rebalancing_weight: (bins,) positive; what the loss multiplied each bin by, or what it was
            measured that histograms are tilted by.
        temperature: T of the annealed mean, in (0, 1]: 1 is the plain mean, towards 0 the mode.
        gain: What the mean is multiplied by. Where a net is unsure the mean lies nearer to grey
            than any likely color, and pictures come out dull.
        boost: How much more a mean gains by uncertainty, at least 0: it is multiplied by
            2^(boost H) too, H being the histogram's entropy in bits.
        knee: Chroma above which colors are bent towards `ceiling`, so that nothing glows; infinite
            for not at all.
        ceiling: Chroma that no bent color reaches, more than `knee`.
    """

    rebalancing_weight: torch.Tensor
    temperature: float = TEMPERATURE
    gain: float = 1.0
    boost: float = 0.0
    knee: float = math.inf
    ceiling: float = math.inf


STRIP_ROWS: Final = 8
"""Of a map whose histograms are worked on at once: 88 to a row, they stay in the processor's cache,
and one map's decoding takes 5 ms in place of 14."""


class Decoded(NamedTuple):
    """Histograms' colors, and how uncertain the histograms are.

    Attributes:
        ab: (..., 2, h, w) float32, a* and b*.
        entropy: (..., 1, h, w) float32, in bits: 0 to log2(bins).
    """

    ab: torch.Tensor
    entropy: torch.Tensor

    @property
    def confidence(self) -> float:
        """How sure the histograms are on average, in [0, 1]: 1 of one bin each."""
        return 1 - float(self.entropy.mean()) / MOST_ENTROPY_BITS


def decode_annealed_mean(
    probabilities: torch.Tensor, vividness: float, decoding: Decoding
) -> Decoded:
    """One color for each histogram: its mean after sharpening, the rebalancing partly taken back.

    Training with rebalancing tilts histograms towards rare, saturated bins. Before the annealed
    mean (section 2.3) p becomes p w^(v - 1), w being the weight that the loss gave a bin: v = 1 is
    the paper's decoding, v = 0 takes the tilt back in full. Sharpened probabilities are p^(1/T) up
    to a factor, and the tilt is a constant of each bin: tilt, sum and mean are one matrix product.

    Args:
        probabilities: (..., bins, h, w) of any float type, at least 0; their sum need not be 1
            exactly.
        vividness: v above; 0 is likely, 1 vivid, more is vivider still.
        decoding: w and T above, what the mean gains, and how its chroma is bent.

    Returns:
        The colors, and the histograms' entropy.
    """
    device, temperature = probabilities.device, decoding.temperature
    weight = decoding.rebalancing_weight.to(device, torch.float32)
    tilt = weight.pow((vividness - 1) / temperature)
    centers = BIN_CENTERS.to(device)
    reduce = torch.stack([centers[:, 0] * tilt, centers[:, 1] * tilt, tilt])  # (3, bins)
    rows = probabilities.movedim(-3, -1)  # (..., h, w, bins), which models lay out so
    height = rows.shape[-3]
    strip = min(STRIP_ROWS, height) if device.type == "cpu" else height
    shape = (*rows.shape[:-3], strip, *rows.shape[-2:])
    scratch = torch.empty((2, *shape), device=device)
    sums = torch.empty((*rows.shape[:-1], 3), device=device)
    entropy = torch.empty((*rows.shape[:-1], 1), device=device)
    for top in range(0, height, strip):
        some = slice(top, top + strip)
        given = rows[..., some, :, :]
        plain, logs = scratch[..., : given.shape[-3], :, :]
        plain.copy_(given)
        torch.clamp_min(plain, _TINY, out=logs).log2_()
        # What `entropy_bits` gives, in place: its product of its own takes a tenth more time.
        entropy[..., some, :, 0] = -plain.mul_(logs).sum(-1)
        sharp = logs.mul_(1 / temperature).exp2_()  # twice as fast as pow on a CPU
        sums[..., some, :, :] = functional.linear(sharp, reduce)  # four times as fast as @ there
    ab = decoding.gain * torch.exp2(decoding.boost * entropy) * sums[..., :2] / sums[..., 2:]
    ab = bend_chroma(ab.movedim(-1, -3).contiguous(), decoding)
    return Decoded(ab, entropy.movedim(-1, -3).contiguous())


def entropy_bits(probabilities: torch.Tensor, logs: torch.Tensor, axis: int) -> torch.Tensor:
    """Entropy of histograms, in bits.

    Args:
        probabilities: Histograms along an axis, which the result has not.
        logs: Their logarithms to base 2, finite.
        axis: The axis of the bins.
    """
    return -(probabilities * logs).sum(axis)


def bend_chroma(ab: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Colors whose chroma above the knee is bent smoothly towards the ceiling; hues stay.

    A chroma c above the knee k becomes k + s tanh((c - k) / s) with s the ceiling less k, which has
    slope 1 at the knee.

    Args:
        ab: (..., 2, h, w) a* and b*.
        decoding: Knee and ceiling.
    """
    if math.isinf(decoding.knee):
        return ab
    span = decoding.ceiling - decoding.knee
    chroma = ab.square().sum(-3, keepdim=True).clamp_min(decoding.knee**2).sqrt()
    bent: torch.Tensor = decoding.knee + span * torch.tanh((chroma - decoding.knee) / span)
    limited: torch.Tensor = ab * (bent / chroma)
    return limited


def unbend_chroma(ab: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Give back the colors that `bend_chroma` made these of."""
    if math.isinf(decoding.knee):
        return ab
    span = decoding.ceiling - decoding.knee
    chroma = ab.square().sum(-3, keepdim=True).clamp_min(decoding.knee**2).sqrt()
    bent: torch.Tensor = ((chroma - decoding.knee) / span).clamp_max(_MOST_BENT)
    straight: torch.Tensor = decoding.knee + span * torch.atanh(bent)
    straightened: torch.Tensor = ab * (straight / chroma)
    return straightened


@cache
def _encoding_table(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices and weights of `soft_encode` for each whole (a*, b*), both (221, 221, 5)."""
    axis = torch.arange(-_AB_LIMIT, _AB_LIMIT + 1, dtype=torch.float32)
    colors = torch.cartesian_prod(axis, axis)  # (221 * 221, 2)
    # Distances are squared integers, exact in float32; sorting stably makes ties the same anywhere.
    squared = (colors[:, None] - BIN_CENTERS).square().sum(-1)  # (221 * 221, bins)
    squared, indices = squared.sort(dim=1, stable=True)
    squared = squared[:, :NEIGHBOR_COUNT]
    # Less the nearest's, which cancels out below: far outside all bins all five would underflow.
    weights = torch.exp((squared - squared[:, :1]) / (-2 * NEIGHBOR_SIGMA**2))
    weights = weights / weights.sum(1, keepdim=True)
    shape = (len(axis), len(axis), NEIGHBOR_COUNT)
    indices = indices[:, :NEIGHBOR_COUNT].contiguous()
    return indices.reshape(shape).to(device), weights.reshape(shape).to(device)
