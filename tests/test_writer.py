import gc
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from clips import (
    SAMPLE,
    Extras,
    ask_ffprobe,
    moving_luma,
    needs_ffmpeg,
    small_disk,
    write_film,
)
from recoloring import LOSSLESS, RICH, colored, pink, write_pink

from vidcolor import colorize_video
from vidcolor.errors import OutputError
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.writing.muxer import FilmWriter
from vidcolor.writing.plan import plan_encoding
from vidcolor.writing.shot_encoder import Encoded, ShotEncoder

MILLISECOND = Fraction(1, 1000)


def luma_and_times(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """What a film holds, as read."""
    frames = list(read_frames(probe(path), Damage()))
    return [frame.luma for frame in frames], [frame.pts for frame in frames]


@pytest.mark.parametrize(
    ("pixel_format", "depth", "size"),
    [
        ("yuv420p", 8, (48, 32)),
        ("yuv420p", 8, (45, 31)),
        ("yuv420p", 8, (853, 480)),
        ("yuv422p10le", 10, (45, 31)),
        ("yuv444p16le", 16, (50, 18)),
        ("yuv411p", 8, (48, 32)),
        ("gray", 8, (44, 32)),
        ("gray12le", 12, (48, 32)),
        ("gray16le", 16, (48, 32)),
    ],
)
def test_lossless_luma_and_chroma_are_those_given(
    tmp_path: Path, pixel_format: str, depth: int, size: tuple[int, int]
) -> None:
    """FFV1 gives back the film's luma byte for byte, and the chroma that it was handed."""
    luma = moving_luma(3, *size, depth=depth)
    film = write_film(tmp_path / "film.mkv", luma, pixel_format=pixel_format)
    encoding = colored(film)
    np.testing.assert_array_equal(luma_and_times(encoding.path)[0], luma)
    with av.open(str(encoding.path)) as container:
        decoded = next(container.decode(video=0))
    assert decoded.format.name == encoding.pixel_format
    for plane, expected in zip(decoded.planes[1:], pink(encoding), strict=True):
        rows = np.frombuffer(plane, expected.dtype).reshape(plane.height, -1)
        np.testing.assert_array_equal(rows[:, : plane.width], expected)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".ts"])
@pytest.mark.parametrize(
    "pts", [[0, 40, 80, 120], [1000, 1040, 1080], [0, 40, 500, 520, 900], [21, 61, 4000, 4001]]
)
def test_times_are_the_sources(tmp_path: Path, suffix: str, pts: list[int]) -> None:
    """Every container keeps each frame's time: constant rate, variable rate and late start."""
    film = write_film(tmp_path / "film.mkv", moving_luma(len(pts)), pts=pts, time_base=MILLISECOND)
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings(codec="libx264"))
    with av.open(str(encoding.path)) as container:
        found = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert [float(seconds) for seconds in found] == pytest.approx(
        [time / 1000 for time in pts], abs=1e-4
    )


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_film_begins_between_milliseconds(tmp_path: Path, suffix: str) -> None:
    """As broadcasts do; MP4's own clock would round that by up to one."""
    pts, unit = [3483 + 3003 * index for index in range(4)], Fraction(1, 90000)
    film = write_film(tmp_path / "film.nut", moving_luma(4), pts=pts, time_base=unit)
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings(codec="libx264"))
    with av.open(str(encoding.path)) as container:
        found = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert found == pytest.approx([float(time * unit) for time in pts], abs=1e-5)


