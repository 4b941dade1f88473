"""Ways of more than one frame: from the pixels of a frame to where they were in one farther off."""

import cv2
import numpy as np

from vidcolor.frame import Map, Motion


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


def places(displacement: Map) -> tuple[Map, Map]:
    """Columns and rows, (h, w) each, that the pixels of a map come from."""
    rows, columns = np.indices(displacement.shape[1:], np.float32)
    return columns + displacement[0], rows + displacement[1]


def looked_up(values: Map, x: Map, y: Map) -> Map:
    """Values, (h, w) or (h, w, n), between pixels; those outside are taken as on the edge."""
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=border), np.float32)
