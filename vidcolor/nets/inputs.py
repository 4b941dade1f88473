"""What nets take: ours lightness, those that have seen ImageNet sRGB about its mean."""

import torch

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in [0, 1], over the pictures of ImageNet, as torchvision states them."""


def normalize_lightness(lightness: torch.Tensor) -> torch.Tensor:
    """What the net takes, about [-1, 1], for CIELAB L* in [0, 100]; any shape."""
    return lightness / 50 - 1
