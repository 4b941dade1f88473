"""`--dry-run`: what would be done with each film, printed."""

from collections.abc import Iterable

from vidcolor.cli.output import print_notes, say, warn
from vidcolor.files import pictures_path, work_path
from vidcolor.models.zoo import Model
from vidcolor.reels.batch import Batch
from vidcolor.reels.find import Reel
from vidcolor.reels.plan import ReelPlan, plans
from vidcolor.reels.result import LEFT
from vidcolor.writing.plan import Job


def print_plans(batch: Batch, reels: Iterable[Reel], *, quiet: bool) -> int:
    """Print what would be done with each reel; the exit code, 1 if one cannot be colorized."""
    code = 0
    for plan in plans(batch, reels):
        if not quiet:
            print_notes(plan.source, plan.notes)
        _print_plan(plan, batch.model)
        code = max(code, int(plan.error is not None))
    return code


def _print_plan(plan: ReelPlan, model: Model) -> None:
    """Print what would be done with a reel."""
    if plan.error is not None:
        warn(str(plan.error))
    elif plan.job is None:
        say(f"{plan.source}: {LEFT if plan.output is None else f'already done: {plan.output}'}")
    elif plan.state == "to verify":
        say(f"{plan.source}: already done, would be verified: {plan.output}")
    else:
        say(*_plan_lines(plan.job, model))


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
