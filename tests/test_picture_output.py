import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import (
    Extras,
    ask_ffprobe,
    moving_luma,
    needs_ffmpeg,
    soft_shot,
    with_dpx_header,
    write_film,
    write_series,
)
from killing import kill_at, stop_at

from vidcolor import colorize_video
from vidcolor.cli.main import main
from vidcolor.errors import OutputError
from vidcolor.reels.ledger import NAME
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import InputSettings, ModelSettings, OutputSettings, Settings
from vidcolor.writing.dpx import place_picture
from vidcolor.writing.plan import plan_video
from vidcolor.writing.shot_encoder import ShotEncoder

SETTINGS = Settings(
    model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(verify=True)
)
FAST = ["--device", "cpu", "--render-size", "64"]
SHOT_FRAMES = 5
WEIGHTS_709 = np.array([0.2126, 0.7152, 0.0722])
WEIGHTS_601 = np.array([0.299, 0.587, 0.114])


def shots() -> list[np.ndarray]:
    """The luma of three shots."""
    return [plane for seed in (1, 2, 3) for plane in soft_shot(seed, SHOT_FRAMES)]


def widened(luma: np.ndarray) -> np.ndarray:
    """Codes from 16 to 235 as codes from 0 to 255."""
    return np.clip(np.rint((luma.astype(float) - 16) * 255 / 219), 0, 255)


@pytest.fixture(scope="module")
def made_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three shots with timecode, 8 bits of limited range."""
    extras = Extras(metadata={"timecode": "01:00:00:20"}, audio=["aac"])
    return write_film(tmp_path_factory.mktemp("film") / "film.mkv", shots(), extras=extras)


@pytest.fixture
def film(made_film: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own."""
    return Path(shutil.copy(made_film, tmp_path))


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a folder."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def read_rgb(path: Path, pixel_format: str) -> np.ndarray:
    """A picture as FFmpeg reads it, (H, W, 3)."""
    with av.open(str(path), format="image2", options={"pattern_type": "none"}) as opened:
        return next(opened.decode(video=0)).to_ndarray(format=pixel_format)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".dpx"])
def test_a_film_becomes_pictures(tmp_path: Path, film: Path, suffix: str) -> None:
    """One picture a frame, in color, whose luma is the film's widened to full range."""
    result = colorize_video(film, tmp_path / "new" / f"a_%05d{suffix}", SETTINGS)
    assert str(result.verification) == "15 frames, luma equal"
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == [f"a_{index:05d}{suffix}" for index in range(15)]
    for index in (0, 14):
        rgb = read_rgb(tmp_path / "new" / names[index], "rgb24").astype(np.float64)
        np.testing.assert_array_equal(np.rint(rgb @ WEIGHTS_601), widened(shots()[index]))
        assert np.ptp(rgb, axis=-1).max() > 3


@pytest.mark.parametrize(
    ("depth", "suffix", "written"),
    [(10, ".dpx", 10), (12, ".dpx", 12), (16, ".dpx", 16), (10, ".png", 16), (16, ".tif", 16)],
)
def test_pictures_are_as_deep_as_the_film(
    tmp_path: Path, depth: int, suffix: str, written: int
) -> None:
    """The smallest format that holds all of its codes; each code comes through."""
    source = write_film(
        tmp_path / "film.mkv", moving_luma(2, depth=depth), pixel_format=f"gray{depth}le"
    )
    settings = replace(SETTINGS, force=True)
    result = colorize_video(source, tmp_path / "new" / f"%d{suffix}", settings)
    assert str(result.verification) == "2 frames, luma equal"
    with av.open(str(tmp_path / "new" / f"1{suffix}")) as opened:
        assert opened.streams.video[0].format.components[0].bits == written


