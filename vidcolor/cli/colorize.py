"""Colorize films, one after another or many at once; each is reported as it ends."""

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from vidcolor.cli.dump import print_dump
from vidcolor.cli.output import (
    MANY,
    FilmBar,
    print_notes,
    print_result,
    reels_bar,
    say,
    tell,
    warn,
)
from vidcolor.cli.plan import print_plans
from vidcolor.cli.progress import BatchClock
from vidcolor.cli.report import write_batch_page
from vidcolor.cli.request import Request
from vidcolor.cli.table import print_table
from vidcolor.dump.sink import FrameDump
from vidcolor.models.zoo import suited
from vidcolor.pipeline.trace import NO_TRACE
from vidcolor.reels.api import find_bag, opened_engine, opened_ledger, seal
from vidcolor.reels.bag import Bag
from vidcolor.reels.batch import Batch
from vidcolor.reels.find import Reel, find_reels
from vidcolor.reels.ledger import Ledger
from vidcolor.reels.plan import notes_of
from vidcolor.reels.result import PlannedReel, ReelResult
from vidcolor.reels.split import split_reels

DONE, FAILED = 0, 1


def colorize(request: Request, dump: FrameDump | None) -> int:
    """Colorize every film and report each; the exit code.

    Args:
        request: What the command line asks for.
        dump: What keeps chosen frames of the one film; None for no dump.
    """
    bag = find_bag(request.folder, is_wanted=request.bagit)
    cluster = request.cluster if request.engine == "ray" and not request.dry_run else None
    found = find_reels(request.inputs, recursive=request.recursive)
    named = [reel for reel in found if isinstance(reel, Reel)]
    reels = split_reels(named, request.settings, bag=request.bagit)
    failed = [str(error) for error in found if not isinstance(error, Reel)]
    for error in failed:
        warn(error)
    kept = request.folder if dump is None else None
    with (
        opened_engine(request.settings, cluster) as (model, color, workers),
        opened_ledger(kept, reels, bag, dry_run=request.dry_run) as ledger,
    ):
        batch = Batch(
            model,
            suited(request.settings, model),
            output=request.film_path,
            folder=request.folder,
            ledger=ledger,
            color=color,
            bag=bag,
        )
        if request.dry_run:
            return print_plans(batch, reels, quiet=request.quiet) or (FAILED if failed else DONE)
        _settle_memory()
        color_reel = partial(_colorize_reel, request, batch, dump, bag)
        outcomes = batch.outcomes(reels, color_reel, workers)
        results = list(_print_each(request, outcomes, BatchClock(reels)))
        if request.settings.output.report:
            write_batch_page(results, folder=request.folder if bag is None else bag.payload)
        if bag is not None and ledger is not None:
            missing = {one.path: str(one) for one in found if not isinstance(one, Reel)}
            missing |= bag.left_out
            missing |= {
                r.source.absolute(): str(r.error or r.note) for r in results if not r.is_done
            }
            _seal(bag, ledger, request, missing)
    failed += [str(result.error) for result in results if result.error]
    if dump is not None and dump.count and not request.quiet:
        print_dump(dump)
    count = len(found) - len(named) + len(reels)
    if count >= MANY and not request.quiet:
        _sum_up(results, failed, count)
    is_whole = bag is None or not bag.left_out
    return DONE if is_whole and not failed else FAILED


def _sum_up(results: Sequence[ReelResult], failed: Sequence[str], count: int) -> None:
    """Print why reels of a batch failed; on a terminal first a table of how all ended."""
    if sys.stdout.isatty():
        print_table(results)
    if failed:
        warn(f"{len(failed)} of {count} reels failed:")
    for error in failed:
        warn(f"  {error}")


def _settle_memory() -> None:
    """Keep what is loaded by now: the collections after each shot then take but a millisecond."""
    gc.collect()
    gc.freeze()


def _print_each(
    request: Request, results: Iterator[ReelResult], clock: BatchClock
) -> Iterator[ReelResult]:
    """The results of some reels, each printed as it comes."""
    with reels_bar(clock.count, quiet=request.quiet) as bar:
        for result in results:
            clock.end(result.entry, is_made=result.result is not None)
            print_result(result, quiet=request.quiet)
            _tell_result(result, clock)
            bar.set_postfix_str(clock.text(), refresh=False)
            bar.update()
            yield result


def _tell_result(reel: ReelResult, clock: BatchClock) -> None:
    """Tell a log how a reel ended."""
    made = reel.result
    facts: dict[str, object] = {"source": reel.source, "state": reel.state}
    if made is not None:
        facts |= {"output": made.path, "frames": made.frames, "shots": made.shots}
        facts |= {"seconds": made.seconds, "to_check": len(made.remarks)}
    if reel.error is not None:
        facts["error"] = str(reel.error)
    left = clock.seconds_left()
    tell("reel-ends", f"{reel.entry}: {reel.state}, {clock.text()}", **facts, seconds_left=left)


def _colorize_reel(
    request: Request, batch: Batch, dump: FrameDump | None, bag: Bag | None, planned: PlannedReel
) -> ReelResult:
    """Colorize one reel, after the notes on it."""
    if not request.quiet:
        print_notes(planned.job.source.path, notes_of(planned.job, batch.settings))
    tell("reel-begins", str(planned.job.source.path), source=planned.job.source.path)
    if bag is not None:
        bag.begin()
    with FilmBar(planned.job, planned.job.settings, quiet=request.quiet) as bar:
        return batch.colorize(planned, bar.show, dump or NO_TRACE)


def _seal(bag: Bag, ledger: Ledger, request: Request, missing: Mapping[Path, str]) -> None:
    """Make the bag, unless it would be new and lack a reel that was asked for."""
    is_sealed = seal(bag, ledger, missing, is_wanted=request.bag_what_succeeded)
    if is_sealed is None:
        warn(
            f"{request.output}: no bag is made, as {len(missing)} of the reels are missing; "
            "run the same command to continue, or add --bag-what-succeeded"
        )
    elif missing and is_sealed:
        warn(f"{request.output}: is a BagIt bag, but lacks {len(missing)} of the reels")
    elif not request.quiet:
        state = (
            "is a BagIt bag"
            if is_sealed
            else "another run is still writing to it and will make the bag"
        )
        say(f"{request.output}: {state}")
