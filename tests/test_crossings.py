"""What other programs read of our films: range, notes, places of pictures."""

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, picture_frame, write_film
from forking import start_program
from recoloring import colored, write_pink

from vidcolor.errors import OutputError
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.dpx import place_picture
from vidcolor.writing.encoder_options import with_rate
from vidcolor.writing.plan import plan_encoding, plan_video

DEFAULT = OutputSettings()
EDIT = OutputSettings(purpose="edit")
FULL_RANGE = 2
FRAMES = 3
CODECS = {
    ".mov": ("prores_ks", "yuv422p10le"),
    ".mp4": ("libx264", "yuv420p"),
    ".mkv": ("ffv1", "yuv420p"),
}


def film_of(path: Path, depth: int = 8, *, full: bool = True, **more: object) -> Path:
    """A film of full or limited range."""
    deep = "" if depth == 8 else f"{depth}le"
    return write_film(
        path, moving_luma(FRAMES, 64, 64, depth=depth), pixel_format=f"yuv422p{deep}",
        color_range=FULL_RANGE if full else 1, **more,
    )  # fmt: skip


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize(("codec", "suffix"), [("prores_ks", ".mov"), ("mpeg2video", ".ts")])
def test_full_range_that_cannot_be_said_is_refused(
    tmp_path: Path, depth: int, codec: str, suffix: str
) -> None:
    """Else players would take it for limited, with light crushed at both ends."""
    source = probe(film_of(tmp_path / "film.mkv", depth))
    settings = OutputSettings(codec=codec)
    with pytest.raises(OutputError, match=r"full range|8 bits"):
        plan_encoding(source, settings, output=tmp_path / f"out{suffix}")
    limited = probe(film_of(tmp_path / "limited.mkv", full=False))
    assert plan_encoding(limited, settings, output=tmp_path / f"out{suffix}").codec == codec


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov"])
def test_full_range_has_all_four_tags(tmp_path: Path, suffix: str) -> None:
    """Browsers believe the range only where matrix, primaries and transfer are told as well."""
    out = colored(film_of(tmp_path / "film.mkv"), tmp_path / f"out{suffix}", DEFAULT)
    stream = ask_ffprobe(out.path, "-show_streams")["streams"][0]
    assert stream["color_range"] == "pc"
    assert all(
        stream[f"color_{name}"] == "smpte170m" for name in ("space", "transfer", "primaries")
    )


def test_a_transport_stream_gets_no_picture_that_nobody_finds_in_it(tmp_path: Path) -> None:
    """FFmpeg writes FFV1 into it as private data; the film becomes Matroska, with a note."""
    source = probe(film_of(tmp_path / "film.mkv", 10))
    encoding = plan_encoding(source, DEFAULT, output=tmp_path / "out.ts")
    assert (encoding.codec, encoding.container) == ("ffv1", "matroska")
    assert "mpegts cannot hold ffv1 video: writing Matroska, out.mkv" in encoding.notes


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize("own", [{}, {"comment": "Found in the attic", "description": "A reel"}])
def test_the_note_on_synthetic_color_is_read_by_others(
    tmp_path: Path, suffix: str, own: dict[str, str]
) -> None:
    """In every container, and the source's own words stay."""
    codec, fmt = CODECS[suffix]
    film = write_film(
        tmp_path / f"film{suffix}", moving_luma(FRAMES, 64, 64, depth=10 if "10" in fmt else 8),
        codec=codec, pixel_format=fmt, extras=Extras(metadata=own),
    )  # fmt: skip
    out = colored(film, tmp_path / f"out{suffix}", EDIT if suffix == ".mov" else DEFAULT)
    tags = ask_ffprobe(out.path, "-show_format")["format"]["tags"]
    told = " ".join(tags.values())
    assert "made in a test" in told
    kept = ask_ffprobe(film, "-show_format")["format"]["tags"]
    assert all(kept[key] in told for key in own if key in kept)


