"""How histograms become colors, measured on photographs that the net has not learned from."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.bins import BIN_CENTERS, Decoding, bend_chroma, decode_annealed_mean
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.evaluation.photos import fit_picture
from vidcolor.frame import MAP_STRIDE
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma
from vidcolor.training.loss import color_difference, smooth_length
from vidcolor.training.shown import gain_for, median_chroma, shown_decoding

SHOWN_CHROMA = 0.56
"""Median chroma at saturation 1, as a part of the photographs' own.

Up to here the error hardly grows; beyond it grows faster.
"""

_SIDE = 256

_SAMPLED_SIDE = 20  # 400 pixels of a picture, drawn at random and taken for a small picture
_TILT_STEPS = 300
_TILT_PICTURES = 60  # a step
_TILT_RATE = 0.03
_CHROMA_SHARE = 0.75  # of the photographs' mean chroma, which the mean chroma is held at
_CHROMA_WEIGHT = 40.0
_DISTANCE_WEIGHT = 0.3  # of the distance in ab, which does not forgive chroma as CIEDE2000 does
_GLARE, _GLARE_WEIGHT = 25.0, 0.5  # from so much chroma above the truth's on it counts once more
_CLOSENESS = 0.1  # to the tilt that training gave: bins that hardly occur keep it
_TINY = 2.0**-40

Answer = tuple[torch.Tensor, torch.Tensor]


def calibrate(
    net: nn.Module, pictures: PictureStore, decoding: Decoding, device: torch.device
) -> Decoding:
    """How a net's histograms are shown: with a measured tilt and gain, their chroma bent.

    Args:
        net: Is folded in place.
        pictures: Photographs that it has not learned from, on the CPU.
        decoding: Of the net, with the weight of its loss.
        device: Where to infer.
    """
    shown = shown_decoding(decoding)
    weight = calibrate_tilt(net, pictures, shown, device)
    shown = replace(shown, rebalancing_weight=weight)
    gain = calibrate_gain(net, pictures, shown, device, share=SHOWN_CHROMA)
    return replace(shown, gain=gain)


@torch.no_grad()
def calibrate_gain(
    net: nn.Module,
    pictures: PictureStore,
    decoding: Decoding,
    device: torch.device,
    *,
    share: float,
) -> float:
    """The gain at which likely colors (vividness 0) have a share of the true ones' median chroma.

    The median of each picture is taken, then the mean over pictures: a few pixels that burn do not
    move it.

    Args:
        net: Is folded in place.
        pictures: Photographs, on the CPU; shown as color video's luma.
        decoding: Of the net; its own gain plays no part.
        device: Where to infer.
        share: Of the photographs' median chroma, in (0, 1].
    """
    straight = replace(decoding, gain=1.0, knee=math.inf)
    maps, truths = [], []
    for srgb, histogram in _answers(net, pictures, device):
        maps.append(decode_annealed_mean(histogram, 0.0, straight).ab[0].cpu())
        truths.append(lab_from_srgb(srgb)[0, 1:])
    return gain_for(maps, decoding, share * median_chroma(truths))


def calibrate_tilt(
    net: nn.Module, pictures: PictureStore, decoding: Decoding, device: torch.device
) -> torch.Tensor:
    """The weight of each bin that, taken back in decoding, brings colors nearest to the truth.

    The loss of histograms tilts them by a weight that is known, the loss of colors and all that a
    net has not learned yet by one that is not. So it is measured, by gradient descent from the
    weight of the loss, at the temperature and the bend that colors are shown with: the one of least
    error, in CIEDE2000 and in ab, with least glare, where the mean chroma is a given part of the
    truth's.

    Args:
        net: Is folded in place.
        pictures: Photographs, on the CPU; shown as color video's luma.
        decoding: Of the net, with the weight of its loss; its own gain plays no part.
        device: Where to infer.

    Returns:
        (bins,) float32 on the CPU, in place of `decoding.rebalancing_weight`.
    """
    draw = torch.Generator().manual_seed(0)
    samples = [_sample(answer, draw) for answer in _answers(net, pictures, device)]
    logs, truth = (torch.stack(part) for part in zip(*samples, strict=True))
    given = decoding.rebalancing_weight.cpu().log()
    log_weight = given.clone().requires_grad_()
    gain = torch.ones((), requires_grad=True)  # so that the tilt need not see to chroma
    optimizer = torch.optim.Adam([log_weight, gain])
    for step in range(_TILT_STEPS):
        rate = _TILT_RATE * (1 + math.cos(math.pi * step / _TILT_STEPS)) / 2
        optimizer.param_groups[0]["lr"] = rate
        some = torch.randperm(len(logs), generator=draw)[:_TILT_PICTURES]
        shares = ((logs[some].movedim(1, -1) - log_weight) / decoding.temperature).softmax(-1)
        ab = bend_chroma(gain * (shares @ BIN_CENTERS).movedim(-1, 1), decoding)
        loss = _miss(ab, truth[some])
        loss = loss + _CLOSENESS * (log_weight - given).square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return log_weight.detach().exp()


def _miss(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """How far colors are from the truth, (N, 2, h, w) twice to a scalar."""
    chroma, true_chroma = smooth_length(ab), smooth_length(truth)
    distance = smooth_length(ab - truth).mean()
    glare = functional.relu(chroma - true_chroma - _GLARE).mean()
    too_strong = (chroma.mean() / true_chroma.mean() - _CHROMA_SHARE).square()
    error = color_difference(ab, truth) + _DISTANCE_WEIGHT * distance
    return error + _GLARE_WEIGHT * glare + _CHROMA_WEIGHT * too_strong


@torch.no_grad()
def _answers(net: nn.Module, pictures: PictureStore, device: torch.device) -> Iterator[Answer]:
    """Each picture, (1, 3, H, W), and its histograms on the device."""
    fold_batch_norm(net)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for index in range(len(pictures)):
        srgb = fit_picture(pictures.picture(index), _SIDE)[None]
        lightness = lightness_from_luma(mix_video_luma(srgb))
        yield srgb, net(normalize_lightness(lightness).to(device)).float().softmax(1)


def _sample(answer: Answer, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities (bins, s, s) and true ab (2, s, s) of some pixels."""
    srgb, histogram = answer
    coarse = functional.avg_pool2d(lab_from_srgb(srgb)[:, 1:], MAP_STRIDE)[0].flatten(1)
    logs = histogram[0].clamp_min(_TINY).log().flatten(1)  # (bins, pixels)
    chosen = torch.randperm(coarse.shape[1], generator=draw)[: _SAMPLED_SIDE**2]
    ab = coarse[:, chosen].reshape(2, _SAMPLED_SIDE, _SAMPLED_SIDE)
    return logs.cpu()[:, chosen].reshape(-1, *ab.shape[1:]), ab
