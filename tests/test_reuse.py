"""Only what changed: shots of an earlier film are taken over, and the bytes are as from scratch."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runs import run
from clips import soft_shot, write_film

from vidcolor import (
    ColorScript,
    Hint,
    ModelSettings,
    OutputSettings,
    Range,
    Settings,
    colorize_video,
)
from vidcolor.files import shots_path, work_path
from vidcolor.film.directed import find_direction
from vidcolor.film.provenance import Provenance
from vidcolor.film.reuse import describe_reuse
from vidcolor.film.source_digest import digest_source
from vidcolor.models.zoo import find_model, suited
from vidcolor.writing.plan import plan_video

A, B, C = (soft_shot(seed, 20) for seed in (1, 2, 3))
FIRST = ColorScript(ranges=(Range(shots="2", temperature=20),))
HINT = Hint(frame="27", color="#a05848", box=(0.25, 0.25, 0.5, 0.5))
MODEL = ModelSettings(render_size=64, device="cpu")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five shots of eight frames: A B A C B."""
    shots = [*A[:8], *B[:8], *A[8:16], *C[:8], *B[8:16]]
    return write_film(tmp_path_factory.mktemp("reuse") / "film.mkv", shots)


def made(film: Path, output: Path, script: ColorScript | None, **changes: object) -> bytes:
    """The bytes of the film with a script."""
    options = OutputSettings(overwrite=True, **changes)  # type: ignore[arg-type]
    settings = Settings(model=MODEL, output=options, keep_colors=0)
    return colorize_video(film, output, settings, script=script).path.read_bytes()


def colored(log: pytest.LogCaptureFixture) -> str | None:
    """Which part of the shots was colored, as the log says; None for all in one go."""
    lines = [one for one in log.messages if "copied from the existing film" in one]
    log.clear()
    return lines[0].partition("coloring ")[2].partition(" shots")[0] if lines else None


@pytest.mark.parametrize(
    ("name", "changes", "hint", "wanted"),
    [
        ("film.mp4", {"codec": "libx264"}, HINT, "1 of 5"),
        ("film.mkv", {"lossless": True}, replace(HINT, frame="18"), "2 of 5"),
    ],
)
def test_a_hint_costs_the_shots_that_it_reaches(
    film: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    changes: dict,
    hint: Hint,
    wanted: str,
) -> None:
    """Its shot, those that return to it, and those that they begin with; nothing else."""
    caplog.set_level(logging.INFO)
    target, fresh = tmp_path / name, tmp_path / f"fresh.{name}"
    script = replace(FIRST, hints=(hint,))
    made(film, target, FIRST, **changes)
    assert colored(caplog) is None
    again = made(film, target, script, **changes)
    assert colored(caplog) == wanted
    assert again == made(film, fresh, script, **changes)
    assert colored(caplog) is None
    shown = [json.loads(one.with_suffix(".json").read_text()) for one in (target, fresh)]
    assert _steady(shown[0]) == _steady(shown[1])
    assert shots_path(target).read_bytes()
    assert made(film, target, script, **changes) == again
    assert colored(caplog) == "0 of 5"


def _steady(facts: dict) -> object:
    """What a sidecar says of shots, but for the speed of the work."""
    return facts["shots"], facts["frames"], {**facts["timeline"], "frames_per_second": None}


def described(film: Path, output: Path, script: ColorScript) -> tuple[str, ...]:
    """What a dry run says."""
    options = OutputSettings(overwrite=True, lossless=True)
    job = plan_video(film, output, Settings(model=MODEL, output=options, keep_colors=0))
    model = find_model(MODEL)
    settings = suited(job.settings, model)
    provenance = Provenance(
        job=job,
        model=model,
        settings=settings,
        digest=digest_source(job.source.files, job.source.access),
        direction=find_direction(job, settings, script),
    )
    return describe_reuse(provenance)


@pytest.mark.usefixtures("quiet_surroundings")
def test_a_dry_run_says_which_shots_and_why(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a pass over luma; nothing of a film that was changed, or made with other settings."""
    target = tmp_path / "film.mkv"
    script = replace(FIRST, hints=(replace(HINT, frame="2"),))
    assert described(film, target, script) == ()
    made(film, target, FIRST, lossless=True)
    assert described(film, target, script) == (
        "2 of 5 shots; the others are copied from the existing film",
        "shot 1: its part of the color script has changed",
        "shot 3: it returns to shot 1",
    )
    written = tmp_path / "film.colors.toml"
    written.write_text(
        "[[range]]\nshots = 2\ntemperature = 20\n[[hint]]\nframe = 2\n"
        'color = "#a05848"\nbox = [0.25, 0.25, 0.5, 0.5]\n'
    )
    options = ["--overwrite", "--lossless", "--render-size", "64", "--device", "cpu"]
    given = ["-o", str(target), "--color-script", str(written), "--dry-run", *options]
    assert run(str(film), *given) == 0
    printed = capsys.readouterr().out
    assert "  colors    2 of 5 shots; the others are" in printed
    assert "  colors    shot 3: it returns to shot 1" in printed
    last = replace(FIRST, hints=(replace(HINT, frame="35"),))
    assert described(film, target, last)[1:] == (
        "shot 2: shot 5 begins with its colors",
        "shot 5: its part of the color script has changed",
    )
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    assert described(film, target, script) == ()


def test_a_stopped_run_goes_on_and_one_without_its_film_starts_over(
    film: Path, tmp_path: Path
) -> None:
    """Shots that were taken over are no ground for others once the earlier film is gone."""
    target, fresh = tmp_path / "film.mkv", tmp_path / "fresh.mkv"
    script = replace(FIRST, hints=(HINT,))
    wanted = made(film, fresh, script, lossless=True)
    made(film, target, FIRST, lossless=True)
    options = OutputSettings(overwrite=True, lossless=True)
    settings = Settings(model=MODEL, output=options, keep_colors=0)

    def stop(_: int, shot: int) -> None:
        if shot == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        colorize_video(film, target, settings, script=script, progress=stop)
    begun = work_path(target).read_bytes()
    assert made(film, target, script, lossless=True) == wanted
    work_path(target).write_bytes(begun)
    target.unlink()
    assert made(film, target, script, lossless=True) == wanted


def test_nothing_is_kept_of_a_film_without_a_script(film: Path, tmp_path: Path) -> None:
    """Few need it; who has a script once has it from then on."""
    target = tmp_path / "film.mkv"
    made(film, target, None, lossless=True)
    assert not shots_path(target).exists()
    made(film, target, FIRST, lossless=True)
    assert shots_path(target).exists()
