from dataclasses import replace

import numpy as np
import pytest
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding, decode_annealed_mean
from vidcolor.color.lab import lightness_from_luma
from vidcolor.evaluation.stills import fit_picture, measure_colors
from vidcolor.models.lite import LiteNet, LiteShape, normalize_lightness
from vidcolor.training.calibration import calibrate_boost
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma


def test_the_boost_gives_the_colorfulness_wanted() -> None:
    """Decoded with it, pictures are as colorful as asked, by the measure that figures use."""
    torch.manual_seed(0)
    net = LiteNet(LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))).eval()
    coarse = np.random.default_rng(0).integers(90, 160, (2, 4, 5, 3), dtype=np.uint8)
    pixels = torch.from_numpy(coarse.repeat(64, 1).repeat(64, 2).reshape(-1))
    sizes = torch.tensor([[256, 320], [256, 320]])
    store = PictureStore(pixels, torch.tensor([0, 256 * 320 * 3]), sizes)
    decoding = Decoding(rebalancing_weight=torch.linspace(0.5, 1.5, BIN_COUNT), temperature=0.6)
    device = torch.device("cpu")
    boost = calibrate_boost(net, store, decoding, device, share=0.5)
    found = wanted = 0.0
    for index in range(2):
        srgb = fit_picture(store.picture(index), 256)
        luma = mix_video_luma(srgb[None])
        with torch.no_grad():
            logits = net(normalize_lightness(lightness_from_luma(luma)))
        ab = decode_annealed_mean(logits.softmax(1), 0.0, replace(decoding, boost=boost)).ab[0]
        figures = measure_colors(srgb, luma[0], ab)
        found += figures["colorfulness"]
        wanted += 0.5 * figures["truth_colorfulness"]
    assert found == pytest.approx(wanted, rel=0.01)
