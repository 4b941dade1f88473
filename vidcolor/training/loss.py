"""The losses of the classification nets: of their histograms, and of the colors decoded from them.

Histograms: R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016
(arXiv:1603.08511), sections 2.1 (equation 2) and 2.2 (equations 3 and 4). Colors: CIEDE2000 and
colorfulness, as `evaluation.metrics` measures them.
"""

import math

import torch
from torch.nn import functional

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding, entropy_bits, soft_encode
from vidcolor.color.lab import srgb_from_lab
from vidcolor.evaluation.metrics import chroma_ratio, colorfulness_m3, hue_term, rotation

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


def decode_logits(logits: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Likely colors, as `decode_annealed_mean` has them at vividness 0.

    Args:
        logits: (N, bins, h, w).
        decoding: How they become colors; the weight is on the same device.

    Returns:
        (N, 2, h, w) float32, a* and b*.
    """
    logs = functional.log_softmax(logits.movedim(1, -1).float(), dim=-1)  # (N, h, w, bins)
    entropy = entropy_bits(logs.exp(), logs / math.log(2), -1)[..., None]
    untilted = (logs - decoding.rebalancing_weight.log()) / decoding.temperature
    mean = untilted.softmax(-1) @ BIN_CENTERS.to(logits.device)
    return (torch.exp2(decoding.boost * entropy) * mean).movedim(-1, 1)


def color_difference(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean CIEDE2000 at equal lightness, with a gradient that is finite everywhere.

    What depends on hue alone (T and R_T) is taken as it is, without a gradient.

    Args:
        ab: (N, 2, h, w).
        truth: The same.

    Returns:
        A scalar, at least 0.
    """
    mean = (smooth_length(ab) + smooth_length(truth)) / 2
    stretch = 1 + (1 - chroma_ratio(mean)) / 2  # (N, h, w)
    given, true = (torch.stack([p[:, 0] * stretch, p[:, 1]], 1) for p in (ab, truth))
    chroma, true_chroma = smooth_length(given), smooth_length(true)
    chroma_part = true_chroma - chroma
    hue_squared = ((true - given).square().sum(1) - chroma_part.square()).clamp_min(0)
    mean_chroma = (chroma + true_chroma) / 2
    with torch.no_grad():
        middle = given / chroma[:, None] + true / true_chroma[:, None]
        hue = torch.atan2(middle[:, 1], middle[:, 0])
        turn = torch.sign(given[:, 0] * true[:, 1] - given[:, 1] * true[:, 0])
        term, turned = hue_term(hue), turn * rotation(hue, mean_chroma)
    chroma_part = chroma_part / (1 + 0.045 * mean_chroma)
    hue_squared = hue_squared / (1 + 0.015 * mean_chroma * term).square()
    squared = chroma_part.square() + hue_squared
    squared = squared + turned * chroma_part * (hue_squared + _FINITE).sqrt()
    return (squared.clamp_min(0) + _FINITE).sqrt().mean()


def relative_colorfulness(
    lightness: torch.Tensor, ab: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    """Colorfulness M3 summed over the pictures of a batch, as a part of the truth's.

    Args:
        lightness: (N, 1, h, w) L* of both.
        ab: (N, 2, h, w).
        truth: The same.

    Returns:
        A scalar: 0 grey, 1 as colorful as the truth.
    """
    given, true = (srgb_from_lab(torch.cat([lightness, p], 1)).clamp(0, 1) for p in (ab, truth))
    return colorfulness_m3(given).sum() / colorfulness_m3(true).sum()


_FINITE = 1e-2  # under roots, whose slope at 0 is infinite


def smooth_length(ab: torch.Tensor) -> torch.Tensor:
    """Lengths of vectors, chroma or distances in the ab plane, with a slope at 0 as well.

    (N, 2, h, w) to (N, h, w).
    """
    return (ab.square().sum(1) + _FINITE).sqrt()
