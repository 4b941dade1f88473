"""Clocks that jump, single times that stray: the picture and its sound stay together."""

import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from clips import moving_luma, needs_ffmpeg, write_film
from recoloring import write_pink

from vidcolor.errors import OutputError
from vidcolor.film.verify import Verification, verify_film
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.reading.survey import survey
from vidcolor.reading.tracks import Track
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.plan import Job, plan_video

pytestmark = needs_ffmpeg
VERIFY = Settings(force=True, output=OutputSettings(verify=True, overwrite=True))
SECONDS = 2
FRAMES = 25 * SECONDS


def ffmpeg(*words: object) -> None:
    """Run the program ffmpeg."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True)


def part(path: Path, *options: object, late: float = 0.0) -> Path:
    """A film of 2 s with sound, the sound `late` seconds after the picture."""
    picture = f"testsrc=s=96x64:r=25:d={SECONDS}"
    tone = f"sine=300:d={SECONDS - late}:sample_rate=48000"
    ffmpeg("-f", "lavfi", "-i", picture, "-itsoffset", late, "-f", "lavfi", "-i", tone,
           "-pix_fmt", "yuv420p", *options, path)  # fmt: skip
    return path


def joined(path: Path, *clocks: float) -> Path:
    """Films of 2 s joined by their bytes, each with a clock that begins at so many seconds."""
    codecs = ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"]
    parts = []
    for number, clock in enumerate(clocks):
        offset = [] if path.suffix == ".vob" else ["-output_ts_offset", clock]
        parts.append(part(path.with_name(f"part{number}{path.suffix}"), *codecs, *offset))
    path.write_bytes(b"".join(one.read_bytes() for one in parts))
    return path


def retimed(film: Path, path: Path, change: Callable[[str, int, float], float]) -> Path:
    """A copy in Matroska; `change` gives each packet's time by kind, number and time."""
    options = {"avoid_negative_ts": "disabled"}
    with av.open(str(film)) as opened, av.open(str(path), "w", container_options=options) as made:
        streams = {one.index: made.add_stream_from_template(one) for one in opened.streams}
        counts = dict.fromkeys(streams, 0)
        for packet in opened.demux():
            if packet.dts is None:
                continue
            index, base = packet.stream.index, packet.time_base
            seconds = change(packet.stream.type, counts[index], float(packet.pts * base))
            # Matroska keeps no decoding times: these only have to please the muxer.
            packet.dts, packet.pts = packet.dts - round(1 / base), round(seconds / base)
            counts[index] += 1
            packet.stream = streams[index]
            made.mux_one(packet)
    return path


def written(film: Path, name: str) -> tuple[Job, Verification]:
    """The film written with pink chroma and verified."""
    job = plan_video(film, film.with_name(name), VERIFY)
    write_pink(job.source, job.encoding, read_frames(job.source, Damage()))
    return job, verify_film(job, job.encoding.path, VERIFY)


def packet_times(film: Path) -> tuple[list[float], list[float]]:
    """When frames and packets of sound are shown, after the first frame."""
    with av.open(str(film)) as opened:
        times: dict[str, list[float]] = {"video": [], "audio": []}
        for packet in opened.demux():
            if packet.size:
                times[packet.stream.type].append(float(packet.pts * packet.time_base))
    first = min(times["video"])
    return sorted(one - first for one in times["video"]), [one - first for one in times["audio"]]


CLOCKS = {
    "film.vob": (0, 0),
    "back.ts": (100, 20),
    "forth.ts": (20, 3600),
    "hours.ts": (3600, 10),
    "thrice.ts": (10, 3600, 20),
}


@pytest.mark.parametrize("output", ["out.mkv", "out.mp4", "out.ts"])
@pytest.mark.parametrize("name", CLOCKS)
def test_joined_films_go_on_without_a_hole(tmp_path: Path, name: str, output: str) -> None:
    """Picture and sound of each part are moved by one amount, and that is told."""
    clocks = CLOCKS[name]
    film = joined(tmp_path / name, *clocks)
    before = packet_times(tmp_path / f"part0.{name.rpartition('.')[2]}")
    job, found = written(film, output)
    assert found.problems == []
    picture, sound = packet_times(job.encoding.path)
    assert picture == pytest.approx([n * 0.04 for n in range(FRAMES * len(clocks))], abs=0.0011)
    assert all(later > one for one, later in pairwise(sound))
    count = len(before[1])
    for number in range(len(clocks)):
        mine = [one - number * SECONDS for one in sound[count * number : count * (number + 1)]]
        assert mine == pytest.approx(before[1], abs=0.0021)
    jumps = [note for note in job.encoding.notes if "jumps by" in note]
    assert len(jumps) == len(clocks) - 1
    assert f"at 0:00:02.000 (frame {FRAMES})" in jumps[0]


