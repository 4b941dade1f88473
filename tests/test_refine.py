from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import pytest
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding, decode_annealed_mean
from vidcolor.frame import Prediction
from vidcolor.refine.flood import Flood, pool_histograms
from vidcolor.refine.refined import Decode, Refined
from vidcolor.refine.regions import even_lightness, flood_regions
from vidcolor.refine.scribble import Scribble, spread_colors
from vidcolor.settings import RefineSettings


def refine_flood(
    histograms: Iterable[Prediction], decode: Decode, memory: float = 0.85
) -> Iterator[Refined]:
    """A shot's frames, flooded."""
    return map(Flood(decode, threshold=RefineSettings().threshold, memory=memory), histograms)


def refine_scribble(
    histograms: Iterable[Prediction], decode: Decode, memory: float = 0.85
) -> Iterator[Refined]:
    """A shot's frames, scribbled."""
    return map(Scribble(decode, memory=memory), histograms)


HEIGHT, WIDTH = 256, 352
INK = 8.0
# Each part's L* and bin. The ball's halves have one lightness and are told apart by ink alone.
SKY, GROUND, LEFT, RIGHT, BOX, LID = range(6)
LIGHTNESS = np.array([85, 60, 72, 72, 40, 52], np.float32)
BINS = np.array([140, 170, 250, 90, 20, 280])

PLAIN = Decoding(rebalancing_weight=torch.ones(BIN_COUNT))


def decode(probabilities: torch.Tensor) -> torch.Tensor:
    """The colors of histograms by the paper's annealed mean."""
    return decode_annealed_mean(probabilities, 1.0, PLAIN).ab


class Cel(NamedTuple):
    """A frame of the animation: its L*, which part each pixel belongs to, and what is inked."""

    lightness: np.ndarray
    parts: np.ndarray
    ink: np.ndarray


class Refine(Protocol):
    """Either way to refine."""

    def __call__(  # noqa: D102
        self, histograms: Iterable[Prediction], decode: Decode, *, memory: float = ...
    ) -> Iterator[Refined]: ...


@cache
def cel(t: int) -> Cel:
    """A ball that rolls up and down to the right and a box that slides to the left, all inked."""
    parts = np.full((HEIGHT, WIDTH), SKY, np.uint8)
    parts[160:] = GROUND
    ink = np.zeros_like(parts)
    cv2.line(ink, (0, 160), (WIDTH, 160), 1, 2)
    center, left = (60 + 2 * t, 100 + int(20 * np.sin(t / 5))), 270 - t
    top, bottom = (center[0], center[1] - 45), (center[0], center[1] + 45)
    box, lid = ((left, 150), (left + 60, 230)), ((left - 6, 132), (left + 66, 150))
    for picture, shown in ((parts, (LEFT, RIGHT, BOX, LID)), (ink, (0, 0, 0, 0))):
        cv2.ellipse(picture, center, (45, 45), 0, 90, 270, shown[0], -1)
        cv2.ellipse(picture, center, (45, 45), 0, -90, 90, shown[1], -1)
        cv2.rectangle(picture, *box, shown[2], -1)
        cv2.rectangle(picture, *lid, shown[3], -1)
    cv2.circle(ink, center, 45, 1, 3)
    cv2.line(ink, top, bottom, 1, 2)
    cv2.rectangle(ink, *box, 1, 2)
    cv2.rectangle(ink, *lid, 1, 3)
    return Cel(np.where(ink, np.float32(INK), LIGHTNESS[parts]), parts, ink > 0)


