import pytest
import torch

from vidcolor.color.bins import (
    BIN_CENTERS,
    BIN_COUNT,
    Decoding,
    decode_annealed_mean,
    soft_encode,
)
from vidcolor.evaluation.metrics import ciede2000
from vidcolor.training.loss import (
    color_difference,
    decode_logits,
    rebalanced_cross_entropy,
    relative_colorfulness,
    weigh_bins,
)


def steep_prior() -> torch.Tensor:
    """Neutral bins common, saturated ones all but absent."""
    return (-BIN_CENTERS.norm(dim=1) / 8).softmax(0)


def test_weights_have_mean_one_and_favor_the_rare() -> None:
    """Under the prior the mean weight is 1; the commonest bin weighs least, the rarest most."""
    prior = steep_prior()
    weight = weigh_bins(prior)
    assert float((prior * weight).sum()) == pytest.approx(1, rel=1e-5)
    assert weight.argmin() == prior.argmax()
    assert weight[prior.argmin()] == weight.max()


def test_full_exponent_is_the_papers_formula() -> None:
    """With exponent 1 weights are in proportion to 1 / ((1 - l) p + l / Q)."""
    prior = steep_prior()
    expected = 1 / (0.5 * prior + 0.5 / BIN_COUNT)
    ratio = weigh_bins(prior, exponent=1) / expected
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))


def test_loss_equals_the_formula() -> None:
    """The loss is the weighted mean cross-entropy to the softly encoded colors, spelled out."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, BIN_COUNT, 3, 4, generator=generator)
    ab = torch.rand(2, 2, 3, 4, generator=generator) * 80 - 40
    weight = weigh_bins(steep_prior())
    indices, shares = soft_encode(ab)
    target = torch.zeros_like(logits).scatter_(1, indices, shares)
    entropy = -(target * logits.log_softmax(1)).sum(1)
    expected = (entropy * weight[target.argmax(1)]).mean()
    torch.testing.assert_close(rebalanced_cross_entropy(logits, ab, weight), expected)


def test_the_true_histogram_is_the_best_answer() -> None:
    """No other logits have a lower loss than those of the target itself."""
    ab = torch.full((1, 2, 1, 1), 13.0)
    indices, shares = soft_encode(ab)
    best = torch.full((1, BIN_COUNT, 1, 1), -30.0).scatter_(1, indices, shares.log())
    loss = rebalanced_cross_entropy(best, ab, torch.ones(BIN_COUNT))
    assert float(loss) == pytest.approx(float(-(shares * shares.log()).sum()), rel=1e-4)
    off = best.clone()
    off[0, indices[0, 0]] += 1
    assert rebalanced_cross_entropy(off, ab, torch.ones(BIN_COUNT)) > loss


def test_logits_decode_as_histograms_do() -> None:
    """What is learned is what is shown: the likely colors that `decode_annealed_mean` gives."""
    logits = 3 * torch.randn(2, BIN_COUNT, 3, 4, generator=torch.Generator().manual_seed(0))
    weight = weigh_bins(steep_prior())
    decoding = Decoding(rebalancing_weight=weight, temperature=0.6, boost=0.2)
    expected = decode_annealed_mean(logits.softmax(1), 0.0, decoding).ab
    torch.testing.assert_close(decode_logits(logits, decoding), expected, atol=1e-3, rtol=1e-4)


def colors(spread: float, seed: int = 0) -> torch.Tensor:
    """Colors around grey, (3, 2, 8, 8)."""
    return spread * torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("spread", [2, 10, 40])
def test_color_difference_is_ciede2000(spread: float) -> None:
    """It measures what is reported, and pulls where that falls, but for a little in the blues."""
    truth, made = colors(spread), (colors(spread) + colors(spread, 1)).requires_grad_()
    lightness = torch.full((3, 1, 8, 8), 50.0)
    reported = ciede2000(*(torch.cat([lightness, ab], 1) for ab in (made, truth))).mean()
    learned = color_difference(made, truth)
    assert float(learned.detach()) == pytest.approx(float(reported.detach()), rel=0.01)
    pull, expected = (torch.autograd.grad(e, made)[0].flatten() for e in (learned, reported))
    assert float(torch.cosine_similarity(pull, expected, 0)) > 0.95


def test_gradients_of_grey_are_finite() -> None:
    """Where colors and truth are both grey nothing divides by zero on the way back."""
    ab = torch.zeros(1, 2, 2, 2, requires_grad=True)
    truth, lightness = torch.zeros(1, 2, 2, 2), torch.tensor([0.0, 10, 50, 100]).reshape(1, 1, 2, 2)
    (color_difference(ab, truth) + relative_colorfulness(lightness, ab, truth)).backward()
    assert ab.grad is not None
    assert ab.grad.isfinite().all()


def test_half_the_chroma_is_half_as_colorful() -> None:
    """Colorfulness is about in proportion to chroma, over the batch as a whole."""
    truth, lightness = colors(3), torch.full((3, 1, 8, 8), 50.0)
    half = relative_colorfulness(lightness, truth / 2, truth)
    assert float(half) == pytest.approx(0.5, abs=0.01)
