import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.color.lab import lab_from_srgb
from vidcolor.errors import VidcolorError
from vidcolor.models.weights import build_net, read_weights
from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.training.crops import iterate_crops
from vidcolor.training.dataset import PictureStore
from vidcolor.training.learner import CHECKPOINT_NAME, WEIGHTS_NAME, Trainer
from vidcolor.training.loop import LOG_NAME, TrainingRun, train
from vidcolor.training.objective import Bins
from vidcolor.training.settings import TrainSettings
from vidcolor.training.systems import objective_of

SMALL = LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))
SETTINGS = TrainSettings(
    side=32,
    late_side=64,
    late_share=0.5,
    batch_size=2,
    warmup_steps=2,
    planned_pictures=12,
    learning_rate=1e-2,
    seed=7,
)


@pytest.fixture(autouse=True)
def one_thread_and_no_plot(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sums in one order, whatever else the machine does; the plot has its own test."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_learner(settings: TrainSettings = SETTINGS) -> Trainer:
    """A little net about to learn."""
    torch.manual_seed(0)
    decoding = Decoding(rebalancing_weight=torch.linspace(0.5, 1.5, BIN_COUNT))
    bins = Bins(torch.full((BIN_COUNT,), 1 / BIN_COUNT), decoding)
    return Trainer(
        LiteNet(SMALL),
        settings,
        name="lite",
        objective=objective_of("lite", settings, bins, torch.device("cpu")),
        bins=bins,
        device=torch.device("cpu"),
        about={"data": "noise"},
    )


def batches(first_step: int) -> Iterator[torch.Tensor]:
    """Crops of seven pictures of noise."""
    pixels = torch.randint(0, 256, (7 * 48 * 48 * 3,), generator=torch.Generator().manual_seed(0))
    offsets = torch.arange(7) * 48 * 48 * 3
    store = PictureStore(pixels.to(torch.uint8), offsets, torch.full((7, 2), 48))
    named = {"seed": 7, "batch_size": 2, "side": SETTINGS.side_at}
    return iterate_crops(store, first_step=first_step, **named)


def stop_after(learner: Trainer, step: int) -> TrainingRun:
    """A leg that is broken off after a step."""
    return TrainingRun(should_stop=lambda: learner.step >= step)


def records(folder: Path) -> list[dict[str, float]]:
    """The log's lines."""
    return [json.loads(line) for line in (folder / LOG_NAME).read_text().splitlines()]


@pytest.mark.parametrize("settings", [SETTINGS, replace(SETTINGS, muon=True, frozen_blocks=2)])
def test_a_run_that_was_killed_ends_as_an_unbroken_one(
    settings: TrainSettings, tmp_path: Path
) -> None:
    """Killed twice, once with steps lost after a checkpoint, the weights are equal bit for bit."""
    whole = make_learner(settings)
    assert train(whole, batches, tmp_path / "whole", TrainingRun())
    broken = make_learner(settings)
    assert not train(broken, batches, tmp_path / "broken", stop_after(broken, 2))
    for crops, _ in zip(batches(2), range(2), strict=False):
        broken.learn(crops)  # killed before these were saved
    second = make_learner(settings)
    assert not train(second, batches, tmp_path / "broken", stop_after(second, 4))
    last = make_learner(settings)
    assert train(last, batches, tmp_path / "broken", TrainingRun())
    assert last.step == whole.step == 6
    for key, value in whole.net.state_dict().items():
        assert torch.equal(value, last.net.state_dict()[key]), key
        assert torch.equal(whole.average[key], last.average[key]), key
    files = [read_weights(tmp_path / name / WEIGHTS_NAME) for name in ("whole", "broken")]
    assert all(torch.equal(value, files[1].net[key]) for key, value in files[0].net.items())


def test_a_run_that_is_done_learns_no_more(tmp_path: Path) -> None:
    """Run again after its plan, it takes no further step and says that all is done."""
    train(make_learner(), batches, tmp_path, TrainingRun())
    again = make_learner()
    assert train(again, batches, tmp_path, TrainingRun())
    assert again.step == SETTINGS.planned_pictures / SETTINGS.batch_size


def test_a_plan_of_no_pictures_learns_nothing(tmp_path: Path) -> None:
    """The net that it began with is what is left."""
    learner = make_learner(replace(SETTINGS, planned_pictures=0))
    before = {key: value.clone() for key, value in learner.averaged_net().state_dict().items()}
    assert train(learner, batches, tmp_path, TrainingRun())
    assert learner.step == 0
    left = learner.best_net().state_dict()
    assert all(torch.equal(left[key], value) for key, value in before.items())


def test_late_crops_are_large() -> None:
    """The last part of the planned pictures, and no other, comes at the late size."""
    assert [SETTINGS.side_at(step) for step in range(6)] == [32, 32, 32, 64, 64, 64]
    assert TrainSettings(planned_minutes=1).side_at(10**6) == TrainSettings().side


def test_the_weights_left_behind_are_the_average(tmp_path: Path) -> None:
    """The file that ships holds the averaged net, readable as any of our weights."""
    learner = make_learner()
    train(learner, batches, tmp_path, stop_after(learner, 3))
    weights = read_weights(tmp_path / WEIGHTS_NAME)
    net = build_net(weights, tmp_path)
    kernel = learner.average["context.weight"]
    torch.testing.assert_close(net.context.weight, kernel, atol=1e-3, rtol=1e-3)
    assert not torch.equal(kernel, learner.net.context.weight)
    assert weights.metadata["pictures_seen"] == "6"
    assert weights.metadata["data"] == "noise"


def test_lines_after_the_checkpoint_are_not_logged_twice(tmp_path: Path) -> None:
    """A resumed run drops what an earlier one logged beyond its checkpoint."""
    learner = make_learner()
    train(learner, batches, tmp_path, stop_after(learner, 2))
    with (tmp_path / LOG_NAME).open("a") as log:
        log.write('{"step": 5, "pictures": 10, "loss": 1.0}\n')
    again = make_learner()
    train(again, batches, tmp_path, stop_after(again, 3))
    assert [record["step"] for record in records(tmp_path)] == [2, 3]


def test_validation_is_logged(tmp_path: Path) -> None:
    """The figures of the averaged net are in the log under their names."""
    learner = make_learner()
    leg = TrainingRun(
        validate=lambda net: {"trained": float(net.training)}, should_stop=lambda: True
    )
    train(learner, batches, tmp_path, leg)
    assert records(tmp_path)[-1] == {"step": 1, "pictures": 2, "trained": 0.0}


def test_other_settings_need_another_folder(tmp_path: Path) -> None:
    """A checkpoint is not continued with settings other than its own; the error names them."""
    learner = make_learner()
    train(learner, batches, tmp_path, stop_after(learner, 1))
    other = make_learner(TrainSettings(side=32, batch_size=2, planned_pictures=99))
    with pytest.raises(VidcolorError, match="another late_side, late_share, learning_rate"):
        train(other, batches, tmp_path, TrainingRun())
    assert (tmp_path / CHECKPOINT_NAME).exists()


def test_the_learning_rate_rises_then_falls() -> None:
    """Linear over the warm-up, half a cosine over the plan, never below its last part."""
    learner = make_learner()
    rates = []
    for step in range(7):
        learner.step = step
        rates.append(learner.learning_rate / SETTINGS.learning_rate)
    expected = [0.5, 0.9330127, 0.75, 0.5, 0.25, 0.0669873, 0.01]
    assert rates == pytest.approx(expected)


def test_encoder_learns_slower_and_biases_do_not_decay() -> None:
    """Four groups: encoder and decoder, kernels with decay, vectors without."""
    groups = make_learner().optimizers[0].param_groups
    assert sorted((g["factor"], g["weight_decay"]) for g in groups) == [
        (0.3, 0.0),
        (0.3, 0.02),
        (1.0, 0.0),
        (1.0, 0.02),
    ]


def test_muon_learns_the_kernels_that_mix_channels() -> None:
    """Neither depthwise ones nor the first and last, nor what has no kernel."""
    learner = make_learner(replace(SETTINGS, muon=True))
    names = {id(parameter): name for name, parameter in learner.net.named_parameters()}
    found = {names[id(p)] for group in learner.optimizers[1].param_groups for p in group["params"]}
    assert "lateral.0.weight" in found
    assert "encoder.blocks.1.layers.expand.conv.weight" in found
    assert not found & {"encoder.stem.conv.weight", "head.1.weight"}
    assert not any("depthwise" in name or "norm" in name or "bias" in name for name in found)
    assert len(found) + sum(len(g["params"]) for g in learner.optimizers[0].param_groups) == len(
        names
    )


def test_frozen_blocks_stay_as_they_are() -> None:
    """Neither their kernels nor the statistics of their batch norms change; later ones do."""
    learner = make_learner(replace(SETTINGS, frozen_blocks=2))
    before = {key: value.clone() for key, value in learner.net.state_dict().items()}
    for crops, _ in zip(batches(0), range(2), strict=False):
        learner.learn(crops)
    changed = {k for k, v in learner.net.state_dict().items() if not torch.equal(v, before[k])}
    frozen = ("encoder.stem.", "encoder.blocks.0.", "encoder.blocks.1.")
    assert not [key for key in changed if key.startswith(frozen)]
    assert "encoder.blocks.2.layers.project.conv.weight" in changed
    assert "encoder.blocks.2.layers.project.norm.running_mean" in changed


@pytest.mark.parametrize("muon", [False, True])
def test_learning_lowers_the_loss(*, muon: bool) -> None:
    """On the same crops again and again the loss falls."""
    settings = TrainSettings(side=32, batch_size=2, warmup_steps=0, learning_rate=3e-3, muon=muon)
    learner = make_learner(settings)
    crops = next(batches(0))
    losses = [float(learner.learn(crops)) for _ in range(16)]
    assert sum(losses[-3:]) < sum(losses[:3])


def test_a_plan_in_minutes_ends_too(tmp_path: Path) -> None:
    """The schedule may be given as time instead of pictures."""
    learner = make_learner(TrainSettings(side=32, batch_size=2, planned_minutes=1e-6))
    assert train(learner, partial(batches), tmp_path, TrainingRun())
    assert learner.step == 1


@pytest.mark.parametrize("judged_by", ["better", "worse"])
def test_the_figure_told_decides_which_weights_are_best(tmp_path: Path, judged_by: str) -> None:
    """One that falls keeps the last average, one that rises the first that was looked at."""
    learner = make_learner(replace(SETTINGS, plateau=9, planned_pictures=6))
    seen: list[torch.Tensor] = []

    def validate(net: torch.nn.Module) -> dict[str, float]:
        seen.append(next(net.parameters()).detach().clone())
        return {"better": -float(len(seen)), "worse": float(len(seen))}

    leg = TrainingRun(validate=validate, validation_minutes=0, judged_by=judged_by)
    assert train(learner, batches, tmp_path, leg)
    assert len(seen) >= 3
    assert not torch.equal(seen[0], seen[-1])
    best = next(learner.best_net().parameters())
    assert torch.equal(best, seen[-1 if judged_by == "better" else 0])


def test_a_net_is_shown_film_and_compared_with_the_picture() -> None:
    """The lightness that colors belong to is the truth's, whatever film made of it."""
    learner = make_learner(replace(SETTINGS, film_share=1.0))
    crops = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(5))
    found = learner._example(crops.to(torch.uint8))
    truth = lab_from_srgb(crops.float() / 255)
    assert found.true_lightness is not None
    torch.testing.assert_close(found.true_lightness, truth[:, :1])
    torch.testing.assert_close(found.ab, truth[:, 1:])
    assert not torch.allclose(found.lightness, truth[:, :1], atol=1)
