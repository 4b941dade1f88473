"""What is remembered of the last shots' colors, for those that come back."""

from collections import OrderedDict
from copy import copy
from dataclasses import replace
from typing import NamedTuple

from vidcolor.frame import ColorHistogram
from vidcolor.temporal.strength import Strength


class Ending(NamedTuple):
    """What a shot ended with.

    Attributes:
        histogram: Its last frame's, smoothed; None if there was none to remember.
        strength: How strong its colors were kept.
    """

    histogram: ColorHistogram | None
    strength: Strength


class LongMemory:
    """The endings of a film's last shots, in half precision: 3.5 MB each at the usual size.

    Args:
        shots: How many are remembered at most.
    """

    def __init__(self, shots: int) -> None:
        self._shots = shots
        self._endings: OrderedDict[int | None, Ending] = OrderedDict()

    def keep(self, shot: int, ending: Ending) -> None:
        """Remember how a shot ended, and forget the one longest ago if there are too many."""
        histogram = ending.histogram
        if histogram is None or histogram.weight is None:
            return
        small = replace(
            histogram, probabilities=histogram.probabilities.half(), predicted=None, motion=None
        )
        self._endings[shot] = Ending(small, ending.strength)
        if len(self._endings) > self._shots:
            self._endings.popitem(last=False)

    def recall(self, shot: int | None) -> Ending:
        """How a shot ended, for another to go on with; an empty ending if it is not remembered."""
        if shot not in self._endings:
            return Ending(None, Strength())
        histogram, strength = self._endings[shot]
        return Ending(histogram, copy(strength))
