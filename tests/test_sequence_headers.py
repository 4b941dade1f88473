from fractions import Fraction
from pathlib import Path

import pytest
from clips import (
    moving_luma,
    picture_bytes,
    with_dpx_header,
)
from image_sequences import colorize

from vidcolor.errors import SourceError
from vidcolor.reading.source import probe
from vidcolor.settings import InputSettings, Settings
from vidcolor.writing.plan import plan_video


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
    assert job.encoding.notes == (f"{float(rate):.6g} frames/s by its images' headers (or --fps)",)
    job = plan_video(pattern, None, Settings(input=InputSettings(fps=Fraction(16))))
    assert job.source.frame_rate == 16
    assert job.encoding.notes == ()


@pytest.mark.parametrize("stated", [None, 0.0, -18.0, 1.0, 4096.0, float("nan"), float("inf")])
def test_without_a_rate_it_is_asked_for(tmp_path: Path, stated: float | None) -> None:
    """No rate is made up, and one that no film has is not believed."""
    pattern = dpx_series(tmp_path, stated)
    with pytest.raises(SourceError, match=r"state no frame rate; give one, such as --fps 24$"):
        probe(pattern)


@pytest.mark.parametrize(
    ("coded", "timecode"),
    [
        ("01020304", "01:02:03:04"), ("10595923", "10:59:59:23"),
        ("ffffffff", None), ("00000000", None), ("25000000", None), ("01620000", None),
    ],
)  # fmt: skip
def test_the_header_tells_the_timecode(tmp_path: Path, coded: str, timecode: str | None) -> None:
    """It is the film's, and its result's; what is not a time of day, or all zeros, is none."""
    pattern = dpx_series(tmp_path, 24.0, coded)
    assert probe(pattern).timecode == timecode
    if coded == "01020304":
        colorize(pattern, tmp_path / "out.mkv", InputSettings())
        assert probe(tmp_path / "out.mkv").timecode == timecode
