"""Color histograms smoothed along one shot, so that colors hold still on things that move.

Each becomes a weighted mean of itself and those before it, which are moved along with the picture.
The weight of a past one fades with every frame, and pixel by pixel where motion cannot be trusted.
A shot's first frame begins with what its next ones tell of it, so that colors need not settle, and
with the colors of an earlier shot if it returns to that shot's picture.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.frame import Mapped, Motion, Prediction, Propagated, Seen
from vidcolor.settings import TemporalSettings
from vidcolor.shot import KeyframeState
from vidcolor.temporal.keyframes import Ask, Begun, ask_keyframes
from vidcolor.temporal.motion import find_motion

T = TypeVar("T")
Map = NDArray[np.float32]

LOOK_AHEAD = 8
"""Frames that a shot's first one learns from, itself included."""


def steady(
    frames: Iterable[Seen],
    ask: Ask,
    settings: TemporalSettings,
    recalled: Prediction | None = None,
    begun: Begun | None = None,
) -> Generator[Mapped, None, None]:
    """Yield each frame of one shot with its smoothed prediction; see `smooth_histograms`.

    Args:
        frames: The shot's frames in the order shown.
        ask: The network; see `Ask`.
        settings: How much smoothing, and how often the network runs.
        recalled: The last smoothed histogram of the earlier shot that this one returns to.
        begun: What earlier frames of the shot leave to these, which go on as if they had come
            with them; None if there are none.
    """
    with closing(ask_keyframes(frames, ask, settings, begun)) as answers:
        began = perf_counter()

        def fresh() -> Iterator[tuple[tuple[Seen, KeyframeState], Prediction | Propagated]]:
            nonlocal began
            for answer in answers:
                began = perf_counter()
                yield answer

        past = None if begun is None else begun.past
        for (seen, keyframe), prediction in _smooth(fresh(), settings, recalled, past):
            yield Mapped(seen, prediction, began, keyframe)


def smooth_histograms(
    histograms: Iterable[Prediction | Propagated],
    settings: TemporalSettings,
    recalled: Prediction | None = None,
) -> Iterator[Prediction]:
    """Smooth the histograms of one shot in time.

    What is remembered lives in this call, so each shot gets its own; at most `LOOK_AHEAD`
    histograms are held. It is all linear in the prediction: two channels of ab can be smoothed as
    well as 313 probabilities.

    Args:
        histograms: The shot's histograms in the order shown, all of one shape. Where they tell a
            motion, it is taken from there. The first one must not be spared, and without smoothing
            none.
        settings: How much smoothing; with 0 the histograms come out as they are.
        recalled: The last smoothed histogram of the earlier shot that this one returns to.

    Yields:
        One histogram for each that comes in; its probabilities still sum to 1.

    Raises:
        ValueError: A frame is spared that must not be.
    """
    smoothed = _smooth(((None, one) for one in histograms), settings, recalled)
    return (one for _, one in smoothed)


def _smooth(
    answers: Iterable[tuple[T, Prediction | Propagated]],
    settings: TemporalSettings,
    recalled: Prediction | None,
    past: Prediction | None = None,
) -> Iterator[tuple[T, Prediction]]:
    """Each thing with its smoothed histogram; see `smooth_histograms`.

    With a past they are not the shot's first.
    """
    coming = iter(answers)
    is_first = past is None and settings.smoothing > 0
    first = deque(islice(coming, LOOK_AHEAD if is_first else 0))
    for _, one in reversed(first):
        if isinstance(one, Prediction):
            past = _join(_begun(one), past, None, settings)
    if first and past is not None:
        item, _ = first.popleft()
        if recalled is not None and recalled.map.shape != past.map.shape:
            recalled = None  # of a picture of another shape, inside other bars
        past = _join(past, recalled, None, settings)
        yield item, past
    for item, one in chain(_drained(first), coming):
        if isinstance(one, Prediction):
            past = _join(_begun(one), past, one.motion, settings) if settings.smoothing else one
        elif past is None:
            raise ValueError("a shot's first frame cannot be spared")
        else:
            past = _carry(one, past)
        yield item, past


def _drained(items: deque[T]) -> Iterator[T]:
    """The items from left to right, each forgotten as it is given."""
    while items:
        yield items.popleft()


def _begun(histogram: Prediction) -> Prediction:
    """A histogram that others can be joined to: so far it is worth one frame, its own.

    What a person says in it counts as so many more.
    """
    weight = np.ones(histogram.map.shape[1:], np.float32)
    if histogram.observations is not None:
        weight = weight + histogram.observations
    return replace(histogram, predicted=histogram.map, weight=weight)


def _join(
    histogram: Prediction,
    past: Prediction | None,
    motion: Motion | None,
    settings: TemporalSettings,
) -> Prediction:
    """The mean of a frame's histogram and one of the past, which is moved to where things are.

    Motion is found here if it is not known.
    """
    if past is None or past.weight is None or histogram.weight is None:
        return histogram
    height, width = histogram.weight.shape
    if motion is None:
        pictures = histogram.lightness, past.lightness
        motion = find_motion(*pictures, (width, height), follow=settings.motion)
    rows = _rows(histogram)
    past_rows, past_weight = _move(_rows(past).to(rows.dtype), past.weight, motion)
    past_weight *= np.float32(settings.smoothing)
    weight = past_weight + histogram.weight
    share = torch.from_numpy((past_weight / weight).reshape(-1, 1)).to(rows)
    smoothed = torch.lerp(rows, past_rows, share)
    probabilities = smoothed.reshape(height, width, -1).movedim(-1, 0)
    return replace(histogram, map=probabilities, weight=weight, motion=motion)


def _carry(spared: Propagated, past: Prediction) -> Prediction:
    """The histogram of a frame that has none of its own: that of the frame before, moved.

    It does not fade by that, as nothing new comes to it.
    """
    if past.weight is None:
        raise ValueError("without smoothing no frame can be spared")
    rows, weight = _move(_rows(past), past.weight, spared.motion)
    probabilities = rows.reshape(*past.weight.shape, -1).movedim(-1, 0)
    return Prediction(probabilities, spared.lightness, weight=weight, motion=spared.motion)


def _move(rows: torch.Tensor, weight: Map, motion: Motion) -> tuple[torch.Tensor, Map]:
    """Predictions (h * w, bins), moved, and the weight that can be trusted, (h, w)."""
    corners, parts = _bilinear(motion.displacement)
    remembered = (weight.reshape(-1)[corners] * parts).sum(1).reshape(weight.shape)
    moved = _gather(rows, corners, parts)
    return moved, np.asarray(motion.trust * remembered, np.float32)


def _rows(histogram: Prediction) -> torch.Tensor:
    """The predictions as (h * w, bins): a pixel's lie side by side."""
    return histogram.map.movedim(0, -1).flatten(0, 1)


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
        per_sample_weights=torch.from_numpy(parts).to(rows),
    )
