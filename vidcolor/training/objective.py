"""What a net learns: one number to make small, from its output and the true colors."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from vidcolor.color.bins import Decoding
from vidcolor.color.decode import AB_UNIT
from vidcolor.color.luv import uv_from_lab
from vidcolor.nets.generator import Coded
from vidcolor.nets.vgg import CLASSES, classes_of
from vidcolor.training.adversary import Adversary
from vidcolor.training.loss import (
    color_difference,
    decode_logits,
    rebalanced_cross_entropy,
    relative_colorfulness,
)


class Bins(NamedTuple):
    """What a net that predicts bins has beside its weights.

    Attributes:
        prior: (bins,), how often each bin occurs in the training pictures.
        decoding: The loss's weight of each bin, and how histograms become colors.
    """

    prior: torch.Tensor
    decoding: Decoding


class Example(NamedTuple):
    """The pictures of a step.

    Attributes:
        lightness: L* in [0, 100] as the net sees it, (N, 1, H, W).
        ab: The true a* and b*, (N, 2, H, W).
        step: Number of the step, from 0.
        progress: How much of the plan is done, 0 to 1.
        true_lightness: Of the picture itself, (N, 1, H, W), which `ab` belongs to; None where no
            loss asks for it.
    """

    lightness: torch.Tensor
    ab: torch.Tensor
    step: int
    progress: float
    true_lightness: torch.Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """What is made small.

    Attributes:
        loss: Of a net's output and an example, a scalar.
        adversary: Learns after each step of the net, if there is one.
        adversary_begins: How much of the plan is done before it does.
        colors: A net's output as a* and b* in `AB_UNIT`, which the adversary sees.
    """

    loss: Callable[[Any, Example], torch.Tensor]
    adversary: Adversary | None = None
    adversary_begins: float = 0.0
    colors: Callable[[Any], torch.Tensor] = lambda output: output

    def teach_adversary(self, output: torch.Tensor, example: Example) -> None:
        """Let the adversary learn from given and true colors, if there is one and it has begun."""
        if self.adversary is not None and example.progress >= self.adversary_begins:
            lightness = as_coarse(example.lightness, output)
            truth = as_coarse(example.ab, output) / AB_UNIT
            with torch.no_grad():
                colors = self.colors(output)
            self.adversary.learn(lightness, colors, truth)


LEARNED_TEMPERATURE = 0.6
"""Temperature of the annealed mean while colors are learned."""
LEARNED_BOOST = 0.23
"""Boost while colors are learned; the one in use is measured at the end.

About what it comes to, so that what is learned is what is shown.
"""
COLORFULNESS = 0.85
"""Colorfulness that is learned, as a part of the photographs' own.

More costs accuracy: what is not known is then guessed boldly.
"""
DIVERGENCE_WEIGHT = 1e-3
"""Of a code's divergence beside squared error in `AB_UNIT`."""
CLOSENESS_WEIGHT = 100.0
"""Lambda of Isola et al. 2017, equation 4: of being close to the truth, beside deceiving."""
PRETRAINED_SHARE = 0.5
"""Part of the plan in which being close is all that a net on a pretrained backbone learns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinLoss:
    """Histograms over the bins, and the colors decoded from them.

    Attributes:
        decoding: The loss's weight of each bin, and how colors are decoded in the loss.
        color_weight: Of the decoded colors' CIEDE2000, beside the cross-entropy; with 0
            histograms are learned alone.
        colorfulness_weight: Of the squared distance of their colorfulness from the one wanted.
    """

    decoding: Decoding
    color_weight: float
    colorfulness_weight: float

    def __call__(self, output: torch.Tensor, example: Example) -> torch.Tensor:
        """Give the loss, a scalar."""
        lightness, ab = (as_coarse(p, output) for p in (example.lightness, example.ab))
        # A quarter of the pixels, another each step, says nearly as much: what is 4 pixels away is
        # mostly of one color. All of them would cost a fifth of the step.
        down, right = divmod(example.step % 4, 2)
        logits, lightness, ab = (p[..., down::2, right::2] for p in (output, lightness, ab))
        loss = rebalanced_cross_entropy(logits, ab, self.decoding.rebalancing_weight)
        if self.color_weight > 0:
            colors = decode_logits(logits, replace(self.decoding, boost=LEARNED_BOOST))
            loss = loss + self.color_weight * color_difference(colors, ab)
            loss = loss + self.colorfulness_weight * miss_colorfulness(lightness, colors, ab)
        return loss


def miss_colorfulness(
    lightness: torch.Tensor, ab: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    """Squared distance of a batch's relative colorfulness from `COLORFULNESS`, a scalar.

    Args:
        lightness: (N, 1, h, w) L* of both.
        ab: (N, 2, h, w).
        truth: The same.
    """
    return (relative_colorfulness(lightness, ab, truth) - COLORFULNESS).square()


def squared_error(output: torch.Tensor, example: Example) -> torch.Tensor:
    """Mean squared error of a* and b*, in the unit of the net's output: learns the mean color."""
    return functional.mse_loss(output.float(), as_coarse(example.ab, output) / AB_UNIT)


def latent_loss(output: Coded, example: Example) -> torch.Tensor:
    """Squared error, and the code's divergence from a standard normal distribution.

    D. Kingma, M. Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114), appendix B.
    """
    mean, log_variance = output.mean.float(), output.log_variance.float()
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
    return squared_error(output.ab, example) + DIVERGENCE_WEIGHT * divergence


def huber_luv(output: torch.Tensor, example: Example) -> torch.Tensor:
    """Mean Huber loss of u* and v*, at the lightness that the net saw."""
    lightness = as_coarse(example.lightness, output)
    given = uv_from_lab(torch.cat([lightness, AB_UNIT * output.float()], 1))
    return functional.huber_loss(given, _true_uv(output, example))


def class_entropy(output: torch.Tensor, example: Example) -> torch.Tensor:
    """Mean cross-entropy of the classes of u* and of v*."""
    count, _, height, width = output.shape
    by_axis = output.float().reshape(count, 2, CLASSES, height, width).transpose(1, 2)
    return functional.cross_entropy(by_axis, classes_of(_true_uv(output, example)))


def deceive_whole(adversary: Adversary) -> Objective:
    """Squared error, and an adversary that sees the whole picture."""

    def loss(output: torch.Tensor, example: Example) -> torch.Tensor:
        lightness = as_coarse(example.lightness, output)
        deceived = adversary.loss_of_deceiver(lightness, output)
        return CLOSENESS_WEIGHT * squared_error(output, example) + deceived

    return Objective(loss, adversary)


def deceive_patches(adversary: Adversary) -> Objective:
    """Absolute error alone at first, then with an adversary that sees patches (pix2pix)."""

    def loss(output: torch.Tensor, example: Example) -> torch.Tensor:
        truth = as_coarse(example.ab, output) / AB_UNIT
        close = CLOSENESS_WEIGHT * functional.l1_loss(output.float(), truth)
        if example.progress < PRETRAINED_SHARE:
            return close
        lightness = as_coarse(example.lightness, output)
        return close + adversary.loss_of_deceiver(lightness, output)

    return Objective(loss, adversary, PRETRAINED_SHARE)


def _true_uv(output: torch.Tensor, example: Example) -> torch.Tensor:
    parts = (as_coarse(part, output) for part in (example.lightness, example.ab))
    return uv_from_lab(torch.cat(list(parts), 1))


def as_coarse(picture: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """A picture averaged to the size of the output."""
    stride = picture.shape[-1] // output.shape[-1]
    return picture if stride == 1 else functional.avg_pool2d(picture, stride)
