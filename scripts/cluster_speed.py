"""What a second machine of a cluster is worth: the same reels by one and by two of one core.

python scripts/cluster_speed.py REELS --rounds 1

Both are on this machine, each held to a core of its own, so that they share its memory, its disk
and the core that deals out the work. Workers have loaded the model before the clock begins. The
ceiling is measured in the same run: nets alone, on one core and on two, that share nothing else.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from ray.cluster_utils import Cluster

from vidcolor.cluster.engine import RayEngine
from vidcolor.reels.batch import Batch, Outcome, Workers
from vidcolor.reels.find import Reel, find_reels
from vidcolor.reels.result import PlannedReel
from vidcolor.settings import ClusterSettings, ModelSettings, OutputSettings, Settings

_WARM_SECONDS = 1
_NET = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
import torch
torch.set_num_threads(1)
from vidcolor.models.zoo import load_model
net = load_model("lite", "cpu").net
x = torch.randn(4, 1, 256, 352, dtype=next(iter(net.state_dict().values())).dtype)
x = x.contiguous(memory_format=torch.channels_last)
with torch.no_grad():
    net(x)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < 15:
        net(x)
        count += len(x)
    print(count / (time.perf_counter() - began))
"""


@contextmanager
def machines(count: int) -> Iterator[Cluster]:
    """A head that colors nothing, and machines of one core, each held to another."""
    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for core in range(count):
            raylet = cluster.add_node(num_cpus=1).all_processes["raylet"][0].process
            process = psutil.Process(raylet.pid)
            for one in (process, *process.children(recursive=True)):
                one.cpu_affinity([core])
        yield cluster
    finally:
        cluster.shutdown()


def colorize(engine: RayEngine, reels: list[Reel], folder: Path, settings: Settings) -> int:
    """Colorize reels into a folder; how many frames they have."""
    batch = Batch(engine.model, settings, folder=folder, color=engine.color)

    def one(planned: PlannedReel) -> Outcome:
        return batch.colorize(planned, lambda _done, _shot: None)

    outcomes = list(batch.outcomes(reels, one, Workers(engine.reels_at_once, engine.stop)))
    if any(outcome.result is None for outcome in outcomes):
        raise SystemExit(str([outcome.error for outcome in outcomes]))
    return sum(outcome.result.frames for outcome in outcomes)


def measure(count: int, reels: list[Reel], settings: Settings) -> dict[str, float]:
    """Frames a second that so many machines make of the reels, and the head's memory."""
    with machines(count) as cluster, TemporaryDirectory() as folder:
        wanted = ClusterSettings(address=cluster.address)
        with RayEngine(wanted, settings.model) as engine:
            short = Settings(model=settings.model, duration_seconds=_WARM_SECONDS)
            colorize(engine, reels[: 2 * count], Path(folder, "warm"), short)
            peaks, ended = [0], threading.Event()
            watcher = threading.Thread(target=_watch, args=(peaks, ended))
            watcher.start()
            began = time.perf_counter()
            frames = colorize(engine, reels, Path(folder, "out"), settings)
            seconds = time.perf_counter() - began
            ended.set()
            watcher.join()
    rate = frames / seconds
    return {"machines": count, "frames": frames, "frames_per_second": rate, "head_mib": peaks[0]}


def net_alone(count: int) -> float:
    """Pictures a second of so many nets that know nothing of each other, each on a core."""
    program = [sys.executable, "-c", _NET]
    nets = [
        subprocess.Popen([*program, str(core)], stdout=subprocess.PIPE, text=True)
        for core in range(count)
    ]
    return sum(float(one.communicate()[0]) for one in nets)


def _watch(peaks: list[int], ended: threading.Event) -> None:
    """The greatest memory of this process, in MiB, until it is over."""
    while not ended.wait(0.1):
        peaks[0] = max(peaks[0], psutil.Process().memory_info().rss >> 20)


def main() -> None:
    """Measure in turn, and print each figure and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reels", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    reels = [reel for reel in find_reels(options.reels, recursive=False) if isinstance(reel, Reel)]
    settings = Settings(
        model=ModelSettings(device="cpu"), output=OutputSettings(overwrite=True), force=True
    )
    rows, alone = [], {1: list[float](), 2: list[float]()}
    for round_ in range(options.rounds):
        for count, rates in alone.items():
            rates.append(net_alone(count))
        for count in (1, 2) if round_ % 2 == 0 else (2, 1):
            rows.append(measure(count, reels, settings))
            print(json.dumps(rows[-1]), flush=True)
    one, two = (
        statistics.median(row["frames_per_second"] for row in rows if row["machines"] == count)
        for count in (1, 2)
    )
    ceiling = statistics.median(alone[2]) / statistics.median(alone[1])
    print(f"two machines against one: {two / one:.2f}; two nets against one: {ceiling:.2f}")
    if options.json:
        told = {"rows": rows, "ratio": two / one, "ceiling": ceiling}
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
