from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame
from clips import ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from probed import DEFAULT, LOSSLESS, picture, source
from recoloring import colored

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat
from vidcolor.reading.pixels import component_views, plane_view, word_bits
from vidcolor.settings import OutputSettings
from vidcolor.writing import encoder_options as encoders
from vidcolor.writing.encoder_options import encoder_options
from vidcolor.writing.encoding import (
    choose_encoder,
)
from vidcolor.writing.pixel_formats import choose_pixel_format, why_refused


@pytest.mark.parametrize(
    ("codec", "depth", "settings", "expected"),
    [
        ("h264", 8, DEFAULT, "libx264"),
        ("ffv1", 8, DEFAULT, "libx264"),
        ("hevc", 10, DEFAULT, "libx265"),
        ("ffv1", 10, DEFAULT, "ffv1"),
        ("prores", 12, DEFAULT, "prores_ks"),
        ("jpeg2000", 12, DEFAULT, "libx265"),
        ("tiff", 16, DEFAULT, "ffv1"),
        ("h264", 8, LOSSLESS, "ffv1"),
        ("prores", 10, LOSSLESS, "ffv1"),
        ("h264", 8, OutputSettings(codec="libx265", lossless=True), "libx265"),
    ],
)
def test_encoder(codec: str, depth: int, settings: OutputSettings, expected: str) -> None:
    """The encoder is the one asked for, else goes by losslessness, depth and the source's codec."""
    assert choose_encoder(source(codec=codec, depth=depth), settings) == expected


@pytest.mark.parametrize("name", ["nonsense", "aac", "h265", "", "../libx264"])
def test_unknown_encoder_is_refused(name: str) -> None:
    """What is no video encoder is refused by name, with usual ones."""
    with pytest.raises(OutputError, match="no such video encoder; usual ones are libx264"):
        choose_encoder(source(), OutputSettings(codec=name))


@pytest.mark.parametrize(
    ("codec", "film", "asked", "expected"),
    [
        ("libx264", picture(), {}, "yuv420p"),
        ("libx264", picture(chroma=(1, 0)), {}, "yuv422p"),
        ("libx264", picture(chroma=(2, 0)), {}, "yuv422p"),  # it has no 4:1:1
        ("libx264", picture(), {"chroma": "444"}, "yuv444p"),
        ("libx264", picture(chroma=(0, 0)), {"chroma": "420"}, "yuv420p"),
        ("libx264", picture(full=True), {}, "yuv420p"),
        ("libx264", picture(), {"pixel_format": "yuv422p10le"}, "yuv422p10le"),
        ("libx265", picture(10), {}, "yuv420p10le"),
        ("libx265", picture(12, (1, 0)), {}, "yuv422p12le"),
        ("ffv1", picture(16, (1, 0)), {}, "yuv422p16le"),
        ("ffv1", picture(chroma=(2, 0)), {}, "yuv411p"),
        ("ffv1", picture(9, full=True), {}, "yuv420p9le"),
        ("prores_ks", picture(), {}, "yuv422p10le"),
        ("prores_ks", picture(10, (0, 0)), {}, "yuv444p10le"),
        ("mpeg2video", picture(), {}, "yuv420p"),
    ],
)
def test_pixel_format(codec: str, film: FrameFormat, asked: dict[str, str], expected: str) -> None:
    """The smallest format of the encoder that holds the luma and chroma at least as fine."""
    assert choose_pixel_format(codec, film, OutputSettings(**asked))[0] == expected


@pytest.mark.parametrize(
    ("codec", "film", "asked"),
    [
        ("libx264", picture(10), {"pixel_format": "yuv420p"}),
        ("libx264", picture(12), {}),
        ("libx264", picture(chroma=(1, 0)), {"pixel_format": "yuv420p"}),
        ("prores_ks", picture(full=True), {}),
        ("libx264", picture(full=True), {"pixel_format": "yuv420p10le"}),
        ("prores_ks", picture(10), {"chroma": "420"}),
        ("mpeg2video", picture(10), {}),
    ],
)
def test_a_format_that_would_round_luma_or_lose_chroma_is_refused(
    codec: str, film: FrameFormat, asked: dict[str, str]
) -> None:
    """Fewer bits, full range in more bits, and coarser chroma than the film's are refused."""
    with pytest.raises(OutputError, match=rf"cannot hold {film.depth}-bit luma as decoded"):
        choose_pixel_format(codec, film, OutputSettings(**asked))


