"""A model's prediction to colors: what nets that give a* and b* say as it is, histograms decoded.

The ways of R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016
(arXiv:1603.08511), section 2.3: the annealed mean between the mean and the mode; and samples.
"""

from functools import lru_cache
from math import e, pi
from typing import Literal

import torch

from vidcolor.color.bins import (
    BIN_CENTERS,
    BIN_COUNT,
    GRID,
    MOST_ENTROPY_BITS,
    Decoded,
    Decoding,
    bend_chroma,
    decode_annealed_mean,
    unbend_chroma,
)

AB_UNIT = 110.0
"""Unit of a* and b* in the output of nets that give them, which then is of about 1."""

DecodeMethod = Literal["annealed", "mean", "mode", "sample"]

_AB = 2  # axes, a* and b*
_TINY = 2.0**-100  # in place of probability 0, whose logarithm is infinite


def decode_prediction(
    prediction: torch.Tensor,
    decoding: Decoding | None,
    *,
    vividness: float,
    method: DecodeMethod = "annealed",
    seed: int = 0,
) -> Decoded:
    """One color for each pixel of a prediction.

    Args:
        prediction: (bins, h, w) probabilities of any float type; or a* and b*, (2, h, w), with
            their standard deviation where it is known, (3, h, w).
        decoding: How the model's histograms become colors; None if it gives a* and b*.
        vividness: See `decode_annealed_mean`; has no effect on a* and b*.
        method: `annealed`, what the model's author meant; `mean` and `mode` of the histogram;
            `sample`, drawn from it. All pixels share one draw: what is alike gets one color, and
            keeps it wherever it moves.
        seed: Of that draw; the same gives the same colors.

    Returns:
        a* and b*, and the histograms' entropy; where there are none, that of a deviation as if it
        were a histogram's, and where that is not known: NaN.
    """
    if decoding is None:
        ab, deviation = prediction[:_AB], prediction[_AB:]
        unknown = torch.full_like(ab[:1], torch.nan)
        return Decoded(ab, _entropy(deviation) if len(deviation) else unknown)
    if method == "annealed":
        return decode_annealed_mean(prediction, vividness, decoding)
    plain = Decoding(rebalancing_weight=decoding.rebalancing_weight, temperature=1.0)
    mean = decode_annealed_mean(prediction, vividness, plain)
    if method == "mean":
        return mean
    weight = decoding.rebalancing_weight.to(prediction.device, torch.float32)
    tilt = (vividness - 1) * weight.log()
    scores = prediction.float().clamp_min(_TINY).log() + tilt[:, None, None]
    if method == "sample":
        scores = scores + _gumbel_noise(seed).to(prediction.device)[:, None, None]
    chosen = BIN_CENTERS.to(prediction.device)[scores.argmax(0)]  # (h, w, 2)
    return mean._replace(ab=chosen.movedim(-1, 0).contiguous())


def strengthen(
    ab: torch.Tensor, gain: float, decoding: Decoding | None, method: DecodeMethod
) -> torch.Tensor:
    """Colors of `decode_prediction` as strong as if they had been decoded with so much more gain.

    Args:
        ab: (2, h, w) a* and b*.
        gain: A factor on them, before their chroma is bent.
        decoding: The one that they were decoded by; None if the model gives a* and b*.
        method: The way that they were decoded in.
    """
    if decoding is None or method != "annealed":
        return ab * gain
    return ab if gain == 1 else bend_chroma(gain * unbend_chroma(ab, decoding), decoding)


def _entropy(deviation: torch.Tensor) -> torch.Tensor:
    """Bits that a normal distribution over the ab plane takes when it is cut into bins.

    Args:
        deviation: Root of the mean squared distance from the mean, in ab; any shape.
    """
    variance = deviation.square() / _AB  # along each axis
    bits = 0.5 * _AB * torch.log2(2 * pi * e * variance / GRID**2)
    return bits.clamp(0, MOST_ENTROPY_BITS)


@lru_cache(maxsize=2)
def _gumbel_noise(seed: int) -> torch.Tensor:
    """Noise, (bins,), whose sum with log probabilities is greatest at a sample of them.

    C. J. Maddison et al., "A* Sampling", NeurIPS 2014 (arXiv:1411.0030), section 2.
    """
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(BIN_COUNT, generator=generator).clamp(1e-9, 1 - 1e-7)
    return -(-uniform.log()).log()
