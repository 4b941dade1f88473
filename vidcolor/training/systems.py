"""How each net is trained: its own settings, and what it learns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vidcolor.color.bins import TEMPERATURE, Decoding
from vidcolor.errors import ModelError
from vidcolor.models.nets import NETS
from vidcolor.training.learner import TrainSettings
from vidcolor.training.loss import EXPONENT, weigh_bins
from vidcolor.training.objective import LEARNED_TEMPERATURE


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What training one net has of its own.

    Attributes:
        settings: Fields of `TrainSettings` that differ from its defaults.
        exponent: Power of the paper's rebalancing weights; 1 is the paper, 0 no rebalancing.
        temperature: Of the annealed mean.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    exponent: float = EXPONENT
    temperature: float = LEARNED_TEMPERATURE


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
_PLAIN = System(settings=_SLOW, exponent=1.0, temperature=TEMPERATURE)
_RESIDUAL = replace(_PLAIN, settings=_SLOW | {"side": 64, "batch_size": 8})

SYSTEMS = {
    "lite": System(),
    "small-l2": System(settings=_ALONE),
    "plain-l2": _PLAIN,
    "eccv16": _PLAIN,
    "eccv16-norebal": replace(_PLAIN, exponent=0.0),
    "residual": _RESIDUAL,
    "residual-norebal": replace(_RESIDUAL, exponent=0.0),
    "residual-l2": _RESIDUAL,
}


def settings_of(name: str, given: Mapping[str, Any]) -> TrainSettings:
    """The settings that a net is trained with.

    Args:
        name: Of the net.
        given: Fields of `TrainSettings` that the user wants otherwise.
    """
    return TrainSettings(**{**SYSTEMS[name].settings, **given})


def decoding_of(name: str, bin_prior: torch.Tensor) -> Decoding | None:
    """The weight of each bin in a net's loss, and how its histograms become colors.

    Args:
        name: Of the net.
        bin_prior: (bins,) how often each bin occurs.

    Returns:
        None for a net that gives a* and b*.
    """
    if NETS[name].predicts == "ab":
        return None
    system = SYSTEMS[name]
    weight = weigh_bins(bin_prior, exponent=system.exponent)
    return Decoding(rebalancing_weight=weight, temperature=system.temperature)


def refuse_other_net(name: str, found: str) -> None:
    """Raise if weights to start from are another net's.

    Raises:
        ModelError: They are.
    """
    if found != name:
        raise ModelError(f"the weights to start from are those of {found}, not of {name}")
