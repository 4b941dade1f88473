from pathlib import Path

import pytest
from clips import (
    moving_luma,
    picture_bytes,
    write_series,
)
from image_sequences import AT_18, read, settings

from vidcolor.errors import SourceError
from vidcolor.reading.sequence import list_patterns, open_picture
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reading.source import probe
from vidcolor.writing.plan import plan_video


@pytest.mark.parametrize(
    ("name", "before", "digits", "behind"),
    [
        ("%06d.dpx", "", 6, ".dpx"), ("a_%d.TIF", "a_", 1, ".TIF"),
        ("100%%_%03d.png", "100%_", 3, ".png"),
        ("a%02db.jpg", "a", 2, "b.jpg"),
    ],
)  # fmt: skip
def test_patterns(name: str, before: str, digits: int, behind: str) -> None:
    """A pattern is read as FFmpeg reads it, and written so again."""
    pattern = SequenceNames.parse(Path("reel", name))
    assert pattern == SequenceNames(Path("reel"), before, digits, behind)
    assert pattern.path == Path("reel", name)


@pytest.mark.parametrize("name", ["a.dpx", "%s.dpx", "%d%d.dpx", "%6d.dpx", "%04d.mkv", "%x.png"])
def test_what_is_no_pattern(name: str) -> None:
    """Other names are those of files."""
    assert SequenceNames.parse(Path(name)) is None


def test_numbers_outgrow_their_zeros(tmp_path: Path) -> None:
    """After 99 comes 100, with two digits as with none; a number of other width is no picture."""
    write_series(tmp_path / "%02d.png", moving_luma(4), first=98)
    write_series(tmp_path / "x%d.png", moving_luma(4), first=98)
    (tmp_path / "0099.png").write_bytes(b"another")
    names = [path.name for path in tmp_path.iterdir()]
    for name in ("%02d.png", "x%d.png"):
        source = probe(tmp_path / name, AT_18)
        assert [frame.pts for frame in read(source)[0]] == [0, 1, 2, 3]
    assert list_patterns(tmp_path, names) == [tmp_path / "%d.png", tmp_path / "x%d.png"]
    padded = ["01.png", "98.png", "99.png", "100.png", "0099.png", "0100.png", "1.png", "a1.tif"]
    assert list_patterns(tmp_path, padded) == [tmp_path / "%02d.png", tmp_path / "%04d.png"]


def test_a_percent_sign_in_a_name(tmp_path: Path) -> None:
    """In a folder's name it is one; in a picture's it is written twice."""
    folder = tmp_path / "100%d"
    folder.mkdir()
    for index, luma in enumerate(moving_luma(2, 64, 48)):
        (folder / f"5%_{index:03d}.png").write_bytes(picture_bytes(luma, "gray", ".png"))
    assert len(read(probe(folder / "5%%_%03d.png", AT_18))[0]) == 2
    write_series(tmp_path / "1000" / "s_%03d.dpx", moving_luma(2))
    write_series(folder / "s_%03d.dpx", moving_luma(2, 64, 48))
    assert probe(folder / "s_%03d.dpx", AT_18).picture.width == 64
    with open_picture(folder / "s_000.dpx") as opened:
        assert opened.streams.video[0].width == 64


@pytest.mark.parametrize(
    ("pattern", "output"),
    [
        ("reel/%06d.png", "reel/reel.colorized.mkv"),
        ("reel/scan_%04d.png", "reel/scan.colorized.mkv"),
        ("reel/a.%d.png", "reel/a.colorized.mkv"), ("reel/a-%03d-b.png", "reel/a--b.colorized.mkv"),
        ("reel/_%03d.png", "reel/reel.colorized.mkv"),
    ],
)  # fmt: skip
def test_outputs_are_named_after_the_series(tmp_path: Path, pattern: str, output: str) -> None:
    """Beside the pictures, by what their names share, or failing that by their folder's."""
    write_series(tmp_path / pattern, moving_luma(2))
    job = plan_video(tmp_path / pattern, None, settings())
    assert job.encoding.path == tmp_path / output
    assert job.encoding.notes == ()


def test_no_such_pictures(tmp_path: Path) -> None:
    """A pattern that nothing fits is told, as is a folder that is not there."""
    with pytest.raises(SourceError, match=r"%06d.dpx: no such images; name their folder"):
        probe(tmp_path / "%06d.dpx", AT_18)
    with pytest.raises(SourceError, match=r"none: cannot be read \(No such file or directory\)"):
        probe(tmp_path / "none" / "%06d.dpx", AT_18)


@pytest.mark.parametrize(("name", "pattern"), [("s_0099.png", "s_%04d.png"), ("7.png", "%d.png")])
def test_one_picture_of_a_series_is_refused(tmp_path: Path, name: str, pattern: str) -> None:
    """With the name of the whole series; a lone picture stays a film of one frame."""
    first = 99 if "99" in name else 7
    _, last = write_series(tmp_path / pattern, moving_luma(2), first=first)
    with pytest.raises(SourceError) as caught:
        probe(tmp_path / name)
    told = f"is a single image of a sequence; name {tmp_path / pattern}, or its folder, or add "
    told += "--photos to colorize it as a photograph"
    assert str(caught.value) == f"{tmp_path / name}: {told}"
    last.unlink()
    assert len(read(probe(tmp_path / name))[0]) == 1


@pytest.mark.quick
def test_brackets_of_a_number_are_no_title() -> None:
    """`film (1).png` and so on are film."""
    names = SequenceNames.parse(Path("reel/film (%d).png"))
    assert names is not None
    assert names.title == Path("reel/film.png")
    assert names.number("film (12).png") == 12
