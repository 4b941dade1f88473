"""The `lite` net: an EfficientNet-Lite encoder, a small pyramid, a histogram for each 4 x 4 pixels.

Encoder: M. Tan, Q. V. Le, "EfficientNet", ICML 2019 (arXiv:1905.11946), table 1, in its Lite form:
no squeeze-and-excitation, ReLU6, stem and last stage not scaled. Its convolutions pad as "same"
does in TensorFlow, so that weights trained there give the same features here. Decoder: T.-Y. Lin
et al., "Feature Pyramid Networks", CVPR 2017 (arXiv:1612.03144), figure 3, plus one global context
term.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.bins import BIN_COUNT
from vidcolor.frame import MAP_STRIDE
from vidcolor.nets.inputs import padded

_STEM_WIDTH = 32
_WIDTH_DIVISOR = 8
_NORM_EPSILON = 1e-3
_NORM_MOMENTUM = 0.01


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
"""Table 1 of the EfficientNet paper, stages 2 to 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteShape:
    """How large a `lite` net is.

    Attributes:
        width: EfficientNet's width coefficient: 1 for Lite0 and Lite1, 1.1 for Lite2.
        depth: EfficientNet's depth coefficient: 1 for Lite0, 1.1 for Lite1, 1.2 for Lite2.
        decoder_widths: Channels of the pyramid at strides 4, 8, 16 and 32.
    """

    width: float = 1.0
    depth: float = 1.0
    decoder_widths: tuple[int, int, int, int] = (64, 96, 128, 160)


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's "same" does on an even side.

    With stride 2 the odd pixel of padding goes right and below, where `nn.Conv2d` can only pad
    alike on both sides.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        total = kernel - stride
        even = total % 2 == 0
        super().__init__(
            inputs,
            outputs,
            kernel,
            stride,
            padding=total // 2 if even else 0,
            groups=groups,
            bias=False,
        )
        # oneDNN's bfloat16 gradients of these are up to thirty times slower than float32's.
        self.float32_on_cpu: bool = groups > 1 and (kernel > 3 or stride > 1)  # noqa: PLR2004
        before = total // 2
        self.uneven: tuple[int, int, int, int] | None = (
            None if even else (before, total - before, before, total - before)
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # the base class's name
        """The convolution of the padded input."""
        if self.uneven is not None:
            input = functional.pad(input, self.uneven)  # noqa: A001
        learning = torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")
        if self.float32_on_cpu and input.device.type == "cpu" and learning:
            with torch.autocast("cpu", enabled=False):
                return super().forward(input.float())
        return super().forward(input)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless it is None, an activation."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d, activation: nn.Module | None) -> None:
        parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv, norm=norm)
        if activation is not None:
            parts["activation"] = activation
        super().__init__(parts)


def _encoder_conv(
    inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool
) -> ConvNorm:
    norm = nn.BatchNorm2d(outputs, eps=_NORM_EPSILON, momentum=_NORM_MOMENTUM)
    activation = nn.ReLU6(inplace=True) if active else None
    return ConvNorm(SameConv(inputs, outputs, kernel, stride, groups), norm, activation)


