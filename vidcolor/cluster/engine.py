"""Shots as tasks of a Ray cluster: the only file that knows Ray.

This process finds no cut and colors no frame. It hands out a film's shots in the order in which a
first pass through the film finds them, a few more than there are machines for, and takes them into
the work on the film in that order. A shot that goes on with the colors of an earlier one waits for
that one's ending, which stays in the memory of the machine that made it until it is asked for.
"""

import gc
import logging
import os
import shutil
import signal
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple, NoReturn, Self
from uuid import uuid4

import torch

from vidcolor.cluster.store import Store
from vidcolor.cluster.tasks import ClusterJob, color_shots, find_shots
from vidcolor.errors import ClusterError, VidcolorError
from vidcolor.files import pieces_path
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.coloring import FilmRun
from vidcolor.film.provenance import versions
from vidcolor.frame import CPU
from vidcolor.models.zoo import Model, choose_device, find_net, parse_device
from vidcolor.reading.reader import Damage
from vidcolor.settings import ClusterSettings, ModelSettings
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.shots.pieces import Piece
from vidcolor.writing.sequence_writer import PictureWriter

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise ClusterError("--engine ray needs Ray; pip install 'vidcolor[ray]'") from error

RUN_FRAMES = 96
"""Shots that follow each other are one task until they have so many: a task opens the film once."""

RETRIES = 5
"""How often a task is done again whose machine died."""

LEAST_TASKS = 8
"""Of a film that are handed out at once, for clusters that grow when there is more to do."""

MOST_REELS = 8
"""In work at once."""

_POLL_SECONDS = 0.5
_LISTEN_SECONDS = 10

_LOG = logging.getLogger(__name__)

Ref = Any  # ray.ObjectRef, which is not told to type checkers of what


