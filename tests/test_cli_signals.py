import os
import signal
import time
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import pytest
import torch
from cli_runs import QUICK, film, run
from clips import SAMPLE, Extras, moving_luma, write_film
from forking import start_program

from vidcolor.cli.main import KEPT
from vidcolor.film import colorize
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.reading.open_file import SourceFile

pytestmark = pytest.mark.usefixtures("quiet_surroundings")

WAIT_SECONDS = 60


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "terminated"),
        (signal.SIGINT, 130, "interrupted"),
    ],
)
def test_a_signal_is_told_as_shells_do(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
    told: str,
) -> None:
    """The exit code of a stopped run is 128 and the signal's number, and one line says so."""
    monkeypatch.setattr("vidcolor.reels.batch.colorize_job", lambda *_: signal.raise_signal(number))
    # Whoever starts the tests may have these signals ignored, as nohup does.
    usual = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    film()
    try:
        assert run("film.mkv") == code
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == f"vidcolor: {told}; {KEPT}\n"


def reach(mark: Path) -> None:
    """Make `mark` when the third frame is kept, and take time over each one from then on."""
    add_frame, kept = Checkpoint.add_frame, []

    def add_slowly(self: Checkpoint, *frame: Any) -> None:
        add_frame(self, *frame)
        kept.append(frame)
        if len(kept) >= 3:
            mark.touch()
            time.sleep(0.1)

    Checkpoint.add_frame = add_slowly


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGTERM, 143, f"vidcolor: terminated; {KEPT}\n"),
        (signal.SIGINT, 130, f"vidcolor: interrupted; {KEPT}\n"),
    ],
)
def test_a_signal_in_the_middle_leaves_nothing(
    tmp_path: Path, number: signal.Signals, code: int, told: str
) -> None:
    """Stopped while it writes, the program says so and leaves nothing, as no shot is whole."""
    film(frames=300)
    place, mark = Path("place"), tmp_path / "mark"
    place.mkdir()
    command = ["film.mkv", "-o", place / "out.mkv", "--lossless", "-q", *QUICK]
    program = start_program(tmp_path / "told", command, (), reach, mark)
    deadline = time.monotonic() + WAIT_SECONDS
    while not mark.exists():
        assert program.process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (place / ".out.mkv.work").exists()
    os.kill(program.process.pid, number)
    assert program.end() == (code, "", told)
    assert list(place.iterdir()) == []


def stop_in_a_read(number: int) -> None:
    """Have the process get a signal while FFmpeg reads the source to copy its sound."""
    join, read = colorize.join, SourceFile._read

    def join_reading(*arguments: Any) -> Any:
        def read_on(self: SourceFile, size: int) -> bytes:
            if not stopped and current_thread() is main_thread():
                stopped.append(number)
                os.kill(os.getpid(), number)
            return read(self, size)

        stopped = list[int]()
        SourceFile._read = read_on
        os.fsync = lambda _: time.sleep(1)  # or the film may be whole before the signal is heard
        return join(*arguments)

    colorize.join = join_reading


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_that_comes_in_a_read_of_ffmpeg_is_not_lost(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """FFmpeg would take it for the end of the file, and the film would lack its last sounds."""
    source = write_film(Path("film.mkv"), moving_luma(9), extras=Extras(audio=["pcm_s16le"]))
    command = [source, "-o", "out.mkv", "-q", *QUICK]
    stopped = start_program(tmp_path / "stopped", command, (), stop_in_a_read, number)
    told = "terminated" if number is signal.SIGTERM else "interrupted"
    assert stopped.end() == (code, "", f"vidcolor: {told}; {KEPT}\n")
    assert not Path("out.mkv").exists()


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == 1,
    reason="it takes a Linux machine of two cores or more",
)
def test_the_bytes_do_not_depend_on_the_number_of_cores(tmp_path: Path) -> None:
    """A film from one machine goes with that from another."""
    written = []
    for cores in (1, 2):
        for codec in ("libx264", "ffv1"):
            name = f"{cores}-{codec}"
            film = tmp_path / f"{name}.mkv"
            asked = [SAMPLE, "--duration", "0.4", "-q", *QUICK, "--codec", codec, "-o", film]
            told = start_program(tmp_path / name, asked, (), have_cores, cores).end()
            assert told == (0, "", "")
            written.append(film.read_bytes())
    assert written[:2] == written[2:]


def have_cores(number: int) -> None:
    """In a process that has so many."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])
    torch.set_num_threads(number)
