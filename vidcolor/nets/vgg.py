"""Nets on a VGG-16 backbone that color in CIELUV: directly, or by 50 classes of u* and of v*.

After two student reports. One (UCSD) gives VGG-16 three times the lightness, adds the backbone's
layers to those of a decoder of transposed convolutions, and ends in a sigmoid. The other, on which
it builds (J. Hwang, Y. Zhou, "Image Colorization with Deep Convolutional Neural Networks", Stanford
2016), has 50 classes for each of u* and v* in its place. Backbone: K. Simonyan, A. Zisserman,
arXiv:1409.1556, table 1, column D, to conv4_3, with torchvision's names of the tensors.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.bins import TEMPERATURE
from vidcolor.color.decode import AB_UNIT
from vidcolor.color.luv import LARGEST_UV, LEAST_UV, ab_from_uv

CLASSES = 50
"""Of each of u* and v*."""

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))
_IMAGENET_MEAN, _IMAGENET_DEVIATION = 0.449, 0.226  # of the mean of red, green and blue


class _Body(nn.Module):
    """VGG-16 up to conv4_3: features at the picture's size, a half, a quarter and an eighth."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        self.ends: list[int] = []
        for level, widths in enumerate(_WIDTHS):
            if level:
                layers.append(nn.MaxPool2d(2))
            for width in widths:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            self.ends.append(len(layers) - 1)
        self.features: nn.Sequential = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        levels = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.ends:
                levels.append(x)
        return levels


class VggNet(nn.Module):
    """Lightness to a* and b*, by way of u* and v*.

    Args:
        last: What bounds u* and v*: a `sigmoid`; `relu` is the report's other trial.
        upsampling: Enlarge by bilinear layers in place of transposed convolutions.
        classes: Predict classes of u* and v*; their annealed means are the colors.
    """

    def __init__(
        self,
        *,
        last: Literal["sigmoid", "relu"] = "sigmoid",
        upsampling: bool = False,
        classes: bool = False,
    ) -> None:
        super().__init__()
        self.encoder: _Body = _Body()
        widths = [level[-1] for level in _WIDTHS]
        coarse_to_fine = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.enlarge: nn.ModuleList = nn.ModuleList(
            _enlarging(inputs, outputs, upsampling=upsampling)
            for inputs, outputs in coarse_to_fine[: 1 if classes else None]
        )
        width = coarse_to_fine[len(self.enlarge) - 1][1]
        self.last: nn.Conv2d = nn.Conv2d(width, 2 * CLASSES if classes else 2, 3, padding=1)
        self.classes = classes
        is_bounded = last == "sigmoid"
        self.bound: Callable[[torch.Tensor], torch.Tensor] = (
            torch.sigmoid if is_bounded else torch.relu
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 8.

        Returns:
            a* and b* in `AB_UNIT`, (N, 2, H, W); with classes a quarter as large, and while it
            learns logits, (N, 2 CLASSES, H / 4, W / 4), those of u* first.
        """
        share = (x + 1) / 2
        normalized = (share - _IMAGENET_MEAN) / _IMAGENET_DEVIATION
        *finer, y = self.encoder(normalized.expand(-1, 3, -1, -1))
        for enlarge, skip in zip(self.enlarge, reversed(finer), strict=False):
            y = functional.relu(enlarge(y) + skip)
        output: torch.Tensor = self.last(y)
        if self.classes and self.training:
            return output
        uv = _mean_of_classes(output) if self.classes else self._bounded(output)
        lightness = 100 * functional.interpolate(share.float(), uv.shape[-2:], mode="area")
        return ab_from_uv(lightness, uv) / AB_UNIT

    def _bounded(self, output: torch.Tensor) -> torch.Tensor:
        least, largest = (output.new_tensor(ends)[:, None, None] for ends in (LEAST_UV, LARGEST_UV))
        return (least + (largest - least) * self.bound(output)).float()


def class_centers(device: torch.device) -> torch.Tensor:
    """u* and v* of each class, (2, CLASSES): even steps from the least to the greatest of sRGB."""
    steps = (torch.arange(CLASSES, device=device) + 0.5) / CLASSES
    least, largest = (torch.tensor(ends, device=device)[:, None] for ends in (LEAST_UV, LARGEST_UV))
    return least + (largest - least) * steps


def classes_of(uv: torch.Tensor) -> torch.Tensor:
    """The class of each u* and v*: (N, 2, h, w) to the same in int64, each below CLASSES."""
    least, largest = (uv.new_tensor(ends)[:, None, None] for ends in (LEAST_UV, LARGEST_UV))
    share = (uv - least) / (largest - least)
    return (share * CLASSES).long().clamp(0, CLASSES - 1)


def _mean_of_classes(logits: torch.Tensor) -> torch.Tensor:
    """The annealed means of u* and of v*, (N, 2, h, w)."""
    count, _, height, width = logits.shape
    by_axis = logits.float().reshape(count, 2, CLASSES, height, width) / TEMPERATURE
    centers = class_centers(logits.device)[:, :, None, None]
    mean: torch.Tensor = (by_axis.softmax(2) * centers).sum(2)
    return mean


def _enlarging(inputs: int, outputs: int, *, upsampling: bool) -> nn.Module:
    if upsampling:
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
