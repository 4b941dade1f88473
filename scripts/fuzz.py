"""Feed damaged films to the program, and count what must never be.

Small films of every format that this FFmpeg writes are made, and mutants of them by a seed: bits
flipped, bytes set, parts cut out, doubled or taken from another film. Each is colorized by `main`
in a process of its own that is forked off when all is loaded. Counted are tracebacks, failures that
nobody foresaw, runs that use more processor time than allowed, signals, and files that are neither
a whole film nor the program's own. Prints what was found as JSON; exit code 1 if anything was.
"""

import argparse
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

import vidcolor.cli.colorize  # noqa: F401 - the program loads it late; here all runs share it
from vidcolor.cli.main import main as run_program
from vidcolor.models.zoo import find_model
from vidcolor.reels.failures import PREFIX
from vidcolor.settings import ModelSettings

FILMS = {
    "ffv1.mkv": ("ffv1", "yuv420p"), "gray10.mkv": ("ffv1", "gray10le"),
    "h264.mp4": ("libx264", "yuv420p"), "h264.ts": ("libx264", "yuv420p"),
    "hevc.mov": ("libx265", "yuv420p"), "mpeg4.avi": ("mpeg4", "yuv420p"),
    "mpeg2.mpg": ("mpeg2video", "yuv420p"), "mpeg2.vob": ("mpeg2video", "yuv420p"),
    "vp8.webm": ("libvpx", "yuv420p"), "prores.mov": ("prores_ks", "yuv422p10le"),
    "dnxhd.mxf": ("mpeg2video", "yuv420p"), "mjpeg.avi": ("mjpeg", "yuvj420p"),
    "wmv2.asf": ("wmv2", "yuv420p"), "flv1.flv": ("flv", "yuv420p"),
    "theora.nut": ("ffv1", "gray"), "roq.roq": ("roqvideo", "yuvj444p"),
    "raw.y4m": ("wrapped_avframe", "yuv420p"), "rle.mov": ("qtrle", "rgb24"),
    "h263.3gp": ("h263", "yuv420p"), "huffyuv.avi": ("huffyuv", "yuv422p"),
    "gif.gif": ("gif", "gray"), "png.mov": ("png", "rgba"), "cinepak.avi": ("cinepak", "rgb24"),
    "svq1.mov": ("svq1", "yuv410p"), "rawvideo.avi": ("rawvideo", "yuv420p"),
}  # fmt: skip
SCANS = {
    "dpx": ("dpx", "gbrp10be"), "tif": ("tiff", "gray16le"), "png": ("png", "gray"),
    "exr": ("exr", "grayf32le"), "jpg": ("mjpeg", "yuvj420p"), "dpx8": ("dpx", "gray"),
}  # fmt: skip
WIDTH, HEIGHT, FRAMES = 128, 96, 3
"""The smallest of H.263, so that a mutant costs little."""

ROQ_SIDE = 128
"""RoQ wants powers of two."""

ASLEEP = 15
"""Times the seconds of the processor: a run that takes longer by the clock is ended."""

OPTIONS = ("--render-size", "64", "--device", "cpu")


def make_frames(pixel_format: str, width: int, height: int) -> Iterator[av.VideoFrame]:
    """A soft picture that moves."""
    y, x = np.mgrid[:height, :width]
    for index in range(FRAMES):
        gray = (128 + 90 * np.sin((x + 4 * index) / 17) * np.cos(y / 23)).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format=pixel_format)
        frame.pts, frame.time_base = index, Fraction(1, 25)
        yield frame


def make_film(path: Path, codec: str, pixel_format: str) -> None:
    """Write a film of a few frames."""
    size = (ROQ_SIDE, ROQ_SIDE) if codec == "roqvideo" else (WIDTH, HEIGHT)
    rate = 30 if codec == "roqvideo" else 25
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        for frame in (*make_frames(pixel_format, *size), None):
            for packet in stream.encode(frame):
                output.mux(packet)


def make_scans(folder: Path, suffix: str, codec: str, pixel_format: str) -> None:
    """Write a few numbered pictures."""
    folder.mkdir()
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, pixel_format
    context.time_base = Fraction(1, 25)
    for index, frame in enumerate(make_frames(pixel_format, WIDTH, HEIGHT)):
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        (folder / f"{index:04}.{suffix}").write_bytes(data)


def make_sources(folder: Path) -> list[Path]:
    """A film of each format that this FFmpeg writes, and a folder of each kind of pictures."""
    sources = []
    for name, (codec, pixel_format) in FILMS.items():
        with contextlib.suppress(av.FFmpegError, ValueError):
            make_film(folder / name, codec, pixel_format)
            sources.append(folder / name)
    for name, (codec, pixel_format) in SCANS.items():
        with contextlib.suppress(av.FFmpegError, ValueError):
            make_scans(folder / name, name.rstrip("0123456789"), codec, pixel_format)
            sources.append(folder / name)
    return sources


