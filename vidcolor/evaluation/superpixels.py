"""Superpixels of a picture, over which some figures are taken. The one file that imports skimage.

R. Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", TPAMI 2012.
"""

import torch

from vidcolor.errors import VidcolorError

_COMPACTNESS = 10.0  # section 3.1: between 1 and 40, the more the squarer


def find_superpixels(srgb: torch.Tensor, count: int) -> torch.Tensor:
    """Cut a picture into regions of like color.

    Args:
        srgb: (3, H, W) in [0, 1].
        count: How many are wanted; there may be fewer.

    Returns:
        (H, W) int64, the number of each pixel's superpixel, from 0 and without gaps.

    Raises:
        VidcolorError: The library is missing.
    """
    try:
        from skimage.segmentation import slic  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise VidcolorError("superpixels need scikit-image: pip install scikit-image") from error
    rows = srgb.movedim(0, -1).double().numpy()
    labels = slic(rows, n_segments=count, compactness=_COMPACTNESS, start_label=0)
    numbers: torch.Tensor = torch.unique(torch.from_numpy(labels), return_inverse=True)[1]
    return numbers


def average_over(labels: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """The mean of each superpixel.

    Args:
        labels: (H, W) as `find_superpixels` gives them.
        values: (C, H, W).

    Returns:
        (C, superpixels).
    """
    flat = labels.flatten()
    counts = torch.bincount(flat).to(values.dtype)
    sums = values.new_zeros(len(values), len(counts))
    return sums.index_add_(1, flat, values.flatten(1)) / counts
