"""Whole programs timed from outside, for `benchmark.py`: FFmpeg's own transcode, and other builds.

What a program takes to start is left out: it is timed once more on the film's first frame.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from vidcolor.errors import VidcolorError


class Taken(NamedTuple):
    """What one run took.

    Attributes:
        seconds: By the clock.
        processor_seconds: Of all its threads.
        peak_mib: Its peak memory.
    """

    seconds: float
    processor_seconds: float
    peak_mib: int


def time_ffmpeg(film: Path, folder: Path) -> Taken | None:
    """FFmpeg's transcode as its users run it, x264 medium, CRF 16; None if it is not installed."""
    if shutil.which("ffmpeg") is None:
        return None
    x264 = ["-c:v", "libx264", "-preset", "medium", "-crf", "16"]
    quiet = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(film), "-an"]
    return _run([*quiet, *x264, str(folder / "ffmpeg.mkv")], folder)


def time_build(python: str, film: Path, folder: Path, codec: str | None) -> Taken:
    """The program as installed beside a Python, without its start.

    Args:
        python: That Python's file.
        film: What it colorizes.
        folder: Where to.
        codec: See `--codec`; None for the program's own choice.
    """
    output = ["-o", str(folder / "build.mkv"), "--overwrite", "--force", "--quiet"]
    command = [python, "-m", "vidcolor", str(film), *output]
    if codec is not None:
        command += ["--codec", codec]
    started = _run([*command, "--duration", "0.001"], folder)
    whole = _run(command, folder)
    return Taken(
        whole.seconds - started.seconds,
        whole.processor_seconds - started.processor_seconds,
        whole.peak_mib,
    )


def _run(command: list[str], folder: Path) -> Taken:
    """One run of a command, whose folder holds no package of the repository.

    Raises:
        VidcolorError: It fails.
    """
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise VidcolorError(f"{' '.join(command)}: exit code {process.returncode}")
    seconds = time.perf_counter() - began
    return Taken(seconds, used.ru_utime + used.ru_stime, round(used.ru_maxrss / 1024))
