"""Plainer colors to learn: each superpixel its mean, as a student report (UC Irvine) tries."""

import torch

from vidcolor.evaluation.superpixels import average_over, find_superpixels


def average_targets(srgb: torch.Tensor, ab: torch.Tensor, count: int) -> torch.Tensor:
    """The colors of some pictures, averaged over their superpixels.

    Args:
        srgb: (N, 3, H, W) in [0, 1], which is cut up.
        ab: (N, 2, H, W), which is averaged.
        count: Superpixels of each picture, about.

    Returns:
        (N, 2, H, W) on the same device.
    """
    averaged = []
    for picture, colors in zip(srgb.cpu(), ab.cpu(), strict=True):
        labels = find_superpixels(picture, count)
        averaged.append(average_over(labels, colors)[:, labels])
    return torch.stack(averaged).to(ab.device)
