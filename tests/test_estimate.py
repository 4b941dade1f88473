"""What a dry run says that a film will take."""

import re
import shutil
from collections import namedtuple
from pathlib import Path

import av
import pytest
from clips import soft_shot, write_film

from vidcolor.cli.main import main
from vidcolor.film.estimate import estimate
from vidcolor.models.zoo import load_model
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.writing.plan import plan_video

FRAMES = 100


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A film that is longer than the sample."""
    monkeypatch.chdir(tmp_path)
    return write_film(Path("film.mkv"), soft_shot(0, FRAMES))


def test_the_size_is_about_that_of_the_film(film: Path) -> None:
    """From the sample; every frame of FFV1 is coded by itself, so one tells of another."""
    settings = Settings(output=OutputSettings(lossless=True), model=ModelSettings(render_size=64))
    found = estimate(plan_video(film, None, settings), load_model("lite", "cpu"))
    assert found is not None
    assert found.frames == FRAMES
    assert found.seconds > 0
    assert not list(Path().glob("film.colorized*"))
    assert main(["film.mkv", "--lossless", "--render-size", "64", "-q"]) == 0
    with av.open("film.colorized.mkv") as container:
        size = sum(packet.size for packet in container.demux(video=0))
    assert found.bytes == pytest.approx(size, rel=0.2)


@pytest.mark.usefixtures("film")
def test_a_full_disk_is_told_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is needed and what is left."""
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as of shutil
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000, 0, 1000))
    assert main(["film.mkv", "-n", "-o", "other.mkv", "--render-size", "64"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"  takes     about 0:0\d:\d\d on this machine, 0\.1 MB", out)
    assert "other.mkv: needs about 0.1 MB until it is complete, but " in err
    assert "has 0.1 MB left; choose another -o" in err
