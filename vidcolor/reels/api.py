"""Many films in one call: found, done once each, kept account of, sealed in a bag if wanted."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from vidcolor.files import make_folder
from vidcolor.film.coloring import Engine, Progress, color_here
from vidcolor.models.zoo import Model, find_model, suited
from vidcolor.reels.bag import Bag, refuse_bag
from vidcolor.reels.batch import Batch, PlannedReel, ReelResult, Workers
from vidcolor.reels.find import Reel, find_reels
from vidcolor.reels.ledger import Ledger
from vidcolor.settings import ClusterSettings, Settings
from vidcolor.writing.plan import Job


def colorize_reels(
    inputs: Iterable[str | Path],
    folder: str | Path | None = None,
    settings: Settings | None = None,
    *,
    recursive: bool = False,
    bag: bool = False,
    cluster: ClusterSettings | None = None,
    listen: Callable[[Job], Progress] | None = None,
) -> Generator[ReelResult, None, None]:
    """Colorize films, and yield how each ended; one that fails does not stop the others.

    With a folder a ledger is kept in it: what is done already is left as it is, what was begun is
    gone on with, and several runs share the work. It is let go of when the caller stops.

    Args:
        inputs: Films, folders, and patterns of image sequences' names.
        folder: Where the films go; None for beside their sources, without a ledger.
        settings: All settings; None for the defaults.
        recursive: Look into the folders' own folders, too.
        bag: Make the folder a BagIt bag when all are done.
        cluster: The machines that color; None for this process.
        listen: Given each film as it begins, gives what is called after each of its frames.

    Raises:
        VidcolorError: None of the films can be begun: the text says why.
        ValueError: A bag is wanted, but no folder is named.
    """
    if bag and folder is None:
        raise ValueError("a bag needs a folder")
    settings = settings or Settings()
    place = None if folder is None else Path(folder)
    sealed = find_bag(place, is_wanted=bag)
    found = find_reels(map(Path, inputs), recursive=recursive)
    reels = [reel for reel in found if isinstance(reel, Reel)]
    lacking = len(found) - len(reels)
    for error in found:
        if not isinstance(error, Reel):
            yield ReelResult(source=error.path, state="failed", error=error)
    with (
        opened_engine(settings, cluster) as (model, color, workers),
        opened_ledger(place, reels, sealed) as ledger,
    ):
        films = place if sealed is None else sealed.payload
        batch = Batch(model, suited(settings, model), folder=films, ledger=ledger, color=color)

        def colorize(planned: PlannedReel) -> ReelResult:
            if sealed is not None:
                sealed.begin()
            return batch.colorize(planned, _unheard if listen is None else listen(planned.job))

        with closing(batch.outcomes(reels, colorize, workers)) as results:
            for result in results:
                lacking += not result.is_done
                yield result
        if sealed is not None and ledger is not None and not lacking:
            sealed.seal(ledger)


def _unheard(_done: int, _shot: int) -> None:
    """Nobody listens."""


@contextmanager
def opened_engine(
    settings: Settings, cluster: ClusterSettings | None
) -> Iterator[tuple[Model, Engine, Workers | None]]:
    """The model, what colors films with it, and how many reels that takes at once.

    Args:
        settings: All settings.
        cluster: The machines that color; None for this process.

    Raises:
        ModelError: See `find_model`.
        ClusterError: No cluster answers, or the extra `ray` is missing.
    """
    if cluster is None:
        yield find_model(settings.model), color_here, None
        return
    from vidcolor.cluster.engine import RayEngine

    with RayEngine(cluster, settings.model) as engine:
        yield engine.model, engine.color, Workers(engine.reels_at_once, engine.stop)


def find_bag(folder: Path | None, *, is_wanted: bool) -> Bag | None:
    """The bag that an output folder is or will be; None for a plain folder, or none.

    Raises:
        OutputError: The folder is a bag, and none is wanted, or cannot become one.
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
        dry_run: Make and enter nothing; there is no ledger if there is no folder.

    Raises:
        OutputError: The folder cannot be made, or the bag will not be whole.
        LedgerError: The ledger cannot be used.
    """
    if folder is None or (dry_run and not folder.exists()):
        yield None
        return
    if not dry_run:
        make_folder(folder)
    with Ledger(folder) as ledger:
        if bag is not None:
            bag.check(ledger, reels)
        if not dry_run:
            ledger.expect(reel.path for reel in reels)
        yield ledger
