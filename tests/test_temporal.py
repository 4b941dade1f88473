from collections.abc import Iterator

import numpy as np
import pytest
import torch

from vidcolor.frame import ColorHistogram
from vidcolor.settings import TemporalSettings
from vidcolor.temporal import smooth_histograms

BINS, H, W = 7, 12, 16


def histogram(seed: int, lightness: np.ndarray | None = None) -> ColorHistogram:
    """A random histogram of a picture, by default the same textured one for every seed."""
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.softmax(torch.randn(BINS, H, W, generator=generator), dim=0)
    texture = np.random.default_rng(0).uniform(20, 80, (4 * H, 4 * W)).astype(np.float32)
    return ColorHistogram(probabilities, texture if lightness is None else lightness)


def smooth(shot: list[ColorHistogram], smoothing: float = 0.85) -> list[torch.Tensor]:
    """The smoothed probabilities of each frame of a shot."""
    settings = TemporalSettings(smoothing=smoothing)
    return [one.probabilities for one in smooth_histograms(shot, settings)]


def test_without_smoothing_nothing_changes() -> None:
    """With smoothing 0 every histogram comes out bit for bit."""
    shot = [histogram(i) for i in range(4)]
    for one, out in zip(shot, smooth(shot, 0), strict=True):
        assert torch.equal(one.probabilities, out)


def test_a_still_picture_gives_the_weighted_mean_of_its_past() -> None:
    """Frame t of a still shot is the mean of frames 0 to t, each past one weighted by its age."""
    shot = [histogram(i) for i in range(6)]
    for t, out in enumerate(smooth(shot, 0.7)):
        weights = [0.7 ** (t - i) for i in range(t + 1)]
        total = sum(w * one.probabilities for w, one in zip(weights, shot, strict=False))
        assert torch.allclose(out, total / sum(weights), atol=1e-6)


def test_probabilities_still_sum_to_one() -> None:
    """After many frames of a changing picture the sums are 1 to float precision."""
    rng = np.random.default_rng(1)
    shot = [
        histogram(i, rng.uniform(40, 60, (4 * H, 4 * W)).astype(np.float32)) for i in range(200)
    ]
    last = smooth(shot)[-1]
    assert torch.allclose(last.sum(dim=0), torch.ones(H, W), atol=1e-5)
    assert last.min() >= 0


def test_what_changed_starts_anew_and_the_rest_remembers() -> None:
    """A new object takes its own histogram at once; the still part of the frame is smoothed."""
    still = histogram(0).lightness
    moved = still.copy()
    moved[:, :24] += 50  # the left six columns of the map
    shot = [histogram(0), histogram(1, moved)]
    _, out = smooth(shot)
    fresh = shot[1].probabilities
    assert torch.allclose(out[:, :, :5], fresh[:, :, :5], atol=1e-3)
    assert (out - fresh)[:, :, 10:].abs().max() > 0.05


@pytest.mark.parametrize("flicker", [12.0, -12.0])
def test_flicker_of_the_whole_picture_keeps_the_memory(flicker: float) -> None:
    """A frame that is brighter or darker all over is smoothed as if it were not."""
    still = histogram(0).lightness
    steady = smooth([histogram(0), histogram(1)])[1]
    flickering = smooth([histogram(0), histogram(1, still + np.float32(flicker))])[1]
    assert torch.allclose(flickering, steady, atol=1e-5)


def test_grain_keeps_the_memory() -> None:
    """Grain of 5 L* that is new in each frame takes little from the memory of a still picture."""
    rng = np.random.default_rng(2)
    still = histogram(0).lightness
    shot = [
        histogram(i, (still + rng.normal(0, 5, still.shape)).astype(np.float32)) for i in range(30)
    ]
    single = shot[-1].probabilities - 1 / BINS
    spread = (smooth(shot)[-1] - 1 / BINS).std() / single.std()
    assert spread < 0.4  # A mean of 0.85's effective length, 12 frames, has 0.29.


def test_one_comes_out_as_each_goes_in() -> None:
    """There is no look-ahead, and what came out does not change any more."""
    asked = []

    def shot() -> Iterator[ColorHistogram]:
        for i in range(4):
            asked.append(i)
            yield histogram(i)

    kept = []
    for t, out in enumerate(smooth_histograms(shot(), TemporalSettings())):
        assert asked == list(range(t + 1))
        kept.append((out.probabilities, out.probabilities.clone()))
    for now, then in kept:
        assert torch.equal(now, then)


def test_a_new_call_remembers_nothing() -> None:
    """The first frame of a shot is its own histogram, whatever was smoothed before."""
    smooth([histogram(i) for i in range(5)])
    first = histogram(9)
    assert torch.equal(smooth([first])[0], first.probabilities)
    assert smooth([]) == []


def test_what_is_new_is_remembered_in_turn() -> None:
    """A pixel that changed once is smoothed again as long as its new picture stays."""
    still = histogram(0).lightness
    moved = still.copy()
    moved[:, :24] += 50
    shot = [histogram(0), *(histogram(i, moved) for i in range(1, 4))]
    last = smooth(shot, 0.5)[-1]
    weighted = sum(w * shot[i].probabilities for i, w in ((1, 0.25), (2, 0.5), (3, 1)))
    assert torch.allclose(last[:, :, :4], weighted[:, :, :4] / 1.75, atol=1e-5)