def _decoder_conv(width: int) -> ConvNorm:
    conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
    return ConvNorm(conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


class _InvertedBottleneck(nn.Module):
    """MBConv without squeeze-and-excitation: widen, filter each channel, narrow, add the input."""

    def __init__(self, inputs: int, outputs: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        hidden = inputs * stage.expansion
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if stage.expansion > 1:
            layers["expand"] = _encoder_conv(inputs, hidden, active=True)
        layers["depthwise"] = _encoder_conv(
            hidden, hidden, kernel=stage.kernel, stride=stride, groups=hidden, active=True
        )
        layers["project"] = _encoder_conv(hidden, outputs, active=False)
        self.layers = nn.Sequential(layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return x + y if self.residual else y


class _Encoder(nn.Module):
    """EfficientNet-Lite without its classifier: features at strides 4, 8, 16 and 32."""

    def __init__(self, width: float, depth: float) -> None:
        super().__init__()
        self.stem: ConvNorm = _encoder_conv(1, _STEM_WIDTH, kernel=3, stride=2, active=True)
        self.blocks: nn.ModuleList = nn.ModuleList()
        inputs = _STEM_WIDTH
        level_ends: list[int] = []  # blocks whose output is the last of its stride
        for number, stage in enumerate(_STAGES):
            fixed = number in (0, len(_STAGES) - 1)
            outputs = _scaled_width(stage.width, width)
            if stage.stride > 1 and self.blocks:
                level_ends.append(len(self.blocks) - 1)
            for repeat in range(stage.repeats if fixed else math.ceil(stage.repeats * depth)):
                stride = stage.stride if repeat == 0 else 1
                self.blocks.append(_InvertedBottleneck(inputs, outputs, stage, stride))
                inputs = outputs
        self.level_ends: tuple[int, ...] = (
            *level_ends[1:],
            len(self.blocks) - 1,
        )  # stride 2 is of no use

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.stem(x)
        levels = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.level_ends:
                levels.append(x)
        return levels


class LiteNet(nn.Module):
    """Lightness to the logits of a color histogram for each 4 x 4 pixels.

    Args:
        shape: How large the net is.
    """

    def __init__(self, shape: LiteShape | None = None) -> None:
        super().__init__()
        self.shape: LiteShape = shape or LiteShape()
        widths = self.shape.decoder_widths
        finest, coarsest = widths[0], widths[-1]
        feature_widths = [_scaled_width(_STAGES[i].width, self.shape.width) for i in (1, 2, 4, 6)]
        self.encoder: _Encoder = _Encoder(self.shape.width, self.shape.depth)
        self.lateral: nn.ModuleList = nn.ModuleList(
            nn.Conv2d(feature, width, 1)
            for feature, width in zip(feature_widths, widths, strict=True)
        )
        self.upward: nn.ModuleList = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths)
        )
        self.context: nn.Conv2d = nn.Conv2d(feature_widths[-1], coarsest, 1)
        self.smooth: nn.ModuleList = nn.ModuleList(
            nn.Sequential(*(_decoder_conv(width) for _ in range(1 if level == 0 else 2)))
            for level, width in enumerate(widths)
        )
        self.head: nn.Sequential = nn.Sequential(
            _decoder_conv(finest), nn.Conv2d(finest, BIN_COUNT, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits over the bins.

        In evaluation mode they are the mean of what the net says of the picture and of the picture
        half as large. There it sees larger parts of things at once: see docs/lite.md.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 32.

        Returns:
            (N, bins, H / 4, W / 4).
        """
        features = self._features(x)
        if not self.training:
            # The last layer is linear, so the mean may be taken before it, of fewer channels.
            features = torch.lerp(features, self._features_from_afar(x), 0.5)
        logits: torch.Tensor = self.head[-1](features)
        return logits

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        """What the last layer takes, (N, C, H / 4, W / 4)."""
        *finer, deepest = self.encoder(x)
        features: torch.Tensor = self.head[0](self.levels(self.enter(deepest), finer)[0])
        return features

    def _features_from_afar(self, x: torch.Tensor) -> torch.Tensor:
        """The same of the picture half as large, enlarged."""
        small = functional.avg_pool2d(x, 2)
        rows, columns = small.shape[-2:]
        seen = padded(small).contiguous(memory_format=torch.channels_last)
        features = self._features(seen)
        features = features[..., : rows // MAP_STRIDE, : columns // MAP_STRIDE]
        size = (x.shape[-2] // MAP_STRIDE, x.shape[-1] // MAP_STRIDE)
        return functional.interpolate(features, size, mode="bilinear", align_corners=False)

    def enter(self, deepest: torch.Tensor) -> torch.Tensor:
        """The coarsest level of the pyramid, with the picture as a whole in its context."""
        context = self.context(deepest.mean((2, 3), keepdim=True))  # (N, C, 1, 1)
        coarsest: torch.Tensor = self.lateral[-1](deepest) + context
        return coarsest

    def levels(self, coarsest: torch.Tensor, finer: list[torch.Tensor]) -> list[torch.Tensor]:
        """The levels of the pyramid, the finest first; `finer` are the encoder's features."""
        y: torch.Tensor = self.smooth[-1](coarsest)
        found = [y]
        for level in reversed(range(len(finer))):
            skip = self.lateral[level](finer[level])
            up = functional.interpolate(
                self.upward[level](y), size=skip.shape[-2:], mode="bilinear", align_corners=False
            )
            y = self.smooth[level](skip + up)
            found.append(y)
        return found[::-1]


def _scaled_width(width: int, coefficient: float) -> int:
    """`width` times the coefficient, rounded to the divisor but by no more than a tenth down."""
    scaled = width * coefficient
    rounded = max(
        _WIDTH_DIVISOR, int(scaled + _WIDTH_DIVISOR / 2) // _WIDTH_DIVISOR * _WIDTH_DIVISOR
    )
    return rounded if rounded >= 0.9 * scaled else rounded + _WIDTH_DIVISOR
