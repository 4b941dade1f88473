"""How much uncertain colors are boosted, so that films come out as colorful as wanted."""

from dataclasses import replace

import torch
from torch import nn

from vidcolor.color.bins import Decoding, decode_annealed_mean
from vidcolor.color.lab import lightness_from_luma, srgb_from_lab
from vidcolor.evaluation.metrics import colorfulness
from vidcolor.evaluation.stills import color_lightness, fit_picture
from vidcolor.models.lite import fold_batch_norm, normalize_lightness
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma

SHOWN_COLORFULNESS = 0.75
"""Colorfulness at saturation 1, as a part of the photographs' own.

Up to here the error hardly grows; beyond it grows faster, and what the net is sure of stands out
from what it leaves grey.
"""

SHOWN_TEMPERATURE = 0.7
"""Temperature of the annealed mean of nets that learned their colors.

Above the one they learn at: as near to the truth, and fewer colors glow.
"""

_SIDE = 256
_HALVINGS = 10


@torch.no_grad()
def calibrate_boost(
    net: nn.Module,
    pictures: PictureStore,
    decoding: Decoding,
    device: torch.device,
    *,
    share: float,
) -> float:
    """The boost at which likely colors (vividness 0) are a share as colorful as the true ones.

    Args:
        net: Is folded in place.
        pictures: Photographs, on the CPU; shown as color video's luma.
        decoding: Of the net; its own boost plays no part.
        device: Where to infer.
        share: Of the photographs' mean colorfulness, in (0, 1].
    """
    fold_batch_norm(net)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    wanted = 0.0
    for index in range(len(pictures)):
        srgb = fit_picture(pictures.picture(index), _SIDE)[None]
        lightness = lightness_from_luma(mix_video_luma(srgb))
        histogram = net(normalize_lightness(lightness).to(device)).float().softmax(1)
        ab, entropy = decode_annealed_mean(histogram, 0.0, replace(decoding, boost=0.0))
        seen.append((lightness[0], ab[0].cpu(), entropy[0].cpu()))
        wanted += share * float(colorfulness(srgb))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        boost = (low + high) / 2
        found = sum(_colorfulness(light, torch.exp2(boost * h) * ab) for light, ab, h in seen)
        low, high = (low, boost) if found > wanted else (boost, high)
    return (low + high) / 2


def _colorfulness(lightness: torch.Tensor, ab: torch.Tensor) -> float:
    return float(colorfulness(srgb_from_lab(color_lightness(lightness, ab)).clamp(0, 1)[None]))
