"""How strong the colors of a shot stay although they are means of many."""

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

MEMORY = 0.95
"""What the sums over past frames keep with each new one: about a second's worth."""

SETTLED_FRAMES = 5.0
"""A shot starts as if this many frames had needed no gain, so that it does not pulse."""

MOST_GAIN = 1.25


class ChromaGain:
    """The gain that makes smoothed colors of one shot as strong as those frame by frame.

    Colors that flicker between two hues are dull in the mean. How much a shot loses is known only
    as it goes by; the gain follows slowly, and is one number for the whole picture.

    Args:
        alone: Sum of how strong frames were by themselves, the past fading.
        smoothed: The same map after smoothing.
    """

    def __init__(self, alone: float = 0.0, smoothed: float = 0.0) -> None:
        self._alone, self._smoothed = alone, smoothed

    @property
    def sums(self) -> tuple[float, float]:
        """All that it knows, as it is made from."""
        return self._alone, self._smoothed

    @property
    def now(self) -> float:
        """The gain as it is, from 1 up."""
        if self._smoothed == 0:
            return 1.0
        return float(np.clip(self._alone / self._smoothed, 1, MOST_GAIN))

    def gain(self, alone: Map, smoothed: Map, frames: int = 1) -> float:
        """The gain for a keyframe, from 1 up.

        Args:
            alone: a* and b* of its colors by itself, (2, ...).
            smoothed: The same smoothed, of any shape.
            frames: How many frames it speaks for, itself included.
        """
        own, mean = _strength(alone), _strength(smoothed)
        if self._alone == 0:
            self._alone = self._smoothed = SETTLED_FRAMES * mean
        kept = MEMORY**frames
        share = (1 - kept) / (1 - MEMORY)
        self._alone = kept * self._alone + share * own
        self._smoothed = kept * self._smoothed + share * mean
        return self.now


def _strength(ab: Map) -> float:
    """The root of the mean squared distance from grey."""
    return float(np.sqrt(np.mean(np.square(ab)) * 2))
