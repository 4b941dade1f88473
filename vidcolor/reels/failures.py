"""Unforeseen errors of one reel: one line for the user, a report for the developers."""

import os
import platform
import re
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import torch

from vidcolor.errors import OutputError, UnexpectedError, VidcolorError
from vidcolor.files import write_whole
from vidcolor.memory import is_scarce
from vidcolor.version import __version__
from vidcolor.words import spelled

PREFIX = "vidcolor-report-"
"""How the names of reports begin."""

_LONGEST_STEM = 100
_SIGNS_OF_MEMORY = (
    "can't allocate memory",
    "Cannot allocate memory",
    "Insufficient memory",
    "bad_alloc",
    "can't start new thread",
    "failed to map segment",
    "could not create a primitive",
)
"""Of torch, the system, OpenCV, C++, Python, the loader of libraries, and oneDNN."""

_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


def explain(error: Exception, source: Path, folder: Path) -> VidcolorError:
    """An error in one line; an unforeseen one also writes a report.

    Args:
        error: The error that a reel failed with.
        source: The reel.
        folder: Where a report goes, or failing that the folder for temporary files.
    """
    is_told = isinstance(error, VidcolorError) and "memory" in str(error)
    if is_told and str(source) not in str(error):
        return VidcolorError(f"{source}: {error}")
    if is_memory(error) and not is_told:
        return VidcolorError(
            f"{source}: not enough memory. Lower --batch-size, or close other programs."
        )
    if isinstance(error, VidcolorError):
        return error
    reason = " ".join(str(error).split())[:200]
    kind = type(error).__name__
    what = f"{source}: failed unexpectedly ({kind}{reason and f': {reason}'})"
    report = _write_report(error, source, folder)
    remedy = "please report this" if report is None else f"please send us {report}"
    return UnexpectedError(f"{what}. The other reels continue; {remedy}.")


def is_memory(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that memory ran out."""
    return any(
        # FFmpeg tells by the latter that it can start no thread.
        isinstance(one, MemoryError | av.error.BlockingIOError)
        or any(sign in str(one) for sign in _SIGNS_OF_MEMORY)
        or (isinstance(one, av.error.ExternalError) and is_scarce())  # encoders tell no more
        for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # an error may be its own cause
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _write_report(error: Exception, source: Path, folder: Path) -> Path | None:
    """The report's path; None if it cannot be written anywhere."""
    lines = (
        f"vidcolor {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"PyAV {av.__version__}, NumPy {np.__version__}, torch {torch.__version__}",
        f"source: {os.fsencode(source)!r}",
        "",
        "".join(traceback.format_exception(error)),
    )
    data = spelled("\n".join(lines)).encode()
    name = f"{PREFIX}{_UNSAFE.sub('_', source.name)[:_LONGEST_STEM]}.txt"
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            write_whole(place / name, data)
        except OutputError:
            continue
        return place / name
    return None
