"""Four convolutions from lightness to a* and b*: the smallest net that colors anything.

After the first system of a student report (Ravikumar et al., MIT), which learns squared error on
pictures of 256 px. The report leaves widths open; ours are below.
"""

from itertools import pairwise

import torch
from torch import nn

_WIDTHS = (1, 32, 64, 64)
_KERNEL = 5


class SmallNet(nn.Module):
    """Lightness to a* and b* of each pixel: a net that sees 17 x 17 pixels and no thing."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(_WIDTHS):
            convolution = nn.Conv2d(inputs, outputs, _KERNEL, padding=_KERNEL // 2)
            layers += [convolution, nn.ReLU(inplace=True)]
        self.layers: nn.Sequential = nn.Sequential(
            *layers, nn.Conv2d(_WIDTHS[-1], 2, _KERNEL, padding=_KERNEL // 2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it.

        Returns:
            (N, 2, H, W).
        """
        colors: torch.Tensor = self.layers(x)
        return colors
