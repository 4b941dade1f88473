"""The program: what its options ask for is done and told; errors are one line and an exit code."""

import argparse
import logging
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from vidcolor.errors import VidcolorError
from vidcolor.options import check_usage, find_destination, make_parser, settings_of
from vidcolor.settings import Settings

if TYPE_CHECKING:  # all but tqdm import torch
    from tqdm import tqdm

    from vidcolor.bag import Bag
    from vidcolor.batch import Batch, Outcome, Planned
    from vidcolor.dump.sink import FrameDump
    from vidcolor.ledger import Ledger
    from vidcolor.models.zoo import Model
    from vidcolor.reels import Reel
    from vidcolor.video.plan import Job

DONE, FAILED = 0, 1
MANY = 2  # reels that have a bar of their own
SIGNALLED = 128  # plus the signal's number, as shells do
KEPT = "whole shots are kept, and the same command goes on from there"
OPENCV_LIBRARIES = ("libGL", "libgthread", "libglib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 0 for all done, 1 for a reel failed, 2 for bad usage."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    check_usage(parser, options)
    output, folder = find_destination(parser, options)
    _catch_termination()
    logging.basicConfig(format="vidcolor: %(message)s", level=logging.WARNING)
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
        _warn(f"interrupted; {KEPT}")
        return SIGNALLED + signal.SIGINT
    except _Terminated as termination:
        _warn(f"terminated; {KEPT}")
        return SIGNALLED + termination.number


def _run(options: argparse.Namespace, output: Path | None, folder: Path | None) -> int:
    """Do what is asked for; the exit code."""
    if options.plot is not None:
        return _plot(options)
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
    from vidcolor.batch import Batch
    from vidcolor.models.zoo import load_model
    from vidcolor.reels import Reel, find_reels

    bag = _find_bag(folder, is_wanted=options.bagit)
    found = find_reels(options.inputs, recursive=options.recursive)
    reels = [reel for reel in found if isinstance(reel, Reel)]
    failed = [str(error) for error in found if not isinstance(error, Reel)]
    for error in failed:
        _warn(error)
    model = load_model(settings.model.name, settings.model.device)
    dump = _make_dump(options) if options.dump is not None else None
    with _opened_ledger(options, folder, reels, bag) as ledger:
        films = folder if bag is None else bag.payload
        batch = Batch(model, settings, output=output, folder=films, ledger=ledger)
        outcomes = list(_colorize_reels(options, batch, reels, dump, bag))
        if bag is not None and ledger is not None and not options.dry_run:
            _seal(bag, ledger, options, missing=len(found) - sum(o.is_done for o in outcomes))
    failed += [str(outcome.error) for outcome in outcomes if outcome.error]
    if dump is not None and dump.count and not options.quiet:
        _tell_dump(dump)
    if failed and len(found) >= MANY and not options.quiet:
        _warn(f"{len(failed)} of {len(found)} reels failed:")
        for error in failed:
            _warn(f"  {error}")
    return FAILED if failed else DONE


def _colorize_reels(
    options: argparse.Namespace,
    batch: "Batch",
    reels: "list[Reel]",
    dump: "FrameDump | None",
    bag: "Bag | None",
) -> "Iterator[Outcome]":
    """Yield what became of each reel, when it is told."""
    with _reels_bar(len(reels), quiet=options.quiet) as bar:
        for planned in batch.plan(reels):
            outcome = _colorize_reel(options, batch, planned, dump, bag)
            _tell(outcome, options)
            yield outcome
            bar.update()


def _colorize_reel(
    options: argparse.Namespace,
    batch: "Batch",
    planned: "Planned | Outcome",
    dump: "FrameDump | None",
    bag: "Bag | None",
) -> "Outcome":
    """What becomes of one reel."""
    from vidcolor.batch import Outcome

    if isinstance(planned, Outcome):
        return planned
    _say_notes(planned.job, options)
    if options.dry_run:
        return Outcome(source=planned.job.source.path, note=_plan_text(planned.job, batch.model))
    if bag is not None:
        bag.begin()
    with _Bar(planned.job, batch.settings, quiet=options.quiet) as bar:
        return batch.colorize(planned, bar.show, dump)


def _find_bag(folder: Path | None, *, is_wanted: bool) -> "Bag | None":
    """The bag that the output folder is or will be; None for a plain folder, or none."""
    if folder is None:
        return None
    from vidcolor.bag import Bag, refuse_bag

    if is_wanted:
        return Bag(folder)
    refuse_bag(folder)
    return None


def _seal(bag: "Bag", ledger: "Ledger", options: argparse.Namespace, *, missing: int) -> None:
    """Make the bag, unless it would lack a reel that was asked for."""
    if missing:
        _warn(
            f"{options.output}: no bag is made, as it would lack {missing} of the reels; "
            "the same command goes on, or makes it without them if they are not named"
        )
        return
    is_sealed = bag.seal(ledger)
    if not options.quiet:
        state = "is a BagIt bag" if is_sealed else "another run is at work in it and makes the bag"
        _say(f"{options.output}: {state}")


@contextmanager
def _opened_ledger(
    options: argparse.Namespace, folder: Path | None, reels: "list[Reel]", bag: "Bag | None"
) -> "Iterator[Ledger | None]":
    """The ledger of the output folder; none for films that lie elsewhere or are dumped."""
    from vidcolor.batch import make_folder
    from vidcolor.ledger import Ledger

    is_kept = folder is not None and options.dump is None
    if folder is None or not is_kept or (options.dry_run and not folder.exists()):
        yield None
        return
    if not options.dry_run:
        make_folder(folder)
    with Ledger(folder) as ledger:
        if bag is not None:
            bag.check(ledger, reels)
        if not options.dry_run:
            ledger.expect(reel.path for reel in reels)
        yield ledger


def _show_status(folder: Path) -> int:
    """Print what the ledger of a folder says; the exit code."""
    from vidcolor.ledger import read_ledger

    entries = read_ledger(folder)
    states = Counter(entry.state for entry in entries)
    print(f"{folder}: {len(entries)} reels: {', '.join(f'{n} {s}' for s, n in states.items())}")
    for entry in entries:
        shots = f"{entry.shots:4} shots {entry.frames:8} frames" if entry.shots else " " * 26
        film = f" -> {entry.output}" if entry.state == "done" else ""
        print(f"{entry.state:8} {shots}  {entry.path}{film}{entry.error and f': {entry.error}'}")
    return DONE


def _replay(options: argparse.Namespace, settings: Settings) -> int:
    """Dump frames of one film without writing a film; the exit code."""
    from vidcolor.models.zoo import load_model
    from vidcolor.replay import replay_job
    from vidcolor.video.plan import plan_video

    model = load_model(settings.model.name, settings.model.device)
    job = plan_video(options.inputs[0], None, settings)
    if options.dry_run:
        print(f"{job.source.path}: frames {options.dump_frames} would be dumped to {options.dump}")
        return DONE
    dump = _make_dump(options)
    with _Bar(job, None, quiet=options.quiet) as bar:
        replay = replay_job(job, model, settings, dump, bar.show)
    if not options.quiet:
        _tell_dump(dump)
        print(
            f"{replay.colorized} frames were colorized for it, {replay.seconds:.1f} s; "
            "no film was written (-o FILM writes one too)"
        )
    return DONE


def _plot(options: argparse.Namespace) -> int:
    """Draw a sidecar's timeline; the exit code."""
    from vidcolor.plot import plot_timeline
    from vidcolor.sidecar import read_sidecar

    facts = read_sidecar(options.plot)
    target = Path(options.output) if options.output else options.plot.with_suffix(".png")
    plot_timeline(facts, target, overwrite=options.overwrite)
    if not options.quiet:
        print(target)
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
    print(
        f"{dump.path / 'index.html'}: {dump.count} frame{'' if dump.count == 1 else 's'}, "
        f"{dump.bytes / 1e6:.0f} MB, dumping took {each:.2f} s a frame"
    )


def _reels_bar(count: int, *, quiet: bool) -> "tqdm[NoReturn]":
    """A progress bar of several reels, over that of the film in work; hidden for one reel."""
    from tqdm import tqdm

    hidden = True if quiet or count < MANY else None
    return tqdm(
        total=count, desc="reels", unit=" reels", disable=hidden, dynamic_ncols=True, leave=False
    )


class _Bar:
    """A progress bar of one film; none where nobody watches.

    Args:
        job: The film.
        settings: How much of it; None if that is not known before.
        quiet: Show nothing.
    """

    def __init__(self, job: "Job", settings: Settings | None, *, quiet: bool) -> None:
        from tqdm import tqdm

        expected = job.source.frames_expected
        self._bar = tqdm(
            total=settings and expected(settings.start_seconds, settings.duration_seconds),
            desc=job.source.path.name,
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


def _plan_text(job: "Job", model: "Model") -> str:
    """What would be done, a line a fact."""
    source, encoding = job.source, job.encoding
    picture = source.picture
    size = f"{picture.width}x{picture.height}"
    options = " ".join(f"{key}={text}" for key, text in encoding.options.items())
    lines = (
        f"{source.path}",
        f"  source    {source.codec} {source.pixel_format} {size}, {source.container}",
        f"  rate      {float(source.frame_rate):.6g} frames/s",
        f"  model     {model.name} ({model.sha256[:12]}) on {model.device}",
        f"  output    {encoding.path}",
        f"  encoding  {encoding.codec} {encoding.pixel_format}, {encoding.container} {options}",
    )
    return "\n".join(lines)


def _say_notes(job: "Job", options: argparse.Namespace) -> None:
    from vidcolor.credentials import lies_beside, manifest_path

    notes = list(job.encoding.notes)
    path, container = job.encoding.path, job.encoding.container
    if lies_beside(container, settings_of(options).output):
        name = manifest_path(path).name
        notes.append(f"{container} cannot hold content credentials: written beside it, {name}")
    if not options.quiet:
        for note in notes:
            _warn(f"{job.source.path}: {note}")


def _tell(outcome: "Outcome", options: argparse.Namespace) -> None:
    """One line of how a reel ended, and one of what was damaged in it."""
    result = outcome.result
    if outcome.note:
        if options.dry_run or not options.quiet:
            _say(f"{outcome.source}: {outcome.note}" if not options.dry_run else outcome.note)
        return
    if result is None:
        _warn(str(outcome.error))
        return
    if str(result.losses):
        _warn(f"{outcome.source}: warning: {result.losses}; all frames that decode are colorized")
    if not options.quiet:
        shots = f"{result.shots} shot{'s' if result.shots > 1 else ''}"
        rate = result.frames / result.seconds
        _say(
            f"{result.path}: {result.frames} frames, {shots}, "
            f"{result.seconds:.1f} s ({rate:.1f} frames/s)"
        )
        if result.verification is not None:
            _say(f"{result.path}: verified: {result.verification}")


def _say(text: str) -> None:
    """Print a line without breaking a bar."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stdout)


def _warn(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(f"vidcolor: {text}", file=sys.stderr)


def _fail(text: str) -> int:
    _warn(text)
    return FAILED


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