@needs_ffmpeg
@pytest.mark.parametrize("rate", ["constant", "variable"])
@pytest.mark.parametrize("shot_frames", [1, 2, 5, 30])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx264", ".mkv"), ("libx264", ".mp4"), ("libx264", ".ts"), ("libx265", ".mp4"),
        ("libx265", ".mkv"), ("prores_ks", ".mov"), ("ffv1", ".mkv"),
        ("mpeg4", ".mp4"), ("libvpx-vp9", ".mkv"),
    ],
)  # fmt: skip
def test_shots_join_to_one_film(
    tmp_path: Path, codec: str, suffix: str, shot_frames: int, rate: str
) -> None:
    """However short the shots, every frame has its time and decoders find no fault."""
    count = 31 if shot_frames == 30 else 13
    pts = [40 * k if rate == "constant" else 40 * k + 17 * (k % 3) for k in range(count)]
    luma = moving_luma(count, 96, 64)
    film = write_film(tmp_path / "film.mkv", luma, pts=pts, time_base=MILLISECOND)
    source = probe(film)
    encoding = plan_encoding(source, OutputSettings(codec=codec), output=tmp_path / f"out{suffix}")
    write_pink(source, encoding, read_frames(source, Damage()), shot_frames=shot_frames)
    with av.open(str(encoding.path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        times = [packet.dts for packet in packets if packet.dts is not None]  # Matroska has none
        keys = sorted(packet.pts * packet.time_base for packet in packets if packet.is_keyframe)
    assert all(before < after for before, after in pairwise(times))
    assert all(packet.dts is None or packet.dts <= packet.pts for packet in packets)
    found = luma_and_times(encoding.path)[1]
    assert len(found) == count
    seconds = [float(time * probe(encoding.path).time_base) for time in found]
    wanted = [float(time * source.time_base) for time in luma_and_times(film)[1]]
    assert seconds == pytest.approx(wanted, abs=0.0006)
    assert len(keys) >= len(range(0, count, shot_frames))
    if rate == "constant":  # the coded pictures are those of the other rate
        return
    told = subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", encoding.path, "-f", "rawvideo", os.devnull],
        capture_output=True, check=True,
    )  # fmt: skip
    assert told.stderr == b""


@pytest.mark.parametrize("fields", [None, "tff"])
def test_durations_are_the_sources(tmp_path: Path, fields: str | None) -> None:
    """Each frame stays on screen as long as it did, also the last one."""
    film = write_film(
        tmp_path / "film.mkv", moving_luma(4), pts=[0, 40, 500, 520], time_base=MILLISECOND,
        fields=fields, field_order=2 if fields else 1, options={"level": "3"},
    )  # fmt: skip
    for path in (film, colored(film).path):
        with av.open(str(path)) as container:
            lengths = [packet.duration for packet in container.demux() if packet.size]
        assert lengths == [40, 460, 20, 1]


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_shape_and_color_tags_are_kept(tmp_path: Path, suffix: str, codec: str) -> None:
    """FFprobe sees the source's aspect, rotation, range, matrix, primaries and transfer."""
    film = write_film(
        tmp_path / f"film{suffix}", moving_luma(5, 96, 64), codec="libx264", rotation=270,
        sample_aspect_ratio=Fraction(16, 15), color_range=2, colorspace=5, color_primaries=5,
        color_trc=6,
    )  # fmt: skip
    result = colored(film, tmp_path / f"out{suffix}", OutputSettings(codec=codec)).path
    (stream,) = ask_ffprobe(result, "-show_streams")["streams"]
    assert stream["sample_aspect_ratio"] == "16:15"
    assert stream["side_data_list"][0]["rotation"] in {-90, 270}
    assert (stream["color_range"], stream["color_space"]) == ("pc", "bt470bg")
    assert (stream["color_primaries"], stream["color_transfer"]) == ("bt470bg", "smpte170m")
    assert stream["chroma_location"] == "left"


@needs_ffmpeg
@pytest.mark.parametrize(("matrix", "location"), [(1, "left"), (9, "topleft")])
def test_chroma_location_is_tagged(tmp_path: Path, matrix: int, location: str) -> None:
    """The result says where its chroma lies: left, and in BT.2020 film top left."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2), codec="libx264", colorspace=matrix)
    (stream,) = ask_ffprobe(colored(film, settings=OutputSettings()).path, "-show_streams")[
        "streams"
    ]
    assert stream["chroma_location"] == location


@needs_ffmpeg
@pytest.mark.parametrize(
    ("fields", "order", "name"), [("tff", 2, "tt"), ("bff", 3, "bb"), (None, 1, "progressive")]
)
@pytest.mark.parametrize("codec", ["ffv1", "libx264", "prores_ks"])
def test_field_order_is_kept(
    tmp_path: Path, fields: str | None, order: int, name: str, codec: str
) -> None:
    """An interlaced film stays interlaced, with the same field first, for each encoder."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(3, 64, 64), codec="prores_ks",
        pixel_format="yuv422p10le", planar="yuv422p10le", fields=fields, field_order=order,
    )  # fmt: skip
    result = colored(film, tmp_path / "out.mkv", OutputSettings(codec=codec)).path
    told = ask_ffprobe(result, "-show_streams", "-show_frames", "-select_streams", "v")
    frames = {(frame["interlaced_frame"], frame["top_field_first"]) for frame in told["frames"]}
    assert frames == {(int(fields is not None), int(fields == "tff"))}
    assert told["streams"][0]["field_order"] in {name, {"tt": "tb", "bb": "bt"}.get(name)}


