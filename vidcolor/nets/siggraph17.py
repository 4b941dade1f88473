"""The net of Zhang et al. 2017, which takes hints: points whose color a person knows.

R. Zhang, J.-Y. Zhu, P. Isola, X. Geng, A. S. Lin, T. Yu, A. A. Efros, "Real-Time User-Guided Image
Colorization with Learned Deep Priors", ACM TOG 36(4), 2017 (arXiv:1705.02999), section 3.3 and
figure 4: the local hints network. Names of the tensors are those of the weights that the authors
released.
"""

from typing import NamedTuple

import torch
from torch import nn

SIDE_MULTIPLE = 8
"""Sides of the input are multiples of this."""

_AB_SCALE = 110.0  # of hints and of the output, which a hyperbolic tangent limits
_CLASSES = 529  # a grid of ab; its layer was released beside the others
_HINTED_CHANNELS = 4
_LEAK = 0.2


class _Block(NamedTuple):
    """Convolutions of 3 x 3 that follow each other, a batch norm behind the last."""

    width: int
    depth: int
    dilation: int = 1


_BLOCKS = (
    _Block(64, 2),
    _Block(128, 2),
    _Block(256, 3),
    _Block(512, 3),
    _Block(512, 3, dilation=2),
    _Block(512, 3, dilation=2),
    _Block(512, 3),
)
"""conv1 to conv7; between the first four every second pixel is kept."""

_HALVED = 3  # blocks whose output is halved


class Hint(NamedTuple):
    """A square of a picture whose color is known.

    Attributes:
        x: Of its center, in pixels from the left.
        y: The same from the top.
        a: a*; 0 beside b* 0 says that it is gray.
        b: b*.
        radius: Pixels to each side of the center; training had squares of 1 to 9 pixels a side, in
            pictures of 256.
    """

    x: float
    y: float
    a: float
    b: float
    radius: float = 1.0


class Siggraph17Net(nn.Module):
    """Lightness and hints to a* and b*."""

    def __init__(self) -> None:
        super().__init__()
        x = _HINTED_CHANNELS
        for number, block in enumerate(_BLOCKS, 1):
            self.add_module(f"model{number}", nn.Sequential(*_layers(x, block)))
            x = block.width
        self.model8up: nn.Sequential = _up(512, 256)
        self.model3short8: nn.Sequential = _short(256, 256)
        self.model8: nn.Sequential = nn.Sequential(nn.ReLU(), *_convs(256, 2), nn.BatchNorm2d(256))
        self.model9up: nn.Sequential = _up(256, 128)
        self.model2short9: nn.Sequential = _short(128, 128)
        self.model9: nn.Sequential = nn.Sequential(nn.ReLU(), *_convs(128, 1), nn.BatchNorm2d(128))
        self.model10up: nn.Sequential = _up(128, 128)
        self.model1short10: nn.Sequential = _short(64, 128)
        last = nn.Conv2d(128, 128, 3, padding=1)
        self.model10: nn.Sequential = nn.Sequential(nn.ReLU(), last, nn.LeakyReLU(_LEAK))
        # Its second answer, a histogram, which training used and nothing here does.
        self.model_class: nn.Sequential = nn.Sequential(nn.Conv2d(256, _CLASSES, 1))
        self.model_out: nn.Sequential = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())

    def forward(
        self,
        lightness: torch.Tensor,
        ab: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict.

        Args:
            lightness: (N, 1, H, W) L* in [0, 100]; H and W multiples of 8.
            ab: (N, 2, H, W) a* and b* of the hints, 0 elsewhere; None for no hints.
            mask: (N, 1, H, W), 1 where there is a hint, else 0; None for no hints.

        Returns:
            a* and b*, (N, 2, H, W), within [-110, 110].
        """
        n, _, height, width = lightness.shape
        ab = lightness.new_zeros(n, 2, height, width) if ab is None else ab
        mask = lightness.new_zeros(n, 1, height, width) if mask is None else mask
        x = torch.cat([(lightness - 50) / 100, ab / _AB_SCALE, mask.to(ab)], 1)
        levels = []
        for number in range(1, len(_BLOCKS) + 1):
            x = self.get_submodule(f"model{number}")(x)
            levels.append(x)
            if number <= _HALVED:
                x = x[:, :, ::2, ::2]
        first, second, third, *_ = levels
        x = self.model8(self.model8up(x) + self.model3short8(third))
        x = self.model9(self.model9up(x) + self.model2short9(second))
        x = self.model10(self.model10up(x) + self.model1short10(first))
        y: torch.Tensor = _AB_SCALE * self.model_out(x)
        return y


def hint_planes(hints: "list[Hint]", height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hints as the net takes them.

    Args:
        hints: In pixels of the picture; where they overlap the later one holds.
        height: Of the picture.
        width: Of the picture.

    Returns:
        a* and b*, (1, 2, height, width), and the mask, (1, 1, height, width): 1 on hints, else 0.

    Raises:
        ValueError: A hint lies outside the picture.
    """
    ab, mask = torch.zeros(1, 2, height, width), torch.zeros(1, 1, height, width)
    for hint in hints:
        if not (0 <= hint.x < width and 0 <= hint.y < height):
            raise ValueError(f"a hint at {hint.x:g}, {hint.y:g} in a picture of {width}x{height}")
        rows, columns = (
            slice(max(0, int(center - hint.radius + 0.5)), int(center + hint.radius + 0.5) + 1)
            for center in (hint.y, hint.x)
        )
        ab[:, 0, rows, columns], ab[:, 1, rows, columns] = hint.a, hint.b
        mask[:, :, rows, columns] = 1
    return ab, mask


def _layers(inputs: int, block: _Block) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for _ in range(block.depth):
        layers += _convs(block.width, 1, inputs=inputs, dilation=block.dilation)
        inputs = block.width
    return [*layers, nn.BatchNorm2d(block.width)]


def _convs(
    width: int, count: int, *, inputs: int | None = None, dilation: int = 1
) -> list[nn.Module]:
    """Convolutions of 3 x 3, a ReLU behind each."""
    layers: list[nn.Module] = []
    for _ in range(count):
        x = width if inputs is None else inputs
        conv = nn.Conv2d(x, width, 3, padding=dilation, dilation=dilation)
        layers += [conv, nn.ReLU()]
    return layers


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1))


def _short(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1))
