from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from vidcolor.frame import Motion, Prediction
from vidcolor.temporal.between import colors_between, prediction_between
from vidcolor.temporal.keyframes import Between

pytestmark = pytest.mark.quick
H, W, BINS = 6, 9, 5
STILL = Motion(np.zeros((2, H, W), np.float32), np.ones((H, W), np.float32))


def flat(a: float, b: float) -> np.ndarray:
    """A map of one color."""
    return np.full((2, H, W), 1, np.float32) * np.float32([[[a]], [[b]]])


def smoothed(seed: int) -> Prediction:
    """A keyframe's prediction."""
    rows = torch.rand(BINS, H, W, generator=torch.Generator().manual_seed(seed)).softmax(0)
    lightness = np.zeros((4 * H, 4 * W), np.float32)
    return Prediction(rows, lightness, weight=np.full((H, W), 3 + seed, np.float32))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_colors_change_by_and_by(share: float) -> None:
    """Where both keyframes are trusted the nearer one counts for so much more."""
    mixed = colors_between(flat(10, -20), flat(30, 20), Between(Mock(), STILL, STILL, share))
    np.testing.assert_allclose(mixed, flat(10 + 20 * share, -20 + 40 * share), rtol=1e-5)


def test_what_one_alone_shows_comes_from_there() -> None:
    """A place that is covered in the keyframe before has the colors of the one after."""
    trust = np.ones((H, W), np.float32)
    trust[:, :4] = 0
    one = Between(Mock(), Motion(STILL.displacement, trust), STILL, 0.1)
    mixed = colors_between(flat(10, 0), flat(50, 0), one)
    assert mixed[0, :, :4].min() > 45
    assert mixed[0, :, 4:].max() < 15


def test_where_neither_is_trusted_the_nearer_decides() -> None:
    """There is nothing better to go by."""
    lost = Motion(STILL.displacement, np.zeros((H, W), np.float32))
    mixed = colors_between(flat(10, 0), flat(50, 0), Between(Mock(), lost, lost, 0.25))
    np.testing.assert_allclose(mixed[0], 20, rtol=1e-5)


def test_colors_go_along_with_what_moves() -> None:
    """Each keyframe's are looked up where the thing is in it."""
    before, after = flat(0, 0), flat(0, 0)
    before[0, 3, 2], after[0, 3, 6] = 40, 40
    back, forth = (
        replace(STILL, displacement=np.stack([np.full((H, W), x), np.zeros((H, W))]).astype("f"))
        for x in (-2, 2)
    )
    mixed = colors_between(before, after, Between(Mock(), back, forth, 0.5))
    assert mixed[0, 3, 4] == pytest.approx(40)
    assert mixed[0].sum() == pytest.approx(40)


def test_a_prediction_is_mixed_as_its_colors_are() -> None:
    """It still sums to 1, and a linear decoding of it is the colors that are shown."""
    trust = np.random.default_rng(0).random((2, H, W)).astype(np.float32)
    drift = np.random.default_rng(1).uniform(-2, 2, (2, 2, H, W)).astype(np.float32)
    ways = (Motion(*pair) for pair in zip(drift, trust, strict=True))
    one = Between(Mock(brightened=np.ones((4 * H, 4 * W), np.float32)), *ways, 0.4)
    before, after = smoothed(1), smoothed(2)
    mixed = prediction_between(before, after, one)
    torch.testing.assert_close(mixed.map.sum(0), torch.ones(H, W))
    ab = colors_between(before.map[:2].numpy(), after.map[:2].numpy(), one)
    np.testing.assert_allclose(mixed.map[:2].numpy(), ab, atol=0.02)  # OpenCV's 1/32 pixels
    assert mixed.predicted is None
    assert mixed.past_share is not None
    assert (mixed.past_share == 1).all()
