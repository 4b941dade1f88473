import json
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import (
    moving_luma,
    soft_shot,
    write_series,
)
from image_sequences import AT_18, colorize, in_rgb, read, write_jpegs

from vidcolor.errors import SourceError
from vidcolor.film.colorize import colorize_video
from vidcolor.film.verify import hash_paths
from vidcolor.reading.source import probe
from vidcolor.settings import InputSettings, ModelSettings, OutputSettings, Settings
from vidcolor.writing.plan import plan_video

CLOSED = InputSettings(fps=Fraction(15), gaps="none")
TIMES = [20240101120000000000 + n for n in (123456, 190214, 256701, 323399, 390127, 456712)]
HOLD = InputSettings(fps=Fraction(18), gaps="hold")


def test_gaps_are_refused(tmp_path: Path) -> None:
    """By the first numbers that are missing, with what to do."""
    paths = write_series(tmp_path / "s_%04d.png", moving_luma(9), first=10)
    paths[3].unlink()
    with pytest.raises(SourceError) as caught:
        probe(tmp_path / "s_%04d.png", AT_18)
    pattern = tmp_path / "s_%04d.png"
    assert (
        str(caught.value)
        == f"{pattern}: lacks s_0013.png; add it, or use --gaps hold or --gaps none"
    )
    for index in (4, 6, 7):
        paths[index].unlink()
    with pytest.raises(SourceError, match=r"lacks s_0013.png, s_0014.png, s_0016.png and 1 more;"):
        probe(tmp_path / "s_%04d.png", AT_18)


def test_gaps_are_held(tmp_path: Path) -> None:
    """By the picture before, so that the later ones keep their time; that is told."""
    luma = moving_luma(9, 64, 48)
    paths = write_series(tmp_path / "s_%04d.png", luma, first=10)
    for index in (3, 6, 7):
        paths[index].unlink()
    source = probe(tmp_path / "s_%04d.png", HOLD)
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == list(range(9))
    for frame, shown in zip(frames, (0, 1, 2, 2, 4, 5, 5, 5, 8), strict=True):
        np.testing.assert_array_equal(frame.luma, luma[shown])
    assert str(losses) == "3 missing images are held"
    assert source.files == tuple(path for path in paths if path.exists())
    _, losses = read(source, start_seconds=Fraction(3, 18), duration_seconds=Fraction(2, 18))
    assert str(losses) == "1 missing image is held"
    result = colorize(tmp_path / "s_%04d.png", tmp_path / "out.mkv", HOLD)
    assert (result.frames, result.losses.held) == (9, 3)


def write_times(folder: Path) -> list[Path]:
    """Pictures named by the time they were taken."""
    paths = write_series(folder / "%d.png", moving_luma(6, 64, 48), first=1)
    return [path.rename(folder / f"{time}.png") for path, time in zip(paths, TIMES, strict=True)]


def test_pictures_named_by_times_go_in_order(tmp_path: Path) -> None:
    """Without gaps, also where one does not decode; pictures made of them keep their names."""
    paths = write_times(tmp_path / "reel")
    source = probe(tmp_path / "reel/%d.png", CLOSED)
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == list(range(6))
    assert str(losses) == ""
    for frame, luma in zip(frames, moving_luma(6, 64, 48), strict=True):
        np.testing.assert_array_equal(frame.luma, luma)
    assert (source.files, source.duration_seconds) == (tuple(paths), 0.4)
    assert source.sequence is not None
    assert [source.sequence.index_of(time) for time in TIMES] == list(range(6))
    assert source.sequence.file_at(3) == paths[3]
    paths[2].write_bytes(b"no picture")
    made = tmp_path / "new/%d.png"
    settings = Settings(
        input=CLOSED,
        model=ModelSettings(device="cpu", render_size=64),
        output=OutputSettings(framemd5=True),
    )
    result = colorize_video(tmp_path / "reel/%d.png", made, settings)
    kept = [path.name for path in paths if path != paths[2]]
    assert sorted(path.name for path in made.parent.iterdir()) == kept
    assert result.verification is not None
    assert result.verification.unequal_luma == 0
    before, after = (path.read_text() for path in hash_paths(made.parent))
    times = [[line.split(",")[2] for line in t.splitlines()[10:]] for t in (before, after)]
    assert times[0] == times[1]
    images = json.loads((tmp_path / "new.json").read_text())["source"]["images"]
    assert images == {
        "first": paths[0].name, "last": paths[5].name, "count": 6, "missing": 333251,
        "gaps": "none", "texts": {},
    }  # fmt: skip


def test_what_is_held_has_a_bound(tmp_path: Path) -> None:
    """Times for numbers are told, and no film of six hours is begun from six pictures."""
    write_times(tmp_path)
    told = "numbers 6 images with 333251 missing between them, as times do; use --gaps none,"
    with pytest.raises(SourceError, match=told):
        probe(tmp_path / "%d.png", InputSettings(fps=Fraction(15)))
    held = "333251 of 333257 images are missing and held, 6:10:16.7 of 6:10:17.1, more than"
    with pytest.raises(SourceError, match=held):
        probe(tmp_path / "%d.png", InputSettings(fps=Fraction(15), gaps="hold"))
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"and held, 4.28e\+10 years of 4.28e\+10 years, more"):
        probe(tmp_path / "%d.png", InputSettings(fps=Fraction(15), gaps="hold"))