@pytest.mark.parametrize("name", ["rgb24", "nv12", "gray", "yuvj420p", "yuv420p16be", "nonsense"])
def test_a_format_that_is_no_planar_ycbcr_is_refused(name: str) -> None:
    """Formats that hold no plane of luma beside two of chroma are refused, with those that do."""
    with pytest.raises(OutputError, match=r"has no planar Y'CbCr format .*; it takes yuv420p "):
        choose_pixel_format("libx264", picture(), OutputSettings(pixel_format=name))


@pytest.mark.parametrize(
    ("size", "slices"), [((640, 480), "24"), ((853, 480), "24"), ((45, 31), "9"), ((2, 2), None)]
)
def test_ffv1_is_written_for_archives(size: tuple[int, int], slices: str | None) -> None:
    """FFV1 gets version 3, key frames alone, and as many slices with checksums as sizes allow."""
    film = replace(picture(), width=size[0], height=size[1])
    options = encoder_options("ffv1", "yuv420p", film, LOSSLESS)
    assert options.items() >= {"level": "3", "slicecrc": "1", "g": "1"}.items()
    assert options.get("slices") == slices


FIXED = {"threads": "4", "thread_type": "frame"}
"""Of x264, whatever is asked."""

LARGE = {"threads": "6", "rc-lookahead": "16"}
"""Of x264, above full HD."""


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((640, 480), FIXED),
        ((1920, 1080), FIXED),
        ((2048, 1080), LARGE),
        ((3840, 2160), LARGE),
    ],
)
@pytest.mark.parametrize("field_order", [0, 2])
def test_x264_holds_few_large_frames(
    size: tuple[int, int], told: dict[str, str], field_order: int
) -> None:
    """Up to full HD each thread has a frame of its own; of larger ones one is in work at a time."""
    film = replace(picture(), width=size[0], height=size[1], field_order=field_order)
    options = encoder_options("libx264", "yuv420p", film, DEFAULT)
    if film.is_interlaced:
        told = {name: value for name, value in told.items() if name != "thread_type"}
        told |= {"threads": "1"}
    told_of = {"threads", "thread_type", "rc-lookahead"}
    assert {name: value for name, value in options.items() if name in told_of} == told


def test_quality_and_speed_go_to_encoders_that_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """x264 gets the default quality or the one asked for, and a preset only if asked."""
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")
    assert encoder_options("libx264", "yuv420p", picture(), DEFAULT) == FIXED | {"crf": "16"}
    asked = OutputSettings(crf=22.5, preset="fast")
    assert encoder_options("libx264", "yuv420p", picture(), asked) == FIXED | {
        "crf": "22.5",
        "preset": "fast",
    }
    asked = OutputSettings(crf=0)
    assert encoder_options("libx264", "yuv420p", picture(), asked) == FIXED | {"crf": "0"}


@pytest.mark.parametrize(
    ("field_order", "told"),
    [
        (0, []),
        (1, []),
        (2, []),
        (3, ["bff=1"]),
        (5, ["bff=1"]),
    ],
)
@pytest.mark.parametrize(("processor", "asked"), [("AVX2", []), ("AVX512", ["asm=avx2"])])
def test_x264_is_told_which_field_is_first(
    monkeypatch: pytest.MonkeyPatch,
    field_order: int,
    told: list[str],
    processor: str,
    asked: list[str],
) -> None:
    """It takes the top field for first where it hears nothing; fields are encoded by one thread."""
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: processor)
    film = replace(picture(), field_order=field_order)
    options = encoder_options("libx264", "yuv420p", film, DEFAULT)
    assert options.get("x264-params") == (":".join(asked + told) or None)
    assert (options["threads"] == "1") is film.is_interlaced


@needs_ffmpeg
@pytest.mark.parametrize(("fields", "order", "name"), [("tff", 2, "tt"), ("bff", 3, "bb")])
def test_h264_in_quicktime_tells_the_field_order(
    tmp_path: Path, fields: str, order: int, name: str
) -> None:
    """Stream and frames say the same, where FFprobe believes the stream before the container."""
    film = write_film(
        tmp_path / "film.mkv", moving_luma(3, 64, 64), fields=fields, field_order=order
    )
    result = colored(film, tmp_path / "out.mov", DEFAULT).path
    told = ask_ffprobe(result, "-show_streams", "-show_frames")
    assert told["streams"][0]["field_order"] == name
    assert {frame["top_field_first"] for frame in told["frames"]} == {int(fields == "tff")}


