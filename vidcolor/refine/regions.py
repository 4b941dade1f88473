"""Regions of nearly one lightness, and ink and texture between them.

Regions grow from seeds over neighbors of the seed's own lightness, not of a running mean: what
belongs to a region then hangs on nothing but its seed, no region spans more than twice the
threshold, and a slow gradient is cut into bands rather than crept along. Seeds are the flattest
spots, flattest first. Ink and other thin things hold no flat spot and take the nearest region.
Texture holds none either, but is wide: its regions are grown on its blurred lightness.
"""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.frame import MAP_STRIDE
from vidcolor.refine.refined import Map, least_in_squares

Labels = NDArray[np.int32]

LEAST_RANGE = 50.0
"""Range of L* that a picture is stretched to [0, 100] from at least: less is haze and grain."""

GRAIN = 8.0
"""Differences of lightness, of [0, 100], well below this are smoothed before regions grow."""

SPOT = 5
"""Side in pixels of a flat spot: a line of up to 4 pixels holds none."""

SOLID = 0.1
"""A region vanishes into what lies around it unless it is the center of a flat spot in this share
of its pixels. A square of 6 pixels stays with 4 of 36; one of 5 goes, and so does a web of lines
with all its joints."""

TEXTURE_SIGMA = 4.0
"""Blur, in pixels, that regions of texture are grown on."""

_BASE, _BARRED = 1000.0, 1e6  # both beyond any lightness: region 0, and pixels that take no region


class Regions(NamedTuple):
    """The regions of a frame, each pixel in one.

    Attributes:
        labels: Region of each pixel, (H, W), from 0 without gaps.
        levels: Lightness that each was grown from, (n,).
        flat_count: So many of the first are flat; the others are of texture.
    """

    labels: Labels
    levels: Map
    flat_count: int


def even_lightness(lightness: Map) -> tuple[Map, float]:
    """Stretch lightness to [0, 100] between its 1st and 99th percentile, and smooth its grain.

    Args:
        lightness: L* in [0, 100], (H, W).

    Returns:
        (H, W) in [0, 100], in steps of 1/2.55, edges still sharp; and what a unit of L* became.
    """
    low, high = np.percentile(lightness[::MAP_STRIDE, ::MAP_STRIDE], (1, 99))
    gain = 100 / max(float(high - low), LEAST_RANGE)
    codes = np.clip((lightness - low) * (2.55 * gain) + 0.5, 0, 255).astype(np.uint8)
    # Far faster than on float32.
    smooth = cv2.bilateralFilter(codes, SPOT, GRAIN * 2.55, SPOT / 2)
    return np.asarray(smooth, np.float32) / np.float32(2.55), gain


def flood_regions(lightness: Map, threshold: float, before: Regions | None = None) -> Regions:
    """Find the regions of nearly one lightness.

    Args:
        lightness: (H, W) in [0, 100].
        threshold: Most that a pixel may differ from its region's seed.
        before: Regions of the frame before. What still looks like one of them grows first and from
            the same level, so that grain does not move the regions' limits.
    """
    labels, levels = _grow(lightness, threshold, _expected(before, flat=True))
    count = len(levels)
    texture = cv2.distanceTransform((labels == 0).astype(np.uint8), cv2.DIST_L2, 3) > SPOT / 2
    if texture.any():
        blurred = _blurred(lightness, texture)
        rough, rough_levels = _grow(blurred, threshold, _expected(before, flat=False))
        labels = np.where(rough > 0, rough + np.int32(count), labels)
        levels = np.concatenate([levels, rough_levels])
    if len(levels) == 0:
        levels = lightness.mean(keepdims=True)[0]
    return Regions(_filled(labels), levels, count)


def _expected(before: Regions | None, *, flat: bool) -> tuple[Labels, Map] | None:
    """Give the labels and levels of the frame before, NaN for those of the other kind."""
    if before is None:
        return None
    levels = before.levels.copy()
    levels[slice(before.flat_count, None) if flat else slice(before.flat_count)] = np.nan
    return before.labels, levels


def _grow(
    lightness: Map, threshold: float, expected: tuple[Labels, Map] | None
) -> tuple[Labels, Map]:
    """Grow regions where pixels are not barred; labels from 1 without gaps, 0 none, and levels."""
    window = np.ones((SPOT, SPOT), np.uint8)
    spread = cv2.dilate(lightness, window) - cv2.erode(lightness, window)
    spread[lightness == _BARRED] = np.inf
    taken = np.zeros((lightness.shape[0] + 2, lightness.shape[1] + 2), np.uint8)
    grown = lightness.copy()  # A region's label goes where its lightness was.
    levels: list[float] = []
    for y, x, level in _seeds(lightness, spread, threshold, expected):
        if not taken[y + 1, x + 1]:
            levels.append(level)
            grown[y, x] = level
            label = _BASE + len(levels)
            flags = 4 | cv2.FLOODFILL_FIXED_RANGE
            cv2.floodFill(grown, taken, (x, y), label, threshold, threshold, flags)
    labels = np.where(taken[1:-1, 1:-1] > 0, grown - np.float32(_BASE), 0)
    inside = cv2.erode(labels, window) == cv2.dilate(labels, window)
    labels = labels.astype(np.int32)
    count = len(levels) + 1
    spots = np.bincount(labels[inside], minlength=count)
    kept = spots >= SOLID * np.bincount(labels.ravel(), minlength=count)
    kept[0] = False
    return (np.cumsum(kept) * kept).astype(np.int32)[labels], np.array(levels, np.float32)[kept[1:]]


def _seeds(
    lightness: Map, spread: Map, threshold: float, expected: tuple[Labels, Map] | None
) -> Iterable[tuple[int, int, float]]:
    """Row, column and level of the flattest pixel of each histogram's square, if flat enough.

    Those that look like their region of the frame before come first, in its order; then the
    flattest.
    """
    y, x = least_in_squares(spread, MAP_STRIDE)
    flat = spread[y, x] <= threshold
    y, x = y[flat], x[flat]
    level, order = lightness[y, x], np.full(len(y), np.iinfo(np.int32).max)
    if expected is not None:
        labels, levels = expected
        label = labels[y, x]
        same = np.abs(level - levels[label]) <= threshold
        level, order = np.where(same, levels[label], level), np.where(same, label, order)
    by_order = np.lexsort((spread[y, x], order))
    seeds = (y[by_order], x[by_order], level[by_order])
    return zip(*(part.tolist() for part in seeds), strict=True)


def _blurred(lightness: Map, within: NDArray[np.bool_]) -> Map:
    """Blur lightness as if there were nothing but what lies within; bar the rest."""
    share = within.astype(np.float32)
    total = cv2.GaussianBlur(lightness * share, (0, 0), TEXTURE_SIGMA)
    weight = cv2.GaussianBlur(share, (0, 0), TEXTURE_SIGMA)
    blurred = np.full_like(lightness, _BARRED)
    np.divide(total, weight, out=blurred, where=within)
    return blurred


def _filled(labels: Labels) -> Labels:
    """Give pixels without a region the nearest one's; regions now from 0."""
    known = labels > 0
    if not known.any():
        return labels
    empty = (~known).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_nearest = np.zeros(int(nearest.max()) + 1, np.int32)
    of_nearest[nearest[known]] = labels[known] - 1
    return of_nearest[np.asarray(nearest, np.intp)]
