"""What would be done with each reel, found without writing anything."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidcolor.errors import VidcolorError
from vidcolor.files import shots_path
from vidcolor.film.credentials import lies_beside, manifest_path
from vidcolor.film.reuse import describe_reuse
from vidcolor.models.zoo import find_model, suited
from vidcolor.reels.api import find_output, opened_ledger
from vidcolor.reels.batch import Batch
from vidcolor.reels.find import Reel, UnfoundError, find_reels
from vidcolor.reels.result import PlannedReel, ReelResult
from vidcolor.reels.split import split_reels
from vidcolor.settings import Settings
from vidcolor.writing.plan import Job

PlanState = Literal["to colorize", "to verify", "already done", "failed", "left to another run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelPlan:
    """What would be done with one reel.

    Attributes:
        source: The film.
        state: What would be done; `failed` if it cannot be, `left to another run` if another run
            is working on it.
        output: The film that is or would be written; None if it failed or is left.
        job: How it would be written; None unless it would be colorized or verified.
        frames: How many frames it has by its header, for progress; None if it does not say.
        error: Why it cannot be colorized; None if it can.
        notes: What the user should know before it is, a line each.
        shots: If only some shots would be colored, as an earlier film has the others: how many,
            which and why, a line each; else empty.
    """

    source: Path
    state: PlanState
    output: Path | None = None
    job: Job | None = None
    frames: int | None = None
    error: VidcolorError | None = None
    notes: tuple[str, ...] = ()
    shots: tuple[str, ...] = ()


def plan_reels(
    inputs: Iterable[str | Path],
    folder: str | Path | None = None,
    settings: Settings | None = None,
    *,
    recursive: bool = False,
    bag: bool = False,
) -> Iterator[ReelPlan]:
    """Yield what `colorize_reels` would do with each reel now; nothing is written.

    Args:
        inputs: Films, folders, and patterns of image sequences' names.
        folder: The output folder, which may be missing; None for next to the sources.
        settings: All settings; None for the defaults.
        recursive: Search subfolders as well.
        bag: The folder is to be a BagIt bag.

    Raises:
        VidcolorError: No film can be started; the text says why.
        ValueError: A bag is wanted, but no folder is named.
    """
    settings = settings or Settings()
    place, sealed = find_output(folder, bag=bag)
    found = find_reels(map(Path, inputs), recursive=recursive)
    for one in found:
        if isinstance(one, UnfoundError):
            yield ReelPlan(source=one.path, state="failed", error=one)
    named = [reel for reel in found if isinstance(reel, Reel)]
    reels = split_reels(named, settings, bag=bag)
    model = find_model(settings.model)
    with opened_ledger(place, reels, sealed, dry_run=True) as ledger:
        batch = Batch(model, suited(settings, model), folder=place, ledger=ledger, bag=sealed)
        yield from plans(batch, reels)


def plans(batch: Batch, reels: Iterable[Reel]) -> Iterator[ReelPlan]:
    """What a batch would do with each of its reels."""
    for planned in batch.plans(reels):
        yield (_to_do(planned, batch) if isinstance(planned, PlannedReel) else _not_to_do(planned))


def _to_do(planned: PlannedReel, batch: Batch) -> ReelPlan:
    job = planned.job
    shots: tuple[str, ...] = ()
    script = planned.direction.script
    try:
        if script is not None and script.film_sha256 is not None:
            planned.direction.refuse_other(planned.provenance(batch.model).digest.sha256)
        sure, method = batch.model.decoding is not None, job.settings.refine.method
        planned.direction.refuse_unsure(method, has_histograms=sure)
        if planned.made is None and shots_path(job.encoding.path).exists():
            shots = describe_reuse(planned.provenance(batch.model))
    except VidcolorError as error:
        return ReelPlan(source=job.source.path, state="failed", error=error)
    return ReelPlan(
        source=job.source.path,
        state="to colorize" if planned.made is None else "to verify",
        output=planned.made or job.encoding.path,
        job=job,
        frames=job.source.frames_expected(
            job.settings.start_seconds, job.settings.duration_seconds
        ),
        notes=tuple(notes_of(job, batch.settings)),
        shots=shots,
    )


def _not_to_do(result: ReelResult) -> ReelPlan:
    state = "already done" if result.state == "done" else result.state
    return ReelPlan(source=result.source, state=state, output=result.made, error=result.error)


def notes_of(job: Job, settings: Settings) -> list[str]:
    """What the user should know before a film is written."""
    path, container = job.encoding.path, job.encoding.container
    notes = list(job.encoding.notes)
    if lies_beside(container, settings.output):
        name = manifest_path(path).name
        notes.append(f"{container} cannot hold content credentials: written next to it, {name}")
    return notes
