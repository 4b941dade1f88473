"""What the ways to refine a shot's colors have in common."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.frame import Prediction, Record

Map = NDArray[np.float32]
Decode = Callable[[torch.Tensor], torch.Tensor]
"""Makes probabilities, (bins, h, w), a* and b*, (2, h, w)."""


class Refined(NamedTuple):
    """A frame's refined colors.

    Attributes:
        histogram: What they were made from.
        ab: a* and b*, float32, at the lightness' size, (2, H, W), or at the map's, (2, h, w).
        record: For dumps, what was made on the way, at ab's size: `labels` or `seeds`.
    """

    histogram: Prediction
    ab: Map
    record: Record


class Refiner(Protocol):
    """Refines the frames of one shot, and remembers of them what it needs for the next.

    Attributes:
        memory: Weight of the past, in [0, 1); 0 forgets.
    """

    memory: float

    def __call__(self, histogram: Prediction) -> Refined:
        """Refine the shot's next frame."""

    def state(self) -> Record:
        """All that it remembers, by name, for `restore`; empty before the first frame."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as if it had refined the frames that a state was made of."""


def least_in_squares(values: Map, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the least value of each square of a picture, the first of equals."""
    rows, columns = (-(-length // side) for length in values.shape)
    beyond = [(0, -length % side) for length in values.shape]
    padded = np.pad(values, beyond, constant_values=np.inf)
    squares = padded.reshape(rows, side, columns, side).swapaxes(1, 2)
    place = squares.reshape(rows * columns, side**2).argmin(1)
    square = np.arange(rows * columns)
    return square // columns * side + place // side, square % columns * side + place % side
