import hashlib
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Extras, needs_ffmpeg, soft_shot, write_film
from recoloring import colored

from vidcolor import colorize_video
from vidcolor.cli.main import main
from vidcolor.errors import OutputError
from vidcolor.film import verify as verify_module
from vidcolor.film.verify import Verification, hash_paths, verify_film
from vidcolor.reading.source import probe
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.writing.plan import plan_video
from vidcolor.writing.shot_encoder import Encoded, ShotEncoder
from vidcolor.writing.stream_times import stream_time_errors

LOSSLESS = Settings(
    model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(lossless=True)
)
EXTRAS = Extras(audio=["pcm_s24le", "aac"], subtitles=[(100, 500, "First words.")])
FRAMES = 12


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film with sound and subtitles."""
    return write_film(tmp_path / "film.mkv", soft_shot(1, FRAMES), extras=EXTRAS)


def verify(source: Path, result: Path, settings: Settings = LOSSLESS) -> Verification:
    """What is found of a result that was written by these settings."""
    job = plan_video(source, result, settings)
    return verify_film(job, result, settings)


def remux(path: Path, change: Callable[[av.Packet], av.Packet | None]) -> Path:
    """A copy of a film with each packet changed, or left out."""
    copy = path.with_name(f"changed_{path.name}")
    with av.open(str(path)) as original, av.open(str(copy), "w") as output:
        streams = {s.index: output.add_stream_from_template(s) for s in original.streams}
        for packet in original.demux():
            if packet.dts is None:
                continue
            index = packet.stream.index
            changed = change(packet)
            if changed is not None:
                changed.stream = streams[index]
                output.mux_one(changed)
    return copy


def altered(packet: av.Packet) -> av.Packet:
    """A packet with one bit of its data flipped."""
    data = bytearray(bytes(packet))
    data[-1] ^= 1
    copy = av.Packet(bytes(data))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.duration = packet.duration
    return copy


def test_a_whole_film_is_found_whole(film: Path) -> None:
    """Every frame, every code of luma, every time and every stream."""
    result = colored(film).path
    found = verify(film, result)
    assert found.problems == []
    assert (found.frames, found.unequal_luma, found.time_error_seconds) == (FRAMES, 0, 0)
    assert found.luma_psnr is None
    assert found.lossless
    assert set(found.streams.values()) == {True}
    assert len(found.streams) == 3
    assert str(found) == "12 frames, luma equal, times equal, 3 streams equal"


def test_a_flipped_bit_of_luma_is_found(film: Path) -> None:
    """One code of one frame, off by one."""
    luma = soft_shot(1, FRAMES)
    luma[5] = luma[5].copy()
    luma[5][3, 4] ^= 1
    result = write_film(film.with_name("result.mkv"), luma, extras=EXTRAS)
    found = verify(film, result)
    assert found.problems == ["the luma of 1 frame differs from the source's"]
    error = 1 / (FRAMES * luma[0].size)
    assert found.luma_psnr == pytest.approx(10 * np.log10(255**2 / error))


@pytest.mark.parametrize("lost", [0, 6, FRAMES - 1])
def test_a_lost_frame_is_found(film: Path, lost: int) -> None:
    """At the start, in the middle and at the end."""
    luma, pts = soft_shot(1, FRAMES), list(range(FRAMES))
    del luma[lost], pts[lost]
    found = verify(film, write_film(film.with_name("result.mkv"), luma, pts=pts, extras=EXTRAS))
    assert found.missing_frames == 1
    assert "1 of 12 frames are missing" in found.problems


def test_a_frame_too_many_is_found(film: Path) -> None:
    """The source ends before the result."""
    result = write_film(film.with_name("result.mkv"), soft_shot(1, FRAMES + 1), extras=EXTRAS)
    assert verify(film, result).problems == ["1 frame too many"]


def test_a_shifted_frame_is_found(film: Path) -> None:
    """One frame is shown two milliseconds late."""
    base = Fraction(1, 1000)
    pts = [40 * t + 2 * (t == 7) for t in range(FRAMES)]
    luma = soft_shot(1, FRAMES)
    result = write_film(film.with_name("result.mkv"), luma, pts=pts, time_base=base, extras=EXTRAS)
    assert verify(film, result).problems == ["times are off by up to 0.0020 s"]


@pytest.mark.parametrize("kind", ["audio", "subtitle"])
def test_a_changed_packet_is_found(film: Path, kind: str) -> None:
    """One bit of one packet of sound or text."""
    result = colored(film).path
    done = False

    def change(packet: av.Packet) -> av.Packet:
        nonlocal done
        if done or packet.stream.type != kind:
            return packet
        done = True
        return altered(packet)

    problems = verify(film, remux(result, change)).problems
    assert len(problems) == 1
    assert problems[0].startswith(f"{kind} ")
    assert problems[0].endswith(" differs")


def test_a_lost_packet_is_found(film: Path) -> None:
    """The last one of a sound track."""
    result = colored(film).path
    sound = [p.pts for p in av.open(str(result)).demux(audio=1) if p.pts is not None]

    def change(packet: av.Packet) -> av.Packet | None:
        is_last = packet.stream.type == "audio" and packet.pts == sound[-1]
        return None if is_last and packet.stream.index == 2 else packet

    assert verify(film, remux(result, change)).problems == ["audio 2 (aac) differs"]


def test_another_size_is_unequal(film: Path) -> None:
    """Luma of another shape is not compared code by code."""
    small = [luma[:, :-2] for luma in soft_shot(1, FRAMES)]
    found = verify(film, write_film(film.with_name("result.mkv"), small, extras=EXTRAS))
    assert found.unequal_luma == FRAMES


def test_of_a_lossy_film_the_loss_is_told(film: Path) -> None:
    """It is no problem, but it has a figure."""
    output = OutputSettings(codec="libx264", crf=30)
    found = verify(film, colored(film, settings=output).path, Settings(output=output))
    assert found.problems == []
    assert found.unequal_luma == FRAMES
    assert found.luma_psnr is not None
    assert 30 < found.luma_psnr < 50
    assert f"luma {found.luma_psnr:.1f} dB" in str(found)


def test_a_deeper_format_holds_the_same_luma(film: Path) -> None:
    """Codes of 8 bits are found in one of 10 bits, four times as large."""
    output = OutputSettings(lossless=True, pixel_format="yuv420p10le")
    assert verify(film, colored(film, settings=output).path, Settings(output=output)).problems == []


def test_a_piece_is_compared_with_its_piece(film: Path, tmp_path: Path) -> None:
    """Times of the piece begin at 0."""
    settings = Settings(
        model=LOSSLESS.model,
        output=OutputSettings(lossless=True, verify=True),
        start_seconds=Fraction("0.12"),
        duration_seconds=Fraction("0.2"),
    )
    result = colorize_video(film, tmp_path / "piece.mkv", settings)
    assert result.verification is not None
    assert result.verification.frames == result.frames == 5


def test_what_is_not_right_gets_no_name(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that differs is not kept, nor a sidecar, nor its only shot; the fault is told."""
    encode = ShotEncoder.encode

    def spoil(self, frame, chroma) -> Iterator[Encoded]:  # noqa: ANN001
        if frame.index == 4:
            frame.luma[0, 0] ^= 1
        return encode(self, frame, chroma)

    monkeypatch.setattr(ShotEncoder, "encode", spoil)
    settings = Settings(model=LOSSLESS.model, output=OutputSettings(lossless=True, framemd5=True))
    with pytest.raises(
        OutputError, match=r"not kept.*the luma of 1 frame differs from the source's"
    ):
        colorize_video(film, settings=settings)
    names = {path.name for path in film.parent.iterdir()}
    assert names == {"film.mkv"}


