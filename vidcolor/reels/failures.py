"""What nobody foresaw, kept to the reel that it befell: one line for the user, a report for us."""

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
from vidcolor.version import __version__

PREFIX = "vidcolor-report-"
"""Of the names of reports."""

_LONGEST_STEM = 100
_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


def explain(error: Exception, source: Path, folder: Path) -> VidcolorError:
    """An error as one that is told in a line; one that nobody foresaw leaves a report.

    Args:
        error: What a reel failed with.
        source: The reel.
        folder: Where a report goes, or failing that the folder for temporary files.
    """
    if isinstance(error, VidcolorError):
        return error
    if _is_memory(error):
        told = f"{source}: not enough memory. Lower --batch-size, or close other programs."
        return VidcolorError(told)
    reason = " ".join(str(error).split())[:200]
    kind = type(error).__name__
    what = f"{source}: failed unexpectedly ({kind}{reason and f': {reason}'})"
    report = _write_report(error, source, folder)
    remedy = "please report this" if report is None else f"please send us {report}"
    return UnexpectedError(f"{what}. The other reels go on; {remedy}.")


def _is_memory(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that memory ran out."""
    return any(
        isinstance(one, MemoryError)
        or any(sign in str(one) for sign in ("can't allocate memory", "Insufficient memory"))
        for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _write_report(error: Exception, source: Path, folder: Path) -> Path | None:
    """The report's path; None where it cannot be written anywhere."""
    lines = (
        f"vidcolor {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"PyAV {av.__version__}, NumPy {np.__version__}, torch {torch.__version__}",
        f"source: {os.fsencode(source)!r}",
        "",
        "".join(traceback.format_exception(error)),
    )
    data = "\n".join(lines).encode(errors="backslashreplace")
    name = f"{PREFIX}{_UNSAFE.sub('_', source.name)[:_LONGEST_STEM]}.txt"
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            write_whole(place / name, data)
        except OutputError:
            continue
        return place / name
    return None
