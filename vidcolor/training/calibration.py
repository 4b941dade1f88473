"""How histograms become colors, measured on photographs that the net has not learned from."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.bins import Decoding, decode_annealed_mean
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma, srgb_from_lab
from vidcolor.evaluation.metrics import colorfulness
from vidcolor.evaluation.photos import color_lightness, fit_picture
from vidcolor.frame import MAP_STRIDE
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma
from vidcolor.training.loss import color_difference, decode_logits
from vidcolor.training.objective import LEARNED_BOOST, miss_colorfulness

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

_SAMPLED_SIDE = 20  # 400 pixels of a picture, drawn at random and taken for a small picture
_TILT_STEPS = 240
_TILT_PICTURES = 60  # a step
_TILT_RATE = 0.03
_COLORFULNESS_WEIGHT = 40.0
_CLOSENESS = 0.1  # to the tilt that training gave: bins that hardly occur keep it
_TINY = 2.0**-40

Answer = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


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
    seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    wanted = 0.0
    for srgb, lightness, histogram in _answers(net, pictures, device):
        ab, entropy = decode_annealed_mean(histogram, 0.0, replace(decoding, boost=0.0))
        seen.append((lightness[0], ab[0].cpu(), entropy[0].cpu()))
        wanted += share * float(colorfulness(srgb))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        boost = (low + high) / 2
        found = sum(_colorfulness(light, torch.exp2(boost * h) * ab) for light, ab, h in seen)
        low, high = (low, boost) if found > wanted else (boost, high)
    return (low + high) / 2


def calibrate_tilt(
    net: nn.Module, pictures: PictureStore, decoding: Decoding, device: torch.device
) -> torch.Tensor:
    """The weight of each bin that, taken back in decoding, brings colors nearest to the truth.

    The loss of histograms tilts them by a weight that is known, the loss of colors and all that a
    net has not learned yet by one that is not. So it is measured: the one of least CIEDE2000 beside
    the colorfulness that is learned, found by gradient descent from the weight of the loss.

    Args:
        net: Is folded in place.
        pictures: Photographs, on the CPU; shown as color video's luma.
        decoding: Of the net, with the weight of its loss; its own boost plays no part.
        device: Where to infer.

    Returns:
        (bins,) float32 on the CPU, in place of `decoding.rebalancing_weight`.
    """
    draw = torch.Generator().manual_seed(0)
    samples = [_sample(answer, draw) for answer in _answers(net, pictures, device)]
    logs, lightness, truth = (torch.stack(part) for part in zip(*samples, strict=True))
    given = decoding.rebalancing_weight.cpu().log()
    log_weight = given.clone().requires_grad_()
    gain = torch.ones((), requires_grad=True)  # so that the tilt need not see to colorfulness
    optimizer = torch.optim.Adam([log_weight, gain])
    for step in range(_TILT_STEPS):
        rate = _TILT_RATE * (1 + math.cos(math.pi * step / _TILT_STEPS)) / 2
        optimizer.param_groups[0]["lr"] = rate
        some = torch.randperm(len(logs), generator=draw)[:_TILT_PICTURES]
        tilted = replace(decoding, rebalancing_weight=log_weight.exp(), boost=LEARNED_BOOST)
        ab = gain * decode_logits(logs[some], tilted)
        missed = miss_colorfulness(lightness[some], ab, truth[some])
        loss = color_difference(ab, truth[some]) + _COLORFULNESS_WEIGHT * missed
        loss = loss + _CLOSENESS * (log_weight - given).square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return log_weight.detach().exp()


@torch.no_grad()
def _answers(net: nn.Module, pictures: PictureStore, device: torch.device) -> Iterator[Answer]:
    """Each picture (1, 3, H, W), its lightness (1, 1, H, W), and its histograms on the device."""
    fold_batch_norm(net)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for index in range(len(pictures)):
        srgb = fit_picture(pictures.picture(index), _SIDE)[None]
        lightness = lightness_from_luma(mix_video_luma(srgb))
        yield srgb, lightness, net(normalize_lightness(lightness).to(device)).float().softmax(1)


def _sample(answer: Answer, draw: torch.Generator) -> Answer:
    """Log probabilities (bins, s, s), lightness (1, s, s) and true ab (2, s, s) of some pixels."""
    srgb, lightness, histogram = answer
    whole = torch.cat([lightness, lab_from_srgb(srgb)[:, 1:]], 1)
    coarse = functional.avg_pool2d(whole, MAP_STRIDE)[0].flatten(1)  # (3, pixels)
    logs = histogram[0].clamp_min(_TINY).log().flatten(1)
    chosen = torch.randperm(coarse.shape[1], generator=draw)[: _SAMPLED_SIDE**2]
    lab = coarse[:, chosen].reshape(3, _SAMPLED_SIDE, _SAMPLED_SIDE)
    return logs.cpu()[:, chosen].reshape(-1, *lab.shape[1:]), lab[:1], lab[1:]


def _colorfulness(lightness: torch.Tensor, ab: torch.Tensor) -> float:
    return float(colorfulness(srgb_from_lab(color_lightness(lightness, ab)).clamp(0, 1)[None]))
