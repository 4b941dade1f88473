"""Closed captions stay in the coded pictures, or lie beside a film whose codec has no place."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import ask_ffprobe, moving_luma, needs_ffmpeg, picture_frame, write_film
from recoloring import colored

from vidcolor import Settings, colorize_video
from vidcolor.errors import OutputError
from vidcolor.film.verify import verify_film
from vidcolor.reading.captions import captions_of
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import ModelSettings, OutputSettings
from vidcolor.writing.frame_side_data import CaptionedFrames
from vidcolor.writing.plan import Job, plan_encoding
from vidcolor.writing.scenarist import write_captions

RATE = Fraction(30000, 1001)
FRAMES = 40
PADDING = bytes.fromhex("fc8080 fd8080 fa0000 fa0000")
# Pop-on: load, a row, HI in odd parity, and 20 frames later show it; then erase it.
SAID = {4: "9420", 5: "9420", 6: "9470", 7: "9470", 8: "c849", 24: "942f", 25: "942f", 34: "942c"}
SHOWN, GONE = float(24 / RATE), float(34 / RATE)


def said(index: int) -> bytes:
    """The captions of a frame: one pair of field 1, then padding."""
    return bytes.fromhex(f"fc{SAID[index]}") + PADDING[3:] if index in SAID else PADDING


@pytest.fixture(params=["mpeg2video", "libx264"])
def film(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A film with captions in each picture, B-frames among them."""
    path = tmp_path / "film.ts"
    makers = CaptionedFrames(96, 64, "yuv420p")
    with av.open(str(path), "w") as output:
        stream = output.add_stream(request.param, rate=RATE, width=96, height=64)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.max_b_frames = 2
        stream.codec_context.bit_rate = 2_000_000
        for index, luma in enumerate(moving_luma(FRAMES)):
            plain = picture_frame(luma, "yuv420p")
            frame = makers.with_captions(plain, said(index))
            frame.pts, frame.time_base = index, 1 / RATE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def captions_in(path: Path) -> list[bytes]:
    """What each frame of a film carries, in the order shown."""
    return [frame.captions for frame in read_frames(probe(path), Damage())]


def read_text(*source: str) -> list[str]:
    """The lines of SubRip that FFmpeg makes of captions: times and words."""
    command = ["ffmpeg", "-v", "error", *source, "-f", "srt", "-"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in made.splitlines() if line]


@needs_ffmpeg
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_captions_stay_in_the_pictures(film: Path, codec: str, suffix: str) -> None:
    """Every frame has the bytes of its source, as FFprobe and we read them."""
    assert captions_in(film) == [said(index) for index in range(FRAMES)]
    settings = OutputSettings(codec=codec)
    out = colored(film, film.with_name(f"out{suffix}"), settings)
    assert captions_in(out.path) == captions_in(film)
    frames = ask_ffprobe(out.path, "-show_frames")["frames"]
    kinds = [[one["side_data_type"] for one in frame["side_data_list"]] for frame in frames]
    assert sum("ATSC A53 Part 4 Closed Captions" in kind for kind in kinds) == FRAMES


@needs_ffmpeg
@pytest.mark.parametrize("asked", [{"lossless": True}, {"purpose": "edit"}])
def test_captions_lie_beside_a_film_whose_codec_has_no_place(film: Path, asked: dict) -> None:
    """A Scenarist file shows the same words at the same times; note and sidecar tell of it."""
    settings = Settings(model=ModelSettings(render_size=64), output=OutputSettings(**asked))
    suffix = ".mov" if "purpose" in asked else ".mkv"
    out = film.with_name(f"out{suffix}")
    colorize_video(film, out, settings)
    lines = read_text("-i", str(film.with_name("out.scc")))
    assert lines[2].endswith("HI</font>")
    begin, end = (time_of(word) for word in lines[1].split(" --> "))
    assert begin == pytest.approx(SHOWN, abs=0.04)
    assert end == pytest.approx(GONE, abs=0.04)
    assert read_sidecar(film.with_name("out.json"))["captions"] == {
        "kept": str(film.with_name("out.scc")),
        "lost": [],
    }
    notes = plan_encoding(probe(film), settings.output, output=out).notes
    assert any("cannot carry closed captions: writing" in note for note in notes)
    out.unlink()
    film.with_name("out.json").unlink()
    with pytest.raises(OutputError, match=r"out\.scc: exists already"):
        colorize_video(film, out, settings)


def time_of(word: str) -> float:
    """Seconds of a time in SubRip."""
    hours, minutes, seconds = word.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_lost_captions_do_not_verify(film: Path, tmp_path: Path) -> None:
    """A film whose pictures lack them is no film of its source."""
    source = probe(film)
    encoding = plan_encoding(source, OutputSettings(codec="libx264"), output=tmp_path / "a.ts")
    frames = [frame.luma for frame in read_frames(source, Damage())]
    write_film(tmp_path / "a.ts", frames, codec="libx264", time_base=1 / RATE, options={"crf": "1"})
    found = verify_film(Job(source=source, encoding=encoding), tmp_path / "a.ts", Settings())
    assert f"the closed captions of {FRAMES} frames are not the source's" in found.problems


def test_a_film_without_captions_has_no_place_for_them(tmp_path: Path) -> None:
    """Neither a file nor a note nor an option of the encoder."""
    film = write_film(tmp_path / "film.mkv", moving_luma(3), codec="mpeg2video")
    for codec in ("ffv1", "libx265"):
        encoding = plan_encoding(probe(film), OutputSettings(codec=codec))
        assert encoding.captions == "none"
        assert "a53cc" not in encoding.options


def pairs(*numbers: int, kind: str = "fc", pair: str = "c849") -> list[tuple[float, bytes]]:
    """Frames that say a pair each."""
    return [(float(number / RATE), bytes.fromhex(kind + pair)) for number in numbers]


@pytest.mark.parametrize(
    ("frames", "lines"),
    [
        (pairs(0, 1, 2), ["00:00:00;00\tc849 c849 c849"]),
        (pairs(0, 1, 5), ["00:00:00;00\tc849 c849", "00:00:00;05\tc849"]),
        (pairs(1799, 1800), ["00:00:59;29\tc849 c849"]),
        (pairs(1800), ["00:01:00;02\tc849"]),
        (pairs(17982), ["00:10:00;00\tc849"]),
        (pairs(3, 3), ["00:00:00;03\tc849 c849"]),
        (pairs(3) + pairs(4, 5, pair="942c"), ["00:00:00;03\tc849", "00:00:00;04\t942c 942c"]),
    ],
)
def test_scenarist_lines(frames: list[tuple[float, bytes]], lines: list[str]) -> None:
    """A line for each run of frames, at its drop-frame timecode; what clears text begins one."""
    text = write_captions(frames).text
    assert text == "\n\n".join(["Scenarist_SCC V1.0", *lines, ""])


def test_what_a_scenarist_file_cannot_hold_is_said() -> None:
    """Padding and pairs marked as invalid say nothing; other kinds are named once."""
    assert write_captions([(0.0, PADDING)]) == (None, [])
    assert write_captions(pairs(0, kind="f8")) == (None, [])
    later = pairs(0, 1, kind="ff") + pairs(2, kind="fd")
    assert write_captions(later) == (None, ["EIA-708 captions", "captions of field 2"])


def test_a_frame_is_free_once_its_captions_are_read(film: Path) -> None:
    """Else planes of a large film wait in memory until Python looks for circles."""
    with av.open(str(film)) as container:
        frame = next(container.decode(video=0))
        before = sys.getrefcount(frame)
        assert captions_of(frame)
        assert sys.getrefcount(frame) == before
