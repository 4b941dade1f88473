import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal

import av
import cv2
import numpy as np
import pytest
from clips import FORMATS, SAMPLE, Plane, needs_ffmpeg, soft_shot, write_film
from compare_films import problems
from film_facts import Film
from photographs import panned

from vidcolor import colorize_video
from vidcolor.errors import AlreadyColorError, VidcolorError
from vidcolor.models import zoo
from vidcolor.pipeline import run as pipeline
from vidcolor.pipeline import shot
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    RefineSettings,
    Settings,
    TemporalSettings,
)
from vidcolor.writing.plan import plan_video

FAST = Settings(
    model=ModelSettings(device="cpu", render_size=64, batch_size=4),
    output=OutputSettings(lossless=True, overwrite=True),
)


def planes(path: Path) -> list[list[Plane]]:
    """Luma, Cb and Cr of each frame."""
    with av.open(str(path)) as container:
        return [
            [
                np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]
                for plane in frame.planes
            ]
            for frame in container.decode(video=0)
        ]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample reel in color, without loss."""
    return colorize_video(SAMPLE, tmp_path_factory.mktemp("reel") / "out.mkv", FAST).path


@needs_ffmpeg
def test_luma_and_times_of_the_sample_reel_by_ffmpegs_word(sample: Path) -> None:
    """Each frame's luma has the checksum that FFmpeg gives the source's, at the same time."""
    assert problems(SAMPLE, sample) == []
    assert len(Film(sample).luma_hashes) == 118


def test_the_sample_reel_gets_color(sample: Path) -> None:
    """The result is no gray film: its chroma varies within each frame."""
    spreads = [max(cb.std(), cr.std()) for _, cb, cr in planes(sample)]
    assert min(spreads) > 0.5


def test_twice_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    """A second run with the same settings writes the same file, byte for byte."""
    again = colorize_video(str(SAMPLE), str(tmp_path / "out.mkv"), FAST).path
    assert again.read_bytes() == sample.read_bytes()


def test_the_result_tells_what_was_done(tmp_path: Path) -> None:
    """Path, frames and shots come back, and progress is told after each frame."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 8) + soft_shot(2, 9))
    told: list[tuple[int, int]] = []
    result = colorize_video(film, None, FAST, progress=lambda *now: told.append(now))
    assert (result.path, result.frames, result.shots) == (tmp_path / "film.colorized.mkv", 17, 2)
    assert told == [(done, int(done > 8)) for done in range(1, 18)]
    assert str(result.losses) == ""
    assert result.seconds > 0


def test_the_lightness_of_the_film_decides_what_is_told_of_it(tmp_path: Path) -> None:
    """Halves of two grays are half their difference in L* from its mean, at the map's size too."""
    shares = np.array([60 - 16, 180 - 16]) / 219
    light = ((shares + 0.055) / 1.055) ** 2.4  # IEC 61966-2-1
    dark, bright = 116 * np.cbrt(light) - 16
    halves = np.full((64, 96), 60, np.uint8)
    halves[:, 48:] = 180
    film = write_film(tmp_path / "film.mkv", [halves] * 4)
    sidecar = colorize_video(film, None, FAST).path.with_suffix(".json")
    (shot,) = read_sidecar(sidecar)["shots"]
    assert shot["peaks"]["contrast"]["value"] == pytest.approx((bright - dark) / 2, abs=0.5)
    assert shot["peaks"]["jump"]["frame"] > 0  # there is none to compare the first one with


def test_a_shot_gets_the_colors_that_it_gets_alone(tmp_path: Path) -> None:
    """Nothing crosses a cut: a film's second shot is bit for bit what it is alone."""
    shots = soft_shot(1, 10), soft_shot(2, 7)
    both = write_film(tmp_path / "both.mkv", shots[0] + shots[1])
    alone = write_film(tmp_path / "alone.mkv", shots[1])
    after_cut = planes(colorize_video(both, settings=FAST).path)[10:]
    for one, other in zip(
        after_cut, planes(colorize_video(alone, settings=FAST).path), strict=True
    ):
        for plane, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(plane, expected)


def test_inside_a_shot_the_past_counts(tmp_path: Path) -> None:
    """Without the cut the same frame has other colors: the test above could have failed."""
    shot = soft_shot(1, 10)
    whole = write_film(tmp_path / "whole.mkv", shot)
    tail = write_film(tmp_path / "tail.mkv", shot[5:])
    late = planes(colorize_video(whole, settings=FAST).path)[5]
    first = planes(colorize_video(tail, settings=FAST).path)[0]
    np.testing.assert_array_equal(late[0], first[0])
    assert (late[1] != first[1]).any()


