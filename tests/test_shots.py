import glob
import weakref
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import CLIPS, each_clip, needs_clips
from photographs import NAMES, panned

from vidcolor.evaluation.cuts import CutCounts, count_cuts, first_frames, parse_labels
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.shots.blends import WINDOW
from vidcolor.shots.cuts import number_shots
from vidcolor.shots.detail import small_luma

DATA = Path(__file__).parent / "data"
LABELS = parse_labels((DATA / "cuts.txt").read_text(encoding="utf-8"))
BLACK = np.full((96, 128), 16, np.uint8)


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
    return [shot.number for _, shot, _ in out]


def cuts(pictures: list[np.ndarray]) -> list[int]:
    """The first frame of each shot but the first."""
    return first_frames(numbers(pictures))


def coded(pictures: np.ndarray | list[np.ndarray]) -> list[np.ndarray]:
    """Pictures as 8-bit codes."""
    return list(np.clip(np.rint(pictures), 0, 255).astype(np.uint8))


def mix(one: np.ndarray, other: np.ndarray, frames: int) -> list[np.ndarray]:
    """The frames of a dissolve from one picture to another, neither among them."""
    shares = np.arange(1, frames + 1) / (frames + 1)
    return coded([one * (1 - share) + other * share for share in shares])


@pytest.fixture(scope="module")
def coaches() -> list[np.ndarray]:
    """Two seconds of worn film, 1899: one shot with flicker, specks, grain and blended frames."""
    frames = read_frames(probe(DATA / "coaches_1899.mpg"), Damage())
    return [small_luma(frame.luma, frame.picture.depth) for frame in frames]


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


def test_flicker_is_no_cut_and_hides_none() -> None:
    """With exposure that wavers by 30 % from frame to frame only the cuts are found."""
    pictures = film((0, 15), (1, 15), (2, 15))
    gains = np.random.default_rng(3).uniform(0.7, 1.3, (45, 1, 1))
    assert cuts(coded(np.array(pictures) * gains)) == [15, 30]


def test_a_lamp_is_no_cut() -> None:
    """Light that goes down to a third at once, and up again later, leaves the shot whole."""
    light = np.array([1.0] * 10 + [0.35] * 12 + [1.0] * 10).reshape(-1, 1, 1)
    assert cuts(coded(np.array(film((0, 32))) * light)) == []


def test_a_strobe_is_no_cut() -> None:
    """Light that goes on and off every other frame, in two shots, hides no cut and makes none."""
    pictures = np.array(film((0, 20), (1, 20)), np.float32)
    pictures[::2] *= 0.25
    assert cuts(coded(pictures)) == [20]


def test_heavy_grain_is_no_cut_and_hides_none() -> None:
    """Grain of 20 codes, still there in the small picture, does no harm."""
    pictures = film((0, 12), (1, 12))
    grain = np.random.default_rng(5).normal(0, 20, (24, 96, 128))
    assert cuts(coded(np.array(pictures) + grain)) == [12]


def test_a_jerk_is_no_cut() -> None:
    """A frame held askew, and a camera knocked aside for good, leave the shot whole."""
    large = cv2.resize(film((0, 1))[0], (160, 120))
    places = [(10, 10)] * 10 + [(19, 3)] + [(10, 10)] * 8 + [(1, 19)] * 10
    assert cuts([large[y : y + 96, x : x + 128] for x, y in places]) == []


def test_a_whip_pan_is_no_cut() -> None:
    """A camera that stands, swings by a third of its view a frame, blurred, and stands again."""
    wide = np.hstack(coded([scene(seed) for seed in range(4)]))
    speeds = [0] * 8 + [6, 14, 26, 38, 44, 44, 38, 26, 14, 6] + [0] * 8
    places = np.cumsum(speeds)
    pictures = [
        cv2.blur(wide, (max(1, speed), 1))[:, x : x + 128]
        for x, speed in zip(places, speeds, strict=True)
    ]
    assert cuts(pictures) == []


def test_repeated_frames_are_no_cuts() -> None:
    """Motion shown in turns of two and three like frames, as when 10 a second become 25."""
    wide = np.hstack(coded([scene(seed) for seed in range(12)]))
    moving = [wide[:, x : x + 128] for x in range(0, 600, 12)]
    assert cuts([p for i, p in enumerate(moving) for _ in range(2 + i % 2)]) == []


