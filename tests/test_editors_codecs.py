"""Codecs that editors, broadcasters and capture stations ask for."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from recoloring import colored

from vidcolor.errors import OutputError
from vidcolor.film.verify import verify_film
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.plan import Job, plan_encoding
from vidcolor.writing.video_stream import holds_codec

FRAMES = 6
LEAST_DB = 45


def film_of(tmp_path: Path, depth: int = 8, *, width: int = 256, height: int = 128) -> Path:
    """A soft moving film of Y'CbCr 4:2:2."""
    rng = np.random.default_rng(0)
    codes = rng.uniform(16, 235, (height // 16, width // 16)).astype(np.float32)
    soft = cv2.resize(codes, (width, height), interpolation=cv2.INTER_CUBIC).clip(16, 235)
    still = np.rint(soft * (1 << depth - 8)).astype(np.uint8 if depth == 8 else np.uint16)
    smooth = [np.roll(still, index, axis=1) for index in range(FRAMES)]
    suffix = "" if depth == 8 else f"{depth}le"
    return write_film(tmp_path / f"film{depth}.mkv", smooth, pixel_format=f"yuv422p{suffix}")


def verified(film: Path, output: Path, settings: OutputSettings) -> Job:
    """A film written with pink chroma, and found to be its source's but for luma's losses."""
    colored(film, output, settings)
    source = probe(film)
    job = Job(source=source, encoding=plan_encoding(source, settings, output=output))
    found = verify_film(job, output, Settings(output=settings))
    assert not found.problems
    assert found.luma_psnr is None or found.luma_psnr > LEAST_DB
    return job


@needs_ffmpeg
@pytest.mark.parametrize(
    ("depth", "chroma", "profile", "pixel_format"),
    [
        (8, None, "DNXHR HQ", "yuv422p"),
        (10, None, "DNXHR HQX", "yuv422p10le"),
        (10, "444", "DNXHR 444", "yuv444p10le"),
    ],
)
def test_dnxhr_has_the_profile_of_its_depth(
    tmp_path: Path, depth: int, chroma: str | None, profile: str, pixel_format: str
) -> None:
    """HQ for 8 bits, HQX for 10, 444 for full chroma."""
    settings = OutputSettings(codec="dnxhd", chroma=chroma)  # type: ignore[arg-type]
    verified(film_of(tmp_path, depth), tmp_path / "out.mov", settings)
    stream = ask_ffprobe(tmp_path / "out.mov", "-show_streams")["streams"][0]
    assert stream["profile"] == profile
    assert stream["pix_fmt"] == pixel_format


def test_dnxhr_below_its_least_size_is_refused_by_it(tmp_path: Path) -> None:
    """The line names the size that it needs."""
    film = film_of(tmp_path, width=160, height=120)
    with pytest.raises(OutputError, match=r"dnxhd cannot encode .*at least 256x120"):
        plan_encoding(probe(film), OutputSettings(codec="dnxhd"))


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("mpeg2video", ".ts"), ("mpeg2video", ".mkv"), ("mpeg2video", ".mp4"), ("mpeg4", ".mp4"),
        ("mjpeg", ".mkv"), ("mjpeg", ".mov"), ("utvideo", ".mkv"), ("huffyuv", ".mkv"),
        ("ffvhuff", ".mkv"), ("magicyuv", ".mkv"), ("v210", ".mov"), ("v210", ".mkv"),
    ],
)  # fmt: skip
def test_codecs_by_name_write_the_film(tmp_path: Path, codec: str, suffix: str) -> None:
    """All frames at their times, with fine luma, lossless codecs with equal luma."""
    settings = OutputSettings(codec=codec, chroma="420" if codec == "mpeg4" else None)
    verified(film_of(tmp_path), tmp_path / f"out{suffix}", settings)


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4"])
def test_odd_times_stay_where_the_codec_counts_frames(tmp_path: Path, codec: str) -> None:
    """Its own clock counts frames; the container keeps each frame's time and length."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5), pts=[0, 1, 5, 6, 13])
    colored(film, tmp_path / "out.mp4", OutputSettings(codec=codec))
    with av.open(str(tmp_path / "out.mp4")) as made:
        packets = [one for one in made.demux(video=0) if one.size]
    assert [float(one.pts * one.time_base) for one in packets] == [0, 0.04, 0.2, 0.24, 0.52]


def test_what_a_container_cannot_hold_goes_to_matroska(tmp_path: Path) -> None:
    """MP4 has no Ut Video: the film becomes Matroska, with a note; no other reason is made up."""
    source = probe(film_of(tmp_path))
    settings = OutputSettings(codec="utvideo")
    encoding = plan_encoding(source, settings, output=tmp_path / "out.mp4")
    assert encoding.container == "matroska"
    assert "mp4 cannot hold utvideo video: writing Matroska, out.mkv" in encoding.notes
    assert holds_codec(encoding, source)
    deep = probe(film_of(tmp_path, 10))
    with pytest.raises(OutputError, match=r"Matroska cannot hold bitpacked video"):
        plan_encoding(deep, OutputSettings(codec="bitpacked"))


@pytest.mark.parametrize(
    ("codec", "depth", "reason"),
    [
        ("prores_ks", 8, "it is of full range, whose codes in 10 bits would be rounded"),
        ("png", 8, "png has no planar Y'CbCr format"),
        ("cljr", 8, "with chroma 422: it can with chroma 411"),
        ("libx264", 12, "its formats have 10 bits"),
    ],
)
def test_the_true_reason_is_told(tmp_path: Path, codec: str, depth: int, reason: str) -> None:
    """Range, depth, chroma or layout, whichever it is."""
    deep = "" if depth == 8 else f"{depth}le"
    full = {"color_range": 2} if codec == "prores_ks" else {}
    film = write_film(
        tmp_path / "film.mkv", moving_luma(2, 64, 64, depth=depth), pixel_format=f"yuv422p{deep}",
        **full,
    )  # fmt: skip
    settings = OutputSettings(codec=codec)
    output = tmp_path / "a.mkv" if codec == "png" else None
    with pytest.raises(OutputError, match=reason):
        plan_encoding(probe(film), settings, output=output)


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_rate_that_mpeg2_cannot_state_is_named(tmp_path: Path, suffix: str) -> None:
    """Before the work, whatever the container."""
    every = Fraction(1, 37)
    film = write_film(tmp_path / "film.mkv", moving_luma(5), time_base=every, rate=1 / every)
    with pytest.raises(OutputError, match="mpeg2video cannot encode 37 frames/s; use --codec lib"):
        plan_encoding(
            probe(film), OutputSettings(codec="mpeg2video"), output=tmp_path / f"out{suffix}"
        )
