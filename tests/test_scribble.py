import numpy as np
import pytest
import torch
from animation import PLAIN, decode, natural_picture, random_histogram, refine_scribble

from vidcolor.color.bins import decode_annealed_mean
from vidcolor.frame import Prediction
from vidcolor.refine.scribble import spread_colors


def squares(points: np.ndarray) -> np.ndarray:
    """A map's squares of 4 x 4 points, one a row."""
    h, w = (side // 4 for side in points.shape)
    return points.reshape(h, 4, w, 4).swapaxes(1, 2).reshape(h * w, 16)


def weighted_mean(lightness: np.ndarray, values: np.ndarray, y: int, x: int) -> np.ndarray:
    """The mean of the neighbors of (y, x), weighted by exp(-d^2 / s), one by one."""
    h, w = lightness.shape
    near = [(j, i) for j in range(max(y - 1, 0), min(y + 2, h))
            for i in range(max(x - 1, 0), min(x + 2, w))]  # fmt: skip
    variance = np.var([float(lightness[place]) for place in near])
    near.remove((y, x))
    scale = max(0.6 * variance, 4.0)
    weights = [np.exp(-((float(lightness[place]) - float(lightness[y, x])) ** 2) / scale)
               for place in near]  # fmt: skip
    return sum(w * values[:, *p] for w, p in zip(weights, near, strict=True)) / sum(weights)


def test_spread_colors_solve_the_stated_equations() -> None:
    """Seeds have their colors; every other point is the mean of its neighbors and its tie."""
    rng = np.random.default_rng(0)
    lightness = rng.uniform(20, 60, (9, 13)).astype(np.float32)
    seeds = rng.random((9, 13)) < 0.1
    colors, before = rng.normal(0, 30, (2, 2, 9, 13)).astype(np.float32)
    tie = rng.uniform(0, 0.9, (9, 13)).astype(np.float32)
    ab = spread_colors(lightness, seeds, colors, before, tie)
    np.testing.assert_allclose(ab[:, seeds], colors[:, seeds], atol=1e-5)
    for y, x in np.argwhere(~seeds):
        right = weighted_mean(lightness, ab, y, x) + tie[y, x] * before[:, y, x]
        np.testing.assert_allclose((1 + tie[y, x]) * ab[:, y, x], right, atol=1e-4)


def test_seeds_are_the_surest_of_each_square() -> None:
    """One seed in every 4 x 4 points, of least entropy; its color is its own histogram's."""
    histogram = random_histogram(natural_picture()[:90, :122])
    [frame] = refine_scribble([histogram], decode)
    seeds = frame.record["seeds"]
    plain = decode_annealed_mean(histogram.map, 1.0, PLAIN)
    entropy = plain.entropy[0].numpy()
    assert seeds.shape == frame.ab.shape[1:] == (23, 31)
    for y in range(0, 23, 4):
        for x in range(0, 31, 4):
            square = (slice(y, y + 4), slice(x, x + 4))
            assert entropy[square][seeds[square]].tolist() == [entropy[square].min()]
    np.testing.assert_allclose(frame.ab[:, seeds], plain.ab.numpy()[:, seeds], atol=1e-4)


def test_seeds_that_agree_color_the_whole_picture() -> None:
    """Where all seeds have one color there is no other, whatever the lightness does."""
    histogram = random_histogram(natural_picture())
    one = histogram.map[:, :1, :1].expand_as(histogram.map)
    [frame] = refine_scribble([Prediction(one, histogram.lightness)], decode)
    np.testing.assert_allclose(frame.ab, np.broadcast_to(frame.ab[:, :1, :1], frame.ab.shape),
                               atol=1e-4)  # fmt: skip


def test_a_seed_stays_until_another_is_clearly_surer() -> None:
    """On a still picture a square keeps its seed if no other point is surer by half a bit."""
    first, other = (random_histogram(natural_picture(), seed) for seed in range(2))
    mixed = torch.lerp(first.map, other.map, 0.3)
    shot = [first, Prediction(mixed, first.lightness)]
    before, now = (frame.record["seeds"] for frame in refine_scribble(shot, decode, memory=0.8))
    entropy = decode_annealed_mean(mixed, 1.0, PLAIN).entropy[0].numpy()
    lead = squares(np.where(before, entropy, 0)).sum(1) - squares(entropy).min(1)
    stays = (squares(before) & squares(now)).any(1)
    np.testing.assert_array_equal(stays, lead < 0.5 * 0.8)
    assert np.mean(~stays) > 0.05
    assert np.mean(stays & (lead > 0)) > 0.05


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (61, 90)])
def test_scribble_takes_any_size(shape: tuple[int, int]) -> None:
    """Sides that are no multiples of 4 or 16 give finite colors at the map's size."""
    lightness = np.random.default_rng(0).uniform(0, 100, shape)
    [frame] = refine_scribble([random_histogram(lightness)], decode)
    assert frame.ab.shape == (2, -(-shape[0] // 4), -(-shape[1] // 4))
    assert np.isfinite(frame.ab).all()


def test_scribbled_color_stops_at_an_edge() -> None:
    """Two seeds on the sides of an edge of 40 L* color them up to the edge; 2 of 100 leak."""
    lightness = np.full((20, 30), 30.0, np.float32)
    lightness[:, 15:] = 70
    seeds = np.zeros((20, 30), bool)
    seeds[10, 2] = seeds[10, 27] = True
    colors = np.where(np.arange(30) < 15, np.float32(-50), np.float32(50)) * np.ones((2, 20, 1))
    nothing = np.zeros((20, 30), np.float32)
    ab = spread_colors(lightness, seeds, colors.astype(np.float32), colors * 0, nothing)
    np.testing.assert_allclose(ab, colors, atol=2)


def test_scribble_is_tied_to_what_stays_and_not_to_what_moved() -> None:
    """Where the picture changed colors are new; where not, most of a sudden change is held back."""
    still = natural_picture()
    moved = still.copy()
    moved[:, :160] += np.where(still[:, :160] < 50, 40, -40)
    shot = [random_histogram(still, 0), random_histogram(moved, 1)]
    first, second = (frame.ab for frame in refine_scribble(shot, decode))
    [alone] = (frame.ab for frame in refine_scribble(shot[1:], decode))
    kept, new = np.s_[:, :, 45:], np.s_[:, :, :35]
    assert np.abs(second - first)[kept].mean() < 0.25 * np.abs(alone - first)[kept].mean()
    assert np.abs(second - alone)[new].mean() < 0.05 * np.abs(alone - first)[new].mean()