def test_a_cut_between_shots_of_one_layout_is_found() -> None:
    """Bright sky over dark land on both sides hides no cut of what stands there."""
    layout = np.linspace(210, 30, 96)[:, None] + 30 * (np.arange(96) < 40)[:, None]
    pictures = [layout + 0.5 * (p.astype(float) - 128) for p in film((0, 10), (1, 10))]
    assert cuts(coded(pictures)) == [10]


def test_shots_in_turns_are_all_found() -> None:
    """A B A B of four frames each has three cuts."""
    assert cuts(film((0, 4), (1, 4), (0, 4), (1, 4))) == [4, 8, 12]


@pytest.mark.parametrize("frames", [1, 2])
def test_short_shots_between_others_are_found(frames: int) -> None:
    """A shot of one or two frames between two different ones has a cut on both sides."""
    assert cuts(film((0, 9), (1, frames), (2, 9))) == [9, 9 + frames]


@pytest.mark.parametrize("shade", [0, 255])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_blank_flash_is_no_cut(shade: int, frames: int) -> None:
    """One or two frames of black or white inside a shot leave it whole."""
    still = film((0, 9))
    assert cuts([*still, *[np.full_like(still[0], shade)] * frames, *still]) == []


def test_a_flash_in_fast_motion_is_no_cut() -> None:
    """The picture that comes back behind two white frames may have moved on meanwhile."""
    wide = np.hstack(coded([scene(seed) for seed in range(8)]))
    pictures = [wide[:, x : x + 128] for x in range(0, 700, 7)]
    pictures[40:42] = [np.full((96, 128), 235, np.uint8)] * 2
    assert cuts(pictures) == []


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5, 0.6, 0.7])
def test_a_frame_blended_of_both_shots_makes_one_cut(share: float) -> None:
    """As when a film's speed was changed: the cut is before that frame or behind it, not both."""
    for seed in range(8):
        first, last = film((seed, 1), (seed + 1, 1))
        between = coded([first * (1 - share) + last * share])
        found = cuts([*[first] * 12, *between, *[last] * 12])
        assert count_cuts(found, [range(12, 14)]) == CutCounts(right=1)


@pytest.mark.parametrize("frames", [1, 2, 4, 8, 12, 24, 40])
def test_a_dissolve_is_one_cut(frames: int) -> None:
    """Between two pictures there is one cut, in the dissolve or in the first frame behind it."""
    first, last = film((0, 1), (1, 1))
    found = cuts([*[first] * 30, *mix(first, last, frames), *[last] * 30])
    assert count_cuts(found, [range(30, 30 + frames + 1)]) == CutCounts(right=1)


