"""Inputs that do not exist, reported before anything heavy is loaded."""

import re
from collections.abc import Iterable
from glob import has_magic
from pathlib import Path

from vidcolor.cli.config import suggestion
from vidcolor.cli.request import STREAM
from vidcolor.reading.sequence_names import SequenceNames

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")


def missing_lines(inputs: Iterable[Path]) -> list[str]:
    """A line for each input that is not there, with the nearest name in its folder."""
    return [_line(path) for path in inputs if path != STREAM and not _is_there(path)]


def _is_there(path: Path) -> bool:
    """Whether something has this name, or it is a pattern, whose files are looked for later."""
    try:
        is_taken = path.exists() or path.is_symlink()
    except OSError:
        return True  # opening it reports what is wrong
    return is_taken or SequenceNames.parse(path) is not None or has_magic(str(path))


def _line(path: Path) -> str:
    if _ADDRESS.match(str(path)):
        address = str(path).replace(":/", "://", 1)  # a path has single slashes
        return f"{address}: is an address; download the film and name its file"
    if not path.parent.exists():
        return f"{path}: no such file, and no such folder {path.parent}; check its name"
    try:
        names = [other.name for other in path.parent.iterdir()]
    except OSError:
        names = []
    return f"{path}: no such file{suggestion(path.name, names) or '; check its name'}"
