import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame
from clips import (
    FORMATS,
    Plane,
    ask_ffprobe,
    moving_luma,
    needs_ffmpeg,
    picture_frame,
    write_film,
)

from vidcolor.errors import SourceError
from vidcolor.frame import Frame, Matrix
from vidcolor.reading import reader
from vidcolor.reading.pixels import plane_view
from vidcolor.reading.reader import Damage, luma_codes, read_frames
from vidcolor.reading.source import probe

MILLISECOND = Fraction(1, 1000)


def read(path: Path, **piece: Fraction) -> tuple[list[Frame], Damage]:
    """All frames of a film, and what was damaged in it."""
    losses = Damage()
    return list(read_frames(probe(path), losses, **piece)), losses


def assert_same_luma(frames: list[Frame], expected: list[Plane]) -> None:
    """The frames' luma has these codes, in this type."""
    for frame, luma in zip(frames, expected, strict=True):
        assert frame.luma.dtype == luma.dtype
        np.testing.assert_array_equal(frame.luma, luma)


@pytest.mark.parametrize("size", [(48, 32), (45, 31), (50, 18)])
@pytest.mark.parametrize(
    ("pixel_format", "depth"),
    [
        ("gray", 8),
        ("gray10le", 10),
        ("gray12le", 12),
        ("gray16le", 16),
        ("yuv420p", 8),
        ("yuv420p10le", 10),
        ("yuv420p12le", 12),
        ("yuv420p16le", 16),
        ("yuv422p", 8),
        ("yuv422p12le", 12),
        ("yuv444p10le", 10),
        ("yuv444p16le", 16),
        ("yuva444p10le", 10),
        ("yuv411p", 8),
    ],
)
def test_luma_is_as_coded(
    tmp_path: Path, pixel_format: str, depth: int, size: tuple[int, int]
) -> None:
    """Every luma code of every depth comes out as it went in, without the padding of rows."""
    luma = moving_luma(3, *size, depth=depth)
    frames, losses = read(write_film(tmp_path / "film.mkv", luma, pixel_format=pixel_format))
    assert_same_luma(frames, luma)
    assert losses == Damage()


@pytest.mark.parametrize(
    ("pixel_format", "planar", "depth"),
    [
        ("uyvy422", "yuv422p", 8),
        ("yuyv422", "yuv422p", 8),
        ("nv12", "yuv420p", 8),
        ("ya8", "gray", 8),
        ("y210le", "yuv422p10le", 10),
        ("yuv422p10be", "yuv422p10le", 10),
        ("gray16be", "gray16le", 16),
    ],
)
def test_luma_of_packed_and_big_endian_films(
    tmp_path: Path, pixel_format: str, planar: str, depth: int
) -> None:
    """Formats whose luma does not lie alone in native order give the same codes all the same."""
    luma = moving_luma(2, 46, 31, depth=depth)
    film = write_film(
        tmp_path / "film.nut", luma, codec="rawvideo", pixel_format=pixel_format, planar=planar
    )
    assert probe(film).pixel_format == pixel_format
    assert_same_luma(read(film)[0], luma)


@pytest.mark.parametrize(("pixel_format", "depth"), [("p010le", 10), ("p016le", 16)])
def test_luma_in_the_high_bits_of_words(tmp_path: Path, pixel_format: str, depth: int) -> None:
    """Hardware decoders' formats, which no file holds, give luma in codes of their depth."""
    luma = moving_luma(1, 46, 31, depth=depth)[0]
    film = write_film(tmp_path / "film.mkv", [luma], pixel_format=f"yuv420p{depth}le")
    decoded = picture_frame(luma, f"yuv420p{depth}le").reformat(format=pixel_format)
    assert decoded.format.name == pixel_format
    np.testing.assert_array_equal(luma_codes(decoded, probe(film).picture), luma)


@pytest.mark.parametrize(
    ("codec", "pixel_format", "depth"),
    [("libx264rgb", "bgr24", 8), ("ffv1", "gbrp10le", 10), ("ffv1", "gbrp16le", 16)],
)
def test_luma_of_a_neutral_rgb_pixel_is_its_code(
    tmp_path: Path, codec: str, pixel_format: str, depth: int
) -> None:
    """A scan kept in RGB with R = G = B has exactly that code as luma, in full range."""
    luma = moving_luma(2, depth=depth)
    planar = "gbrp" if depth == 8 else pixel_format
    film = write_film(
        tmp_path / "film.mkv", [(plane, plane, plane) for plane in luma], codec=codec,
        pixel_format=pixel_format, planar=planar, options={"qp": "0"} if depth == 8 else None,
    )  # fmt: skip
    assert_same_luma(read(film)[0], luma)


