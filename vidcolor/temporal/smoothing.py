"""Color histograms smoothed along one shot, so that colors hold still on things that move.

Each becomes a weighted mean of itself and those before it, which are moved along with the picture.
The weight of a past one fades with every frame, and pixel by pixel where motion cannot be trusted.
A shot's first frame begins with what its next ones tell of it, so that colors need not settle.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.frame import ColorHistogram
from vidcolor.settings import TemporalSettings
from vidcolor.temporal.motion import find_motion

Map = NDArray[np.float32]

LOOK_AHEAD = 8
"""Frames that a shot's first one learns from, itself included."""


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    """What is remembered of a shot, as of one frame.

    Attributes:
        rows: The smoothed predictions, (h * w, bins): a pixel's lie side by side.
        weight: How many frames' worth they are, (h, w).
        lightness: The picture that they belong to, (H, W).
    """

    rows: torch.Tensor
    weight: Map
    lightness: Map


def smooth_histograms(
    histograms: Iterable[ColorHistogram], settings: TemporalSettings
) -> Iterator[ColorHistogram]:
    """Smooth the histograms of one shot in time.

    What is remembered lives in this call, so each shot gets its own; at most `LOOK_AHEAD`
    histograms are held. It is all linear in the prediction: two channels of ab can be smoothed as
    well as 313 probabilities.

    Args:
        histograms: The shot's histograms in the order shown, all of one shape.
        settings: How much smoothing; with 0 the histograms come out as they are.

    Yields:
        One histogram for each that comes in; its probabilities still sum to 1.
    """
    if settings.smoothing == 0:
        yield from histograms
        return
    coming = iter(histograms)
    first = deque(islice(coming, LOOK_AHEAD))
    memory: _Memory | None = None
    for histogram in islice(reversed(first), len(first) - 1 if first else 0):
        memory = _step(histogram, memory, settings)[1]
    while first:
        smoothed, memory = _step(first.popleft(), memory, settings)
        yield smoothed
    for histogram in coming:
        smoothed, memory = _step(histogram, memory, settings)
        yield smoothed


def _step(
    histogram: ColorHistogram, memory: _Memory | None, settings: TemporalSettings
) -> tuple[ColorHistogram, _Memory]:
    """The smoothed histogram of a frame, and what is remembered after it."""
    bins, height, width = histogram.probabilities.shape
    fresh = histogram.probabilities.movedim(0, -1).reshape(-1, bins)
    lightness = histogram.lightness
    if memory is None:
        smoothed, weight = fresh, np.ones((height, width), np.float32)
        share, motion = np.zeros_like(weight), None
    else:
        motion = find_motion(lightness, memory.lightness, (width, height), follow=settings.motion)
        corners, parts = _bilinear(motion.displacement)
        past, remembered = _gather(memory, corners, parts)
        past_weight = settings.smoothing * motion.trust * remembered
        weight = past_weight + 1
        share = past_weight / weight
        smoothed = torch.lerp(fresh, past, torch.from_numpy(share.reshape(-1, 1)).to(fresh.device))
    made = replace(
        histogram,
        probabilities=smoothed.reshape(height, width, bins).movedim(-1, 0),
        predicted=histogram.probabilities,
        past_share=share,
        motion=motion,
    )
    return made, _Memory(smoothed, weight, lightness)


def _bilinear(displacement: Map) -> tuple[NDArray[np.int64], Map]:
    """The four neighbors of where each pixel was, as rows of a memory, and their shares.

    Args:
        displacement: (2, h, w), x and y.

    Returns:
        Both (h * w, 4); places outside are taken as on the edge.
    """
    _, height, width = displacement.shape
    rows, columns = np.indices((height, width), np.float32)
    x = np.clip(columns + displacement[0], 0, width - 1)
    y = np.clip(rows + displacement[1], 0, height - 1)
    left, top = (np.floor(place).astype(np.int64) for place in (x, y))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = x - left, y - top
    corners = (top * width + left, top * width + right, bottom * width + left)
    parts = ((1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across)
    places = np.stack([*corners, bottom * width + right], axis=-1).reshape(-1, 4)
    return places, np.stack(parts, axis=-1).astype(np.float32).reshape(-1, 4)


def _gather(memory: _Memory, corners: NDArray[np.int64], parts: Map) -> tuple[torch.Tensor, Map]:
    """Predictions and weights looked up between pixels, (h * w, bins) and (h, w)."""
    device = memory.rows.device
    past = functional.embedding_bag(  # ten times as fast as grid_sample on a CPU
        torch.from_numpy(corners).to(device),
        memory.rows,
        mode="sum",
        per_sample_weights=torch.from_numpy(parts).to(device),
    )
    weight = (memory.weight.reshape(-1)[corners] * parts).sum(1)
    return past, np.asarray(weight.reshape(memory.weight.shape), np.float32)
