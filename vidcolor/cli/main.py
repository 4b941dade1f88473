"""The program: what its options ask for is done and told; errors are one line and an exit code."""

import argparse
import gc
import logging
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from vidcolor.cli.options import check_usage, cluster_of, find_destination, make_parser, settings_of
from vidcolor.cli.output import MANY, FilmBar, plan_text, reels_bar, say, tell_outcome, warn
from vidcolor.cli.terminal import escape, lasting_streams
from vidcolor.errors import VidcolorError
from vidcolor.settings import Settings

if TYPE_CHECKING:  # all but tqdm import torch
    from vidcolor.dump.sink import FrameDump
    from vidcolor.reels.bag import Bag
    from vidcolor.reels.batch import Batch, PlannedReel, ReelResult
    from vidcolor.reels.ledger import Ledger
    from vidcolor.writing.plan import Job

DONE, FAILED = 0, 1
SIGNALLED = 128  # plus the signal's number, as shells do
KEPT = "whole shots are kept, and the same command goes on from there"
OPENCV_LIBRARIES = ("libGL", "libgthread", "libglib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 0 for all done, 1 for a reel failed, 2 for bad usage."""
    with lasting_streams() as output:
        code = _main(arguments)
    if output.error is None:
        return code
    if not isinstance(output.error, BrokenPipeError):  # whoever reads no further wants no word
        warn(f"standard output: cannot be written ({output.error.strerror}); films are not lost")
    return code or FAILED


def _main(arguments: Sequence[str] | None) -> int:
    parser = make_parser()
    options = parser.parse_args(arguments)
    check_usage(parser, options)
    output, folder = find_destination(parser, options)
    _catch_termination()
    handler = logging.StreamHandler()
    handler.setFormatter(_Escaping("vidcolor: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    if not options.quiet:
        logging.getLogger("vidcolor").setLevel(logging.INFO)
    try:
        return _run(options, output, folder)
    except VidcolorError as error:
        return _fail(str(error))
    except ImportError as error:
        if error.name == "cv2" or any(name in str(error) for name in OPENCV_LIBRARIES):
            return _fail(
                f"OpenCV cannot be loaded ({error}); "
                "on Debian or Ubuntu: apt-get install libgl1 libglib2.0-0"
            )
        raise
    except KeyboardInterrupt:
        warn(f"interrupted; {KEPT}")
        return SIGNALLED + signal.SIGINT
    except _Terminated as termination:
        warn(f"terminated; {KEPT}")
        return SIGNALLED + termination.number


def _run(options: argparse.Namespace, output: Path | None, folder: Path | None) -> int:
    """Do what is asked for; the exit code."""
    if options.plot is not None:
        return _plot(options)
    if options.models:
        return _show_models()
    if options.status is not None:
        return _show_status(options.status)
    settings = settings_of(options)
    if options.dump is not None and options.output is None:
        return _replay(options, settings)
    return _colorize(options, output, folder, settings)


def _colorize(
    options: argparse.Namespace, output: Path | None, folder: Path | None, settings: Settings
) -> int:
    """Colorize every film, telling of each; the exit code."""
    from vidcolor.models.zoo import suited
    from vidcolor.reels.api import find_bag, opened_engine, opened_ledger
    from vidcolor.reels.batch import Batch
    from vidcolor.reels.find import Reel, find_reels

    bag = find_bag(folder, is_wanted=options.bagit)
    cluster = cluster_of(options) if options.engine == "ray" and not options.dry_run else None
    kept = folder if options.dump is None else None
    found = find_reels(options.inputs, recursive=options.recursive)
    reels = [reel for reel in found if isinstance(reel, Reel)]
    failed = [str(error) for error in found if not isinstance(error, Reel)]
    for error in failed:
        warn(error)
    dump = _make_dump(options) if options.dump is not None else None
    with (
        opened_engine(settings, cluster) as (model, color, workers),
        opened_ledger(kept, reels, bag, dry_run=options.dry_run) as ledger,
    ):
        _settle_memory()
        settings = suited(settings, model)
        films = folder if bag is None else bag.payload
        batch = Batch(model, settings, output=output, folder=films, ledger=ledger, color=color)
        colorize = partial(_colorize_reel, options, batch, dump, bag)
        outcomes = list(_told(options, batch.outcomes(reels, colorize, workers), len(reels)))
        if bag is not None and ledger is not None and not options.dry_run:
            _seal(bag, ledger, options, missing=len(found) - sum(o.is_done for o in outcomes))
    failed += [str(outcome.error) for outcome in outcomes if outcome.error]
    if dump is not None and dump.count and not options.quiet:
        _tell_dump(dump)
    if failed and len(found) >= MANY and not options.quiet and not options.dry_run:
        warn(f"{len(failed)} of {len(found)} reels failed:")
        for error in failed:
            warn(f"  {error}")
    return FAILED if failed else DONE


def _settle_memory() -> None:
    """Keep what is loaded by now: the collections after each shot then take but a millisecond."""
    gc.collect()
    gc.freeze()


def _told(
    options: argparse.Namespace, outcomes: "Iterator[ReelResult]", count: int
) -> "Iterator[ReelResult]":
    """What became of each of some reels, when it has been told."""
    with reels_bar(count, quiet=options.quiet) as bar:
        for outcome in outcomes:
            tell_outcome(outcome, quiet=options.quiet, dry_run=options.dry_run)
            yield outcome
            bar.update()


def _colorize_reel(
    options: argparse.Namespace,
    batch: "Batch",
    dump: "FrameDump | None",
    bag: "Bag | None",
    planned: "PlannedReel",
) -> "ReelResult":
    """What becomes of one reel."""
    from vidcolor.files import pictures_path, work_path
    from vidcolor.pipeline.trace import NO_TRACE
    from vidcolor.reels.batch import ReelResult

    if not options.quiet:
        _say_notes(planned.job, batch.settings)
    if options.dry_run:
        job = planned.job
        kept_at = work_path if job.encoding.names is None else pictures_path
        text = plan_text(job, batch.model, kept_at(job.encoding.path))
        return ReelResult(source=job.source.path, note=text)
    if bag is not None:
        bag.begin()
    with FilmBar(planned.job, batch.settings, quiet=options.quiet) as bar:
        return batch.colorize(planned, bar.show, dump or NO_TRACE)


def _seal(bag: "Bag", ledger: "Ledger", options: argparse.Namespace, *, missing: int) -> None:
    """Make the bag, unless it would lack a reel that was asked for."""
    if missing:
        warn(
            f"{options.output}: no bag is made, as it would lack {missing} of the reels; "
            "the same command goes on, or makes it without them if they are not named"
        )
        return
    is_sealed = bag.seal(ledger)
    if not options.quiet:
        state = "is a BagIt bag" if is_sealed else "another run is at work in it and makes the bag"
        say(f"{options.output}: {state}")


def _show_status(folder: Path) -> int:
    """Print what the ledger of a folder says; the exit code."""
    from vidcolor.reels.ledger import read_ledger

    entries = read_ledger(folder)
    states = Counter(entry.state for entry in entries)
    say(f"{folder}: {len(entries)} reels: {', '.join(f'{n} {s}' for s, n in states.items())}")
    for entry in entries:
        shots = f"{entry.shots:4} shots {entry.frames:8} frames" if entry.shots else " " * 26
        film = f" -> {entry.output}" if entry.state == "done" else ""
        say(f"{entry.state:8} {shots}  {entry.path}{film}{entry.error and f': {entry.error}'}")
    return DONE


def _show_models() -> int:
    """Print all models; the exit code."""
    from vidcolor.models.catalog import tell_models

    print(tell_models())
    return DONE


def _replay(options: argparse.Namespace, settings: Settings) -> int:
    """Dump frames of one film without writing a film; the exit code."""
    from vidcolor.dump.replay import replay_job
    from vidcolor.models.zoo import find_model, suited
    from vidcolor.writing.plan import plan_video

    model = find_model(settings.model)
    job = plan_video(options.inputs[0], None, settings)
    if options.dry_run:
        say(f"{job.source.path}: frames {options.dump_frames} would be dumped to {options.dump}")
        return DONE
    dump = _make_dump(options)
    with FilmBar(job, None, quiet=options.quiet) as bar:
        replay = replay_job(job, model, suited(settings, model), dump, bar.show)
    if not options.quiet:
        _tell_dump(dump)
        print(
            f"{replay.colorized} frames were colorized for it, {replay.seconds:.1f} s; "
            "no film was written (-o FILM writes one too)"
        )
    return DONE


def _plot(options: argparse.Namespace) -> int:
    """Draw a sidecar's timeline; the exit code."""
    from vidcolor.report.plot import plot_timeline
    from vidcolor.report.sidecar import read_sidecar

    facts = read_sidecar(options.plot)
    target = Path(options.output) if options.output else options.plot.with_suffix(".png")
    plot_timeline(facts, target, overwrite=options.overwrite)
    if not options.quiet:
        say(str(target))
    return DONE


def _make_dump(options: argparse.Namespace) -> "FrameDump":
    from vidcolor.dump.sink import FrameDump

    return FrameDump(
        options.dump,
        options.dump_frames,
        stages=options.dump_stages,
        top_k=options.dump_top_k,
    )


def _tell_dump(dump: "FrameDump") -> None:
    each = dump.seconds / max(dump.count, 1)
    say(
        f"{dump.path / 'index.html'}: {dump.count} frame{'' if dump.count == 1 else 's'}, "
        f"{dump.bytes / 1e6:.0f} MB, dumping took {each:.2f} s a frame"
    )


def _say_notes(job: "Job", settings: Settings) -> None:
    from vidcolor.film.credentials import lies_beside, manifest_path

    notes = list(job.encoding.notes)
    path, container = job.encoding.path, job.encoding.container
    if lies_beside(container, settings.output):
        name = manifest_path(path).name
        notes.append(f"{container} cannot hold content credentials: written beside it, {name}")
    for note in notes:
        warn(f"{job.source.path}: {note}")


def _fail(text: str) -> int:
    warn(text)
    return FAILED


class _Escaping(logging.Formatter):
    """Keeps names from steering the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escape(super().format(record))


class _Terminated(BaseException):
    """A signal asks the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _catch_termination() -> None:
    """Make the signals that end programs an exception, so that unfinished files are removed."""

    def end(number: int, _: object) -> NoReturn:
        raise _Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
