import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from itertools import count
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import psutil
import pytest
from clips import Extras, soft_shot, write_film
from forking import listening, start_program

from vidcolor.cli.main import main
from vidcolor.cluster.store import Store
from vidcolor.cluster.tasks import ClusterJob, find_shots
from vidcolor.errors import ClusterError
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.provenance import versions
from vidcolor.film.source_digest import digest_source
from vidcolor.reels.ledger import read_ledger
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import ClusterSettings, ModelSettings, Settings
from vidcolor.shots.pieces import Piece
from vidcolor.writing.plan import plan_video

pytest.importorskip("ray", reason="ray is not installed")

import ray
from ray.cluster_utils import Cluster

from vidcolor.cluster.engine import RayEngine

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own, of its processes

FAST = ["--device", "cpu", "--render-size", "64"]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
REELS, FEW = 3, 2
SHOT_FRAMES = 12
SHOTS = (1, 2, 1, 3, 2, 1)  # shots of one set-up fall into several tasks


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two shots a task, so that shots go on with those of other tasks."""
    monkeypatch.setattr("vidcolor.cluster.engine.RUN_FRAMES", 2 * SHOT_FRAMES)


@pytest.fixture(scope="module")
def reels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three reels of shots that come back, with sound."""
    folder = tmp_path_factory.mktemp("reels")
    for number in range(REELS):
        frames = [luma for seed in SHOTS for luma in soft_shot(10 * number + seed, SHOT_FRAMES)]
        write_film(folder / f"{number}.mkv", frames, extras=Extras(audio=["aac"]))
    return folder