def noisy_histogram(parts: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Half of each histogram on the bin of the part that most of its pixels show, or any bin."""
    h, w = parts.shape[0] // 4, parts.shape[1] // 4
    shares = [(parts == part).reshape(h, 4, w, 4).sum((1, 3)) for part in range(len(BINS))]
    bins = BINS[np.argmax(shares, 0)]
    bins = np.where(rng.random((h, w)) < 0.1, rng.integers(0, BIN_COUNT, (h, w)), bins)
    probabilities = rng.random((BIN_COUNT, h, w), np.float32) ** 8
    probabilities *= 0.5 / probabilities.sum(0)
    probabilities[bins, *np.indices((h, w))] += 0.5
    return torch.from_numpy(probabilities)


def animation(count: int, grain: float = 0.0) -> Iterator[Prediction]:
    """Frames of the animation, noise and grain new in each."""
    rng = np.random.default_rng(0)
    for t in range(count):
        drawn = cel(t)
        grained = drawn.lightness + rng.normal(0, grain, drawn.lightness.shape)
        lightness = grained.clip(0, 100).astype(np.float32)
        yield Prediction(noisy_histogram(drawn.parts, rng), lightness)


@pytest.fixture(scope="module", params=[0.0, 2.0], ids=["clean", "grain"])
def flooded(request: pytest.FixtureRequest) -> list[Refined]:
    """The animation's 50 frames, refined."""
    return list(refine_flood(animation(50, request.param), decode))


def random_histogram(lightness: np.ndarray, seed: int = 0) -> Prediction:
    """A random histogram for each 4 x 4 pixels of a picture, fewer at its right and lower edge."""
    h, w = (-(-side // 4) for side in lightness.shape)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(BIN_COUNT, h, w, generator=generator).mul(3)
    return Prediction(logits.softmax(0), lightness.astype(np.float32))


def change(maps: list[np.ndarray]) -> float:
    """Mean change of color from a frame to the next, after the first six."""
    steps = [np.hypot(*(after - before)).mean() for before, after in pairwise(maps[6:])]
    return float(np.mean(steps))


def squares(points: np.ndarray) -> np.ndarray:
    """A map's squares of 4 x 4 points, one a row."""
    h, w = (side // 4 for side in points.shape)
    return points.reshape(h, 4, w, 4).swapaxes(1, 2).reshape(h * w, 16)


def flood_labels(lightness: np.ndarray, threshold: float = 3.0) -> np.ndarray:
    """The regions of a picture of [0, 100], not stretched or smoothed."""
    return flood_regions(lightness.astype(np.float32), threshold).labels


def natural_picture(seed: int = 0) -> np.ndarray:
    """L* with soft shapes of all sizes and some hard edges."""
    rng = np.random.default_rng(seed)
    octaves = [(0.6 ** (6 - n), cv2.resize(rng.random((2**n, 2**n)), (WIDTH, HEIGHT))) for n in
               range(2, 7)]  # fmt: skip
    soft = sum((1 - weight) * octave for weight, octave in octaves)
    soft = 10 + 80 * (soft - soft.min()) / np.ptp(soft)
    soft[60:140, 200:300] = 20
    return soft.astype(np.float32)


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


@pytest.mark.parametrize(("refine", "share"), [(refine_flood, 0.05), (refine_scribble, 0.1)])
def test_a_still_picture_holds_still(refine: Refine, share: float) -> None:
    """Under new grain and new random histograms each frame, colors change by a small share."""
    rng = np.random.default_rng(2)
    still = natural_picture()
    shot = [
        random_histogram((still + rng.normal(0, 2, still.shape)).clip(0, 100), seed)
        for seed in range(12)
    ]
    fresh = change([decode(one.map).numpy() for one in shot])
    assert change([frame.ab for frame in refine(shot, decode)]) < share * fresh


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_one_comes_out_as_each_goes_in(refine: Refine) -> None:
    """There is no look-ahead; the histogram is handed on, and what came out stays as it was."""
    asked = []

    def shot() -> Iterator[Prediction]:
        for one in animation(3):
            asked.append(one)
            yield one

    kept = []
    for t, frame in enumerate(refine(shot(), decode)):
        assert len(asked) == t + 1
        assert frame.histogram is asked[t]
        kept.append((frame.ab, frame.ab.copy()))
    assert len(kept) == 3
    assert all(np.array_equal(now, then) for now, then in kept)


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_the_same_shot_gives_the_same_bytes(refine: Refine) -> None:
    """Nothing is left over from a shot before: a second run is equal bit for bit."""
    first, second = (list(refine(animation(4, 2), decode)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.ab.tobytes() == other.ab.tobytes()
        for name, value in one.record.items():
            np.testing.assert_array_equal(value, other.record[name])


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_a_shot_may_be_empty(refine: Refine) -> None:
    """No frames in, none out."""
    assert list(refine([], decode)) == []


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_without_memory_every_frame_is_the_first(refine: Refine) -> None:
    """With memory 0 a frame's colors are those that it has alone."""
    shot = list(animation(3))
    for one, frame in zip(shot, refine(shot, decode, memory=0), strict=True):
        [alone] = refine([one], decode)
        np.testing.assert_allclose(frame.ab, alone.ab, atol=1e-4)


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


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_flicker_of_the_whole_picture_changes_nothing(refine: Refine) -> None:
    """A frame that is brighter all over is refined as if it were not."""
    shot = [random_histogram(natural_picture(), seed) for seed in range(2)]
    brighter = Prediction(shot[1].map, shot[1].lightness + 8)
    _, steady = refine(shot, decode)
    _, flickering = refine([shot[0], brighter], decode)
    off = np.hypot(*(steady.ab - flickering.ab))
    assert np.quantile(off, 0.98) < 0.5


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
