import math
from dataclasses import replace

import pytest
import torch

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding, decode_annealed_mean, soft_encode
from vidcolor.training.seen import judge_shown
from vidcolor.training.shown import (
    gain_for,
    median_chroma,
    show,
    shown_decoding,
    strengthen,
)

DECODING = Decoding(rebalancing_weight=torch.linspace(0.5, 1.5, BIN_COUNT))
SHOWN = shown_decoding(DECODING, 1.2)


def test_means_are_those_that_films_get() -> None:
    """The same as the decoding in use, computed another way."""
    logits = 3 * torch.randn(2, BIN_COUNT, 3, 4, generator=torch.Generator().manual_seed(0))
    wanted = decode_annealed_mean(logits.softmax(1), 0.0, SHOWN).ab
    torch.testing.assert_close(show(logits, SHOWN), wanted, rtol=1e-3, atol=1e-3)


def test_chroma_is_bent_above_the_knee_alone() -> None:
    """Up to 20 times the gain it is linear, then by the formula; no color passes 45; hues stay."""
    chroma = torch.tensor([0.0, 5.0, 15.0, 30.0, 300.0])
    direction = torch.tensor([math.cos(2.0), math.sin(2.0)])
    ab = (direction[:, None] * chroma)[None, :, None]
    shown = strengthen(ab, SHOWN)[0, :, 0]
    wanted = [0.0, 6.0, 18.0, 20 + 25 * math.tanh(16 / 25), 45.0]
    torch.testing.assert_close(torch.linalg.vector_norm(shown, dim=0), torch.tensor(wanted))
    torch.testing.assert_close(
        shown[:, 1:] / shown[:, 1:].norm(dim=0), direction[:, None].repeat(1, 4)
    )


def test_there_is_a_gradient_at_grey_and_far_out() -> None:
    """Finite everywhere, and not nothing where the ceiling begins."""
    ab = torch.tensor([[0.0, 0.0], [25.0, 0.0], [400.0, 100.0]]).T[None, :, None].requires_grad_()
    strengthen(ab, SHOWN).sum().backward()
    assert ab.grad is not None
    assert ab.grad.isfinite().all()
    assert ab.grad[0, 0, 0, 1] > 0.5


def test_the_gain_brings_the_median_there() -> None:
    """The mean over pictures of their medians, through the ceiling."""
    draw = torch.Generator().manual_seed(1)
    maps = [scale * torch.randn(2, 8, 8, generator=draw) for scale in (1, 4, 9)]
    gain = gain_for(maps, SHOWN, 8.0)
    shown = [strengthen(ab, replace(SHOWN, gain=gain)) for ab in maps]
    assert median_chroma(shown) == pytest.approx(8, abs=1e-3)
    by_hand = [sorted(torch.linalg.vector_norm(ab, dim=0).flatten().tolist())[31] for ab in shown]
    assert median_chroma(shown) == pytest.approx(sum(by_hand) / 3, rel=1e-5)


def test_a_sure_histogram_is_shown_as_its_color() -> None:
    """A color softly encoded comes back, less what the ceiling takes."""
    ab = BIN_CENTERS[150][None, :, None, None]
    indices, shares = soft_encode(ab)
    probabilities = torch.zeros(1, BIN_COUNT, 1, 1).scatter_(1, indices, shares)
    logits = (probabilities + 1e-9).log() + DECODING.rebalancing_weight.log()[:, None, None]
    plain = replace(DECODING, temperature=1.0)
    torch.testing.assert_close(show(logits, plain), ab, atol=0.5, rtol=0)


def test_what_is_seen_is_counted() -> None:
    """Half of a picture glows by 40, a quarter of it is left grey."""
    truth = torch.full((3, 64, 64), 50.0)
    truth[1:] = 0
    truth[1, :32, :32] = 20  # colored
    given = torch.zeros(2, 64, 64)
    given[1, 32:] = 40  # glows where the truth is grey
    straight = DECODING
    figures = judge_shown([(given, truth)], straight)
    assert figures["glare30"] == pytest.approx(50)
    assert figures["glare50"] == 0
    assert figures["grey"] == pytest.approx(25)
    assert figures["error"] > 5
    perfect = judge_shown([(truth[1:], truth)], straight)
    assert perfect["error"] == pytest.approx(0, abs=1e-3)
    doubled = judge_shown([(given, truth)], replace(straight, gain=1.5))
    assert doubled["glare50"] == pytest.approx(50)
