"""Colors that are suggested for a place of a film."""

import re
from pathlib import Path

import numpy as np
import pytest
from cli_runs import run
from clips import soft_shot, write_film

from vidcolor import ModelSettings, SettingError, Settings, SourceError, suggest_colors
from vidcolor.models.zoo import find_model

SETTINGS = Settings(model=ModelSettings(render_size=64, device="cpu"))


@pytest.mark.usefixtures("quiet_surroundings")
def test_colors_are_suggested_for_a_place_of_a_frame(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the very frame, by number, time or timecode; the program prints the same."""
    film = write_film(Path("film.mkv"), [*soft_shot(1, 4), *soft_shot(5, 4)])
    model = find_model(SETTINGS.model)
    found = suggest_colors(film, 5, (0.3, 0.6), SETTINGS, model=model)
    assert 2 <= len(found) <= 6
    assert [one.probability for one in found] == sorted(
        (one.probability for one in found), reverse=True
    )
    assert 0.3 < sum(one.probability for one in found) <= 1 + 1e-6
    assert all(re.fullmatch("#[0-9a-f]{6}", one.color) for one in found)
    for same in ("5", "0.2s", "00:00:00:05"):
        assert suggest_colors(film, same, (0.3, 0.6), SETTINGS, model=model) == found
    assert suggest_colors(film, 1, (0.3, 0.6), SETTINGS, model=model) != found
    assert suggest_colors(film, 5, (0.9, 0.1), SETTINGS, model=model) != found
    with pytest.raises(SettingError, match=r"0\.3,1\.2 lies outside the frame"):
        suggest_colors(film, 5, (0.3, 1.2), SETTINGS, model=model)
    with pytest.raises(SettingError, match="frame: "):
        suggest_colors(film, "soon", (0.3, 0.2), SETTINGS, model=model)
    with pytest.raises(SourceError, match="frame 99f: the film ends before"):
        suggest_colors(film, 99, (0.3, 0.2), SETTINGS, model=model)

    common = ["--render-size", "64", "--device", "cpu"]
    assert run(str(film), "--suggest", "5@0.3,0.6", *common) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "film.mkv: frame 5 at 0.3,0.6"
    assert [row.split()[0] for row in rows] == [one.color for one in found]
    assert rows[0].split()[1] == f"{100 * found[0].probability:.1f}"
    assert run(str(film), "--suggest", "99@0.3,0.6", *common) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit):
        run(str(film), "--suggest", "5@0.3", *common)
    assert "'5@0.3' is no place" in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"film.mkv"}


def test_bars_around_the_picture_are_not_looked_at(tmp_path: Path) -> None:
    """A letterboxed film gives what the picture in it gives; a point on a bar is refused."""
    picture = soft_shot(3, 2)
    plain = write_film(tmp_path / "plain.mkv", picture)
    boxed = [np.pad(one, ((16, 16), (0, 0)), constant_values=16) for one in picture]
    film = write_film(tmp_path / "boxed.mkv", boxed)
    model = find_model(SETTINGS.model)
    found = suggest_colors(film, 1, (0.3, (16 + 0.26 * 64) / 96), SETTINGS, model=model)
    assert found == suggest_colors(plain, 1, (0.3, 0.26), SETTINGS, model=model)
    with pytest.raises(SettingError, match=r"point: 0\.3,0\.05 lies on the bars"):
        suggest_colors(film, 1, (0.3, 0.05), SETTINGS, model=model)
