import weakref
from itertools import groupby
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vidcolor.video.shots import WINDOW, number_shots, small_luma

CLIPS = Path(__file__).parents[2] / "shared" / "clips"
CUTS = {
    "archive/abomb_1950s_army.mp4": [44, 134, 299],
    "archive/edison_1899_coaches.mpg": [],
    "colour/autumn_deer_cuts.mp4": [30, 180],
    "colour/bikes_amsterdam_cuts.mp4": [30, 76, 137, 187, 242],
    "colour/davis_parkour.mp4": [],
    "colour/goldeneye_cuts_vfr.mp4": [60, 140],
    "colour/rally_car_snow.mp4": [],
}


def scene(seed: int) -> np.ndarray:
    """A soft random picture."""
    noise = np.random.default_rng(seed).uniform(0, 255, (12, 16)).astype(np.float32)
    return cv2.resize(noise, (128, 96), interpolation=cv2.INTER_CUBIC)


def film(*runs: tuple[int, int]) -> list[np.ndarray]:
    """A film of runs (scene, frames) with a little grain."""
    rng = np.random.default_rng(7)
    pictures = [scene(seed) for seed, frames in runs for _ in range(frames)]
    grainy = (p + rng.normal(0, 2, p.shape) for p in pictures)
    return [np.clip(p, 0, 255).astype(np.uint8) for p in grainy]


def numbers(pictures: list[np.ndarray]) -> list[int]:
    """The shot number of each picture; each must come out once and in order."""
    out = list(number_shots(enumerate(pictures)))
    assert [item for item, *_ in out] == list(range(len(pictures)))
    return [number for _, number, _ in out]


@pytest.mark.parametrize(
    "lengths", [[9, 9], [1, 9], [9, 1], [2, 2], [9, 1, 9], [1, 1, 1], [2, 3, 2], [1], [1, 1]]
)
def test_each_shot_gets_its_number_from_its_first_frame(lengths: list[int]) -> None:
    """Shots of any length, also one frame, at both ends of the film, are numbered frame-exactly."""
    expected = [number for number, length in enumerate(lengths) for _ in range(length)]
    assert numbers(film(*enumerate(lengths))) == expected


def test_an_empty_film_gives_nothing() -> None:
    """No frames in, no frames out."""
    assert numbers([]) == []


@pytest.mark.parametrize("frames", [1, 2])
def test_a_flash_is_no_cut(frames: int) -> None:
    """A shot that is back after one or two strange frames goes on under its number."""
    assert set(numbers(film((0, 8), (1, frames), (0, 8)))) == {0}


def test_a_shot_that_comes_back_is_a_new_shot() -> None:
    """A B A with three frames of B has two cuts."""
    assert numbers(film((0, 4), (1, 3), (0, 4))) == [0] * 4 + [1] * 3 + [2] * 4


def test_fast_motion_is_no_cut() -> None:
    """A picture that runs by at full speed is one shot."""
    wide = np.hstack([scene(seed) for seed in range(12)]).clip(0, 255).astype(np.uint8)
    assert set(numbers([wide[:, x : x + 128] for x in range(0, 1400, 23)])) == {0}


def test_few_items_are_held() -> None:
    """The look-ahead is bounded: a frame comes out as soon as `WINDOW` more have gone in."""

    class Item:
        pass

    alive: list[weakref.ref[Item]] = []

    def frames():  # noqa: ANN202
        for picture in film((0, 20), (1, 20)):
            item = Item()
            alive.append(weakref.ref(item))
            yield item, picture

    for count, pair in enumerate(number_shots(frames()), start=1):
        del pair
        assert len(alive) <= count + WINDOW
        assert sum(ref() is not None for ref in alive) <= WINDOW + 2


def test_shots_can_be_grouped() -> None:
    """The pairs fall into shots with itertools.groupby."""
    pairs = number_shots(enumerate(film((0, 5), (1, 4))))
    shots = [[item for item, *_ in shot] for _, shot in groupby(pairs, key=lambda pair: pair[1])]
    assert shots == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]


def test_small_luma_keeps_codes_at_eight_bits() -> None:
    """A flat field of any depth stays flat at the same 8-bit code, small, of the same shape."""
    for depth in (8, 10, 12, 16):
        luma = np.full((540, 960), 100 << (depth - 8), np.uint8 if depth == 8 else np.uint16)
        small = small_luma(luma, depth)
        assert small.shape == (72, 128)
        assert small.dtype == np.uint8
        assert np.all(small == 100)


@pytest.mark.parametrize("clip", CUTS)
def test_cuts_of_real_films(clip: str) -> None:
    """The stated cuts of real clips are found frame-exactly, and no others."""
    path = CLIPS / clip
    if not path.exists():
        pytest.skip(f"no {path}")
    with av.open(str(path)) as container:
        lumas = [frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)]
    found = numbers([small_luma(luma, 8) for luma in lumas])
    assert [i for i in range(1, len(found)) if found[i] != found[i - 1]] == CUTS[clip]
