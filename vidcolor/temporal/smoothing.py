"""Color histograms smoothed along one shot, so that colors hold still on things that move.

Each becomes a weighted mean of itself and those before it, which are moved along with the picture.
The weight of a past one fades with every frame, and pixel by pixel where motion cannot be trusted.
A shot's first frame begins with what its next ones tell of it, so that colors need not settle, and
with the colors of an earlier shot if it goes on with that one's picture.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
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


def smooth_histograms(
    histograms: Iterable[ColorHistogram],
    settings: TemporalSettings,
    recalled: ColorHistogram | None = None,
) -> Iterator[ColorHistogram]:
    """Smooth the histograms of one shot in time.

    What is remembered lives in this call, so each shot gets its own; at most `LOOK_AHEAD`
    histograms are held. It is all linear in the prediction: two channels of ab can be smoothed as
    well as 313 probabilities.

    Args:
        histograms: The shot's histograms in the order shown, all of one shape.
        settings: How much smoothing; with 0 the histograms come out as they are.
        recalled: The last smoothed histogram of an earlier shot that this one goes on with.

    Yields:
        One histogram for each that comes in; its probabilities still sum to 1.
    """
    if settings.smoothing == 0:
        yield from histograms
        return
    coming = iter(histograms)
    first = deque(islice(coming, LOOK_AHEAD))
    past: ColorHistogram | None = None
    for histogram in islice(reversed(first), len(first) - 1 if first else 0):
        past = _join(_begun(histogram), past, settings)
    if first:
        past = _join(_begun(first.popleft()), past, settings)
        past = _join(past, recalled, settings)
        yield past
    while first:
        past = _join(_begun(first.popleft()), past, settings)
        yield past
    for histogram in coming:
        past = _join(_begun(histogram), past, settings)
        yield past


def _begun(histogram: ColorHistogram) -> ColorHistogram:
    """A histogram that others can be joined to: so far it is worth one frame, its own."""
    weight = np.ones(histogram.probabilities.shape[1:], np.float32)
    return replace(histogram, predicted=histogram.probabilities, weight=weight)


def _join(
    histogram: ColorHistogram, past: ColorHistogram | None, settings: TemporalSettings
) -> ColorHistogram:
    """The mean of a frame's histogram and one of the past, which is moved to where things are."""
    if past is None or past.weight is None or histogram.weight is None:
        return histogram
    bins, height, width = histogram.probabilities.shape
    lightness = histogram.lightness
    motion = find_motion(lightness, past.lightness, (width, height), follow=settings.motion)
    corners, parts = _bilinear(motion.displacement)
    rows = _rows(histogram)
    past_rows = _gather(_rows(past).to(rows.dtype), corners, parts)
    remembered = (past.weight.reshape(-1)[corners] * parts).sum(1).reshape(height, width)
    past_weight = settings.smoothing * motion.trust * remembered
    weight = past_weight + histogram.weight
    share = torch.from_numpy((past_weight / weight).reshape(-1, 1)).to(rows.device)
    smoothed = torch.lerp(rows, past_rows, share)
    return replace(
        histogram,
        probabilities=smoothed.reshape(height, width, bins).movedim(-1, 0),
        weight=weight,
        motion=motion,
    )


def _rows(histogram: ColorHistogram) -> torch.Tensor:
    """The predictions as (h * w, bins): a pixel's lie side by side."""
    return histogram.probabilities.movedim(0, -1).flatten(0, 1)


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


def _gather(rows: torch.Tensor, corners: NDArray[np.int64], parts: Map) -> torch.Tensor:
    """Predictions looked up between pixels, (h * w, bins)."""
    return functional.embedding_bag(  # ten times as fast as grid_sample on a CPU
        torch.from_numpy(corners).to(rows.device),
        rows,
        mode="sum",
        per_sample_weights=torch.from_numpy(parts).to(rows.device),
    )
