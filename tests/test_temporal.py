from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch

from vidcolor.frame import Prediction
from vidcolor.settings import TemporalSettings
from vidcolor.temporal.smoothing import LOOK_AHEAD, smooth_histograms

BINS, H, W = 7, 12, 16


def histogram(seed: int, lightness: np.ndarray | None = None) -> Prediction:
    """A random histogram of a picture, by default the same textured one for every seed."""
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.softmax(torch.randn(BINS, H, W, generator=generator), dim=0)
    texture = np.random.default_rng(0).uniform(20, 80, (4 * H, 4 * W)).astype(np.float32)
    return Prediction(probabilities, texture if lightness is None else lightness)


def smooth(shot: list[Prediction], smoothing: float = 0.85) -> list[torch.Tensor]:
    """The smoothed probabilities of each frame of a shot."""
    settings = TemporalSettings(smoothing=smoothing)
    return [one.map for one in smooth_histograms(shot, settings)]


def test_without_smoothing_nothing_changes() -> None:
    """With smoothing 0 every histogram comes out bit for bit."""
    shot = [histogram(i) for i in range(4)]
    for one, out in zip(shot, smooth(shot, 0), strict=True):
        assert torch.equal(one.map, out)


@pytest.mark.parametrize("frames", [1, 2, 6, LOOK_AHEAD, LOOK_AHEAD + 5])
def test_a_still_picture_gives_a_weighted_mean(frames: int) -> None:
    """Each frame adds itself to a fading sum, which begins with the frames looked ahead to."""
    shot = [histogram(i) for i in range(frames)]
    total, weight = torch.zeros(BINS, H, W), 0.0
    for one in shot[1:LOOK_AHEAD][::-1]:
        total, weight = 0.7 * total + one.map, 0.7 * weight + 1
    for one, out in zip(shot, smooth(shot, 0.7), strict=True):
        total, weight = 0.7 * total + one.map, 0.7 * weight + 1
        assert torch.allclose(out, total / weight, atol=1e-5)


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
    fresh = shot[1].map
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
    single = shot[-1].map - 1 / BINS
    spread = (smooth(shot)[-1] - 1 / BINS).std() / single.std()
    assert spread < 0.43  # A mean of 0.85's effective length, 12 frames, has 0.29.


def test_one_comes_out_as_each_goes_in() -> None:
    """Only a shot's first frames wait for others, and what came out does not change any more."""
    asked: list[int] = []

    def shot() -> Iterator[Prediction]:
        for i in range(LOOK_AHEAD + 4):
            asked.append(i)
            yield histogram(i)

    kept = []
    for t, out in enumerate(smooth_histograms(shot(), TemporalSettings())):
        assert len(asked) == max(t + 1, LOOK_AHEAD)
        kept.append((out.map, out.map.clone()))
    for now, then in kept:
        assert torch.equal(now, then)


def test_a_new_call_remembers_nothing() -> None:
    """The first frame of a shot is its own histogram, whatever was smoothed before."""
    smooth([histogram(i) for i in range(5)])
    first = histogram(9)
    assert torch.equal(smooth([first])[0], first.map)
    assert smooth([]) == []


def test_what_is_new_is_remembered_in_turn() -> None:
    """A pixel that changed once is smoothed again as long as its new picture stays."""
    still = histogram(0).lightness
    moved = still.copy()
    moved[:, :24] += 50
    shot = [histogram(0), *(histogram(i, moved) for i in range(1, 4))]
    last = smooth(shot, 0.5)[-1]
    weighted = sum(w * shot[i].map for i, w in ((1, 0.25), (2, 0.5), (3, 1)))
    assert torch.allclose(last[:, :, :4], weighted[:, :, :4] / 1.75, atol=1e-5)


def moving_shot(frames: int, step: int, noise: float) -> tuple[list[Prediction], list[int]]:
    """A textured picture that moves to the right by `step` map pixels a frame, over new ground.

    Its histograms are those of things that move with it, with noise of their own in each frame;
    beside it how far it has gone, in map pixels.
    """
    rng = np.random.default_rng(5)
    width = W + frames * abs(step)
    wide = cv2.GaussianBlur(
        rng.uniform(-400, 500, (4 * H, 4 * width)).astype(np.float32), (0, 0), 3
    )
    true = rng.dirichlet(np.full(BINS, 0.3), (H, width)).astype(np.float32)
    shot = []
    for t in range(frames):
        left = (frames - t) * step
        noisy = true[:, left : left + W] + noise * rng.uniform(0, 1, (H, W, BINS))
        probabilities = torch.from_numpy(noisy / noisy.sum(-1, keepdims=True)).float()
        lightness = np.clip(wide[:, 4 * left : 4 * (left + W)] + 50, 0, 100)
        shot.append(Prediction(probabilities.movedim(-1, 0), np.ascontiguousarray(lightness)))
    return shot, [t * step for t in range(frames)]


