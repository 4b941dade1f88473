"""What the nets of ours take, made from lightness."""

import torch


def normalize_lightness(lightness: torch.Tensor) -> torch.Tensor:
    """What the net takes, about [-1, 1], for CIELAB L* in [0, 100]; any shape."""
    return lightness / 50 - 1
