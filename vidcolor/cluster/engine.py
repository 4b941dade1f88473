"""Shots as tasks of a Ray cluster.

This process finds no cut and colors no frame. It hands out a film's shots, long ones in parts, in
the order in which a first pass finds them, a few more than the cluster has slots for, and adds them
to the film's checkpoint in that order. A shot that returns to an earlier one waits for that one's
ending, a part for the part before; these stay in the memory of their machine until they are needed.
"""

import gc
import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple, NoReturn, Self
from uuid import uuid4

import ray
import torch
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from vidcolor.cluster.connection import connect
from vidcolor.cluster.store import Store
from vidcolor.cluster.tasks import ClusterJob, Ended, Models, color_shots, find_shots
from vidcolor.errors import ClusterError, VidcolorError
from vidcolor.files import pieces_path
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.coloring import Begun, FilmRun
from vidcolor.film.provenance import versions
from vidcolor.frame import CPU
from vidcolor.models.named import MOST_LOADED, find_named_net
from vidcolor.models.zoo import Model, choose_device, find_net, parse_device
from vidcolor.pipeline.parts import part_frames
from vidcolor.reading.reader import Damage
from vidcolor.settings import ClusterSettings, ModelSettings, NamedModel
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.shots.pieces import Piece
from vidcolor.writing.sequence_writer import PictureWriter

RUN_FRAMES = 96
"""Frames of a task: short shots are put together, as each task opens the film once."""

RETRIES = 5
"""How often a task is repeated if its machine dies."""

LEAST_TASKS, MOST_WAITING = 8, 64
"""Tasks of a film handed out at once, at least: some clusters grow only when tasks wait. And how
many more at most that wait for the one before, as they go on with its shot."""

MOST_REELS = 8
"""Reels colorized at once, at most."""

_POLL_SECONDS = 0.5

_LOG = logging.getLogger(__name__)

Ref = Any  # ray.ObjectRef; type checkers cannot see its content


