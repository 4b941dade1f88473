"""What a frame is between the steps of the pipeline."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidcolor.color.planes import Chroma
from vidcolor.frame import Frame
from vidcolor.temporal.memory import LongMemory
from vidcolor.video.shots import Shot

Map = NDArray[np.float32]


class Prepared(NamedTuple):
    """A frame as the network sees it.

    Attributes:
        frame: The frame.
        lightness: L* at the network's size, (H, W).
        exposed: The same, lightened where the film is dark.
        share: How strong colors are beside those of the exposed picture, in (0, 1].
    """

    frame: Frame
    lightness: Map
    exposed: Map
    share: float


class Past(NamedTuple):
    """What was done of a film before.

    Attributes:
        frames: How many frames the shots have that are done.
        memory: How the last of them ended.
    """

    frames: int
    memory: LongMemory


class Guess(NamedTuple):
    """What is known of a frame's colors at the size of the model's map.

    Attributes:
        frame: The frame.
        ab: a* and b* as the model means them, (2, h, w).
        confidence: 1 where one bin has all probability, 0 where all have alike; the map's mean.
        lightness: L* that the network saw, (H, W).
        shot: Its shot.
    """

    frame: Frame
    ab: Map
    confidence: float
    lightness: Map
    shot: Shot


class Colored(NamedTuple):
    """A frame with its color.

    Attributes:
        frame: The frame.
        chroma: What is to be written.
        ab: The small map that they come from, (2, h, w).
        confidence: How sure the model is of it, in [0, 1].
        shot: Its shot.
    """

    frame: Frame
    chroma: Chroma
    ab: Map
    confidence: float
    shot: Shot