class RayEngine:
    """Colors films on a Ray cluster.

    Args:
        cluster: Which one, and what of it a task takes.
        settings: What colors the films.

    Attributes:
        model: Tells of the model; here it predicts nothing.
        reels_at_once: How many films should be in work so that all machines have some.

    Raises:
        ClusterError: The cluster cannot be reached.
        ModelError: See `find_net`.
    """

    def __init__(self, cluster: ClusterSettings, settings: ModelSettings) -> None:
        self._segments = cluster.segments
        self._stopped = threading.Event()
        self._machines: set[str] = set()
        checkpoint = find_net(settings)
        named = None if settings.device == "auto" else parse_device(settings.device)
        _connect(cluster.address)
        # Ray deals out the GPUs of a machine, so that each task sees its own as the first.
        device = checkpoint.place(torch.device(named.type if named else _fastest_type()))
        gpus = cluster.gpus
        if gpus is None:
            gpus = 1 if device.type == "cuda" else 0
        self._needs = {"CPU": cluster.cpus, "GPU": gpus}
        self.checkpoint = ray.put(checkpoint)
        self.model = replace(checkpoint.on(CPU), device=device)
        self.reels_at_once = min(MOST_REELS, self.slots() + 1)
        if not self.slots():
            _LOG.warning(
                "no machine of the cluster has the %d cores and %g GPUs of a task; waits for one",
                *(cluster.cpus, gpus),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def stop(self) -> None:
        """Let the films in work be left soon, as they are."""
        self._stopped.set()

    def slots(self) -> int:
        """How many tasks the cluster can do at once, as it is now."""
        needs = [(name, need) for name, need in self._needs.items() if need]
        return sum(int(min(has.get(n, 0) // need for n, need in needs)) for has in _resources())

    def options(self, **more: object) -> dict[str, Any]:
        """What a task that colors shots is run with."""
        needs = {"num_cpus": self._needs["CPU"], "num_gpus": self._needs["GPU"]}
        return needs | {"max_retries": RETRIES} | more

    def wait(self, refs: Sequence[Ref]) -> Ref:
        """The first of some results that is there, or the first of those that are."""
        while not (ready := ray.wait(list(refs), timeout=_POLL_SECONDS, fetch_local=False)[0]):
            if self._stopped.is_set():
                raise _Stopped
        return ready[0]

    def note_machine(self, machine: str) -> None:
        """Take in what machine colored some shots; where kinds mix, that is told once."""
        if machine not in self._machines:
            self._machines.add(machine)
            if len(self._machines) > 1:
                kinds = "; ".join(sorted(self._machines))
                _LOG.warning(
                    "machines of several kinds compute colors, the bits may vary: %s", kinds
                )

    def color(self, film: FilmRun, work: Checkpoint, pictures: PictureWriter | None) -> Damage:
        """Color a film's shots; any number of threads may each have one in work.

        Raises:
            ClusterError: The machines do not do their part.
            VidcolorError: What a machine told of the film.
        """
        target = film.job.encoding.path
        beside = pieces_path(target)
        url = (
            str(beside)
            if self._segments is None
            else f"{self._segments}/{target.name}-{uuid4().hex}"
        )
        store = Store(url)
        shutil.rmtree(beside, ignore_errors=True)  # of a run that was killed
        beside.mkdir()
        try:
            store.open()
            return _Shots(self, film, store, work, pictures).color()
        finally:
            store.clear()
            shutil.rmtree(beside, ignore_errors=True)


class _Run(NamedTuple):
    """Shots that were handed out together.

    Attributes:
        first: Number of the first frame.
        last: Of the last one.
        told: Comes to the name of their file in the store, and the machine that colored them.
    """

    first: int
    last: int
    told: Ref


class _Shots:
    """The shots of one film, handed out and taken in."""

    def __init__(
        self,
        engine: RayEngine,
        film: FilmRun,
        store: Store,
        work: Checkpoint,
        pictures: PictureWriter | None,
    ) -> None:
        self._engine, self._film, self._store = engine, film, store
        self._work, self._pictures = work, pictures
        self._runs: deque[_Run] = deque()
        self._endings: dict[int, Ref] = {}
        order = ClusterJob(
            job=film.job,
            settings=film.settings,
            origin=film.origin,
            store=store.url,
            versions=versions(),
        )
        self._order = ray.put(order)

    def color(self) -> Damage:
        """Color those that are not whole; what the film lost."""
        work = self._work
        self._endings = {shot: ray.put({shot: data}) for shot, data in work.endings()}
        done, coming = work.shots_done, list[Piece]()
        losses: Damage | None = None
        finding = _find_there.options(max_retries=RETRIES).remote(self._order)
        with self._cancelled(finding):
            self._engine.wait([finding])
            node = self._get(next(finding))
            while losses is None or self._runs:
                limit = max(LEAST_TASKS, 2 * self._engine.slots())
                awaited = [run.told for run in self._runs][:1]
                if losses is None and len(self._runs) < limit:
                    awaited.append(finding)
                if self._engine.wait(awaited) is not finding:
                    self._take_in(self._runs.popleft())
                    continue
                found = self._get(next(finding))
                if isinstance(found, Damage):
                    losses = found
                elif found.shot.number >= done:
                    coming.append(found)
                is_over = losses is not None
                if coming and (is_over or sum(piece.frames for piece in coming) >= RUN_FRAMES):
                    self._hand_out(coming, node)
                    coming = []
        return losses

    def _hand_out(self, pieces: Sequence[Piece], node: str) -> None:
        """Let some machine color shots, best the one that read the film and has it at hand."""
        wanted = {piece.shot.returns_to for piece in pieces}
        endings = dict.fromkeys(ref for shot, ref in self._endings.items() if shot in wanted)
        near = NodeAffinitySchedulingStrategy(node, soft=True, _spill_on_unavailable=True)
        engine = self._engine
        told, ended = _color_there.options(**engine.options(scheduling_strategy=near)).remote(
            self._order, [engine.checkpoint], str(engine.model.device), pieces, *endings
        )
        for piece in pieces:
            self._endings[piece.shot.number] = ended
        for shot in [n for n in self._endings if n <= pieces[-1].shot.number - REMEMBERED_SHOTS]:
            del self._endings[shot]
        last = pieces[-1].first_frame + pieces[-1].frames - 1
        self._runs.append(_Run(pieces[0].first_frame, last, told))

    def _take_in(self, run: _Run) -> None:
        """Put colored shots into the work on the film."""
        name, machine = self._get(run.told, run)
        film = self._film
        self._engine.note_machine(machine)
        path = pieces_path(film.job.encoding.path) / "taken"
        self._store.take(name, path)
        pictures = self._pictures
        self._work.adopt(path, None if pictures is None else pictures.keep)
        path.unlink()
        film.watcher.on_frame(self._work.frames_done, self._work.shots_done - 1)

    def _get(self, ref: Ref, run: _Run | None = None) -> Any:
        """A result; a machine's error is raised as it was there, or told in one line."""
        try:
            return ray.get(ref)
        except RayTaskError as error:
            if isinstance(error.cause, VidcolorError):
                raise error.cause from error
            self._fail("another machine failed", run, error)
        except RayError as error:
            self._fail("machines died", run, error)

    def _fail(self, fault: str, run: _Run | None, error: Exception) -> NoReturn:
        where = f" at frames {run.first} to {run.last}" if run else ""
        reason = str(getattr(error, "cause", None) or error).strip().splitlines()[-1]
        raise ClusterError(
            f"{self._film.job.source.path}: {fault}{where} ({reason}); what is done is kept, "
            "run again, with more --task-cpus if machines were short of memory"
        ) from error

    @contextmanager
    def _cancelled(self, finding: Ref) -> Iterator[None]:
        """Let machines leave what nobody waits for any more."""
        try:
            yield
        finally:
            for ref in (finding, *(run.told for run in self._runs)):
                with suppress(RayError, ValueError, TypeError):
                    ray.cancel(ref, force=True)


class _Stopped(BaseException):
    """The program ends."""


def _find(order: ClusterJob) -> Iterator[str | Piece | Damage]:
    """The node that this runs on; then as `find_shots`."""
    yield ray.get_runtime_context().get_node_id()
    yield from find_shots(order)


def _color(
    order: ClusterJob,
    checkpoint: list[Ref],
    device: str,
    pieces: Sequence[Piece],
    *endings: dict[int, bytes],
) -> tuple[tuple[str, str], dict[int, bytes]]:
    """As `color_shots`: what the head must know, and how the shots ended."""
    model = _model_here(checkpoint[0], device)
    known = sorted(chain.from_iterable(ended.items() for ended in endings))
    name, ended = color_shots(order, model, pieces, known)
    place = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else "CPU"
    machine = f"{torch.backends.cpu.get_cpu_capability()}, {model.dtype} on {place}"
    return (name, machine), ended


_find_there: Any = ray.remote(num_cpus=1)(_find)
_color_there: Any = ray.remote(num_returns=2)(_color)

_models: dict[tuple[str, str, int], Model] = {}  # of a worker's process, which does many tasks


def _model_here(ref: Ref, device: str) -> Model:
    """The model on this machine's device, by as many threads as the task has cores."""
    context: Any = ray.get_runtime_context()
    cores = max(1, int(context.get_assigned_resources().get("CPU", 1)))
    key = (ref.hex(), device, cores)
    if key not in _models:
        os.environ["OMP_NUM_THREADS"] = str(cores)
        torch.set_num_threads(cores)
        checkpoint: Any = ray.get(ref)
        _models.clear()
        _models[key] = checkpoint.on(choose_device(device))
        gc.collect()
        gc.freeze()  # this process is ours: collections need not look at what stays
    return _models[key]


def _connect(address: str | None) -> None:
    """Join a cluster, or begin one on this machine.

    Raises:
        ClusterError: None answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing here asks a network unasked
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}
    _refuse_deaf(address or os.environ.get("RAY_ADDRESS", ""))
    try:
        context = ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (RayError, ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise _no_cluster(address or "Ray", reason) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():  # Ray's own would end the program at once
                signal.signal(number, handler)
    if context.dashboard_url:
        _LOG.info("Ray's dashboard: http://%s", context.dashboard_url)


def _refuse_deaf(address: str) -> None:
    """Raise if nobody listens at an address: Ray itself would ask for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and "://" not in address:
        try:
            socket.create_connection((host, int(port)), _LISTEN_SECONDS).close()
        except OSError as error:
            raise _no_cluster(address, error.strerror or str(error)) from error


def _no_cluster(address: str, reason: str) -> ClusterError:
    return ClusterError(
        f"{address}: no cluster answers ({reason}); start one with ray start --head, "
        "or leave out --ray-address for this machine alone"
    )


def _resources() -> list[dict[str, float]]:
    """What each machine of the cluster has, by name."""
    nodes: Any = ray.nodes
    return [node["Resources"] for node in nodes() if node["Alive"]]


def _fastest_type() -> str:
    """The type of device for `auto`: CUDA if a machine has it."""
    return "cuda" if any(has.get("GPU") for has in _resources()) else "cpu"