@pytest.mark.parametrize(
    ("codec", "asked", "fault"),
    [
        ("ffv1", {"crf": 20}, "ffv1 has no --crf"),
        ("prores_ks", {"crf": 20}, "prores_ks has no --crf"),
        ("ffv1", {"preset": "fast"}, "ffv1 has no --preset"),
        ("mpeg2video", {"preset": "fast"}, "mpeg2video has no --preset"),
        ("libx265", {"preset": "quick"}, "quick: not a preset; libx265 has ultrafast"),
    ],
)
def test_quality_and_speed_are_refused_where_there_are_none(
    codec: str, asked: dict, fault: str
) -> None:
    """An option that the encoder would not hear is refused rather than dropped."""
    with pytest.raises(OutputError, match=fault):
        encoder_options(codec, "yuv420p", picture(), OutputSettings(**asked))


@pytest.mark.parametrize(("side", "is_refused"), [(63, True), (64, False)])
def test_x265_is_kept_from_pictures_that_it_fails_on(side: int, *, is_refused: bool) -> None:
    """It would destroy memory where pictures are smaller than its blocks."""
    low = replace(picture(), height=side)
    fault = why_refused("libx265", "yuv420p", low)
    assert fault == ("its frames are at least 64x64" if is_refused else None)


def test_quarter_chroma_needs_a_width_it_divides() -> None:
    """4:1:1 at a width that is no multiple of 4 is written as 4:2:2, for FFV1's sake."""
    quarter = replace(picture(), width=854, log2_chroma_width=2, log2_chroma_height=0)
    assert choose_pixel_format("ffv1", quarter, LOSSLESS)[0] == "yuv422p"
    assert choose_pixel_format("ffv1", replace(quarter, width=720), LOSSLESS)[0] == "yuv411p"


@pytest.mark.parametrize(
    ("codec", "depth", "subsampling", "expected"),
    [
        ("h264_nvenc", 8, (1, 1), "yuv420p"),
        ("hevc_nvenc", 8, (0, 0), "yuv444p"),
        ("hevc_nvenc", 10, (1, 1), "p010le"),
    ],
)
def test_graphics_cards_encode_luma_as_it_is(
    codec: str, depth: int, subsampling: tuple[int, int], expected: str
) -> None:
    """Their encoders get a format that holds all codes; those in their own memory are none."""
    film = picture(depth, subsampling)
    name, fmt, _ = choose_pixel_format(codec, film, DEFAULT)
    assert name == expected
    assert word_bits(fmt) == (16 if expected == "p010le" else depth)


def test_an_encoder_of_a_missing_graphics_card_is_refused() -> None:
    """One line names what lacks and what else can be used."""
    if torch.cuda.is_available():
        pytest.skip("this machine has such a card")
    with pytest.raises(OutputError, match=r"NVIDIA GPU.* use --codec libx265"):
        encoder_options("hevc_nvenc", "p010le", picture(10), DEFAULT)


@pytest.mark.parametrize(("crf", "quantizer"), [(21, "21"), (0, "0"), (None, "16")])
def test_a_graphics_cards_quality_is_one_number(
    monkeypatch: pytest.MonkeyPatch, crf: float | None, quantizer: str
) -> None:
    """No bit rate caps it, and 0 is a quality like others."""
    monkeypatch.setattr(encoders, "open_encoder", lambda *_: None)
    settings = OutputSettings(crf=crf, preset="p6")
    options = encoder_options("h264_nvenc", "yuv420p", picture(), settings)
    assert options == {"rc": "constqp", "qp": quantizer, "preset": "p6"}


def test_chroma_in_one_plane_is_written_sample_by_sample() -> None:
    """What is written into P010 is read, by FFmpeg, as luma, Cb and Cr."""
    rng = np.random.default_rng(0)
    written = [
        rng.integers(0, 1024, size).astype(np.uint16) for size in ((32, 64), (16, 32), (16, 32))
    ]
    frame = VideoFrame(64, 32, "p010le")
    for view, plane in zip(component_views(frame), written, strict=True):
        view[:] = plane << 6
    read = frame.reformat(format="yuv420p10le")
    for index, plane in enumerate(written):
        np.testing.assert_array_equal(plane_view(read, index), plane)