def spread(out: torch.Tensor, before: torch.Tensor, step: int) -> float:
    """How much predictions changed on things that moved by `step` pixels, away from the edges."""
    return float((out[:, 3:-3, 3 + step : -3] - before[:, 3:-3, 3 : W - 3 - step]).std())


def test_the_past_goes_along_with_what_moves() -> None:
    """In a pan of two map pixels a frame colors hold still on things, not on the screen."""
    shot, _ = moving_shot(14, 2, noise=0.4)
    still = TemporalSettings(motion=False)
    moved = smooth(shot, 0.9)
    unmoved = [one.map for one in smooth_histograms(shot, still)]
    alone = spread(shot[-1].map, shot[-2].map, 2)
    assert spread(moved[-1], moved[-2], 2) < 0.3 * alone
    assert spread(unmoved[-1], unmoved[-2], 2) > 0.6 * alone


def test_what_comes_into_sight_is_new() -> None:
    """At the edge where a pan uncovers things they get their own histogram."""
    shot, _ = moving_shot(14, 2, noise=0)
    last = list(smooth_histograms(shot, TemporalSettings()))[-1]
    assert last.weight is not None
    assert last.weight[:, 0].max() < 1.4
    assert np.median(last.weight[:, 4:]) > 2.5
    fresh = shot[-1].map
    assert torch.allclose(last.map[:, :, 0], fresh[:, :, 0], atol=0.35)


def test_two_channels_are_smoothed_alike() -> None:
    """A map of a* and b*, which sums to nothing, goes through the same."""
    shot = [
        Prediction(torch.full((2, H, W), float(value)), histogram(0).lightness)
        for value in (10, 30)
    ]
    assert smooth(shot, 0.5)[1].unique().numel() == 1
    assert 10 < smooth(shot, 0.5)[1][0, 0, 0] < 30


def test_a_histogram_tells_what_was_done_to_it() -> None:
    """Prediction, share of the past and motion come along; without smoothing there are none."""
    shot = [histogram(i) for i in range(3)]
    made = list(smooth_histograms(shot, TemporalSettings()))
    for one, out in zip(shot, made, strict=True):
        assert out.predicted is one.map
        assert out.weight is not None
        assert out.motion is not None
        assert out.motion.trust.shape == out.weight.shape == (H, W)
    (alone,) = smooth_histograms(shot[:1], TemporalSettings())
    assert alone.motion is None
    assert alone.weight is not None
    assert (alone.weight == 1).all()
    assert next(smooth_histograms(shot, TemporalSettings(smoothing=0))).predicted is None


def test_a_shot_begins_with_what_is_recalled() -> None:
    """On a still picture the earlier shot's weight fades once more and counts beside the new."""
    earlier = [histogram(i) for i in range(20, 24)]
    settings = TemporalSettings(smoothing=0.7)
    recalled = list(smooth_histograms(earlier, settings))[-1]
    assert recalled.weight is not None
    (out,) = smooth_histograms([histogram(0)], settings, recalled)
    past = 0.7 * float(recalled.weight.mean())
    mean = (past * recalled.map + histogram(0).map) / (past + 1)
    assert torch.allclose(out.map, mean, atol=1e-5)
    assert out.weight is not None
    assert out.weight == pytest.approx(past + 1)


def test_nothing_is_recalled_for_what_is_new_in_the_picture() -> None:
    """Where the picture is another than the earlier shot's, it begins alone."""
    still = histogram(0).lightness
    other = still.copy()
    other[:, :24] += 50
    (recalled,) = smooth_histograms([histogram(1)], TemporalSettings())
    (out,) = smooth_histograms([histogram(0, other)], TemporalSettings(), recalled)
    fresh = histogram(0).map
    assert torch.allclose(out.map[:, :, :5], fresh[:, :, :5], atol=1e-3)
    assert (out.map - fresh)[:, :, 10:].abs().max() > 0.05
