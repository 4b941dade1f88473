from pathlib import Path

import pytest
from clips import CLIPS, FORMATS, REFUSED, needs_ffmpeg
from compare_films import ASPECTS, problems

from vidcolor.cli.main import main

# What the program must say of damage in the file; of no other file may it say anything.
DAMAGED = {
    "bit-flips-ffv1-checksums.mkv": "frames are damaged",
    "bit-flips.mp4": "1 frame is damaged",
    "truncated.mkv": "the file ends",
    "made-bitflips-ffv1-crc.mkv": "frames are damaged",
    "made-bitflips.mp4": "frames are damaged",
    "made-truncated.mkv": "the file ends",
    "real-corrupt-h264.mp4": "1 packet does not decode, 1 frame is damaged",
}
# FFmpeg leaves out some tags in Matroska: docs/formats.md tells which.
KEPT = tuple(name for name in ASPECTS if name != "tags")
# Minutes of work for what is held elsewhere.
LEFT_OUT = {
    "real-mxf-jpeg2000-4k-pq-truncated.mxf",  # RGB is in real-rawcooked-..., cut films are above
    "real-yuv444-seek-breaks.mp4",  # seeking in it is a test of the reader
    "real-av1.mkv",  # ours of the same codecs, in as many seconds less, are av1.mkv and
    "real-no-duration-vp9-opus.webm",  # without-duration-vp9.webm
}
# Ours are made by a script, one for each trait; the others have come from cameras and archives.
ALL = {path.name: path for path in (*FORMATS.glob("*.*"), *CLIPS.glob("formats/real-*.*"))}
FILMS = sorted(ALL.keys() - REFUSED.keys() - LEFT_OUT)


def colorize(film: Path, output: Path) -> int:
    """The exit code of a lossless run with the smallest picture for the network."""
    options = ["--lossless", "--force", "--quiet", "--render-size", "64", "--device", "cpu"]
    return main([str(film), "-o", str(output), *options])


@needs_ffmpeg
@pytest.mark.parametrize("name", FILMS)
def test_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """All that the source has is in the result by other programs' word; damage is told."""
    assert colorize(ALL[name], tmp_path / "out.mkv") == 0
    told = capsys.readouterr().err
    assert DAMAGED[name] in told if name in DAMAGED else told == ""
    assert problems(ALL[name], tmp_path / "out.mkv", *KEPT) == []


@pytest.mark.parametrize("name", sorted(REFUSED.keys() & ALL.keys()))
def test_what_cannot_be_opened_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A file without a picture that decodes is told in one line, and nothing is written."""
    assert colorize(ALL[name], tmp_path / "out.mkv") == 1
    err = capsys.readouterr().err
    assert err.startswith(f"vidcolor: {ALL[name]}: {REFUSED[name]}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
