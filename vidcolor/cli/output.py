"""What the program prints: progress bars, and lines that do not break them."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm

from vidcolor.cli.terminal import escape
from vidcolor.report.sidecar import sidecar_path
from vidcolor.settings import Settings
from vidcolor.words import counted

if TYPE_CHECKING:  # the command line must not wait for torch before it can help
    from vidcolor.film.colorize import Result
    from vidcolor.reels.result import ReelResult
    from vidcolor.writing.plan import Job

LISTENERS: list[Callable[[str, str, Mapping[str, object]], None]] = []
"""Called with each event, beside what is printed: a word for it, a text, what is known of it."""

CALLED: dict[str, str] = {}
"""Paths of ours, and what messages call them in their place."""

MANY = 2  # from so many reels on there is a bar of reels
MOST_CHECKS = 10  # shots to check that are listed after a film


def reels_bar(count: int, *, quiet: bool) -> "tqdm[NoReturn]":
    """A progress bar of several reels, above that of the current film; hidden for one reel."""
    hidden = True if quiet or count < MANY else None
    return tqdm(
        total=count, desc="reels", unit=" reels", disable=hidden, dynamic_ncols=True, leave=False
    )


class FilmBar:
    """A progress bar of one film; hidden if the output is not a terminal.

    Args:
        job: The film.
        settings: Which part of it; None if its length is not known before.
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


def print_result(reel: "ReelResult", *, quiet: bool) -> None:
    """Print how a reel ended, what was damaged in it, and which shots to check."""
    _print_result(reel, quiet=quiet)
    if reel.parts_list is not None and not quiet:
        say(f"{reel.parts_list}: joins the parts of {reel.source.name}")


def _print_result(reel: "ReelResult", *, quiet: bool) -> None:
    result = reel.result
    if reel.note:
        if not quiet:
            say(f"{reel.entry}: {reel.note}")
        return
    if result is None:
        warn(str(reel.error))
        return
    if str(result.losses):
        warn(f"{reel.source}: warning: {result.losses}; all frames that decode are colorized")
    if not quiet:
        made = f"{counted(result.frames, 'frame')}, {counted(result.shots, 'shot')}"
        rate = result.frames / result.seconds
        say(f"{result.path}: {made}, {result.seconds:.1f} s ({rate:.1f} frames/s)")
        if result.verification is not None:
            say(f"{result.path}: verified: {result.verification}")
        say(*(f"{result.path}: {line}" for line in result.source_color))
        _print_checks(result)


def _print_checks(result: "Result") -> None:
    """Print the shots to check, each with a frame that shows why."""
    for remark in result.remarks[:MOST_CHECKS]:
        at = timedelta(seconds=math.floor(remark.frame_seconds))
        reasons = ", ".join(remark.reasons)
        if remark.is_directed:
            reasons += "; the color script directs it"
        say(f"  check shot {remark.shot + 1} at {at} (frame {remark.frame}): {reasons}")
    if len(result.remarks) > MOST_CHECKS:
        more = len(result.remarks) - MOST_CHECKS
        say(f"  and {more} more, listed in {sidecar_path(result.path)}")


def tell(event: str, text: str, **facts: object) -> None:
    """Tell a log, if there is one, of an event."""
    for listener in LISTENERS:
        listener(event, text, facts)


def say(*lines: str) -> None:
    """Print lines without breaking a bar."""
    for line in map(_as_called, lines):
        tell("message", line)
        tqdm.write(escape(line), file=sys.stdout)


def warn(text: str) -> None:
    """Print a warning or an error, as one line on standard error."""
    text = _as_called(text)
    tell("warning", text)
    tqdm.write(f"vidcolor: {escape(text)}", file=sys.stderr)


def _as_called(text: str) -> str:
    for path, name in CALLED.items():
        text = text.replace(path, name)
    return text


def print_notes(source: Path, notes: Iterable[str]) -> None:
    """Print what the user should know about a film before it is colorized."""
    for note in notes:
        warn(f"{source}: {note}")
