"""Tables for people: how the reels of a batch ended."""

from collections.abc import Sequence

from vidcolor.cli.output import say
from vidcolor.reels.result import ReelResult

HEAD = ("reel", "state", "frames", "seconds", "frames/s", "to check")


def print_table(results: Sequence[ReelResult]) -> None:
    """Print a row for each reel, and one for all."""
    rows = [HEAD, *map(_row, results)]
    made = [reel.result for reel in results if reel.result is not None]
    frames, seconds = sum(one.frames for one in made), sum(one.seconds for one in made)
    checks = sum(len(one.remarks) for one in made)
    ready = sum(reel.is_done for reel in results)
    rows.append(("all", f"{ready} of {len(results)} done", *_figures(frames, seconds, checks)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        names = [text.ljust(width) for text, width in zip(row[:2], widths, strict=False)]
        figures = [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
        say("  ".join([*names, *figures]).rstrip())


def _row(reel: ReelResult) -> tuple[str, ...]:
    made = reel.result
    if made is None:
        return (str(reel.source), reel.state, "", "", "", "")
    return (str(reel.source), reel.state, *_figures(made.frames, made.seconds, len(made.remarks)))


def _figures(frames: int, seconds: float, checks: int) -> tuple[str, ...]:
    rate = f"{frames / seconds:.1f}" if seconds else ""
    return (str(frames), f"{seconds:.1f}", rate, str(checks or ""))
