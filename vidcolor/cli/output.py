"""What the user is told on the way: bars, and lines that do not break them."""

import math
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm

from vidcolor.cli.terminal import escape
from vidcolor.report.sidecar import sidecar_path
from vidcolor.settings import Settings

if TYPE_CHECKING:  # the command line must not wait for torch before it can help
    from vidcolor.film.colorize import Result
    from vidcolor.models.zoo import Model
    from vidcolor.reels.batch import ReelResult
    from vidcolor.writing.plan import Job

MANY = 2  # reels that have a bar of their own
MOST_REMARKS = 10  # shots that are listed after a film


def reels_bar(count: int, *, quiet: bool) -> "tqdm[NoReturn]":
    """A progress bar of several reels, over that of the film in work; hidden for one reel."""
    hidden = True if quiet or count < MANY else None
    return tqdm(
        total=count, desc="reels", unit=" reels", disable=hidden, dynamic_ncols=True, leave=False
    )


class FilmBar:
    """A progress bar of one film; none where nobody watches.

    Args:
        job: The film.
        settings: How much of it; None if that is not known before.
        quiet: Show nothing.
    """

    def __init__(self, job: "Job", settings: Settings | None, *, quiet: bool) -> None:
        expected = job.source.frames_expected
        self._bar = tqdm(
            total=settings and expected(settings.start_seconds, settings.duration_seconds),
            desc=escape(job.source.path.name),
            unit=" frames",
            disable=True if quiet else None,
            dynamic_ncols=True,
            leave=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, done: int, shot: int) -> None:
        """Move to `done` frames, in shot `shot` counted from 0."""
        self._bar.set_postfix_str(f"shot {shot + 1}", refresh=False)
        self._bar.update(done - self._bar.n)


def plan_text(job: "Job", model: "Model", work: Path) -> str:
    """What would be done, a line a fact; `work` keeps what is done of it."""
    source, encoding = job.source, job.encoding
    picture = source.picture
    size = f"{picture.width}x{picture.height}"
    where, kept = encoding.path, "as large as the film until that is whole"
    if encoding.names is not None:
        where, kept = encoding.names.path, "until all pictures are there"
    options = " ".join(f"{key}={text}" for key, text in encoding.options.items())
    lines = (
        f"{source.path}",
        f"  source    {source.codec} {source.pixel_format} {size}, {source.container}",
        f"  rate      {float(source.frame_rate):.6g} frames/s",
        f"  model     {model.name} ({model.sha256[:12]}) on {model.device}",
        f"  output    {where}",
        f"  encoding  {encoding.codec} {encoding.pixel_format}, {encoding.container} {options}",
        f"  in work   {work}, {kept}",
    )
    return "\n".join(map(escape, lines))


def print_result(outcome: "ReelResult", *, quiet: bool, dry_run: bool) -> None:
    """One line of how a reel ended, and one of what was damaged in it."""
    result = outcome.result
    if outcome.note:
        if dry_run or not quiet:
            note = outcome.note
            say(*note.splitlines() if dry_run else (f"{outcome.source}: {note}",))
        return
    if result is None:
        warn(str(outcome.error))
        return
    if str(result.losses):
        warn(f"{outcome.source}: warning: {result.losses}; all frames that decode are colorized")
    if not quiet:
        shots = f"{result.shots} shot{'s' if result.shots > 1 else ''}"
        rate = result.frames / result.seconds
        say(
            f"{result.path}: {result.frames} frames, {shots}, "
            f"{result.seconds:.1f} s ({rate:.1f} frames/s)"
        )
        if result.verification is not None:
            say(f"{result.path}: verified: {result.verification}")
        say(*(f"{result.path}: {line}" for line in result.source_color))
        _print_remarks(result)


def _print_remarks(result: "Result") -> None:
    """The shots that are worth a look, each with the frame that shows why."""
    for remark in result.remarks[:MOST_REMARKS]:
        at = timedelta(seconds=math.floor(remark.frame_seconds))
        reasons = ", ".join(remark.reasons)
        say(f"  check shot {remark.shot + 1} at {at} (frame {remark.frame}): {reasons}")
    if len(result.remarks) > MOST_REMARKS:
        more = len(result.remarks) - MOST_REMARKS
        say(f"  and {more} more, listed in {sidecar_path(result.path)}")


def say(*lines: str) -> None:
    """Print lines without breaking a bar."""
    for line in lines:
        tqdm.write(escape(line), file=sys.stdout)


def warn(text: str) -> None:
    """Print a line for the user to heed."""
    tqdm.write(f"vidcolor: {escape(text)}", file=sys.stderr)