def test_ffv1_is_version_3_with_slice_checksums(tmp_path: Path) -> None:
    """The written FFV1 is version 3, and a flipped bit in it is noticed when it is read."""
    film = write_film(tmp_path / "film.mkv", moving_luma(3, 64, 64))
    result = colored(film).path
    with av.open(str(result)) as container:
        hit = [bytes(packet) for packet in container.demux() if packet.size][1]
    hurt = bytearray(hit)
    hurt[len(hit) // 2] ^= 1
    result.write_bytes(result.read_bytes().replace(hit, bytes(hurt)))
    losses = Damage()
    assert len(list(read_frames(probe(result), losses))) == 3
    assert losses.frames == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_mp4_begins_with_its_index(tmp_path: Path, suffix: str) -> None:
    """Players need not load a whole file before its first picture: moov comes before mdat."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    written = colored(film, tmp_path / f"out{suffix}", OutputSettings()).path.read_bytes()
    assert -1 < written.index(b"moov") < written.index(b"mdat")


def test_luma_in_a_deeper_format_is_shifted_and_stays_exact(tmp_path: Path) -> None:
    """8-bit limited codes in a 10-bit format are exactly four times as large."""
    luma = moving_luma(3)
    film = write_film(tmp_path / "film.mkv", luma)
    prores = plan_encoding(probe(film), OutputSettings(codec="prores_ks"))
    assert (prores.pixel_format, prores.luma_shift) == ("yuv422p10le", 2)
    encoding = colored(film, settings=OutputSettings(codec="ffv1", pixel_format="yuv420p10le"))
    expected = [plane.astype(np.uint16) * 4 for plane in luma]
    np.testing.assert_array_equal(luma_and_times(encoding.path)[0], expected)


def leave_in_the_middle(film: Path, output: Path, error: BaseException) -> None:
    """Write two frames, then raise `error` inside the writer."""
    source = probe(film)
    encoding = plan_encoding(source, LOSSLESS, output=output)
    encoder = ShotEncoder(source, encoding)

    def packets() -> Iterator[Encoded]:
        for frame in islice(read_frames(source, Damage()), 2):
            yield from encoder.encode(frame, pink(encoding))
        raise error

    with FilmWriter(source, encoding, made_by="a test") as writer:
        writer.write(packets(), 0)


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt(), GeneratorExit()])
def test_an_exception_leaves_nothing_behind(tmp_path: Path, error: BaseException) -> None:
    """Left by any exception, the writer removes its file and lets the exception pass."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5), extras=RICH)
    with pytest.raises(type(error)):
        leave_in_the_middle(film, tmp_path / "out.mkv", error)
    assert list(tmp_path.iterdir()) == [film]


def test_an_exception_leaves_the_old_output_as_it_was(tmp_path: Path) -> None:
    """What stood under the target's name stays there until a whole file can replace it."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    (tmp_path / "out.mkv").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        leave_in_the_middle(film, tmp_path / "out.mkv", ZeroDivisionError())
    assert (tmp_path / "out.mkv").read_bytes() == b"old"
    colored(film, tmp_path / "out.mkv")
    assert len(luma_and_times(tmp_path / "out.mkv")[0]) == 5
    assert sorted(tmp_path.iterdir()) == [film, tmp_path / "out.mkv"]


def test_nothing_stands_under_the_final_name_while_writing(tmp_path: Path) -> None:
    """Until the end there is one hidden part file beside the target."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    source = probe(film)
    encoding = plan_encoding(source, LOSSLESS)
    with FilmWriter(source, encoding, made_by="a test") as writer:
        writer.write([Encoded(b"picture", 0, 1, is_key=True)], 0)
        names = {path.name for path in tmp_path.iterdir()} - {"film.mkv"}
        assert names == {".film.colorized.part.mkv"}


@pytest.fixture
def hurt_part_file(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], None]], None]:
    """Lets a test damage the written file before it is verified."""

    def hurt(damage: Callable[[Path], None]) -> None:
        verify = FilmWriter._verify

        def damaged(self: FilmWriter, index: int) -> None:
            damage(self._part)
            verify(self, index)

        monkeypatch.setattr(FilmWriter, "_verify", damaged)

    return hurt


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_truncated_result_is_noticed(
    tmp_path: Path, hurt_part_file: Callable, kept: float
) -> None:
    """A file that was not written whole never gets the final name."""
    film = write_film(tmp_path / "film.mkv", moving_luma(20), extras=RICH)
    hurt_part_file(lambda part: os.truncate(part, int(part.stat().st_size * kept)))
    with pytest.raises(
        OutputError,
        match=r"film\.colorized\.mkv: (ffv1 in matroska failed|differs from what was written)",
    ):
        colored(film)
    assert list(tmp_path.iterdir()) == [film]


