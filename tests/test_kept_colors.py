"""Decoded colors that are kept: what only grades them asks no network; the bytes are the same."""

import logging
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import soft_shot, write_film

from vidcolor import (
    ColorScript,
    ColorSettings,
    Hint,
    HueMap,
    ModelSettings,
    OutputSettings,
    Range,
    Settings,
    colorize_video,
)
from vidcolor.files import work_path
from vidcolor.film import kept_colors
from vidcolor.film.kept_colors import ColorCache
from vidcolor.models.zoo import Model, find_model

A, B = (soft_shot(seed, 12) for seed in (1, 2))
HINT = Hint(frame="3", color="#a05848", box=(0.25, 0.25, 0.5, 0.5))
FIRST = ColorScript(ranges=(Range(shots="2", temperature=20),), hints=(HINT,))
MODEL = ModelSettings(render_size=64, device="cpu")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots of six frames: A B A."""
    return write_film(tmp_path_factory.mktemp("kept") / "film.mkv", [*A[:6], *B[:6], *A[6:]])


def made(
    film: Path, output: Path, script: ColorScript | None = FIRST, keep: int | None = None, **k: Any
) -> bytes:
    """The bytes of the film with a script."""
    options = OutputSettings(overwrite=True, lossless=True)
    settings = Settings(model=MODEL, output=options, keep_colors=keep, **k)
    made = colorize_video(film, output, settings, script=script, model=lite())
    return made.path.read_bytes()


@lru_cache(maxsize=1)
def lite() -> Model:
    """The model, loaded once."""
    return find_model(MODEL)


def kept() -> list[Path]:
    """The files of kept colors."""
    return sorted(kept_colors.colors_folder().glob("*.colors"))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A network that must not be asked while there is anything in this list."""
    from vidcolor.pipeline import shot

    refused: list[bool] = []
    predict = shot.predict_frames

    def ask(*given: Any, **named: Any) -> Any:
        assert not refused, "the network is asked"
        return predict(*given, **named)

    monkeypatch.setattr(shot, "predict_frames", ask)
    return refused


GRADED = (
    Range(saturation=0.5),
    Range(shots="1", color=False),
    Range(shots="2-3", tint=9, hue=(HueMap(first=0, last=200, to_first=100, to_last=200),)),
)


def test_what_only_grades_asks_no_network(
    film: Path, tmp_path: Path, no_network: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither ranges of a script, nor the user's saturation; the bytes are as from scratch."""
    caplog.set_level(logging.INFO)
    target, other = tmp_path / "film.mkv", tmp_path / "fresh.mkv"
    made(film, target)
    assert len(kept()) == 3
    for change in ({"ranges": GRADED}, {"ranges": ()}):
        script = replace(FIRST, **change)
        fresh = made(film, other, script, keep=0)
        no_network.append(True)
        assert made(film, target, script) == fresh
        no_network.clear()
    muted = {"color": ColorSettings(saturation=0.7)}
    fresh = made(film, other, keep=0, **muted)
    no_network.append(True)
    assert made(film, target, **muted) == fresh
    assert "3 of them without the network" in caplog.messages[-1]
    with pytest.raises(Exception, match="the network is asked"):
        made(film, other, replace(FIRST, ranges=GRADED), keep=0, **muted)


def test_what_decides_predictions_asks_it_again(film: Path, tmp_path: Path) -> None:
    """Vividness, and hints: of the shots that they reach, and of those that return to these."""
    target, other = tmp_path / "film.mkv", tmp_path / "fresh.mkv"
    made(film, target)
    seen = []
    for script, new in (
        (replace(FIRST, ranges=(Range(shots="2", vividness=1.0),)), 1),
        (replace(FIRST, hints=(replace(HINT, color="#4858a0"),)), 2),
        (replace(FIRST, hints=()), 2),
    ):
        before = set(kept())
        assert made(film, target, script) == made(film, other, script, keep=0)
        assert len(set(kept()) - before) == new
        seen.append(target.read_bytes())
    assert len(set(seen)) == 3


def test_a_damaged_file_is_made_anew(film: Path, tmp_path: Path, no_network: list[bool]) -> None:
    """One with a wrong bit, one cut short, and another shot's; they are right afterwards."""
    target, other = tmp_path / "film.mkv", tmp_path / "fresh.mkv"
    made(film, target)
    script = replace(FIRST, ranges=(Range(saturation=0.5),))
    fresh = made(film, other, script, keep=0)
    whole = {path: path.read_bytes() for path in kept()}
    first, second, third = whole
    bad = bytearray(whole[first])
    bad[len(bad) // 2] ^= 4
    first.write_bytes(bad)
    second.write_bytes(whole[second][:-40])
    third.write_bytes(bytes(bad))
    assert made(film, target, script) == fresh
    assert {path: path.read_bytes() for path in kept()} == whole
    no_network.append(True)
    assert made(film, target) != fresh


def test_a_stopped_run_goes_on(film: Path, tmp_path: Path) -> None:
    """The first one as if nothing were kept, a later one with what is."""
    target = tmp_path / "film.mkv"
    script = replace(FIRST, ranges=(Range(saturation=0.5),))
    fresh = made(film, tmp_path / "fresh.mkv", script, keep=0)

    def stop(_: int, shot: int) -> None:
        if shot == 1:
            raise KeyboardInterrupt

    options = OutputSettings(overwrite=True, lossless=True)
    for number in range(2):
        with pytest.raises(KeyboardInterrupt):
            colorize_video(
                film,
                target,
                Settings(model=MODEL, output=options),
                script=script,
                progress=stop,
                model=lite(),
            )
        work = work_path(target)
        assert work.exists()
        assert made(film, target, script) == fresh
        if number == 0:
            made(film, target)


def test_little_room_keeps_little(film: Path, tmp_path: Path) -> None:
    """Nothing of a film without a script or of one too long; the oldest goes first."""
    target = tmp_path / "film.mkv"
    made(film, target, None)
    made(film, target, keep=20_000)
    assert not kept()
    kept_colors.colors_folder().mkdir(parents=True)
    caches = [ColorCache("f" * 64, 250) for _ in range(3)]
    for number, cache in enumerate([*caches, caches[2]]):
        part, file = cache.begin()
        with file:
            file.write(bytes(100))
        assert cache.keep(part, str(number))
    assert [path.stem[-1] for path in kept()] == ["2", "3"]
    part, file = cache.begin()
    with file:
        file.write(bytes(100))
    assert not cache.keep(part, "4")


def test_packed_colors_come_back_to_the_bit() -> None:
    """NaN and negative zero too."""
    ab = np.random.default_rng(1).normal(0, 40, (2, 5, 7)).astype(np.float32)
    ab[0, 0, :2] = np.nan, -0.0
    packed = kept_colors._packed(ab)
    assert kept_colors._unpacked(packed, 5, 7).tobytes() == ab.tobytes()