def test_what_is_not_right_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The same command does not come to the same error for ever; whole shots before it stay."""
    film = write_film(tmp_path / "film.mkv", [*soft_shot(1, 8), *soft_shot(2, 8), *soft_shot(3, 8)])
    encode = ShotEncoder.encode

    def spoil(self, frame, chroma) -> Iterator[Encoded]:  # noqa: ANN001
        if frame.index == 10:
            frame.luma[0, 0] ^= 1
        return encode(self, frame, chroma)

    settings = Settings(model=LOSSLESS.model, output=OutputSettings(lossless=True, verify=True))
    with monkeypatch.context() as patched:
        patched.setattr(ShotEncoder, "encode", spoil)
        with pytest.raises(OutputError, match="the next run colors shots from 2 on anew"):
            colorize_video(film, settings=settings)
    caplog.set_level("INFO")
    result = colorize_video(film, settings=settings)
    assert "resuming at shot 2, frame 8" in caplog.text
    assert result.verification is not None
    assert result.verification.first_bad_frame is None


def test_the_program_tells_of_it(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line more, and the sidecar has what was found and both files' checksums."""
    options = ["--lossless", "--device", "cpu", "--render-size", "64"]
    assert main([str(film), *options, "--verify"]) == 0
    out = capsys.readouterr().out.splitlines()
    result = film.with_name("film.colorized.mkv")
    assert out[1] == f"{result}: verified: 12 frames, luma equal, times equal, 3 streams equal"
    facts = read_sidecar(result.with_suffix(".json"))
    assert facts["verification"]["unequal_luma"] == 0
    for told, path in ((facts["source"], film), (facts["output"], result)):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert told["fixity"] == {
            "messageDigestAlgorithm": "SHA-256",
            "messageDigest": digest,
            "size": path.stat().st_size,
        }
    assert not any(path.exists() for path in hash_paths(result))


