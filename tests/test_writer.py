import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from prove_lossless import compare, packet_hashes

from vidcolor.errors import OutputError
from vidcolor.settings import OutputSettings
from vidcolor.video.encoding import Encoding
from vidcolor.video.plan import plan_encoding
from vidcolor.video.reader import Losses, read_frames
from vidcolor.video.source import probe
from vidcolor.video.writer import FilmWriter

MILLISECOND = Fraction(1, 1000)
LOSSLESS = OutputSettings(lossless=True)
RICH = Extras(
    audio=["pcm_s24le", "aac"],
    subtitles=[(100, 500, "First words."), (900, 800, "Last\nwords.")],
    chapters=[(0, 700, "One"), (700, 1600, "Two")],
    attachments=[("notes.txt", "text/plain", b"Found in the attic.")],
    metadata={"title": "A film", "ARCHIVE_NUMBER": "17/4"},
    video_metadata={"language": "fre", "title": "Reel one"},
    audio_metadata={"language": "ger"},
)


def colored(
    path: Path,
    output: Path | None = None,
    settings: OutputSettings = LOSSLESS,
    *,
    frames: int | None = None,
) -> Encoding:
    """The film at `path` written with pink chroma; how it was written."""
    source = probe(path)
    encoding = plan_encoding(source, settings, output=output)
    with FilmWriter(source, encoding, made_by="made in a test") as writer:
        for frame in islice(read_frames(source, Losses()), frames):
            writer.write(frame, pink(encoding))
    return encoding