@pytest.mark.parametrize(
    ("lines", "weights"),
    [(32, (0.299, 0.587, 0.114)), (720, (0.2126, 0.7152, 0.0722))],
)
def test_luma_of_a_colored_rgb_pixel(
    tmp_path: Path, lines: int, weights: tuple[float, float, float]
) -> None:
    """Luma of RGB is the sum by BT.601's weights below 720 lines and BT.709's from there."""
    red, green, blue = moving_luma(3, 48, lines, depth=10)
    film = write_film(tmp_path / "film.mkv", [(green, blue, red)], pixel_format="gbrp10le")
    expected = weights[0] * red + weights[1] * green + weights[2] * blue
    (frame,), _ = read(film)
    assert np.abs(frame.luma - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("pts", [[0, 40, 80], [500, 540, 580], [7, 8, 100, 101, 4000]])
def test_times_are_the_files_own(tmp_path: Path, pts: list[int]) -> None:
    """Constant and variable rates and late starts keep each frame's pts."""
    film = write_film(tmp_path / "film.mkv", moving_luma(len(pts)), pts=pts, time_base=MILLISECOND)
    frames, losses = read(film)
    assert [frame.pts for frame in frames] == pts
    assert {frame.time_base for frame in frames} == {MILLISECOND}
    assert [frame.index for frame in frames] == list(range(len(pts)))
    assert losses.times == 0


def test_frames_held_back_for_reordering_all_come_out(tmp_path: Path) -> None:
    """A film with B frames gives every frame, in the order shown."""
    film = write_film(tmp_path / "film.mp4", moving_luma(12), codec="libx264", options={"bf": "3"})
    frames, _ = read(film)
    assert len(frames) == 12
    assert np.all(np.diff([frame.pts for frame in frames]) > 0)


def test_a_time_that_goes_back_is_mended_and_told() -> None:
    """A frame without a later time than the one before gets the next time, and is counted."""
    from vidcolor.reading.reader import _rising_pts

    losses = Damage()
    frame = av.VideoFrame(16, 16, "gray")
    times = []
    for pts in (5, 3, None, 9):
        frame.pts = pts
        times.append(_rising_pts(frame, times[-1] if times else None, losses))
    assert times == [5, 6, 7, 9]
    assert str(losses) == "2 frame times were mended"


@pytest.mark.parametrize(("fields", "top"), [("tff", True), ("bff", False), (None, None)])
def test_interlaced_frames_say_which_field_is_first(
    tmp_path: Path, fields: str | None, top: bool | None
) -> None:
    """Each frame tells which field is shown first, or that it is progressive."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(2, 64, 64), codec="prores_ks",
        pixel_format="yuv422p10le", planar="yuv422p", fields=fields,
        field_order={"tff": 2, "bff": 3, None: 1}[fields],
    )  # fmt: skip
    assert [frame.top_field_first for frame in read(film)[0]] == [top, top]


@needs_ffmpeg
@pytest.mark.parametrize("first", ["tff", "bff"])
@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_fields_of_film_that_ffmpeg_wove(tmp_path: Path, first: str, suffix: str) -> None:
    """The ffmpeg program's containers tell orders TB and BT; its frames tell what these mean."""
    film = tmp_path / f"film{suffix}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=50:d=0.2",
         "-vf", f"tinterlace=mode=interleave_{'top' if first == 'tff' else 'bottom'}",
         "-c:v", "libx264", "-flags", "+ildct", "-x264opts", f"{first}=1", film],
        check=True,
    )  # fmt: skip
    told = ask_ffprobe(film, "-select_streams", "v", "-show_frames")["frames"]
    frames, _ = read(film)
    assert [frame.top_field_first for frame in frames] == [
        bool(frame["top_field_first"]) for frame in told
    ]
    assert {frame.top_field_first for frame in frames} == {first == "tff"}


def test_dv_of_pal_has_its_bottom_field_first() -> None:
    """QuickTime's order BT."""
    frames, _ = read(FORMATS / "dv-pal-bottom-field-first.mov")
    assert {frame.top_field_first for frame in frames} == {False}


