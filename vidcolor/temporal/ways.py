"""Ways of more than one frame: from the pixels of a frame to where they were in one farther off."""

import cv2
import numpy as np

from vidcolor.frame import Map, Motion

SPREADS, LEAST_COUNT = (8.0, 2.0, 0.7), 0.02
"""How far, in pixels of a map, a way back is taken from what is near, the farthest first; and how
much of that there must be."""


def follow(step: Motion, way: Motion | None) -> Motion:
    """A way that is a step longer at its beginning.

    Args:
        step: From the pixels of a frame to the one beside it.
        way: From there on; None if the one beside is where it ends.

    Returns:
        From the pixels of the frame to the end. Trust is that in both, one times the other.
    """
    if way is None:
        return step
    x, y = places(step.displacement)
    beyond = looked_up(way.displacement.transpose(1, 2, 0), x, y).transpose(2, 0, 1)
    return Motion(step.displacement + beyond, step.trust * looked_up(way.trust, x, y))


def turned_back(displacement: Map) -> Map:
    """About the displacement back, (2, h, w); where none leads to, that of what is near."""
    height, width = displacement.shape[1:]
    x, y = (np.rint(place).astype(np.intp) for place in places(displacement))
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = (y * width + x)[inside]
    *summed, count = (
        np.bincount(place, one[inside], height * width).reshape(height, width).astype(np.float32)
        for one in (*-displacement, np.ones((height, width), np.float32))
    )
    found = np.broadcast_to(-np.median(displacement, (1, 2))[:, None, None], displacement.shape)
    for spread in SPREADS:
        *near, counted = (cv2.GaussianBlur(one, (0, 0), spread) for one in (*summed, count))
        found = np.where(counted > LEAST_COUNT, np.stack(near) / counted.clip(LEAST_COUNT), found)
    return np.asarray(found, np.float32)


def places(displacement: Map) -> tuple[Map, Map]:
    """Columns and rows, (h, w) each, that the pixels of a map come from."""
    rows, columns = np.indices(displacement.shape[1:], np.float32)
    return columns + displacement[0], rows + displacement[1]


def looked_up(values: Map, x: Map, y: Map) -> Map:
    """Values, (h, w) or (h, w, n), between pixels; those outside are taken as on the edge."""
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=border), np.float32)
