"""The colors of a frame that the network does not see, from the keyframes before and after it.

Each gives its own along motion. The nearer one counts for more, and each only where it can be
trusted: so colors change by and by from one keyframe to the next, and what only one of them shows
has its color from there.
"""

from dataclasses import replace

import numpy as np
import torch

from vidcolor.frame import Map, Prediction
from vidcolor.temporal.keyframes import Between
from vidcolor.temporal.smoothing import moved
from vidcolor.temporal.ways import looked_up, places

LEAST_WEIGHT = 0.01
"""What a keyframe counts where it cannot be trusted: where none can, the nearer one decides."""


def colors_between(before: Map, after: Map, one: Between) -> Map:
    """Colors of a frame.

    Args:
        before: a* and b* of the keyframe before, (2, h, w).
        after: The same of the keyframe after.
        one: The frame.

    Returns:
        (2, h, w).
    """
    later = _share_of_later(one)
    earlier, coming = (
        looked_up(np.ascontiguousarray(ab.transpose(1, 2, 0)), *places(way.displacement))
        for ab, way in ((before, one.back), (after, one.forth))
    )
    mixed = earlier + later[..., None] * (coming - earlier)
    return np.ascontiguousarray(mixed.transpose(2, 0, 1))


def prediction_between(before: Prediction, after: Prediction, one: Between) -> Prediction:
    """The prediction of a frame: both moved and mixed, as its colors are.

    Args:
        before: The smoothed prediction of the keyframe before.
        after: The same of the keyframe after.
        one: The frame.
    """
    later = _share_of_later(one)
    rows, weights = zip(
        *(moved(*pair) for pair in ((before, one.back), (after, one.forth))), strict=True
    )
    share = torch.from_numpy(later.reshape(-1, 1)).to(rows[0])
    mixed = torch.lerp(rows[0], rows[1].to(rows[0].dtype), share)
    weight = np.asarray(weights[0] + later * (weights[1] - weights[0]), np.float32)
    height, width = weight.shape
    return replace(
        after,
        map=mixed.reshape(height, width, -1).movedim(-1, 0),
        lightness=one.seen.brightened,
        seconds=0.0,
        predicted=None,
        weight=weight,
        motion=one.back,
        observations=None,
    )


def _share_of_later(one: Between) -> Map:
    """How much the keyframe after a frame decides, (h, w) in [0, 1]."""
    earlier = (1 - one.share) * (one.back.trust + LEAST_WEIGHT)
    later = one.share * (one.forth.trust + LEAST_WEIGHT)
    return np.asarray(later / (earlier + later), np.float32)
