import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from clips import Extras, small_disk, soft_shot, write_film
from killing import kill_at

from vidcolor import colorize_video
from vidcolor.errors import (
    DiskFullError,
    OutputError,
    SourceError,
    SourceGoneError,
    VidcolorError,
)
from vidcolor.files import work_path
from vidcolor.film import coloring
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.report.sidecar import read_sidecar
from vidcolor.report.timeline import FrameFigures
from vidcolor.settings import ColorSettings, ModelSettings, OutputSettings, Settings
from vidcolor.shots import seeing
from vidcolor.writing.muxer import FilmWriter

SETTINGS = Settings(
    model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(codec="libx264")
)
SHOT_FRAMES = 6
SHOTS = (1, 2, 1, 3, 2)  # the third goes on with the first, the last with the second


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of five shots, some of one set-up, with sound."""
    frames = [plane for seed in SHOTS for plane in soft_shot(seed, SHOT_FRAMES)]
    path = tmp_path_factory.mktemp("source") / "reel.mkv"
    return write_film(path, frames, extras=Extras(audio=["aac"]))


@pytest.fixture(scope="module")
def unbroken(reel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same made in one go."""
    result = colorize_video(reel, tmp_path_factory.mktemp("unbroken") / "out.mkv", SETTINGS)
    assert result.shots == len(SHOTS)
    return result.path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "calls"),
    [
        (
            "vidcolor.film.checkpoint:Checkpoint.add_frame",
            (3, 16, 10),
        ),  # the counts begin anew with each run
        ("vidcolor.film.checkpoint:Checkpoint.keep_ending", (2, 2)),
        ("vidcolor.film.checkpoint:Checkpoint.end_shot", (3, 1)),
        ("vidcolor.film.checkpoint:Checkpoint.end_film", (1,)),
        ("vidcolor.writing.muxer:FilmWriter._write", (16,)),
        ("vidcolor.writing.muxer:FilmWriter._verify", (1,)),
        ("vidcolor.film.colorize:color", (1,)),
        ("vidcolor.film.colorize:join", (1,)),
        ("vidcolor.film.colorize:describe", (1,)),  # the film has its name, and nothing beside it
        ("vidcolor.film.colorize:write_sidecar", (1,)),
        ("os:fsync", (1, 2)),
        ("vidcolor.film.checkpoint:Checkpoint.remove", (1,)),
    ],
)
def test_a_killed_film_ends_with_the_same_bytes(
    reel: Path, unbroken: Path, tmp_path: Path, place: str, calls: tuple[int, ...]
) -> None:
    """Killed anywhere and run again, the film is byte-equal and nothing else is left."""
    output = tmp_path / "out.mkv"
    for nth in calls:
        kill_at(place, nth, reel, output, SETTINGS)
    colorize_video(reel, output, SETTINGS)
    assert output.read_bytes() == unbroken.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"out.mkv", "out.json"}
    told, expected = (read_sidecar(path.with_suffix(".json")) for path in (output, unbroken))
    assert told["shots"] == expected["shots"]
    assert told["frames"] == expected["frames"] == SHOT_FRAMES * len(SHOTS)


def stop_at(frame: int, reel: Path, output: Path, error: type[BaseException]) -> None:
    """Colorize until `error` is raised where a frame is kept."""
    add_frame = Checkpoint.add_frame

    def failing(self: Checkpoint, shot: int, number: int, figures: FrameFigures) -> None:
        if number == frame:
            raise error("stopped")
        add_frame(self, shot, number, figures)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Checkpoint, "add_frame", failing)
        with pytest.raises(error, match="stopped"):
            colorize_video(reel, output, SETTINGS)


