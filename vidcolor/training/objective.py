"""What a net learns: one number to make small, from its output and the true colors."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from vidcolor.color.bins import Decoding
from vidcolor.models.nets import AB_UNIT
from vidcolor.training.loss import (
    color_difference,
    decode_logits,
    rebalanced_cross_entropy,
    relative_colorfulness,
)

Objective = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
"""Of a net's output, (N, C, h, w), the true a* and b*, (N, 2, H, W), and the step's number."""

LEARNED_TEMPERATURE = 0.6
"""Temperature of the annealed mean while colors are learned, and then in use."""
LEARNED_GAIN = 2.0
"""Factor on the mean while colors are learned, in place of the boost that is measured at the end.

This is about what a net whose histograms were learned alone needs to be as colorful as wanted.
"""
COLORFULNESS = 0.85
"""Colorfulness that is learned, as a part of the photographs' own.

More costs accuracy: what is not known is then guessed boldly.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinObjective:
    """Histograms over the bins, and the colors decoded from them.

    Attributes:
        decoding: The loss's weight of each bin, and how colors are decoded in the loss.
        color_weight: Of the decoded colors' CIE94 difference, beside the cross-entropy; with 0
            histograms are learned alone.
        colorfulness_weight: Of the squared distance of their colorfulness from the one wanted.
    """

    decoding: Decoding
    color_weight: float
    colorfulness_weight: float

    def __call__(self, output: torch.Tensor, truth: torch.Tensor, step: int) -> torch.Tensor:
        """Give the loss, a scalar."""
        ab = _as_coarse(truth, output)
        # A quarter of the pixels, another each step, says nearly as much: what is 4 pixels away is
        # mostly of one color. All of them would cost a fifth of the step.
        down, right = divmod(step % 4, 2)
        logits, ab = output[..., down::2, right::2], ab[..., down::2, right::2]
        loss = rebalanced_cross_entropy(logits, ab, self.decoding.rebalancing_weight)
        if self.color_weight > 0:
            colors = decode_logits(logits, self.decoding, LEARNED_GAIN)
            distance = relative_colorfulness(colors, ab) - COLORFULNESS
            loss = loss + self.color_weight * color_difference(colors, ab)
            loss = loss + self.colorfulness_weight * distance.square()
        return loss


def choose_objective(
    decoding: Decoding | None, *, color_weight: float, colorfulness_weight: float
) -> Objective:
    """What a net learns.

    Args:
        decoding: How its histograms become colors; None for a net that gives a* and b*.
        color_weight: See `BinObjective`.
        colorfulness_weight: The same.
    """
    if decoding is None:
        return squared_error
    return BinObjective(
        decoding=decoding, color_weight=color_weight, colorfulness_weight=colorfulness_weight
    )


def squared_error(output: torch.Tensor, truth: torch.Tensor, step: int) -> torch.Tensor:  # noqa: ARG001
    """Mean squared error of a* and b*, in the unit of the net's output: learns the mean color."""
    return functional.mse_loss(output.float(), _as_coarse(truth, output) / AB_UNIT)


def _as_coarse(truth: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """The true colors, averaged to the size of the output."""
    stride = truth.shape[-1] // output.shape[-1]
    return truth if stride == 1 else functional.avg_pool2d(truth, stride)