@pytest.mark.parametrize(
    ("kind", "number", "off"),
    [
        ("video", 20, 20.0),
        ("video", 20, -20.0),
        ("video", 0, 20.0),
        ("audio", 30, 20.0),
        ("audio", 30, -20.0),
    ],
)
@pytest.mark.parametrize("output", ["out.mkv", "out.mp4"])
def test_a_stray_time_moves_nothing_else(
    tmp_path: Path, kind: str, number: int, off: float, output: str
) -> None:
    """One frame or packet of sound lies 20 s off: it is put where it was due, and that is told."""
    plain = part(tmp_path / "plain.mkv", "-c:v", "libx264", "-bf", "0", "-c:a", "mp2")
    film = retimed(
        plain,
        tmp_path / "film.mkv",
        lambda what, count, time: time + 30 + off * ((what, count) == (kind, number)),
    )
    job, found = written(film, output)
    assert found.problems == []
    after, before = packet_times(job.encoding.path), packet_times(plain)
    assert after[0] == pytest.approx(before[0], abs=0.0011)
    assert after[1] == pytest.approx(before[1], abs=0.0011)
    (note,) = job.source.clock.notes
    assert f"{number}" in note
    assert "20.000 s " + ("late" if off > 0 else "early") in note


def test_doubled_times_of_sound_are_spread(tmp_path: Path) -> None:
    """Packets with the time of the one before follow it, in MP4 too."""
    plain = part(tmp_path / "plain.mkv", "-c:v", "libx264", "-bf", "0", "-c:a", "mp2")
    film = retimed(
        plain,
        tmp_path / "film.mkv",
        lambda what, count, time: time - 0.024 * (what == "audio" and count % 10 == 5),
    )
    job, found = written(film, "out.mp4")
    assert found.problems == []
    assert packet_times(job.encoding.path)[1] == pytest.approx(packet_times(plain)[1], abs=0.0011)
    assert "packets of audio 1 (mp2) had the time of the one before" in job.encoding.notes[0]


def test_a_hole_in_one_stream_is_no_jump(tmp_path: Path) -> None:
    """Sound that pauses for 20 s, or a slide that stands for so long, is left as it is."""
    plain = part(tmp_path / "plain.mkv", "-c:v", "libx264", "-bf", "0", "-c:a", "mp2")
    film = retimed(plain, tmp_path / "film.mkv", lambda _, count, time: time + 20 * (count >= 40))
    assert survey(probe(film)).clock.streams == {}
    slides = write_film(
        tmp_path / "slides.mkv", moving_luma(4), pts=[0, 30, 45, 90], time_base=Fraction(1)
    )
    assert survey(probe(slides)).clock.streams == {}


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "mpeg2video"])
def test_avi_shows_a_frame_a_tick(tmp_path: Path, codec: str) -> None:
    """B-frames make FFmpeg guess times of AVI that are late; frames are shown from 0 on."""
    film = part(tmp_path / "film.avi", "-c:v", codec, "-bf", "2", "-c:a", "mp2")
    job, found = written(film, "out.mkv")
    assert found.problems == []
    losses = Damage()
    frames = list(read_frames(job.source, losses))
    assert [frame.pts * frame.time_base for frame in frames] == [
        Fraction(n, 25) for n in range(FRAMES)
    ]
    assert losses.times == 0
    with av.open(str(job.encoding.path)) as opened:
        sound = next(packet for packet in opened.demux(audio=0))
        assert sound.pts == 0


def test_gxf_shows_a_frame_a_tick(tmp_path: Path) -> None:
    """It has no more times than AVI; FFmpeg's guess is a frame late, and the last has none."""
    film = tmp_path / "film.gxf"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=720x576:r=25:d=0.2", "-pix_fmt", "yuv420p",
           "-c:v", "mpeg2video", "-bf", "2", film)  # fmt: skip
    source, losses = survey(probe(film)), Damage()
    times = [frame.pts * frame.time_base for frame in read_frames(source, losses)]
    assert times == [Fraction(n, 25) for n in range(5)]
    assert losses == Damage()


def test_sound_that_is_switched_on_late_is_found(tmp_path: Path) -> None:
    """FFmpeg's probe of a transport stream ends before sound that begins at 8 s."""
    late = tmp_path / "late.ts"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=10", "-itsoffset", 8, "-f", "lavfi",
           "-i", "sine=300:d=2", "-pix_fmt", "yuv420p", "-c:v", "mpeg2video", "-c:a", "mp2",
           late)  # fmt: skip
    for output in ("out.mkv", "out.mp4", "out.ts"):
        job, found = written(late, output)
        assert found.problems == []
        assert packet_times(job.encoding.path)[1][0] == pytest.approx(8, abs=0.03)


def test_a_clock_of_ten_hours_begins_at_0_in_mp4(tmp_path: Path) -> None:
    """Players would wait ten hours for the first frame; in a transport stream it stays."""
    film = joined(tmp_path / "film.ts", 36000)
    for output, begins in (("out.mp4", 0), ("out.mkv", 36000), ("out.ts", 36000)):
        job, found = written(film, output)
        assert found.problems == []
        with av.open(str(job.encoding.path)) as opened:
            first = min(packet.pts * packet.time_base for packet in opened.demux() if packet.size)
        assert float(first) == pytest.approx(begins, abs=2)
        assert any("moved to 0" in note for note in job.encoding.notes) is (output == "out.mp4")


