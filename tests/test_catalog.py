"""The table of all models."""

from pathlib import Path

import pytest

from vidcolor.cli.main import main
from vidcolor.models import catalog, zoo
from vidcolor.models.catalog import list_models, models_table
from vidcolor.models.released import RELEASED
from vidcolor.nets.table import NETS


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folders, empty."""
    monkeypatch.setattr(zoo.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr(zoo.platformdirs, "user_data_path", lambda _: tmp_path / "data")
    monkeypatch.setattr(catalog, "count_gmac", lambda _: 5.0)
    return tmp_path


def test_all_models_are_listed_with_what_is_known_of_them() -> None:
    """What ships is here; what others released has their licence and size; ours must be trained."""
    found = {one.name: one for one in list_models()}
    assert found.keys() == NETS.keys()
    lite = found["lite"]
    assert (lite.state, lite.licence, lite.predicts) == ("ships", "Apache-2.0", "histograms")
    assert lite.speed == "fast"
    assert lite.megabytes == pytest.approx(9, abs=1)
    video = found["deoldify-video"]
    assert (video.megabytes, video.licence) == (874.06623, "MIT")
    assert (video.state, video.speed) == ("fetched at its first use", "slow, for a GPU")
    assert video.gmac == pytest.approx(141 * 2.25)
    assert found["ddcolor-paper"].megabytes is None
    assert found["residual"].state == "to be trained: scripts/train.py"


def test_what_is_here_is_told_so(folders: Path) -> None:
    """Converted, or put where the message says, or trained."""
    cached = folders / "cache" / RELEASED["siggraph17"].file.name
    trained = folders / "data" / "models" / "residual.safetensors"
    for path in (cached, trained):
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(2_000_000))
    found = {one.name: one for one in list_models()}
    for name in ("siggraph17", "residual"):
        assert (found[name].state, found[name].megabytes) == ("here", 2)
    assert found["ddcolor"].state == "fetched at its first use"


def test_the_program_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, in columns; no film is needed, and none allowed."""
    assert main(["--models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == models_table().splitlines()
    assert len(lines) == 1 + len(NETS)
    assert lines[0].split()[:4] == ["model", "gives", "MB", "licence"]
    assert [line.split()[0] for line in lines[1:]] == list(NETS)
    with pytest.raises(SystemExit) as ended:
        main(["--models", "film.mkv"])
    assert ended.value.code == 2
    assert "--models and FILM cannot be combined" in capsys.readouterr().err


def test_ours_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch, without computing; the paper has a table of the plain net's 23 layers."""
    monkeypatch.undo()
    assert 0.5 < catalog.count_gmac("lite") < 2
    assert catalog.count_gmac("eccv16") == pytest.approx(41.8, abs=0.1)
