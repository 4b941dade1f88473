"""DeOldify: fastai's dynamic U-Net on a ResNet, with one layer of self-attention.

J. Antic, DeOldify, 2018 to 2019 (https://github.com/jantic/DeOldify, MIT); there is no paper. Self-
attention: H. Zhang et al., "Self-Attention Generative Adversarial Networks", ICML 2019
(arXiv:1805.08318), section 3. ResNet: K. He et al., CVPR 2016 (arXiv:1512.03385), table 1, the
stride of a bottleneck in its 3 x 3. Names of the tensors are those of the weights that the author
released.
"""

import torch
from torch import nn
from torch.nn import functional

from vidcolor.nets.dynamic_unet import (
    ShuffleUp,
    SpectralConv,
    WeightNormConv,
    conv_relu_norm,
    spectral_shuffle,
)

SIDE_MULTIPLE = 16
"""Sides of the input are multiples of this."""

_STEM_WIDTH = 64
_STAGE_WIDTHS = (64, 128, 256, 512)
_DEEP_DEPTHS = (3, 4, 6, 3)  # ResNet-34
_WIDE_DEPTHS = (3, 4, 23, 3)  # ResNet-101
_BOTTLENECK = 4  # a wide block's output against its inner width
_WIDE_WIDTHS = (512, 512, 512, 256)
_OUTPUT_LIMIT = 3.0  # of normalised RGB


