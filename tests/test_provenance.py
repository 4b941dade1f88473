"""What made a film, as its checkpoint, its sidecar and its credentials say it."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from clips import soft_shot, write_film, write_series
from torch import nn

from vidcolor.film import provenance
from vidcolor.film.provenance import RULES, Provenance, model_name
from vidcolor.film.source_digest import SourceDigest
from vidcolor.models.zoo import Model
from vidcolor.settings import (
    ColorSettings,
    InputSettings,
    OutputSettings,
    Settings,
    TemporalSettings,
)
from vidcolor.writing.plan import plan_video

GOLDEN = Path(__file__).with_name("data") / "identities.json"
"""Written by the code of November 2026, when each of the five texts was made on its own."""

BY_MACHINE = ("vidcolor", "torch", "PyAV")
SIGNED = OutputSettings(
    overwrite=True,
    verify=True,
    framemd5=True,
    compare=True,
    drop_streams=True,
    c2pa_certificate="chain.pem",
    c2pa_key="secret-key.pem",
)
JOBS: dict[str, tuple[str, str | None, Settings]] = {
    "plain": ("film.mkv", None, Settings()),
    "all": (
        "film.mkv",
        "out.mp4",
        Settings(
            color=ColorSettings(saturation=0.8, seed=3),
            temporal=TemporalSettings(smoothing=0.5),
            input=InputSettings(accept_losses=True),
            output=SIGNED,
            start_seconds=Fraction(1, 25),
            duration_seconds=Fraction(1, 25),
        ),
    ),
    "images": ("scan/%06d.png", "out/%06d.png", Settings(input=InputSettings(fps=Fraction(18)))),
    "lossless": ("film.mkv", None, Settings(output=OutputSettings(lossless=True), force=True)),
}

Make = Callable[[str], Provenance]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the provenance of one of the jobs."""
    monkeypatch.chdir(tmp_path)
    write_film(Path("film.mkv"), soft_shot(1, 3))
    Path("scan").mkdir()
    write_series(Path("scan/%06d.png"), soft_shot(1, 3))
    model = Model(
        name="/home/ada/lite.safetensors",
        net=nn.Identity(),
        device=torch.device("cpu"),
        dtype=torch.float32,
        decoding=None,
        sha256="cd" * 32,
    )

    def of(name: str) -> Provenance:
        source, output, settings = JOBS[name]
        job = plan_video(Path(source), output and Path(output), settings)
        encoding = replace(job.encoding, options={"crf": "16"})  # threads are the machine's
        return Provenance(
            job=replace(job, encoding=encoding),
            model=model,
            settings=settings,
            digest=SourceDigest(1, 2, "ab" * 32, "stamp"),
        )

    return of


@pytest.mark.parametrize("name", JOBS)
def test_films_begun_by_older_versions_are_resumed(make: Make, name: str) -> None:
    """A key more or less, and every checkpoint and ledger in the field would be begun anew."""
    found = make(name).identity()
    for key in BY_MACHINE:
        assert isinstance(found.pop(key), str)
    assert json.loads(json.dumps(found)) == json.loads(GOLDEN.read_text())[name]


def test_work_in_other_colors_is_not_gone_on_with(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an unfinished film nor kept colors, nor shots of a film that is made again."""
    made = make("plain")
    before = made.identity(), made.before_grading(), made.base()
    assert before == (made.identity(), made.before_grading(), made.base())
    monkeypatch.setattr(provenance, "COLORS", provenance.COLORS + 1)
    after = made.identity(), made.before_grading(), made.base()
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_each_text_holds_what_it_may(make: Make) -> None:
    """Nobody reads where the key lies; the credentials, which travel, name no path at all."""
    one = make("all")
    identity, claim = json.dumps(one.identity()), json.dumps(one.claim())
    sidecar = json.dumps(one.sidecar({}), default=str)
    for text in (identity, claim, sidecar, one.tag()):
        assert "secret-key" not in text
    assert ["chain.pem" in text for text in (identity, sidecar, claim)] == [True, True, False]
    assert ["ada" in text for text in (identity, sidecar, claim, one.tag())] == [
        *(False, True, False, False)
    ]
    assert one.tag().startswith("synthetic color, made by vidcolor ")
    assert "model lite.safetensors cdcdcdcdcdcd, vividness " in one.tag()
    assert one.claim()["source_sha256"] == "ab" * 32


def test_every_rule_is_of_a_setting() -> None:
    """A setting that is renamed would otherwise decide the bytes, or be told, from then on."""
    settings = asdict(Settings())
    for name in RULES:
        group, _, key = name.rpartition(".")
        assert key in (settings[group] if group else settings), name


@pytest.mark.parametrize(
    ("name", "short"),
    [("lite", "lite"), ("lite+/a/b.safetensors", "lite+b.safetensors"), ("/a/b.pt", "b.pt")],
)
def test_a_model_is_named_without_its_folder(make: Make, name: str, short: str) -> None:
    """The same weights in another folder make the same film."""
    assert model_name(replace(make("plain").model, name=name)) == short
