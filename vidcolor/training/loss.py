"""The loss of the classification nets: cross-entropy with rare colors weighted up.

R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016 (arXiv:1603.08511),
sections 2.1 (equation 2) and 2.2 (equations 3 and 4).
"""

import torch
from torch.nn import functional

from vidcolor.color.bins import BIN_COUNT, soft_encode

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
