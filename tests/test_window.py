"""What of a picture is to be seen: QuickTime's `clap` and Matroska's PixelCrop, each from both."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from itertools import product
from pathlib import Path

import av
import pytest
from clips import ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from probed import picture
from recoloring import colored

from vidcolor.errors import OutputError
from vidcolor.reading import quicktime_words
from vidcolor.reading.container_words import Window
from vidcolor.reading.marks import NO_MARKS, PictureMarks, Stereo
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings
from vidcolor.writing.matroska import write_aspect
from vidcolor.writing.picture_marks import lost_marks, window_in
from vidcolor.writing.quicktime import add_boxes, picture_boxes

WINDOW = Window(*map(Fraction, (5, 1, 3, 3)))
WIDE = Fraction(3, 2)


def windowed(path: Path, *, aspect: Fraction = Fraction(1), sound: bool = False) -> Path:
    """A film of 96 x 64 of which 88 x 60 are to be seen, off the middle, by its container."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=0.2"]
    command += ["-f", "lavfi", "-i", "sine=d=0.2"] if sound else []
    codec = (
        ["-c:v", "ffv1", "-pix_fmt", "yuv420p"] if path.suffix == ".mkv" else ["-c:v", "libx264"]
    )
    subprocess.run([*command, *codec, "-pix_fmt", "yuv420p", "-vf", f"setsar={aspect}", str(path)],
                   check=True)  # fmt: skip
    shape = replace(picture(), width=96, height=64, sample_aspect_ratio=aspect)
    if path.suffix == ".mkv":
        write_aspect(path, shape, window=WINDOW)
    else:
        add_boxes(path, b"".join(picture_boxes(shape, WINDOW, NO_MARKS)), track=0)
    return path


@needs_ffmpeg
@pytest.mark.parametrize(("source", "result"), [*product(["a.mkv", "a.mp4"], ["b.mkv", "b.mov"])])
def test_a_window_goes_from_container_to_container(
    tmp_path: Path, source: str, result: str
) -> None:
    """The luma stays whole, and MediaInfo's and our reading of the window is the source's."""
    film = windowed(tmp_path / source, aspect=WIDE, sound=True)
    found = probe(film)
    assert (found.words.window, found.picture.sample_aspect_ratio) == (WINDOW, WIDE)
    encoding = colored(film, tmp_path / result, OutputSettings(codec="libx264"))
    made = probe(encoding.path)
    assert (made.words.window, made.picture.sample_aspect_ratio) == (WINDOW, WIDE)
    assert (made.picture.width, made.picture.height) == (96, 64)
    assert len(list(read_frames(made, Damage()))) == 5
    packets = ask_ffprobe(encoding.path, "-show_packets")["packets"]
    assert len(packets) == len(ask_ffprobe(film, "-show_packets")["packets"])
    assert not any("clean aperture" in note for note in encoding.notes)


@needs_ffmpeg
def test_a_container_without_windows_is_told(tmp_path: Path) -> None:
    """A transport stream has no place."""
    film = windowed(tmp_path / "a.mkv")
    encoding = colored(film, tmp_path / "b.ts", OutputSettings())
    lost = "cannot store the clean aperture: left out"
    assert f"libx264 in mpegts {lost}" in encoding.notes


@needs_ffmpeg
@pytest.mark.parametrize("flags", ["+faststart", "0"])
def test_boxes_are_put_into_any_header(tmp_path: Path, flags: str) -> None:
    """Behind the media or before it: all packets are where the tables say."""
    path = write_film(tmp_path / "film.mkv", moving_luma(5), codec="libx264")
    film = tmp_path / "film.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-movflags", flags]
    subprocess.run([*command, str(film)], check=True)
    with av.open(str(film)) as opened:
        before = [bytes(one) for one in opened.demux(video=0)]
    shape = replace(picture(), width=96, height=64)
    marks = PictureMarks(stereo=Stereo(2, is_inverted=False))
    add_boxes(film, b"".join(picture_boxes(shape, WINDOW, marks)), track=0)
    with av.open(str(film)) as opened:
        assert [bytes(one) for one in opened.demux(video=0)] == before
    (told,) = ask_ffprobe(film, "-show_streams")["streams"][0]["side_data_list"]
    assert told["type"] == "top and bottom"
    with pytest.raises(OutputError, match="no such track"):
        add_boxes(film, b"x", track=3)


@pytest.mark.quick
def test_numbers_of_a_clean_aperture() -> None:
    """Width, height, and how far its middle is off the picture's (ISO/IEC 14496-12, 12.1.4)."""
    shape = replace(picture(), width=96, height=80)
    (box,) = picture_boxes(shape, WINDOW, NO_MARKS)
    assert box[4:8] == b"clap"
    numbers = [int.from_bytes(box[at : at + 4], "big", signed=True) for at in range(8, 40, 4)]
    assert numbers == [88, 1, 76, 1, 1, 1, -1, 1]


@pytest.mark.quick
def test_what_a_container_can_say() -> None:
    """Parts of samples are for QuickTime alone; views in other ways are for Matroska alone."""
    half = Window(Fraction(1, 2), Fraction(0), Fraction(1, 2), Fraction(0))
    assert window_in("mov", half) == half
    assert window_in("matroska", half) is None
    assert window_in("mpegts", WINDOW) is None
    assert lost_marks("ffv1", "matroska", NO_MARKS, half) == ["the clean aperture"]
    lines = PictureMarks(stereo=Stereo(6, is_inverted=False))
    assert lost_marks("prores_ks", "mov", lines) == ["the stereo mark"]
    assert lost_marks("prores_ks", "matroska", lines) == []
    assert lost_marks("prores_ks", "mov", PictureMarks(stereo=Stereo(1, is_inverted=False))) == []


@pytest.mark.quick
@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_broken_headers_say_nothing(cut: int) -> None:
    """A header that breaks off anywhere."""
    header = b"\0\0\0\x3cmoov\0\0\0\x34trak\0\0\0\x2cmdia\0\0\0\x24minf\0\0\0\x1cstbl"
    header += b"\0\0\0\x14stsd" + bytes(12)
    assert quicktime_words.read_words(BytesIO(header[:cut])).window is None
