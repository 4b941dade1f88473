import sys

import cv2
import numpy as np
import pytest
import torch

from vidcolor.color.lab import lab_from_srgb
from vidcolor.color.luv import uv_from_lab
from vidcolor.errors import VidcolorError
from vidcolor.evaluation.report_metrics import (
    LARGEST_ERROR,
    ErrorCounts,
    backtracked_grey_accuracy,
    dominant_channel_accuracy,
    huber_uv,
    neighborhood_accuracy,
    psnr_ab,
    rmse,
)
from vidcolor.evaluation.superpixels import average_over, find_superpixels


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    """Numbers from 0 to `scale`."""
    return scale * torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_uv_is_cieluv_s() -> None:
    """As OpenCV has it, which knows its white to four digits only."""
    srgb = random(3, 40, 50)
    theirs = cv2.cvtColor(srgb.movedim(0, -1).numpy(), cv2.COLOR_RGB2Luv)[..., 1:]
    found = uv_from_lab(lab_from_srgb(srgb)).movedim(0, -1).numpy()
    np.testing.assert_allclose(found, theirs, atol=0.15)


@pytest.mark.parametrize(
    ("srgb", "expected"),
    [
        ((1, 0, 0), (175.015, 37.756)),
        ((0, 1, 0), (-83.078, 107.399)),
        ((0, 0, 1), (-9.405, -130.342)),
    ],
)
def test_uv_of_the_primaries(srgb: tuple[int, ...], expected: tuple[float, float]) -> None:
    """As tables of sRGB under D65 have them; another white point would miss by more."""
    color = torch.tensor(srgb, dtype=torch.float32)[:, None, None]
    found = uv_from_lab(lab_from_srgb(color)).flatten().tolist()
    assert found == pytest.approx(expected, abs=0.03)


def test_uv_of_neutral_and_black_is_nothing() -> None:
    """No color has no u* and v*, also where there is no light to divide by."""
    grey = torch.linspace(0, 1, 20).expand(3, 1, 20)
    uv = uv_from_lab(lab_from_srgb(grey))
    assert uv.isfinite().all()
    assert uv.abs().max() < 1e-2


def test_rmse_and_psnr() -> None:
    """Known differences give the formula's numbers, whatever the channels' order."""
    truth = random(2, 5, 6, scale=50)
    off = truth + torch.tensor([3.0, -4.0])[:, None, None]
    assert rmse(off, truth).item() == pytest.approx(np.sqrt(12.5))
    assert psnr_ab(off, truth).item() == pytest.approx(20 * np.log10(255 / np.sqrt(12.5)))


def test_a_wrong_pixel_spoils_its_neighbors() -> None:
    """One of 7 x 6 that is off takes its four neighbors along, one in the corner only two."""
    truth = random(2, 7, 6, scale=50)
    inside, corner = truth.clone(), truth.clone()
    inside[0, 3, 3] += 10.5
    corner[1, 0, 0] -= 10.5
    assert neighborhood_accuracy(inside, truth).item() == pytest.approx(1 - 5 / 42)
    assert neighborhood_accuracy(corner, truth).item() == pytest.approx(1 - 3 / 42)
    assert neighborhood_accuracy(inside, truth, threshold=11).item() == 1
    assert neighborhood_accuracy(truth, truth, threshold=0).item() == 1


def test_the_strongest_channel() -> None:
    """Two of three superpixels have the true one."""
    truth = torch.tensor([[0.9, 0.1, 0.2], [0.2, 0.8, 0.1], [0.1, 0.3, 0.7]]).T
    colors = torch.tensor([[0.5, 0.4, 0.3], [0.6, 0.5, 0.3], [0.0, 0.1, 0.2]]).T
    assert dominant_channel_accuracy(colors, truth).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("weights", [(0.30, 0.59, 0.11), (1 / 3, 1 / 3, 1 / 3)])
def test_grey_again(weights: tuple[float, float, float]) -> None:
    """Colors within the threshold of the grey that they came from count, others not."""
    colors = random(3, 100)
    again = (torch.tensor(weights)[:, None] * colors).sum(0)
    grey = again + torch.where(torch.arange(100) < 30, 0.051, 0.049)
    assert backtracked_grey_accuracy(colors, grey, weights).item() == pytest.approx(0.7)


def test_huber_is_square_then_straight() -> None:
    """Half the square up to 1, one less a half beyond."""
    truth = torch.zeros(2, 1, 1)
    assert huber_uv(torch.tensor([0.5, 3.0])[:, None, None], truth).item() == pytest.approx(
        (0.125 + 2.5) / 2
    )


def test_areas_under_the_curves() -> None:
    """Against NumPy, pixel by pixel, over two pictures."""
    counts = ErrorCounts()
    distances, classes = [], []
    for seed in (1, 2):
        truth = random(2, 20, 30, seed=seed, scale=60).round() - 30
        ab = truth + random(2, 20, 30, seed=seed + 10, scale=80) - 40
        counts.add(ab, truth)
        distances.append(np.sqrt(np.square((ab - truth).double().numpy()).sum(0)).ravel())
        classes.append((10 * np.round(truth.numpy() / 10)).reshape(2, -1))
    distance, (a, b) = np.concatenate(distances), np.concatenate(classes, axis=1)
    thresholds = np.arange(LARGEST_ERROR + 1)
    raw = (distance[:, None] <= thresholds).mean(0)
    np.testing.assert_allclose(counts.curve(), raw, atol=1e-9)
    assert counts.auc() == pytest.approx(np.trapezoid(raw) / LARGEST_ERROR)
    assert counts.pictures == pytest.approx([one.mean() for one in distances], rel=1e-5)
    # Ties between bins are in the middle of their edge; where there are none classes are the cells.
    single = ErrorCounts()
    truth = torch.stack([10 * (random(16, 16) * 3).floor(), torch.zeros(16, 16)])
    ab = truth + random(2, 16, 16, seed=3, scale=20)
    single.add(ab, truth)
    error, kind = (ab - truth).square().sum(0).sqrt().numpy(), truth[0].numpy()
    shares = [(error[kind == k][:, None] <= thresholds).mean(0) for k in np.unique(kind)]
    np.testing.assert_allclose(single.curve(balanced=True), np.mean(shares, axis=0), atol=1e-9)
    assert (a != b).any()


def test_superpixels_cover_the_picture_and_keep_to_its_edges() -> None:
    """Numbers without gaps; none lies on both sides of a strong edge; means are those of NumPy."""
    srgb = torch.cat([random(3, 40, 30) / 10, 0.9 + random(3, 40, 30) / 10], dim=2)
    labels = find_superpixels(srgb, 24)
    count = int(labels.max()) + 1
    assert set(labels.flatten().tolist()) == set(range(count))
    assert 12 <= count <= 48
    left, right = set(labels[:, :29].flatten().tolist()), set(labels[:, 31:].flatten().tolist())
    assert not left & right
    means = average_over(labels, srgb).numpy()
    for number in (0, count - 1):
        inside = srgb[:, labels == number].double().numpy()
        np.testing.assert_allclose(means[:, number], inside.mean(1), rtol=1e-5)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named, in one line."""
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(VidcolorError, match="pip install scikit-image"):
        find_superpixels(random(3, 8, 8), 4)
