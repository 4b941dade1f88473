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

SIDE_MULTIPLE = 32
"""Sides of the input are multiples of this: the encoder halves them five times."""
OUTPUT_STRIDE = 4
"""Input pixels a side of one histogram."""

_FUSED_OPERATOR = "_convolution_pointwise"
_MOST_LAYOUTS = 4  # of 16 MB in all, for films of several sizes, one after the other
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


class _SameConv(nn.Conv2d):
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
        self.float32_on_cpu = groups > 1 and (kernel > 3 or stride > 1)  # noqa: PLR2004
        before = total // 2
        self.uneven = None if even else (before, total - before, before, total - before)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # the base class's name
        if self.uneven is not None:
            input = functional.pad(input, self.uneven)  # noqa: A001
        learning = torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")
        if self.float32_on_cpu and input.device.type == "cpu" and learning:
            with torch.autocast("cpu", enabled=False):
                return super().forward(input.float())
        return super().forward(input)


class _ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless it is None, an activation."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d, activation: nn.Module | None) -> None:
        parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv, norm=norm)
        if activation is not None:
            parts["activation"] = activation
        super().__init__(parts)


def _encoder_conv(
    inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool
) -> _ConvNorm:
    norm = nn.BatchNorm2d(outputs, eps=_NORM_EPSILON, momentum=_NORM_MOMENTUM)
    activation = nn.ReLU6(inplace=True) if active else None
    return _ConvNorm(_SameConv(inputs, outputs, kernel, stride, groups), norm, activation)


