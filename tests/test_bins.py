import hashlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vidcolor.color.bins import (
    BIN_CENTERS,
    BIN_COUNT,
    NEIGHBOR_SIGMA,
    STRIP_ROWS,
    Decoding,
    bend_chroma,
    decode_annealed_mean,
    soft_encode,
    unbend_chroma,
)

TABLE = Path(__file__).parent / "data" / "ab-bins-313.csv"


def random_histogram(*shape: int, seed: int = 0) -> torch.Tensor:
    """Probabilities with the bins third from the end."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).mul(3).softmax(-3)


def test_centers_are_the_papers_313() -> None:
    """The compact table unrolls to the 313 centers in the order the weights were trained in."""
    assert BIN_COUNT == 313
    digest = hashlib.sha256(BIN_CENTERS.to(torch.int16).numpy().tobytes()).hexdigest()
    assert digest == "e74b520cf1929e90ad9f051db10931e8ac5d1534c6cedabd7bfeba7a78a96c89"


def test_centers_equal_the_published_table() -> None:
    """Every center equals its row of the CSV file."""
    rows = np.loadtxt(TABLE, delimiter=",", skiprows=1, dtype=np.float32)
    np.testing.assert_array_equal(BIN_CENTERS.numpy(), rows)


def test_soft_encoding_is_the_normalised_gaussian_of_the_five_nearest() -> None:
    """Indices and weights equal a search over all bins in float64."""
    rng = np.random.default_rng(0)
    ab = rng.integers(-60, 61, (50, 2)).astype(np.float64)
    squared = ((ab[:, None] - BIN_CENTERS.double().numpy()) ** 2).sum(-1)
    nearest = np.sort(squared, axis=1)[:, :5]
    expected = np.exp(-nearest / (2 * NEIGHBOR_SIGMA**2))
    expected /= expected.sum(1, keepdims=True)
    indices, weights = soft_encode(torch.from_numpy(ab.T.reshape(1, 2, 5, 10)))
    found = np.take_along_axis(squared, indices[0].reshape(5, 50).T.numpy(), 1)
    np.testing.assert_array_equal(found, nearest)
    np.testing.assert_allclose(weights[0].reshape(5, 50).T, expected, rtol=1e-5)


def test_colors_outside_all_bins_still_have_weights() -> None:
    """A color far outside sRGB is shared among bins with finite weights that sum to 1."""
    _, weights = soft_encode(torch.tensor([-500.0, -500.0]).reshape(1, 2, 1, 1))
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("vividness", [0.0, 0.7, 1.0, 1.6])
def test_decoding_equals_the_formula(vividness: float) -> None:
    """The one-product decoding equals tilt, softmax at T, mean, gain and boost in float64."""
    histogram = random_histogram(2, BIN_COUNT, 3, 4)
    weight = torch.linspace(0.4, 3.2, BIN_COUNT)
    tilted = histogram.double().log() + (vividness - 1) * weight.double().log()[:, None, None]
    sharp = (tilted / 0.45).softmax(1)
    entropy = -(histogram.double() * histogram.double().log2()).sum(1, keepdim=True)
    mean = torch.einsum("nqhw,qc->nchw", sharp, BIN_CENTERS.double())
    expected = 1.2 * 2 ** (0.2 * entropy) * mean
    decoding = Decoding(rebalancing_weight=weight, temperature=0.45, gain=1.2, boost=0.2)
    ab = decode_annealed_mean(histogram, vividness, decoding).ab
    torch.testing.assert_close(ab.double(), expected, atol=1e-3, rtol=1e-4)


def test_full_vividness_ignores_the_rebalancing() -> None:
    """At vividness 1 the training weights play no part: the paper's decoding."""
    histogram = random_histogram(BIN_COUNT, 2, 2)
    plain = decode_annealed_mean(
        histogram, 1.0, Decoding(rebalancing_weight=torch.ones(BIN_COUNT))
    ).ab
    tilted = decode_annealed_mean(
        histogram, 1.0, Decoding(rebalancing_weight=torch.linspace(0.4, 3.2, BIN_COUNT))
    ).ab
    torch.testing.assert_close(plain, tilted)