@pytest.mark.parametrize("begins", [95442.7, 100_000])
def test_a_clock_of_more_than_33_bits_begins_anew_in_a_transport_stream(
    tmp_path: Path, begins: float
) -> None:
    """A recorder may count from when it was switched on; what is read back is what was meant."""
    options = ("-c:v", "libx264", "-bf", "0", "-c:a", "mp2", "-output_ts_offset", begins)
    film = part(tmp_path / "film.mkv", *options)
    for output in ("out.ts", "out.mp4"):
        job, found = written(film, output)
        assert found.problems == []
        assert job.source.frames_expected() == FRAMES
        losses = Damage()
        assert len(list(read_frames(job.source, losses))) == FRAMES
        assert losses == Damage()


@pytest.mark.quick
@pytest.mark.parametrize("wrong", [0, 5])
def test_a_wrong_time_of_decoding_moves_no_frame(wrong: int) -> None:
    """The times at which the frames are shown are right."""
    track = Track("video", "picture", Fraction(1, 90_000), is_clocked=True)
    for number in range(10):
        packet = av.Packet(b"data")
        packet.pts = packet.dts = 3600 * number
        packet.duration = 3600
        if number == wrong:
            packet.dts -= 70_000 * 90_000
        track.add(packet, number)
    track.end()
    assert (track.strays, len(track.parts)) == ({}, 1)


def test_lost_sync_is_no_verified_film(tmp_path: Path) -> None:
    """Sound that lies a second late in the result, from its middle on, is found and refused."""
    film = part(tmp_path / "film.mkv", "-c:v", "libx264", "-c:a", "mp2")
    job, found = written(film, "out.mkv")
    assert found.problems == []
    late = retimed(
        job.encoding.path,
        tmp_path / "late.mkv",
        lambda what, count, time: time + (what == "audio" and count > 40),
    )
    problems = verify_film(job, late, VERIFY).problems
    assert "audio 1 (mp2) is up to 1.000 s off its time" in problems


RATES = [Fraction(16), Fraction(18), Fraction(24000, 1001), Fraction(24), Fraction(30000, 1001)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("begins", "output"), [(0, "out.mp4"), (Fraction(7, 5), "out.mp4"), (0, "out.mov")]
)
def test_a_constant_rate_stays_constant(
    tmp_path: Path, rate: Fraction, begins: Fraction, output: str
) -> None:
    """Milliseconds of Matroska are put back to the times that they were rounded from."""
    base = 1 / rate / 8
    pts = [round(begins / base) + 8 * number for number in range(40)]
    film = write_film(tmp_path / "film.mkv", moving_luma(40), pts=pts, time_base=base, rate=rate)
    assert survey(probe(film)).constant_rate == rate
    job, found = written(film, output)
    assert found.problems == []
    with av.open(str(job.encoding.path)) as opened:
        times = sorted(one.pts * one.time_base for one in opened.demux(video=0) if one.size)
    steps = [later - one for one, later in pairwise(times)]
    assert max(abs(step - 1 / rate) for step in steps) < Fraction(1, 100_000)
    assert len(set(steps)) == 1


def test_a_rate_that_changes_is_not_made_constant(tmp_path: Path) -> None:
    """Times that fit no rate are left as they are."""
    pts = [42 * n for n in range(20)] + [840 + 31 * n for n in range(20)]
    film = write_film(
        tmp_path / "film.mkv", moving_luma(40), pts=pts, time_base=Fraction(1, 1000), rate=24
    )
    found = survey(probe(film))
    assert (found.constant_rate, found.exact_rate) == (None, None)


def test_matroska_is_refused_for_2000_frames_a_second(tmp_path: Path) -> None:
    """It keeps times to a millisecond; that is said before work begins."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(9), codec="libx264", rate=2000,
        pts=list(range(9)), time_base=Fraction(1, 2000),
    )  # fmt: skip
    with pytest.raises(OutputError, match=r"2000 frames/s, and Matroska.*\.mov"):
        plan_video(film, tmp_path / "out.mkv", VERIFY)


def test_a_film_that_begins_late_is_whole(tmp_path: Path) -> None:
    """A header's end is no length: nothing is told of a whole film, and of a cut one the truth."""
    film = write_film(
        tmp_path / "film.mkv", moving_luma(40), pts=list(range(35, 75)), time_base=Fraction(1, 25)
    )
    losses = Damage()
    assert len(list(read_frames(survey(probe(film)), losses))) == 40
    assert str(losses) == ""
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size * 5 // 8])
    list(read_frames(survey(probe(cut)), losses))
    assert losses.missing_seconds == pytest.approx(0.6, abs=0.15)
