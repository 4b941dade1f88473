"""A film with a color script: what is directed changes, all else keeps its bytes."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from cli_runs import run
from clips import soft_shot, write_film

from vidcolor import ColorScript, ModelSettings, OutputSettings, Range, Settings, colorize_video
from vidcolor.film.directed import find_direction
from vidcolor.models.zoo import find_model
from vidcolor.pipeline.run import Past, colorize_shots
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.shots.cuts import REMEMBERED_SHOTS, number_frames
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


def test_what_is_directed_changes_and_nothing_else(film: Path) -> None:
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

    made = ColorScript(ranges=(Range(frames="3-5", saturation=0), Range(shots="2", temperature=20)))
    colorize_video(film, film.with_name("python.mkv"), SETTINGS, script=made)
    assert film.with_name("python.mkv").read_bytes() == result.path.read_bytes()


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
        list(colorize_shots(last, past, model, SETTINGS, *given)) for given in ([], [direction])
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
    assert "new.colors.toml: exists already. Use --overwrite" in capsys.readouterr().err
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
