"""Which places of a picture look like those of a reference, and what colors they get by that.

Places are compared by the net's own features at all scales, which know a face from a wall, and by
lightness. Where the best match of a place has that place, or one near it, as its own best match,
it is trusted. A reference of which little is found again is not trusted anywhere: the net decides.

A frame of the same shot needs no such proof. How much it counts at least is known from it: as far
as the net is off in that frame it is off in others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.directing.evidence import Told
from vidcolor.frame import Map

OBSERVATIONS = 10.0
"""How many frames' worth of predictions a match is that is trusted wholly."""

STEP = 2
"""Places of the map, each way, that are matched as one."""

LIGHTNESS_STEP = 20.0
"""Difference of L* that lowers likeness by `LIGHTNESS_PENALTY`, twice as much by four times."""

LIGHTNESS_PENALTY = 0.3

SHARPNESS = 0.03
"""Likeness below the best match's at which a place counts 1/e."""

LEAST_LIKENESS, LIKENESS_RISE = 0.65, 0.05
"""Likeness of the best match at which trust is half, and how fast it rises: a logistic curve."""

RETURN_PLACES = 3.0
"""How far from a place the best match of its best match may lie; there trust is exp(-1/2)."""

COLOR_SPREAD = 12.0
"""Deviation of the matches' colors, in ab, at which trust is 1/e."""

LEAST_FOUND, SURELY_FOUND = 0.07, 0.2
"""Mean trust of a frame up to which a reference counts nothing, and from which on all.

All these are measured on pairs of frames of six clips, hidden truth: frames of one scene had 0.12
to 0.88, of scenes that have nothing in common 0 to 0.07, but for one pair of 0.115, which gained.
"""

MATCH_DEVIATION = 10.0
"""How far, in ab, any match with a frame of the same shot is off as a rule: a net that errs more
counts less. Measured where motion loses everything (a fast pan), and behind a dancer."""

_EPSILON = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """A reference as pictures are compared with it.

    Attributes:
        features: Of its places, (C, n), each level of length 1 over their number.
        means: Of each level's channels, which pictures are compared by, too.
        deviations: Likewise.
        lightness: L*, (n,).
        ab: a* and b*, (2, n).
    """

    features: Map
    means: Sequence[Map]
    deviations: Sequence[Map]
    lightness: Map
    ab: Map


def prepare(levels: Sequence[Map], lab: Map) -> Matched:
    """A reference to match pictures with.

    Args:
        levels: The net's features of it, (C, h, w) each, the finest first.
        lab: Its L*, a* and b*, (3, H, W) of any size.
    """
    size = _size_of(levels)
    flat = [_flat(level, size) for level in levels]
    means = [level.mean(1, keepdims=True) for level in flat]
    deviations = [level.std(1, keepdims=True) + _EPSILON for level in flat]
    lightness, *ab = _flat(lab, size)
    return Matched(_unit(flat, means, deviations), means, deviations, lightness, np.stack(ab))


def match(
    reference: Matched,
    levels: Sequence[Map],
    lightness: Map,
    strength: float,
    least: float = 0.0,
) -> Told:
    """What a reference says of a picture.

    Args:
        reference: The reference.
        levels: The net's features of the picture, (C, h, w) each, the finest first.
        lightness: Its L* at the size of the finest, (h, w).
        strength: Factor on how much it counts.
        least: How many observations it counts where little is found of it, too, as it is known to
            show the same scene; see `least_observations`.
    """
    size = _size_of(levels)
    features = _unit([_flat(one, size) for one in levels], reference.means, reference.deviations)
    own = _flat(lightness[None], size)[0]
    unlike = np.square((own[:, None] - reference.lightness) / LIGHTNESS_STEP)
    likeness = features.T @ reference.features - LIGHTNESS_PENALTY * unlike  # (places, n)
    best = likeness.max(1)
    share = np.exp((likeness - best[:, None]) / SHARPNESS)
    share /= share.sum(1, keepdims=True)
    ab = reference.ab @ share.T  # (2, places)
    variance = (np.square(reference.ab) @ share.T - np.square(ab)).sum(0).clip(0)
    trust = 1 / (1 + np.exp((LEAST_LIKENESS - best) / LIKENESS_RISE))
    trust *= _return_trust(likeness, size[0]) * np.exp(-variance / COLOR_SPREAD**2)
    found = np.clip((trust.mean() - LEAST_FOUND) / (SURELY_FOUND - LEAST_FOUND), 0, 1)
    shape = (size[1], size[0])
    whole = lightness.shape[::-1]
    maps = [*ab.reshape(2, *shape), trust.reshape(shape)]
    *wanted, trusted = (
        cv2.resize(np.asarray(one, np.float32), whole, interpolation=cv2.INTER_LINEAR)
        for one in maps
    )
    counted = np.maximum(OBSERVATIONS * strength * found * trusted, strength * least)
    return Told(np.asarray(np.stack(wanted), np.float32), np.asarray(counted, np.float32))


def least_observations(wanted: Map, predicted: Map) -> float:
    """How many predictions of a net any match with a frame of the same shot is worth.

    Args:
        wanted: a* and b* of that frame, (2, h, w).
        predicted: What the net makes of it, likewise.
    """
    error = float(np.square(wanted - predicted).sum(0).mean())
    return float(np.clip(error / MATCH_DEVIATION**2 - 1, 0, OBSERVATIONS))


def _return_trust(likeness: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    """How near each place's best match has its own best match to it, (places,) in [0, 1]."""
    back = likeness.argmax(0)[likeness.argmax(1)]
    here = np.arange(len(likeness))
    far = np.square(here % width - back % width) + np.square(here // width - back // width)
    return np.asarray(np.exp(-far / (2 * RETURN_PLACES**2)))


def _size_of(levels: Sequence[Map]) -> tuple[int, int]:
    """Width and height of what is matched."""
    rows, columns = levels[0].shape[1:]
    return max(1, columns // STEP), max(1, rows // STEP)


def _flat(maps: Map, size: tuple[int, int]) -> Map:
    """Maps at a size, (n, places)."""
    way = cv2.INTER_AREA if maps.shape[2] > size[0] else cv2.INTER_LINEAR
    resized = [cv2.resize(one, size, interpolation=way) for one in maps]
    return np.asarray(np.stack(resized).reshape(len(maps), -1), np.float32)


def _unit(levels: Sequence[Map], means: Sequence[Map], deviations: Sequence[Map]) -> Map:
    """Features whose products are likenesses, (C, places): cosines, the mean over levels."""
    parts = []
    for level, mean, deviation in zip(levels, means, deviations, strict=True):
        plain = (level - mean) / deviation
        length = np.sqrt(np.square(plain).sum(0)) + _EPSILON
        parts.append(plain / (length * np.float32(np.sqrt(len(levels)))))
    return np.concatenate(parts)