@pytest.mark.parametrize("order", [">", "<"])
def test_both_offsets_of_a_dpx_picture_agree(order: str) -> None:
    """Programs read either the file's or the image element's (SMPTE ST 268-1, tables 1 and 2)."""
    head = bytearray(b"SDPX" if order == ">" else b"XPDS").ljust(1664, b"\0")
    struct.pack_into(f"{order}I", head, 808, 1664)
    made = place_picture(bytes(head) + b"picture", 0, 24, None)
    of_file, of_element = (struct.unpack_from(f"{order}I", made, at)[0] for at in (4, 808))
    assert of_file == of_element == made.index(b"picture")


def test_svt_av1_is_quiet(tmp_path: Path) -> None:
    """It writes to the terminal by itself unless the environment says otherwise."""
    film = film_of(tmp_path / "film.mkv", full=False)
    command = ["-q", film, "--codec", "libsvtav1", "--chroma", "420", "--device", "cpu"]
    command += ["--render-size", "64", "-o", tmp_path / "out.mkv"]
    code, out, err = start_program(tmp_path / "told", command).end()
    assert (code, out) == (0, "")
    assert "Svt" not in err


def teletext_film(path: Path) -> Path:
    """A transport stream with teletext, for which FFmpeg has no decoder here."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25, width=64, height=64)
        video.pix_fmt = "yuv420p"
        text = output.add_mux_stream("dvb_teletext", time_base=Fraction(1, 90000))
        output.start_encoding()
        for index, luma in enumerate(moving_luma(10, 64, 64)):
            frame = picture_frame(luma, "yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(video.encode(frame))
            packet = av.Packet(bytes([0x10, 0x02, 0x2C, index]) + bytes(42))
            packet.stream, packet.time_base = text, Fraction(1, 25)
            packet.pts = packet.dts = index
            output.mux(packet)
        output.mux(video.encode(None))
    return path


def text_packets(path: Path) -> list[bytes]:
    """What the packets of a film's subtitles hold."""
    with av.open(str(path)) as opened:
        streams = [stream for stream in opened.streams if stream.type == "subtitle"]
        return [bytes(packet) for packet in opened.demux(streams) if packet.size]


def test_teletext_is_copied_undecoded(tmp_path: Path) -> None:
    """From transport stream to transport stream every packet is the same."""
    film = teletext_film(tmp_path / "film.ts")
    assert len(text_packets(film)) == 10
    out = colored(film, tmp_path / "out.ts", DEFAULT).path
    assert text_packets(out) == text_packets(film)


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_h264_states_the_films_rate(tmp_path: Path, suffix: str) -> None:
    """The stream's own header has the rate of frames, not the clock of its container."""
    every = Fraction(1, 24)
    film = write_film(tmp_path / "film.mkv", moving_luma(12), time_base=every, rate=1 / every)
    settings = Settings(force=True)
    job = plan_video(film, tmp_path / f"out{suffix}", settings)
    assert "force-cfr=1" in job.encoding.options["x264-params"]
    write_pink(job.source, job.encoding, read_frames(job.source, Damage()))
    command = ["ffmpeg", "-i", str(job.encoding.path), "-c", "copy", "-frames:v", "1", "-bsf:v",
               "trace_headers", "-f", "null", "-"]  # fmt: skip
    trace = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    ticks, unit = (
        next(int(line.rpartition("=")[2]) for line in trace if word in line)
        for word in ("time_scale", "num_units_in_tick")
    )
    assert Fraction(ticks, 2 * unit) == 24


@pytest.mark.quick
def test_only_a_constant_rate_is_stated() -> None:
    """A film of variable rate is left alone, and so are other encoders."""
    assert with_rate("libx264", {"x264-params": "asm=avx2"}, Fraction(24)) == {
        "x264-params": "asm=avx2:force-cfr=1"
    }
    assert with_rate("libx264", {"crf": "16"}, None) == {"crf": "16"}
    assert with_rate("libx265", {"crf": "16"}, Fraction(24)) == {"crf": "16"}