def _decoder_conv(width: int) -> _ConvNorm:
    conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
    return _ConvNorm(conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


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
        self.stem = _encoder_conv(1, _STEM_WIDTH, kernel=3, stride=2, active=True)
        self.blocks = nn.ModuleList()
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
        self.level_ends = (*level_ends[1:], len(self.blocks) - 1)  # stride 2 is of no use

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
        self.shape = shape or LiteShape()
        widths = self.shape.decoder_widths
        finest, coarsest = widths[0], widths[-1]
        feature_widths = [_scaled_width(_STAGES[i].width, self.shape.width) for i in (1, 2, 4, 6)]
        self.encoder = _Encoder(self.shape.width, self.shape.depth)
        self.lateral = nn.ModuleList(
            nn.Conv2d(feature, width, 1)
            for feature, width in zip(feature_widths, widths, strict=True)
        )
        self.upward = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.context = nn.Conv2d(feature_widths[-1], coarsest, 1)
        self.smooth = nn.ModuleList(
            nn.Sequential(*(_decoder_conv(width) for _ in range(1 if level == 0 else 2)))
            for level, width in enumerate(widths)
        )
        self.head = nn.Sequential(_decoder_conv(finest), nn.Conv2d(finest, BIN_COUNT, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits over the bins.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 32.

        Returns:
            (N, bins, H / 4, W / 4).
        """
        *finer, deepest = self.encoder(x)
        return self.ascend(self.enter(deepest), finer)

    def enter(self, deepest: torch.Tensor) -> torch.Tensor:
        """The coarsest level of the pyramid, with the picture as a whole in its context."""
        context = self.context(deepest.mean((2, 3), keepdim=True))  # (N, C, 1, 1)
        coarsest: torch.Tensor = self.lateral[-1](deepest) + context
        return coarsest

    def ascend(self, coarsest: torch.Tensor, finer: list[torch.Tensor]) -> torch.Tensor:
        """From the coarsest level to logits at the finest; `finer` are the encoder's features."""
        y: torch.Tensor = self.smooth[-1](coarsest)
        for level in reversed(range(len(finer))):
            skip = self.lateral[level](finer[level])
            up = functional.interpolate(
                self.upward[level](y), size=skip.shape[-2:], mode="bilinear", align_corners=False
            )
            y = self.smooth[level](skip + up)
        logits: torch.Tensor = self.head(y)  # (N, bins, H / 4, W / 4)
        return logits


def normalize_lightness(lightness: torch.Tensor) -> torch.Tensor:
    """What the net takes, about [-1, 1], for CIELAB L* in [0, 100]; any shape."""
    return lightness / 50 - 1


def fold_batch_norm(net: nn.Module) -> None:
    """Merges each batch norm into the convolution before it, in place: for inference only."""
    for module in net.modules():
        if isinstance(module, _ConvNorm):
            conv, norm = module.conv, module.norm
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                _fold(conv, norm)
                module.norm = nn.Identity()


def fuse_activations(net: nn.Module) -> None:
    """Let each folded convolution clip its own output, in place: for inference on a CPU only.

    Where this torch has no such operator, or the processor is none that it was tried on, the net
    stays as it is. The results are the same, bit for bit.
    """
    has_library: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    is_known = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    if not (has_library and is_known and hasattr(torch.ops.mkldnn, _FUSED_OPERATOR)):
        return
    for name, module in net.named_children():
        if isinstance(module, _ConvNorm):
            setattr(net, name, _FusedConv(module))
        else:
            fuse_activations(module)


class _FusedConv(nn.Module):
    """A folded convolution, its padding and its activation in one pass over memory.

    It takes oneDNN's operator that `torch.compile` would take, which needs a C++ compiler on the
    user's machine. The operator pads alike on all sides. A kernel that is padded unevenly gets a
    row and a column of zeros in front in return for one more sample of padding there.
    """

    def __init__(self, folded: _ConvNorm) -> None:
        super().__init__()
        conv, activation = folded.conv, getattr(folded, "activation", None)
        if not isinstance(conv, nn.Conv2d) or isinstance(conv.padding, str):
            raise TypeError("not a folded convolution")
        weight, padding = conv.weight.detach(), list(conv.padding)
        if isinstance(conv, _SameConv) and conv.uneven is not None:
            weight = functional.pad(weight, (1, 0, 1, 0))
            padding = [conv.uneven[0] + 1] * 2
        self.bias = conv.bias
        self.shape = (padding, list(conv.stride), list(conv.dilation), conv.groups)
        if isinstance(activation, nn.ReLU6):
            self.activation: tuple[str, list[float], str] = ("hardtanh", [0.0, 6.0], "")
        else:
            self.activation = ("none" if activation is None else "relu", [], "")
        self.weight = weight.to_mkldnn()
        self.laid_out: dict[tuple[int, ...], torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Weights are laid out once as the kernels want them. Kernels for pictures of another size,
        # or for another number of threads, want another layout, and would lay out this one anew
        # each time, which takes longer than all else: up to ten times as long.
        case = (torch.get_num_threads(), *x.shape[-2:])
        weight = self.laid_out.get(case)
        if weight is None:
            if len(self.laid_out) == _MOST_LAYOUTS:
                self.laid_out.clear()
            lay_out = torch.ops.aten.mkldnn_reorder_conv2d_weight
            weight = lay_out(self.weight, *self.shape, list(x.shape))
            self.laid_out[case] = weight
        convolve = getattr(torch.ops.mkldnn, _FUSED_OPERATOR)
        y: torch.Tensor = convolve(x, weight, self.bias, *self.shape, *self.activation)
        return y


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("a batch norm without running statistics cannot be folded")
    scale = norm.weight.detach() / torch.sqrt(variance + norm.eps)
    conv.weight = nn.Parameter(conv.weight.detach() * scale[:, None, None, None])
    conv.bias = nn.Parameter(norm.bias.detach() - mean * scale)


def _scaled_width(width: int, coefficient: float) -> int:
    """`width` times the coefficient, rounded to the divisor but by no more than a tenth down."""
    scaled = width * coefficient
    rounded = max(
        _WIDTH_DIVISOR, int(scaled + _WIDTH_DIVISOR / 2) // _WIDTH_DIVISOR * _WIDTH_DIVISOR
    )
    return rounded if rounded >= 0.9 * scaled else rounded + _WIDTH_DIVISOR
