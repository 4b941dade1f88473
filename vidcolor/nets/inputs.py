"""What nets take: ours lightness, those that have seen ImageNet sRGB about its mean."""

import torch
from torch.nn import functional

from vidcolor.frame import SIDE_MULTIPLE

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in [0, 1], over the pictures of ImageNet, as torchvision states them."""


def normalize_lightness(lightness: torch.Tensor) -> torch.Tensor:
    """What the net takes, about [-1, 1], for CIELAB L* in [0, 100]; any shape."""
    return lightness / 50 - 1


def padded(x: torch.Tensor) -> torch.Tensor:
    """Pictures (N, C, H, W) whose sides our nets take: edges repeated below and at the right."""
    height, width = x.shape[-2:]
    return functional.pad(x, (0, -width % SIDE_MULTIPLE, 0, -height % SIDE_MULTIPLE), "replicate")
