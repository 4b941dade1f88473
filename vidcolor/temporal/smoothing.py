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
from itertools import chain
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.frame import Motion, Prediction
from vidcolor.settings import TemporalSettings
from vidcolor.temporal.keyframes import Ask, Span, ask_keyframes
from vidcolor.temporal.motion import find_motion

T = TypeVar("T")
Map = NDArray[np.float32]

LOOK_AHEAD = 8
"""Frames that a shot's first one learns from, itself included."""


def steady(
    spans: Iterable[Span],
    ask: Ask,
    settings: TemporalSettings,
    recalled: Prediction | None = None,
    past: Prediction | None = None,
    *,
    varies: bool = False,
) -> Generator[tuple[Span, Prediction, float], None, None]:
    """Yield each span of one shot with its keyframe's smoothed prediction.

    Args:
        spans: The shot's spans in the order shown.
        ask: The network; see `Ask`.
        settings: How much smoothing.
        recalled: The last smoothed histogram of the earlier shot that this one returns to.
        past: The smoothed histogram of the keyframe before the first span, with which these go on;
            None if they begin the shot.
        varies: Whether frames may have a smoothing of their own.

    Yields:
        The span, the prediction, and when smoothing it began, by `perf_counter`.
    """
    began = perf_counter()

    def fresh() -> Iterator[tuple[Span, Prediction]]:
        nonlocal began
        for answer in answers:
            began = perf_counter()
            yield answer

    with closing(ask_keyframes(spans, ask)) as answers:
        for span, prediction in _smooth(fresh(), settings, recalled, past, varies=varies):
            yield span, prediction, began


def smooth_histograms(
    histograms: Iterable[Prediction],
    settings: TemporalSettings,
    recalled: Prediction | None = None,
) -> Iterator[Prediction]:
    """Smooth the histograms of one shot in time.

    What is remembered lives in this call, so each shot gets its own; at most `LOOK_AHEAD`
    histograms are held. It is all linear in the prediction: two channels of ab can be smoothed as
    well as 313 probabilities.

    Args:
        histograms: The shot's histograms in the order shown, all of one shape. Where they tell a
            motion, it is taken from there.
        settings: How much smoothing; with 0 the histograms come out as they are.
        recalled: The last smoothed histogram of the earlier shot that this one returns to.

    Yields:
        One histogram for each that comes in; its probabilities still sum to 1.
    """
    smoothed = _smooth(((None, one) for one in histograms), settings, recalled)
    return (one for _, one in smoothed)


S = TypeVar("S", Span, None)


def _smooth(
    answers: Iterable[tuple[S, Prediction]],
    settings: TemporalSettings,
    recalled: Prediction | None,
    past: Prediction | None = None,
    *,
    varies: bool = False,
) -> Iterator[tuple[S, Prediction]]:
    """Each span with its smoothed histogram; see `smooth_histograms`.

    With a past they are not the shot's first.
    """
    coming = iter(answers)
    if not settings.smoothing and not varies:
        yield from coming
        return
    first = deque(_first(coming)) if past is None else deque[tuple[S, Prediction]]()
    after: S | None = None
    for span, one in reversed(first):
        own = _own(settings, span)
        past = _join(_begun(one, own), past, None if after is None else after.forth, own)
        after = span
    if first and past is not None:
        span, _ = first.popleft()
        if recalled is not None and recalled.map.shape != past.map.shape:
            recalled = None  # of a picture of another shape, inside other bars
        past = _join(past, recalled, None, _own(settings, span))
        yield span, past
    for span, one in chain(_drained(first), coming):
        own = _own(settings, span)
        past = _join(_begun(one, own), past, one.motion, own)
        yield span, past


def _own(settings: TemporalSettings, span: Span | None) -> TemporalSettings:
    """The settings of a keyframe."""
    smoothing = None if span is None else span.keyframe.smoothing
    return settings if smoothing is None else replace(settings, smoothing=smoothing)


def _first(coming: Iterator[tuple[S, Prediction]]) -> Iterator[tuple[S, Prediction]]:
    """As many of a shot's spans as begin in its first `LOOK_AHEAD` frames."""
    frames = 0
    while frames < LOOK_AHEAD and (answer := next(coming, None)) is not None:
        frames += 1 if answer[0] is None else answer[0].length
        yield answer


def _drained(items: deque[T]) -> Iterator[T]:
    """The items from left to right, each forgotten as it is given."""
    while items:
        yield items.popleft()


def _begun(histogram: Prediction, settings: TemporalSettings) -> Prediction:
    """A histogram that others can be joined to: so far it is worth one frame, its own.

    What a person says in it counts as so many more. Without smoothing it needs no gain.
    """
    weight = np.ones(histogram.map.shape[1:], np.float32)
    if histogram.observations is not None:
        weight = weight + histogram.observations
    predicted = histogram.map if settings.smoothing else None
    return replace(histogram, predicted=predicted, weight=weight)


def _join(
    histogram: Prediction,
    past: Prediction | None,
    motion: Motion | None,
    settings: TemporalSettings,
) -> Prediction:
    """The mean of a frame's histogram and one of the past, which is moved to where things are.

    Motion is found here if it is not known.
    """
    if past is None or past.weight is None or histogram.weight is None or not settings.smoothing:
        return histogram
    height, width = histogram.weight.shape
    if motion is None:
        pictures = histogram.lightness, past.lightness
        motion = find_motion(*pictures, (width, height), follow=settings.motion)
    rows = _rows(histogram)
    past_rows, past_weight = moved(past, motion)
    past_rows = past_rows.to(rows.dtype)
    past_weight *= np.float32(settings.smoothing)
    weight = past_weight + histogram.weight
    share = torch.from_numpy((past_weight / weight).reshape(-1, 1)).to(rows)
    smoothed = torch.lerp(rows, past_rows, share)
    probabilities = smoothed.reshape(height, width, -1).movedim(-1, 0)
    return replace(histogram, map=probabilities, weight=weight, motion=motion)


def moved(past: Prediction, motion: Motion) -> tuple[torch.Tensor, Map]:
    """A smoothed prediction at the places of another frame.

    Returns:
        Its rows, (h * w, C), and the weight of them that can be trusted, (h, w).
    """
    if past.weight is None:
        raise ValueError("the prediction was not smoothed")
    corners, parts = _bilinear(motion.displacement)
    remembered = (past.weight.reshape(-1)[corners] * parts).sum(1).reshape(past.weight.shape)
    rows = _gather(_rows(past), corners, parts)
    return rows, np.asarray(motion.trust * remembered, np.float32)


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
