"""Parts that DDColor and DeOldify share: normed convolutions, and doubling by pixel shuffle.

Both are U-Nets as fastai builds them on an encoder: J. Howard, S. Gugger, "fastai: A Layered API
for Deep Learning", Information 11(2), 2020 (arXiv:2002.04688). Names of the tensors are those of
the weights that the authors released. All is for inference: the vectors of spectral norm and the
statistics of batch norm stay as they were loaded.
"""

from math import prod, sqrt
from typing import cast

import torch
from torch import nn
from torch.nn import functional


class SpectralConv(nn.Module):
    """A convolution whose kernel is divided by its largest singular value.

    T. Miyato et al., "Spectral Normalization for GANs", ICLR 2018 (arXiv:1802.05957), section 2.1:
    sigma = u . W v, W being the kernel as a matrix with one row for each output. In training u and
    v follow W; for inference they are fixed.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Sides of the kernel: one for sequences, two for pictures, which stay their size.
        bias: Whether there is one.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, ...] = (1, 1), *, bias: bool = False
    ) -> None:
        super().__init__()
        columns = inputs * prod(kernel)
        weight = torch.randn(outputs, inputs, *kernel) / sqrt(columns)
        v = _unit(torch.randn(columns))
        self.weight_orig: nn.Parameter = nn.Parameter(weight)
        self.register_buffer("weight_u", _unit(weight.detach().flatten(1) @ v))
        self.register_buffer("weight_v", v)
        self.bias: nn.Parameter | None = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.padding: tuple[int, ...] = tuple(side // 2 for side in kernel)

    def kernel(self) -> torch.Tensor:
        """The kernel divided, (outputs, inputs, sides of the kernel)."""
        if "weight" in self._parameters:
            return cast("torch.Tensor", self.weight)
        u, v = cast("torch.Tensor", self.weight_u), cast("torch.Tensor", self.weight_v)
        return self.weight_orig / torch.dot(u, torch.mv(self.weight_orig.flatten(1), v))

    def fold(self) -> None:
        """Keep the divided kernel alone, in place of what it is made of."""
        folded = nn.Parameter(self.kernel().detach(), requires_grad=False)
        del self.weight_orig, self.weight_u, self.weight_v
        self.weight = folded

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, ...) to (N, outputs, ...)."""
        convolve = functional.conv1d if len(self.padding) == 1 else functional.conv2d
        return convolve(x, self.kernel(), self.bias, padding=self.padding)


class WeightNormConv(nn.Module):
    """A convolution of single pixels, each output's kernel given by its length and direction.

    T. Salimans, D. P. Kingma, "Weight Normalization", NIPS 2016 (arXiv:1602.07868), equation 2.

    Args:
        inputs: Channels in.
        outputs: Channels out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight_g: nn.Parameter = nn.Parameter(torch.ones(outputs, 1, 1, 1))
        self.weight_v: nn.Parameter = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.bias: nn.Parameter = nn.Parameter(torch.zeros(outputs))

    def kernel(self) -> torch.Tensor:
        """The kernel, (outputs, inputs, 1, 1)."""
        if "weight" in self._parameters:
            return cast("torch.Tensor", self.weight)
        lengths = self.weight_v.flatten(1).norm(dim=1).reshape(self.weight_g.shape)
        kernel: torch.Tensor = self.weight_g * self.weight_v / lengths
        return kernel

    def fold(self) -> None:
        """Keep the kernel alone, in place of what it is made of."""
        folded = nn.Parameter(self.kernel().detach(), requires_grad=False)
        del self.weight_g, self.weight_v
        self.weight = folded

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return functional.conv2d(x, self.kernel(), self.bias)


def fold_kernels(net: nn.Module) -> None:
    """Divide the kernels of normed convolutions once, in place: for inference only."""
    for module in net.modules():
        if isinstance(module, SpectralConv | WeightNormConv):
            module.fold()


class ShuffleUp(nn.Module):
    """Twice as large a picture: pixels are made of channels, then smoothed.

    Pixel shuffle: W. Shi et al., CVPR 2016 (arXiv:1609.05158). The smoothing against its
    checkerboard: Y. Sugawara et al., "Super-Resolution using Convolutional Neural Networks without
    Any Checkerboard Artifacts", ICIP 2018 (arXiv:1806.02658).

    Args:
        conv: Makes four channels of each that comes out.
    """

    def __init__(self, conv: nn.Sequential) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C', 2 H, 2 W)."""
        return blur(functional.pixel_shuffle(self.conv(x), 2))


def spectral_shuffle(inputs: int, outputs: int) -> ShuffleUp:
    """Twice as large a picture of `outputs` channels, by a spectrally normed convolution."""
    conv = SpectralConv(inputs, 4 * outputs)
    return ShuffleUp(nn.Sequential(conv, nn.BatchNorm2d(4 * outputs), nn.ReLU()))


def conv_relu_norm(inputs: int, outputs: int, *more: nn.Module) -> nn.Sequential:
    """A spectrally normed convolution of 3 x 3; the batch norm comes behind the ReLU."""
    conv = SpectralConv(inputs, outputs, (3, 3))
    return nn.Sequential(conv, nn.ReLU(), nn.BatchNorm2d(outputs), *more)


def blur(x: torch.Tensor) -> torch.Tensor:
    """Mean of each pixel and those left of it and above, (N, C, H, W); edges count for outside."""
    return functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


def _unit(vector: torch.Tensor) -> torch.Tensor:
    unit: torch.Tensor = vector / vector.norm()
    return unit
