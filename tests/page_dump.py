import numpy as np
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_COUNT

SIZES = {"net": (11, 7), "smooth": (13, 5)}  # widths and heights of maps, odd on purpose


def random_histogram(frame: int, stage: str) -> NDArray[np.float16]:
    """Distinct probabilities for each frame and stage, (313, h, w)."""
    width, height = SIZES[stage]
    rng = np.random.default_rng([frame, len(stage)])
    drawn = rng.dirichlet(np.full(BIN_COUNT, 0.1), (height, width)).astype(np.float16)
    return np.moveaxis(drawn, -1, 0)


def strongest(histogram: NDArray[np.float16], count: int) -> NDArray[np.uint16]:
    """The numbers of each pixel's strongest bins, (K, h, w), in no useful order."""
    return np.argsort(-histogram, axis=0, kind="stable")[:count][::-1].astype(np.uint16)
