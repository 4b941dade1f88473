"""How far a colored picture is from the true one in the eyes of a net that knows things.

J. Johnson, A. Alahi, L. Fei-Fei, "Perceptual losses for real-time style transfer and
super-resolution", ECCV 2016 (arXiv:1603.08155), equation 2; features brought to unit length at each
place as by R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual
metric", CVPR 2018 (arXiv:1801.03924), section 3. The net is an EfficientNet-Lite that has seen
ImageNet in color: it knows that a face is not crimson, and that an arm belongs to a body.
"""

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.lab import srgb_from_lab
from vidcolor.nets.lite import LiteNet
from vidcolor.training.imagenet import VARIANTS, load_color_encoder

LEVELS = 3
"""Features at strides 4, 8 and 16; those at 32 cost a third more and hardly tell where."""

_TINY = 1e-6
_COLORS = 3


class PerceptualLoss(nn.Module):
    """The distance of features; its own weights stay as they are.

    Args:
        variant: Of the encoder, of `imagenet.VARIANTS`.
        shrink: Pictures are averaged over squares of this side in pixels first, which a CPU needs.
    """

    def __init__(self, variant: str = "lite0", shrink: int = 1) -> None:
        super().__init__()
        self.shrink = shrink
        net = LiteNet(VARIANTS[variant])
        self.encoder: nn.Module = load_color_encoder(net, variant)
        self.eval().requires_grad_(requires_grad=False)

    def forward(
        self, lightness: torch.Tensor, ab: torch.Tensor, truth: torch.Tensor
    ) -> torch.Tensor:
        """Mean over levels and places of the squared distance of features of unit length.

        Args:
            lightness: (N, 1, H, W) the true L*, of both.
            ab: (N, 2, h, w) given a* and b*, enlarged bilinearly; H and W are multiples of 32 times
                `shrink`.
            truth: (N, 2, H, W) true a* and b*.

        Returns:
            A scalar in [0, 4].
        """
        size = lightness.shape[-2:]
        large = functional.interpolate(ab, size=size, mode="bilinear", align_corners=False)
        with torch.no_grad():
            wanted = self._features(lightness, truth)
        found = self._features(lightness, large)
        distances = [(a - b).square().sum(1).mean() for a, b in zip(found, wanted, strict=True)]
        return torch.stack(distances).mean()

    def _features(self, lightness: torch.Tensor, ab: torch.Tensor) -> list[torch.Tensor]:
        srgb = srgb_from_lab(torch.cat([lightness, ab], 1)).clamp(0, 1)
        if self.shrink > 1:
            srgb = functional.avg_pool2d(srgb, self.shrink)
        levels = self.encoder(2 * srgb - 1)[:LEVELS]
        return [
            level.float() * (level.float().square().sum(1, keepdim=True) + _TINY).rsqrt()
            for level in levels
        ]