class RayEngine:
    """Colors films on a Ray cluster.

    Args:
        cluster: Which cluster, and what a task needs.
        settings: The model.

    Attributes:
        model: The model's facts; it predicts on other machines.
        reels_at_once: How many films to colorize at once to keep all machines busy.

    Raises:
        ClusterError: The cluster cannot be reached.
        ModelError: See `find_net`.
    """

    def __init__(self, cluster: ClusterSettings, settings: ModelSettings) -> None:
        self._segments = cluster.segments
        self._stopped = threading.Event()
        self._machines: set[str] = set()
        net = find_net(settings)
        named = None if settings.device == "auto" else parse_device(settings.device)
        connect(cluster.address)
        # Ray deals out the GPUs of a machine, so that each task sees its own as the first.
        device = net.place(torch.device(named.type if named else _fastest_type()))
        gpus = cluster.gpus
        if gpus is None:
            gpus = 1 if device.type == "cuda" else 0
        self._needs = {"CPU": cluster.cpus, "GPU": gpus}
        self.net: ray.ObjectRef[Any] = ray.put(net)
        self.model: Model = replace(net.on(CPU), device=device)
        self._named: dict[str, Ref] = {}
        self.reels_at_once: int = min(MOST_REELS, self.slots() + 1)
        if not self.slots():
            _LOG.warning(
                "no machine of the cluster has the %d cores and %g GPUs of a task; waiting for one",
                *(cluster.cpus, gpus),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def stop(self) -> None:
        """Stop soon; finished shots are kept."""
        self._stopped.set()

    def slots(self) -> int:
        """How many tasks the cluster can run at once, now."""
        needs = [(name, need) for name, need in self._needs.items() if need]
        return sum(int(min(has.get(n, 0) // need for n, need in needs)) for has in _resources())

    def named_net(self, named: NamedModel) -> Ref:
        """A net that a color script names, where all machines find it."""
        if named.sha256 not in self._named:
            self._named[named.sha256] = ray.put(find_named_net(named))
        return self._named[named.sha256]

    def options(self, **more: object) -> dict[str, Any]:
        """Ray's options of a task that colors shots."""
        needs = {"num_cpus": self._needs["CPU"], "num_gpus": self._needs["GPU"]}
        return needs | {"max_retries": RETRIES} | more

    @property
    def is_stopped(self) -> bool:
        """Whether the program is ending: nothing more is handed out."""
        return self._stopped.is_set()

    def wait(self, refs: Sequence[Ref]) -> Ref:
        """One of some results, as soon as one is ready; the first of several.

        When the program is ending, it is one that is ready already.

        Raises:
            _Stopped: The program is ending, and none is ready.
        """
        while refs:
            is_ending = self.is_stopped
            seconds = 0 if is_ending else _POLL_SECONDS
            if ready := ray.wait(list(refs), timeout=seconds, fetch_local=False)[0]:
                return ready[0]
            if is_ending:
                break
        raise _Stopped

    def note_machine(self, machine: str) -> None:
        """Note the kind of machine that colored some shots; warn once if there are several."""
        if machine not in self._machines:
            self._machines.add(machine)
            if len(self._machines) > 1:
                kinds = "; ".join(sorted(self._machines))
                _LOG.warning(
                    "machines of different kinds color this film, so its bytes may vary: %s", kinds
                )

    def color(
        self, film: FilmRun, checkpoint: Checkpoint, pictures: PictureWriter | None
    ) -> Damage:
        """Color a film's shots; several threads may each color a film.

        Raises:
            ClusterError: Machines fail or die.
            VidcolorError: The film cannot be colorized, as a machine found.
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
            return _Shots(self, film, store, checkpoint, pictures).color()
        finally:
            store.clear()
            shutil.rmtree(beside, ignore_errors=True)


class _Run(NamedTuple):
    """Shots and parts that were handed out together.

    Attributes:
        first: Number of the first frame.
        last: Number of the last frame.
        waits: Whether it goes on with the last shot of the run before.
        colored: Becomes the name of their file in the store, and the kind of machine.
    """

    first: int
    last: int
    waits: bool
    colored: Ref


class _Shots:
    """The shots of one film, handed out and collected."""

    def __init__(
        self,
        engine: RayEngine,
        film: FilmRun,
        store: Store,
        checkpoint: Checkpoint,
        pictures: PictureWriter | None,
    ) -> None:
        self._engine, self._film, self._store = engine, film, store
        self._checkpoint, self._pictures = checkpoint, pictures
        self._runs, self._endings = deque[_Run](), dict[int, Ref]()
        self._last: Ref | None = None  # how those ended that were handed out last
        order = ClusterJob(
            job=film.job,
            settings=film.settings,
            digest=film.digest,
            store=store.url,
            versions=versions(),
            part_frames=part_frames(film.job.source.picture, engine.model),
            direction=film.direction,
        )
        self._nets = {one.sha256: engine.named_net(one) for one in film.direction.models}
        self._order = ray.put(order)

    def color(self) -> Damage:
        """Color the unfinished shots; what was damaged in the source."""
        checkpoint = self._checkpoint
        self._endings = {shot: ray.put(Ended({shot: data})) for shot, data in checkpoint.endings()}
        self._last = ray.put(Ended({}, Begun.of(checkpoint)))
        done, coming = checkpoint.frames_done, list[Piece]()
        losses: Damage | None = None
        finding = _find_there.options(max_retries=RETRIES).remote(self._order)
        with self._cancelled(finding):
            self._engine.wait([finding])
            node = self._get(next(finding))
            while losses is None or self._runs:
                limit = max(LEAST_TASKS, 2 * self._engine.slots())
                awaited = [run.colored for run in self._runs][:1]
                waiting = sum(run.waits for run in self._runs)
                has_room = len(self._runs) < limit + min(waiting, MOST_WAITING)
                if losses is None and has_room and not self._engine.is_stopped:
                    awaited.append(finding)
                if self._engine.wait(awaited) is not finding:
                    self._collect(self._runs.popleft())
                    continue
                found = self._get(next(finding))
                if isinstance(found, Damage):
                    losses = found
                elif found.first_frame >= done:
                    coming.append(found)
                is_enough = sum(piece.frames for piece in coming) >= RUN_FRAMES
                if coming and (is_enough or losses is not None):
                    self._hand_out(coming, node)
                    coming = []
        return losses

    def _hand_out(self, pieces: Sequence[Piece], node: str) -> None:
        """Have a machine color shots, if possible the one that has read the film already."""
        wanted = {piece.shot.returns_to for piece in pieces}
        endings = dict.fromkeys(ref for shot, ref in self._endings.items() if shot in wanted)
        last = None if pieces[0].begins_shot else self._last
        near = NodeAffinitySchedulingStrategy(node, soft=True, _spill_on_unavailable=True)
        engine = self._engine
        nets = {"": engine.net, **self._nets}
        colored, ended = _color_there.options(**engine.options(scheduling_strategy=near)).remote(
            self._order, nets, str(engine.model.device), pieces, last, *endings
        )
        self._last = ended
        self._endings |= dict.fromkeys((piece.shot.number for piece in pieces), ended)
        for shot in [n for n in self._endings if n <= pieces[-1].shot.number - REMEMBERED_SHOTS]:
            del self._endings[shot]
        end = pieces[-1].first_frame + pieces[-1].frames
        self._runs.append(_Run(pieces[0].first_frame, end - 1, last is not None, colored))

    def _collect(self, run: _Run) -> None:
        """Add colored shots to the film's checkpoint."""
        name, machine = self._get(run.colored, run)
        film, pictures, checkpoint = self._film, self._pictures, self._checkpoint
        self._engine.note_machine(machine)
        path = pieces_path(film.job.encoding.path) / "taken"
        self._store.take(name, path)
        checkpoint.adopt(path, None if pictures is None else pictures.keep)
        path.unlink()
        shot = checkpoint.shots_done - (checkpoint.open_shot is None)
        film.listener.on_frame(checkpoint.frames_done, shot)

    def _get(self, ref: Ref, run: _Run | None = None) -> Any:
        """A result; an error of ours is raised as on the machine, any other as one line."""
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
            f"{self._film.job.source.path}: {fault}{where} ({reason}); finished shots are kept, "
            "run the same command again, with more --task-cpus if machines ran out of memory"
        ) from error

    @contextmanager
    def _cancelled(self, finding: Ref) -> Iterator[None]:
        """Cancel the tasks that are still running at the end."""
        try:
            yield
        finally:
            for ref in (finding, *(run.colored for run in self._runs)):
                with suppress(RayError, ValueError, TypeError):
                    ray.cancel(ref, force=True)


class _Stopped(BaseException):
    """The program is ending."""


def _find(order: ClusterJob) -> Iterator[str | Piece | Damage]:
    """The node that this runs on, then the shots of `find_shots`."""
    yield ray.get_runtime_context().get_node_id()
    yield from find_shots(order)


def _color(
    order: ClusterJob,
    nets: dict[str, Ref],
    device: str,
    pieces: Sequence[Piece],
    last: Ended | None,
    *before: Ended,
) -> tuple[tuple[str, str], Ended]:
    """Color shots: the name of their file and the kind of machine, and how they ended.

    The film's net has the name "", those that its color script names their SHA-256.
    """
    model = _model_here(nets[""], device)
    models = Models(model, lambda named: _model_here(nets[named.sha256], device))
    endings = {shot: data for ended in before for shot, data in ended.endings.items()}
    name, ended = color_shots(order, models, pieces, Ended(endings, last and last.begun))
    place = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else "CPU"
    machine = f"{torch.backends.cpu.get_cpu_capability()}, {model.dtype} on {place}"
    return (name, machine), ended


_find_there: Any = ray.remote(num_cpus=1)(_find)
_color_there: Any = ray.remote(num_returns=2)(_color)

_models: dict[tuple[str, str, int], Model] = {}  # of a worker process, which runs many tasks
_MOST_MODELS: Final = 1 + MOST_LOADED


def _model_here(ref: Ref, device: str) -> Model:
    """The model on this machine's device, with as many threads as the task has cores."""
    context: Any = ray.get_runtime_context()
    cores = max(1, int(context.get_assigned_resources().get("CPU", 1)))
    key = (ref.hex(), device, cores)
    if key not in _models:
        os.environ["OMP_NUM_THREADS"] = str(cores)
        torch.set_num_threads(cores)
        net: Any = ray.get(ref)
        while len(_models) >= _MOST_MODELS:
            del _models[next(iter(_models))]
        _models[key] = net.on(choose_device(device))
        gc.collect()
        gc.freeze()  # this process is ours: collections need not look at what stays
    return _models[key]


def _resources() -> list[dict[str, float]]:
    """The resources of each machine of the cluster, by name."""
    nodes: Any = ray.nodes
    return [node["Resources"] for node in nodes() if node["Alive"]]


def _fastest_type() -> str:
    """The type of device for `auto`: CUDA if a machine has it."""
    return "cuda" if any(has.get("GPU") for has in _resources()) else "cpu"