def test_the_length_of_what_is_held_is_told(tmp_path: Path) -> None:
    """Before the first frame."""
    paths = write_series(tmp_path / "%d.png", moving_luma(20, 64, 48))
    paths[4].unlink()
    job = plan_video(tmp_path / "%d.png", None, Settings(input=HOLD))
    assert job.encoding.notes == ("1 of 20 images are missing and held, 0:00:00.1 of 0:00:01.1",)
    job = plan_video(tmp_path / "%d.png", None, Settings(input=CLOSED))
    assert job.encoding.notes == ()


@pytest.mark.parametrize(
    ("suffix", "pixel_format"),
    [(".dpx", "gray"), (".tif", "gray16le"), (".png", "rgb24"), (".exr", "gbrpf32le")],
)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.98])
@pytest.mark.parametrize("bad", [{0}, {0, 1}, {7}, {18}, {3, 19}])
def test_what_does_not_decode_is_counted(
    tmp_path: Path, suffix: str, pixel_format: str, share: float, bad: set[int]
) -> None:
    """The picture is left out, wherever it lies, and all others keep their time."""
    luma = moving_luma(20)
    deep = [one.astype(np.uint16) * 257 for one in luma]
    given = {"gray": luma, "gray16le": deep, "rgb24": [in_rgb(one) for one in luma]}
    light = [in_rgb(one.astype(np.float32) / 255) for one in luma]
    pattern = tmp_path / f"%02d{suffix}"
    paths = write_series(pattern, given.get(pixel_format, light), pixel_format)
    for index in bad:
        data = paths[index].read_bytes()
        paths[index].write_bytes(data[: int(len(data) * share)])
    source = probe(pattern, AT_18)
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == [index for index in range(20) if index not in bad]
    # Opening passes over those at the start.
    assert losses.packets == len(bad)
    assert source.first_pts == min(set(range(20)) - bad)


@pytest.mark.parametrize("fault", ["another chunk", "inside a chunk", "none", "beyond the end"])
@pytest.mark.parametrize("row", [0, 12, 23])
def test_a_damaged_table_of_exr_is_counted(tmp_path: Path, row: int, fault: str) -> None:
    """FFmpeg leaves the lines black that it finds nowhere, or decodes others twice."""
    light = [in_rgb(one[:24].astype(np.float32) / 255) for one in moving_luma(3)]
    paths = write_series(tmp_path / "%02d.exr", light, "gbrpf32le", compression="none")
    data = bytearray(paths[1].read_bytes())
    table = data.index(b"lavc\0") + 5  # the last attribute, and the end of the header
    places = struct.unpack_from("<24Q", data, table)
    assert places[0] == table + 24 * 8
    wanted = {
        "another chunk": places[row - 1],
        "inside a chunk": places[row] + 4,
        "none": 0,
        "beyond the end": len(data),
    }
    struct.pack_into("<Q", data, table + 8 * row, wanted[fault])
    paths[1].write_bytes(data)
    frames, losses = read(probe(tmp_path / "%02d.exr", AT_18))
    assert [frame.pts for frame in frames] == [0, 2]
    assert losses.packets == 1


def test_a_picture_that_vanishes_is_counted(tmp_path: Path) -> None:
    """As one that does not decode."""
    paths = write_series(tmp_path / "%02d.png", moving_luma(5))
    source = probe(tmp_path / "%02d.png", AT_18)
    paths[2].unlink()
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == [0, 1, 3, 4]
    assert str(losses) == "1 packet does not decode (02.png)"


def test_a_cut_jpeg_is_counted(tmp_path: Path) -> None:
    """Its decoder fills up what is missing, so the picture stays, as one that is damaged."""
    paths = write_jpegs(tmp_path / "%02d.jpg", soft_shot(1, 6))
    for index in (2, 3):
        data = paths[index].read_bytes()
        paths[index].write_bytes(data[: len(data) // 2])
    frames, losses = read(probe(tmp_path / "%02d.jpg", AT_18))
    assert len(frames) == 6
    assert str(losses) == "2 frames are damaged (02.jpg, 03.jpg)"


def test_nothing_that_decodes_is_told(tmp_path: Path) -> None:
    """A series of files without a picture in them is one line."""
    paths = write_series(tmp_path / "%02d.dpx", moving_luma(3))
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="not one frame of its dpx video decodes"):
        probe(tmp_path / "%02d.dpx", AT_18)


def test_another_size_is_told_by_its_picture(tmp_path: Path) -> None:
    """The picture where it changes is named."""
    write_series(tmp_path / "%02d.png", [*moving_luma(3), *moving_luma(2, 64, 48)])
    source = probe(tmp_path / "%02d.png", AT_18)
    with pytest.raises(SourceError) as caught:
        read(source)
    told = f"{tmp_path / '03.png'}: frame 3 changes from 96x64 gray to 64x48 gray; "
    assert str(caught.value).startswith(told)


def test_another_depth_is_told(tmp_path: Path) -> None:
    """As another size is."""
    write_series(tmp_path / "%02d.png", moving_luma(3))
    write_series(tmp_path / "%02d.png", moving_luma(1, depth=16), "gray16be", first=3)
    with pytest.raises(SourceError, match=r"03.png: frame 3 changes from 96x64 gray to 96x64 gray"):
        read(probe(tmp_path / "%02d.png", AT_18))
