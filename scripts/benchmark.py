"""Measure the whole program beside two ceilings, transcodes of the same film, in one run.

The plain transcode decodes and encodes with the program's own reader, writer and encoder settings,
and writes neutral chroma. FFmpeg's is what its users run, without color or checkpoints. Each runs
in a process of its own, one after the other in turn, which also tells its peak memory; loading
programs and weights is left out of the time. Rates are medians of the rounds. On a busy machine
only their ratio is to be trusted. `--against` times another build in the same rounds.

With `--stages` the processor time of each stage is told, with `--nets` how fast nets answer by
themselves. `plot_speed.py` draws what `--json` wrote.
"""

import argparse
import gc
import json
import multiprocessing
import platform
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from net_speed import time_nets
from other_programs import Taken, time_build, time_ffmpeg
from stage_speed import time_stages
from thread_times import ThreadTimes, processor_seconds

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
    gc.collect()
    gc.freeze()  # as the program does
    began, spent = time.perf_counter(), processor_seconds()
    busiest = None
    if model is None:
        frames = transcode(job, settings)
    else:
        digest = digest_source(job.source.files, job.source.access)
        made_by = Provenance(job=job, model=model, settings=settings, digest=digest)
        run = FilmRun(provenance=made_by, engine=color_here, listener=Listener())
        with ThreadTimes() as threads:
            frames = colorize_job(run).frames
        busiest = threads.busiest()
    seconds = time.perf_counter() - began
    spent = processor_seconds() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "frames": frames,
        "seconds": seconds,
        "processor_seconds": spent,
        "busiest": busiest,
        "peak_mib": round(peak),
        "size": _size(job),
    }


def measure(film: Path, settings: Settings, repeats: int, folder: Path, against: str | None) -> Row:
    """Frames a second, processor time and peak memory of the program and of what is beside it."""
    rounds: dict[str, list[Row]] = {"transcode": [], "vidcolor": []}
    others: dict[str, list[Taken]] = {"ffmpeg": [], "against": [], "this": []}
    context = multiprocessing.get_context("spawn")  # so that one's memory is not the other's
    for _ in range(repeats):
        for what, measured in rounds.items():
            with context.Pool(1) as pool:
                measured.append(pool.apply(run_once, (what, film, settings, folder)))
        if (taken := time_ffmpeg(film, folder)) is not None:
            others["ffmpeg"].append(taken)
        if against is not None:
            codec = settings.output.codec
            others["against"].append(time_build(against, film, folder, codec))
            others["this"].append(time_build(sys.executable, film, folder, codec))
    return _row(film, rounds, others)


def _row(film: Path, rounds: dict[str, list[Row]], others: dict[str, list[Taken]]) -> Row:
    """The figures of one film's rounds."""
    whole = rounds["vidcolor"]
    frames = whole[0]["frames"]
    times = {what: [one["seconds"] for one in measured] for what, measured in rounds.items()}
    times |= {what: [one.seconds for one in taken] for what, taken in others.items() if taken}
    rates = {what: round(frames / statistics.median(each), 2) for what, each in times.items()}
    row = {
        "film": film.name,
        "size": whole[0]["size"],
        "frames": frames,
        "repeats": len(whole),
        "ratio": _ratio(times["transcode"], times["vidcolor"]),
        "processor_ms": round(1000 * _median(whole, "processor_seconds") / frames, 1),
        "peak_mib": max(one["peak_mib"] for one in whole),
        "transcode_peak_mib": max(one["peak_mib"] for one in rounds["transcode"]),
        **{f"{what}_frames_per_second": rate for what, rate in rates.items()},
    }
    if "ffmpeg" in times:
        row["ratio_to_ffmpeg"] = _ratio(times["ffmpeg"], times["vidcolor"])
    for what in ("against", "this"):
        row |= (
            {f"{what}_peak_mib": max(one.peak_mib for one in others[what])} if others[what] else {}
        )
    if "against" in times:
        row["times_as_fast"] = _ratio(times["against"], times["this"])
    if whole[0]["busiest"] is not None:
        row["busiest_thread"] = whole[0]["busiest"][0]
        seconds = statistics.median(one["busiest"][1] for one in whole)
        row["busiest_thread_ms"] = round(1000 * seconds / frames, 1)
    return row


def _ratio(these: list[float], those: list[float]) -> float:
    """Median of the ratios of rounds."""
    return round(statistics.median(a / b for a, b in zip(these, those, strict=True)), 3)


def _median(rows: list[Row], key: str) -> float:
    return float(statistics.median(row[key] for row in rows))


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
    parser.add_argument(
        "--against", metavar="PYTHON", help="file of the Python beside which another build lies"
    )
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
        rows += [
            measure(film, settings, arguments.repeats, folder, arguments.against)
            for film in arguments.films
        ]
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
