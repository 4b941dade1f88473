import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from clips import soft_shot, write_film
from PIL import Image

import vidcolor
from vidcolor.errors import SourceError
from vidcolor.models import zoo
from vidcolor.photos.read import read_photograph
from vidcolor.settings import ModelSettings, Settings, TemporalSettings

SETTINGS = Settings(model=ModelSettings(render_size=64))
PAGE = Path(__file__).parents[1] / "docs" / "python.md"


@pytest.fixture(scope="module")
def colorizer() -> vidcolor.Colorizer:
    """One for all tests, as users have one for all frames."""
    return vidcolor.Colorizer(SETTINGS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_frame_keeps_its_luma(colorizer: vidcolor.Colorizer, dtype: type) -> None:
    """Arrays in, arrays of the same type out; the luma by BT.601 is the one given."""
    luma = soft_shot(3, 1)[0].astype(dtype) * (257 if dtype == np.uint16 else 1)
    luma.flags.writeable = False
    rgb = colorizer.colorize_frame(luma)
    assert rgb.shape == (*luma.shape, 3)
    assert rgb.dtype == dtype
    weights = np.array([0.299, 0.587, 0.114])
    assert np.array_equal(np.rint(rgb @ weights).astype(dtype), luma)
    assert np.ptp(rgb.astype(int), axis=2).max() > 0.02 * np.iinfo(dtype).max


def test_an_rgb_frame_is_colored_by_its_luma(colorizer: vidcolor.Colorizer) -> None:
    """Gray R'G'B' is the gray; what color it had plays no part."""
    luma = soft_shot(3, 1)[0]
    gray = colorizer.colorize_frame(np.dstack([luma] * 3))
    assert np.array_equal(gray, colorizer.colorize_frame(luma))


def test_a_frame_is_colored_as_a_photograph_is(
    colorizer: vidcolor.Colorizer, tmp_path: Path
) -> None:
    """By whichever way it comes in."""
    luma = soft_shot(3, 1)[0]
    source = tmp_path / "a.png"
    Image.fromarray(luma).save(source)
    result = colorizer.colorize_photo(source)
    assert np.array_equal(np.asarray(Image.open(result.path)), colorizer.colorize_frame(luma))
    assert np.array_equal(read_photograph(result.path).luma, luma)


def test_frames_of_a_film_come_out_in_order(colorizer: vidcolor.Colorizer) -> None:
    """All of them, each with its luma, smoothed over time."""
    shots = [*soft_shot(1, 12), *soft_shot(2, 9)]
    made = list(colorizer.colorize_frames(iter(shots)))
    assert len(made) == len(shots)
    weights = np.array([0.299, 0.587, 0.114])
    for rgb, luma in zip(made, shots, strict=True):
        assert np.array_equal(np.rint(rgb @ weights).astype(np.uint8), luma)
    alone = [colorizer.colorize_frame(luma) for luma in shots]
    assert any(not np.array_equal(a, b) for a, b in zip(made, alone, strict=True))


def test_frames_without_smoothing_are_those_one_by_one() -> None:
    """Then time plays no part, and the net is asked about each."""
    settings = Settings(model=ModelSettings(render_size=64), temporal=TemporalSettings(smoothing=0))
    shot = soft_shot(1, 5)
    with vidcolor.Colorizer(settings) as colorizer:
        for rgb, luma in zip(colorizer.colorize_frames(shot), shot, strict=True):
            assert np.array_equal(rgb, colorizer.colorize_frame(luma))


def test_weights_are_loaded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However much is colored; and not before one is made."""
    loads = 0
    load = zoo.load_model

    def counted(*given: object, **named: object) -> object:
        nonlocal loads
        loads += 1
        return load(*given, **named)

    monkeypatch.setattr(zoo, "load_model", counted)
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 4))
    with vidcolor.Colorizer(SETTINGS) as colorizer:
        for _ in range(3):
            colorizer.colorize_frame(soft_shot(1, 1)[0])
        result = colorizer.colorize_video(film)
        assert result.frames == 4
    assert loads == 1


def test_a_closed_one_says_so() -> None:
    """And what it is, before and after."""
    with vidcolor.Colorizer(SETTINGS) as colorizer:
        assert "lite" in repr(colorizer)
    assert repr(colorizer) == "Colorizer(closed)"
    with pytest.raises(ValueError, match="is closed; make another"):
        colorizer.colorize_frame(np.zeros((64, 64), np.uint8))


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((8, 8), np.float32), r"\(8, 8\) float32; give luma"),
        (np.zeros((8, 8, 4), np.uint8), r"\(8, 8, 4\) uint8; give luma"),
        (np.zeros(8, np.uint8), r"\(8,\) uint8; give luma"),
        (np.zeros((0, 8), np.uint8), "has no pixels"),
    ],
)
def test_other_arrays_are_refused(
    colorizer: vidcolor.Colorizer, array: np.ndarray, told: str
) -> None:
    """The text gives the shape, and what is taken."""
    with pytest.raises(ValueError, match=told):
        colorizer.colorize_frame(array)


def test_frames_of_another_size_are_refused(colorizer: vidcolor.Colorizer) -> None:
    """In the middle of a film."""
    frames = [np.zeros((64, 64), np.uint8), np.zeros((64, 72), np.uint8)]
    with pytest.raises(SourceError, match=r"frame 1 is \(64, 72\) uint8, the first is \(64, 64\)"):
        list(colorizer.colorize_frames(frames))


def test_memory_does_not_grow_with_calls(colorizer: vidcolor.Colorizer) -> None:
    """What a call took is free when it returns."""
    luma = soft_shot(1, 1)[0]
    colorizer.colorize_frame(luma)
    tracemalloc.start()
    try:
        for _ in range(5):
            colorizer.colorize_frame(luma)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(25):
            colorizer.colorize_frame(luma)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 60_000


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand there."""
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "film.mkv", soft_shot(1, 4))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})  # noqa: S102 - it is the page's
    assert (tmp_path / "film.colorized.mkv").is_file()