@needs_ffmpeg
def test_dpx_tells_its_place(tmp_path: Path, film: Path) -> None:
    """FFmpeg reads the timecode; a piece is numbered from 0, its headers count the whole film."""
    settings = replace(SETTINGS, start_seconds=Fraction(8, 25), duration_seconds=Fraction(6, 25))
    colorize_video(film, tmp_path / "new" / "%06d.dpx", settings)
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert (names[0], names[-1], len(names)) == ("000000.dpx", "000005.dpx", 6)
    told = ask_ffprobe(tmp_path / "new" / "000000.dpx", "-show_frames", "-show_streams")
    assert told["frames"][0]["tags"]["timecode"] == "01:00:01:03"
    data = (tmp_path / "new" / "000000.dpx").read_bytes()
    order = "little" if data.startswith(b"XPDS") else "big"
    assert int.from_bytes(data[1712:1716], order) == 8
    assert int.from_bytes(data[16:20], order) == len(data)
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-xerror",
            "-i",
            tmp_path / "new" / "%06d.dpx",
            "-f",
            "null",
            "-",
        ],
        check=True,
    )


def test_dpx_headers_hold_what_others_write() -> None:
    """The header is the one that the tests' own writer makes of the same picture."""
    plain = (soft := np.zeros((4, 4, 3), np.uint8)) is soft and _dpx(soft)
    expected = bytearray(with_dpx_header(plain, rate=24.0, timecode="ffffffff"))
    placed = place_picture(plain, 7, Fraction(24), None)
    # Sizes, the element's offset, place and television's rate: not written there.
    for field in (24, 28, 808, 1712, 1940):
        expected[field : field + 4] = placed[field : field + 4]
    assert placed == bytes(expected)
    assert placed[808:812] == placed[4:8]  # SMPTE 268M: where the picture begins, said twice


def _dpx(picture: np.ndarray) -> bytes:
    context = av.CodecContext.create("dpx", "w")
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = "rgb24", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in context.encode(frame))


def test_a_series_keeps_its_numbers(tmp_path: Path) -> None:
    """Pictures become pictures of the same numbers; a missing one stays missing."""
    paths = write_series(tmp_path / "scan" / "s_%04d.png", soft_shot(1, 6), first=120)
    paths[2].unlink()
    inputs = InputSettings(fps=Fraction(18), gaps="hold")
    settings = replace(SETTINGS, input=inputs)
    result = colorize_video(tmp_path / "scan" / "s_%04d.png", tmp_path / "n" / "%05d.tif", settings)
    found = sorted(path.name for path in (tmp_path / "n").iterdir())
    assert found == [f"{number:05d}.tif" for number in (120, 121, 122, 123, 124, 125)]
    assert result.verification is not None
    assert result.verification.unequal_luma == 0