def pink(encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Two planes of one chroma code each, in the encoding's size and depth."""
    picture, depth = encoding.picture, encoding.picture.depth + encoding.luma_shift
    size = (picture.chroma_height, picture.chroma_width)
    kind = np.uint8 if depth == 8 else np.uint16
    return np.full(size, 110 << depth - 8, kind), np.full(size, 150 << depth - 8, kind)


def luma_and_times(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """What a film holds, as read."""
    frames = list(read_frames(probe(path), Losses()))
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
@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_nothing_else_is_lost_by_ffmpegs_word(tmp_path: Path, suffix: str) -> None:
    """Luma, times, and the packets of each sound and subtitle stream are equal for FFmpeg too."""
    extras = RICH if suffix == ".mkv" else replace(RICH, attachments=[], subtitles=[])
    # The sound goes on for most of its second after the picture has ended.
    film = write_film(tmp_path / f"film{suffix}", moving_luma(5), codec="libx264", extras=extras)
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings(codec="libx264", crf=0))
    assert compare(film, encoding.path) == []
    assert len(packet_hashes(film, "a")) == 2
    assert len(packet_hashes(film, "s")) == len(extras.subtitles[:1])


@needs_ffmpeg
def test_a_second_picture_is_copied(tmp_path: Path) -> None:
    """A second video stream keeps its packets, with the times shown and the times decoded."""
    one, other, film = (tmp_path / f"{name}.mp4" for name in ("one", "other", "film"))
    write_film(one, moving_luma(9), codec="libx264")
    write_film(other, moving_luma(9, seed=1), codec="libx264", options={"bf": "3"})
    copy = ["-map", "0", "-map", "1", "-c", "copy"]
    subprocess.run(["ffmpeg", "-v", "quiet", "-i", one, "-i", other, *copy, film], check=True)
    packets = []
    for path in (film, colored(film, settings=OutputSettings()).path):
        with av.open(str(path)) as container:
            demuxed = [packet for packet in container.demux(video=1) if packet.size]
        packets.append([(packet.pts, packet.dts, bytes(packet)) for packet in demuxed])
    assert packets[0] == packets[1]
    assert any(pts != dts for pts, dts, _ in packets[0])


@needs_ffmpeg
def test_chapters_attachments_and_tags_are_kept(tmp_path: Path) -> None:
    """What FFprobe tells of the file beside its streams is what it told of the source."""
    film = write_film(tmp_path / "film.mkv", moving_luma(25), extras=RICH)
    result = colored(film).path
    for path in (film, result):
        told = ask_ffprobe(path, "-show_format", "-show_chapters", "-show_streams")
        assert told["format"]["tags"]["title"] == "A film"
        assert told["format"]["tags"]["ARCHIVE_NUMBER"] == "17/4"
        chapters = [(c["start_time"], c["end_time"], c["tags"]["title"]) for c in told["chapters"]]
        assert chapters == [("0.000000", "0.700000", "One"), ("0.700000", "1.600000", "Two")]
        kinds = [stream["codec_type"] for stream in told["streams"]]
        assert kinds == ["video", "audio", "audio", "subtitle", "attachment"]
        assert told["streams"][4]["tags"] == {"filename": "notes.txt", "mimetype": "text/plain"}
    assert told["format"]["tags"]["COLORIZED_BY"] == "made in a test"


@needs_ffmpeg
def test_an_attachment_is_the_same_file(tmp_path: Path) -> None:
    """The bytes of an attachment come through."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2), extras=RICH)
    notes = tmp_path / "notes.txt"
    subprocess.run(
        ["ffmpeg", "-v", "quiet", "-dump_attachment:t:0", notes, "-i", colored(film).path],
        check=False,
    )
    assert notes.read_bytes() == b"Found in the attic."


@needs_ffmpeg
def test_streams_keep_language_title_and_disposition(tmp_path: Path) -> None:
    """Each stream's tags and flags are those that it had."""
    plain = write_film(tmp_path / "plain.mkv", moving_luma(5), extras=RICH)
    film = tmp_path / "film.mkv"
    subprocess.run(
        ["ffmpeg", "-v", "quiet", "-i", plain, "-map", "0", "-c", "copy",
         "-disposition:v:0", "original", "-disposition:a:0", "0",
         "-disposition:a:1", "default+comment", "-disposition:s:0", "forced", film],
        check=True,
    )  # fmt: skip
    before, after = (
        ask_ffprobe(path, "-show_streams")["streams"] for path in (film, colored(film).path)
    )
    for one, other in zip(before, after, strict=True):
        assert one["disposition"] == other["disposition"]
        tags = {**one["tags"], "ENCODER": None, "DURATION": None, "encoder": None}
        assert {**other["tags"], "ENCODER": None, "DURATION": None, "encoder": None} == tags
    assert before[0]["disposition"]["original"] == 1
    assert before[2]["disposition"]["comment"] == before[3]["disposition"]["forced"] == 1
    assert before[0]["tags"]["language"] == "fre"


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_shape_and_color_tags_are_kept(tmp_path: Path, suffix: str, codec: str) -> None:
    """FFprobe sees the source's aspect, rotation, range, matrix, primaries and transfer."""
    film = write_film(
        tmp_path / f"film{suffix}", moving_luma(5, 64, 48), codec="libx264", rotation=270,
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
    losses = Losses()
    assert len(list(read_frames(probe(result), losses))) == 3
    assert losses.frames == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_mp4_begins_with_its_index(tmp_path: Path, suffix: str) -> None:
    """Players need not load a whole file before its first picture: moov comes before mdat."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    written = colored(film, tmp_path / f"out{suffix}", OutputSettings()).path.read_bytes()
    assert -1 < written.index(b"moov") < written.index(b"mdat")


@pytest.mark.parametrize(
    ("suffix", "settings", "reason"),
    [
        (".mp4", OutputSettings(), "mp4 cannot hold subtitle 1 (srt): writing Matroska, out.mkv"),
        (".mov", OutputSettings(), "mov cannot hold subtitle 1 (srt): writing Matroska, out.mkv"),
    ],
)
def test_what_a_container_cannot_hold_moves_the_film_to_matroska(
    tmp_path: Path, suffix: str, settings: OutputSettings, reason: str
) -> None:
    """MP4 has no SubRip: Matroska is written instead, under its own suffix, and a note says so."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5), extras=Extras(subtitles=[(0, 9, "a")]))
    encoding = colored(film, tmp_path / f"out{suffix}", settings)
    assert encoding.notes == (reason,)
    assert encoding.path == tmp_path / "out.mkv"
    assert not (tmp_path / f"out{suffix}").exists()
    with av.open(str(encoding.path)) as container:
        assert container.format.name.startswith("matroska")
        assert len(container.streams.subtitles) == 1


def test_what_matroska_cannot_hold_either_is_told(tmp_path: Path) -> None:
    """An attachment stays behind in MP4, and a note says so."""
    extras = Extras(attachments=[("notes.txt", "text/plain", b"words")])
    film = write_film(tmp_path / "film.mkv", moving_luma(5), extras=extras)
    encoding = colored(film, tmp_path / "out.ts", OutputSettings())
    assert encoding.path.exists()
    assert "attachment 1" in " ".join(encoding.notes)


def test_mov_text_becomes_the_same_text_in_matroska(tmp_path: Path) -> None:
    """Subtitles of MP4 are SubRip in Matroska, with the same words and times."""
    extras = Extras(subtitles=RICH.subtitles, subtitle_codec="mov_text")
    film = write_film(tmp_path / "film.mp4", moving_luma(40), codec="libx264", extras=extras)
    with av.open(str(colored(film).path)) as container:
        assert container.streams.subtitles[0].codec_context.name == "srt"
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
    found = [(packet.pts, packet.duration, bytes(packet).decode()) for packet in packets]
    assert found == list(extras.subtitles)


@needs_ffmpeg
def test_mov_text_stays_in_mov(tmp_path: Path) -> None:
    """Subtitles of MOV, and the gaps between them, are the same in MOV."""
    extras = Extras(subtitles=RICH.subtitles, subtitle_codec="mov_text")
    film = write_film(tmp_path / "film.mov", moving_luma(40), codec="libx264", extras=extras)
    result = colored(film, tmp_path / "out.mov", OutputSettings()).path
    assert packet_hashes(film, "s") == packet_hashes(result, "s")


@needs_ffmpeg
def test_timecode_is_kept_in_mov(tmp_path: Path) -> None:
    """The timecode track is made anew from its tag and shows the same time."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(5), codec="libx264",
        extras=Extras(video_metadata={"timecode": "01:02:03:04"}),
    )  # fmt: skip
    result = colored(film, tmp_path / "out.mov", OutputSettings()).path
    for path in (film, result):
        streams = ask_ffprobe(path, "-show_streams")["streams"]
        assert [stream.get("codec_tag_string") for stream in streams] == ["avc1", "tmcd"]
        assert streams[1]["tags"]["timecode"] == "01:02:03:04"


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
    with FilmWriter(source, encoding, made_by="a test") as writer:
        for frame in islice(read_frames(source, Losses()), 2):
            writer.write(frame, pink(encoding))
        raise error


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
        for frame in read_frames(source, Losses()):
            writer.write(frame, pink(encoding))
        names = {path.name for path in tmp_path.iterdir()} - {"film.mkv"}
        assert names == {f".film.colorized.{os.getpid()}.part.mkv"}


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
    with pytest.raises(OutputError, match=r"film\.colorized\.mkv: ffv1 in matroska failed"):
        colored(film)
    assert list(tmp_path.iterdir()) == [film]


def test_a_result_of_other_times_is_noticed(tmp_path: Path, hurt_part_file: Callable) -> None:
    """As many packets at other times are not the same film."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5))
    later = range(1, 6)
    hurt_part_file(lambda part: write_film(part, moving_luma(5), pts=later))
    with pytest.raises(OutputError, match="but read back"):
        colored(film)
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.xfail(reason="the part file stays", strict=True)
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
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


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


def test_a_piece_carries_its_own_sound_words_and_chapters(tmp_path: Path) -> None:
    """A piece begins at time 0, with what lies beside it in the film and no more."""
    film = write_film(tmp_path / "film.mkv", moving_luma(45), extras=RICH)
    source = probe(film)
    encoding = plan_encoding(source, LOSSLESS)
    start, length = Fraction("0.6"), Fraction("0.32")
    frames = read_frames(source, Losses(), start_seconds=start, duration_seconds=length)
    with FilmWriter(
        source, encoding, made_by="a test", shift_seconds=start, duration_seconds=length
    ) as writer:
        for frame in frames:
            writer.write(frame, pink(encoding))
    with av.open(str(encoding.path)) as container:
        times = {}
        for packet in container.demux():
            if packet.size:
                times.setdefault(packet.stream.index, []).append(packet.pts)
        chapters = [(one["start"], one["end"]) for one in container.chapters()]
    assert times[0] == list(range(0, 320, 40))
    assert times[1] == list(range(0, 320, 20))
    assert (min(times[2]), times[3]) == (pytest.approx(0, abs=25), [300])
    assert max(times[2]) < 320
    assert chapters == [(0, 100_000_000), (100_000_000, 320_000_000)]


def test_an_encoder_that_refuses_is_told(tmp_path: Path) -> None:
    """An encoder that will not open is one line that names it, and no file is left."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2))
    source = probe(film)
    encoding = replace(plan_encoding(source, OutputSettings()), options={"preset": "nonsense"})
    with pytest.raises(OutputError, match=r"libx264 in matroska failed \(.+\); try another"):
        FilmWriter(source, encoding, made_by="a test")
    assert list(tmp_path.iterdir()) == [film]
