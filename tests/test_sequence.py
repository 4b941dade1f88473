import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import (
    CLIPS,
    moving_luma,
    needs_clips,
    picture_bytes,
    soft_shot,
    with_dpx_header,
    write_film,
    write_series,
)
from numpy.typing import NDArray

from vidcolor.dump.replay import replay_frames
from vidcolor.dump.sink import FrameDump
from vidcolor.errors import OutputError, SourceError
from vidcolor.film.colorize import Result, colorize_video
from vidcolor.frame import Frame
from vidcolor.reading import open_sequence as pictures
from vidcolor.reading import sequence
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.sequence import list_patterns, open_picture
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reading.source import Source, probe
from vidcolor.reading.tint import is_color
from vidcolor.report.sidecar import read_sidecar, tell_fixity
from vidcolor.settings import InputSettings, ModelSettings, OutputSettings, Settings
from vidcolor.writing.plan import plan_video

AT_18 = InputSettings(fps=Fraction(18))
HOLD = InputSettings(fps=Fraction(18), gaps="hold")


def read(source: Source, **piece: Fraction) -> tuple[list[Frame], Damage]:
    """All frames of a film, and what was lost of it."""
    losses = Damage()
    return list(read_frames(source, losses, **piece)), losses


def in_rgb(luma: NDArray) -> NDArray:
    """The picture with three equal colors, (height, width, 3)."""
    return np.stack([luma] * 3, axis=-1)


def settings(inputs: InputSettings = AT_18) -> Settings:
    """A quick lossless run that is verified."""
    return Settings(
        input=inputs,
        model=ModelSettings(device="cpu", render_size=64),
        output=OutputSettings(lossless=True, verify=True),
        force=True,
    )


def colorize(path: Path, output: Path | None = None, inputs: InputSettings = AT_18) -> Result:
    """A verified result."""
    result = colorize_video(path, output, settings(inputs))
    assert result.verification is not None
    assert (result.verification.unequal_luma, result.verification.missing_frames) == (0, 0)
    return result


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