def mutate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """`data`, damaged in one to three ways."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        chance.choice(WAYS)(made, other, chance)
    return bytes(made)


def flip(made: bytearray, _: bytes, chance: random.Random) -> None:
    """Flip some bits, more often near the beginning."""
    for _ in range(chance.choice((1, 3, 20))):
        if made:
            at = int(len(made) * chance.random() ** chance.choice((1, 3)))
            made[at] ^= 1 << chance.randrange(8)


def fill(made: bytearray, _: bytes, chance: random.Random) -> None:
    """Set a run of bytes to 0, to 255 or to noise."""
    at, length = chance.randrange(len(made) + 1), chance.choice((1, 4, 64, 1000))
    value = chance.choice((b"\0", b"\xff", chance.randbytes(1)))
    made[at : at + length] = value * len(made[at : at + length])


def cut(made: bytearray, _: bytes, chance: random.Random) -> None:
    """Take the end away, or a part."""
    at = chance.randrange(len(made) + 1)
    del made[at : chance.choice((len(made), at + chance.randrange(2000)))]


def splice(made: bytearray, other: bytes, chance: random.Random) -> None:
    """Put a part of another film, or of this one, in a place where it does not belong."""
    source = chance.choice((bytes(made), other))
    begin = chance.randrange(len(source) + 1)
    part = source[begin : begin + chance.choice((8, 200, 5000))]
    at = chance.randrange(len(made) + 1)
    made[at : at + chance.choice((0, len(part)))] = part


WAYS: tuple[Callable[[bytearray, bytes, random.Random], None], ...] = (flip, fill, cut, splice)


def place_mutant(source: Path, other: Path, folder: Path, chance: random.Random) -> list[str]:
    """Write a mutant of a film, or of one or all pictures of some; the words that name it."""
    if source.is_file():
        given = other if other.is_file() else next(iter(sorted(other.iterdir())))
        data = mutate(source.read_bytes(), given.read_bytes(), chance)
        (folder / source.name).write_bytes(data)
        return [str(folder / source.name)]
    target = folder / source.name
    shutil.copytree(source, target)
    pictures = sorted(target.iterdir())
    for path in pictures if chance.random() < 1 / 3 else [chance.choice(pictures)]:
        path.write_bytes(mutate(path.read_bytes(), path.read_bytes(), chance))
    return [str(target), "--fps", "24"]


def run_apart(arguments: list[str], seconds: int) -> tuple[str, str]:
    """What came of a run in a process of its own (`0`, `1`, `hang`...), and what it said.

    `seconds` are the processor's, of all threads, so that a busy machine makes no hang.
    """
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False))
            os._exit(_run_here(arguments))
        end = _wait(child, seconds)
        said.seek(0)
        return end, said.read()


def _run_here(arguments: list[str]) -> int:
    try:
        code = run_program(arguments)
    except BaseException:  # noqa: BLE001 - this is what is looked for
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    return code


def _wait(child: int, seconds: int) -> str:
    """How the child ended; one that sleeps for ever, and so uses no processor, is a hang, too."""
    ends = time.monotonic() + ASLEEP * seconds
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            if code == -signal.SIGXCPU:
                return "hang"
            return f"signal {-code}" if code < 0 else str(code)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hang"


def find_faults(end: str, said: str, output: Path) -> list[str]:
    """What of a run must not be."""
    faults = [] if end in {"0", "1"} else [end]
    if "Traceback" in said:
        faults.append("traceback")
    left = sorted(output.iterdir()) if output.is_dir() else []
    if any(path.name.startswith(PREFIX) for path in left):
        faults.append("unforeseen")
    films = [path for path in left if path.suffix in {".mkv", ".mp4", ".mov", ".ts"}]
    hidden = [path.name for path in left if path.name.startswith(".")]
    if hidden or (films and end == "1") or (not films and end == "0"):
        faults.append(f"half: {hidden or [path.name for path in films]}")
    for film in films:
        try:
            with av.open(str(film)) as opened:
                next(opened.decode(video=0))
        except (av.FFmpegError, StopIteration, IndexError):
            faults.append(f"unreadable: {film.name}")
    return faults


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="mutants (default: %(default)d)")
    parser.add_argument("--seed", type=int, default=1, help="of the first one (default: 1)")
    parser.add_argument(
        "--seconds", type=int, default=60, help="of the processor that a run may take"
    )
    parser.add_argument("--keep", type=Path, help="folder for mutants with a fault")
    options = parser.parse_args()
    torch.set_num_threads(1)
    find_model(ModelSettings(device="cpu"))
    faults, ends = [], Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        seeds = Path(place, "seeds")
        seeds.mkdir()
        sources = make_sources(seeds)
        for seed in range(options.seed, options.seed + options.count):
            chance = random.Random(seed)  # noqa: S311 - no secret
            source, other = chance.choice(sources), chance.choice(sources)
            folder = Path(place, str(seed))
            folder.mkdir()
            words = place_mutant(source, other, folder, chance)
            output = folder / "out"
            end, said = run_apart([*words, "-o", f"{output}/", *OPTIONS], options.seconds)
            ends[end] += 1
            found = find_faults(end, said, output)
            if found:
                faults.append({"seed": seed, "source": source.name, "faults": found})
                print(seed, source.name, found, said.strip()[-600:], file=sys.stderr)
                if options.keep is not None:
                    shutil.copytree(folder, options.keep / str(seed))
            shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    told = {"sources": [source.name for source in sources], "mutants": options.count}
    told |= {"first_seed": options.seed, "ends": dict(ends), "peak_mb": peak, "faults": faults}
    print(json.dumps(told, indent=1))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
