import cv2
import numpy as np
import pytest
import torch
from animation import (
    BINS,
    HEIGHT,
    WIDTH,
    animation,
    cel,
    decode,
    natural_picture,
    random_histogram,
    refine_flood,
)

from vidcolor.refine.flood import pool_histograms
from vidcolor.refine.refined import Refined
from vidcolor.refine.regions import even_lightness, flood_regions


@pytest.fixture(scope="module", params=[0.0, 2.0], ids=["clean", "grain"])
def flooded(request: pytest.FixtureRequest) -> list[Refined]:
    """The animation's 50 frames, refined."""
    return list(refine_flood(animation(50, request.param), decode))


def flood_labels(lightness: np.ndarray, threshold: float = 3.0) -> np.ndarray:
    """The regions of a picture of [0, 100], not stretched or smoothed."""
    return flood_regions(lightness.astype(np.float32), threshold).labels


def test_each_part_of_an_animation_is_one_region(flooded: list[Refined]) -> None:
    """Every part is one region on over 98 % of its pixels, ink and grain making no others."""
    for t, frame in enumerate(flooded):
        labels, parts = frame.record["labels"], cel(t).parts
        mains = set()
        for part in range(len(BINS)):
            numbers, counts = np.unique(labels[(parts == part) & ~cel(t).ink], return_counts=True)
            assert counts.max() > 0.98 * counts.sum()
            mains.add(numbers[counts.argmax()])
        assert mains == set(np.unique(labels))
        assert len(mains) == len(BINS)


def test_each_part_of_an_animation_has_one_color(flooded: list[Refined]) -> None:
    """Over 98 % of a part's pixels have the same color to 1 unit of ab, in every frame."""
    for t, frame in enumerate(flooded):
        for part in range(len(BINS)):
            ab = frame.ab[:, (cel(t).parts == part) & ~cel(t).ink]
            off = np.hypot(*(ab - np.median(ab, axis=1, keepdims=True)))
            assert (off < 1).mean() > 0.98


def test_a_part_keeps_its_color(flooded: list[Refined]) -> None:
    """After ten frames no part's color leaves a square of 3 units of ab, while it moves."""
    colors = [
        [np.median(frame.ab[:, cel(t).parts == part], axis=1) for part in range(len(BINS))]
        for t, frame in enumerate(flooded)
    ]
    assert np.ptp(colors[10:], axis=0).max() < 3


def test_a_part_keeps_its_number(flooded: list[Refined]) -> None:
    """In all 50 frames each part has the number that it had in the first."""
    for part in range(len(BINS)):
        seen = {
            int(np.bincount(frame.record["labels"][cel(t).parts == part]).argmax())
            for t, frame in enumerate(flooded)
        }
        assert len(seen) == 1


def test_ink_takes_a_color_beside_it(flooded: list[Refined]) -> None:
    """The ground's line, far from all else, has the sky's color or the ground's."""
    for frame in flooded[:10]:
        sky, ground = frame.ab[:, 5, 300], frame.ab[:, 250, 100]
        line = frame.ab[:, 158:163, 160:240].reshape(2, -1).T
        off = np.minimum(np.abs(line - sky).max(1), np.abs(line - ground).max(1))
        assert off.max() < 1


def test_pooling_is_the_mean_over_the_area() -> None:
    """Each region's histogram equals a sum over its pixels one by one, sides not multiples of 4."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, (22, 31)).astype(np.int32)
    histogram = random_histogram(np.zeros((22, 31)))
    pooled = pool_histograms(histogram.map, labels)
    for region in range(5):
        pixels = np.argwhere(labels == region)
        total = sum(histogram.map[:, y // 4, x // 4].double() for y, x in pixels)
        np.testing.assert_allclose(pooled[region], total / len(pixels), atol=1e-7)


def test_a_frame_alone_has_the_decoded_means() -> None:
    """The first frame's color of a region is what its pooled histogram decodes to, exactly."""
    [frame] = refine_flood(animation(1), decode)
    labels = frame.record["labels"]
    pooled = pool_histograms(frame.histogram.map, labels - 1)
    expected = decode(torch.from_numpy(pooled.T[:, None].copy()))[:, 0].numpy()
    np.testing.assert_allclose(frame.ab, expected[:, labels - 1], atol=1e-5)


@pytest.mark.parametrize(("step", "count"), [(2.9, 1), (3.1, 2)])
def test_a_step_beyond_the_threshold_parts_two_regions(step: float, count: int) -> None:
    """Halves join up to a difference of the threshold."""
    lightness = np.full((64, 64), 50.0)
    lightness[:, 32:] += step
    labels = flood_labels(lightness, 3)
    assert len(np.unique(labels)) == count
    assert len(np.unique(labels[:, :32])) == 1


def test_a_gradient_is_cut_into_bands() -> None:
    """A slow gradient over 40 units is no one region, and none spans over twice the threshold."""
    gradient = np.tile(np.linspace(30, 70, 320), (64, 1))
    labels = flood_labels(gradient, 3)
    spans = [np.ptp(gradient[labels == region]) for region in range(labels.max() + 1)]
    assert len(spans) >= 40 / 6
    assert max(spans) <= 6 + 1e-4