def write_jpegs(pattern: Path, pictures: Sequence[NDArray], first: int = 0) -> list[Path]:
    """Numbered pictures of luma alone."""
    paths = [pattern.with_name(pattern.name % (first + k)) for k in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    return paths


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
    read_picture, open_picture = pictures._read, sequence.open_picture

    def read_seen(path: Path) -> bytes:
        seen.append(path.name)
        return read_picture(path)

    def open_seen(path: Path, *rate: Fraction) -> object:
        seen.append(path.name)
        return open_picture(path, *rate)

    monkeypatch.setattr(pictures, "_read", read_seen)
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


def dpx_series(folder: Path, rate: float | None, timecode: str = "ffffffff") -> Path:
    """A series of three with headers."""
    for index, luma in enumerate(moving_luma(3, 64, 48)):
        dpx = picture_bytes(luma, "gray", ".dpx")
        (folder / f"{index}.dpx").write_bytes(with_dpx_header(dpx, rate=rate, timecode=timecode))
    return folder / "%d.dpx"


@pytest.mark.parametrize(
    ("stated", "rate"),
    [(18.0, Fraction(18)), (23.976, Fraction(24000, 1001)), (29.97, Fraction(30000, 1001))],
)
def test_the_header_tells_the_rate(tmp_path: Path, stated: float, rate: Fraction) -> None:
    """Where nobody else does; that is told, and --fps goes before."""
    pattern = dpx_series(tmp_path, stated)
    job = plan_video(pattern, None, Settings())
    assert job.source.frame_rate == rate
    assert job.encoding.notes == (f"{float(rate):.6g} frames/s by its pictures' header (or --fps)",)
    job = plan_video(pattern, None, Settings(input=InputSettings(fps=Fraction(16))))
    assert job.source.frame_rate == 16
    assert job.encoding.notes == ()


@pytest.mark.parametrize("stated", [None, 0.0, -18.0, 1.0, 4096.0, float("nan"), float("inf")])
def test_without_a_rate_it_is_asked_for(tmp_path: Path, stated: float | None) -> None:
    """No rate is made up, and one that no film has is not believed."""
    pattern = dpx_series(tmp_path, stated)
    with pytest.raises(SourceError, match=r"do not say their rate; name it, as in --fps 24$"):
        probe(pattern)


@pytest.mark.parametrize(
    ("coded", "timecode"),
    [
        ("01020304", "01:02:03:04"), ("10595923", "10:59:59:23"),
        ("ffffffff", None), ("00000000", None), ("25000000", None), ("01620000", None),
    ],
)  # fmt: skip
def test_the_header_tells_the_timecode(tmp_path: Path, coded: str, timecode: str | None) -> None:
    """It is the film's, and its result's; what is no time of day, or all zeros, is none."""
    pattern = dpx_series(tmp_path, 24.0, coded)
    assert probe(pattern).timecode == timecode
    if coded == "01020304":
        colorize(pattern, tmp_path / "out.mkv", InputSettings())
        assert probe(tmp_path / "out.mkv").timecode == timecode


def test_gaps_are_refused(tmp_path: Path) -> None:
    """By the first numbers that are missing, with what to do."""
    paths = write_series(tmp_path / "s_%04d.png", moving_luma(9), first=10)
    paths[3].unlink()
    with pytest.raises(SourceError) as caught:
        probe(tmp_path / "s_%04d.png", AT_18)
    pattern = tmp_path / "s_%04d.png"
    assert str(caught.value) == f"{pattern}: lacks s_0013.png; add it, or try --gaps hold"
    for index in (4, 6, 7):
        paths[index].unlink()
    with pytest.raises(SourceError, match=r"lacks s_0013.png, s_0014.png, s_0016.png and 1 more;"):
        probe(tmp_path / "s_%04d.png", AT_18)


def test_gaps_are_held(tmp_path: Path) -> None:
    """By the picture before, so that the later ones keep their time; that is told."""
    luma = moving_luma(9, 64, 48)
    paths = write_series(tmp_path / "s_%04d.png", luma, first=10)
    for index in (3, 6, 7):
        paths[index].unlink()
    source = probe(tmp_path / "s_%04d.png", HOLD)
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == list(range(9))
    for frame, shown in zip(frames, (0, 1, 2, 2, 4, 5, 5, 5, 8), strict=True):
        np.testing.assert_array_equal(frame.luma, luma[shown])
    assert str(losses) == "3 missing pictures are held"
    assert source.files == tuple(path for path in paths if path.exists())
    _, losses = read(source, start_seconds=Fraction(3, 18), duration_seconds=Fraction(2, 18))
    assert str(losses) == "1 missing picture is held"
    result = colorize(tmp_path / "s_%04d.png", tmp_path / "out.mkv", HOLD)
    assert (result.frames, result.losses.held) == (9, 3)


@pytest.mark.parametrize(
    ("suffix", "pixel_format"),
    [(".dpx", "gray"), (".tif", "gray16le"), (".png", "rgb24"), (".exr", "gbrpf32le")],
)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.98])
@pytest.mark.parametrize("bad", [{0}, {0, 1}, {7}, {18}, {3, 19}])
def test_what_does_not_decode_is_counted(
    tmp_path: Path, suffix: str, pixel_format: str, share: float, bad: set[int]
) -> None:
    """The picture is left out, wherever it lies, and all others keep their time."""
    luma = moving_luma(20)
    deep = [one.astype(np.uint16) * 257 for one in luma]
    given = {"gray": luma, "gray16le": deep, "rgb24": [in_rgb(one) for one in luma]}
    light = [in_rgb(one.astype(np.float32) / 255) for one in luma]
    pattern = tmp_path / f"%02d{suffix}"
    paths = write_series(pattern, given.get(pixel_format, light), pixel_format)
    for index in bad:
        data = paths[index].read_bytes()
        paths[index].write_bytes(data[: int(len(data) * share)])
    source = probe(pattern, AT_18)
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == [index for index in range(20) if index not in bad]
    # Opening passes over those at the start.
    assert losses.packets == len(bad)
    assert source.first_pts == min(set(range(20)) - bad)


def test_a_picture_that_vanishes_is_counted(tmp_path: Path) -> None:
    """As one that does not decode."""
    paths = write_series(tmp_path / "%02d.png", moving_luma(5))
    source = probe(tmp_path / "%02d.png", AT_18)
    paths[2].unlink()
    frames, losses = read(source)
    assert [frame.pts for frame in frames] == [0, 1, 3, 4]
    assert str(losses) == "1 packet does not decode"


