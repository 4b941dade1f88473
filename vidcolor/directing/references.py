"""What pictures say of the frame that they show: colored by hand, or painted in places."""

from collections.abc import Callable

import cv2
import numpy as np
import scipy

from vidcolor.directing.evidence import FINER, Told
from vidcolor.directing.hints import LEAST_SHARE, OBSERVATIONS, shown_area
from vidcolor.directing.pictures import ColorPicture
from vidcolor.directing.spread import LEAST_WEIGHT, REACH, find_costs
from vidcolor.directing.track import small_lightness
from vidcolor.frame import Map, Seen

ANCHORED_OBSERVATIONS = 1000.0
"""How many frames' worth of predictions a reference is, at its frame: all but the last of them."""

_LEAST_PAINTED = 0.5
"""Share of a place of the map that must be painted; of its best place if little is."""


def told_by_reference(picture: ColorPicture, seen: Seen, strength: float) -> Told:
    """What a picture of a frame says of it.

    Args:
        picture: The frame as it is shown, bars and all, in color.
        seen: The frame.
        strength: Factor on how much it counts.
    """
    rows, columns = small_lightness(seen.brightened).shape
    ab = _at_size(_inside(picture.lab[1:], seen), (FINER * rows, FINER * columns))
    weight = np.full((rows, columns), ANCHORED_OBSERVATIONS * strength, np.float32)
    return Told(_as_wanted(ab, seen), weight)


def told_by_painting(
    picture: ColorPicture, seen: Seen, features_of: Callable[[Seen], Map]
) -> Told | None:
    """What a painted picture of a frame says of it; None if it is painted on the bars alone.

    Each place takes the color of the painted place that is nearest; see `spread`.

    Args:
        picture: The frame as it is shown, bars and all, transparent but where it is painted.
        seen: The frame.
        features_of: Gives the net's features of a frame, (C, h, w).
    """
    lightness = small_lightness(seen.brightened)
    size = (lightness.shape[0], lightness.shape[1])
    painted = _inside(np.concatenate([picture.lab[1:] * picture.alpha, picture.alpha[None]]), seen)
    *weighted, alpha = _at_size(painted, size)
    if not alpha.any():
        return None
    seeds = np.flatnonzero(alpha >= _LEAST_PAINTED * min(1, float(alpha.max())))
    colors = np.stack(weighted).reshape(2, -1)[:, seeds] / alpha.reshape(-1)[seeds]
    costs = find_costs(lightness, features_of(seen))
    distance, _, sources = scipy.sparse.csgraph.dijkstra(
        costs.graph, directed=False, indices=seeds, min_only=True, return_predecessors=True
    )
    number = np.zeros(alpha.size, np.int64)
    number[seeds] = np.arange(len(seeds))
    ab = colors[:, number[sources]].reshape(2, *size)
    weight = np.exp(-distance / REACH).reshape(size)
    weight[weight < LEAST_WEIGHT] = 0
    return Told(_as_wanted(ab, seen), np.asarray(OBSERVATIONS * weight, np.float32))


def _as_wanted(ab: Map, seen: Seen) -> Map:
    """Colors before all of the frame are multiplied with its share."""
    return np.asarray(ab / max(seen.color_share, LEAST_SHARE), np.float32)


def _inside(planes: Map, seen: Seen) -> Map:
    """The part of a picture of the whole frame that the network sees."""
    rows, columns = planes.shape[1:]
    left, top, width, height = shown_area(seen.frame.picture, seen.shot.active)
    first_row, first_column = round(top * rows), round(left * columns)
    last_row, last_column = round((top + height) * rows), round((left + width) * columns)
    return planes[
        :,
        first_row : max(first_row + 1, last_row),
        first_column : max(first_column + 1, last_column),
    ]


def _at_size(planes: Map, size: tuple[int, int]) -> Map:
    resized = [cv2.resize(one, size[::-1], interpolation=cv2.INTER_AREA) for one in planes]
    return np.asarray(np.stack(resized), np.float32)
