import os
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving_luma, needs_ffmpeg, write_film

from vidcolor.errors import SourceError
from vidcolor.frame import ChromaLocation, Matrix
from vidcolor.reading.pixels import planar_format
from vidcolor.reading.source import probe

FULL = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of things that are no films."""
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "text.mp4").write_text("There is no picture in these words.\n" * 9)
    (tmp_path / "empty.mp4").touch()
    with av.open(str(tmp_path / "sound.m4a"), "w") as sound:
        stream = sound.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        sound.mux(stream.encode(silence))
        sound.mux(stream.encode(None))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("missing.mp4", "no such file"),
        ("folder.mp4", "is a folder; name a video file"),
        ("folder.mp4/film.mp4", "no such file"),
        ("text.mp4", "cannot be opened as a video"),
        ("empty.mp4", "is empty (zero bytes)"),
        ("sound.m4a", "holds no video"),
    ],
)
def test_what_is_no_film_is_told_by_name_and_fault(folder: Path, name: str, fault: str) -> None:
    """Each unusable file gives one line that begins with its path and says what is wrong."""
    with pytest.raises(SourceError) as caught:
        probe(folder / name)
    assert str(caught.value).startswith(f"{folder / name}: {fault}")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_no_film(tmp_path: Path) -> None:
    """Nobody waits for its other end."""
    os.mkfifo(tmp_path / "pipe.mkv")
    with pytest.raises(SourceError, match="is no file, but a pipe or a device"):
        probe(tmp_path / "pipe.mkv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_leave_to_read_is_told(tmp_path: Path) -> None:
    """A film that may not be read is a SourceError about permissions."""
    film = write_film(tmp_path / "film.mkv", moving_luma(1))
    film.chmod(0)
    with pytest.raises(SourceError, match="may not be read; check its permissions"):
        probe(film)


def test_a_film_whose_frames_are_lost_is_told(tmp_path: Path) -> None:
    """A whole header over media data of zeros is a SourceError that says so."""
    film = write_film(tmp_path / "film.mov", moving_luma(3), codec="libx264")
    written = bytearray(film.read_bytes())
    start = written.index(b"mdat") + 4
    written[start:] = bytes(len(written) - start)
    film.write_bytes(written)
    with pytest.raises(SourceError, match="not one frame of its h264 video decodes"):
        probe(film)


def test_a_codec_that_nobody_knows_is_told(tmp_path: Path) -> None:
    """FFmpeg then has no decoder at all to be asked about the pictures."""
    film = write_film(tmp_path / "film.mp4", moving_luma(3), codec="libx264")
    film.write_bytes(film.read_bytes().replace(b"avc1\0\0\0\0", b"zzzz\0\0\0\0"))
    with pytest.raises(SourceError, match="holds no video that can be decoded"):
        probe(film)


def test_a_cover_picture_is_no_film(tmp_path: Path) -> None:
    """A song with a picture on its sleeve holds no film, though it has a video stream."""
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as output:
        cover = output.add_stream("png", width=16, height=16, pix_fmt="rgb24")
        cover.disposition = av.stream.Disposition.attached_pic
        output.mux([*cover.encode(av.VideoFrame(16, 16, "rgb24")), *cover.encode(None)])
    with pytest.raises(SourceError, match="holds no video"):
        probe(path)


@pytest.mark.parametrize(
    ("lines", "tag", "expected"),
    [
        (576, None, Matrix.SMPTE170M),
        (718, None, Matrix.SMPTE170M),
        (720, None, Matrix.BT709),
        (576, Matrix.BT709, Matrix.BT709),
        (720, Matrix.SMPTE170M, Matrix.SMPTE170M),
        (720, Matrix.BT470BG, Matrix.BT470BG),
        (64, Matrix.BT2020_NCL, Matrix.BT2020_NCL),
        (64, 0, Matrix.SMPTE170M),  # 0 is RGB, which is no matrix to write chroma with
    ],
)
def test_the_matrix_is_the_tagged_one_or_goes_by_lines(
    tmp_path: Path, lines: int, tag: int | None, expected: Matrix
) -> None:
    """A tag is believed; without one, 720 lines and more are BT.709 and fewer BT.601."""
    context = {} if tag is None else {"colorspace": int(tag)}
    film = write_film(
        tmp_path / "film.mkv", [np.zeros((lines, 16), np.uint8)], codec="libx264", **context
    )
    assert probe(film).picture.matrix == expected


def test_untagged_matrix_with_wide_primaries_is_bt2020(tmp_path: Path) -> None:
    """BT.2020 primaries alone are enough to write BT.2020 chroma."""
    film = write_film(tmp_path / "film.mkv", moving_luma(1), codec="libx264", color_primaries=9)
    assert probe(film).picture.matrix == Matrix.BT2020_NCL


@pytest.mark.parametrize(
    ("codec", "pixel_format", "tag", "full"),
    [
        ("libx264", "yuv420p", None, False),
        ("libx264", "yuv420p", 1, False),
        ("libx264", "yuv420p", FULL, True),
        ("libx264", "yuvj420p", None, True),
        ("ffv1", "gray", None, True),
        ("ffv1", "gray", 1, False),
        ("ffv1", "gbrp10le", None, True),
    ],
)
def test_range(
    tmp_path: Path, codec: str, pixel_format: str, tag: int | None, full: bool
) -> None:  # fmt: skip
    """Range is the tagged one; untagged, Y'CbCr is limited, and gray and RGB are full."""
    context = {} if tag is None else {"color_range": tag}
    film = write_film(
        tmp_path / "film.mkv", moving_luma(1), codec=codec, pixel_format=pixel_format, **context
    )
    assert probe(film).picture.full_range is full


