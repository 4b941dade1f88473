"""How far a hint reaches inside its frame: over what looks like the place that it was put on.

The distance from a hint is that of the cheapest way over the map to it, and a step costs what
lightness and the net's features change by. So color fills a coat and stops at its edge: geodesic
distance as in L. Yatziv, G. Sapiro, "Fast Image and Video Colorization Using Chrominance Blending",
IEEE TIP 15(5), 2006, section II, with features beside lightness.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from vidcolor.frame import Map

LIGHTNESS_STEP = 2.0
"""Change of L* that costs 1."""

FEATURE_STEP = 0.7
"""Change of the net's features that costs 1: root of the mean square over channels, each of which
deviates by 1 over the picture."""

PLAIN_STEP = 0.1
"""What a step costs where nothing changes."""

REACH = 3.0
"""Cost after which a hint counts 1/e of what it does at its own place."""

LEAST_WEIGHT = 1 / 256
"""A hint that counts less is forgotten.

Steps and reach are measured: ten hints of the true color in one frame of each of six clips. More
reach gains more where one color fills much, and harms small things; here no clip loses.
"""

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


class Costs(NamedTuple):
    """A frame's map as a graph of neighboring places.

    Attributes:
        graph: SciPy's sparse array, (places, places), what a step between two costs.
        shape: Rows and columns.
    """

    graph: Any
    shape: tuple[int, int]


def find_costs(lightness: Map, features: Map) -> Costs:
    """What steps between the places of a map cost.

    Args:
        lightness: L* at the map's size, (h, w).
        features: The net's, (C, h, w), each of deviation 1.
    """
    height, width = lightness.shape
    number = np.arange(height * width).reshape(height, width)
    sources, targets, costs = [], [], []
    for down, right in _STEPS:
        here = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        there = (slice(down, height), slice(max(0, right), width + min(0, right)))
        change = np.abs(lightness[here] - lightness[there]) / LIGHTNESS_STEP
        unlike = np.sqrt(np.square(features[:, *here] - features[:, *there]).mean(0)) / FEATURE_STEP
        length = np.hypot(down, right)
        sources.append(number[here].ravel())
        targets.append(number[there].ravel())
        costs.append((change + unlike + PLAIN_STEP * length).ravel())
    row, column, cost = map(np.concatenate, (sources, targets, costs))
    size = height * width
    return Costs(scipy.sparse.csr_array((cost, (row, column)), shape=(size, size)), (height, width))


def spread(costs: Costs, seeds: list[NDArray[np.bool_]], is_hard: list[bool]) -> Map:
    """How much each hint counts at each place, (hints, h, w) in [0, 1].

    Where several reach a place they share it by how near they are.

    Args:
        costs: Of the frame.
        seeds: Where each hint was put, (h, w), at least one place.
        is_hard: Whether it counts there and nowhere else.
    """
    distances = np.stack(
        [
            np.where(seed, 0, np.inf) if hard else _distance(costs, seed)
            for seed, hard in zip(seeds, is_hard, strict=True)
        ]
    )  # (hints, h, w)
    nearest = distances.min(0)
    reached = np.isfinite(nearest)
    offset = np.where(reached, nearest, 0)
    near = np.exp(-(distances - offset) / REACH)  # 0 where infinitely far
    share = near / near.sum(0).clip(1e-9)
    weight = share * np.where(reached, np.exp(-offset / REACH), 0)
    weight[weight < LEAST_WEIGHT] = 0
    return np.asarray(weight, np.float32)


def _distance(costs: Costs, seed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cost of the cheapest way from each place to a hint."""
    places = np.flatnonzero(seed)
    found = scipy.sparse.csgraph.dijkstra(
        costs.graph, directed=False, indices=places, min_only=True
    )
    return np.asarray(found, np.float64).reshape(costs.shape)