def test_a_dissolve_between_moving_pictures_is_one_cut() -> None:
    """The camera may drift on both sides."""
    wide = [np.hstack([scene(seed), scene(seed + 1)]) for seed in (0, 2)]
    one, other = ([w[:, x // 3 : x // 3 + 128] for x in range(72)] for w in wide)
    shares = np.clip((np.arange(72) - 29) / 13, 0, 1)[:, None, None]
    found = cuts(coded(np.array(one) * (1 - shares) + np.array(other) * shares))
    assert count_cuts(found, [range(30, 43)]) == CutCounts(right=1)


def test_a_wipe_by_something_that_passes_is_no_cut() -> None:
    """What slowly covers the whole picture, as a bus does, is no dissolve."""
    bus, street = coded([scene(1), scene(0)])
    steps = [np.hstack([bus[:, 128 - x :], street[:, x:]]) for x in range(0, 128, 6)]
    assert cuts([*[street] * 12, *steps, *[bus] * 12]) == []


@pytest.mark.parametrize("black", [0, 6, 60])
def test_a_fade_to_another_shot_is_one_cut(black: int) -> None:
    """Out, black for a while or not at all, and in: one cut, in the fades or between them."""
    first, last = film((0, 1), (1, 1))
    fades = [*mix(first, BLACK, 12), *[BLACK] * black, *mix(BLACK, last, 12)]
    found = cuts([*[first] * 20, *fades, *[last] * 20])
    assert count_cuts(found, [range(20, 20 + len(fades))]) == CutCounts(right=1)


def test_a_cut_from_black_is_found_in_its_frame() -> None:
    """Where the picture is there at once, the black ends in that very frame."""
    assert cuts([*[BLACK] * 10, *film((0, 10))]) == [10]


def test_a_fade_in_begins_a_shot_where_the_black_ends() -> None:
    """Behind a cut to black the new shot begins before the picture is a third there."""
    first, last = film((0, 1), (1, 1))
    found = cuts([*[first] * 20, *[BLACK] * 20, *mix(BLACK, last, 24), *[last] * 20])
    assert count_cuts(found, [range(20, 21), range(40, 48)]) == CutCounts(right=2)


@pytest.mark.parametrize("black", [4, 60])
def test_a_shot_that_fades_out_and_in_again_is_whole(black: int) -> None:
    """The same picture behind the black goes on under its number."""
    still = film((0, 1))[0]
    fades = [*mix(still, BLACK, 12), *[BLACK] * black, *mix(BLACK, still, 12)]
    assert cuts([*[still] * 20, *fades, *[still] * 20]) == []


def test_a_shot_goes_on_behind_its_fades() -> None:
    """Once the same picture is back, the camera may move on without a cut."""
    wide = np.hstack(coded([scene(seed) for seed in range(4)]))
    still, *moving = [wide[:, x : x + 128] for x in range(0, 380, 4)]
    fades = [*mix(still, BLACK, 12), *[BLACK] * 8, *mix(BLACK, still, 12)]
    assert cuts([*[still] * 20, *fades, *moving]) == []


@pytest.mark.parametrize("left", range(6))
def test_a_dissolve_that_the_film_ends_with_is_one_cut_at_most(left: int) -> None:
    """A film that ends at the end of a dissolve, or a few frames behind it, gets no two cuts."""
    first, last = film((0, 1), (1, 1))
    found = cuts([*[first] * 30, *mix(first, last, 12), *[last] * 12][: 36 + left])
    assert len(found) <= 1


def test_a_fade_out_is_no_cut() -> None:
    """A film that ends in black, with a mark that stays, has no cut there."""
    still = film((0, 1))[0]
    pictures = [*[still] * 20, *mix(still, BLACK, 20), *[BLACK] * 10]
    for picture in pictures:
        cv2.putText(picture, "made by", (4, 90), cv2.FONT_HERSHEY_PLAIN, 0.6, 60)
    assert cuts(pictures) == []


def test_worn_film_is_one_shot(coaches: list[np.ndarray]) -> None:
    """Flicker, specks and unsteady, blended frames of an old film are no cuts."""
    assert cuts(coaches) == []


def test_worn_film_is_cut_to_and_from(coaches: list[np.ndarray]) -> None:
    """A cut, a dissolve of 12 frames and a fade in from black are found on it."""
    count = len(coaches)
    still = film((3, 1))[0]
    still = cv2.resize(still, coaches[0].shape[::-1])
    black = np.full_like(still, 16)
    cut = cuts([*coaches, *[still] * 20])
    assert cut == [count]
    shares = np.arange(1, 13)[:, None, None] / 13
    mixed = coded(np.array(coaches[-12:]) * (1 - shares) + still * shares)
    found = cuts([*coaches[:-12], *mixed, *[still] * 20])
    assert count_cuts(found, [range(count - 12, count + 1)]) == CutCounts(right=1)
    found = cuts([*[black] * 10, *coded(black + (np.array(coaches[:12]) - 16.0) * shares)])
    assert count_cuts(found, [range(10, 16)]) == CutCounts(right=1)


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


def test_cuts_between_photographs(coaches: list[np.ndarray]) -> None:
    """Real pictures that move, the film of 1899, a dissolve and a fade: no cut too many or few."""
    one, other, third, last = ([luma for luma, *_ in panned(name, 20)] for name in NAMES)
    dissolve = mix(other[-1].astype(float), third[0].astype(float), 10)
    fade = coded([16 + (last[-1] - 16.0) * share for share in np.linspace(1, 0, 12)])
    found = cuts(
        [
            *(small_luma(luma, 8) for luma in (*one, *other, *dissolve, *third)),
            *coaches[:20],
            *(small_luma(luma, 8) for luma in (*last, *fade)),
        ]
    )
    labels = [range(20, 21), range(40, 51), range(70, 71), range(90, 91)]
    assert count_cuts(found, labels) == CutCounts(right=4)


@needs_clips
@each_clip(LABELS)
def test_cuts_of_real_films(clip: str) -> None:
    """The labelled cuts of real clips are found in the very frame, and no others."""
    (path,) = CLIPS.glob(f"*/{glob.escape(clip)}")
    frames = read_frames(probe(path), Damage())
    found = cuts([small_luma(frame.luma, frame.picture.depth) for frame in frames])
    assert count_cuts(found, LABELS[clip]) == CutCounts(right=len(LABELS[clip]))
