"""Several answers as one: two models', or one model's to a picture and to its mirror image.

Colors of two models that err in different ways are nearer to the truth in the mean than those of
either. How far two answers lie apart also tells how sure they are, of which nets that give a* and
b* have no other sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.bins import Decoding, decode_annealed_mean
from vidcolor.color.decode import AB_UNIT
from vidcolor.frame import MAP_STRIDE, SIDE_MULTIPLE
from vidcolor.nets.guests import shrink

SIGN = "+"
"""Between the names of two models whose colors are merged."""

ERROR_TO_DIFFERENCE = 14.0
"""How far the mean of two mirrored answers is from the truth, against half their distance.

Measured with colors of `lite` on 30 photographs: 12.7 and 0.91 in ab. Ranks of both agree by 0.36
within a picture and 0.55 between pictures; those of its histograms' entropy by 0.42 and 0.63.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One of two models.

    Attributes:
        net: Its net.
        decoding: How its histograms become colors; None if it gives a* and b*.
        render_size: Short side of the picture that it is shown.
        share: Of its colors in the mean; both parts' sum to 1.
    """

    net: nn.Module
    decoding: Decoding | None
    render_size: int
    share: float


class Merged(nn.Module):
    """The mean of two models' a* and b*, each run on the picture at its own size.

    Histograms are decoded first, by their model's own likeliest way.

    Args:
        parts: The two.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self.nets: nn.ModuleList = nn.ModuleList(part.net for part in parts)
        self.decodings: list[Decoding | None] = [part.decoding for part in parts]
        self.sizes: list[int] = [part.render_size for part in parts]
        self.shares: list[float] = [part.share for part in parts]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 32.

        Returns:
            a* and b*, and how far the two lie apart, as a standard deviation: all in `AB_UNIT`,
            (N, 3, H / 4, W / 4) float32.
        """
        size = (x.shape[2] // MAP_STRIDE, x.shape[3] // MAP_STRIDE)
        first, second = (
            _fitted(self._ask(index, x), size) / AB_UNIT for index in range(len(self.nets))
        )
        share, other = self.shares
        apart = sqrt(share * other) * (first - second).norm(dim=1, keepdim=True)
        return torch.cat([share * first + other * second, apart], 1)

    def _ask(self, index: int, x: torch.Tensor) -> torch.Tensor:
        """(N, 2, h, w) a* and b* of one of them, at the size of its own map."""
        scale = self.sizes[index] / min(x.shape[2:])
        height, width = (
            max(1, round(side * scale / SIDE_MULTIPLE)) * SIDE_MULTIPLE for side in x.shape[2:]
        )
        y: torch.Tensor = self.nets[index](_fitted(x, (height, width))).float()
        decoding = self.decodings[index]
        if decoding is None:
            return AB_UNIT * y[:, :2]
        return decode_annealed_mean(y.softmax(1), 0.0, decoding).ab


class Mirrored(nn.Module):
    """The mean of what a net says of a picture and of its mirror image, which should be the same.

    A net errs alike in both, by far more than they differ: `ERROR_TO_DIFFERENCE` makes of their
    difference the error to be expected.

    Args:
        net: Gives a* and b*, (N, 2, h, w).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 1, H, W) to a*, b* and how far they are off, (N, 3, h, w)."""
        straight, mirrored = self.net(x).float(), self.net(x.flip(-1)).float().flip(-1)
        difference = (straight - mirrored).norm(dim=1, keepdim=True) / 2
        return torch.cat([(straight + mirrored) / 2, ERROR_TO_DIFFERENCE * difference], 1)


def _fitted(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Shrunk by area, enlarged linearly."""
    if pictures.shape[2:] == size:
        return pictures
    if pictures.shape[2] > size[0]:
        return shrink(pictures, size)
    return functional.interpolate(pictures, size, mode="bilinear", align_corners=False)
