"""Many films in one call: each colorized once, recorded in a ledger, sealed in a bag if wanted."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from vidcolor.errors import ClusterError
from vidcolor.extras import how_to_install
from vidcolor.files import is_file, make_folder
from vidcolor.film.coloring import Engine, Progress, color_here
from vidcolor.models.predict import find_fitting_model
from vidcolor.models.zoo import Model, suited
from vidcolor.reels.bag import Bag, refuse_bag
from vidcolor.reels.batch import Batch, Workers
from vidcolor.reels.find import Reel, UnfoundError, find_reels
from vidcolor.reels.ledger import NAME, Ledger
from vidcolor.reels.result import PlannedReel, ReelResult
from vidcolor.reels.split import split_reels
from vidcolor.settings import ClusterSettings, Settings
from vidcolor.writing.plan import Job


def colorize_reels(
    inputs: Iterable[str | Path],
    folder: str | Path | None = None,
    settings: Settings | None = None,
    *,
    recursive: bool = False,
    bag: bool | Literal["what succeeded"] = False,
    cluster: ClusterSettings | None = None,
    listen: Callable[[Job], Progress] | None = None,
) -> Generator[ReelResult, None, None]:
    """Colorize films, and yield how each ended; one that fails does not stop the others.

    An output folder holds a ledger: finished reels are skipped, unfinished ones resumed, and
    several runs share the work. The ledger is closed when the caller stops iterating.

    Args:
        inputs: Films, folders, and patterns of image sequences' names.
        folder: The output folder; None for next to the sources, without a ledger.
        settings: All settings; None for the defaults.
        recursive: Look into the folders' own folders, too.
        bag: Make the folder a BagIt bag when all are done; with `what succeeded` even if some
            are not, which bag-info.txt names.
        cluster: The machines that color; None for this process.
        listen: Called as each film begins; returns what is called after each of its frames.

    Raises:
        VidcolorError: No film can be started; the text says why.
        ValueError: A bag is wanted, but no folder is named.
    """
    settings = settings or Settings()
    place, sealed = find_output(folder, bag=bool(bag))
    found = find_reels(map(Path, inputs), recursive=recursive)
    named = [reel for reel in found if isinstance(reel, Reel)]
    reels = split_reels(named, settings, bag=bool(bag))
    missing: dict[Path, str] = {}
    yield from _noted(_unfound(found), missing)
    with (
        opened_engine(settings, cluster) as (model, color, workers),
        opened_ledger(place, reels, sealed) as ledger,
    ):
        known = suited(settings, model)
        batch = Batch(model, known, folder=place, ledger=ledger, color=color, bag=sealed)

        def colorize(planned: PlannedReel) -> ReelResult:
            if sealed is not None:
                sealed.begin()
            return batch.colorize(planned, _unheard if listen is None else listen(planned.job))

        with closing(batch.outcomes(reels, colorize, workers)) as results:
            yield from _noted(results, missing)
        if sealed is not None and ledger is not None:
            seal(sealed, ledger, missing, is_wanted=bag == "what succeeded")


def _unfound(found: Iterable[Reel | UnfoundError]) -> Iterator[ReelResult]:
    """The results of what was named and is no reel."""
    for one in found:
        if isinstance(one, UnfoundError):
            yield ReelResult(source=one.path, state="failed", error=one)


def _noted(results: Iterable[ReelResult], missing: dict[Path, str]) -> Iterator[ReelResult]:
    """The same results; why a reel is not done is entered in `missing`."""
    for result in results:
        if not result.is_done:
            missing[result.entry] = str(result.error or result.note)
        yield result


def seal(bag: Bag, ledger: Ledger, missing: Mapping[Path, str], *, is_wanted: bool) -> bool | None:
    """Make a bag, or make it one again; not one that would be new and without all of its reels.

    Args:
        bag: The bag.
        ledger: What was done.
        missing: The reels that were asked for and are not done, and why; those whose films stay
            outside the bag come to them.
        is_wanted: Make it also without those, which bag-info.txt then names.

    Returns:
        Whether it is a bag; None if it is not to be one yet.

    Raises:
        OutputError: See `Bag.seal`.
    """
    missing = {**bag.left_out, **missing}
    if is_wanted:
        return bag.seal(ledger, missing)
    if missing and not bag.was_declared:
        return None
    return bag.seal(ledger)  # as whole as it was before


def _unheard(_done: int, _shot: int) -> None:
    """Does nothing."""


@contextmanager
def opened_engine(
    settings: Settings, cluster: ClusterSettings | None
) -> Iterator[tuple[Model, Engine, Workers | None]]:
    """The model, the engine that colors films with it, and its worker threads.

    Args:
        settings: All settings.
        cluster: The machines that color; None for this process.

    Raises:
        ModelError: See `find_model`.
        ClusterError: No cluster answers, or the extra `ray` is missing.
    """
    if cluster is None:
        yield find_fitting_model(settings), color_here, None
        return
    try:
        from vidcolor.cluster.engine import RayEngine
    except ImportError as error:
        raise ClusterError(f"--engine ray needs Ray; {how_to_install('ray')}") from error
    with RayEngine(cluster, settings.model) as engine:
        yield engine.model, engine.color, Workers(engine.reels_at_once, engine.stop)


def find_output(folder: str | Path | None, *, bag: bool) -> tuple[Path | None, Bag | None]:
    """The output folder, None for next to the sources, and the bag that it is or will be.

    Raises:
        ValueError: A bag is wanted, but no folder is named.
        OutputError: See `find_bag`.
    """
    if bag and folder is None:
        raise ValueError("a bag needs a folder")
    place = None if folder is None else Path(folder)
    return place, find_bag(place, is_wanted=bag)


def find_bag(folder: Path | None, *, is_wanted: bool) -> Bag | None:
    """The bag that an output folder is or will be; None for a plain folder or no folder.

    Raises:
        OutputError: The folder is a bag but none is wanted, or it cannot become one.
    """
    if folder is None:
        return None
    if is_wanted:
        return Bag(folder)
    refuse_bag(folder)
    return None


@contextmanager
def opened_ledger(
    folder: Path | None, reels: Sequence[Reel], bag: Bag | None, *, dry_run: bool = False
) -> Iterator[Ledger | None]:
    """The ledger of an output folder, with the reels entered; None without a folder.

    Args:
        folder: Where the films go; made if missing.
        reels: What will be colorized.
        bag: The bag that the folder is, if it is one.
        dry_run: Write nothing; without a ledger there is none.

    Raises:
        OutputError: The folder cannot be made, or the bag could not be complete.
        LedgerError: The ledger cannot be used.
    """
    if folder is None or (dry_run and not is_file(folder / NAME)):
        yield None
        return
    if not dry_run:
        make_folder(folder)
    with Ledger(folder, is_read_only=dry_run) as ledger:
        if bag is not None:
            bag.check(ledger, dry_run=dry_run)
        if not dry_run:
            ledger.expect(reel.entry for reel in reels)
        yield ledger
