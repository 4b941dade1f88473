"""What is told before torch is loaded, and what is for some of the inputs only."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_runs import film, run
from clips import write_series

from vidcolor.cli.main import main

pytestmark = pytest.mark.usefixtures("quiet_surroundings")

FAULTS = {
    ("film.mkv", "-o", "none/out.mkv"): "none: no such folder; make it first",
    ("film.mkv", "-o", "film.mkv"): "film.mkv: is the input itself; name another output",
    ("film.mkv", "-o", "old.mkv"): "old.mkv: exists already; use --overwrite or another -o",
    ("film.mp4",): "film.mp4: no such file; did you mean film.mkv?",
}
SCRIPT = """
import sys
from vidcolor.cli.main import main
codes = [main(words.split()) for words in sys.argv[1:]]
print(codes, "torch" in sys.modules, "av" in sys.modules)
"""


def test_bad_names_are_told_before_torch_is_loaded() -> None:
    """In the first tenths of a second: torch alone takes more than one."""
    film()
    Path("old.mkv").touch()
    words = [" ".join(one) for one in FAULTS]
    command = [sys.executable, "-c", SCRIPT, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "[1, 1, 1, 1] False False\n"
    assert done.stderr.splitlines() == [f"vidcolor: {fault}" for fault in FAULTS.values()]


def test_a_terminal_shows_at_once_that_work_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else is printed before the model is there; a log gets no such line."""
    film()
    for is_terminal, told in ((True, "vidcolor: film.mkv: starting\n"), (False, "")):
        monkeypatch.setattr(sys.stderr, "isatty", lambda is_terminal=is_terminal: is_terminal)
        main(["film.mkv", "--model", "none.safetensors"])
        assert capsys.readouterr().err.removesuffix("\n").rpartition("\n")[0] == told.strip()


def test_a_rate_is_for_the_image_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    """Films beside them keep theirs, and say so; a film alone is refused."""
    Path("reels").mkdir()
    film("reels/film.mkv")
    write_series(Path("reels/scan/%04d.png"), [np.full((48, 64), 90, np.uint8)] * 2)
    assert run("reels", "-r", "--fps", "18", "-o", "out/") == 0
    told = capsys.readouterr().err
    assert "film.mkv: keeps its own rate; --fps is for the image sequences" in told
    assert run("reels/film.mkv", "--fps", "18", "-o", "new.mkv") == 1
    assert "leave --fps out" in capsys.readouterr().err
