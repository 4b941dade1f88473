"""Measure the whole program beside a plain transcode of the same film, the ceiling, in one run.

The plain transcode decodes and encodes with the program's own reader, writer and encoder settings,
and writes neutral chroma. Each runs in a process of its own, one after the other in turn, which
also tells its peak memory; loading programs and weights is left out of the time. Rates are medians
of the rounds. On a busy machine only their ratio is to be trusted.

With `--stages` the processor time of each stage is told, with `--nets` how fast nets answer by
themselves. `plot_speed.py` draws what `--json` wrote.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from net_speed import time_nets
from stage_speed import time_stages

from vidcolor.film.coloring import FilmRun, Listener, color_here
from vidcolor.film.colorize import colorize_job
from vidcolor.film.provenance import Provenance
from vidcolor.film.source_digest import digest_source
from vidcolor.models.zoo import find_model
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.settings import InputSettings, ModelSettings, OutputSettings, Settings
from vidcolor.writing.muxer import FilmWriter, reorder_depth
from vidcolor.writing.plan import Job, plan_video
from vidcolor.writing.shot_encoder import Encoded, ShotEncoder

Row = dict[str, Any]


def transcode(job: Job, settings: Settings) -> int:
    """Decode and encode a film with neutral chroma; how many frames it has."""
    picture = job.encoding.picture
    neutral = 1 << (picture.depth - 1)
    dtype = np.dtype("uint8" if picture.depth == 8 else "uint16")  # noqa: PLR2004 - bits
    plane = np.full((picture.chroma_height, picture.chroma_width), neutral, dtype)
    encoder = ShotEncoder(job.source, job.encoding)
    packets: list[Encoded] = []
    source = replace(job.source, picture=picture)
    for frame in read_frames(source, Damage(), hwaccel=settings.input.hwaccel):
        packets += encoder.encode(frame, (plane, plane))
    packets += encoder.end_part()
    with FilmWriter(job.source, job.encoding, made_by="") as writer:
        writer.write(packets, reorder_depth(packet.pts for packet in packets))
    return len(packets)


def run_once(what: str, film: Path, settings: Settings, folder: Path) -> Row:
    """Transcode or colorize a film: its frames, the seconds, and the process's peak memory."""
    job = plan_video(film, None, settings, folder=folder)
    model = None if what == "transcode" else find_model(settings.model)
    began = time.perf_counter()
    if model is None:
        frames = transcode(job, settings)
    else:
        digest = digest_source(job.source.files, job.source.access)
        made_by = Provenance(job=job, model=model, settings=settings, digest=digest)
        run = FilmRun(provenance=made_by, engine=color_here, listener=Listener())
        frames = colorize_job(run).frames
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"frames": frames, "seconds": seconds, "peak_mib": round(peak), "size": _size(job)}


def measure(film: Path, settings: Settings, repeats: int, folder: Path) -> Row:
    """Frames a second and peak memory of the program and of the plain transcode."""
    rounds: dict[str, list[Row]] = {"transcode": [], "vidcolor": []}
    context = multiprocessing.get_context("spawn")  # so that one's memory is not the other's
    for _ in range(repeats):
        for what, measured in rounds.items():
            with context.Pool(1) as pool:
                measured.append(pool.apply(run_once, (what, film, settings, folder)))
    rates = {
        what: statistics.median(one["frames"] / one["seconds"] for one in measured)
        for what, measured in rounds.items()
    }
    pairs = zip(rounds["transcode"], rounds["vidcolor"], strict=True)
    ratios = [plain["seconds"] / whole["seconds"] for plain, whole in pairs]
    return {
        "film": film.name,
        "size": rounds["vidcolor"][0]["size"],
        "frames": rounds["vidcolor"][0]["frames"],
        "transcode_frames_per_second": round(rates["transcode"], 2),
        "vidcolor_frames_per_second": round(rates["vidcolor"], 2),
        "ratio": round(statistics.median(ratios), 3),
        "peak_mib": max(one["peak_mib"] for one in rounds["vidcolor"]),
        "transcode_peak_mib": max(one["peak_mib"] for one in rounds["transcode"]),
        "repeats": repeats,
    }


def _size(job: Job) -> str:
    return f"{job.source.picture.width}x{job.source.picture.height}"


def measure_stages(film: Path, size: str, folder: Path, frames: int, repeats: int) -> Row:
    """Processor milliseconds a frame of each stage of a film whose size is known."""
    milliseconds, share = time_stages(film, folder, frames, repeats)
    return {
        "film": film.name,
        "size": size,
        "milliseconds": milliseconds,
        "total": round(sum(milliseconds.values()), 2),
        "share_of_frames_inferred": share,
    }


def main() -> None:
    """Print one row a film, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", nargs="*", type=Path)
    parser.add_argument("--stages", type=int, metavar="N", help="also time each stage on N frames")
    parser.add_argument("--nets", nargs="+", default=[], help="also time these nets alone")
    parser.add_argument("--batches", nargs="+", type=int, default=[8], help="of the nets")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--hwaccel", help="decode by it, in both")
    parser.add_argument("--codec", help="encode by it, in both")
    parser.add_argument("--batch-size", type=int, default=ModelSettings().batch_size)
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    settings = Settings(
        input=InputSettings(hwaccel=arguments.hwaccel),
        model=ModelSettings(device=arguments.device, batch_size=arguments.batch_size),
        output=OutputSettings(overwrite=True, codec=arguments.codec),
        force=True,
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows += [measure(film, settings, arguments.repeats, folder) for film in arguments.films]
        if arguments.stages:
            staged = (folder, arguments.stages, arguments.repeats)
            sizes = [row["size"] for row in rows]
            pairs = zip(arguments.films, sizes, strict=True)
            rows += [measure_stages(film, size, *staged) for film, size in pairs]
    rows += time_nets(arguments.nets, arguments.batches, arguments.repeats, arguments.device)
    for row in rows:
        print(" | ".join(f"{key} {value}" for key, value in row.items()))
    if arguments.json:
        machine = f"{_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


def _processor() -> str:
    """The processor's name, where the system tells it."""
    about = Path("/proc/cpuinfo")
    names = about.read_text().split("\n") if about.exists() else []
    named = [line.partition(":")[2].strip() for line in names if line.startswith("model name")]
    return named[0] if named else platform.machine()


if __name__ == "__main__":
    main()
