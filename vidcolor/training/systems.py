"""How each net is trained: its own settings, and what it learns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from vidcolor.color.bins import TEMPERATURE, Decoding
from vidcolor.errors import ModelError
from vidcolor.training.adversary import Adversary, PatchDiscriminator, WholeDiscriminator
from vidcolor.training.loss import EXPONENT, weigh_bins
from vidcolor.training.objective import (
    LEARNED_TEMPERATURE,
    BinLoss,
    Bins,
    Example,
    Objective,
    class_entropy,
    deceive_patches,
    deceive_whole,
    huber_luv,
    latent_loss,
    squared_error,
)
from vidcolor.training.perceptual import PerceptualLoss
from vidcolor.training.settings import TrainSettings
from vidcolor.training.shown import shown_decoding
from vidcolor.training.shown_loss import ShownLoss, ShownWeights, objective_through


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What training one net has of its own.

    Attributes:
        settings: Fields of `TrainSettings` that differ from its defaults.
        exponent: Power of the paper's rebalancing weights; 1 is the paper, 0 no rebalancing.
        temperature: Of the annealed mean.
        loss: Of a net that gives a* and b*, without an adversary.
        deceive: Of a net with one: makes its objective.
        adversary: Makes the discriminator.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    exponent: float = EXPONENT
    temperature: float = LEARNED_TEMPERATURE
    loss: Callable[[Any, Example], torch.Tensor] = squared_error
    deceive: Callable[[Adversary], Objective] | None = None
    adversary: Callable[[], nn.Module] = WholeDiscriminator


# Nets that begin without anything learned: crops of one size, a higher rate, histograms alone.
_ALONE: dict[str, Any] = {
    "side": 96,
    "late_share": 0.0,
    "learning_rate": 1e-3,
    "color_weight": 0.0,
    "colorfulness_weight": 0.0,
    "average_decay": 0.99,
    "encoder_factor": 1.0,
    "batch_size": 16,
}
_SLOW = _ALONE | {"learning_rate": 3e-4}
_PLAIN = Recipe(settings=_SLOW, exponent=1.0, temperature=TEMPERATURE)
_RESIDUAL = replace(_PLAIN, settings=_SLOW | {"side": 64, "batch_size": 8})

# On a backbone: it learns more slowly than the rest.
_BODY = _SLOW | {"encoder_factor": 0.1}
_VGG = Recipe(settings=_BODY, loss=huber_luv)

SYSTEMS = {
    "lite": Recipe(),
    "base": Recipe(),
    "small-l2": Recipe(settings=_ALONE),
    "plain-l2": _PLAIN,
    "eccv16": _PLAIN,
    "eccv16-norebal": replace(_PLAIN, exponent=0.0),
    "residual": _RESIDUAL,
    "residual-norebal": replace(_RESIDUAL, exponent=0.0),
    "residual-l2": _RESIDUAL,
    "gan": Recipe(settings=_ALONE, deceive=deceive_whole),
    "vae": Recipe(settings=_ALONE, loss=latent_loss),
    "pix2pix": Recipe(settings=_ALONE, deceive=deceive_patches, adversary=PatchDiscriminator),
    "vgg-luv": _VGG,
    "vgg-luv-relu": _VGG,
    "vgg-luv-upsampling": _VGG,
    "hwang-bins": Recipe(settings=_BODY, loss=class_entropy),
}
_ADVERSARY_RATE = 2e-4  # Isola et al. 2017, section 3.3


def settings_of(name: str, given: Mapping[str, Any]) -> TrainSettings:
    """The settings that a net is trained with.

    Args:
        name: Of the net.
        given: Fields of `TrainSettings` that the user wants otherwise.
    """
    return TrainSettings(**{**SYSTEMS[name].settings, **given})


def bins_of(name: str, prior: torch.Tensor, rebalancing: float | None = None) -> Bins:
    """The weight of each bin in a net's loss, and how its histograms become colors.

    Args:
        name: Of a net that predicts bins.
        prior: (bins,) how often each bin occurs.
        rebalancing: Power of the paper's weights; None for what the net's `Recipe` has.
    """
    system = SYSTEMS[name]
    exponent = system.exponent if rebalancing is None else rebalancing
    weight = weigh_bins(prior, exponent=exponent)
    return Bins(prior, Decoding(rebalancing_weight=weight, temperature=system.temperature))


def objective_of(
    name: str, settings: TrainSettings, bins: Bins | None, device: torch.device
) -> Objective:
    """What a net learns.

    Args:
        name: Of the net.
        settings: How it is trained.
        bins: Of a net that predicts such, on the device.
        device: Where it learns.
    """
    system = SYSTEMS[name]
    if bins is not None and settings.shown_gain:
        return _shown_objective(settings, bins, device)
    if bins is not None:
        loss = BinLoss(
            decoding=bins.decoding,
            color_weight=settings.color_weight,
            colorfulness_weight=settings.colorfulness_weight,
        )
        return Objective(loss)
    if system.deceive is not None:
        return system.deceive(Adversary(system.adversary(), _ADVERSARY_RATE, device))
    return Objective(system.loss)


def _shown_objective(settings: TrainSettings, bins: Bins, device: torch.device) -> Objective:
    """Learning through the colors that are shown; the adversary learns before it has a say."""
    weights = ShownWeights(
        difference=settings.difference_weight,
        distance=settings.distance_weight,
        perceptual=settings.perceptual_weight,
        adversarial=settings.adversarial_weight,
    )
    shrink = 1 if device.type == "cuda" else 2
    adversary = Adversary(PatchDiscriminator(), _ADVERSARY_RATE, device)
    loss = ShownLoss(
        decoding=shown_decoding(bins.decoding, settings.shown_gain),
        weights=weights,
        perceptual=PerceptualLoss(shrink=shrink).to(device) if weights.perceptual else None,
        adversary=adversary if weights.adversarial else None,
        deceives_from=1 - settings.adversarial_share,
    )
    return objective_through(loss, teaches_from=1 - 2 * settings.adversarial_share)


def refuse_other_net(name: str, found: str) -> None:
    """Raise if weights to start from are another net's.

    Raises:
        ModelError: They are.
    """
    if found != name:
        raise ModelError(f"the weights to start from are those of {found}, not of {name}")
