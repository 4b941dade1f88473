import os
from pathlib import Path

import pytest
from probed import DEFAULT, LOSSLESS, source

from vidcolor.errors import OutputError
from vidcolor.files import check_target
from vidcolor.writing.encoding import (
    default_path,
    wanted_container,
)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Something that lies where a film would."""
    path = tmp_path / "film.mkv"
    path.write_bytes(b"film")
    return path


@pytest.mark.parametrize(
    ("name", "container", "expected"),
    [
        ("film.mkv", "matroska", "film.colorized.mkv"),
        ("film.MKV", "matroska", "film.colorized.MKV"),
        ("film.m4v", "mp4", "film.colorized.m4v"),
        ("film.mp4", "matroska", "film.colorized.mkv"),
        ("film.avi", "matroska", "film.colorized.mkv"),
        ("film.m2ts", "mpegts", "film.colorized.m2ts"),
        ("film", "mov", "film.colorized.mov"),
        ("reel.1.mpg", "mp4", "reel.1.colorized.mp4"),
    ],
)
def test_default_name(name: str, container: str, expected: str) -> None:
    """The output lies beside its source, under its name and with its container's suffix."""
    assert default_path(Path("in") / name, container) == Path("in") / expected
    assert default_path(Path("in") / name, container, Path("out")) == Path("out") / expected
    whole = default_path(Path("in") / name, container, whole_name=True)
    assert whole == Path("in") / f"{name}.colorized{Path(expected).suffix}"


@pytest.mark.parametrize(
    ("name", "container", "expected"),
    [
        ("film.mp4", "mov,mp4,m4a", "mp4"),
        ("film.mov", "mov,mp4,m4a", "mov"),
        ("film.MOV", "mov,mp4,m4a", "mov"),
        ("film.ts", "mpegts", "mpegts"),
        ("film.mkv", "matroska,webm", "matroska"),
        ("film.avi", "avi", "matroska"),
        ("film.mpg", "mpeg", "matroska"),
    ],
)
def test_container_is_the_sources_if_usual(name: str, container: str, expected: str) -> None:
    """Without a name for the output, usual containers stay and others become Matroska."""
    assert wanted_container(source(name, container), None, DEFAULT) == expected
    assert wanted_container(source(name, container), None, LOSSLESS) == "matroska"


@pytest.mark.parametrize(
    ("output", "expected"),
    [("a.mkv", "matroska"), ("a.MP4", "mp4"), ("a.mov", "mov"), ("a.m2ts", "mpegts")],
)
def test_container_is_that_of_the_outputs_name(output: str, expected: str) -> None:
    """A named output decides, whatever the source and the codec."""
    assert wanted_container(source(), Path(output), LOSSLESS) == expected


@pytest.mark.parametrize("output", ["film.gif", "film", "film.", "film.mkv.txt"])
def test_unknown_suffix_is_refused(output: str) -> None:
    """A name that tells of no container is refused, with those that would do."""
    with pytest.raises(OutputError, match=r"unknown kind of file; its name may end in \.mkv"):
        wanted_container(source(), Path(output), DEFAULT)


@pytest.mark.parametrize("way", ["path", "dots", "symlink", "hard link"])
def test_the_input_itself_is_never_the_output(film: Path, way: str) -> None:
    """The source is refused as output by whatever name, with leave to overwrite as well."""
    target = film.with_name("other.mkv")
    if way == "symlink":
        target.symlink_to(film)
    elif way == "hard link":
        target.hardlink_to(film)
    else:
        target = film if way == "path" else film.parent / ".." / film.parent.name / film.name
    with pytest.raises(OutputError, match="is the input itself; name another output"):
        check_target(target, film, overwrite=True)


def test_an_output_that_exists_needs_leave(film: Path) -> None:
    """Nothing is overwritten unasked; also a dangling link counts as something."""
    target = film.with_name("out.mkv")
    check_target(target, film, overwrite=False)
    target.touch()
    with pytest.raises(OutputError, match="exists already; use --overwrite"):
        check_target(target, film, overwrite=False)
    check_target(target, film, overwrite=True)
    dangling = film.with_name("dangling.mkv")
    dangling.symlink_to("nowhere")
    with pytest.raises(OutputError, match="exists already"):
        check_target(dangling, film, overwrite=False)


def test_a_target_needs_a_folder(film: Path) -> None:
    """A folder as output, a missing folder, and a file in a folder's place are refused."""
    (film.parent / "folder.mkv").mkdir()
    with pytest.raises(OutputError, match=r"folder\.mkv: is a folder; name a file in it"):
        check_target(film.parent / "folder.mkv", film, overwrite=True)
    for target in (film.parent / "missing" / "out.mkv", film / "out.mkv"):
        with pytest.raises(OutputError, match="no such folder; make it first"):
            check_target(target, film, overwrite=False)


def test_a_folder_without_leave_to_write_is_refused(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may not be written to is told before work starts."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(OutputError, match="may not be written to; choose another folder"):
        check_target(film.with_name("out.mkv"), film, overwrite=False)
