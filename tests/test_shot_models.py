"""A shot may have a network and a refinement of its own, and no other shot hears of it."""

import logging
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_runs import run
from clips import soft_shot, write_film

from vidcolor import (
    ColorScript,
    ModelSettings,
    OutputSettings,
    Range,
    RefineSettings,
    Settings,
    colorize_video,
)
from vidcolor.directing.direction import Direction, PlacedRange
from vidcolor.directing.evidence import Directed
from vidcolor.directing.placed import Held
from vidcolor.directing.places import parse_shots
from vidcolor.errors import ModelError
from vidcolor.film.coloring import read_job
from vidcolor.film.directed import find_direction
from vidcolor.frame import Colored
from vidcolor.models import named
from vidcolor.models.named import name_model
from vidcolor.models.weights import save_weights
from vidcolor.models.zoo import Model, find_model
from vidcolor.nets.table import NETS
from vidcolor.pipeline import parts
from vidcolor.pipeline.choices import Choices
from vidcolor.pipeline.run import Past, colorize_frames
from vidcolor.reading.reader import Damage
from vidcolor.settings import NamedModel
from vidcolor.shot import Shot, SourceColor
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.memory import ShotMemory
from vidcolor.writing.plan import plan_video

FRAMES = 8
MODEL = ModelSettings(render_size=64, device="cpu")
OPTIONS = OutputSettings(overwrite=True, lossless=True)
SETTINGS = Settings(model=MODEL, output=OPTIONS)
PLAIN = "plain +.safetensors"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots of eight frames, A B A, and beside it a network that gives colors at once."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(1)
    save_weights(folder / PLAIN, NETS["small-l2"].make({}), name="small-l2", about={})
    a, b = soft_shot(1, 2 * FRAMES), soft_shot(2, FRAMES)
    return write_film(folder / "film.mkv", [*a[:FRAMES], *b, *a[FRAMES:]])


@lru_cache(maxsize=4)
def loaded(settings: ModelSettings) -> Model:
    """A model, loaded once."""
    return find_model(settings)


def colors(
    film: Path, *ranges: Range, past: Past | None = None, **changes: object
) -> list[Colored]:
    """The frames of the film in color."""
    settings = replace(SETTINGS, **changes)
    job = plan_video(film, None, settings)
    direction = find_direction(job, settings, ColorScript(ranges=ranges))
    frames, directed = read_job(job, settings, Damage()), Directed(direction)
    model = loaded(settings.model)
    return list(colorize_frames(frames, model, settings, past=past, directed=directed))


def same(ours: list[Colored], theirs: list[Colored]) -> list[bool]:
    """For each shot whether all of its frames have the same colors."""
    pairs = [np.array_equal(a.ab, b.ab) for a, b in zip(ours, theirs, strict=True)]
    return [all(pairs[first : first + FRAMES]) for first in range(0, len(pairs), FRAMES)]


def test_a_shot_has_its_own_network_and_refinement(film: Path) -> None:
    """As if all the film had them; a shot that returns does not go on with another net's colors."""
    path = film.with_name(PLAIN)
    plain, other = colors(film), colors(film, model=replace(MODEL, name=str(path)))
    flooded = colors(film, refine=RefineSettings(method="flood"))
    assert same(plain, other) == same(plain, flooded) == [False] * 3
    made = colors(film, Range(shots="2", model=str(path)), Range(shots="1", refine="flood"))
    assert same(made, plain) == [False, False, True]
    assert same(made, other) == [False, True, False]
    assert same(made, flooded) == [True, False, False]
    assert [one.directed is None for one in made[::FRAMES]] == [False, False, True]
    returned = colors(film, Range(shots="3", model=str(path)))
    assert same(returned, plain) == [True, True, False]
    assert np.isfinite(returned[-1].ab).all()
    everywhere = Range(model=str(path)), Range(shots="2", model="lite")
    assert same(colors(film, *everywhere), other) == [True, False, True]
    assert same(colors(film, *everywhere), plain) == [False, True, False]


