from dataclasses import replace

import numpy as np
import pytest
import torch

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding, decode_annealed_mean
from vidcolor.color.decode import DecodeMethod, decode_prediction, strengthen
from vidcolor.models.zoo import load_model

WEIGHT = torch.linspace(0.5, 2, BIN_COUNT)
DECODING = Decoding(rebalancing_weight=WEIGHT, temperature=0.4, boost=0.1)


def histograms(height: int = 6, width: int = 5, seed: int = 0) -> torch.Tensor:
    """Random probabilities, (bins, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(BIN_COUNT, height, width, generator=generator)).softmax(0)


def decoded(method: DecodeMethod, prediction: torch.Tensor, vividness: float = 0.0) -> torch.Tensor:
    """The colors of a prediction, (2, h, w)."""
    return decode_prediction(prediction, DECODING, vividness=vividness, method=method).ab


def untilted(prediction: torch.Tensor, vividness: float) -> np.ndarray:
    """Probabilities with the loss's tilt taken back, in float64."""
    tilt = WEIGHT.double().numpy()[:, None, None] ** (vividness - 1)
    shares = prediction.double().numpy() * tilt
    return shares / shares.sum(0)


@pytest.mark.parametrize("vividness", [0.0, 0.5, 1.0])
def test_mean_and_mode_are_those_of_the_untilted_histogram(vividness: float) -> None:
    """As NumPy has them, at no temperature and with no boost."""
    one = histograms()
    shares, centers = untilted(one, vividness), BIN_CENTERS.double().numpy()
    mean = np.einsum("bhw,bc->chw", shares, centers)
    np.testing.assert_allclose(decoded("mean", one, vividness), mean, atol=1e-3)
    mode = np.moveaxis(centers[shares.argmax(0)], -1, 0)
    np.testing.assert_array_equal(decoded("mode", one, vividness), mode)


def test_the_default_is_the_model_s_own() -> None:
    """Nothing changes for a film that asks for no other way."""
    one = histograms()
    expected = decode_annealed_mean(one, 0.0, DECODING)
    for found in (
        decode_prediction(one, DECODING, vividness=0.0),
        decode_prediction(one, DECODING, vividness=0.0, method="annealed"),
    ):
        assert torch.equal(found.ab, expected.ab)
        assert torch.equal(found.entropy, expected.entropy)


def sampled(prediction: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """A sample of a prediction as it is, (2, h, w)."""
    return decode_prediction(prediction, DECODING, vividness=1.0, method="sample", seed=seed).ab


def test_samples_occur_as_often_as_they_are_likely() -> None:
    """Over many seeds each bin's share is its probability."""
    one = histograms(1, 1)
    found = torch.stack([sampled(one, seed).flatten() for seed in range(2000)])
    shares = torch.stack([(found == center).all(1).float().mean() for center in BIN_CENTERS])
    expected = one.flatten()
    assert (shares - expected).abs().max() < 5 * (expected.max() / 2000).sqrt()
    assert ((shares - expected).abs() > 0).any()


def test_samples_belong_to_what_is_seen() -> None:
    """Not to its place, nor to what else is there: what moves keeps its color, and regions do."""
    one = histograms()
    assert torch.equal(sampled(one), sampled(one.clone()))
    assert not torch.equal(sampled(one), sampled(one, seed=1))
    assert torch.equal(sampled(one.roll(1, 2)), sampled(one).roll(1, 2))
    row = one.flatten(1)[:, None]
    assert torch.equal(sampled(row[..., :20]), sampled(row[..., :21])[..., :20])
    other = histograms(seed=2)
    nearly = torch.lerp(one, other, 1e-4)
    assert (sampled(one) == sampled(nearly)).float().mean() > 0.9


@pytest.mark.parametrize("method", ["annealed", "mean", "mode", "sample"])
def test_colors_given_at_once_stay_as_they_are(method: DecodeMethod) -> None:
    """A model of a* and b* has nothing to decode, and its entropy is not known."""
    ab = torch.randn(2, 4, 3)
    found = decode_prediction(ab, None, vividness=1.0, method=method)
    assert torch.equal(found.ab, ab)
    assert found.entropy.shape == (1, 4, 3)
    assert found.entropy.isnan().all()


@pytest.mark.parametrize("scale", [0.5, 2, 6])
def test_half_precision_changes_no_color_that_could_be_seen(scale: float) -> None:
    """Dull, likely and certain histograms, as nets give them, keep their colors to 0.1 in ab."""
    torch.manual_seed(0)
    logits = torch.randn(BIN_COUNT, 40, 50) * scale - BIN_CENTERS.norm(dim=1)[:, None, None] / 20
    prediction = logits.softmax(0)
    decoding = load_model("lite", "cpu").decoding
    exact, halved = (
        decode_prediction(one, decoding, vividness=0.0).ab
        for one in (prediction, prediction.half())
    )
    assert exact.abs().max() > 5
    assert (exact - halved).abs().max() < 0.1


BENT = replace(DECODING, gain=2.0, knee=20.0, ceiling=45.0)


def test_strengthened_colors_are_those_of_more_gain() -> None:
    """A gain after decoding gives what the same factor on the decoding's own gain gives."""
    prediction = histograms()
    ab = decode_prediction(prediction, BENT, vividness=0).ab
    stronger = decode_prediction(prediction, replace(BENT, gain=2.4), vividness=0).ab
    assert ab.norm(dim=0).max() > 21
    torch.testing.assert_close(
        strengthen(ab, 1.2, BENT, "annealed"), stronger, rtol=1e-4, atol=1e-3
    )
    assert strengthen(ab, 1.0, BENT, "annealed") is ab


@pytest.mark.parametrize("method", ["mean", "mode", "sample"])
def test_what_is_for_study_is_not_bent(method: DecodeMethod) -> None:
    """Mean, mode and sample are those of the histogram, without the gain, knee or ceiling."""
    prediction = histograms()
    plain = Decoding(rebalancing_weight=WEIGHT, temperature=0.4)
    found, expected = (
        decode_prediction(prediction, one, vividness=0, method=method).ab for one in (BENT, plain)
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    torch.testing.assert_close(strengthen(found, 1.2, BENT, method), 1.2 * found)


def test_colors_of_no_histogram_are_only_multiplied() -> None:
    """A net that gives a* and b* has no knee."""
    ab = torch.full((2, 3, 4), 50.0)
    torch.testing.assert_close(strengthen(ab, 1.5, None, "annealed"), torch.full((2, 3, 4), 75.0))