class DeOldifyNet(nn.Module):
    """Gray pictures to color pictures.

    Args:
        wide: The net of the video and stable weights, on ResNet-101; else that of the artistic
            ones, on ResNet-34, with two convolutions a level.
    """

    def __init__(self, *, wide: bool) -> None:
        super().__init__()
        encoder, (*skips, deepest) = _encoder(wide=wide)
        x = deepest
        middle = nn.Sequential(conv_relu_norm(x, 2 * x), conv_relu_norm(2 * x, x))
        levels: list[nn.Module] = []
        for index, skip in enumerate(reversed([_STEM_WIDTH, *skips])):
            if wide:
                level: _WideUp | _DeepUp = _WideUp(x, skip, _WIDE_WIDTHS[index], index == 1)
            else:
                level = _DeepUp(x, skip, index == 1, is_last=index == len(skips))
            levels.append(level)
            x = level.width
        last_up = ShuffleUp(nn.Sequential(WeightNormConv(x, 4 * x), nn.ReLU()))
        joined = x + 3
        self.layers: nn.ModuleList = nn.ModuleList(
            [
                encoder,
                nn.BatchNorm2d(deepest),
                nn.ReLU(),
                middle,
                *levels,
                last_up,
                nn.Identity(),  # stands for the joining
                _Residual(joined),
                nn.Sequential(SpectralConv(joined, 3, bias=True)),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 3, H, W) gray as sRGB in [0, 1], less `IMAGENET_MEAN`, by `IMAGENET_DEVIATION`;
                H and W multiples of 16.

        Returns:
            sRGB normalised alike, (N, 3, H, W), in [-3, 3].
        """
        encoder, norm, relu, middle, *levels, last_up, _, residual, last = self.layers
        y, skips = x, []
        for index, part in enumerate(encoder.children()):
            y = part(y)
            if index in _SKIPS:
                skips.append(y)
        y = middle(relu(norm(y)))
        for level in levels:
            y = level(y, skips.pop())
        y = last(residual(torch.cat([last_up(y), x], 1)))
        return 2 * _OUTPUT_LIMIT * torch.sigmoid(y) - _OUTPUT_LIMIT


_SKIPS = (2, 4, 5, 6)
"""Parts of the encoder whose outputs the decoder joins: the first ReLU and three stages."""


def _encoder(*, wide: bool) -> tuple[nn.Sequential, list[int]]:
    """A ResNet without its classifier, and the widths of its four stages."""
    parts: list[nn.Module] = [
        nn.Conv2d(3, _STEM_WIDTH, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(_STEM_WIDTH),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    x, widths = _STEM_WIDTH, []
    for number, depth in enumerate(_WIDE_DEPTHS if wide else _DEEP_DEPTHS):
        width = _STAGE_WIDTHS[number]
        blocks = []
        for index in range(depth):
            block = _ResBlock(x, width, stride=2 if number and not index else 1, wide=wide)
            blocks.append(block)
            x = block.width
        parts.append(nn.Sequential(*blocks))
        widths.append(x)
    return nn.Sequential(*parts), widths


class _ResBlock(nn.Module):
    """A basic block of two 3 x 3, or a bottleneck of 1 x 1, 3 x 3 and 1 x 1, on a shortcut."""

    def __init__(self, inputs: int, width: int, *, stride: int, wide: bool) -> None:
        super().__init__()
        self.width = _BOTTLENECK * width if wide else width
        kernels = (1, 3, 1) if wide else (3, 3)
        strided = 1 if wide else 0
        x = inputs
        for index, kernel in enumerate(kernels):
            outputs = self.width if index == len(kernels) - 1 else width
            step = stride if index == strided else 1
            conv = nn.Conv2d(x, outputs, kernel, step, padding=kernel // 2, bias=False)
            self.add_module(f"conv{index + 1}", conv)
            self.add_module(f"bn{index + 1}", nn.BatchNorm2d(outputs))
            x = outputs
        self.depth = len(kernels)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or inputs != self.width:
            shortcut = nn.Conv2d(inputs, self.width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(self.width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for number in range(1, self.depth + 1):
            y = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(y))
            if number < self.depth:
                y = functional.relu(y)
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class _Up(nn.Module):
    """One level of the decoder: what comes from below, doubled, joined to the encoder's level."""

    def __init__(self, below: int, skip: int, up: int) -> None:
        super().__init__()
        self.shuf = spectral_shuffle(below, up)
        self.bn = nn.BatchNorm2d(skip)

    def joined(self, below: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Both, (N, up + skip, H, W); a side that was odd before is taken from the nearest."""
        doubled = self.shuf(below)
        if doubled.shape[2:] != skip.shape[2:]:
            doubled = functional.interpolate(doubled, skip.shape[2:], mode="nearest")
        return functional.relu(torch.cat([doubled, self.bn(skip)], 1))


class _WideUp(_Up):
    """A level with one convolution."""

    def __init__(self, below: int, skip: int, width: int, attends: bool) -> None:
        super().__init__(below, skip, width)
        self.width = width
        self.conv = conv_relu_norm(width + skip, width, *_attention(width, attends))

    def forward(self, below: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv(self.joined(below, skip))
        return y


class _DeepUp(_Up):
    """A level with two convolutions, half as wide again as what is joined; the last half of it."""

    def __init__(self, below: int, skip: int, attends: bool, *, is_last: bool) -> None:
        up = below // 2
        super().__init__(below, skip, up)
        joined = up + skip
        self.width = int(1.5 * (joined // 2 if is_last else joined))
        self.conv1 = conv_relu_norm(joined, self.width)
        self.conv2 = conv_relu_norm(self.width, self.width, *_attention(self.width, attends))

    def forward(self, below: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv2(self.conv1(self.joined(below, skip)))
        return y


def _attention(width: int, attends: bool) -> "list[nn.Module]":
    return [SelfAttention(width)] if attends else []


class SelfAttention(nn.Module):
    """Each place of a picture gets a mean of all places, added by a learned share.

    The shares are made to sum to 1 over the places that ask, not over those that answer, as in the
    weights' training.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query: SpectralConv = SpectralConv(width, width // 8, (1,))
        self.key: SpectralConv = SpectralConv(width, width // 8, (1,))
        self.value: SpectralConv = SpectralConv(width, width, (1,))
        self.gamma: nn.Parameter = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        places = x.flatten(2)  # (N, C, H W)
        scores = self.query(places).mT @ self.key(places)  # (N, asking, answering)
        seen = self.value(places) @ scores.softmax(1)
        y: torch.Tensor = self.gamma * seen.reshape(x.shape) + x
        return y


class _Residual(nn.Module):
    """Two convolutions on a shortcut, with no activation behind the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(SpectralConv(width, width, (3, 3), bias=True), nn.ReLU())
            for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.layers
        y: torch.Tensor = x + second(first(x))
        return y
