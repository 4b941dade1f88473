"""Measure the whole program beside a plain transcode of the same film, the ceiling, in one run.

The plain transcode decodes and encodes with the program's own reader, writer and encoder settings,
and writes neutral chroma. Rates are medians of alternating repeats; on a busy machine only their
ratio is to be trusted.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stage_speed import time_nets, time_stages

from vidcolor.film import Watcher, colorize_job
from vidcolor.models.zoo import load_model
from vidcolor.settings import OutputSettings, Settings
from vidcolor.video.encoder import Encoded, ShotEncoder
from vidcolor.video.plan import Job, plan_video
from vidcolor.video.reader import Losses, read_frames
from vidcolor.video.writer import FilmWriter, reorder_depth


def transcode(job: Job) -> int:
    """Decode and encode a film with neutral chroma; how many frames it has."""
    picture = job.encoding.picture
    neutral = 1 << (picture.depth - 1)
    dtype = np.dtype("uint8" if picture.depth == 8 else "uint16")  # noqa: PLR2004 - bits
    plane = np.full((picture.chroma_height, picture.chroma_width), neutral, dtype)
    encoder = ShotEncoder(job.source, job.encoding)
    packets: list[Encoded] = []
    for frame in read_frames(replace(job.source, picture=picture), Losses()):
        packets += encoder.encode(frame, (plane, plane))
    packets += encoder.end_shot()
    with FilmWriter(job.source, job.encoding, made_by="") as writer:
        writer.write(packets, reorder_depth(packet.pts for packet in packets))
    return len(packets)


def rate_of(run: Callable[[], int]) -> float:
    """Frames a second of one run."""
    began = time.perf_counter()
    return run() / (time.perf_counter() - began)


def measure(film: Path, repeats: int, folder: Path) -> dict[str, float | int | str]:
    """Frames a second of the program and of the plain transcode."""
    settings = Settings(output=OutputSettings(overwrite=True), force=True)
    job = plan_video(film, None, settings, folder=folder)
    model = load_model(settings.model.name)
    rates: dict[str, list[float]] = {"transcode": [], "vidcolor": []}
    for _ in range(repeats):
        rates["transcode"].append(rate_of(lambda: transcode(job)))
        rates["vidcolor"].append(
            rate_of(lambda: colorize_job(job, model, settings, Watcher()).frames)
        )
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    picture = job.source.picture
    return {
        "film": film.name,
        "size": f"{picture.width}x{picture.height}",
        "transcode_frames_per_second": round(medians["transcode"], 2),
        "vidcolor_frames_per_second": round(medians["vidcolor"], 2),
        "ratio": round(medians["vidcolor"] / medians["transcode"], 3),
        "repeats": repeats,
    }


def main() -> None:
    """Print one row a film, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", nargs="*", type=Path)
    parser.add_argument("--stages", type=int, metavar="N", help="time each stage on N frames")
    parser.add_argument("--nets", nargs="+", default=[], help="time these nets alone")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows: list[dict[str, Any]] = []
        for film in arguments.films:
            if arguments.stages:
                milliseconds = time_stages(film, Path(folder), arguments.stages)
                rows.append({"film": film.name, "milliseconds_per_frame": milliseconds})
            else:
                rows.append(measure(film, arguments.repeats, Path(folder)))
    rows += time_nets(arguments.nets, arguments.repeats)
    for row in rows:
        print(" | ".join(f"{key} {value}" for key, value in row.items()))
    if arguments.json:
        machine = (
            f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
        )
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
