"""What is printed: any text on any stream, nothing that steers a terminal."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clips import moving_luma, write_film
from forking import connect, start_program

import vidcolor.cli.main
from vidcolor.cli.main import _Terminated, main
from vidcolor.cli.terminal import LastingStream, escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ü, 🎬, Zu\u0308rich", "plain, ü, 🎬, Zu\u0308rich"),
        ("red \x1b[31m\x07", r"red \x1b[31m\x07"),
        ("two\nlines\r\tand\x9b2J", r"two\nlines\r\tand\x9b2J"),
        ("reel\u202egnp.mkv", r"reel\u202egnp.mkv"),
        (os.fsdecode(b"Z\xfcrich"), r"Z\xfcrich"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    """Letters of all languages are not."""
    assert escape(text) == shown


def test_a_strict_stream_takes_any_text() -> None:
    """As under a locale of ASCII, or one whose errors are strict."""
    data = io.BytesIO()
    stream = LastingStream(io.TextIOWrapper(data, encoding="ascii", errors="strict"))
    stream.write("Zürich\udcfc")
    stream.flush()
    assert data.getvalue() == rb"Z\xfcrich\udcfc"


@pytest.mark.parametrize(
    ("signal_of", "code"), [(KeyboardInterrupt(), 130), (_Terminated(15), 143)]
)
def test_a_signal_within_the_last_flush_is_a_code(
    monkeypatch: pytest.MonkeyPatch, signal_of: BaseException, code: int
) -> None:
    """It is no traceback, and the streams are those of before."""
    before = sys.stdout, sys.stderr

    def stop(_: LastingStream) -> None:
        raise signal_of

    monkeypatch.setattr(vidcolor.cli.main, "_main", lambda _: 0)
    monkeypatch.setattr(LastingStream, "flush", stop)
    assert main([]) == code
    assert (sys.stdout, sys.stderr) == before


def program(*arguments: object, redirect: str = "") -> subprocess.CompletedProcess[str]:
    """The program run by a shell; its streams lead where `redirect` says."""
    command = [sys.executable, "-m", "vidcolor", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    shell = ["sh", "-c", f'"$@" {redirect}', "sh", *command]
    return subprocess.run(shell, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film of two frames."""
    return write_film(tmp_path / "reel.mkv", moving_luma(2))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_output_costs_no_film(film: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One line tells of it, with exit code 1; what modules log is a line like others."""
    film.with_name("notes.xyz").touch()
    printed = tmp_path_factory.mktemp("printed") / "here"
    command = [film.parent, "--render-size", 64]
    code, _, err = start_program(printed, command, (), connect, {1: "/dev/full"}).end()
    assert code == 1
    assert film.with_name("reel.colorized.mkv").exists()
    (line,) = (text for text in err.splitlines() if "standard output" in text)
    assert "No space left" in line
    passed_over = f"vidcolor: {film.parent}: passed over 1 file that is no film (notes.xyz)"
    assert passed_over in err.splitlines()
    assert "Traceback" not in err


def test_closed_streams_cost_no_film(film: Path) -> None:
    """Nor does any file of the film get their numbers."""
    ended = program(film, "--render-size", 64, redirect=">&- 2>&-")
    assert ended.returncode == 0
    assert film.with_name("reel.colorized.mkv").exists()


def test_who_reads_no_further_is_told_nothing(film: Path) -> None:
    """As of `vidcolor --status out/ | head -1`."""
    output = film.parent / "out"
    assert main([str(film), "-o", f"{output}/", "--render-size", "64", "-q"]) == 0
    ended = program("--status", output, redirect="| (exec 0<&-; sleep 0.1)")
    assert ended.stderr == ""
