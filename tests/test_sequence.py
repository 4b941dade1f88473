import hashlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import (
    FORMATS,
    moving_luma,
    picture_bytes,
    soft_shot,
    write_film,
    write_series,
)
from image_sequences import AT_18, colorize, in_rgb, read, settings, write_jpegs

from vidcolor.dump.replay import replay_frames
from vidcolor.dump.sink import FrameDump
from vidcolor.errors import OutputError, SourceError
from vidcolor.reading import open_sequence as pictures
from vidcolor.reading import sequence
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.reading.tint import is_color
from vidcolor.report.sidecar import fixity_of, read_sidecar
from vidcolor.settings import InputSettings


@pytest.mark.parametrize(
    ("suffix", "pixel_format", "depth"),
    [
        (".dpx", "gray", 8), (".dpx", "rgb24", 8), (".dpx", "gbrp10le", 10),
        (".dpx", "gbrp12le", 12), (".dpx", "rgb48le", 16),
        (".tif", "gray", 8), (".tif", "gray16le", 16), (".tiff", "rgb24", 8),
        (".tif", "rgb48le", 16),
        (".png", "gray", 8), (".png", "gray16be", 16), (".png", "rgb24", 8),
        (".png", "rgb48be", 16),
    ],
)  # fmt: skip
def test_luma_is_as_coded(tmp_path: Path, suffix: str, pixel_format: str, depth: int) -> None:
    """Each kind of picture comes out in order at its own depth; equal R, G and B are the luma."""
    luma = moving_luma(5, depth=depth)
    is_gray = pixel_format.startswith("gray")
    pattern = tmp_path / f"s_%04d{suffix}"
    write_series(pattern, luma if is_gray else [in_rgb(one) for one in luma], pixel_format)
    source = probe(pattern, AT_18)
    frames, losses = read(source)
    assert source.picture.depth == depth
    assert str(losses) == ""
    for frame, expected in zip(frames, luma, strict=True):
        np.testing.assert_array_equal(frame.luma, expected)
    assert not is_color(source)


def test_jpeg(tmp_path: Path) -> None:
    """Its luma is full range, as coded."""
    pattern = tmp_path / "s_%d.jpg"
    paths = write_jpegs(pattern, soft_shot(1, 3), first=9)
    assert [path.name for path in paths] == ["s_9.jpg", "s_10.jpg", "s_11.jpg"]
    source = probe(pattern, AT_18)
    frames, _ = read(source)
    assert source.picture.full_range
    for frame, path in zip(frames, paths, strict=True):
        with av.open(str(path)) as opened:
            decoded = next(opened.decode(video=0)).to_ndarray(format="gray")
        np.testing.assert_array_equal(frame.luma, decoded)


@pytest.mark.parametrize(("half", "tolerance"), [(False, 2), (True, 45)])
@pytest.mark.parametrize("pixel_format", ["gbrpf32le", "grayf32le"])
def test_light_of_exr_becomes_codes(
    tmp_path: Path, pixel_format: str, half: bool, tolerance: int
) -> None:
    """By sRGB's transfer, IEC 61966-2-1, in 16 bits; what is darker than 0 or above 1 is cut."""
    light = np.tile(np.linspace(-0.1, 1.5, 64, dtype=np.float32), (16, 1))
    picture = light if pixel_format == "grayf32le" else in_rgb(light)
    options = {"format": "half"} if half else {}
    write_series(tmp_path / "s_%02d.exr", [picture] * 2, pixel_format, **options)
    source = probe(tmp_path / "s_%02d.exr", AT_18)
    frames, _ = read(source)
    cut = np.clip(light.astype(np.float64), 0, 1)
    coded = np.where(cut <= 0.0031308, 12.92 * cut, 1.055 * cut ** (1 / 2.4) - 0.055) * 65535
    assert (source.picture.depth, source.picture.full_range) == (16, True)
    assert source.picture.transfer == 13
    assert frames[1].luma.dtype == np.uint16
    assert np.abs(frames[1].luma - coded).max() < tolerance
    assert not is_color(source)


@pytest.mark.parametrize("rate", [Fraction(18), Fraction(24000, 1001), Fraction("17.123457")])
def test_times_are_exact(tmp_path: Path, rate: Fraction) -> None:
    """Frame k is shown at k / fps for 1 / fps, wherever the numbers begin."""
    write_series(tmp_path / "scan_%07d.tif", moving_luma(7), first=86400)
    source = probe(tmp_path / "scan_%07d.tif", InputSettings(fps=rate))
    frames, _ = read(source)
    assert [frame.pts * frame.time_base for frame in frames] == [k / rate for k in range(7)]
    assert {frame.duration * frame.time_base for frame in frames} == {1 / rate}
    assert source.frame_rate == rate
    assert source.frames_expected() == 7


def test_a_piece_is_found_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it begins late, no picture before it is read."""
    luma = moving_luma(40)
    write_series(tmp_path / "%03d.png", luma)
    source = probe(tmp_path / "%03d.png", InputSettings(fps=Fraction(1)))
    seen = watch_reading(monkeypatch)
    frames, _ = read(source, start_seconds=Fraction(30), duration_seconds=Fraction(2))
    assert [frame.pts for frame in frames] == [30, 31]
    np.testing.assert_array_equal(frames[0].luma, luma[30])
    assert min(seen) == "030.png"


def watch_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that are read from now on."""
    seen = []
    read_picture, open_picture = pictures.OpenSequence._read, sequence.open_picture

    def read_seen(self: pictures.OpenSequence, path: Path) -> bytes:
        seen.append(path.name)
        return read_picture(self, path)

    def open_seen(path: Path, *rate: Fraction) -> object:
        seen.append(path.name)
        return open_picture(path, *rate)

    monkeypatch.setattr(pictures.OpenSequence, "_read", read_seen)
    monkeypatch.setattr(sequence, "open_picture", open_seen)
    return seen


