"""Luma of every pixel format that FFmpeg decodes to, against the samples that were put into it."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidcolor.color.ycbcr import KR_KB
from vidcolor.errors import SourceError
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.pixels import code_bits
from vidcolor.reading.reader import Damage, luma_codes, read_frames
from vidcolor.reading.source import probe, refuse_depth

HEIGHT, WIDTHS = 24, (96, 97, 161)
PLANAR_RGB = [
    f"gbr{alpha}p{bits}{order}"
    for alpha, depths in (("", (9, 10, 12, 14, 16)), ("a", (10, 12, 14, 16)))
    for bits in depths
    for order in ("le", "be")
]
MSB = [f"gbrp{bits}msb{order}" for bits in (10, 12) for order in ("le", "be")]
FLOATS = [
    f"{kind}f{bits}{order}"
    for kind in ("gbrp", "gbrap", "gray", "rgb", "rgba", "ya")
    for bits in (16, 32)
    for order in ("le", "be")
]
PACKED = ["rgb48le", "rgb48be", "rgba64le", "rgba64be", "bgra64le", "rgb24", "argb", "bgra", "rgba"]


def picture(fmt: VideoFormat, width: int) -> FrameFormat:
    """What is known of a film of this format."""
    return FrameFormat(
        width=width, height=HEIGHT, depth=max(8, min(16, code_bits(fmt))),
        log2_chroma_width=0, log2_chroma_height=0, matrix=Matrix.BT709, full_range=True,
        primaries=2, transfer=2, chroma_location=1, sample_aspect_ratio=Fraction(1),
        field_order=0, display_matrix=None,
    )  # fmt: skip


def filled(name: str, width: int, planes: list[NDArray]) -> VideoFrame:
    """A frame whose planes hold these samples, (height, samples in a line) each."""
    frame = VideoFrame(width, HEIGHT, name)
    for plane, samples in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        data = np.ascontiguousarray(samples).view(np.uint8)
        rows[:, : data.shape[1]] = data
        plane.update(rows.tobytes())
    return frame


def leave_junk(name: str, width: int) -> None:
    """Memory that the next frames of this kind get has been written to."""
    frames = [VideoFrame(width, HEIGHT, name) for _ in range(4)]
    for frame in frames:
        for plane in frame.planes:
            plane.update(b"\x5a" * plane.buffer_size)


def luma_of(green: NDArray, blue: NDArray, red: NDArray) -> NDArray:
    """By BT.709 (item 3.2), of full-range codes."""
    kr, kb = KR_KB[Matrix.BT709]
    return np.rint(green + kr * (red - green) + kb * (blue - green))


def codes(width: int, bits: int, count: int) -> list[NDArray]:
    """Random samples."""
    rng = np.random.default_rng(bits)
    return [rng.integers(0, 1 << bits, (HEIGHT, width)) for _ in range(count)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*PLANAR_RGB, *MSB, "gbrp", "gbrap"])
def test_planar_rgb(name: str, width: int) -> None:
    """With alpha and without, in either order of bytes, at the low or the high end of a word."""
    fmt = VideoFormat(name, width, HEIGHT)
    bits, count = fmt.components[0].bits, len(fmt.components)
    samples = codes(width, bits, count)
    kind = "u1" if bits == 8 else f"{'>' if fmt.is_big_endian else '<'}u2"
    shift = 16 - bits if "msb" in name else 0
    leave_junk(f"gbrp{bits}le" if bits > 8 else "gbrp", width)
    frame = filled(name, width, [(plane << shift).astype(kind) for plane in samples])
    found = luma_codes(frame, picture(fmt, width))
    assert np.array_equal(found, luma_of(*(plane.astype(float) for plane in samples[:3])))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FLOATS)
def test_light(name: str, width: int) -> None:
    """Of 0 to 1 becomes codes of 16 bits; planar or packed, half or single."""
    fmt = VideoFormat(name, width, HEIGHT)
    count = len(fmt.components)
    kind = np.dtype(f"{'>' if name.endswith('be') else '<'}f{2 if 'f16' in name else 4}")
    light = [(plane / 4095).astype(kind) for plane in codes(width, 12, count)]
    is_planar = name.startswith("gbr") or count == 1
    planes = light if is_planar else [np.stack(light, axis=2).reshape(HEIGHT, -1).astype(kind)]
    shown = [plane.astype(np.float64) * 65535 for plane in light]
    wanted = np.rint(shown[0])
    if fmt.is_rgb:
        red, green, blue = (shown[2], shown[0], shown[1]) if is_planar else shown[:3]
        wanted = luma_of(green, blue, red)
    assert np.array_equal(luma_codes(filled(name, width, planes), picture(fmt, width)), wanted)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PACKED)
def test_packed_rgb(name: str, width: int) -> None:
    """With alpha before or behind."""
    fmt = VideoFormat(name, width, HEIGHT)
    bits, letters = fmt.components[0].bits, re.split(r"\d", name)[0]
    samples = dict(zip(letters, codes(width, bits, len(letters)), strict=True))
    kind = "u1" if bits == 8 else f"{'>' if name.endswith('be') else '<'}u2"
    joined = np.stack(list(samples.values()), axis=2).reshape(HEIGHT, -1).astype(kind)
    leave_junk("gbrp16le" if bits > 8 else "gbrp", width)
    wanted = luma_of(*(samples[letter].astype(float) for letter in "gbr"))
    assert np.array_equal(luma_codes(filled(name, width, [joined]), picture(fmt, width)), wanted)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["ya8", "ya16le", "ya16be", "gray10be", "gray16be", "gray10le"])
def test_gray(name: str, width: int) -> None:
    """With alpha and without."""
    fmt = VideoFormat(name, width, HEIGHT)
    bits = fmt.components[0].bits
    samples = codes(width, bits, len(fmt.components))
    kind = "u1" if bits == 8 else f"{'>' if fmt.is_big_endian else '<'}u2"
    joined = np.stack(samples, axis=2).reshape(HEIGHT, -1).astype(kind)
    leave_junk(f"gray{bits}le" if bits > 8 else "gray", width)
    assert np.array_equal(
        luma_codes(filled(name, width, [joined]), picture(fmt, width)), samples[0]
    )


def write_raw(path: Path, name: str, width: int, planes: list[NDArray]) -> Path:
    """A film of raw frames, all alike, in NUT."""
    with av.open(str(path), "w", format="nut") as output:
        stream = output.add_stream("rawvideo", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, HEIGHT, name
        for packet in (*stream.encode(filled(name, width, planes)), *stream.encode(None)):
            output.mux(packet)
    return path


def test_a_color_filter_keeps_its_bits(tmp_path: Path) -> None:
    """FFmpeg's table states 4, 8 and 4 bits for the three colors of 16-bit samples."""
    samples = np.full((HEIGHT, 96), 20131, "<u2")
    samples[:, 48:] = 20262
    source = probe(write_raw(tmp_path / "scan.nut", "bayer_rggb16le", 96, [samples]))
    assert source.picture.depth == 16
    (frame,) = read_frames(source, Damage())
    assert np.all(frame.luma[:, :44] == 20131)
    assert np.all(frame.luma[:, 52:] == 20262)


def test_samples_too_deep_for_any_film_are_refused() -> None:
    """Rather than cut."""
    with pytest.raises(SourceError, match=r"samples of 32 bits \(gray32le\).*Convert it to 16"):
        refuse_depth(VideoFrame(96, HEIGHT, "gray32le"), Path("deep.nut"))
    refuse_depth(VideoFrame(96, HEIGHT, "grayf32le"), Path("light.exr"))