def test_a_change_of_size_is_told_with_its_frame(tmp_path: Path) -> None:
    """Where the frame size changes, reading stops with an error that names the first such frame."""
    parts = [
        write_film(
            tmp_path / f"{width}.ts",
            moving_luma(3, width, 32),
            codec="libx264",
            options={"tune": "zerolatency"},
        )
        for width in (64, 80)
    ]
    film = tmp_path / "film.ts"
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = read_frames(probe(film), Damage())
    for _ in range(3):
        next(frames)
    with pytest.raises(SourceError, match=r"frame 3 changes from 64x32 yuv420p to 80x32 yuv420p"):
        next(frames)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [("film.mkv", "ffv1", "yuv422p"), ("film.mov", "rawvideo", "uyvy422")],
)
def test_a_film_cut_short_gives_what_it_has_and_tells_the_rest(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    """Of a broken-off file all that decodes comes out, and the missing time is told."""
    luma = moving_luma(50)
    film = write_film(
        tmp_path / name, luma, codec=codec, pixel_format=pixel_format, planar="yuv422p"
    )
    whole = film.read_bytes()
    film.write_bytes(whole[: len(whole) * 6 // 10])
    frames, losses = read(film)
    assert 25 <= len(frames) <= 30
    assert_same_luma(frames, luma[: len(frames)])
    assert losses.missing_seconds == pytest.approx(2 - len(frames) / 25, abs=0.02)
    assert str(losses).endswith(f"the file ends {losses.missing_seconds:.2f} s early")


@pytest.mark.parametrize("name", ["film.mkv", "film.mov"])
@pytest.mark.parametrize("lost", [0, 1, 3])
def test_the_last_frames_are_not_lost_in_silence(tmp_path: Path, name: str, lost: int) -> None:
    """A film that breaks off within its last half second is told of as any other."""
    film = write_film(tmp_path / name, moving_luma(25), codec="mpeg4")
    whole = film.read_bytes()
    with av.open(str(film)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    if lost:
        film.write_bytes(whole[: places[-lost]])
    frames, losses = read(film)
    assert len(frames) == 25 - lost
    assert (str(losses) == "") == (not lost)


def test_a_damaged_ffv1_slice_is_counted_and_no_frame_dropped(tmp_path: Path) -> None:
    """A slice whose checksum fails makes its frame a damaged one; the frame still comes out."""
    luma = moving_luma(6, 64, 64)
    film = write_film(
        tmp_path / "film.mkv", luma, options={"level": "3", "slicecrc": "1", "g": "1"}
    )
    with av.open(str(film)) as container:
        hit = [bytes(packet) for packet in container.demux() if packet.size][2]
    broken = hit[:-300] + bytes([hit[-300] ^ 16]) + hit[-299:]
    film.write_bytes(film.read_bytes().replace(hit, broken))
    frames, losses = read(film)
    assert (len(frames), losses.frames) == (6, 1)
    assert str(losses) == "1 frame is damaged"
    assert_same_luma(frames[3:], luma[3:])


def test_a_packet_that_does_not_decode_is_counted(tmp_path: Path) -> None:
    """A packet of zeros costs its own frame only, and is told."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(6, 64, 64), codec="prores_ks",
        pixel_format="yuv422p10le", planar="yuv422p",
    )  # fmt: skip
    whole, _ = read(film)
    with av.open(str(film)) as container:
        hit = [bytes(packet) for packet in container.demux() if packet.size][2]
    film.write_bytes(film.read_bytes().replace(hit, bytes(len(hit))))
    frames, losses = read(film)
    assert_same_luma(frames, [frame.luma for frame in whole[:2] + whole[3:]])
    assert str(losses) == "1 packet does not decode"


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        (0, None, range(20)),
        (0, 5, range(5)),
        (3, None, range(3, 20)),
        (3, 4, range(3, 7)),
        (Fraction("2.5"), 2, range(3, 5)),
        (15, 3, range(15, 18)),  # far enough in that the file is sought in
        (18, 100, range(18, 20)),
    ],
)
def test_a_piece_of_a_film(
    tmp_path: Path, start: Fraction, duration: Fraction | None, expected: range
) -> None:
    """A piece begins at the first frame not before its start and holds frames for its length."""
    film = write_film(
        tmp_path / "film.mp4", moving_luma(20), codec="libx264", time_base=Fraction(1),
        pts=range(7, 27), options={"g": "4", "qp": "0"},
    )  # fmt: skip
    whole, _ = read(film)
    piece, losses = read(film, start_seconds=start, duration_seconds=duration)
    assert [frame.pts for frame in piece] == [whole[index].pts for index in expected]
    assert [frame.index for frame in piece] == list(range(len(expected)))
    assert_same_luma(piece, [whole[index].luma for index in expected])
    assert losses.packets == losses.frames == 0


def test_a_start_behind_the_end_is_told(tmp_path: Path) -> None:
    """A piece that holds no frame is an error."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    with pytest.raises(SourceError, match="ends before 12 s; start earlier"):
        read(film, start_seconds=Fraction(12))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_film_that_breaks_when_sought_is_read_from_its_beginning(
    tmp_path: Path, codec: str
) -> None:
    """Of a frame that its file calls a key frame in vain one decoder gives nothing, one garbage."""
    options = {"g": "250", "bf": "0", "sc_threshold": "1000000000"}
    whole = write_film(
        tmp_path / "whole.mp4", moving_luma(20), codec=codec, time_base=Fraction(1), options=options
    )
    film = tmp_path / "film.mp4"
    with av.open(str(whole)) as given, av.open(str(film), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(given.demux(video=0)):
            if packet.size:
                packet.stream, packet.is_keyframe = stream, number in (0, 12)
                made.mux(packet)
    expected, _ = read(whole)
    piece, _ = read(film, start_seconds=Fraction(13), duration_seconds=Fraction(5))
    assert_same_luma(piece, [frame.luma for frame in expected[13:18]])


def test_luma_of_rgb_goes_by_the_pictures_matrix(tmp_path: Path) -> None:
    """The matrix that chroma is written with is the one that luma is computed with."""
    red, green, blue = moving_luma(3, depth=10)
    film = write_film(tmp_path / "film.mkv", [(green, blue, red)], pixel_format="gbrp10le")
    source = probe(film)
    wide = replace(source, picture=replace(source.picture, matrix=Matrix.BT2020_NCL))
    (frame,) = read_frames(wide, Damage())
    expected = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    assert np.abs(frame.luma - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("codec", "hwaccel", "reason"),
    [
        ("libx264", "cuda", "cuda cannot decode h264"),
        ("libx264", "vaapi", "vaapi cannot decode h264"),
        ("ffv1", "cuda", "its decoders may give other luma"),
    ],
)
def test_the_processor_decodes_what_hardware_cannot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codec: str, hwaccel: str, reason: str
) -> None:
    """Without the hardware, or where it need not give the same luma, one line says so."""
    if torch.cuda.is_available() and codec != "ffv1":
        pytest.skip("this machine has such hardware")
    film = write_film(tmp_path / "film.mkv", moving_luma(3, 64, 48), codec=codec)
    expected = [frame.luma for frame in read(film)[0]]
    assert_same_luma(list(read_frames(probe(film), Damage(), hwaccel=hwaccel)), expected)
    (record,) = caplog.records
    assert reason in record.getMessage()
    assert record.getMessage().endswith("decoding in software")


@pytest.mark.parametrize(
    ("depth", "given"), [(8, "nv12"), (10, "p010le"), (12, "p012le"), (12, "p016le")]
)
def test_luma_that_hardware_gives_back_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int, given: str
) -> None:
    """Pictures in the formats of graphics cards have the luma codes of the film."""
    suffix = "" if depth == 8 else f"{depth}le"
    luma = moving_luma(3, 64, 48, depth=depth)
    film = write_film(tmp_path / "film.mkv", luma, pixel_format=f"yuv420p{suffix}")
    decode = reader._decode

    def decode_by_hardware(*arguments: object) -> Iterator[VideoFrame]:
        for frame in decode(*arguments):
            there = VideoFrame(frame.width, frame.height, given)
            codes = plane_view(frame, 0)
            plane_view(there, 0)[:] = codes if depth == 8 else codes << (16 - depth)
            there.pts, there.time_base = frame.pts, frame.time_base
            yield there

    monkeypatch.setattr(reader, "_decode", decode_by_hardware)
    monkeypatch.setattr(reader, "EXACT_CODECS", ())
    frames = list(read_frames(probe(film), Damage(), hwaccel="cuda"))
    assert_same_luma(frames, luma)
    with pytest.raises(SourceError, match="changes from"):
        read(film)  # without hardware it is another film's picture
