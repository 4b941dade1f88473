"""A film with a color script: what is directed changes, all else keeps its bytes."""

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from cli_runs import run
from clips import soft_shot, write_film

from vidcolor import (
    ColorScript,
    Hint,
    ModelSettings,
    OutputSettings,
    Range,
    Reference,
    Settings,
    TemporalSettings,
    colorize_video,
)
from vidcolor.color.lab import lab_from_srgb
from vidcolor.directing.evidence import Directed
from vidcolor.directing.hints import ab_of
from vidcolor.errors import SettingError
from vidcolor.film.coloring import read_job
from vidcolor.film.directed import find_direction
from vidcolor.film.evidence import evidence_of, evidence_of_frames, find_evidence
from vidcolor.film.matching import find_matches
from vidcolor.frame import Colored
from vidcolor.models.zoo import find_model
from vidcolor.pipeline import parts
from vidcolor.pipeline.run import Past, colorize_frames, colorize_shots
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.shots.cuts import REMEMBERED_SHOTS, number_frames
from vidcolor.shots.pieces import find_pieces, read_pieces
from vidcolor.temporal.memory import ShotMemory
from vidcolor.writing.plan import plan_video

FRAMES = 12
SETTINGS = Settings(
    model=ModelSettings(render_size=64, device="cpu"), output=OutputSettings(lossless=True)
)
SCRIPT = """
[[range]]
frames = "3-5"
saturation = 0

[[range]]
shots = 2
temperature = 20
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots of twelve frames."""
    folder = tmp_path_factory.mktemp("directed")
    pictures = [*soft_shot(1, FRAMES), *soft_shot(5, FRAMES)]
    write_film(folder / "film.mkv", pictures)
    (folder / "film.colors.toml").write_text(SCRIPT)
    return folder / "film.mkv"


def planes(path: Path) -> list[list[np.ndarray]]:
    """Y, Cb and Cr of each frame."""
    with av.open(str(path)) as opened:
        return [
            [
                np.asarray(plane).reshape(plane.height, -1)[:, : plane.width]
                for plane in frame.planes
            ]
            for frame in opened.decode(video=0)
        ]


def chroma(frame: list[np.ndarray]) -> np.ndarray:
    """Cb and Cr from neutral."""
    return np.stack(frame[1:]).astype(int) - 128