def test_a_certain_histogram_decodes_to_its_bin() -> None:
    """All probability in one bin gives that bin's center, not boosted, zeros doing no harm."""
    histogram = torch.zeros(BIN_COUNT, 1, 1)
    histogram[200] = 1
    weight = torch.linspace(0.4, 3.2, BIN_COUNT)
    ab = decode_annealed_mean(histogram, 0.5, Decoding(rebalancing_weight=weight, boost=0.3)).ab
    torch.testing.assert_close(ab[:, 0, 0], BIN_CENTERS[200])


BENT = Decoding(rebalancing_weight=torch.ones(BIN_COUNT), knee=20.0, ceiling=45.0)


@pytest.mark.parametrize(
    ("chroma", "expected"), [(0, 0), (12, 12), (20, 20), (30, 29.4987), (60, 43.0417), (500, 45)]
)
def test_chroma_above_the_knee_is_bent_towards_the_ceiling(chroma: float, expected: float) -> None:
    """20 + 25 tanh((c - 20) / 25) above 20, worked out by hand; what lies below stays, and hues."""
    hue = torch.tensor([0.6, -0.8]).reshape(2, 1, 1)
    torch.testing.assert_close(bend_chroma(chroma * hue, BENT), expected * hue, rtol=1e-5, atol=0)


def test_bent_colors_can_be_straightened() -> None:
    """Unbending gives back colors up to twice the ceiling; without a knee all stay as they are."""
    generator = torch.Generator().manual_seed(1)
    ab = 60 * torch.randn(3, 2, 4, 5, generator=generator).clamp(-1.1, 1.1)
    torch.testing.assert_close(unbend_chroma(bend_chroma(ab, BENT), BENT), ab, rtol=1e-3, atol=0.01)
    straight = Decoding(rebalancing_weight=torch.ones(BIN_COUNT))
    assert unbend_chroma(ab, straight) is ab
    assert bend_chroma(ab, straight) is ab


def test_decoded_colors_are_bent() -> None:
    """A certain, saturated bin comes out at the bent chroma, after its gain."""
    histogram = torch.zeros(BIN_COUNT, 1, 1)
    histogram[200] = 1
    decoding = replace(BENT, gain=1.5)
    ab = decode_annealed_mean(histogram, 0.0, decoding).ab[:, 0, 0]
    expected = bend_chroma(1.5 * BIN_CENTERS[200].reshape(2, 1, 1), BENT)[:, 0, 0]
    assert 20 < ab.norm() < 45
    torch.testing.assert_close(ab, expected)


def test_entropy_is_in_bits() -> None:
    """Certain is 0, evenly shared among four bins 2, among all log2 of their number."""
    histograms = torch.zeros(3, BIN_COUNT, 1, 1)
    histograms[0, 7] = 1
    histograms[1, 10:14] = 0.25
    histograms[2] = 1 / BIN_COUNT
    expected = torch.tensor([0, 2, math.log2(BIN_COUNT)])
    decoded = decode_annealed_mean(
        histograms, 0.0, Decoding(rebalancing_weight=torch.ones(BIN_COUNT))
    )
    torch.testing.assert_close(decoded.entropy.flatten(), expected)


def test_decoding_leaves_the_histogram_alone() -> None:
    """The probabilities are the same after decoding as before."""
    histogram = random_histogram(BIN_COUNT, 2, 2)
    before = histogram.clone()
    decode_annealed_mean(histogram, 1.0, Decoding(rebalancing_weight=torch.ones(BIN_COUNT)))
    assert torch.equal(histogram, before)


def test_rows_are_decoded_one_like_the_other() -> None:
    """A map that is decoded strip by strip has in each row what the row alone would have."""
    probabilities = random_histogram(BIN_COUNT, 2 * STRIP_ROWS + 3, 5)
    tilt = torch.linspace(0.5, 2, BIN_COUNT)
    decoding = Decoding(rebalancing_weight=tilt, temperature=0.7, gain=1.1, boost=0.1)
    whole = decode_annealed_mean(probabilities, 0.4, decoding)
    rows = [decode_annealed_mean(row, 0.4, decoding) for row in probabilities.split(1, dim=1)]
    # MKL adds up the 313 bins in another order for other numbers of rows on some processors; at
    # these strong colors (a* and b* near 100) that is a few units of float32's last digit.
    alone = torch.cat([row.ab for row in rows], 1)
    torch.testing.assert_close(whole.ab, alone, atol=1e-4, rtol=4e-6)
    entropy = torch.cat([row.entropy for row in rows], 1)
    torch.testing.assert_close(whole.entropy, entropy, atol=1e-5, rtol=0)
