import json
import math
import pickle
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray

from vidcolor.report.timeline import Timeline

Map = NDArray[np.float32]
Shown = tuple[Map, float, int, float]

# Time and shot of each frame: a variable frame rate, seconds without frames, cuts in and between
# them, and a shot of one frame.
TIMES = [0, 0.04, 0.5, 0.999, 1.0, 1.5, 4.25, 4.5, 4.75, 4.76, 9.0]
SHOTS = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3]


def shown() -> list[Shown]:
    """Frames with random colors and confidences, and the times and shots above."""
    rng = np.random.default_rng(5)
    return [
        (rng.normal(8, 20, (2, 3, 4)).astype(np.float32), seconds, shot, rng.uniform())
        for seconds, shot in zip(TIMES, SHOTS, strict=True)
    ]


def filled(frames: list[Shown], ticks: Iterator[float] | None = None) -> Timeline:
    """A timeline that has seen `frames`."""
    timeline = Timeline(clock=ticks.__next__) if ticks else Timeline()
    for ab, seconds, shot, confidence in frames:
        timeline.add(
            ab,
            seconds=seconds,
            shot=shot,
            confidence=confidence,
            gamut_limited_share=confidence / 3,
        )
    return timeline


def mean(values: list[float]) -> float | None:
    """The plain mean; None of nothing."""
    return sum(values) / len(values) if values else None


def colors(ab: Map) -> list[tuple[float, float]]:
    """The pixels, one after the other."""
    return [(float(ab[0, y, x]), float(ab[1, y, x])) for y in range(3) for x in range(4)]


def colorfulness_m3(pixels: list[tuple[float, float]]) -> float:
    """M1 of Hasler and Suesstrunk, pixel by pixel."""
    mean_a, mean_b = (sum(values) / len(pixels) for values in zip(*pixels, strict=True))
    spread = sum((a - mean_a) ** 2 + (b - mean_b) ** 2 for a, b in pixels) / len(pixels)
    return math.sqrt(spread) + 0.37 * math.sqrt(mean_a**2 + mean_b**2)


def expected_means(frames: list[Shown], chosen: list[int]) -> dict[str, float | None]:
    """The figures of some of the frames, by loops over their pixels."""
    found: dict[str, list[float]] = {
        name: []
        for name in (
            "mean_a",
            "mean_b",
            "colorfulness",
            "confidence",
            "limited_share",
            "flicker",
        )
    }
    for index in chosen:
        ab, _, shot, confidence = frames[index]
        pixels = colors(ab)
        found["mean_a"].append(sum(a for a, _ in pixels) / len(pixels))
        found["mean_b"].append(sum(b for _, b in pixels) / len(pixels))
        found["colorfulness"].append(colorfulness_m3(pixels))
        found["confidence"].append(confidence)
        found["limited_share"].append(confidence / 3)
        if index and frames[index - 1][2] == shot:
            pairs = zip(pixels, colors(frames[index - 1][0]), strict=True)
            found["flicker"].append(sum(math.dist(*pair) for pair in pairs) / len(pixels))
    return {name: mean(values) for name, values in found.items()}


@pytest.mark.parametrize(("row", "second"), [(0, 0), (1, 1), (2, 4), (3, 9)])
def test_each_second_has_the_means_of_its_frames(row: int, second: int) -> None:
    """Every figure of a row is what loops over pixels and frames give."""
    timeline = filled(shown()).figures()["timeline"]
    assert timeline["second"][row] == second
    chosen = [index for index, seconds in enumerate(TIMES) if second <= seconds < second + 1]
    for name, value in expected_means(shown(), chosen).items():
        assert timeline[name][row] == pytest.approx(value, rel=1e-5), name


def test_only_seconds_with_frames_have_rows() -> None:
    """Frames are counted in the second that they are shown in; empty seconds are left out."""
    timeline = filled(shown()).figures()["timeline"]
    assert timeline["second"] == [0, 1, 4, 9]
    assert timeline["frames"] == [4, 2, 4, 1]
    assert {len(column) for column in timeline.values()} == {4}


def test_a_row_of_first_frames_alone_has_no_flicker() -> None:
    """Nothing is compared across a cut, so such a second has no figure rather than 0."""
    frames = [(np.full((2, 3, 4), 9.0 * shot, np.float32), shot, shot, 1.0) for shot in range(3)]
    assert filled(frames).figures()["timeline"]["flicker"] == [None, None, None]


def test_shots_are_told_in_order() -> None:
    """Each has its number, its first frame, when that is shown, and its length."""
    names = ("number", "returns_to", "first_frame", "start_seconds", "frames")
    told = [[shot[name] for name in names] for shot in filled(shown()).figures()["shots"]]
    assert told == [
        [0, None, 0, 0, 3],
        [1, None, 3, 0.999, 4],
        [2, None, 7, 4.5, 2],
        [3, None, 9, 4.76, 2],
    ]


@pytest.mark.parametrize("number", range(4))
def test_each_shot_has_the_means_of_its_frames(number: int) -> None:
    """The same figures as of a second, over the shot, however many seconds it spans."""
    told = filled(shown()).figures()["shots"][number]
    chosen = [index for index, shot in enumerate(SHOTS) if shot == number]
    for name, value in expected_means(shown(), chosen).items():
        assert told[name] == pytest.approx(value, rel=1e-5), name


