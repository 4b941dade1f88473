"""One color for each region of nearly one lightness, for line art, animation and flat pictures."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from vidcolor.frame import MAP_STRIDE, Prediction, Record
from vidcolor.refine.refined import Decode, Map, Refined
from vidcolor.refine.regions import Labels, Regions, even_lightness, flood_regions

Indices = NDArray[np.intp]

MATCH_SHARE = 0.5
"""Part of the smaller of two regions that must overlap for them to be one in time."""


class _Tracks(NamedTuple):
    """What is known of the regions of a frame from those before.

    Attributes:
        numbers: Their numbers in the shot, (n,).
        next_number: The first number that no region of the shot has had.
        histograms: Blended histogram of each, (n, bins).
        weights: How many frames each is worth, (n,).
    """

    numbers: Labels
    next_number: int
    histograms: Map
    weights: Map


class _Past(NamedTuple):
    """What is remembered of the frame before.

    Attributes:
        even: Its even lightness, (H, W).
        gain: What a unit of L* became in it.
        regions: Its regions.
        tracks: What is known of them.
        ab: Its colors, (2, H, W).
    """

    even: Map
    gain: float
    regions: Regions
    tracks: _Tracks
    ab: Map


class Flood:
    """Gives every region of each frame of one shot a single color.

    A region's histogram is the mean over its area, blended with that of the region of the frame
    before that it overlaps most. What is remembered lives in this object.

    Args:
        decode: Makes probabilities colors.
        threshold: Most that a pixel may differ from its region's seed, in lightness of [0, 100].
        memory: Weight of the past of a region that stayed in place; 0 forgets.
    """

    def __init__(self, decode: Decode, *, threshold: float, memory: float) -> None:
        self._decode = decode
        self._threshold, self.memory = threshold, memory
        self._past: _Past | None = None

    def __call__(self, histogram: Prediction) -> Refined:
        """Refine the shot's next frame.

        Args:
            histogram: Its histogram; all are of one shape.

        Returns:
            Its colors. `record` holds `labels`, int32 from 1: a region keeps its number for as long
            as it is found again.
        """
        past = _step(self._past, histogram, self._decode, self._threshold, self.memory)
        self._past = past
        return Refined(histogram, past.ab, {"labels": past.tracks.numbers[past.regions.labels]})

    def state(self) -> Record:
        """See `Refiner`."""
        if self._past is None:
            return {}
        even, gain, regions, tracks, ab = self._past
        parts = {"even": even, "gain": gain, "ab": ab, **regions._asdict(), **tracks._asdict()}
        return {name: np.array(part) for name, part in parts.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Refiner`."""
        self._past = None
        if state:
            regions = Regions(state["labels"], state["levels"], int(state["flat_count"]))
            tracks = _Tracks(
                state["numbers"], int(state["next_number"]), state["histograms"], state["weights"]
            )
            gain = float(state["gain"])
            self._past = _Past(state["even"], gain, regions, tracks, state["ab"])


