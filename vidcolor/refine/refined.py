"""What the ways to refine a shot's colors have in common."""

from collections.abc import Callable
from typing import NamedTuple

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


def least_in_squares(values: Map, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the least value of each square of a picture, the first of equals."""
    rows, columns = (-(-length // side) for length in values.shape)
    beyond = [(0, -length % side) for length in values.shape]
    padded = np.pad(values, beyond, constant_values=np.inf)
    squares = padded.reshape(rows, side, columns, side).swapaxes(1, 2)
    place = squares.reshape(rows * columns, side**2).argmin(1)
    square = np.arange(rows * columns)
    return square // columns * side + place // side, square % columns * side + place % side
