"""The training loop: one net, one folder, and a run that resumes exactly where it was stopped."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from vidcolor.training.learner import CHECKPOINT_NAME, Trainer
from vidcolor.training.log import append_record, plot_records, truncate_records

LOG_NAME = "log.jsonl"
PLOT_NAME = "training.png"

JUDGED_BY = "ciede2000@1.0"
"""The metric that compares weights by default."""

_LOGGED_STEPS = 50

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """One sitting of a run that may take several.

    Attributes:
        minutes: How long it lasts; None for as long as the plan.
        checkpoint_minutes: Time between checkpoints.
        validation_minutes: Time between validations.
        validate: Figures of the averaged net, by name.
        judged_by: The figure by which weights are better than others.
        should_stop: Asked after each step.
    """

    minutes: float | None = None
    checkpoint_minutes: float = 5.0
    validation_minutes: float = 15.0
    validate: Callable[[nn.Module], dict[str, float]] | None = None
    judged_by: str = JUDGED_BY
    should_stop: Callable[[], bool] = lambda: False


def train(
    learner: Trainer,
    batches: Callable[[int], Iterator[torch.Tensor]],
    folder: Path,
    leg: TrainingRun,
) -> bool:
    """Trains until the plan or the leg ends; whether the plan is done.

    Args:
        learner: What learns; resumed from the folder's checkpoint if there is one.
        batches: Crops from a given step on, as `iterate_crops` gives them.
        folder: Checkpoints, weights, log and plot go here.
        leg: How long, and how often to look.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / LOG_NAME
    if (folder / CHECKPOINT_NAME).exists():
        learner.resume(folder)
    if learner.progress >= 1:
        return True
    truncate_records(log, learner.step)
    clock = _Clock(learner, leg)
    recent: list[torch.Tensor] = []
    for crops in batches(learner.step):
        recent.append(learner.learn(crops))
        clock.tick()
        ending = learner.progress >= 1 or clock.over or leg.should_stop()
        if learner.step % _LOGGED_STEPS == 0 or ending:
            append_record(log, _step_record(learner, recent, clock.pictures_per_second()))
            recent.clear()
        if clock.due("validation", leg.validation_minutes) or ending:
            _validate(learner, leg, log)
            plot_records(log, folder / PLOT_NAME)
        if clock.due("checkpoint", leg.checkpoint_minutes) or ending:
            learner.save(folder)
        if ending:
            break
    return learner.progress >= 1


class _Clock:
    """Time spent training, and what is due by it."""

    def __init__(self, learner: Trainer, leg: TrainingRun) -> None:
        self.learner = learner
        self.leg = leg
        self.started = self.last = time.monotonic()
        self.previous: dict[str, float] = {}
        self.rate_start = (self.started, learner.step)

    def tick(self) -> None:
        now = time.monotonic()
        self.learner.seconds += now - self.last
        self.last = now

    @property
    def over(self) -> bool:
        limit = self.leg.minutes
        return limit is not None and self.last - self.started >= limit * 60

    def due(self, what: str, minutes: float) -> bool:
        if self.last - self.previous.setdefault(what, self.started) < minutes * 60:
            return False
        self.previous[what] = self.last
        return True

    def pictures_per_second(self) -> float:
        seconds = self.last - self.rate_start[0]
        steps = self.learner.step - self.rate_start[1]
        self.rate_start = (self.last, self.learner.step)
        return steps * self.learner.settings.batch_size / max(seconds, 1e-9)


def _step_record(learner: Trainer, losses: list[torch.Tensor], rate: float) -> dict[str, float]:
    record = {
        "step": learner.step,
        "pictures": learner.pictures_seen,
        "minutes": learner.seconds / 60,
        "learning_rate": learner.learning_rate,
        "loss": float(torch.stack(losses).mean()),
        "pictures_per_second": rate,
    }
    _log.info("step %(step)d: loss %(loss).4f, %(pictures_per_second).1f pictures/s", record)
    return record


def _validate(learner: Trainer, leg: TrainingRun, log: Path) -> None:
    if leg.validate is not None:
        figures = leg.validate(learner.averaged_net())
        learner.see(figures.get(leg.judged_by, math.inf))
        append_record(log, {"step": learner.step, "pictures": learner.pictures_seen, **figures})
        _log.info("step %d: %s", learner.step, figures)
