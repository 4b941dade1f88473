"""The plain convolutional net of Zhang et al. 2016: eight blocks, no shortcuts, no pooling.

R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016 (arXiv:1603.08511), figure
2 and the layer table of its supplement. Names of the tensors are those of the weights that the
authors released, so that these load as they are.
"""

from typing import NamedTuple

import torch
from torch import nn

from vidcolor.color.bins import BIN_COUNT


class _Block(NamedTuple):
    """Convolutions of 3 x 3 that follow each other, a batch norm behind the last.

    Attributes:
        width: Channels of each.
        depth: How many.
        stride: Of the last.
        dilation: Of all.
    """

    width: int
    depth: int
    stride: int = 1
    dilation: int = 1


_BLOCKS = (
    _Block(64, 2, stride=2),
    _Block(128, 2, stride=2),
    _Block(256, 3, stride=2),
    _Block(512, 3),
    _Block(512, 3, dilation=2),
    _Block(512, 3, dilation=2),
    _Block(512, 3),
)
"""conv1 to conv7; the picture is an eighth of its size from conv3 on."""

_UPSAMPLED_WIDTH = 256


class Eccv16Net(nn.Module):
    """Lightness to a prediction for each 4 x 4 pixels.

    Args:
        outputs: Channels of the prediction: one for each bin, or two for a* and b*.
    """

    def __init__(self, outputs: int = BIN_COUNT) -> None:
        super().__init__()
        width = 1
        for number, block in enumerate(_BLOCKS, 1):
            self.add_module(f"model{number}", nn.Sequential(*_layers(width, block)))
            width = block.width
        self.model8: nn.Sequential = nn.Sequential(
            nn.ConvTranspose2d(width, _UPSAMPLED_WIDTH, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_UPSAMPLED_WIDTH, _UPSAMPLED_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_UPSAMPLED_WIDTH, _UPSAMPLED_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_UPSAMPLED_WIDTH, outputs, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 8.

        Returns:
            (N, outputs, H / 4, W / 4).
        """
        for block in self.children():
            x = block(x)
        return x


def _layers(inputs: int, block: _Block) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for index in range(block.depth):
        stride = block.stride if index == block.depth - 1 else 1
        layers += [
            nn.Conv2d(
                inputs if index == 0 else block.width,
                block.width,
                3,
                stride=stride,
                padding=block.dilation,
                dilation=block.dilation,
            ),
            nn.ReLU(inplace=True),
        ]
    return [*layers, nn.BatchNorm2d(block.width)]
