import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vidcolor.errors import OutputError
from vidcolor.report.sidecar import COLUMNS, read_sidecar, write_sidecar
from vidcolor.report.timeline import Timeline

Facts = dict[str, Any]


@pytest.fixture
def plot() -> ModuleType:
    """The module, where matplotlib is installed."""
    pytest.importorskip("matplotlib")
    return import_module("vidcolor.report.plot")


def make_facts(folder: Path, seconds: Iterable[float], shot_frames: int = 10) -> Facts:
    """What a sidecar tells of a film with a frame at each of these times."""
    rng = np.random.default_rng(3)
    timeline, frames = Timeline(), 0
    for frames, time in enumerate(seconds, 1):
        shot = (frames - 1) // shot_frames
        hue = 15 * np.array([np.cos(shot), np.sin(shot)])[:, None, None]
        ab = (hue + rng.normal(0, 4, (2, 4, 6))).astype(np.float32)
        timeline.add(ab, seconds=time, shot=shot, confidence=rng.uniform(0.3, 0.6))
    facts = {"source": {"path": "reels/coaches_1899.mpg"}, "model": {"name": "lite"}}
    write_sidecar(folder / "film.json", facts | {"frames": frames} | timeline.figures())
    return read_sidecar(folder / "film.json")


def two_colors(**columns: list[float | None]) -> Facts:
    """Red for two seconds, none for two, blue for one: colors strong enough to be found again."""
    nothing: list[float | None] = [1.0, 1.0, 1.0]
    timeline = dict.fromkeys(COLUMNS, nothing) | columns
    timeline |= {"second": [0, 1, 4], "mean_a": [50, 50, 10], "mean_b": [30, 30, -50]}
    facts: Facts = {"source": {"path": "a.mkv"}, "model": {"name": "lite"}, "frames": 3}
    return facts | {"shots": [{"start_seconds": 0}], "timeline": timeline}


def bgr(a: float, b: float) -> NDArray[np.float64]:
    """What OpenCV shows a color of L* 60 as, in 8-bit codes."""
    lab = np.array([[[60, a, b]]], np.float32)
    return 255.0 * cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)[0, 0]


def columns_in(picture: NDArray[np.uint8], color: NDArray[np.float64]) -> list[int]:
    """Pixel columns in which a color stands in more than a thin line."""
    same = (np.abs(picture - color) < 2).all(2)
    return [int(x) for x in np.flatnonzero(same.sum(0) > 20)]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
@pytest.mark.parametrize(
    "seconds",
    [[0.0], [], [0, 0.5, 7, 7.5, 9e8], np.arange(118) / 30],
    ids=["one frame", "none", "gaps", "film"],
)
def test_twice_the_same_bytes(
    plot: ModuleType, tmp_path: Path, suffix: str, seconds: Iterable[float]
) -> None:
    """Any film can be drawn, and the user's own settings of matplotlib do not change a byte."""
    import matplotlib as mpl

    facts = make_facts(tmp_path, seconds)
    one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
    plot.plot_timeline(facts, one, overwrite=False)
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 20, "svg.hashsalt": "x"}):
        plot.plot_timeline(facts, other, overwrite=False)
        assert mpl.rcParams["axes.facecolor"] == "black"
    assert one.read_bytes() == other.read_bytes()
    assert b"Matplotlib" not in one.read_bytes()
    assert b"dc:date" not in one.read_bytes()


