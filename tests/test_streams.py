"""A film from standard input and to standard output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import QUICK, film
from clips import ask_ffprobe
from forking import connect, start_program

from vidcolor.cli.command_line import read_request

pytestmark = pytest.mark.usefixtures("quiet_surroundings")


def test_a_film_goes_through_pipes(tmp_path: Path) -> None:
    """MP4 with its index at the end as well; nothing but the film is on standard output."""
    source = film("film.mp4", codec="libx264")
    pipes = {0: tmp_path / "in", 1: tmp_path / "out"}
    for pipe in pipes.values():
        os.mkfifo(pipe)
    program = start_program(tmp_path / "printed", ["-", "-o", "-", *QUICK], (), connect, pipes)
    pipes[0].write_bytes(source.read_bytes())
    made = tmp_path / "made.mkv"
    made.write_bytes(pipes[1].read_bytes())
    code, _, err = program.end()
    assert (code, err.startswith("standard output: 3 frames")) == (0, True)
    found = ask_ffprobe(made, "-show_streams", "-count_frames")["streams"][0]
    assert (found["codec_name"], found["nb_read_frames"]) == ("h264", "3")


def test_a_reader_that_stops_is_no_traceback(tmp_path: Path) -> None:
    """Nor is a film that nobody wants."""
    film()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = ["film.mkv", "-o", "-", "-q", *QUICK]
    program = start_program(tmp_path / "printed", command, (), connect, {1: pipe})
    pipe.open("rb").close()
    code, _, err = program.end()
    assert (code, err) == (1, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("-", "- needs -o PATH, or -o - for standard output"),
        ("a.mkv b.mkv -o -", "-o - holds one film; for several name a folder"),
    ],
)
def test_streams_that_cannot_be_are_bad_usage(
    capsys: pytest.CaptureFixture[str], words: str, told: str
) -> None:
    """Before anything is read."""
    with pytest.raises(SystemExit) as ended:
        read_request(words.split())
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_what_libraries_print_is_no_part_of_the_film() -> None:
    """C's streams write to the same number, and only when they are full or closed."""
    code = (
        "import ctypes, sys; from vidcolor.cli.streams import _output_kept\n"
        "with _output_kept(): ctypes.CDLL(None).printf(b'words'); print('mine')\n"
        "sys.stdout.buffer.write(b'film')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"film", b"wordsmine\n")
