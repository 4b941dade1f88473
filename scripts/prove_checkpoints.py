"""Prove that a film resumed from a damaged checkpoint is the film that no break made.

Small films are colorized without a break, and again until they are stopped: by Ctrl-C, which leaves
an orderly checkpoint, or by SIGKILL. Bits of what is left are flipped at random places, and the
film is resumed. It must have the unbroken film's bytes, or be refused. Prints counts as JSON.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from vidcolor import colorize_video
from vidcolor.errors import VidcolorError
from vidcolor.models.zoo import Model, find_model
from vidcolor.settings import ModelSettings, OutputSettings, Settings

SIZE = (64, 48)
SETTINGS = Settings(model=ModelSettings(device="cpu", render_size=64))
LOSSLESS = Settings(model=SETTINGS.model, output=OutputSettings(lossless=True))
STOPS = ("SIGINT", "SIGKILL")
FATES = ("bit", "bits", "zeros")
"""One bit is flipped, or four, or a block of 512 bytes becomes zeros."""


class Case(NamedTuple):
    """A film to break.

    Attributes:
        shots: Frames of each shot.
        output: Name of the result.
        settings: How it is made.
    """

    shots: tuple[int, ...]
    output: str
    settings: Settings = SETTINGS


CASES = {
    "x264 in mp4": Case((8, 7, 9, 8, 6, 8), "out.mp4"),
    "ffv1 in mkv": Case((8, 7, 9, 8, 6, 8), "out.mkv", LOSSLESS),
    "image sequence": Case((6, 7, 6, 5), "out/%03d.png"),
    "parts of one shot": Case((10, 500), "parts.mkv", LOSSLESS),
    "more shots than are remembered": Case((5,) * 40, "many.mkv", LOSSLESS),
}


def write_film(path: Path, shots: tuple[int, ...]) -> Path:
    """A black-and-white film whose shots are soft pictures that move."""
    width, height = SIZE
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=Fraction(25), width=width, height=height)
        stream.pix_fmt = "gray"
        for seed, frames in enumerate(shots):
            noise = np.random.default_rng(seed).uniform(16, 235, (6, 8)).astype(np.float32)
            picture = cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC).clip(16, 235)
            for step in range(frames):
                luma = np.roll(picture, step, axis=1).astype(np.uint8)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="gray")))
        output.mux(stream.encode(None))
    return path


def color_until(stop: str, frame: int, film: Path, folder: Path, case: Case) -> None:
    """Colorize a film in this process until so many frames are done, and be stopped there."""

    def progress(done: int, _: int) -> None:
        if done >= frame:
            os.kill(os.getpid(), getattr(signal, stop))

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        colorize_video(film, folder / case.output, case.settings, progress=progress)
    except KeyboardInterrupt:
        sys.exit(0)


def contents(folder: Path) -> dict[str, bytes]:
    """The film's files; its sidecar has times in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def damage(folder: Path, chance: random.Random, fate: str) -> None:
    """Change bytes of what a stopped run left, the larger a file the likelier in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for _ in range(4 if fate == "bits" else 1):
        place = chance.randrange(sum(path.stat().st_size for path in files))
        for path in files:
            if place < path.stat().st_size:
                break
            place -= path.stat().st_size
        data = bytearray(path.read_bytes())
        if fate == "zeros":
            end = min(place // 512 * 512 + 512, len(data))
            data[place // 512 * 512 : end] = bytes(end - place // 512 * 512)
        else:
            data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)


def prepare(film: Path, folder: Path, case: Case, stops: int, chance: random.Random) -> list[Path]:
    """Folders with what stopped runs left of a film, by turns of Ctrl-C and of SIGKILL."""
    left = []
    frames = sum(case.shots)
    for number in range(stops):
        frame = chance.randrange(frames // 2, frames + 1)
        left.append(folder / f"{STOPS[number % 2]}-{number}-{frame}")
        left[-1].mkdir()
        process = multiprocessing.get_context("forkserver").Process(
            target=color_until, args=(STOPS[number % 2], frame, film, left[-1], case)
        )
        process.start()
        process.join()
    return left


def resume(
    film: Path, left: Path, case: Case, chance: random.Random, model: Model
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Resume from a copy of what was left, with damage; how that ended and what is there then."""
    fate = chance.choice(FATES)
    with tempfile.TemporaryDirectory(dir=left.parent) as name:
        folder = Path(name, "resumed")
        shutil.copytree(left, folder)
        damage(folder, chance, fate)
        try:
            colorize_video(film, folder / case.output, case.settings, model=model)
        except VidcolorError as error:
            yield str(error).replace(str(folder), ""), {}
        else:
            yield "film", contents(folder)


def main() -> int:
    """Run the proof; the exit code is 1 if a wrong film was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resumes", type=int, default=40, help="of each case")
    parser.add_argument("--stops", type=int, default=6, help="of each case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", action="append", choices=CASES)
    arguments = parser.parse_args()
    multiprocessing.set_forkserver_preload(["vidcolor.film.colorize", "vidcolor.film.coloring"])
    chance = random.Random(arguments.seed)  # noqa: S311 - no secret
    told: dict[str, Counter[str]] = {}
    for name in arguments.case or CASES:
        case, counts = CASES[name], Counter[str]()
        told[name] = counts
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            film = write_film(folder / "film.mkv", case.shots)
            left = prepare(film, folder, case, arguments.stops, chance)
            model = find_model(case.settings.model)
            (folder / "unbroken").mkdir()
            colorize_video(film, folder / "unbroken" / case.output, case.settings, model=model)
            expected = contents(folder / "unbroken")
            for number in range(arguments.resumes):
                for end, found in resume(film, left[number % len(left)], case, chance, model):
                    counts[("equal" if found == expected else "WRONG") if found else end] += 1
    print(json.dumps(told, indent=1))
    return int(any(counts["WRONG"] for counts in told.values()))


if __name__ == "__main__":
    sys.exit(main())
