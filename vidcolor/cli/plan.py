"""`--dry-run`: what would be done with each film, printed."""

import shutil
from collections.abc import Iterable
from datetime import timedelta

from vidcolor.cli.output import print_notes, say, warn
from vidcolor.errors import VidcolorError
from vidcolor.files import pictures_path, work_path
from vidcolor.film.estimate import Estimate, estimate, same_kind
from vidcolor.models.zoo import Model
from vidcolor.reels.batch import Batch
from vidcolor.reels.find import Reel
from vidcolor.reels.plan import ReelPlan, plans
from vidcolor.reels.result import LEFT
from vidcolor.writing.plan import Job

MB, GB = 10**6, 10**9


def print_plans(batch: Batch, reels: Iterable[Reel], *, quiet: bool) -> int:
    """Print what would be done with each reel; the exit code, 1 if one cannot be colorized."""
    code = 0
    clock = _Clock(batch.model)
    for plan in plans(batch, reels):
        if not quiet:
            print_notes(plan.source, plan.notes)
        _print_plan(plan, clock)
        code = max(code, int(plan.error is not None))
    clock.print_sum()
    return code


class _Clock:
    """Estimates what films will take, one of each kind by a sample."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._kinds: dict[object, Estimate | None] = {}
        self._films: list[Estimate] = []

    def estimate(self, job: Job) -> Estimate | None:
        """What a film will take; None if that cannot be told."""
        kind = same_kind(job)
        if kind not in self._kinds:
            try:
                self._kinds[kind] = estimate(job, self.model)
            except VidcolorError:  # the run reports it, and may go on after it
                self._kinds[kind] = None
        found, settings = self._kinds[kind], job.settings
        frames = job.source.frames_expected(settings.start_seconds, settings.duration_seconds)
        if found is None or not frames:
            return None
        film = found._replace(frames=frames)
        self._films.append(film)
        return film

    def print_sum(self) -> None:
        """Print what all films will take, if there are several."""
        if len(self._films) > 1:
            seconds = sum(film.seconds for film in self._films)
            size = sum(film.bytes for film in self._films)
            say(f"{len(self._films)} films: {_length(seconds)}, {_size(size)}")


def _print_plan(plan: ReelPlan, clock: _Clock) -> None:
    """Print what would be done with a reel."""
    if plan.error is not None:
        warn(str(plan.error))
    elif plan.job is None:
        say(f"{plan.source}: {LEFT if plan.output is None else f'already done: {plan.output}'}")
    elif plan.state == "to verify":
        say(f"{plan.source}: already done, would be verified: {plan.output}")
    else:
        say(*_plan_lines(plan.job, clock.model))
        for line in plan.shots:
            say(f"  colors    {line}")
        found = None if plan.shots else clock.estimate(plan.job)
        if found is not None:
            say(f"  takes     {_length(found.seconds)}, {_size(found.bytes)}")
            _warn_of_room(plan.job, found)


def _length(seconds: float) -> str:
    return f"about {timedelta(seconds=max(1, round(seconds)))} on this machine"


def _size(count: int) -> str:
    return f"{count / GB:.1f} GB" if count >= GB else f"{max(count / MB, 0.1):.1f} MB"


def _warn_of_room(job: Job, found: Estimate) -> None:
    """Say if the disk has too little room for a film and its checkpoint."""
    place = job.encoding.path.absolute().parent
    while not place.exists():
        place = place.parent
    free, needed = shutil.disk_usage(place).free, 2 * found.bytes
    if free < needed:
        warn(
            f"{job.encoding.path}: needs about {_size(needed)} until it is complete, but "
            f"{place} has {_size(free)} left; choose another -o"
        )


def _plan_lines(job: Job, model: Model) -> tuple[str, ...]:
    """The plan of one film, a line for each fact."""
    source, encoding = job.source, job.encoding
    picture = source.picture
    size = f"{picture.width}x{picture.height}"
    where, kept_in = encoding.path, work_path(encoding.path)
    kept = "as large as the film, until it is complete"
    if encoding.names is not None:
        where, kept_in = encoding.names.path, pictures_path(encoding.path)
        kept = "until all images are written"
    options = " ".join(f"{key}={text}" for key, text in encoding.options.items())
    return (
        f"{source.path}",
        f"  source    {source.codec} {source.pixel_format} {size}, {source.container}",
        f"  rate      {float(source.frame_rate):.6g} frames/s",
        f"  model     {model.name} ({model.sha256[:12]}) on {model.device}",
        f"  output    {where}",
        f"  encoding  {encoding.codec} {encoding.pixel_format}, {encoding.container} {options}",
        f"  kept in   {kept_in}, {kept}",
    )
