"""A residual net for color: blocks with shortcut convolutions, no pooling, half the size at least.

After the residual classification net of a student report (SRM), which follows K. He et al., "Deep
Residual Learning for Image Recognition", CVPR 2016 (arXiv:1512.03385), figure 2, and the bins of
Zhang et al. 2016. The report tells widths, strides and dilations of the blocks; that a block holds
two convolutions, as in He et al., is our reading.
"""

import torch
from torch import nn

from vidcolor.color.bins import BIN_COUNT

_STEM_WIDTH, _WIDTH, _DEEP_WIDTH = 64, 256, 512


class _Residual(nn.Module):
    """Two convolutions of 3 x 3 beside a shortcut of 1 x 1; what they add up to is normalised."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.layers: nn.Sequential = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=dilation, dilation=dilation),
        )
        self.shortcut: nn.Conv2d = nn.Conv2d(inputs, outputs, 1, stride=stride)
        self.norm: nn.BatchNorm2d = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normalized: torch.Tensor = self.norm(torch.relu(self.layers(x) + self.shortcut(x)))
        return normalized


class ResidualNet(nn.Module):
    """Lightness to a prediction for each 2 x 2 pixels.

    Args:
        outputs: Channels of the prediction: one for each bin, or two for a* and b*.
    """

    def __init__(self, outputs: int = BIN_COUNT) -> None:
        super().__init__()
        self.conv0: nn.Sequential = nn.Sequential(
            nn.Conv2d(1, _STEM_WIDTH, 3, padding=1), nn.ReLU(inplace=True)
        )
        self.block1: _Residual = _Residual(_STEM_WIDTH, _WIDTH)
        self.block2: _Residual = _Residual(_WIDTH, _WIDTH)
        self.block3: _Residual = _Residual(_WIDTH, _DEEP_WIDTH, stride=2)
        self.block4: _Residual = _Residual(_DEEP_WIDTH, _DEEP_WIDTH, dilation=2)
        self.conv5: nn.Sequential = nn.Sequential(
            nn.Conv2d(_DEEP_WIDTH, _DEEP_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(_DEEP_WIDTH),
        )
        self.pred: nn.Conv2d = nn.Conv2d(_DEEP_WIDTH, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W even.

        Returns:
            (N, outputs, H / 2, W / 2).
        """
        for part in self.children():
            x = part(x)
        return x