def test_a_cut_jpeg_is_counted(tmp_path: Path) -> None:
    """Its decoder fills up what is missing, so the picture stays, as one that is damaged."""
    paths = write_jpegs(tmp_path / "%02d.jpg", soft_shot(1, 6))
    for index in (2, 3):
        data = paths[index].read_bytes()
        paths[index].write_bytes(data[: len(data) // 2])
    frames, losses = read(probe(tmp_path / "%02d.jpg", AT_18))
    assert len(frames) == 6
    assert str(losses) == "2 frames are damaged"


def test_nothing_that_decodes_is_told(tmp_path: Path) -> None:
    """A series of files without a picture in them is one line."""
    paths = write_series(tmp_path / "%02d.dpx", moving_luma(3))
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="not one frame of its dpx video decodes"):
        probe(tmp_path / "%02d.dpx", AT_18)


def test_another_size_is_told_by_its_picture(tmp_path: Path) -> None:
    """The picture where it changes is named."""
    write_series(tmp_path / "%02d.png", [*moving_luma(3), *moving_luma(2, 64, 48)])
    source = probe(tmp_path / "%02d.png", AT_18)
    with pytest.raises(SourceError) as caught:
        read(source)
    told = f"{tmp_path / '03.png'}: frame 3 changes from 96x64 gray to 64x48 gray; "
    assert str(caught.value).startswith(told)


def test_another_depth_is_told(tmp_path: Path) -> None:
    """As another size is."""
    write_series(tmp_path / "%02d.png", moving_luma(3))
    write_series(tmp_path / "%02d.png", moving_luma(1, depth=16), "gray16be", first=3)
    with pytest.raises(SourceError, match=r"03.png: frame 3 changes from 96x64 gray to 96x64 gray"):
        read(probe(tmp_path / "%02d.png", AT_18))


def test_colored_pictures_are_told_from_toned(tmp_path: Path) -> None:
    """Pictures spread over the whole series are looked at."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    colored = np.repeat(np.repeat(noise[:6, :8], 8, axis=0), 8, axis=1)
    gray = in_rgb(moving_luma(1, 64, 48)[0])
    write_series(tmp_path / "color_%02d.png", [gray] * 5 + [colored] * 15, "rgb24")
    write_series(tmp_path / "gray_%02d.png", [gray] * 20, "rgb24")
    assert is_color(probe(tmp_path / "color_%02d.png", AT_18))
    assert not is_color(probe(tmp_path / "gray_%02d.png", AT_18))


@pytest.mark.parametrize(
    ("name", "before", "digits", "behind"),
    [
        ("%06d.dpx", "", 6, ".dpx"), ("a_%d.TIF", "a_", 1, ".TIF"),
        ("100%%_%03d.png", "100%_", 3, ".png"),
        ("a%02db.jpg", "a", 2, "b.jpg"),
    ],
)  # fmt: skip
def test_patterns(name: str, before: str, digits: int, behind: str) -> None:
    """A pattern is read as FFmpeg reads it, and written so again."""
    pattern = SequenceNames.parse(Path("reel", name))
    assert pattern == SequenceNames(Path("reel"), before, digits, behind)
    assert pattern.path == Path("reel", name)


@pytest.mark.parametrize("name", ["a.dpx", "%s.dpx", "%d%d.dpx", "%6d.dpx", "%04d.mkv", "%x.png"])
def test_what_is_no_pattern(name: str) -> None:
    """Other names are those of files."""
    assert SequenceNames.parse(Path(name)) is None


def test_numbers_outgrow_their_zeros(tmp_path: Path) -> None:
    """After 99 comes 100, with two digits as with none; a number of other width is no picture."""
    write_series(tmp_path / "%02d.png", moving_luma(4), first=98)
    write_series(tmp_path / "x%d.png", moving_luma(4), first=98)
    (tmp_path / "0099.png").write_bytes(b"another")
    names = [path.name for path in tmp_path.iterdir()]
    for name in ("%02d.png", "x%d.png"):
        source = probe(tmp_path / name, AT_18)
        assert [frame.pts for frame in read(source)[0]] == [0, 1, 2, 3]
    assert list_patterns(tmp_path, names) == [tmp_path / "%d.png", tmp_path / "x%d.png"]
    padded = ["01.png", "98.png", "99.png", "100.png", "0099.png", "0100.png", "1.png", "a1.tif"]
    assert list_patterns(tmp_path, padded) == [tmp_path / "%02d.png", tmp_path / "%04d.png"]


def test_a_percent_sign_in_a_name(tmp_path: Path) -> None:
    """In a folder's name it is one; in a picture's it is written twice."""
    folder = tmp_path / "100%d"
    folder.mkdir()
    for index, luma in enumerate(moving_luma(2, 64, 48)):
        (folder / f"5%_{index:03d}.png").write_bytes(picture_bytes(luma, "gray", ".png"))
    assert len(read(probe(folder / "5%%_%03d.png", AT_18))[0]) == 2
    write_series(tmp_path / "1000" / "s_%03d.dpx", moving_luma(2))
    write_series(folder / "s_%03d.dpx", moving_luma(2, 64, 48))
    assert probe(folder / "s_%03d.dpx", AT_18).picture.width == 64
    with open_picture(folder / "s_000.dpx") as opened:
        assert opened.streams.video[0].width == 64


@pytest.mark.parametrize(
    ("pattern", "output"),
    [
        ("reel/%06d.png", "reel/reel.colorized.mkv"),
        ("reel/scan_%04d.png", "reel/scan.colorized.mkv"),
        ("reel/a.%d.png", "reel/a.colorized.mkv"), ("reel/a-%03d-b.png", "reel/a--b.colorized.mkv"),
        ("reel/_%03d.png", "reel/reel.colorized.mkv"),
    ],
)  # fmt: skip
def test_outputs_are_named_after_the_series(tmp_path: Path, pattern: str, output: str) -> None:
    """Beside the pictures, by what their names share, or failing that by their folder's."""
    write_series(tmp_path / pattern, moving_luma(2))
    job = plan_video(tmp_path / pattern, None, settings())
    assert job.encoding.path == tmp_path / output
    assert job.encoding.notes == ()


def test_no_such_pictures(tmp_path: Path) -> None:
    """A pattern that nothing fits is told, as is a folder that is not there."""
    with pytest.raises(SourceError, match=r"%06d.dpx: no such pictures; a folder may be named"):
        probe(tmp_path / "%06d.dpx", AT_18)
    with pytest.raises(SourceError, match=r"none: cannot be read \(No such file or directory\)"):
        probe(tmp_path / "none" / "%06d.dpx", AT_18)


def test_a_rate_for_a_film_is_refused(tmp_path: Path) -> None:
    """It has its own; a file whose very name looks like a pattern is a film, too."""
    film = write_film(tmp_path / "%03d.mkv", moving_luma(2))
    with pytest.raises(SourceError, match="is no series of pictures and has a rate; leave --fps"):
        probe(film, AT_18)
    assert probe(film).sequence is None
    lone = tmp_path / "%04d.png"
    lone.write_bytes(picture_bytes(moving_luma(1)[0], "gray", ".png"))
    assert probe(lone).sequence is None
    with pytest.raises(SourceError, match=r"no.mkv: no such file"):
        probe(tmp_path / "no.mkv", AT_18)


@pytest.mark.parametrize(("name", "pattern"), [("s_0099.png", "s_%04d.png"), ("7.png", "%d.png")])
def test_one_picture_of_a_series_is_refused(tmp_path: Path, name: str, pattern: str) -> None:
    """With the name of the whole series; a lone picture stays a film of one frame."""
    first = 99 if "99" in name else 7
    _, last = write_series(tmp_path / pattern, moving_luma(2), first=first)
    with pytest.raises(SourceError) as caught:
        probe(tmp_path / name)
    told = f"is one picture of a series; name {tmp_path / pattern}, or their folder"
    assert str(caught.value) == f"{tmp_path / name}: {told}"
    last.unlink()
    assert len(read(probe(tmp_path / name))[0]) == 1


def test_fixity_is_of_all_pictures(tmp_path: Path) -> None:
    """One digest over their bytes in order, and their sizes' sum; the sidecar has it."""
    paths = write_series(tmp_path / "%02d.dpx", moving_luma(3, 64, 48))
    data = b"".join(path.read_bytes() for path in paths)
    fixity = tell_fixity(*paths)
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
    with pytest.raises(OutputError, match=r"holds a dump made otherwise \(fps 18, now 24\)"):
        replay_frames(pattern, FrameDump(tmp_path / "look", "2"), faster)


@needs_clips
@pytest.mark.parametrize(
    ("pattern", "rate", "expected"),
    [
        ("real-dpx-seq/test_%06d.dpx", Fraction(24000, 1001), (3, "rgb24", 8)),
        ("made-tiff16-seq/scan_%07d.tif", Fraction(18), (4, "gray16le", 16)),
    ],
)
def test_scans(
    tmp_path: Path, pattern: str, rate: Fraction, expected: tuple[int, str, int]
) -> None:
    """Real ones come through verified, at their own depth."""
    path = CLIPS / "formats" / pattern
    source = probe(path, InputSettings(fps=rate))
    assert (len(source.files), source.pixel_format, source.picture.depth) == expected
    result = colorize(path, tmp_path / "out.mkv", InputSettings(fps=rate))
    assert result.frames == expected[0]
    assert probe(result.path).frame_rate == rate
