"""What a net learns through the colors that will be shown, beside honest histograms.

CIEDE2000 forgives chroma (its S_C grows with it), so that a plain distance in ab stands beside it.
A perceptual and an adversarial part, in the proportions of X. Kang et al., "DDColor", ICCV 2023
(arXiv:2212.11613), section 3.4, know what things look like. How colorful a batch is as a whole is
asked nowhere, since a few burning pixels answer that cheapest.
"""

from dataclasses import dataclass

import torch

from vidcolor.color.bins import Decoding
from vidcolor.color.decode import AB_UNIT
from vidcolor.training.adversary import Adversary
from vidcolor.training.loss import color_difference, rebalanced_cross_entropy
from vidcolor.training.objective import Example, Objective, as_coarse
from vidcolor.training.perceptual import PerceptualLoss
from vidcolor.training.shown import show


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownWeights:
    """Of each part, beside the cross-entropy's 1; a part of weight 0 is not computed.

    Attributes:
        difference: Of the mean CIEDE2000.
        distance: Of the mean distance in ab, which is about one and a half times as large.
        perceptual: Of the distance of features, about a twentieth.
        adversarial: Of deceiving the adversary, about 1.
    """

    difference: float = 0.1
    distance: float = 0.05
    perceptual: float = 5.0
    adversarial: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownLoss:
    """Histograms, and the colors that are shown of them.

    Attributes:
        decoding: The weight that the loss gives each bin, and how histograms are shown.
        weights: Of the parts.
        perceptual: Features to compare by; None without such a part.
        adversary: To deceive; None without such a part.
        deceives_from: How much of the plan is done before it is deceived.
    """

    decoding: Decoding
    weights: ShownWeights
    perceptual: PerceptualLoss | None = None
    adversary: Adversary | None = None
    deceives_from: float = 0.0

    def __call__(self, output: torch.Tensor, example: Example) -> torch.Tensor:
        """Give the loss, a scalar, of logits (N, bins, h, w)."""
        truth, weights = as_coarse(example.ab, output), self.weights
        loss = rebalanced_cross_entropy(output, truth, self.decoding.rebalancing_weight)
        colors = self.colors(output)
        if weights.difference:
            loss = loss + weights.difference * color_difference(colors, truth)
        if weights.distance:
            loss = loss + weights.distance * ab_distance(colors, truth)
        if self.perceptual is not None:
            true_lightness = (
                example.lightness if example.true_lightness is None else example.true_lightness
            )
            seen = self.perceptual(true_lightness, colors, example.ab)
            loss = loss + weights.perceptual * seen
        if self.adversary is not None and example.progress >= self.deceives_from:
            lightness = as_coarse(example.lightness, output)
            deceived = self.adversary.loss_of_deceiver(lightness, colors / AB_UNIT)
            loss = loss + weights.adversarial * deceived
        return loss

    def colors(self, output: torch.Tensor) -> torch.Tensor:
        """What is shown of logits: (N, bins, h, w) to (N, 2, h, w) a* and b*."""
        return show(output, self.decoding)


def ab_distance(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean distance in the ab plane, CIE76 at equal lightness, rounded within 1 of the truth.

    Args:
        ab: (N, 2, h, w).
        truth: The same.

    Returns:
        A scalar, at least 0.
    """
    return ((ab - truth).square().sum(1) + 1).sqrt().mean() - 1


def objective_through(loss: ShownLoss, teaches_from: float) -> Objective:
    """An objective of which the adversary, if there is one, sees the colors that are shown.

    Args:
        loss: What is made small.
        teaches_from: How much of the plan is done before the adversary learns.
    """

    def shown(output: torch.Tensor) -> torch.Tensor:
        return loss.colors(output) / AB_UNIT

    return Objective(loss, loss.adversary, teaches_from, shown)