@pytest.mark.slow
def test_a_long_film_of_many_cuts(plot: ModuleType, tmp_path: Path) -> None:
    """3,000 seconds and 500 cuts make a picture that opens, is large enough and not blank."""
    facts = make_facts(tmp_path, range(3006), shot_frames=6)
    assert (len(facts["timeline"]["second"]), len(facts["shots"])) == (3006, 501)
    for name in ("plot.png", "plot.svg"):
        plot.plot_timeline(facts, tmp_path / name, overwrite=False)
    picture = cv2.imread(str(tmp_path / "plot.png"))
    assert picture.shape == (990, 1320, 3)
    assert 0.02 < (picture < 200).any(2).mean() < 0.5
    assert (tmp_path / "plot.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_the_strip_shows_mean_colors_over_time(plot: ModuleType, tmp_path: Path) -> None:
    """Each second has its place and its color, as OpenCV converts it; a gap stays white."""
    plot.plot_timeline(two_colors(), tmp_path / "plot.png", overwrite=False)
    picture = cv2.imread(str(tmp_path / "plot.png"))
    red, blue = columns_in(picture, bgr(50, 30)), columns_in(picture, bgr(10, -50))
    width = (blue[-1] - red[0]) / 5
    assert len(red) == pytest.approx(2 * width, abs=4)
    assert len(blue) == pytest.approx(width, abs=4)
    assert blue[0] - red[-1] == pytest.approx(2 * width, abs=4)
    row = int(np.flatnonzero((np.abs(picture[:, red[9]] - bgr(50, 30)) < 2).all(1))[9])
    assert (picture[row, red[-1] + 9 : blue[0] - 9] == 255).all()


def test_gaps_stay_gaps(plot: ModuleType) -> None:
    """A row without figures stands between two that are not neighbors; others touch."""
    facts = two_colors(flicker=[None, 0.5, 0.75])
    edges, columns = plot.steps_of(facts["timeline"])
    np.testing.assert_array_equal(edges, [0, 1, 2, 4, 5])
    np.testing.assert_array_equal(columns["mean_a"], [50, 50, np.nan, 10])
    np.testing.assert_array_equal(columns["flicker"], [np.nan, 0.5, np.nan, 0.75])


def curves(axes: Any) -> list[list[float]]:
    """The values of each curve of a panel."""
    return [list(patch.get_data().values) for patch in axes.patches]


def test_each_panel_shows_its_column(plot: ModuleType, tmp_path: Path) -> None:
    """From the top: the strip, mean a and b, then a curve a figure, all over the same time."""
    facts = make_facts(tmp_path, np.arange(60) / 10)
    figure = plot.draw_figure(facts)
    names = [("mean_a", "mean_b"), ("colorfulness",), ("confidence",), ("flicker",)]
    for axes, shown in zip(figure.axes[1:], [*names, ("frames_per_second",)], strict=True):
        assert curves(axes) == [facts["timeline"][name] for name in shown]
        assert axes.get_xlim() == (0, 6)
        assert axes.get_ylim()[1] > max(max(curve) for curve in curves(axes))
    assert figure.axes[0].get_xlim() == (0, 6)
    assert figure.axes[3].get_ylim() == (0, 1)
    highest = max(facts["timeline"]["flicker"])
    assert figure.axes[4].get_ylim() == (0, pytest.approx(1.08 * highest))


@pytest.mark.parametrize(("seconds", "unit"), [(300, 1), (301, 60)])
def test_cuts_stand_in_every_panel(
    plot: ModuleType, tmp_path: Path, seconds: int, unit: int
) -> None:
    """A line where each shot but the first begins; long films are told in minutes."""
    figure = plot.draw_figure(make_facts(tmp_path, range(seconds), shot_frames=100))
    expected = np.arange(100, seconds, 100) / unit
    assert len(figure.axes) == 6
    for axes in figure.axes:
        found = [line[0][0] for line in axes.collections[-1].get_segments()]
        np.testing.assert_allclose(found, expected)
    name = "minutes" if unit == 60 else "seconds"
    assert figure.axes[-1].get_xlim() == (0, seconds / unit)
    assert figure.axes[-1].get_xlabel() == f"{name} of film; vertical lines are cuts"


def test_many_cuts_are_paler(plot: ModuleType, tmp_path: Path) -> None:
    """Up to 200 cuts look alike; more are drawn thinner and paler, but never vanish."""
    looks = []
    for cuts in (1, 200, 400, 3000):
        figure = plot.draw_figure(make_facts(tmp_path, range(cuts + 1), shot_frames=1))
        lines = figure.axes[2].collections[-1]
        looks.append((float(lines.get_alpha()), float(lines.get_linewidth()[0])))
    assert looks[0] == looks[1] > looks[2] > looks[3]
    assert looks[3][0] > 0.05


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("reels/coaches_1899.mpg", "coaches_1899.mpg"),
        (r"$\frac$.mkv", r"$\frac$.mkv"),
        ("東京物語.mkv", "東京物語.mkv"),
        ("a\nb\udce9\t.mkv", "a?b??.mkv"),
        ("x" * 99 + ".mkv", "x" * 24 + "…" + "x" * 20 + ".mkv"),
    ],
)
def test_any_name_makes_a_title(plot: ModuleType, tmp_path: Path, path: str, shown: str) -> None:
    """No name is taken for a formula, breaks a line or stops the drawing."""
    facts = make_facts(tmp_path, range(20)) | {"source": {"path": path}}
    plot.plot_timeline(facts, tmp_path / "plot.svg", overwrite=False)
    title = plot.draw_figure(facts).get_suptitle()
    assert title == f"{shown}: model lite, 20 frames, 2 shots"


def test_one_frame_is_no_frames(plot: ModuleType, tmp_path: Path) -> None:
    """The title counts in good English."""
    title = plot.draw_figure(make_facts(tmp_path, [0])).get_suptitle()
    assert title == "coaches_1899.mpg: model lite, 1 frame, 1 shot"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("plot.jpg", "plots are .png or .svg; name one of these with -o"),
        ("plot", "plots are .png or .svg; name one of these with -o"),
        ("film.json", "plots are .png or .svg; name one of these with -o"),
        ("there.png", "exists already; use --overwrite or another -o"),
        ("folder.svg", "exists already; use --overwrite or another -o"),
        ("none/plot.png", "cannot be written (No such file or directory); choose another -o"),
    ],
)
def test_faults_are_told_and_leave_nothing(
    plot: ModuleType, tmp_path: Path, name: str, told: str
) -> None:
    """Each is one line with the file and the remedy; what was there is as it was."""
    (tmp_path / "there.png").write_text("mine")
    (tmp_path / "folder.svg").mkdir()
    facts = make_facts(tmp_path, range(3))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(OutputError) as caught:
        plot.plot_timeline(facts, tmp_path / name, overwrite=False)
    assert str(caught.value) == f"{tmp_path / name}: {told}"
    assert set(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.png").read_text() == "mine"


def test_with_leave_a_picture_is_replaced(plot: ModuleType, tmp_path: Path) -> None:
    """The new picture takes the old one's name, and nothing else is left."""
    target = tmp_path / "plot.PNG"
    target.write_text("old")
    plot.plot_timeline(make_facts(tmp_path, range(3)), target, overwrite=True)
    assert target.read_bytes()[1:4] == b"PNG"
    assert {path.name for path in tmp_path.iterdir()} == {"film.json", "plot.PNG"}


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for the module is one line that tells what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "vidcolor.report.plot", raising=False)
    with pytest.raises(OutputError) as caught:
        import_module("vidcolor.report.plot")
    assert str(caught.value) == "--plot needs matplotlib; pip install matplotlib"


def test_no_display_and_no_global_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyplot, which would look for a window system and keep figures, stays unused."""
    pytest.importorskip("matplotlib")
    for module in ("matplotlib.pyplot", "vidcolor.report.plot"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    plot = import_module("vidcolor.report.plot")
    plot.plot_timeline(make_facts(tmp_path, range(3)), tmp_path / "plot.svg", overwrite=False)
    assert "matplotlib.pyplot" not in sys.modules
