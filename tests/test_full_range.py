"""Full range survives, or is refused at once; and files say all that other programs read."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from clips import write_film

from vidcolor.cli.main import main

FAST = ["--device", "cpu", "--render-size", "64", "-q"]


def full_range(path: Path) -> Path:
    """A gray film of full range, of two frames."""
    with av.open(path, "w") as output:
        stream = output.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        stream.codec_context.color_range = 2
        for value in (4, 252):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64), value, np.uint8), "gray")
            frame.color_range = 2
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def test_prores_is_refused_for_full_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot say so, and players would crush the film; the line names what can."""
    film = full_range(tmp_path / "full.mkv")
    assert main([str(film), "--for", "edit", *FAST]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "full range" in told[0]
    assert "--codec" in told[0]
    assert not list(tmp_path.glob("*.mov"))


def test_full_range_is_said_with_matrix_primaries_and_transfer(tmp_path: Path) -> None:
    """Browsers take full range for limited where one of the four is missing."""
    film = full_range(tmp_path / "full.mkv")
    made = tmp_path / "made.mp4"
    assert main([str(film), "-o", str(made), *FAST]) == 0
    with av.open(made) as opened:
        context = opened.streams.video[0].codec_context
        assert context.color_range == 2
        assert 2 not in {context.colorspace, context.color_primaries, context.color_trc}


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_every_container_says_that_the_color_is_synthetic(tmp_path: Path, suffix: str) -> None:
    """In a tag that FFprobe shows."""
    source = tmp_path / f"film{suffix}"
    write_film(source, [np.full((48, 64), value, np.uint8) for value in (50, 90)], codec="libx264")
    made = tmp_path / f"made{suffix}"
    assert main([str(source), "-o", str(made), *FAST]) == 0
    with av.open(made) as opened:
        assert "synthetic" in " ".join(opened.metadata.values())


def test_dpx_states_one_offset_twice(tmp_path: Path) -> None:
    """That of the file and that of the element (SMPTE 268M), which other programs read."""
    source = tmp_path / "film.mkv"
    write_film(source, [np.full((48, 64), value, np.uint8) for value in (50, 90)])
    assert main([str(source), "-o", str(tmp_path / "out" / "%04d.dpx"), *FAST]) == 0
    for picture in (tmp_path / "out").glob("*.dpx"):
        data = picture.read_bytes()
        order = ">" if data[:4] == b"SDPX" else "<"
        assert struct.unpack_from(f"{order}I", data, 4) == struct.unpack_from(
            f"{order}I", data, 808
        )
