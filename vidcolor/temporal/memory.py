"""What is remembered of the last shots' colors, for those that come back."""

from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import torch
from safetensors.torch import load, save

from vidcolor.frame import Prediction
from vidcolor.temporal.gain import ChromaGain


class ShotEnding(NamedTuple):
    """What a shot ended with.

    Attributes:
        histogram: Its last frame's, smoothed; None if there was none to remember.
        strength: How strong its colors were kept.
    """

    histogram: Prediction | None
    strength: ChromaGain

    def on(self, device: torch.device) -> "ShotEnding":
        """The memory on the device of a model."""
        kept = self.histogram
        moved = kept and replace(kept, map=kept.map.to(device))
        return ShotEnding(moved, self.strength)


class ShotMemory:
    """The endings of a film's last shots, in half precision: 3.5 MB each at the usual size.

    Args:
        shots: How many are remembered at most.
        also: Told of each ending that is kept, as it will be recalled.
    """

    def __init__(
        self, shots: int, also: Callable[[int, ShotEnding], None] = lambda _shot, _ending: None
    ) -> None:
        self._shots = shots
        self._also = also
        self._endings: OrderedDict[int | None, ShotEnding] = OrderedDict()

    def keep(self, shot: int, ending: ShotEnding) -> None:
        """Remember how a shot ended, and forget the one longest ago if there are too many."""
        histogram = ending.histogram
        if histogram is None or histogram.weight is None:
            return
        small = replace(histogram, map=histogram.map.half(), predicted=None, motion=None)
        self.restore(shot, ShotEnding(small, ending.strength))
        self._also(shot, self._endings[shot])

    def restore(self, shot: int, ending: ShotEnding) -> None:
        """Take in an ending that was kept before."""
        self._endings[shot] = ending
        if len(self._endings) > self._shots:
            self._endings.popitem(last=False)

    def recall(self, shot: int | None) -> ShotEnding:
        """How a shot ended, for another to go on with; an empty ending if it is not remembered."""
        if shot not in self._endings:
            return ShotEnding(None, ChromaGain())
        histogram, strength = self._endings[shot]
        return ShotEnding(histogram, copy(strength))


def write_ending(ending: ShotEnding) -> bytes | None:
    """An ending as a safetensors file, for `read_ending`; None if there is nothing to remember."""
    histogram, strength = ending
    if histogram is None or histogram.weight is None:
        return None
    tensors = {
        "probabilities": histogram.map.contiguous().cpu(),
        "weight": torch.tensor(histogram.weight),
        "lightness": torch.tensor(histogram.lightness),
        "strength": torch.tensor(strength.sums, dtype=torch.float64),
    }
    return save(tensors)


def read_ending(data: bytes) -> ShotEnding:
    """The ending that was written so, on the CPU."""
    kept = load(data)
    histogram = Prediction(
        map=kept["probabilities"],
        lightness=kept["lightness"].numpy(),
        weight=kept["weight"].numpy(),
    )
    return ShotEnding(histogram, ChromaGain(*kept["strength"].tolist()))
