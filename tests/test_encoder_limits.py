"""Sizes and kinds of pictures that encoders do not take are known before the first frame."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from clips import ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from recoloring import colored

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings
from vidcolor.writing.pixel_formats import choose_pixel_format, why_refused
from vidcolor.writing.plan import plan_encoding

DEFAULT = OutputSettings()
LOSSLESS = OutputSettings(lossless=True)


def picture(width: int, height: int, depth: int = 8, **more: object) -> FrameFormat:
    """A 4:2:0 picture of this size."""
    film = FrameFormat(
        width=width, height=height, depth=depth, log2_chroma_width=1, log2_chroma_height=1,
        matrix=Matrix.BT709, full_range=False,
    )  # fmt: skip
    return replace(film, **more)


def odd_film(path: Path, width: int, height: int, **more: object) -> Path:
    """A gray film of three frames."""
    return write_film(path, moving_luma(3, width, height), pixel_format="gray", **more)


@pytest.mark.parametrize(
    ("codec", "film", "expected", "reason"),
    [
        ("libx264", picture(161, 121), "yuv444p", "width not divisible by 2"),
        ("libx264", picture(161, 120), "yuv444p", "width not divisible by 2"),
        ("libx264", picture(160, 121), "yuv422p", "height not divisible by 2"),
        ("libx264", picture(720, 486, field_order=2), "yuv422p", "height not divisible by 4"),
        ("libx265", picture(161, 121, 10), "yuv444p10le", "width not divisible by 2"),
        ("libx265", picture(160, 121), "yuv422p", "height not divisible by 2"),
        ("utvideo", picture(160, 121), "yuv422p", "requires even width and height"),
        ("libx264", picture(160, 120), "yuv420p", None),
        ("libx265", picture(720, 486, field_order=2), "yuv420p", None),
        ("ffv1", picture(161, 121), "yuv420p", None),
        ("libvpx-vp9", picture(161, 121), "yuv420p", None),
    ],
)
def test_chroma_is_as_fine_as_the_size_needs(
    codec: str, film: FrameFormat, expected: str, reason: str | None
) -> None:
    """4:2:0 if the encoder takes it, else 4:2:2 or 4:4:4 with a note that says why."""
    name, _, note = choose_pixel_format(codec, film, DEFAULT)
    assert name == expected
    assert (note is None) if reason is None else reason in str(note)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"purpose": "access"}, r"width not divisible by 2\); use --chroma 444"),
        ({"chroma": "422"}, r"in 4:2:2 \(width not divisible by 2\); use --chroma 444"),
        ({"pixel_format": "yuv420p"}, r"in 4:2:0 \(width not divisible by 2\); use --chroma 444"),
    ],
)
def test_chroma_that_was_asked_for_is_refused_by_name_of_the_limit(asked: dict, fault: str) -> None:
    """A user who names the chroma gets that or none, and hears what would do."""
    with pytest.raises(OutputError, match=fault):
        choose_pixel_format("libx264", picture(161, 121), OutputSettings(**asked))


def test_an_encoder_that_takes_no_such_picture_says_what_does() -> None:
    """H.264 has no interlaced pictures of odd height in any chroma."""
    with pytest.raises(OutputError, match=r"height not divisible by 4\); use --codec ffv1"):
        choose_pixel_format("libx264", picture(720, 487, field_order=2), DEFAULT)
    with pytest.raises(OutputError, match=r"; no video codec here takes them: write images"):
        choose_pixel_format("ffv1", picture(32000, 32000), DEFAULT)


@pytest.mark.parametrize(
    ("size", "depth", "fields", "codec"),
    [((96, 65), 8, "tff", "ffv1"), ((48, 48), 10, None, "libx264"), ((48, 48), 12, None, "ffv1")],
)
def test_another_encoder_stands_in_if_none_was_asked_for(
    tmp_path: Path, size: tuple[int, int], depth: int, fields: str | None, codec: str
) -> None:
    """A film that its usual encoder takes in no chroma goes to one that does, with a note."""
    pictures = moving_luma(3, *size, depth=depth)
    if fields:
        film = write_film(tmp_path / "film.mkv", pictures, fields=fields, field_order=2)
    else:  # no archival codec: its usual encoder is x265
        deep = f"yuv420p{depth}le"
        film = write_film(tmp_path / "film.mov", pictures, codec="jpeg2000", pixel_format=deep)
    encoding = plan_encoding(probe(film), DEFAULT)
    assert encoding.codec == codec
    assert any(f"writing {codec}" in note for note in encoding.notes)
    usual = OutputSettings(codec="libx264" if fields else "libx265")
    with pytest.raises(OutputError, match=r"film\.m.*: libx26.* cannot encode .*; use"):
        plan_encoding(probe(film), usual)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [((97, 65), "yuvj444p"), ((97, 64), "yuvj444p"), ((96, 65), "yuvj422p")],
)
def test_odd_films_keep_their_size(
    tmp_path: Path, size: tuple[int, int], pixel_format: str
) -> None:
    """Width, height and frames are the source's; without losses each luma code is."""
    film = odd_film(tmp_path / "film.mkv", *size)
    encoding = colored(film, tmp_path / "out.mkv", DEFAULT)
    stream = ask_ffprobe(encoding.path, "-show_streams", "-count_frames")["streams"][0]
    assert (stream["width"], stream["height"]) == size
    assert stream["nb_read_frames"] == "3"
    assert stream["pix_fmt"] == pixel_format
    assert encoding.notes
    lossless = colored(film, tmp_path / "lossless.mkv", LOSSLESS)
    wanted = read_frames(probe(film), Damage())
    found = read_frames(probe(lossless.path), Damage())
    for before, after in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(before.luma, after.luma)


@needs_ffmpeg
def test_ntsc_capture_of_486_lines_keeps_its_fields(tmp_path: Path) -> None:
    """A field of it has no whole number of 4:2:0 lines: 4:2:2 is written, with its fields."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(3, 96, 54), codec="mpeg2video", fields="tff",
        field_order=2, bit_rate=2_000_000,
    )  # fmt: skip
    result = colored(film, tmp_path / "out.mov", DEFAULT)
    stream = ask_ffprobe(result.path, "-show_streams")["streams"][0]
    assert (stream["width"], stream["height"]) == (96, 54)
    assert (stream["pix_fmt"], stream["field_order"]) == ("yuv422p", "tt")


def test_the_encoders_words_are_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """What FFmpeg says of a trial goes into our line alone."""
    assert why_refused("libx264", "yuv420p", picture(161, 121)) == "width not divisible by 2"
    assert capfd.readouterr() == ("", "")
    assert av.logging.get_level() is None