def pool_histograms(probabilities: torch.Tensor, labels: Labels) -> Map:
    """Mean histogram of each region over its area, (n, bins).

    Args:
        probabilities: (bins, h, w).
        labels: Region of each pixel, (H, W), from 0 without gaps.
    """
    bins, _, width = probabilities.shape
    flat = probabilities.reshape(bins, -1).float().cpu().numpy()
    cells = cv2.transpose(flat)  # (h * w, bins), seven times as fast as numpy's
    rows, columns = (np.arange(side, dtype=np.int32) // MAP_STRIDE for side in labels.shape)
    cell = rows[:, None] * np.int32(width) + columns  # (H, W)
    ones = np.ones(labels.size, np.float32)
    count = int(labels.max()) + 1
    # Rows of a few pixels each are far quicker to sort and sum up than those of a region.
    areas = scipy.sparse.csr_array(
        (ones, (cell.ravel(), labels.ravel())), shape=(len(cells), count)
    )
    area = np.bincount(labels.ravel())
    return np.asarray(areas.T @ cells / area[:, None], np.float32)


def _step(
    past: _Past | None, histogram: Prediction, decode: Decode, threshold: float, memory: float
) -> _Past:
    """Refine one frame, and remember it in place of the one before."""
    even, gain = even_lightness(histogram.lightness)
    if past is None:
        regions = flood_regions(even, threshold)
        tracks = _first(pool_histograms(histogram.map, regions.labels))
        return _Past(even, gain, regions, tracks, _colors(tracks, regions, decode))
    past = _relit(past, even, gain)
    regions = flood_regions(even, threshold, past.regions)
    pooled = pool_histograms(histogram.map, regions.labels)
    match, shared = _match(past.regions, regions, threshold)
    share = memory * shared / np.bincount(regions.labels.ravel())
    tracks = _blended(past.tracks, pooled, match, shared, share.astype(np.float32))
    ab = _colors(tracks, regions, decode)
    # A pixel may go to another region when nothing moved; its color then comes over by and by.
    still = np.abs(even - past.even) <= threshold
    ab += still * np.float32(memory) * (past.ab - ab)
    return _Past(even, gain, regions, tracks, ab)


def _relit(past: _Past, even: Map, gain: float) -> _Past:
    """Give the past in the light of now: its lightness as if stretched alike, without flicker."""
    factor = np.float32(gain / past.gain)
    # A change that most of the picture shares is the light's or the shutter's, not the scene's.
    shift = np.median((even - past.even * factor)[::MAP_STRIDE, ::MAP_STRIDE])
    levels = past.regions.levels * factor + shift
    regions = past.regions._replace(levels=levels)
    return past._replace(even=past.even * factor + shift, regions=regions)


def _colors(tracks: _Tracks, regions: Regions, decode: Decode) -> Map:
    """Give each pixel its region's color, (2, H, W)."""
    row = np.ascontiguousarray(tracks.histograms.T)[:, None]  # (bins, 1, n)
    colors = decode(torch.from_numpy(row)).cpu().numpy()[:, 0]  # (2, n)
    return np.take(np.asarray(colors, np.float32), regions.labels, axis=1)


def _match(before: Regions, now: Regions, threshold: float) -> tuple[Indices, Indices]:
    """For each region, the one before that it overlaps most, and by how many pixels; 0 if none."""
    count, count_before = len(now.levels), len(before.levels)
    pairs = before.labels * np.int32(count) + now.labels
    overlap = np.bincount(pairs.ravel(), minlength=count_before * count)
    overlap = overlap.reshape(count_before, count)
    area_before, area = overlap.sum(1), overlap.sum(0)
    # What moved in before another region is none of it: their lightness must have met.
    overlap[np.abs(before.levels[:, None] - now.levels) > 2 * threshold] = 0
    match = overlap.argmax(0)
    shared = overlap[match, np.arange(count)]
    enough = shared >= MATCH_SHARE * np.minimum(area, area_before[match])
    return match, np.where(enough, shared, 0)


def _first(pooled: Map) -> _Tracks:
    count = len(pooled)
    numbers = np.arange(1, count + 1, dtype=np.int32)
    return _Tracks(numbers, count + 1, pooled, np.ones(count, np.float32))


def _blended(past: _Tracks, pooled: Map, match: Indices, shared: Indices, share: Map) -> _Tracks:
    """Blend the regions' histograms with those of their matches, and hand on their numbers.

    Args:
        past: What is known of the regions before.
        pooled: Histogram of each region now, (n, bins).
        match: The region before that each is matched with, (n,).
        shared: Pixels that it overlaps it by, (n,); 0 where there is no match.
        share: Weight that its past keeps, (n,).
    """
    past_weights = share * past.weights[match]
    weights = past_weights + 1
    past_share = (past_weights / weights)[:, None]
    histograms = pooled + past_share * (past.histograms[match] - pooled)
    return _Tracks(*_numbers(past, match, shared), histograms, weights)


def _numbers(past: _Tracks, match: Indices, shared: Indices) -> tuple[Labels, int]:
    """Give each region the number of its match, of whose parts the largest keeps it."""
    numbers = np.zeros(len(match), np.int32)
    next_number, given = past.next_number, set[int]()
    for region in np.argsort(-shared, kind="stable").tolist():
        number = int(past.numbers[match[region]])
        if shared[region] == 0 or number in given:
            number, next_number = next_number, next_number + 1
        given.add(number)
        numbers[region] = number
    return numbers, next_number
