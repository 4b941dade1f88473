"""Folders and files that may not be read or written: one line each, and the rest goes on."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import moving_luma, write_film, write_series

from vidcolor.cli.main import main

SMALL = ("--render-size", "64", "-q")
NOBODY = 65534


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A film, and a folder of mode 000 with films in it; root is somebody else meanwhile."""
    place = Path(tempfile.mkdtemp(prefix="vidcolor-test-"))
    for name in ("in/locked", "in/open"):
        (place / name).mkdir(parents=True)
    write_film(place / "in/open/a.mkv", moving_luma(2))
    write_film(place / "in/locked/b.mkv", moving_luma(2, seed=1))
    write_series(place / "in/locked/%04d.png", moving_luma(2))
    (place / "in/locked/net.safetensors").write_bytes(b"x")
    for folder in (place, place / "in", place / "in/open"):
        folder.chmod(0o777)
    (place / "in/locked").chmod(0)
    monkeypatch.chdir(place)
    main(["in/open/a.mkv", "-o", "warm.mkv", *SMALL])  # what is loaded late lies in root's folders
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    try:
        yield place
    finally:
        if was_root:
            os.seteuid(0)
        (place / "in/locked").chmod(0o700)
        monkeypatch.undo()
        shutil.rmtree(place)


COMMANDS = {
    "a folder": ("in/locked", "-o", "a/"),
    "a film in it": ("in/locked/b.mkv", "-o", "b.mkv"),
    "a film in it, beside it": ("in/locked/b.mkv",),
    "a pattern in it": ("in/locked/%04d.png", "--fps", "24", "-o", "c.mkv"),
    "weights in it": ("in/open/a.mkv", "--model", "in/locked/net.safetensors", "-o", "d.mkv"),
    "an output in it": ("in/open/a.mkv", "-o", "in/locked/e.mkv"),
    "an output folder in it": ("in/open/a.mkv", "-o", "in/locked/out/"),
    "its status": ("--status", "in/locked"),
}


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("kind", COMMANDS)
def test_one_line(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names what may not be read; exit code 1."""
    words = COMMANDS[kind]
    assert main([*words, *(() if "--status" in words else SMALL)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "in/locked" in line
    assert "unexpectedly" not in line


@pytest.mark.usefixtures("archive")
def test_the_rest_of_an_archive_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is told, and the exit code is 1."""
    assert main(["in", "-r", "-o", "out", *SMALL]) == 1
    assert "in/locked: cannot be read (Permission denied)" in capsys.readouterr().err
    assert Path("out/open/a.colorized.mkv").exists()