def test_each_shot_has_its_worst_frames() -> None:
    """Of every figure the greatest, of confidence the least, with number and time of the frame."""
    frames = shown()
    told = filled(frames).figures()["shots"][1]["peaks"]
    chosen = range(3, 7)
    wanted = {
        "confidence": min(chosen, key=lambda index: frames[index][3]),
        "limited_share": max(chosen, key=lambda index: frames[index][3]),
        "colorfulness": max(chosen, key=lambda index: colorfulness_m3(colors(frames[index][0]))),
        "flicker": max(
            chosen[1:],
            key=lambda index: sum(
                map(math.dist, colors(frames[index][0]), colors(frames[index - 1][0]))
            ),
        ),
    }
    assert {name: peak["frame"] for name, peak in told.items()} == wanted
    assert all(peak["seconds"] == TIMES[peak["frame"]] for peak in told.values())
    least = min(frames[index][3] for index in chosen)
    assert told["confidence"]["value"] == pytest.approx(least, rel=1e-5)


def test_flaws_are_measured_where_the_lightness_is_known() -> None:
    """Colors that jump while L* stays are told; in a shot's first frame nothing can jump."""
    lightness, timeline = np.full((3, 4), 50, np.float32), Timeline()
    facts = []
    for shot, red in ((0, 0), (0, 40), (1, 0), (1, 5)):
        ab = np.full((2, 3, 4), red, np.float32)
        facts.append(timeline.add(ab, seconds=0, shot=shot, confidence=1, lightness=lightness))
    assert [one.jump for one in facts] == [None, 1, None, 0]
    assert [one.contrast for one in facts] == [0] * 4
    assert timeline.shots()[0]["peaks"]["jump"] == {"value": 1, "frame": 1, "seconds": 0}


def test_speed_is_frames_over_the_time_spent_on_them() -> None:
    """A row's work begins where the one before ended, the first row's with the timeline."""
    ticks = iter([100.0, 101, 101, 101, 102, 102.5, 103, 113, 113, 113, 113, 113])
    timeline = filled(shown(), ticks).figures()["timeline"]
    assert timeline["frames_per_second"] == [4 / 2, 2 / 1, 4 / 10, None]


def test_the_wall_clock_is_the_default() -> None:
    """Without a clock of the caller's speeds are real ones."""
    speeds = filled(shown()).figures()["timeline"]["frames_per_second"]
    assert all(0 < speed < 1e7 for speed in speeds)


def test_times_that_go_back_find_their_rows() -> None:
    """A film with broken times has its rows in order, each second once."""
    frames = [(ab, 9 - seconds, shot, sure) for ab, seconds, shot, sure in shown()]
    timeline = filled(frames).figures()["timeline"]
    assert timeline["second"] == [0, 4, 7, 8, 9]
    assert sum(timeline["frames"]) == len(TIMES)
    ends = frames[-1][3], frames[0][3]
    assert timeline["confidence"][:: len(timeline["second"]) - 1] == pytest.approx(ends, rel=1e-5)


def test_a_map_may_be_used_again_by_its_owner() -> None:
    """Each frame is compared with what the one before was, not with what became of its memory."""
    ab = np.zeros((2, 3, 4), np.float32)
    timeline = Timeline()
    for step in range(3):
        ab[:] = 5 * step
        timeline.add(ab, seconds=step, shot=0, confidence=1)
    flicker = timeline.figures()["timeline"]["flicker"]
    assert flicker == [None, *[pytest.approx(math.hypot(5, 5), rel=1e-5)] * 2]


@pytest.mark.slow
def test_memory_does_not_grow_with_frames() -> None:
    """20,000 frames in ten seconds of film are ten rows, and take no more room than 1,000."""
    timeline, sizes = Timeline(clock=count().__next__), []
    ab = np.ones((2, 1, 1), np.float32)
    for frame in range(20_000):
        timeline.add(ab, seconds=frame % 1000 / 100, shot=0, confidence=0.5)
        if frame in {1000, 19_999}:
            sizes.append(len(pickle.dumps(timeline._rows)) + len(pickle.dumps(timeline._shots)))
    assert timeline.figures()["timeline"]["frames"] == [2_000] * 10
    assert sizes[1] < sizes[0] + 100
    held = [value for value in vars(timeline).values() if isinstance(value, list | dict)]
    assert sorted(map(len, held)) == [1, 10]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 3e38])
def test_json_holds_what_figures_give(broken: float) -> None:
    """Colors that are no numbers leave empty figures in their second, and no others."""
    frames = shown()
    frames[4][0][:, 1:] = broken
    figures = filled(frames).figures()
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    timeline, sound = figures["timeline"], filled(shown()).figures()["timeline"]
    for name in ("mean_a", "mean_b", "colorfulness", "flicker"):
        values = timeline[name]
        assert values[1] is None
        assert [values[0], *values[2:]] == [sound[name][0], *sound[name][2:]]
    assert timeline["confidence"] == sound["confidence"]


def test_a_film_without_frames_has_no_rows() -> None:
    """Nothing seen is no error: both parts are there and empty."""
    figures = Timeline().figures()
    assert figures["shots"] == []
    assert list(figures["timeline"].values()) == [[]] * 9
