"""The generator of pix2pix: a U-Net on a ResNet-18 backbone.

P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017
(arXiv:1611.07004), section 3.2; backbone: K. He et al., arXiv:1512.03385, table 1, 18 layers, with
torchvision's names of the tensors and one channel in.
"""

import torch
from torch import nn
from torch.nn import functional

_WIDTHS = (64, 128, 256, 512)
_FINEST = 32


class _Basic(nn.Module):
    """Two convolutions of 3 x 3 and a shortcut (He et al., figure 5, left)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(self.bn2(self.conv2(y)) + shortcut)


class _Body(nn.Module):
    """ResNet-18 without its classifier: features at a half to a 32nd of the picture's sides."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1: nn.Conv2d = nn.Conv2d(1, _WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1: nn.BatchNorm2d = nn.BatchNorm2d(_WIDTHS[0])
        inputs = _WIDTHS[0]
        for level, width in enumerate(_WIDTHS, 1):
            blocks = _Basic(inputs, width, 1 if level == 1 else 2), _Basic(width, width, 1)
            self.add_module(f"layer{level}", nn.Sequential(*blocks))
            inputs = width

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = functional.relu(self.bn1(self.conv1(x)))
        levels = [x]
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for level in range(1, len(_WIDTHS) + 1):
            x = getattr(self, f"layer{level}")(x)
            levels.append(x)
        return levels


class UNet(nn.Module):
    """Lightness to a* and b* of each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder: _Body = _Body()
        self.up: nn.ModuleList = nn.ModuleList()
        width = _WIDTHS[-1]
        for skip in (*_WIDTHS[-2::-1], _WIDTHS[0]):
            self.up.append(_up(width, skip))
            width = 2 * skip  # the skip's channels come beside
        self.last: nn.Sequential = nn.Sequential(
            _up(width, _FINEST), nn.Conv2d(_FINEST, 2, 3, padding=1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 32.

        Returns:
            a* and b* in `AB_UNIT`, (N, 2, H, W), within [-1, 1].
        """
        *finer, y = self.encoder(x)
        for up, skip in zip(self.up, reversed(finer), strict=True):
            y = torch.cat([up(y), skip], 1)
        return torch.tanh(self.last(y))


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
