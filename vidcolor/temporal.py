"""Color histograms smoothed along one shot, so that colors hold still where the picture does.

Each becomes a weighted mean of itself and those before it. The weight of a past one fades with
every frame, and pixel by pixel with every change of lightness since. The mean is normalised from
the first frame on, so that a shot settles as fast as its frames allow.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.frame import ColorHistogram
from vidcolor.settings import TemporalSettings

Map = NDArray[np.float32]

LIGHTNESS_TOLERANCE = 9.0
"""Change of L* from one frame to the next after which a pixel's past weighs 1/e of what it did.

Least error of true colors with added noise, over clips of still, hand-held and fast cameras.
"""

CHANGE_WINDOW = 3
"""Side of the window that changes are pooled in, in samples of the map."""


def smooth_histograms(
    histograms: Iterable[ColorHistogram], settings: TemporalSettings
) -> Iterator[ColorHistogram]:
    """Smooth the histograms of one shot in time.

    What is remembered lives in this call, so each shot gets its own. It is all linear in the
    prediction: two channels of ab can be smoothed as well as 313 probabilities.

    Args:
        histograms: The shot's histograms in the order shown, all of one shape.
        settings: How much smoothing; with 0 the histograms come out as they are.

    Yields:
        One histogram for each that comes in, at once; its probabilities still sum to 1.
    """
    if settings.smoothing == 0:
        yield from histograms
        return
    smoothed: torch.Tensor | None = None
    before: Map = np.zeros((0, 0), np.float32)
    weight: Map = before
    for histogram in histograms:
        fresh = histogram.probabilities
        seen = _shrunk(histogram.lightness, fresh.shape[1:])
        if smoothed is None:
            smoothed, weight, past_share = fresh, np.ones_like(seen), np.zeros_like(seen)
        else:
            past_weight = settings.smoothing * _likeness(before, seen) * weight
            weight = past_weight + 1
            past_share = past_weight / weight
            share = torch.from_numpy(past_share).to(fresh.device)
            smoothed = torch.lerp(fresh, smoothed, share)  # (bins, h, w)
        before = seen
        yield replace(histogram, probabilities=smoothed, past_share=past_share)


def _shrunk(lightness: Map, shape: tuple[int, ...]) -> Map:
    """Give the lightness at the map's size, (h, w)."""
    height, width = shape
    size = (width, height)
    return np.asarray(cv2.resize(lightness, size, interpolation=cv2.INTER_AREA), np.float32)


def _likeness(before: Map, now: Map) -> Map:
    """Say how far each pixel still shows what it did: 1 where nothing changed, towards 0.

    A change that most of the picture shares is the light's or the shutter's, not the scene's.
    """
    change = now - before
    change -= np.median(change)
    window = (CHANGE_WINDOW, CHANGE_WINDOW)
    pooled = cv2.blur(change * change, window, borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.exp(pooled * (-1 / LIGHTNESS_TOLERANCE**2)), np.float32)
