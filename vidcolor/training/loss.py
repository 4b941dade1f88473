"""The losses of the classification nets: of their histograms, and of the colors decoded from them.

Histograms: R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016
(arXiv:1603.08511), sections 2.1 (equation 2) and 2.2 (equations 3 and 4). Colors: the CIE94
difference (CIE 116-1995), and colorfulness M1 of D. Hasler, S. Suesstrunk, "Measuring
colourfulness in natural images", 2003.
"""

import torch
from torch.nn import functional

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding, soft_encode

UNIFORM_SHARE = 0.5
"""Part of a uniform distribution in the smoothed prior (lambda, section 2.2)."""
EXPONENT = 0.5
"""Power of the paper's weights that we train with; 1 is the paper.

Its full weights make a small net guess vivid colors far too often; decoding can move along that
curve either way.
"""


def weigh_bins(
    bin_prior: torch.Tensor, uniform_share: float = UNIFORM_SHARE, exponent: float = EXPONENT
) -> torch.Tensor:
    """What the loss of a pixel is multiplied by, for each bin its color may lie in.

    Args:
        bin_prior: (bins,) how often each bin occurs, summing to 1.
        uniform_share: Lambda of equation 4.
        exponent: Power taken of equation 4.

    Returns:
        (bins,) with mean 1 under the prior.
    """
    weight = ((1 - uniform_share) * bin_prior + uniform_share / BIN_COUNT).pow(-exponent)
    return weight / (bin_prior * weight).sum()


def rebalanced_cross_entropy(
    logits: torch.Tensor, ab: torch.Tensor, rebalancing_weight: torch.Tensor
) -> torch.Tensor:
    """Mean over pixels of the weighted cross-entropy to the softly encoded color (equation 2).

    Args:
        logits: (N, bins, h, w).
        ab: (N, 2, h, w) true a* and b*.
        rebalancing_weight: (bins,).

    Returns:
        A scalar, at least 0.
    """
    indices, shares = (part.movedim(1, -1) for part in soft_encode(ab))  # (N, h, w, 5)
    # With the bins last, logits in channels_last order are not copied.
    log_probabilities = functional.log_softmax(logits.movedim(1, -1).float(), dim=-1)
    entropy = -(log_probabilities.gather(-1, indices) * shares).sum(-1)  # (N, h, w)
    return (entropy * rebalancing_weight[indices[..., 0]]).mean()


def decode_logits(logits: torch.Tensor, decoding: Decoding, gain: float) -> torch.Tensor:
    """Likely colors, as `decode_annealed_mean` has them before their boost, times a constant.

    Args:
        logits: (N, bins, h, w).
        decoding: How they become colors; the weight is on the same device.
        gain: The constant.

    Returns:
        (N, 2, h, w) float32, a* and b*.
    """
    untilted = logits.movedim(1, -1).float() - decoding.rebalancing_weight.log()
    likely = untilted / decoding.temperature
    centers = gain * BIN_CENTERS.to(logits.device)
    return (likely.softmax(-1) @ centers).movedim(-1, 1)


def color_difference(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean CIE94 difference at equal lightness, the truth being the standard.

    It weighs chroma and hue nearly as CIEDE2000 does, and its gradient is finite everywhere.

    Args:
        ab: (N, 2, h, w).
        truth: The same.

    Returns:
        A scalar, at least 0.
    """
    chroma, true_chroma = _chroma(ab), _chroma(truth)
    chroma_part = chroma - true_chroma
    hue_part = ((ab - truth).square().sum(1) - chroma_part.square()).clamp_min(0)  # squared
    scaled = (chroma_part / (1 + 0.045 * true_chroma)).square()
    scaled = scaled + hue_part / (1 + 0.015 * true_chroma).square()
    return (scaled + _FINITE).sqrt().mean()


def relative_colorfulness(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Colorfulness M1 summed over the pictures of a batch, as a part of the truth's.

    Args:
        ab: (N, 2, h, w).
        truth: The same.

    Returns:
        A scalar: 0 grey, 1 as colorful as the truth.
    """
    return _colorfulness(ab).sum() / _colorfulness(truth).sum()


_FINITE = 1e-2  # under roots, whose slope at 0 is infinite


def _chroma(ab: torch.Tensor) -> torch.Tensor:
    return (ab.square().sum(1) + _FINITE).sqrt()


def _colorfulness(ab: torch.Tensor) -> torch.Tensor:
    deviation = (ab.var((2, 3), correction=0).sum(1) + _FINITE).sqrt()
    return deviation + 0.37 * (ab.mean((2, 3)).square().sum(1) + _FINITE).sqrt()
