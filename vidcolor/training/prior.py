"""How often each bin occurs in natural pictures."""

import numpy as np
import torch
from tqdm import tqdm

from vidcolor.color.bins import BIN_COUNT, soft_encode
from vidcolor.color.lab import lab_from_srgb
from vidcolor.training.crops import CropPlan, cut_crops
from vidcolor.training.dataset import PictureStore

_SIDE = 48
"""Pictures are shrunk to squares of this side, which leaves their colors' proportions alone."""


def estimate_bin_prior(
    store: PictureStore, count: int | None = None, seed: int = 0
) -> torch.Tensor:
    """The softly encoded colors of whole pictures, counted.

    Soft encoding smooths the count as well, in place of the Gaussian filter that Zhang et al. 2016
    (section 2.2) apply to theirs.

    Args:
        store: The pictures, on the CPU.
        count: How many to take, drawn at random; None for all.
        seed: Of the drawing.

    Returns:
        (bins,) float32, summing to 1.
    """
    chosen = np.random.default_rng(seed).permutation(len(store))[:count]
    total = torch.zeros(BIN_COUNT, dtype=torch.float64)
    sizes = store.sizes.numpy()
    nowhere, unmirrored = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    for index in tqdm(chosen, desc="bin prior", unit="", leave=False):
        height, width = sizes[index, :1], sizes[index, 1:]
        plan = CropPlan(np.array([index]), nowhere, nowhere, height, width, unmirrored)
        srgb = cut_crops(store, plan, _SIDE).float() / 255
        indices, shares = soft_encode(lab_from_srgb(srgb)[:, 1:])
        total.index_add_(0, indices.flatten(), shares.flatten().double())
    return (total / total.sum()).float()
