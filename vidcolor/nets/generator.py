"""The nets of a student report (UC Irvine): a GAN's generator and a variational autoencoder.

I. Goodfellow et al., arXiv:1406.2661; D. Kingma, M. Welling, arXiv:1312.6114. The report tells
their kinds and losses; widths are ours.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

_WIDTHS = (64, 128, 256)
_CODE = 128
"""Channels of the autoencoder's code, for each 16 x 16 pixels."""
_LARGEST_LOG_VARIANCE = 10.0  # whose exponential is still a number


class Coded(NamedTuple):
    """What the autoencoder gives while it learns.

    Attributes:
        ab: a* and b* in `AB_UNIT`, (N, 2, H / 4, W / 4).
        mean: Of the code's distribution, (N, code, H / 16, W / 16).
        log_variance: The same.
    """

    ab: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor


class Generator(nn.Module):
    """Lightness to a* and b*: convolutions down to an eighth, transposed ones up to a quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.down: nn.Sequential = nn.Sequential(*_down(_WIDTHS))
        self.up: nn.Sequential = nn.Sequential(
            _convolution(_WIDTHS[-1], _WIDTHS[-1], stride=1), *_up((_WIDTHS[-1], _WIDTHS[-2]))
        )
        self.last: nn.Conv2d = nn.Conv2d(_WIDTHS[-2], 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 8.

        Returns:
            a* and b* in `AB_UNIT`, (N, 2, H / 4, W / 4), within [-1, 1].
        """
        return torch.tanh(self.last(self.up(self.down(x))))


class Autoencoder(nn.Module):
    """Lightness to a code's distribution, a code to a* and b*."""

    def __init__(self) -> None:
        super().__init__()
        self.down: nn.Sequential = nn.Sequential(*_down((*_WIDTHS, _WIDTHS[-1])))
        self.code: nn.Conv2d = nn.Conv2d(_WIDTHS[-1], 2 * _CODE, 1)
        self.up: nn.Sequential = nn.Sequential(*_up((_CODE, *_WIDTHS[:0:-1])))
        self.last: nn.Conv2d = nn.Conv2d(_WIDTHS[1], 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor | Coded:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 16.

        Returns:
            a* and b* in `AB_UNIT`, (N, 2, H / 4, W / 4), of the code's mean; while it learns, of a
            sample, with what that is one of.
        """
        mean, log_variance = self.code(self.down(x)).chunk(2, 1)
        if not self.training:
            return self._colors(mean)
        log_variance = log_variance.clamp(-_LARGEST_LOG_VARIANCE, _LARGEST_LOG_VARIANCE)
        sample = mean + torch.randn_like(mean) * torch.exp(log_variance / 2)
        return Coded(self._colors(sample), mean, log_variance)

    def _colors(self, code: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.last(self.up(code)))


def _convolution(inputs: int, outputs: int, *, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _down(widths: tuple[int, ...]) -> list[nn.Module]:
    """Convolutions that each halve the sides."""
    pairs = zip((1, *widths), widths, strict=False)
    return [_convolution(inputs, outputs, stride=2) for inputs, outputs in pairs]


def _up(widths: tuple[int, ...]) -> list[nn.Module]:
    """Transposed convolutions that each double the sides."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        transposed = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        layers += [transposed, nn.BatchNorm2d(outputs), nn.ReLU()]
    return layers
