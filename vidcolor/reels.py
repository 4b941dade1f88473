"""Many films: their outputs' names, and each one's failure kept to itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vidcolor.dump.sink import FrameDump
from vidcolor.errors import OutputError, VidcolorError
from vidcolor.film import Progress, Result, colorize_job, paths_written, plan_film
from vidcolor.models.zoo import Model
from vidcolor.settings import Settings
from vidcolor.video.plan import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one reel ended: with a result or with an error."""

    source: Path
    result: Result | None = None
    error: VidcolorError | None = None


def make_folder(folder: Path) -> None:
    """Make the output folder if it is missing.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({error.strerror}); name another -o"
        ) from error


def plan_reels(
    sources: Iterable[Path], output: Path | None, folder: Path | None, settings: Settings
) -> Iterator[Job | Outcome]:
    """Yield for each reel how it will be colorized, or why it cannot be.

    Args:
        sources: The reels, in the order wanted.
        output: The output of a single reel, if named.
        folder: Where unnamed outputs go; None for beside their sources.
        settings: All settings.
    """
    targets: dict[Path, Path] = {}
    for source in sources:
        try:
            job = plan_film(source, output, settings, folder=folder)
            for target in paths_written(job, settings):
                earlier = targets.setdefault(target.absolute(), source)
                if earlier is not source:
                    raise OutputError(
                        f"{source}: its output {target} would be that of {earlier} too; "
                        "colorize them into different folders"
                    )
        except VidcolorError as error:
            yield Outcome(source=source, error=error)
        else:
            yield job


def colorize_reel(
    job: Job,
    model: Model,
    settings: Settings,
    progress: Progress,
    dump: FrameDump | None = None,
) -> Outcome:
    """Colorize one planned reel; an error is its outcome."""
    source = job.source.path
    try:
        return Outcome(source=source, result=colorize_job(job, model, settings, progress, dump))
    except VidcolorError as error:
        return Outcome(source=source, error=error)