@pytest.fixture(scope="module")
def local(reels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of them."""
    folder = tmp_path_factory.mktemp("local")
    assert main([str(reels), "-o", str(folder), *FAST, "-q"]) == 0
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two machines of one core, the head and another; each takes seconds to start."""
    head = {"num_cpus": 1, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=head)
    made.add_node(num_cpus=1)
    try:
        yield made
    finally:
        made.shutdown()


@pytest.fixture(scope="module")
def few(reels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the reels."""
    folder = tmp_path_factory.mktemp("few")
    for number in range(FEW):
        (folder / f"{number}.mkv").hardlink_to(reels / f"{number}.mkv")
    return folder


def run(cluster: Cluster, reels: Path, folder: Path, *arguments: object) -> int:
    """Colorize on the cluster."""
    asked = ["--engine", "ray", "--ray-address", cluster.address, *FAST, "-q"]
    return main([str(reels), "-o", str(folder), *asked, *map(str, arguments)])


def films(folder: Path) -> dict[str, bytes]:
    """The bytes of all films in a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("*.mkv")}


def few_of(made: dict[str, bytes]) -> dict[str, bytes]:
    """Those that the few reels come to."""
    return {name: data for name, data in made.items() if int(name[0]) < FEW}


def left_over(folder: Path) -> set[str]:
    """What else lies there than films, sidecars and the ledger."""
    return {
        path.name
        for path in folder.rglob("*")
        if path.suffix not in {".mkv", ".json"} and "ledger" not in path.name
    }


def test_a_run_that_was_stopped_is_gone_on_with(
    cluster: Cluster, few: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this engine or the other: shots that are whole are whole for both."""
    adopt, stop, stopped = Checkpoint.adopt, RayEngine.stop, threading.Event()

    def interrupt(self: Checkpoint, *arguments: object) -> None:
        adopt(self, *arguments)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        assert stopped.wait(60)  # or this film might be whole before the program hears of it

    def tell(self: RayEngine) -> None:
        stop(self)
        stopped.set()

    with monkeypatch.context() as patched, listening():
        patched.setattr(Checkpoint, "adopt", interrupt)
        patched.setattr(RayEngine, "stop", tell)
        # One film and one task at a time: else all would have been handed out before the stop.
        patched.setattr(RayEngine, "slots", lambda _: 0)
        patched.setattr("vidcolor.cluster.engine.LEAST_TASKS", 1)
        patched.setattr("vidcolor.cluster.engine.MOST_WAITING", 0)
        # Tasks are never waited for in vain, which would end the run, too.
        patched.setattr("vidcolor.cluster.engine._POLL_SECONDS", 60)
        assert run(cluster, few, tmp_path) == 128 + signal.SIGINT
    states = {entry.state for entry in read_ledger(tmp_path)}
    assert "stopped" in states
    assert "failed" not in states
    assert sum(entry.shots for entry in read_ledger(tmp_path)) > 0
    assert main([str(few / "0.mkv"), "-o", f"{tmp_path}/", *FAST, "-q"]) == 0
    assert run(cluster, few, tmp_path) == 0
    assert films(tmp_path) == few_of(films(local))
    assert not left_over(tmp_path)


class Made(NamedTuple):
    """What came of two films of which the machines see one.

    Attributes:
        code: The program's exit code.
        err: What it printed.
        folder: Where the films are.
        held: The program's memory in bytes after each of the shots.
    """

    code: int
    err: str
    folder: Path
    held: list[int]


@pytest.fixture(scope="module")
def seen_and_unseen(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A large film in six tasks, and one that is changed behind the program's back."""
    folder = tmp_path_factory.mktemp("seen")
    reels, out = folder / "reels", folder / "out"
    reels.mkdir()
    rng = np.random.default_rng(0)
    soft = (luma for seed in SHOTS for luma in soft_shot(seed, SHOT_FRAMES))
    large = (cv2.resize(luma, (576, 384)) for luma in soft)
    grain = [(luma // 2 + rng.integers(0, 96, luma.shape)).astype(np.uint8) for luma in large]
    write_film(reels / "a.mkv", grain)
    changed = write_film(reels / "b.mkv", soft_shot(1, SHOT_FRAMES))
    adopt, held, times = Checkpoint.adopt, [], count()

    def measure(self: Checkpoint, *arguments: object) -> None:
        adopt(self, *arguments)
        held.append(psutil.Process().memory_info().rss)

    def meddled() -> dict[str, str]:
        os.utime(changed, (0, next(times)))  # after it was looked at here
        return versions()

    with pytest.MonkeyPatch.context() as patched, redirect_stderr(StringIO()) as err:
        patched.setattr(Checkpoint, "adopt", measure)
        patched.setattr("vidcolor.cluster.engine.versions", meddled)
        patched.setattr("vidcolor.cluster.engine.RUN_FRAMES", SHOT_FRAMES)
        code = run(cluster, reels, out, "--lossless")
    return Made(code, err.getvalue(), out, held)


def test_a_film_that_machines_do_not_see_fails_alone(seen_and_unseen: Made) -> None:
    """What a machine tells of it is one line, and the other films are made."""
    assert seen_and_unseen.code == 1
    told, *_ = seen_and_unseen.err.splitlines()
    assert "b.mkv: does not exist on" in told
    assert told.endswith("all machines must see the films under the same paths")
    assert films(seen_and_unseen.folder).keys() == {"a.colorized.mkv"}


def test_the_heads_memory_is_flat(seen_and_unseen: Made) -> None:
    """Shots go through it one by one: later in a film no more is held than at its beginning."""
    held = seen_and_unseen.held
    assert len(held) == len(SHOTS)
    film = seen_and_unseen.folder / "a.colorized.mkv"
    later_bytes = film.stat().st_size * (len(SHOTS) - 2) / len(SHOTS)
    assert max(held[2:]) < max(held[:2]) + later_bytes / 2


def test_other_programs_are_refused(tmp_path: Path) -> None:
    """A machine with another version would write other bytes: it looks at no frame."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    job = plan_video(film, None, Settings())
    other = ClusterJob(
        job=job,
        settings=job.settings,
        digest=digest_source(job.source.files),
        store="",
        versions=versions() | {"vidcolor": "9"},
        part_frames=SHOT_FRAMES,
    )
    with pytest.raises(ClusterError, match="but the head has 9; install the same version on all"):
        next(find_shots(other))
    assert isinstance(next(find_shots(replace(other, versions=versions()))), Piece)


def test_a_machine_that_dies_loses_nothing(
    cluster: Cluster, reels: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had in work is done by the other; films are what one process makes of them.

    Byte for byte; sidecars tell the same, the ledger tells all, and nothing else is left.
    """
    out, segments = tmp_path / "out", tmp_path / "segments"
    adopt, adopted = Checkpoint.adopt, threading.Event()

    def tell(self: Checkpoint, *arguments: object) -> None:
        adopt(self, *arguments)
        adopted.set()

    monkeypatch.setattr(Checkpoint, "adopt", tell)

    def kill() -> None:
        assert adopted.wait(120)
        killed.append(len(films(out)))
        (machine,) = cluster.worker_nodes
        cluster.remove_node(machine, allow_graceful=False)

    killed: list[int] = []
    killer = threading.Thread(target=kill)
    killer.start()
    assert run(cluster, reels, out, "--segments", f"file://{segments}") == 0
    killer.join()
    assert killed[0] < REELS
    assert films(out) == films(local)
    assert not left_over(out)
    assert len(films(out)) == REELS
    assert not list(segments.iterdir())
    entries = read_ledger(out)
    assert {(entry.state, entry.shots) for entry in entries} == {("done", len(SHOTS))}
    for path in local.glob("*.json"):
        told, expected = read_sidecar(out / path.name), read_sidecar(path)
        assert told["shots"] == expected["shots"]
        assert told["settings"] == expected["settings"]


def test_no_cluster_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An address where nobody answers is one line."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    assert main([str(film), *FAST, "--engine", "ray", "--ray-address", "127.0.0.1:9"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("vidcolor: 127.0.0.1:9: no cluster answers")
    assert err.count("\n") == 1


def test_a_cluster_of_this_machine_listens_at_loopback_alone() -> None:
    """Whoever reaches Ray's ports may run programs here."""
    me = psutil.Process()
    others = {child.pid for child in me.children(recursive=True)}
    with RayEngine(ClusterSettings(), ModelSettings(device="cpu")) as engine:
        assert engine.slots() > 0
        ray.get(ray.remote(num_cpus=1)(lambda: 0).remote())
        processes = [me, *(one for one in me.children(recursive=True) if one.pid not in others)]
        found = [
            (process.name(), one.laddr.ip)
            for process in processes
            for one in process.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]
    for name in ("gcs_server", "raylet", "ray::"):
        assert any(by.startswith(name) for by, _ in found)
    loopback = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert [one for one in found if one[1] not in loopback] == []


def test_a_slow_start_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray gives up with a bare exception after half a minute."""

    def give_up(**_: object) -> None:
        raise Exception("The current node timed out during startup. This\ncould happen")  # noqa: TRY002

    monkeypatch.setattr(ray, "init", give_up)
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    assert main([str(film), *FAST, "--engine", "ray"]) == 1
    assert capsys.readouterr().err == (
        "vidcolor: Ray: does not start on this machine (The current node timed out during startup. "
        "This). Run the command again when the machine is less busy, or leave out --engine ray.\n"
    )


def test_no_device_of_that_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is told before any machine is asked."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    assert main([str(film), "--device", "gpu", "--engine", "ray", "--ray-address", "x:9"]) == 1
    err = capsys.readouterr().err
    assert err == "vidcolor: gpu: not a device; use auto, cpu, cuda, cuda:N or mps\n"


def test_without_ray_a_line_says_what_to_install(tmp_path: Path) -> None:
    """The extra's name and how to get it; exit code 1."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    told = start_program(tmp_path / "told", [film, "--engine", "ray"], absent=["ray"]).end()
    assert told == (1, "", "vidcolor: --engine ray needs Ray; pip install fsspec 'ray[default]'\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("film.mkv --ray-address auto", "--ray-address needs --engine ray"),
        ("film.mkv --segments x", "--segments needs --engine ray"),
        ("film.mkv --task-cpus 2 --engine local", "--task-cpus needs --engine ray"),
        (
            "film.mkv --engine ray -o o --dump d --dump-frames 1",
            "--dump and --engine ray cannot be",
        ),
    ],
)
def test_bad_usage(capsys: pytest.CaptureFixture[str], arguments: str, told: str) -> None:
    """What means nothing is said before anything is begun."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("scheme", ["", "file://", "memory://"])
def test_a_store_is_any_place(tmp_path: Path, scheme: str) -> None:
    """What is put there is taken once, and nothing is left when it is cleared."""
    store = Store(f"{scheme}{tmp_path}/store")
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"shots")
    with pytest.raises(ClusterError, match="does not exist: the run has ended"):
        store.put(source, "none")
    store.open()
    store.put(source, "one")
    store.put(source, "two")
    store.take("one", target)
    assert target.read_bytes() == b"shots"
    with pytest.raises(ClusterError, match=r"store: cannot be read .*; name a folder that all"):
        store.take("one", target)
    store.clear()
    store.clear()
    for use in (store.put, store.take):
        with pytest.raises(ClusterError):
            use(*((source, "late") if use == store.put else ("two", target)))


def test_a_place_that_nothing_reaches() -> None:
    """A library that is missing, or a protocol that nobody knows."""
    with pytest.raises(ClusterError, match="nonsense://x: cannot be reached"):
        Store("nonsense://x")