def test_opening_reads_the_first_picture_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are; and one at a time is read."""
    write_series(tmp_path / "%04d.dpx", moving_luma(1, 16, 16) * 300)
    seen = watch_reading(monkeypatch)
    source = probe(tmp_path / "%04d.dpx", AT_18)
    assert set(seen) == {"0000.dpx"}
    seen.clear()
    frames = read_frames(source, Damage())
    next(frames)
    assert len(seen) < 5
    assert source.files[299] == tmp_path / "0299.dpx"


def test_colored_pictures_are_told_from_toned(tmp_path: Path) -> None:
    """Pictures spread over the whole series are looked at."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    colored = np.repeat(np.repeat(noise[:6, :8], 8, axis=0), 8, axis=1)
    gray = in_rgb(moving_luma(1, 64, 48)[0])
    write_series(tmp_path / "color_%02d.png", [gray] * 2 + [colored] * 18, "rgb24")
    write_series(tmp_path / "gray_%02d.png", [gray] * 20, "rgb24")
    assert is_color(probe(tmp_path / "color_%02d.png", AT_18))
    assert not is_color(probe(tmp_path / "gray_%02d.png", AT_18))


def test_a_rate_for_a_film_is_refused(tmp_path: Path) -> None:
    """It has its own; a file whose very name looks like a pattern is a film, too."""
    film = write_film(tmp_path / "%03d.mkv", moving_luma(2))
    with pytest.raises(
        SourceError, match="is not an image sequence and has a frame rate; leave --fps"
    ):
        probe(film, AT_18)
    assert probe(film).sequence is None
    lone = tmp_path / "%04d.png"
    lone.write_bytes(picture_bytes(moving_luma(1)[0], "gray", ".png"))
    assert probe(lone).sequence is None
    with pytest.raises(SourceError, match=r"no.mkv: no such file"):
        probe(tmp_path / "no.mkv", AT_18)


def test_fixity_is_of_all_pictures(tmp_path: Path) -> None:
    """One digest over their bytes in order, and their sizes' sum; the sidecar has it."""
    paths = write_series(tmp_path / "%02d.dpx", moving_luma(3, 64, 48))
    data = b"".join(path.read_bytes() for path in paths)
    fixity = fixity_of(*paths)
    assert fixity["messageDigest"] == hashlib.sha256(data).hexdigest()
    assert fixity["size"] == len(data)
    colorize(tmp_path / "%02d.dpx", tmp_path / "out.mkv")
    source = read_sidecar(tmp_path / "out.json")["source"]
    assert source["fixity"] == fixity
    assert source["path"] == str(tmp_path / "%02d.dpx")


def test_a_result_has_the_series_times(tmp_path: Path) -> None:
    """A lossless result of 18 frames a second, to Matroska's millisecond."""
    write_series(tmp_path / "%03d.tif", moving_luma(10, 64, 48), first=500)
    result = colorize(tmp_path / "%03d.tif", tmp_path / "out.mkv")
    written = probe(result.path)
    times = [frame.seconds for frame in read(written)[0]]
    assert times == [round(k / 18, 3) for k in range(10)]
    assert written.frame_rate == 18


def test_frames_can_be_looked_into(tmp_path: Path) -> None:
    """A dump of a series without a film; one at another rate may not lie beside it."""
    write_series(tmp_path / "reel/%03d.tif", moving_luma(5, 64, 48))
    pattern = tmp_path / "reel/%03d.tif"
    replay = replay_frames(pattern, FrameDump(tmp_path / "look", "3"), settings())
    assert replay.frames == 1
    assert (tmp_path / "look/000003/luma.npz").exists()
    faster = settings(InputSettings(fps=Fraction(24)))
    with pytest.raises(OutputError, match=r"made with other settings \(fps 18, now 24\)"):
        replay_frames(pattern, FrameDump(tmp_path / "look", "2"), faster)


@pytest.mark.parametrize(
    ("pattern", "rate", "expected"),
    [
        ("scan-dpx/scan_%06d.dpx", Fraction(24000, 1001), (3, "rgb24", 8)),
        ("scan-16bit/scan_%07d.tif", Fraction(18), (4, "gray16le", 16)),
    ],
)
def test_scans(
    tmp_path: Path, pattern: str, rate: Fraction, expected: tuple[int, str, int]
) -> None:
    """Real ones come through verified, at their own depth."""
    path = FORMATS / pattern
    source = probe(path, InputSettings(fps=rate))
    assert (len(source.files), source.pixel_format, source.picture.depth) == expected
    result = colorize(path, tmp_path / "out.mkv", InputSettings(fps=rate))
    assert result.frames == expected[0]
    assert probe(result.path).frame_rate == rate


@pytest.mark.parametrize("suffix", [".bmp", ".jp2", ".webp"])
def test_other_kinds_of_images_are_read(tmp_path: Path, suffix: str) -> None:
    """Two of them are enough, though their decoders could hold frames back."""
    luma = moving_luma(2, 64, 48)
    for index, picture in enumerate(luma):
        found, data = cv2.imencode(suffix, picture, [cv2.IMWRITE_WEBP_QUALITY, 101])
        assert found
        (tmp_path / f"{index}{suffix}").write_bytes(data.tobytes())
    frames, losses = read(probe(tmp_path / f"%d{suffix}", AT_18))
    assert (len(frames), str(losses)) == (2, "")
    if suffix == ".bmp":
        np.testing.assert_array_equal(frames[1].luma, luma[1])
