"""Confident points' colors spread over the picture, stopping where its lightness changes.

After A. Levin, D. Lischinski, Y. Weiss, "Colorization using optimization", SIGGRAPH 2004, with the
network's surest points in place of a person's scribbles: a point that is no seed has the mean color
of its neighbors, weighted by how like its own their lightness is. Solved at the size of the
histograms' map: a solution at the lightness' size looks the same once it is enlarged along the
film's edges, and takes forty times as long.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np
import scipy
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_COUNT, entropy_bits
from vidcolor.errors import ModelError
from vidcolor.frame import Prediction, Record
from vidcolor.refine.refined import Decode, Map, Refined, least_in_squares

Mask = NDArray[np.bool_]
Points = NDArray[np.intp]
Weights = NDArray[np.float64]

SEED_SQUARE = 4
"""The surest of this many points, each way, is a seed: confident, and spread over the picture."""

SHARPNESS = 0.6
"""What the variance of lightness round a point is scaled by where the paper's weights have twice
it: edges stop color better, a step of 10 to 40 L* lets 1 of 100 through in place of 42."""

LEAST_VARIANCE = 4.0
"""Scaled variance of L* round a point below which there is but grain, and weights are alike."""

STILL = 3.0
"""Change of L* after which a point's past weighs 1/e of what it did."""

SEED_BONUS = 0.5
"""Bits by which a point must be surer than the seed of the frame before to take its place."""


class _Past(NamedTuple):
    """What is remembered of the frame before.

    Attributes:
        lightness: L* at the map's size, (h, w).
        ab: Its solution, (2, h, w).
        seeds: Where its seeds were, (h, w).
    """

    lightness: Map
    ab: Map
    seeds: Mask


class Scribble:
    """Gives each frame of one shot the colors that its seeds spread.

    Where lightness stays, so do the seeds, and colors are tied to those of the frame before. What
    is remembered lives in this object.

    Args:
        decode: Makes probabilities colors.
        memory: Weight of the past where nothing changed, in [0, 1); 0 forgets.
    """

    def __init__(self, decode: Decode, *, memory: float) -> None:
        self._decode = decode
        self.memory = memory
        self._past: _Past | None = None

    def __call__(self, histogram: Prediction) -> Refined:
        """Refine the shot's next frame.

        Args:
            histogram: Its histogram; all are of one shape.

        Returns:
            Its colors; `ab` is at the map's size. `record` holds `seeds`, bool.

        Raises:
            ModelError: The model gives colors at once and no histograms.
        """
        probabilities = histogram.map.float()
        if len(probabilities) != BIN_COUNT:
            raise ModelError(
                "--refine scribble needs a model that states its confidence; use --refine flood"
            )
        height, width = probabilities.shape[1:]
        shrunk = cv2.resize(histogram.lightness, (width, height), interpolation=cv2.INTER_AREA)
        seen = np.asarray(shrunk, np.float32)
        past = _Past(seen, *_solved(probabilities, self._decode, seen, self._past, self.memory))
        self._past = past
        return Refined(histogram, past.ab, {"seeds": past.seeds})

    def state(self) -> Record:
        """See `Refiner`."""
        return {} if self._past is None else dict(self._past._asdict())

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Refiner`."""
        self._past = _Past(**state) if state else None


def spread_colors(lightness: Map, seeds: Mask, colors: Map, before: Map, tie: Map) -> Map:
    """Solve for the colors that seeds spread.

    A seed has its color u. Any other point r has U(r) with
    (1 + tie(r)) U(r) = sum of w(r, s) U(s) over its neighbors s + tie(r) before(r),
    w falling with the squared difference of lightness over its variance round r, and summing to 1.

    Args:
        lightness: L*, (h, w).
        seeds: Where the seeds are, (h, w); at least one.
        colors: a* and b*, (2, h, w), of which those at seeds are read.
        before: a* and b* that other points are tied to, (2, h, w).
        tie: How firmly, (h, w), at least 0.

    Returns:
        a* and b*, (2, h, w).
    """
    count = lightness.size
    rows, columns, weights = _neighbors(lightness)
    fixed = seeds.ravel()
    free = ~fixed[rows]
    points = np.arange(count)
    values = np.concatenate([np.where(fixed, 1, 1 + tie.ravel()), -weights[free]])
    places = np.concatenate([points, rows[free]]), np.concatenate([points, columns[free]])
    known = np.where(seeds, colors, tie * before).reshape(2, count).T.astype(np.float64)
    # No row's diagonal is outweighed, so no pivoting is needed; this order has the least fill-in.
    factors = scipy.sparse.linalg.splu(
        scipy.sparse.csc_array((values, places), shape=(count, count)),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    return np.asarray(factors.solve(known).T, np.float32).reshape(2, *lightness.shape)


def _solved(
    probabilities: torch.Tensor, decode: Decode, seen: Map, past: _Past | None, memory: float
) -> tuple[Map, Mask]:
    """Colors of one frame, (2, h, w), and its seeds."""
    if past is None:
        past = _Past(seen, np.zeros((2, *seen.shape), np.float32), np.zeros(seen.shape, bool))
        memory = 0
    share = memory * _likeness(past.lightness, seen)
    logs = probabilities.clamp_min(torch.finfo(torch.float32).tiny).log2()
    entropy = entropy_bits(probabilities, logs, 0).cpu().numpy()
    surest = least_in_squares(entropy - SEED_BONUS * share * past.seeds, SEED_SQUARE)
    seeds = np.zeros(seen.shape, bool)
    seeds[surest] = True
    colors = past.ab.copy()
    row = decode(probabilities[:, *surest][:, None]).cpu().numpy()[:, 0]  # (2, seeds)
    colors[:, *surest] += (1 - share[surest]) * (row - colors[:, *surest])
    return spread_colors(seen, seeds, colors, past.ab, share), seeds


def _neighbors(lightness: Map) -> tuple[Points, Points, Weights]:
    """Give each pair of a point and one of the 8 round it, by number, and its weight."""
    width = lightness.shape[1]
    padded = np.pad(lightness.astype(np.float64), 1, constant_values=np.nan)
    windows = sliding_window_view(padded, (3, 3)).reshape(-1, 9)  # (h * w, 9)
    variance = np.maximum(SHARPNESS * np.nanvar(windows, axis=1), LEAST_VARIANCE)
    weights = np.exp((windows - windows[:, 4:5]) ** 2 / -variance[:, None])
    weights[:, 4] = np.nan
    weights /= np.nansum(weights, axis=1, keepdims=True)
    rows, place = np.nonzero(~np.isnan(weights))
    columns = rows + (place // 3 - 1) * width + place % 3 - 1
    return rows, columns, weights[rows, place]


def _likeness(before: Map, now: Map) -> Map:
    """Say how far each point still shows what it did: 1 where nothing changed, towards 0.

    A change that most of the picture shares is the light's or the shutter's, not the scene's.
    """
    change = now - before
    change -= np.median(change)
    return np.asarray(np.exp((change / STILL) ** 2 * -1), np.float32)
