"""Stereo, mastering display and light level: kept, or told to be left out."""

from fractions import Fraction
from pathlib import Path

import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from recoloring import colored

from vidcolor.reading.marks import NO_MARKS, PictureMarks, Stereo
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings
from vidcolor.writing.picture_marks import lost_marks, stereo_tags, with_marks
from vidcolor.writing.plan import plan_encoding

DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
GRADED = f"master-display={DISPLAY}:max-cll=1000,400:log-level=none"
FRAMES = 3


def hdr_film(path: Path) -> Path:
    """A film of 10 bits that x265 itself marks."""
    return write_film(
        path, moving_luma(FRAMES, 96, 64, depth=10), codec="libx265", pixel_format="yuv420p10le",
        options={"x265-params": GRADED},
    )  # fmt: skip


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_hdr10_stays_in_the_pictures(tmp_path: Path, suffix: str) -> None:
    """H.265 of ours has the display and the light level that FFprobe reads of the source."""
    film = hdr_film(tmp_path / "film.mkv")
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings())
    assert encoding.codec == "libx265"
    for path in (film, encoding.path):
        told = ask_ffprobe(path, "-show_frames")["frames"][0]["side_data_list"]
        found = {one["side_data_type"]: one for one in told}
        display = found["Mastering display metadata"]
        assert Fraction(display["red_x"]) == Fraction(34000, 50000)
        assert Fraction(display["green_y"]) == Fraction(34500, 50000)
        assert Fraction(display["white_point_x"]) == Fraction(15635, 50000)
        assert Fraction(display["min_luminance"]) == Fraction(50, 10000)
        assert Fraction(display["max_luminance"]) == 1000
        light = found["Content light level metadata"]
        assert (light["max_content"], light["max_average"]) == (1000, 400)


@needs_ffmpeg
@pytest.mark.parametrize("output", ["out.mkv", "out.mp4", "out.mov"])
def test_the_container_tells_what_a_codec_cannot(tmp_path: Path, output: str) -> None:
    """FFV1 and ProRes have no place for it: Matroska's Colour has, and the boxes mdcv and clli."""
    film = hdr_film(tmp_path / "film.mkv")
    codec = "ffv1" if output != "out.mov" else "prores_ks"
    encoding = colored(film, tmp_path / output, OutputSettings(codec=codec))
    assert encoding.path.name == output
    assert not any("cannot store" in note for note in encoding.notes)
    assert probe(encoding.path).marks == probe(film).marks
    (stream,) = ask_ffprobe(encoding.path, "-show_streams")["streams"]
    found = {one["side_data_type"]: one for one in stream["side_data_list"]}
    assert Fraction(found["Mastering display metadata"]["blue_x"]) == Fraction(15, 100)
    assert found["Content light level metadata"]["max_average"] == 400
    assert "title" not in stream.get("tags", {})


def test_what_nothing_can_tell_is_said(tmp_path: Path) -> None:
    """The plan says so, with and without a run."""
    source = probe(hdr_film(tmp_path / "film.mkv"))
    marks = lost_marks("mpeg2video", "mpegts", source.marks)
    assert marks == ["the mastering display", "the content light level"]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("packing", "mode", "kind"), [("3", "left_right", "side by side"), ("4", "top_bottom", "top")]
)
@pytest.mark.parametrize("made_by", ["codec", "container"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_stereo_films_stay_stereo(
    tmp_path: Path, packing: str, mode: str, kind: str, made_by: str, suffix: str
) -> None:
    """By H.264's frame packing in any container, and by Matroska's own mark."""
    by_codec = made_by == "codec"
    film = write_film(
        tmp_path / "film.mkv", moving_luma(FRAMES), codec="libx264",
        options={"x264-params": f"frame-packing={packing}"} if by_codec else None,
        extras=Extras(video_metadata={} if by_codec else {"stereo_mode": mode}),
    )  # fmt: skip
    out = colored(film, tmp_path / f"out{suffix}", OutputSettings()).path
    frame = ask_ffprobe(out, "-show_frames")["frames"][0]
    assert "Stereo 3D" in {one["side_data_type"] for one in frame["side_data_list"]}
    assert probe(out).marks.stereo == Stereo(1 if packing == "3" else 2, is_inverted=False)
    shapes = [probe(one).picture.sample_aspect_ratio for one in (film, out)]
    assert shapes[0] == shapes[1]
    if suffix == ".mkv":
        (told,) = ask_ffprobe(out, "-show_streams")["streams"][0]["side_data_list"]
        assert told["type"].startswith(kind)


@needs_ffmpeg
def test_the_right_view_first_stays_so_in_matroska(tmp_path: Path) -> None:
    """FFV1 has no mark of its own: the container's is kept, and MP4 without one is told."""
    film = write_film(
        tmp_path / "film.mkv", moving_luma(FRAMES),
        extras=Extras(video_metadata={"stereo_mode": "right_left"}),
    )  # fmt: skip
    assert probe(film).marks.stereo == Stereo(1, is_inverted=True)
    out = colored(film, tmp_path / "out.mkv", OutputSettings(lossless=True)).path
    assert probe(out).marks.stereo == Stereo(1, is_inverted=True)
    notes = plan_encoding(probe(film), OutputSettings(), output=tmp_path / "out.mp4").notes
    assert "libx264 in mp4 cannot store the stereo mark: left out" in notes


def test_films_without_marks_are_encoded_as_ever() -> None:
    """No option, no tag, no word."""
    assert with_marks("libx264", {"crf": "16"}, NO_MARKS) == {"crf": "16"}
    assert stereo_tags("matroska", NO_MARKS) == {}
    assert lost_marks("ffv1", "matroska", NO_MARKS) == []


def test_marks_join_an_encoders_own_words() -> None:
    """x265 keeps what it is told already."""
    marks = PictureMarks(light_level=(1000, 400))
    options = with_marks("libx265", {"x265-params": "log-level=none"}, marks)
    assert options == {"x265-params": "log-level=none:max-cll=1000,400"}
