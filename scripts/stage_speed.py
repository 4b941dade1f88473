"""How long each stage takes by itself on one thread, and nets beside the machine's own ceiling.

For `benchmark.py --stages` and `--nets`. Stages are fed with what the stage before made of the same
frames, kept in memory, so that none waits for another.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from vidcolor.color.decode import decode_prediction
from vidcolor.color.lightness import expose, lightness_of, network_size, to_network
from vidcolor.color.siting import mean_at_chroma, range_at_chroma
from vidcolor.color.upsample import upsample_ab
from vidcolor.color.ycbcr import chroma_codes
from vidcolor.models.lite import fold_batch_norm
from vidcolor.models.nets import NETS
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import choose_dtype, load_model
from vidcolor.settings import OutputSettings, Settings
from vidcolor.temporal.smoothing import smooth_histograms
from vidcolor.video.encoder import ShotEncoder
from vidcolor.video.plan import Job, plan_video
from vidcolor.video.reader import Losses, read_frames

NET_SIZE = (256, 352)
"""Height and width that nets are compared at."""

_MATRIX_SIDE = 2048
_NET_BATCH = 8


def time_stages(film: Path, folder: Path, frames: int) -> dict[str, float]:
    """Milliseconds a frame of each stage, on one thread.

    Args:
        film: Its first frames are taken.
        folder: Where the film would be written; nothing is.
        frames: How many.
    """
    settings = Settings(output=OutputSettings(overwrite=True), force=True)
    job = plan_video(film, None, settings, folder=folder)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = _stages(job, settings, frames)
    finally:
        torch.set_num_threads(before)
    return {name: round(1000 * spent, 3) for name, spent in seconds.items()}


def _stages(job: Job, settings: Settings, count: int) -> dict[str, float]:
    seconds: dict[str, float] = {}
    source = replace(job.source, picture=job.encoding.picture)
    picture = source.picture
    model = replace(load_model(settings.model.name, "cpu"), threads=1)
    size = network_size(picture, settings.model.render_size)

    def timed(name: str, made: Iterable[object]) -> list:  # type: ignore[type-arg]
        began = time.perf_counter()
        results = list(made)
        seconds[name] = (time.perf_counter() - began) / count
        return results

    def first(some: Iterable[object]) -> Iterable[object]:
        return (one for one, _ in zip(some, range(count), strict=False))

    frames = timed("decode", first(read_frames(source, Losses())))
    count = len(frames)
    seen = timed("prepare", (expose(to_network(f.luma, picture, size))[0] for f in frames))
    histograms = timed("infer", predict_histograms(seen, model, settings.model.batch_size))
    smoothed = timed("smooth", smooth_histograms(histograms, settings.temporal))
    maps = timed(
        "decode bins",
        (
            decode_prediction(one.probabilities, model.decoding, vividness=0.0).ab.numpy()
            for one in smoothed
        ),
    )
    guides = timed(
        "look at luma",
        (
            (
                mean_at_chroma(lightness_of(f.luma, picture), picture),
                range_at_chroma(f.luma, picture),
            )
            for f in frames
        ),
    )
    enlarged = timed(
        "upsample",
        (
            upsample_ab(ab, lightness, guide, picture)
            for ab, lightness, (guide, _) in zip(maps, seen, guides, strict=True)
        ),
    )
    planes = timed(
        "convert",
        (
            chroma_codes(ab, guide, extremes, picture)
            for ab, (guide, extremes) in zip(enlarged, guides, strict=True)
        ),
    )
    encoder = ShotEncoder(job.source, job.encoding)

    def encode() -> Iterable[object]:
        for frame, chroma in zip(frames, planes, strict=True):
            yield from encoder.encode(frame, chroma)
        yield from encoder.end_shot()

    timed("encode", encode())
    return seconds


def time_nets(names: Iterable[str], repeats: int) -> list[dict[str, float | str]]:
    """Speed of nets on all threads, alternating: frames/s, FLOPs and share of the machine's peak.

    Speed does not depend on weights, so that of nets that do not ship is told as well.
    """
    dtype = choose_dtype(torch.device("cpu"))
    nets = {name: _net(name, dtype) for name in names}
    pictures = torch.randn(_NET_BATCH, 1, *NET_SIZE).to(dtype)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    rates: dict[str, list[float]] = {name: [] for name in nets}
    peaks: list[float] = []
    with torch.no_grad():
        for _ in range(repeats):
            peaks.append(_peak(dtype))
            for name, net in nets.items():
                rates[name].append(_NET_BATCH / _time(lambda net=net: net(pictures)))
        counted = {name: _flops(net, pictures[:1]) for name, net in nets.items()}
    peak = statistics.median(peaks)
    return [
        {
            "net": name,
            "frames_per_second": round(rate := statistics.median(rates[name]), 1),
            "gflop_per_frame": round(counted[name] / 1e9, 2),
            "share_of_peak": round(counted[name] * rate / peak, 3),
            "peak_gflop_per_second": round(peak / 1e9, 1),
        }
        for name in nets
    ]


def _net(name: str, dtype: torch.dtype) -> torch.nn.Module:
    torch.manual_seed(0)
    net = NETS[name].make({}).eval().requires_grad_(requires_grad=False)
    fold_batch_norm(net)
    return net.to(dtype).to(memory_format=torch.channels_last)


def _time(run: Callable[[], object]) -> float:
    run()  # to warm up
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _peak(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large product of matrices."""
    one, other = torch.randn(2, _MATRIX_SIDE, _MATRIX_SIDE).to(dtype)
    return 2 * _MATRIX_SIDE**3 / _time(lambda: one @ other)


def _flops(net: torch.nn.Module, picture: torch.Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        net(picture)
    return float(np.float64(counter.get_total_flops()))
