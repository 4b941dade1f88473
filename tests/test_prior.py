import numpy as np
import pytest
import torch

from vidcolor.color.bins import BIN_CENTERS
from vidcolor.training.dataset import PictureStore
from vidcolor.training.prior import estimate_bin_prior


def two_pictures() -> PictureStore:
    """One neutral, one strongly blue."""
    pixels = np.zeros((2, 50, 50, 3), np.uint8)
    pixels[0] = 128
    pixels[1, :, :, 2] = 255
    return PictureStore(
        torch.from_numpy(pixels.ravel()),
        torch.tensor([0, 7500]),
        torch.tensor([[50, 50], [50, 50]]),
    )


def test_each_picture_has_its_share() -> None:
    """Half of the colors are counted near neutral, half near blue, and all sum to 1."""
    prior = estimate_bin_prior(two_pictures())
    near_neutral = BIN_CENTERS.norm(dim=1) < 25
    near_blue = (BIN_CENTERS - torch.tensor([79.0, -108.0])).norm(dim=1) < 25
    assert float(prior.sum()) == pytest.approx(1)
    assert float(prior[near_neutral].sum()) == pytest.approx(0.5, abs=1e-3)
    assert float(prior[near_blue].sum()) == pytest.approx(0.5, abs=1e-3)


def test_a_sample_is_drawn() -> None:
    """With a count of one only one of the two colors is found."""
    blue_share = estimate_bin_prior(two_pictures(), count=1)[BIN_CENTERS[:, 1] < -60].sum()
    assert min(blue_share, 1 - blue_share) < 1e-6