def test_without_being_asked_it_is_not_read_back(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading back takes time."""

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(verify_module, "verify_film", fail)
    assert colorize_video(film, settings=LOSSLESS).verification is None


@needs_ffmpeg
@pytest.mark.parametrize("depth", [8, 10])
def test_luma_hashes_are_those_of_ffmpeg(tmp_path: Path, depth: int) -> None:
    """Line by line, for source and result, and of a lossless result they are equal."""
    luma = [p.astype(np.uint16) << 2 if depth == 10 else p for p in soft_shot(1, 5)]
    pixel_format = "yuv420p10le" if depth == 10 else "yuv420p"
    film = write_film(tmp_path / "film.mkv", luma, pixel_format=pixel_format)
    settings = Settings(model=LOSSLESS.model, output=OutputSettings(lossless=True, framemd5=True))
    result = colorize_video(film, settings=settings).path
    assert hash_paths(result)[0].name == "film.colorized.source.framemd5"
    for path, hashes in zip((film, result), hash_paths(result), strict=True):
        told = subprocess.run(
            ["ffmpeg", "-v", "quiet", "-i", path, "-vf", "extractplanes=y", "-fps_mode",
             "passthrough", "-enc_time_base", "1:1000", "-f", "framemd5", "-"],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        found = hashes.read_text().splitlines()
        assert [line for line in found if not line.startswith(("#soft", "#sar", "#stream"))] == [
            line for line in told.splitlines() if not line.startswith(("#soft", "#sar", "#stream"))
        ]


def test_hashes_that_are_there_are_not_replaced(film: Path) -> None:
    """As of a film, it is told before anything is done."""
    settings = Settings(model=LOSSLESS.model, output=OutputSettings(lossless=True, framemd5=True))
    film.with_name("film.colorized.framemd5").write_text("old")
    with pytest.raises(OutputError, match=r"film.colorized.framemd5: exists already"):
        colorize_video(film, settings=settings)


def sounded(path: Path, hole: float) -> Path:
    """A film with ten packets of samples, 10 ms each, and a hole behind the second."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("ffv1", rate=25, width=32, height=32, pix_fmt="gray")
        audio = output.add_stream("pcm_s16le", rate=48000, layout="mono")
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32), 90, np.uint8), "gray")
            frame.pts = index
            output.mux(video.encode(frame))
        for index in range(10):
            samples = np.full((1, 480), index, np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = 48000, 480 * index + round(48000 * hole) * (index > 1)
            output.mux(audio.encode(frame))
        output.mux(video.encode(None))
    return path


def test_samples_may_close_a_gap_of_a_packet(tmp_path: Path) -> None:
    """As MOV lays them; what is more is sync that is lost."""
    plain = probe(sounded(tmp_path / "plain.mkv", 0))
    small = probe(sounded(tmp_path / "small.mkv", 0.0105))
    large = probe(sounded(tmp_path / "large.mkv", 0.03))
    assert stream_time_errors(small, plain, "mov") == {}
    assert stream_time_errors(large, plain, "mov") == {"audio 1 (pcm_s16le)": pytest.approx(0.03)}