@pytest.mark.parametrize(("every", "most"), [(1, 16), (4, 5), ("auto", 4)])
def test_the_network_is_asked_no_more_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int | Literal["auto"], most: int
) -> None:
    """It sees as many frames as are not spared, and colors stay nearly what they are with all."""
    asked = 0
    predict = shot.predict_frames

    def counted(pictures, **rest):  # noqa: ANN001, ANN003, ANN202
        def counting():  # noqa: ANN202
            nonlocal asked
            for picture in pictures:
                asked += 1
                yield picture

        return predict(counting(), **rest)

    still = [np.roll(luma, -step, axis=1) for step, luma in enumerate(soft_shot(1, 16))]
    film = write_film(tmp_path / "film.mkv", still)
    monkeypatch.setattr(shot, "predict_frames", counted)
    settings = replace(FAST, temporal=TemporalSettings(every=every))
    colored = planes(colorize_video(film, None, settings).path)
    assert asked <= most
    everything = replace(FAST, temporal=TemporalSettings(every=1))
    expected = planes(colorize_video(film, None, everything).path)
    differences = [
        abs(one[i].astype(float) - other[i]).mean()
        for one, other in zip(colored, expected, strict=True)
        for i in (1, 2)
    ]
    assert max(differences) < 1.5


def test_a_set_up_that_returns_keeps_its_colors(tmp_path: Path) -> None:
    """After a shot of something else it goes on nearly as if it had not been broken off."""
    shot, other = soft_shot(3, 20), soft_shot(4, 7)
    film = write_film(tmp_path / "film.mkv", shot[:10] + other + shot[10:])
    alone = write_film(tmp_path / "alone.mkv", shot[10:])
    whole = write_film(tmp_path / "whole.mkv", shot)
    strong = replace(FAST, color=ColorSettings(saturation=3))  # so that rounding hides nothing
    returned, begun, unbroken = (
        planes(colorize_video(path, settings=strong).path)[first]
        for path, first in ((film, 17), (alone, 0), (whole, 10))
    )

    def distance(now: list[Plane]) -> float:
        return float(np.mean([abs(now[i] - unbroken[i].astype(float)) for i in (1, 2)]))

    assert distance(returned) < 0.65 * distance(begun)
    shots = read_sidecar(tmp_path / "film.colorized.json")["shots"]
    assert [told["returns_to"] for told in shots] == [None, None, 0]


def test_a_piece_of_a_film(tmp_path: Path) -> None:
    """Start and duration give those frames, from time 0 on."""
    luma = soft_shot(1, 30)
    film = write_film(tmp_path / "film.mkv", luma, pts=range(7, 37))
    settings = replace(FAST, start_seconds=Fraction("0.4"), duration_seconds=Fraction("0.2"))
    result = colorize_video(film, settings=settings)
    assert result.frames == 5
    np.testing.assert_array_equal([frame[0] for frame in planes(result.path)], luma[10:15])
    with av.open(str(result.path)) as container:
        assert [frame.pts for frame in container.decode(video=0)] == [0, 40, 80, 120, 160]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_short_deep_piece_has_its_times(tmp_path: Path, count: int) -> None:
    """A few frames of a 10-bit film come out in their times, though x265 leaves some unset."""
    settings = Settings(model=FAST.model, force=True, duration_seconds=Fraction(2 * count - 1, 60))
    film = FORMATS / "hevc-10bit.mp4"
    assert colorize_video(film, tmp_path / "piece.mp4", settings).frames == count
    with av.open(str(tmp_path / "piece.mp4")) as container:
        assert [frame.pts for frame in container.decode(video=0)] == [
            1001 * index for index in range(count)
        ]


def test_a_film_of_one_frame(tmp_path: Path) -> None:
    """A single frame is a film too."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 1))
    assert colorize_video(film, settings=FAST).frames == 1


def test_saturation_zero_leaves_the_film_black_and_white(tmp_path: Path) -> None:
    """Without saturation all chroma is neutral."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    result = colorize_video(film, settings=replace(FAST, color=ColorSettings(saturation=0)))
    for _, cb, cr in planes(result.path):
        assert np.all(cb == 128)
        assert np.all(cr == 128)


def test_the_output_carries_what_made_it(sample: Path) -> None:
    """Version, model, its checksum and the settings stand in the file."""
    with av.open(str(sample)) as container:
        assert container.metadata["COLORIZED_BY"].startswith("synthetic color, made by vidcolor 0.")
        assert "model lite " in container.metadata["COLORIZED_BY"]
        assert "vividness 0, saturation 1" in container.metadata["COLORIZED_BY"]