def test_diagonals_do_not_join() -> None:
    """Squares of one lightness that touch at a corner alone are two regions."""
    lightness = np.full((64, 64), 20.0)
    lightness[:32, :32] = lightness[32:, 32:] = 80
    assert flood_labels(lightness).max() == 3


@pytest.mark.parametrize("shape", [(256, 352), (5, 7), (1, 1), (61, 90)])
def test_a_constant_picture_is_one_region(shape: tuple[int, int]) -> None:
    """Pictures of one lightness have one region and one color, of any size."""
    [frame] = refine_flood([random_histogram(np.full(shape, 37.0))], decode)
    assert np.all(frame.record["labels"] == 1)
    assert frame.ab.shape == (2, *shape)
    assert np.all(frame.ab == frame.ab[:, :1, :1])


def test_blank_film_is_one_region() -> None:
    """A picture of nothing but grain is not stretched until the grain makes regions."""
    grain = np.random.default_rng(0).normal(0, 2, (HEIGHT, WIDTH)).astype(np.float32)
    assert flood_regions(even_lightness(50 + grain)[0], 3.0).labels.max() == 0


def test_a_spot_vanishes_into_what_is_round_it() -> None:
    """A square of 5 pixels and a line of 4 are no regions; a square of 6 is one."""
    lightness = np.full((64, 64), 70.0)
    lightness[10:15, 10:15] = lightness[:, 40:44] = 20
    labels = flood_labels(lightness)
    assert len(np.unique(labels)) == 2  # left and right of the line
    lightness[30:36, 10:16] = 20
    assert len(np.unique(flood_labels(lightness))) == 3


def test_texture_is_not_taken_by_far_regions() -> None:
    """A wide noisy field beside a flat one gets a region of its own, up to their border."""
    lightness = np.full((96, 128), 80.0)
    lightness[:, 64:] = np.random.default_rng(0).uniform(10, 50, (96, 64))
    labels = flood_labels(lightness)
    assert len(np.unique(labels[:, :61])) == 1
    assert not np.any(labels[:, 70:] == labels[0, 0])


def test_grain_leaves_no_speckle() -> None:
    """With grain of 2 L* no pixel of a natural picture is alone among 8 others of one region."""
    grain = np.random.default_rng(1).normal(0, 2, (HEIGHT, WIDTH))
    lightness = (natural_picture() + grain).clip(0, 100).astype(np.float32)
    labels = flood_regions(even_lightness(lightness)[0], 3.0).labels
    areas = [
        cv2.connectedComponentsWithStats((labels == region).astype(np.uint8), connectivity=4)[2]
        for region in range(labels.max() + 1)
    ]
    specks = sum(int((area[1:, cv2.CC_STAT_AREA] < 4).sum()) for area in areas)
    assert specks < 20
    assert labels.max() < 400


def test_a_region_is_blended_with_its_match() -> None:
    """On a still flat picture the histogram at frame t is the mean of all so far, fading by age."""
    flat = np.full((64, 64), 50.0)
    shot = [random_histogram(flat, seed) for seed in range(5)]
    shown = [frame.ab[:, 0, 0] for frame in refine_flood(shot, decode, memory=0.5)]
    pooled = [one.map.mean((1, 2)) for one in shot]
    expected = decode(pooled[0][:, None, None])[:, 0, 0].numpy()
    for t, ab in enumerate(shown):
        weights = [0.5 ** (t - i) for i in range(t + 1)]
        mean = sum(w * p for w, p in zip(weights, pooled, strict=False)) / sum(weights)
        color = decode(mean[:, None, None])[:, 0, 0].numpy()
        expected = color if t == 0 else (expected + color) / 2  # faded over, as well
        np.testing.assert_allclose(ab, expected, atol=1e-3)


def test_what_comes_in_before_another_starts_anew() -> None:
    """A dark square that appears on a bright ground takes nothing from the ground's past."""
    ground = np.full((64, 64), 80.0, np.float32)
    entered = ground.copy()
    entered[16:48, 16:48] = 20
    shot = [random_histogram(ground, seed) for seed in range(6)] + [random_histogram(entered, 9)]
    last = list(refine_flood(shot, decode))[-1]
    [alone] = refine_flood(shot[-1:], decode)
    np.testing.assert_array_equal(last.ab[:, 32, 32], alone.ab[:, 32, 32])
    labels = last.record["labels"]
    assert labels[0, 0] == 1
    assert labels[32, 32] == 2


def test_a_part_that_splits_off_gets_a_number_of_its_own() -> None:
    """A wall through a region leaves the number with the larger piece."""
    whole = np.full((64, 64), 60.0, np.float32)
    split = whole.copy()
    split[:, 20:28] = 10
    frames = list(refine_flood([random_histogram(whole), random_histogram(split)], decode))
    labels = frames[1].record["labels"]
    assert labels[0, 60] == 1
    assert sorted({int(labels[0, 0]), int(labels[0, 24])}) == [2, 3]