def test_names_follow_the_source(
    tmp_path: Path, film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--codec` alone writes a folder beside the film, or in the one named, six digits a number."""
    assert main([str(film), "--codec", "png", "--duration", "0.08", *FAST, "-q"]) == 0
    made = tmp_path / "film.0s+0.08s.colorized"
    assert {p.name for p in made.iterdir()} == {"000000.png", "000001.png"}
    assert made.with_name(f"{made.name}.json").exists()
    write_series(tmp_path / "scan" / "s_%04d.png", soft_shot(1, 2), first=3)
    out = tmp_path / "out"
    command = [
        str(tmp_path / "scan"),
        "--fps",
        "18",
        "--codec",
        "dpx",
        "-o",
        f"{out}/",
        *FAST,
        "-q",
    ]
    assert main(command) == 0
    assert {p.name for p in (out / "s.colorized").iterdir()} == {"s_0003.dpx", "s_0004.dpx"}
    assert main([str(out), "-r", *FAST]) == 1
    assert "out: holds no film" in capsys.readouterr().err  # made pictures are no reel


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "calls"),
    [
        ("vidcolor.writing.sequence_writer:PictureWriter.keep", (3, 8)),
        ("vidcolor.film.checkpoint:Checkpoint.end_film", (1,)),
        ("pathlib:Path.rename", (1,)),
        ("vidcolor.film.colorize:write_sidecar", (1,)),
        ("vidcolor.film.checkpoint:Checkpoint.remove", (1,)),
    ],
)
def test_killed_pictures_end_with_the_same_bytes(
    tmp_path: Path, film: Path, place: str, calls: tuple[int, ...]
) -> None:
    """Killed anywhere and run again, all pictures are byte-equal and nothing else is left."""
    whole = colorize_video(film, tmp_path / "whole" / "%06d.dpx", SETTINGS)
    place_of_work = tmp_path / "place"
    place_of_work.mkdir()
    output = place_of_work / "new" / "%06d.dpx"
    for nth in calls:
        kill_at(place, nth, film, output, SETTINGS)
    colorize_video(film, output, SETTINGS)
    assert digests(place_of_work / "new") == digests(tmp_path / "whole")
    assert {path.name for path in place_of_work.iterdir()} == {"new", "new.json"}
    assert whole.shots == len(read_sidecar(place_of_work / "new.json")["shots"])


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"other"), Path.unlink])
def test_a_changed_picture_is_made_anew(
    tmp_path: Path, film: Path, caplog: pytest.LogCaptureFixture, change: Callable[[Path], object]
) -> None:
    """What was kept of whole shots is read again at the end; its shot is made anew, with a word."""
    output = tmp_path / "new" / "%06d.png"
    stop_at(SHOT_FRAMES + 2, film, output, SETTINGS)
    change(tmp_path / ".new.pictures" / "000003.png")
    colorize_video(film, output, SETTINGS)
    assert "the checkpoint is damaged" in caplog.text
    unbroken = tmp_path / "unbroken"
    colorize_video(film, unbroken / "%06d.png", SETTINGS)
    made = sorted((tmp_path / "new").iterdir())
    assert len(made) == 3 * SHOT_FRAMES
    assert [one.read_bytes() for one in made] == [
        one.read_bytes() for one in sorted(unbroken.iterdir())
    ]


def test_other_names_begin_anew(
    tmp_path: Path, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Pictures that were kept under other names are not gone on with."""
    stop_at(SHOT_FRAMES + 2, film, tmp_path / "new" / "%06d.png", SETTINGS)
    colorize_video(film, tmp_path / "new" / "%04d.png", SETTINGS)
    assert len(list((tmp_path / "new").iterdir())) == 3 * SHOT_FRAMES
    assert "starting over" in caplog.text


def test_overwriting_replaces_all_pictures(tmp_path: Path, film: Path) -> None:
    """Old pictures, more of them too, go away with their folder, and only with leave."""
    old = write_series(tmp_path / "new" / "%06d.png", soft_shot(4, 40))
    with pytest.raises(OutputError, match="new: holds images already; use --overwrite"):
        colorize_video(film, tmp_path / "new" / "%06d.png", SETTINGS)
    leave = replace(SETTINGS, output=OutputSettings(overwrite=True))
    colorize_video(film, tmp_path / "new" / "%06d.png", leave)
    assert not old[-1].exists()
    assert len(list((tmp_path / "new").iterdir())) == 3 * SHOT_FRAMES


@pytest.mark.parametrize(
    ("output", "options", "text"),
    [
        ("%06d.png", [], "an image sequence needs its own folder; name a new one"),
        ("new/%06d.jpg", [], "image sequences are written as .dpx .png .tif .tiff"),
        ("mine/%06d.png", [], "mine: holds notes.txt, but an image sequence needs its own folder"),
        ("film.mkv/%06d.png", [], "film.mkv: is not a folder; name another one for the images"),
        (
            "new/%06d.png",
            ["--for", "edit"],
            "--for edit does not apply to image sequences; leave it out",
        ),
        ("new/%06d.png", ["--chroma-only"], "--chroma-only does not apply to image sequences"),
        ("new/%06d.png", ["--codec", "dpx"], "--codec dpx does not apply to image sequences"),
        ("new/%06d.png", ["--crf", "3"], "png has no --crf"),
        (
            "new/%06d.png",
            ["--pixel-format", "yuv420p"],
            "yuv420p: not for png images of 8-bit luma; choose rgb24",
        ),
        ("no/such/%06d.png", [], "no: no such folder; make it first"),
    ],
)
def test_what_pictures_cannot_be(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *,
    output: str, options: list[str], text: str,
) -> None:  # fmt: skip
    """Each is one line, and nothing is left behind."""
    monkeypatch.chdir(film.parent)
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    before = sorted(Path().rglob("*"))
    assert main(["film.mkv", "-o", output, *options, *FAST]) == 1
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "mean" not in one][-1:]
    assert text in line
    assert sorted(Path().rglob("*")) == before


def test_pictures_are_not_written_over_their_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder that the input lies in is refused, even with leave to overwrite."""
    pattern = tmp_path / "scan" / "%06d.png"
    write_series(pattern, soft_shot(1, 3))
    assert main([str(pattern), "--fps", "18", "-o", str(pattern), "--overwrite", *FAST]) == 1
    assert "is where the input lies; name another output" in capsys.readouterr().err


def test_what_is_lost_is_told(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sound, times and the range are no part of pictures; a dry run says so, and where they go."""
    out = film.parent / "new" / "%06d.dpx"
    assert main([str(film), "-o", str(out), "-n", *FAST]) == 0
    told = capsys.readouterr()
    assert "images cannot hold audio 1 (aac): left out" in told.err
    assert "their rate is the film's mean, 25 frames/s" in told.err
    assert "luma below black" in told.err
    assert f"output    {out}" in told.out
    assert ".new.pictures, until all images are written" in told.out
    assert not (film.parent / "new").exists()


def test_the_ledger_knows_them(
    tmp_path: Path, film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reel that is done as pictures is not done twice; one that lost a picture is not done."""
    command = [str(film), "--codec", "png", "-o", f"{tmp_path / 'out'}/", *FAST]
    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 0
    assert "already done" in capsys.readouterr().out
    (tmp_path / "out" / "film.colorized" / "000004.png").unlink()
    assert main(command) == 1
    assert "holds images already" in capsys.readouterr().err


def test_pictures_in_a_bag(tmp_path: Path, film: Path) -> None:
    """Every picture is in the manifest of a bag, and no other run's leavings are."""
    assert main([str(film), "--codec", "png", "-o", str(tmp_path / "bag"), "--bagit", *FAST]) == 0
    manifest = (tmp_path / "bag" / "manifest-sha256.txt").read_text().splitlines()
    assert len(manifest) == 3 * SHOT_FRAMES + 1
    again = [str(film), "--codec", "png", "-o", str(tmp_path / "bag"), "--bagit", "-q", *FAST]
    assert main(again) == 0
    assert (tmp_path / "bag" / NAME).exists()


def test_the_sidecar_tells_of_them(tmp_path: Path, film: Path) -> None:
    """Their names, and the checksum of all in order as of one file."""
    colorize_video(film, tmp_path / "new" / "%06d.png", SETTINGS)
    told = json.loads((tmp_path / "new.json").read_text())["output"]
    pictures = b"".join(p.read_bytes() for p in sorted((tmp_path / "new").iterdir()))
    assert told["path"].endswith("new/%06d.png")
    assert told["fixity"]["messageDigest"] == hashlib.sha256(pictures).hexdigest()
    assert told["container"] == "image2"


def test_verification_sees_a_wrong_picture(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another luma is told, and the pictures do not get their name."""
    in_rgb = ShotEncoder._in_rgb

    def spoiled(self, frame, chroma):  # noqa: ANN001, ANN202
        made = in_rgb(self, frame, chroma)
        codes = made.to_ndarray(format="rgb24")
        codes[5, 5] ^= 128
        return av.VideoFrame.from_ndarray(codes, format="rgb24")

    monkeypatch.setattr(ShotEncoder, "_in_rgb", spoiled)
    with pytest.raises(OutputError, match="the luma of 15 frames differs from the source's"):
        colorize_video(film, tmp_path / "new" / "%06d.png", SETTINGS)
    assert not (tmp_path / "new").exists()


def test_pictures_say_their_plan(tmp_path: Path) -> None:
    """BT.709 film keeps its matrix in the colors: cv2 sees the luma that was coded."""
    big = write_film(tmp_path / "hd.mkv", soft_shot(1, 2), colorspace=1)
    job = plan_video(big, tmp_path / "new" / "%d.png", SETTINGS)
    assert job.encoding.rgb_depth == 8
    colorize_video(big, tmp_path / "new" / "%d.png", SETTINGS)
    rgb = cv2.cvtColor(cv2.imread(str(tmp_path / "new" / "0.png")), cv2.COLOR_BGR2RGB)
    wanted = widened(soft_shot(1, 2)[0])
    np.testing.assert_array_equal(np.rint(rgb.astype(float) @ WEIGHTS_709), wanted)
