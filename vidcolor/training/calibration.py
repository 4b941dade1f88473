"""How much a net's mean colors are strengthened, so that films come out as colorful as wanted."""

import torch
from torch.nn import functional

from vidcolor.color.bins import Decoding, decode_annealed_mean
from vidcolor.color.lab import lightness_from_luma, srgb_from_lab
from vidcolor.evaluation.metrics import colorfulness
from vidcolor.evaluation.stills import fit_picture
from vidcolor.models.lite import LiteNet, fold_batch_norm, normalize_lightness
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma

SHOWN_COLORFULNESS = 0.75
"""Colorfulness at saturation 1, as a part of the photographs' own.

Up to here the error hardly grows; beyond it grows faster, and what the net is sure of stands out
from what it leaves grey.
"""

_SIDE = 256
_STEPS = 6


@torch.no_grad()
def calibrate_chroma_gain(
    net: LiteNet,
    pictures: PictureStore,
    decoding: Decoding,
    device: torch.device,
    *,
    share: float,
) -> float:
    """The gain at which likely colors (vividness 0) are a share as colorful as the true ones.

    Args:
        net: Is folded in place.
        pictures: Photographs, on the CPU; shown as color video's luma.
        decoding: Of the net; its own gain plays no part.
        device: Where to infer.
        share: Of the photographs' mean colorfulness, in (0, 1].
    """
    fold_batch_norm(net)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = Decoding(
        rebalancing_weight=decoding.rebalancing_weight, temperature=decoding.temperature
    )
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    wanted = 0.0
    for index in range(len(pictures)):
        srgb = fit_picture(pictures.picture(index), _SIDE)[None]
        lightness = lightness_from_luma(mix_video_luma(srgb))
        histogram = net(normalize_lightness(lightness).to(device)).float().softmax(1)
        ab = decode_annealed_mean(histogram, 0.0, plain).cpu()
        seen.append((lightness, ab))
        wanted += share * float(colorfulness(srgb))

    gain = 1.0
    for _ in range(_STEPS):  # colorfulness grows nearly in proportion
        gain *= wanted / sum(_colorfulness(lightness, gain * ab) for lightness, ab in seen)
    return gain


def _colorfulness(lightness: torch.Tensor, ab: torch.Tensor) -> float:
    large = functional.interpolate(
        ab, size=lightness.shape[-2:], mode="bilinear", align_corners=False
    )
    return float(colorfulness(srgb_from_lab(torch.cat([lightness, large], 1)).clamp(0, 1)))
