"""How fast nets answer by themselves, beside what the machine could compute at most.

For `benchmark.py --nets`. A batch is shared out among workers of one thread each, as the program
does it. Speed does not depend on weights, so that of nets that do not ship is told as well.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vidcolor.models.zoo import choose_device, choose_dtype, place_net
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.table import NETS

NET_SIZE = (256, 352)
"""Height and width that nets are compared at."""

_MATRIX_SIDE = 2048


def time_nets(
    names: Iterable[str], batches: Iterable[int], repeats: int, device_name: str = "auto"
) -> list[dict[str, float | str]]:
    """Frames a second of nets, in float32 and in the type that the program takes; alternating.

    Args:
        names: From `NETS`.
        batches: Pictures at once.
        repeats: Rounds; of their rates the medians are told.
        device_name: Where.
    """
    device = choose_device(device_name)
    workers = torch.get_num_threads() if device.type == "cpu" else 1
    dtypes = dict.fromkeys((torch.float32, choose_dtype(device)))
    bare = {name: _bare(name) for name in names}
    flops = {name: _flops(net) for name, net in bare.items()}
    nets = {
        (name, dtype): place_net(deepcopy(net), device, dtype)
        for name, net in bare.items()
        for dtype in dtypes
    }
    rates: dict[tuple[str, torch.dtype, int], list[float]] = {}
    peaks: dict[torch.dtype, list[float]] = {dtype: [] for dtype in dtypes}
    with ThreadPoolExecutor(workers, "net", _begin_worker) as pool:
        for _ in range(repeats):
            for dtype in dtypes:
                peaks[dtype].append(_peak(dtype, device, pool, workers))
            for (name, dtype), net in nets.items():
                for batch in batches:
                    rate = _rate(net, batch, dtype, device, pool, workers)
                    rates.setdefault((name, dtype, batch), []).append(rate)
    rows: list[dict[str, float | str]] = []
    for (name, dtype, batch), measured in rates.items():
        rate, peak = statistics.median(measured), statistics.median(peaks[dtype])
        rows.append(
            {
                "net": name,
                "type": str(dtype).removeprefix("torch."),
                "batch": batch,
                "frames_per_second": round(rate, 2),
                "gflop_per_frame": round(flops[name] / 1e9, 2),
                "share_of_peak": round(flops[name] * rate / peak, 3),
                "peak_gflop_per_second": round(peak / 1e9, 1),
            }
        )
    return rows


def _begin_worker() -> None:
    torch.set_num_threads(1)


def _bare(name: str) -> nn.Module:
    torch.manual_seed(0)
    net: nn.Module = NETS[name].make({}).eval().requires_grad_(requires_grad=False)
    fold_batch_norm(net)
    return net


def _rate(
    net: nn.Module,
    batch: int,
    dtype: torch.dtype,
    device: torch.device,
    pool: ThreadPoolExecutor,
    workers: int,
) -> float:
    """Frames a second of all workers together."""
    share = max(1, batch // workers)
    pictures = torch.randn(share, 1, *NET_SIZE).to(device, dtype)
    pictures = pictures.contiguous(memory_format=torch.channels_last)

    def infer() -> None:
        with torch.no_grad():
            net(pictures)

    return workers * share / _time(infer, device, pool, workers)


def _peak(
    dtype: torch.dtype, device: torch.device, pool: ThreadPoolExecutor, workers: int
) -> float:
    """Floating-point operations a second of large products of matrices."""
    one, other = torch.randn(2, _MATRIX_SIDE, _MATRIX_SIDE).to(device, dtype)
    return workers * 2 * _MATRIX_SIDE**3 / _time(lambda: one @ other, device, pool, workers)


def _time(
    run: Callable[[], object], device: torch.device, pool: ThreadPoolExecutor, workers: int
) -> float:
    """Seconds that all workers take to run it once each, after a run to warm up."""

    def all_at_once() -> None:
        for done in [pool.submit(run) for _ in range(workers)]:
            done.result()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    all_at_once()
    began = time.perf_counter()
    all_at_once()
    return time.perf_counter() - began


def _flops(net: nn.Module) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 1, *NET_SIZE))
    return float(np.float64(counter.get_total_flops()))