def test_a_color_film_needs_force(tmp_path: Path) -> None:
    """What is in color already is refused; forced, it gets new colors on its own luma."""
    luma = soft_shot(1, 6)
    chroma = [cv2.resize(plane, (48, 32)) // 4 + 100 for plane in soft_shot(2, 6)]
    film = write_film(tmp_path / "film.mkv", list(zip(luma, chroma, chroma[::-1], strict=True)))
    with pytest.raises(AlreadyColorError, match="is in color already; --force keeps its luma"):
        plan_video(film, None, FAST)
    result = planes(colorize_video(film, settings=replace(FAST, force=True)).path)
    np.testing.assert_array_equal([frame[0] for frame in result], luma)
    assert (result[0][1] != chroma[0]).any()


def failing_at(call: int, work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, but its call with this number, from 0, raises."""
    calls = iter(range(1_000_000))

    def fail(*arguments: Any, **named: Any) -> Any:
        if next(calls) == call:
            raise ZeroDivisionError("of no use to anybody")
        return work(*arguments, **named)

    return fail


@pytest.mark.parametrize(
    ("function", "stage"),
    [
        ("shots.seeing.to_network", "reading failed at frame 7: ZeroDivisionError"),
        ("shots.cuts.small_luma", "reading failed at frame 7: ZeroDivisionError"),
        pytest.param(
            "pipeline.decoder.decode_prediction",
            "inference failed at frame 25: ZeroDivisionError",  # smoothed and alone, each keyframe
        ),
        pytest.param(
            "pipeline.finish.chroma_planes",
            "failed at frame 7: ZeroDivisionError",
        ),
    ],
)
def test_an_error_in_a_stage_names_it_and_the_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, stage: str
) -> None:
    """An unforeseen error comes out as ours and tells where it was; no file and thread is left."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 80))
    threads = set(threading.enumerate())
    place = f"vidcolor.{function}"
    monkeypatch.setattr(place, failing_at(7, resolve_name(place)))
    with pytest.raises(VidcolorError, match=stage) as caught:
        colorize_video(film, settings=FAST)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert list(tmp_path.iterdir()) == [film]
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("error", [KeyboardInterrupt(), VidcolorError("told by the caller")])
def test_an_error_in_progress_stops_it_all(tmp_path: Path, error: BaseException) -> None:
    """What the caller's own function raises passes as it is, and nothing is left."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 80))
    threads = set(threading.enumerate())

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise error

    with pytest.raises(type(error)) as caught:
        colorize_video(film, settings=FAST, progress=stop)
    assert caught.value is error
    assert list(tmp_path.iterdir()) == [film]
    assert set(threading.enumerate()) <= threads


def test_the_sidecar_tells_how_the_film_was_made(tmp_path: Path) -> None:
    """Model, settings, shots and the timeline from the film's first frame stand in it."""
    luma = soft_shot(1, 30) + soft_shot(2, 25)
    film = write_film(tmp_path / "film.mkv", luma, pts=range(70, 125))
    colorize_video(film, settings=FAST)
    facts = read_sidecar(tmp_path / "film.colorized.json")
    assert facts["frames"] == 55
    assert facts["source"]["path"] == str(film)
    assert facts["output"]["path"] == str(tmp_path / "film.colorized.mkv")
    assert facts["model"]["sha256"] == zoo.load_model("lite", "cpu").sha256
    assert facts["settings"]["model"]["render_size"] == 64
    assert [(s["first_frame"], s["start_seconds"]) for s in facts["shots"]] == [(0, 0), (30, 1.2)]
    assert facts["timeline"]["second"] == [0, 1, 2]
    assert facts["timeline"]["frames"] == [25, 25, 5]
    assert all(0 < value < 1 for value in facts["timeline"]["confidence"])
    assert all(value > 0 for value in facts["timeline"]["flicker"])


@pytest.mark.parametrize("method", ["flood", "scribble"])
def test_refined_colors_reach_the_film(
    tmp_path: Path, method: Literal["flood", "scribble"]
) -> None:
    """Luma stays, chroma is another one than unrefined, and twice gives the same bytes."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 12))
    settings = replace(FAST, refine=RefineSettings(method=method))
    refined = colorize_video(film, tmp_path / "refined.mkv", settings).path
    plain = colorize_video(film, tmp_path / "plain.mkv", FAST).path
    changes = []
    for one, other in zip(planes(refined), planes(plain), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        changes.append((one[1] != other[1]).mean())
    assert np.mean(changes) > 0.2
    again = colorize_video(film, tmp_path / "again.mkv", settings).path
    assert again.read_bytes() == refined.read_bytes()


def test_a_fade_does_not_change_hues(tmp_path: Path) -> None:
    """Faded in from black by its codes, a picture has the hues that it has in full light."""
    lumas = [luma for luma, *_ in panned("chelsea.png", 16, 256, 192)]
    film = write_film(tmp_path / "film.mkv", lumas)
    frames = list(read_frames(probe(film), Damage()))
    levels = np.linspace(0.1, 1, len(frames))
    faded = [
        replace(one, luma=np.rint(16 + (one.luma.astype(float) - 16) * level).astype(np.uint8))
        for one, level in zip(frames, levels, strict=True)
    ]
    drifts, strengths = [], []
    settings = Settings(model=ModelSettings(device="cpu", render_size=128))
    both = (
        pipeline.colorize_frames(iter(shown), zoo.load_model("lite", "cpu"), settings)
        for shown in (frames, faded)
    )
    for one, other in zip(*both, strict=True):
        strong = (np.hypot(*one.ab) > 8) & (np.hypot(*other.ab) > 8)
        turn = np.angle((one.ab[0] + 1j * one.ab[1]) / (other.ab[0] + 1j * other.ab[1]), deg=True)
        strengths.append(np.hypot(*other.ab).mean() / np.hypot(*one.ab).mean())
        if strong.sum() > 20:
            drifts.append(np.abs(turn[strong]).mean())
    assert len(drifts) > 10
    assert np.mean(drifts) < 4
    assert strengths[0] < 0.5  # dim light, dim colors
    assert strengths[-1] > 0.8