def test_a_shot_goes_on_from_any_part(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own network, and with what refinement remembers."""
    monkeypatch.setattr(parts, "MOST_FRAMES", 4)
    monkeypatch.setattr(parts, "LEAST_FRAMES", 4)
    ranges = (
        Range(shots="3", model=str(film.with_name(PLAIN))),
        Range(shots="2", refine="flood"),
    )
    whole = colors(film, *ranges)
    for done in (12, 20):
        state = whole[done - 1].state
        assert state is not None
        past = Past(done, ShotMemory(REMEMBERED_SHOTS), state)
        again = colors(film, *ranges, past=past)
        assert [one.frame.index for one in again] == list(range(done, 3 * FRAMES))
        assert all(np.array_equal(a.ab, b.ab) for a, b in zip(whole[done:], again, strict=True))


def made(film: Path, output: Path, *ranges: Range, keep: int | None = None) -> bytes:
    """The bytes of the film with a script."""
    settings = replace(SETTINGS, keep_colors=keep)
    script = ColorScript(ranges=ranges)
    given = {"script": script, "model": loaded(MODEL)}
    return colorize_video(film, output, settings, **given).path.read_bytes()


def test_a_change_costs_the_shots_that_it_touches(
    film: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are copied, kept colors are those of the shot's own network."""
    caplog.set_level(logging.INFO)
    target, fresh = tmp_path / "film.mkv", tmp_path / "fresh.mkv"
    network = Range(shots="2", model=str(film.with_name(PLAIN)))
    flat = Range(shots="2", refine="flood")
    made(film, target, Range(shots="2", tint=1))
    seen = []
    for ranges in ((network,), (flat,), (network, Range(shots="2", saturation=0.5)), (network,)):
        caplog.clear()
        again = made(film, target, *ranges)
        assert "coloring 1 of 3 shots" in caplog.text
        seen.append("without the network" in caplog.text)
        assert again == made(film, fresh, *ranges, keep=0)
    assert seen == [False, False, True, True]


@pytest.mark.quick
def test_a_shot_is_seen_in_its_networks_size() -> None:
    """Unless the user has set another; a shot that keeps its color hears of no network."""
    film = Model(  # type: ignore[call-arg]
        name="film", net=None, device=torch.device("cpu"), dtype=None, decoding=None, sha256="f"
    )
    other = NamedModel(MODEL, "s", 512, has_histograms=True)
    held = Held(None, parse_shots("2-3"))
    direction = Direction(placed=(PlacedRange(Range(refine="flood"), held, other),))
    in_color = SourceColor(is_color=True, is_tinted=False, cb=0, cr=0)
    shots = [Shot(0, None), Shot(1, None), Shot(2, 1), Shot(3, 1), Shot(1, None, None, in_color)]
    usual, set_by_user = (
        Choices(film, replace(SETTINGS, model=replace(MODEL, render_size=size)), direction)
        for size in (256, 300)
    )
    assert [usual.size_of(one) for one in shots] == [256, 512, 512, 256, 256]
    assert {set_by_user.size_of(one) for one in shots} == {300}
    methods = [usual.settings_of(one).refine.method for one in shots[:4]]
    assert methods == ["none", "flood", "flood", "none"]
    assert [usual.recalled_by(one) for one in shots[:4]] == [None, None, 1, None]
    same_net = Choices(replace(film, sha256="s"), SETTINGS, direction, load=lambda _: 1 / 0)
    assert same_net.model_of(shots[1]) is same_net.film


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("\n[[range]]\nmodel = 'lit'\nshots = 2", 2, "model: lit: no such model; did you mean"),
        ("[[range]]\nmodel = 'no.safetensors'\nshots = 2", 1, "model: no.safetensors: "),
        ("[[range]]\nmodel = 'film.mkv'\nshots = 2", 1, "model: "),
        ("[[range]]\nmodel = '.'\nshots = 2", 1, "model: .: no such model"),
        (f"[[range]]\nrefine = 'scribble'\n[[range]]\nshots = 9\nmodel = '{PLAIN}'", 3, "refine: "),
    ],
)
def test_what_cannot_be_is_one_line_before_any_work(
    film: Path, tmp_path: Path, text: str, line: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the script's line, in a dry run as well; files are looked for beside the script."""
    script = film.with_name("film.colors.toml")
    script.write_text(text)
    for more in ([], ["--dry-run"]):
        given = [str(film), "-o", str(tmp_path), "--color-script", str(script), *more]
        assert run(*given, "--render-size", "64", "--device", "cpu") != 0
        (found,) = [one for one in capsys.readouterr().err.splitlines() if "colors.toml" in one]
        assert f"{script}:{line}: {told}" in found
    assert not list(tmp_path.glob("*.m*"))


def test_names_are_as_of_the_option(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name, a file beside the script, two of them merged; known again without being read."""
    folder = film.parent
    found = name_model("lite", folder, MODEL)
    assert found == NamedModel(MODEL, loaded(MODEL).sha256, 256, has_histograms=True)
    both = name_model(f"{PLAIN}+lite", folder, MODEL)
    assert both.settings.name == f"{folder / PLAIN}+lite"
    assert not both.has_histograms
    beside = name_model(PLAIN, folder, replace(MODEL, reference="x.png"))
    assert beside.settings == replace(MODEL, name=str(folder / PLAIN))
    with pytest.raises(ModelError, match="leave out --mirror"):
        name_model("lite", folder, replace(MODEL, mirror=True))
    monkeypatch.setattr(named, "find_net", lambda _: pytest.fail("is read again"))
    assert name_model(PLAIN, folder, MODEL) == beside
    monkeypatch.undo()
    with pytest.raises(ModelError, match=r"has changed since the run began. Run again."):
        named.load_named(beside._replace(sha256="0"))
