"""How decoding is measured."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding, decode_annealed_mean, soft_encode
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.evaluation.photos import fit_picture
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.training.calibration import calibrate, calibrate_gain, calibrate_tilt
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma
from vidcolor.training.loss import color_difference, decode_logits
from vidcolor.training.shown import (
    SHOWN_CEILING,
    SHOWN_KNEE,
    SHOWN_TEMPERATURE,
    shown_decoding,
)


def test_the_gain_gives_the_chroma_wanted() -> None:
    """Decoded with it, the pictures' medians have half of the truth's chroma in the mean."""
    torch.manual_seed(0)
    net = LiteNet(LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))).eval()
    coarse = np.random.default_rng(0).integers(90, 160, (2, 4, 5, 3), dtype=np.uint8)
    pixels = torch.from_numpy(coarse.repeat(64, 1).repeat(64, 2).reshape(-1))
    sizes = torch.tensor([[256, 320], [256, 320]])
    store = PictureStore(pixels, torch.tensor([0, 256 * 320 * 3]), sizes)
    weight = torch.linspace(0.5, 1.5, BIN_COUNT)
    decoding = Decoding(
        rebalancing_weight=weight, temperature=0.6, gain=9.0, knee=5.0, ceiling=30.0
    )
    gain = calibrate_gain(net, store, decoding, torch.device("cpu"), share=0.5)
    found = wanted = 0.0
    for index in range(2):
        srgb = fit_picture(store.picture(index), 256)
        luma = mix_video_luma(srgb[None])
        with torch.no_grad():
            logits = net(normalize_lightness(lightness_from_luma(luma)))
        ab = decode_annealed_mean(logits.softmax(1), 0.0, replace(decoding, gain=gain)).ab[0]
        found += float(np.percentile(ab.square().sum(0).sqrt(), 50, method="lower"))
        true_chroma = lab_from_srgb(srgb)[1:].square().sum(0).sqrt()
        wanted += 0.5 * float(np.percentile(true_chroma, 50, method="lower"))
    assert found == pytest.approx(wanted, rel=0.01)
    assert found > 2 * decoding.knee  # so that the bend has a part in it


def test_what_is_shown_is_measured_together() -> None:
    """The decoding of use has its own temperature, knee and ceiling, a new tilt and a gain.

    The tilt is that which the same pictures give again, as their pixels are drawn from a seed.
    """
    given = Decoding(rebalancing_weight=torch.ones(BIN_COUNT), temperature=0.5, boost=0.2)
    net, pictures, device = _Tilted(torch.zeros(BIN_COUNT)), _patches(0, 1), torch.device("cpu")
    shown = calibrate(net, pictures, given, device)
    assert (shown.temperature, shown.boost) == (SHOWN_TEMPERATURE, 0)
    assert (shown.knee, shown.ceiling) == (SHOWN_KNEE, SHOWN_CEILING)
    assert shown.gain != 1
    assert not torch.equal(shown.rebalancing_weight, given.rebalancing_weight)
    again = calibrate_tilt(net, pictures, shown_decoding(given), device)
    assert torch.equal(shown.rebalancing_weight, again)


_COLORS = ((200, 120, 90), (80, 120, 190), (90, 140, 60), (128, 128, 128), (220, 200, 120))


class _Tilted(nn.Module):
    """Knows the few colors there are by their lightness, half surely, and says blue too often."""

    def __init__(self, tilt: torch.Tensor) -> None:
        super().__init__()
        srgb = torch.tensor(_COLORS).reshape(-1, 3, 1, 1) / 255
        self.lightness = normalize_lightness(lightness_from_luma(mix_video_luma(srgb))).flatten()
        indices, shares = (part[:, :, 0, 0] for part in soft_encode(lab_from_srgb(srgb)[:, 1:]))
        sure = torch.zeros(len(_COLORS), BIN_COUNT).scatter_(1, indices, shares)
        self.logits = (sure / 2 + sure.mean(0) / 2 + 1e-4).log() + tilt

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.avg_pool2d(x, 4)[:, 0]  # (N, h, w)
        nearest = (x[..., None] - self.lightness).abs().argmin(-1)
        return self.logits[nearest].movedim(-1, 1)


def _patches(seed: int, count: int) -> PictureStore:
    """Pictures of 256 x 256 pixels whose squares of 32 have colors at random."""
    chosen = np.random.default_rng(seed).integers(0, len(_COLORS), (count, 8, 8))
    pixels = np.array(_COLORS, np.uint8)[chosen].repeat(32, 1).repeat(32, 2)
    sizes = torch.full((count, 2), 256)
    offsets = torch.arange(count) * 256 * 256 * 3
    return PictureStore(torch.from_numpy(pixels.reshape(-1)), offsets, sizes)


def test_what_a_net_says_too_often_is_taken_back() -> None:
    """Blue gets the greatest weight, and other pictures' colors come nearer to the truth."""
    is_blue = (BIN_CENTERS[:, 1] < -15) & (BIN_CENTERS[:, 0].abs() < 25)
    net = _Tilted(is_blue * 1.5)
    plain = Decoding(rebalancing_weight=torch.ones(BIN_COUNT), temperature=0.7)
    device = torch.device("cpu")
    weight = calibrate_tilt(net, _patches(0, 4), plain, device)
    blue = weight[BIN_CENTERS.sub(torch.tensor([0.0, -40.0])).square().sum(1).argmin()]
    orange = weight[BIN_CENTERS.sub(torch.tensor([30.0, 30.0])).square().sum(1).argmin()]
    assert blue > 1.5 * orange
    errors = []
    for decoding in (plain, replace(plain, rebalancing_weight=weight)):
        srgb = torch.stack([fit_picture(_patches(1, 4).picture(n), 256) for n in range(4)])
        logits = net(normalize_lightness(lightness_from_luma(mix_video_luma(srgb))))
        truth = nn.functional.avg_pool2d(lab_from_srgb(srgb)[:, 1:], 4)
        errors.append(float(color_difference(decode_logits(logits, decoding), truth)))
    assert errors[1] < 0.8 * errors[0]
