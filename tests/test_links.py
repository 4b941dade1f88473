import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest
from clips import moving_luma, write_film
from image_sequences import settings

from vidcolor.errors import OutputError
from vidcolor.files import (
    find_write_fault,
    open_new,
    part_path,
    pictures_path,
    work_path,
    write_text,
    write_whole,
)
from vidcolor.film.checkpoint_file import open_locked
from vidcolor.film.colorize import colorize_video
from vidcolor.settings import InputSettings
from vidcolor.writing import muxer

SECRET = b"of somebody else"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that nobody is to write to."""
    path = tmp_path / "victim"
    path.write_bytes(SECRET)
    return path


@pytest.mark.quick
def test_files_that_are_written_whole_follow_no_link(tmp_path: Path, victim: Path) -> None:
    """One that was planted under the temporary name is deleted; the file gets its text."""
    target = tmp_path / "film.json"
    for write, part in (
        (lambda: write_whole(target, b"whole"), part_path(target)),
        (lambda: write_text(target, "whole"), target.with_name("film.json.part")),
    ):
        part.symlink_to(victim)
        write()
        assert (target.read_bytes(), victim.read_bytes()) == (b"whole", SECRET)
        assert not target.is_symlink()
        target.unlink()
    part.symlink_to(victim)
    assert isinstance(find_write_fault(part), OutputError)
    assert victim.read_bytes() == SECRET


@pytest.mark.quick
def test_a_new_file_is_no_old_one(tmp_path: Path, victim: Path) -> None:
    """Not even one that has another name as well."""
    os.link(victim, tmp_path / "name")
    with open_new(tmp_path / "name") as file:
        file.write(b"new")
    assert victim.read_bytes() == SECRET


@pytest.mark.quick
def test_a_checkpoint_is_private_and_no_link(tmp_path: Path, victim: Path) -> None:
    """A link under its name is refused by one line, whether its target is there or not."""
    path = work_path(tmp_path / "film.mkv")
    open_locked(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    for target in (victim, tmp_path / "nothing"):
        path.symlink_to(target)
        with pytest.raises(OutputError, match="is a symbolic link, which is not followed"):
            open_locked(path)
        path.unlink()
    assert victim.read_bytes() == SECRET
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_link_that_is_planted_during_the_work_is_not_followed(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """Between the making of the file and FFmpeg's opening of it; nothing becomes a link."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2, 64, 48))
    target = tmp_path / f"out{suffix}"

    def planted(path: Path) -> BinaryIO:
        file = open_new(path)
        path.unlink()
        path.symlink_to(victim)
        return file

    monkeypatch.setattr(muxer, "open_new", planted)
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system has no names of open files")
    with pytest.raises(OutputError, match="was replaced by another program"):
        colorize_video(film, target, settings(InputSettings()))
    assert victim.read_bytes() == SECRET
    assert not target.is_symlink()


def test_a_film_follows_no_link(tmp_path: Path, victim: Path) -> None:
    """Nor do the images of a sequence."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2, 64, 48))
    target = tmp_path / "out.mkv"
    part_path(target).symlink_to(victim)
    assert colorize_video(film, target, settings(InputSettings())).frames == 2
    assert not target.is_symlink()
    folder = tmp_path / "images"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pictures_path(folder).symlink_to(elsewhere)
    with pytest.raises(OutputError, match="is a symbolic link, which is not followed"):
        colorize_video(film, folder / "%d.png", settings(InputSettings()))
    assert not list(elsewhere.iterdir())
    assert victim.read_bytes() == SECRET