@pytest.mark.parametrize(
    ("pixel_format", "depth", "log2_chroma", "has_chroma"),
    [
        ("gray", 8, (1, 1), False),
        ("gray12le", 12, (1, 1), False),
        ("yuv420p", 8, (1, 1), True),
        ("yuv422p10le", 10, (1, 0), True),
        ("yuv411p", 8, (2, 0), True),
        ("yuv410p", 8, (2, 2), True),
        ("yuv440p", 8, (0, 1), True),
        ("yuv444p16le", 16, (0, 0), True),
    ],
)
def test_depth_and_subsampling(
    tmp_path: Path, pixel_format: str, depth: int, log2_chroma: tuple[int, int], has_chroma: bool
) -> None:
    """The picture has the format's depth and chroma; a film of luma alone will get 4:2:0."""
    luma = moving_luma(1, depth=depth)
    found = probe(write_film(tmp_path / "film.mkv", luma, pixel_format=pixel_format))
    picture = found.picture
    assert (picture.depth, found.has_chroma) == (depth, has_chroma)
    assert (picture.log2_chroma_width, picture.log2_chroma_height) == log2_chroma


def test_shape_of_the_shown_picture(tmp_path: Path) -> None:
    """Sample aspect ratio, rotation and sizes that are not even come out as stored."""
    film = write_film(
        tmp_path / "film.mp4", moving_luma(1, 45, 31), codec="libx264", pixel_format="yuv444p",
        sample_aspect_ratio=Fraction(16, 15), rotation=90,
    )  # fmt: skip
    picture = probe(film).picture
    assert (picture.width, picture.height) == (45, 31)
    assert picture.sample_aspect_ratio == Fraction(16, 15)
    one = 1 << 16
    assert picture.display_matrix == (0, -one, 0, one, 0, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(("fields", "order"), [("tff", 2), ("bff", 3), (None, 1)])
def test_field_order(tmp_path: Path, fields: str | None, order: int) -> None:
    """The stream's field order is found."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(1, 64, 64), codec="prores_ks",
        pixel_format="yuv422p10le", planar="yuv422p", fields=fields, field_order=order,
    )  # fmt: skip
    assert probe(film).picture.field_order == order


def test_color_tags_and_chroma_location(tmp_path: Path) -> None:
    """Primaries and transfer are kept; new chroma lies left, in BT.2020 film top left."""
    old = write_film(
        tmp_path / "old.mkv", moving_luma(1), codec="libx264", color_primaries=6, color_trc=1
    )
    wide = write_film(tmp_path / "wide.mkv", moving_luma(1), codec="libx264", colorspace=9)
    assert (probe(old).picture.primaries, probe(old).picture.transfer) == (6, 1)
    assert probe(old).picture.chroma_location is ChromaLocation.LEFT
    assert probe(wide).picture.chroma_location is ChromaLocation.TOP_LEFT


def test_times(tmp_path: Path) -> None:
    """Time base, first pts and lengths are those of the file, in its own units."""
    film = write_film(
        tmp_path / "film.mkv", moving_luma(4), pts=[500, 540, 700, 1000],
        time_base=Fraction(1, 1000),
    )  # fmt: skip
    found = probe(film)
    assert (found.time_base, found.first_pts) == (Fraction(1, 1000), 500)
    assert found.picture_seconds == pytest.approx(1.0, abs=0.05)


def test_length_of_a_film_whose_stream_has_none_is_the_files(tmp_path: Path) -> None:
    """A container that states one length for all gives the progress bar that one."""
    film = write_film(tmp_path / "film.flv", moving_luma(50), codec="flv1")
    found = probe(film)
    assert found.duration_seconds == pytest.approx(2.0, abs=0.05)
    assert found.frames_expected() in {49, 50, 51}


@pytest.mark.parametrize(
    ("given", "planar"),
    [
        ("p010le", "yuv420p10le"),
        ("nv12", "yuv420p"),
        ("uyvy422", "yuv422p"),
        ("uyyvyy411", "yuv411p"),
        ("ayuv64le", "yuv444p16le"),
        ("yuva420p", "yuv420p"),
        ("ya8", "gray"),
        ("gray16be", "gray16le"),
        ("pal8", "gbrp"),
        ("rgb48be", "gbrp16le"),
        ("x2rgb10le", "gbrp10le"),
        ("xyz12le", "gbrp12le"),
    ],
)
def test_every_format_has_a_planar_one_of_its_depth(given: str, planar: str) -> None:
    """Packed, semi-planar, big-endian and RGB formats are read as planes of the same depth."""
    assert planar_format(av.VideoFormat(given)) == planar


@needs_ffmpeg
@pytest.mark.parametrize(
    ("sizes", "defaults", "main"),
    [
        ([(32, 32), (64, 48)], [False, True], 1),
        ([(64, 48), (32, 32)], [False, True], 1),  # the default one, though smaller
        ([(32, 32), (64, 48)], [False, False], 1),
        ([(32, 32), (64, 48)], [True, True], 1),
        ([(32, 32), (32, 32)], [False, False], 0),
    ],
)
def test_the_film_is_the_picture_that_players_show(
    tmp_path: Path, sizes: list[tuple[int, int]], defaults: list[bool], main: int
) -> None:
    """Of several pictures the default one, else the largest, else the first."""
    film, files = tmp_path / "film.mkv", [tmp_path / f"{index}.mkv" for index in range(2)]
    options: list[str | Path] = []
    for index, (path, size, default) in enumerate(zip(files, sizes, defaults, strict=True)):
        write_film(path, moving_luma(3, *size))
        options += ["-map", str(index), f"-disposition:v:{index}", "default" if default else "0"]
    sources = [part for path in files for part in ("-i", path)]
    mux = ["ffmpeg", "-v", "quiet", *sources, *options, "-c", "copy", film]
    subprocess.run(mux, check=True)
    source = probe(film)
    assert source.stream_index == main
    assert (source.picture.width, source.picture.height) == sizes[main]