def test_only_what_is_missing_is_colorized(
    reel: Path,
    unbroken: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The network is not asked again about shots that are whole; where it goes on is told."""
    output = tmp_path / "out.mkv"
    stop_at(2 * SHOT_FRAMES + 3, reel, output, KeyboardInterrupt)
    asked: list[object] = []
    brighten = seeing.brighten
    monkeypatch.setattr(seeing, "brighten", lambda seen: (asked.append(seen), brighten(seen))[1])
    caplog.set_level("INFO", "vidcolor")
    caplog.clear()
    shown: list[tuple[int, int]] = []
    result = colorize_video(reel, output, SETTINGS, progress=lambda *told: shown.append(told))
    assert len(asked) == 3 * SHOT_FRAMES
    assert shown[0] == (2 * SHOT_FRAMES + 1, 2)
    assert (result.frames, result.shots) == (SHOT_FRAMES * len(SHOTS), len(SHOTS))
    assert caplog.messages == [f"{reel}: resuming at shot 3, frame {2 * SHOT_FRAMES}"]
    assert output.read_bytes() == unbroken.read_bytes()


def test_other_settings_begin_anew(
    reel: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was begun with other colors is not gone on with, and that is told."""
    output = tmp_path / "out.mkv"
    stop_at(15, reel, output, KeyboardInterrupt)
    strong = replace(SETTINGS, color=ColorSettings(saturation=1.5))
    caplog.clear()
    colorize_video(reel, output, strong)
    assert caplog.messages == [
        f"{reel}: settings have changed (saturation 1.0, now 1.5); starting over"
    ]
    fresh = colorize_video(reel, tmp_path / "fresh.mkv", strong).path
    assert output.read_bytes() == fresh.read_bytes()


def test_a_full_disk_is_gone_on_from(
    reel: Path,
    unbroken: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whole shots stay when the disk is full; with room again the film has the same bytes."""
    monkeypatch.setattr("vidcolor.film.checkpoint.MOST_OPEN_BYTES", 1 << 12)
    with small_disk(tmp_path, "8m") as disk:
        output, ballast = disk / "out.mkv", disk / "ballast"

        def fill(done: int, _shot: int) -> None:
            if done == SHOT_FRAMES + 3:
                with suppress(OSError), ballast.open("wb", buffering=0) as file:
                    while file.write(b"x" * 4096):
                        pass

        with pytest.raises(DiskFullError, match="disk: the disk is full; make room or choose"):
            colorize_video(reel, output, SETTINGS, progress=fill)
        assert not output.exists()
        ballast.unlink()
        caplog.set_level("INFO", "vidcolor")
        colorize_video(reel, output, SETTINGS)
        assert caplog.messages == [f"{reel}: resuming at shot 2, frame {SHOT_FRAMES}"]
        assert output.read_bytes() == unbroken.read_bytes()
        assert {path.name for path in disk.iterdir()} == {"out.mkv", "out.json"}


@pytest.mark.parametrize("fate", ["vanishes", "grows"])
def test_a_reel_that_does_not_stay_is_told(
    reel: Path, unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """What is there of it is no film; when it is back as it was, its whole shots are still good."""
    source, output = tmp_path / "reel.mkv", tmp_path / "out.mkv"
    source.write_bytes(reel.read_bytes())
    os.utime(source, ns=(0, 0))
    aside, read_job = tmp_path / "aside", coloring.read_job

    def meddled(*args):  # noqa: ANN002, ANN202
        for frame in read_job(*args):
            if frame.index == 20 and fate == "vanishes":
                source.rename(aside)
            elif frame.index == 20:
                source.write_bytes(reel.read_bytes() + b"more")
            yield frame

    with monkeypatch.context() as patched:
        patched.setattr(coloring, "read_job", meddled)
        word = "vanished" if fate == "vanishes" else "changed"
        with pytest.raises(SourceGoneError, match=rf"reel\.mkv: {word} while it was read; run"):
            colorize_video(source, output, SETTINGS)
    assert not output.exists()
    assert work_path(output).exists()
    source.write_bytes(reel.read_bytes())
    colorize_video(source, output, SETTINGS)
    assert output.read_bytes() == unbroken.read_bytes()


@pytest.mark.parametrize("error", [OutputError, SourceError])
def test_no_error_deletes_what_is_done(
    reel: Path, unbroken: Path, tmp_path: Path, error: type[VidcolorError]
) -> None:
    """Whole shots stay until the film is there, whatever was wrong."""
    output = tmp_path / "out.mkv"
    stop_at(20, reel, output, error)
    with Checkpoint(output, {}) as work:
        assert work.changed  # it was there, and with things of its own
    stop_at(20, reel, output, error)
    colorize_video(reel, output, SETTINGS)
    assert output.read_bytes() == unbroken.read_bytes()


def test_damaged_shots_are_done_anew(
    reel: Path,
    unbroken: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Bytes that change while the film is joined make no wrong film; that is told."""
    output = tmp_path / "out.mkv"
    end_film = Checkpoint.end_film

    def and_rots(self: Checkpoint, losses: dict) -> None:
        end_film(self, losses)
        monkeypatch.undo()
        self._execute("UPDATE packets SET data = zeroblob(99) WHERE shot = 3 AND number = 5")

    monkeypatch.setattr(Checkpoint, "end_film", and_rots)
    colorize_video(reel, output, SETTINGS)
    assert "resuming at shot 4" in caplog.text
    assert output.read_bytes() == unbroken.read_bytes()


def test_a_film_that_may_not_grow_keeps_the_work(
    reel: Path, unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that only the finished film meets names itself, and costs no shot."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    output = tmp_path / "out.mkv"
    write = FilmWriter.write

    def limited(self: FilmWriter, *args: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, hard))
        write(self, *args)

    monkeypatch.setattr(FilmWriter, "write", limited)
    try:
        with pytest.raises(OutputError, match=r"out\.mkv: cannot be written: .*\(ulimit -f\)"):
            colorize_video(reel, output, SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    monkeypatch.undo()
    monkeypatch.setattr(coloring, "read_job", lambda *_: pytest.fail("colorized in vain"))
    colorize_video(reel, output, SETTINGS)
    assert output.read_bytes() == unbroken.read_bytes()


def test_what_came_in_between_is_not_overwritten(reel: Path, tmp_path: Path) -> None:
    """A file that appears under the target's name before the work goes on stays as it is."""
    output = tmp_path / "out.mkv"
    stop_at(15, reel, output, KeyboardInterrupt)
    output.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        colorize_video(reel, output, SETTINGS)
    assert output.read_text() == "mine"


def test_what_no_container_holds_is_told_before_the_work(
    reel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A muxer that refuses the film does so at the beginning."""
    monkeypatch.setattr(coloring, "read_job", lambda *_: pytest.fail("colorized in vain"))
    settings = replace(SETTINGS, output=OutputSettings(codec="rawvideo", pixel_format="yuv420p"))
    with pytest.raises(OutputError):
        colorize_video(reel, tmp_path / "out.mp4", settings)
    assert list(tmp_path.iterdir()) == []