def test_a_result_of_other_times_is_noticed(tmp_path: Path, hurt_part_file: Callable) -> None:
    """As many packets at other times are not the same film."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    later = range(1, 6)
    hurt_part_file(lambda part: write_film(part, moving_luma(5), pts=later))
    with pytest.raises(OutputError, match="read back as"):
        colored(film)
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize("step", ["_finish", "_verify"])
def test_an_interrupt_while_finishing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Stopped at the very end, while the encoder is flushed or the file checked, all is removed."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FilmWriter, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        colored(film)
    assert list(tmp_path.iterdir()) == [film]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 300 kB."""
    with small_disk(tmp_path, "300k") as disk:
        yield disk


@pytest.mark.parametrize(("count", "size"), [(20, 160), (1, 640)])
def test_a_full_disk_is_told_and_leaves_nothing(tiny_disk: Path, count: int, size: int) -> None:
    """Running out of room, in the middle or at the very end, is one clear line."""
    film = write_film(tiny_disk.parent / "film.mkv", moving_luma(count, size, size))
    with pytest.raises(OutputError, match="disk: the disk is full; make room or choose another"):
        colored(film, tiny_disk / "out.mkv")
    assert list(tiny_disk.iterdir()) == []


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".ts"])
def test_twice_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    """Two runs on the same film write the same file."""
    film = write_film(
        tmp_path / "film.mkv", moving_luma(9), extras=Extras(audio=["aac"], metadata={"title": "a"})
    )
    one = colored(film, tmp_path / f"one{suffix}", OutputSettings()).path
    other = colored(film, tmp_path / f"other{suffix}", OutputSettings()).path
    assert one.read_bytes() == other.read_bytes()


def test_a_real_film_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """The default encoder hides no chance: x264 with AVX-512 gave five files in five runs."""
    runs = [colored(SAMPLE, tmp_path / f"{run}.mkv", OutputSettings()).path for run in range(3)]
    assert len({run.read_bytes() for run in runs}) == 1


def test_an_interlaced_film_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """By several threads x264 gave 13 kinds in 40 runs."""
    film = write_film(tmp_path / "film.mkv", moving_luma(8, 720, 576), fields="tff")
    runs = [colored(film, tmp_path / f"{run}.mkv", OutputSettings()).path for run in range(8)]
    assert len({run.read_bytes() for run in runs}) == 1


def test_an_encoder_that_refuses_is_told(tmp_path: Path) -> None:
    """An encoder that will not open is one line that names it, and no file is left."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2))
    source = probe(film)
    encoding = replace(plan_encoding(source, OutputSettings()), options={"preset": "nonsense"})
    with pytest.raises(OutputError, match=r"libx264 in matroska failed \(.+\); try another"):
        FilmWriter(source, encoding, made_by="a test")
    assert list(tmp_path.iterdir()) == [film]


def test_the_encoders_of_shots_that_are_over_take_no_memory(tmp_path: Path) -> None:
    """After many shots there is hardly more than after a few, whether Python tidies up or not."""
    luma = moving_luma(4, 640, 480)
    source = probe(write_film(tmp_path / "film.mkv", luma, codec="libx264"))
    encoding = plan_encoding(source, OutputSettings(), output=tmp_path / "new.mp4")
    frames = list(read_frames(source, Damage()))
    neutral = np.full((240, 320), 128, np.uint8)
    encoder = ShotEncoder(source, encoding)
    process = psutil.Process()

    def encode_shots(count: int) -> int:
        for _ in range(count):
            for frame in frames:
                list(encoder.encode(frame, (neutral, neutral)))
            list(encoder.end_part())
        return process.memory_info().rss

    gc.disable()
    try:
        few, many = encode_shots(4), encode_shots(24)
    finally:
        gc.enable()
    assert many - few < 40 << 20  # each takes 8 MB


def test_a_name_with_a_colon_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name such as `tape:1.mkv` is read back as the file that it is."""
    film = write_film(tmp_path / "film.mkv", moving_luma(3))
    monkeypatch.chdir(tmp_path)
    output = Path("tape:1.mkv")
    colorize_video(film, output, Settings(model=ModelSettings(device="cpu", render_size=64)))
    assert output.exists()


@pytest.mark.parametrize(("suffix", "size"), [(".ts", 188), (".m2ts", 192)])
def test_a_short_transport_stream_is_known_for_one(tmp_path: Path, suffix: str, size: int) -> None:
    """One of few packets is made longer: FFmpeg would take it for a program stream."""
    film = write_film(tmp_path / "film.mkv", [np.full((32, 32), 90, np.uint8)] * 2)
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings(codec="libx264"))
    with av.open(str(encoding.path)) as written:
        assert (written.format.name, len(list(written.decode(video=0)))) == ("mpegts", 2)
    assert encoding.path.stat().st_size % size == 0
    data = encoding.path.read_bytes()
    assert data[size - 188 :: size] == b"\x47" * (len(data) // size)