def test_what_is_directed_changes_and_nothing_else(
    film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Frames and shots that no range holds keep every code; luma is the source's everywhere."""
    plain = colorize_video(film, film.with_name("plain.mkv"), SETTINGS)
    directed = Settings(model=SETTINGS.model, output=SETTINGS.output, color_script=str(film.parent))
    result = colorize_video(film, film.with_name("directed.mkv"), directed)
    assert result.shots == 2
    before, after, source = planes(plain.path), planes(result.path), planes(film)
    for number, (old, new, own) in enumerate(zip(before, after, source, strict=True)):
        assert np.array_equal(new[0], own[0])
        is_same = all(np.array_equal(*pair) for pair in zip(old, new, strict=True))
        assert is_same == (number not in {3, 4, 5, *range(FRAMES, 2 * FRAMES)}), number
    assert not chroma(after[4]).any()
    assert np.abs(chroma(before[4])).mean() > 1
    cb, _ = (chroma(after[-1]) - chroma(before[-1])).mean((1, 2))
    assert cb < -4, "warmer"
    facts = json.loads(film.with_name("directed.json").read_text())
    assert facts["color_script"]["sha256"]
    assert [one["at"] for one in facts["color_script"]["ranges"]] == [
        f"{film.parent}/film.colors.toml:2",
        f"{film.parent}/film.colors.toml:6",
    ]
    assert len({one["directed"] for one in facts["shots"]}) == 2
    assert "color_script" not in json.loads(film.with_name("plain.json").read_text())

    assert "does not have" not in caplog.text
    ranges = (Range(frames="3-5", saturation=0), Range(shots="2", temperature=20))
    made = ColorScript(ranges=(*ranges, Range(shots="3", saturation=2)))
    colorize_video(film, film.with_name("python.mkv"), SETTINGS, script=made)
    assert film.with_name("python.mkv").read_bytes() == result.path.read_bytes()
    assert "names a shot that film.mkv does not have, which has 2 shots. Correct" in caplog.text


def test_shots_are_directed_alike_where_other_machines_color_them(film: Path) -> None:
    """A task of a cluster gets the script placed on the film."""
    job = plan_video(film, None, SETTINGS)
    settings = Settings(model=SETTINGS.model, color_script=str(film.with_name("film.colors.toml")))
    direction = find_direction(job, settings)
    last = [
        one for one in number_frames(read_frames(probe(film), Damage())) if one.shot.number == 1
    ]
    model, past = find_model(SETTINGS.model), Past(0, ShotMemory(REMEMBERED_SHOTS))
    plain, directed = (
        list(colorize_shots(last, past, model, SETTINGS, *given))
        for given in ([], [Directed(direction)])
    )
    assert [one.directed is None for one in plain] == [True] * FRAMES
    assert len({one.directed for one in directed}) == 1
    assert (directed[0].ab - plain[0].ab)[1].mean() > 5


@pytest.mark.usefixtures("quiet_surroundings")
def test_the_program_lists_shots_and_writes_a_script(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table, an edit list, a script that can be used at once; one that exists is kept."""
    assert run(str(film), "--list-shots", "--timecode", "10:00:00:00") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"{film}: 2 shots"
    assert printed[3].split()[:3] == ["2", "12-23", "10:00:00:12"]
    assert run(str(film), "--list-shots", "-o", "shots.edl") == 0
    assert "00:00:00:12 00:00:00:24" in Path("shots.edl").read_text()
    assert run(str(film), "--script-new", "-o", "new.colors.toml") == 0
    assert Path("new.colors.toml").read_text().count("[[range]]") == 2
    capsys.readouterr()
    assert run(str(film), "--script-new", "-o", "new.colors.toml") == 1
    assert "new.colors.toml: exists already; use --overwrite" in capsys.readouterr().err
    arguments = ["--color-script", "new.colors.toml", "--dry-run", "--device", "cpu"]
    assert run(str(film), *arguments) == 0


@pytest.mark.usefixtures("quiet_surroundings")
def test_a_fault_of_a_script_is_one_line_and_two_films_need_two(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written, and the exit code is that of a failed reel."""
    Path("faulty.toml").write_text("[[range]]\nframes = 3\nsaturation = 'much'\n")
    common = ["--device", "cpu", "-o", "out/"]
    assert run(str(film), "--color-script", "faulty.toml", *common) == 1
    error = capsys.readouterr().err
    assert (
        error
        == "vidcolor: faulty.toml:3: saturation: 'much' is no number. Write one, without quotes.\n"
    )
    Path("good.toml").write_text("[[range]]\nframes = 3\nsaturation = 0\n")
    other = write_film(Path("other.mkv"), soft_shot(1, 4))
    both = [str(film), str(other), "--color-script", "good.toml", "--dry-run"]
    assert run(*both, *common) == 1
    assert "is also that of" in capsys.readouterr().err


HINT = Hint(frame="18", color="#a05848", box=(0.25, 0.25, 0.5, 0.5))


def test_a_hint_colors_its_thing_in_its_shot_alone(film: Path) -> None:
    """The wish comes out through encoder and file; the shot before keeps every code."""
    plain = colorize_video(film, film.with_name("unhinted.mkv"), SETTINGS)
    script = ColorScript(hints=(HINT,))
    hinted = colorize_video(film, film.with_name("hinted.mkv"), SETTINGS, script=script)
    before, after = planes(plain.path), planes(hinted.path)
    for old, new in zip(before[:FRAMES], after[:FRAMES], strict=True):
        assert all(np.array_equal(*pair) for pair in zip(old, new, strict=True))
    wish = ab_of(HINT.color)
    for number in (FRAMES, 18, 23):
        luma, cb, cr = (plane.astype(np.float64) for plane in after[number])
        drift = number - 18  # the picture moves a place a frame
        inside = (slice(20, 44, 2), slice(30 + drift, 66 + drift, 2))
        small = tuple(slice(part.start // 2, part.stop // 2) for part in inside)
        light = (luma[inside] > 90) & (luma[inside] < 170)
        codes = np.stack([luma[inside], cb[small], cr[small]])[:, light]
        error = np.abs(lab_of(codes)[1:].mean(1) - wish).max()
        assert error < (3 if number == 18 else 6), number
    (_, second) = json.loads(film.with_name("hinted.json").read_text())["shots"]
    assert second["directed"]


def lab_of(codes: np.ndarray) -> np.ndarray:
    """CIELAB of limited-range BT.601 codes, (3, n)."""
    y, (b, r) = (codes[0] - 16) / 219, (codes[1:] - 128) / 224
    rgb = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b])
    srgb = torch.from_numpy(rgb.clip(0, 1)).float()[..., None]
    return np.asarray(lab_from_srgb(srgb)[..., 0])


def test_hints_are_the_same_wherever_and_whenever_a_shot_is_colored(film: Path) -> None:
    """In one run, resumed behind the first shot, and on a machine that sees this shot alone."""
    job, model = plan_video(film, None, SETTINGS), find_model(SETTINGS.model)
    direction = find_direction(job, SETTINGS, ColorScript(hints=(HINT,)))
    given = (job, model, SETTINGS, direction)
    found = find_evidence(read_job(job, SETTINGS, Damage()), *given)

    def colors(colored: Iterable[Colored]) -> list[np.ndarray]:
        return [one.ab for one in colored if one.shot.number == 1]

    directed = Directed(direction, found)
    frames = partial(read_job, job, SETTINGS, Damage())
    whole = colors(colorize_frames(frames(), model, SETTINGS, directed=directed))
    empty = ShotMemory(REMEMBERED_SHOTS)
    past = Past(FRAMES, empty)
    resumed = colors(colorize_frames(frames(), model, SETTINGS, past=past, directed=directed))
    pieces = list(find_pieces(frames(), 99))[1:]
    elsewhere = Directed(direction, evidence_of(pieces, *given))
    source = replace(job.source, picture=job.encoding.picture)
    alone = colors(colorize_shots(read_pieces(source, pieces, 0), past, model, SETTINGS, elsewhere))
    assert len(whole) == FRAMES
    for ours, again, theirs in zip(whole, resumed, alone, strict=True):
        assert np.array_equal(ours, again)
        assert np.array_equal(ours, theirs)


@pytest.fixture
def reference(film: Path, tmp_path: Path) -> Reference:
    """The film's frame 18, colored by hand: red on its left, blue on its right."""
    luma = planes(film)[18][0].astype(np.float32)
    codes = np.stack([luma, luma, luma], axis=-1)  # blue, green, red
    codes[:, :48] += (-25, -15, 50)
    codes[:, 48:] += (50, -15, -25)
    path = tmp_path / "ref_000018.png"
    cv2.imwrite(str(path), codes.clip(0, 255).astype(np.uint8))
    return Reference(picture=str(path))


def test_what_is_said_is_the_same_from_any_part_of_a_shot_on(
    film: Path, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hint and a reference behind the end of a part; the reference's colors come out."""
    monkeypatch.setattr(parts, "MOST_FRAMES", 4)
    monkeypatch.setattr(parts, "LEAST_FRAMES", 4)
    job, model = plan_video(film, None, SETTINGS), find_model(SETTINGS.model)
    script = ColorScript(hints=(replace(HINT, frame="20"),), references=(reference,))
    direction = find_direction(job, SETTINGS, script)
    given = (job, model, SETTINGS, direction)

    def colors(past: Past | None) -> list[Colored]:
        found = find_evidence(read_job(job, SETTINGS, Damage()), *given)
        directed = Directed(direction, found, find_matches(model))
        frames = read_job(job, SETTINGS, Damage())
        return list(colorize_frames(frames, model, SETTINGS, past=past, directed=directed))

    whole = colors(None)
    last = whole[19]
    assert last.state is not None
    again = colors(Past(20, ShotMemory(REMEMBERED_SHOTS), last.state))
    assert [one.frame.index for one in again] == [20, 21, 22, 23]
    for ours, theirs in zip(whole[20:], again, strict=True):
        assert np.array_equal(ours.ab, theirs.ab)
        assert np.array_equal(ours.chroma.cb, theirs.chroma.cb)
    rows, columns = whole[18].ab.shape[1:]
    assert whole[18].ab[0, :, : columns // 3].mean() > 15, "red"
    assert whole[18].ab[1, :, -columns // 4 :].mean() < -15, "blue"
    assert rows == 2 * whole[0].ab.shape[1]
    assert whole[0].directed is None
    assert len({one.directed for one in whole[FRAMES:]}) == 1


def test_a_hint_must_lie_in_the_film_but_not_in_the_part_that_is_tried(film: Path) -> None:
    """The header tells its length but roughly: what is missing at its end is told then."""
    model = find_model(SETTINGS.model)
    part = replace(SETTINGS, duration_seconds=Fraction(1, 5))
    beyond = replace(HINT, frame="30", place="f.toml:3")
    for settings, hint, is_refused in ((part, HINT, False), (SETTINGS, beyond, True)):
        job = plan_video(film, None, settings)
        direction = find_direction(job, settings, ColorScript(hints=(hint,)))
        frames = read_job(job, settings, Damage())
        with nullcontext() if not is_refused else pytest.raises(SettingError, match="toml:3: fr"):
            find_evidence(frames, job, model, settings, direction)


def test_a_single_frame_has_the_hints_of_its_own(film: Path) -> None:
    """As the studio shows it, without the film around it."""
    job, model = plan_video(film, None, SETTINGS), find_model(SETTINGS.model)
    direction = find_direction(job, SETTINGS, ColorScript(hints=(HINT,)))
    ab = []
    for one in list(number_frames(read_job(job, SETTINGS, Damage())))[17:19]:
        directed = Directed(direction, evidence_of_frames([one], model, SETTINGS, direction))
        past = Past(0, ShotMemory(REMEMBERED_SHOTS))
        (colored,) = colorize_shots([one], past, model, SETTINGS, directed)
        ab.append(colored.ab[:, 5:11, 8:16].mean((1, 2)))
    wish = ab_of(HINT.color)
    assert np.abs(ab[1] - wish).max() < 2
    assert np.abs(ab[0] - wish).max() > 5


def test_a_range_smooths_as_the_setting_does(film: Path) -> None:
    """Over the whole film alike; inside a shot frames are on their own, and no other shot hears."""
    model = find_model(SETTINGS.model)

    def colors(smoothing: float, *ranges: Range) -> list[np.ndarray]:
        settings = replace(SETTINGS, temporal=TemporalSettings(smoothing=smoothing))
        job = plan_video(film, None, settings)
        direction = find_direction(job, settings, ColorScript(ranges=ranges))
        frames = read_job(job, settings, Damage())
        colored = colorize_frames(frames, model, settings, directed=Directed(direction))
        return [one.ab for one in colored]

    def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> list[bool]:
        return [np.array_equal(*pair) for pair in zip(ours, theirs, strict=True)]

    alone, smoothed = colors(0), colors(0.9)
    assert not any(same(alone, smoothed))
    assert all(same(colors(0.9, Range(smoothing=0)), alone))
    assert all(same(colors(0, Range(smoothing=0.9)), smoothed))
    part = colors(0.9, Range(frames="6-8", smoothing=0))
    assert same(part, alone) == [6 <= number <= 8 for number in range(2 * FRAMES)]
    assert all(same(part, smoothed)[FRAMES:])
