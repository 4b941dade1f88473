"""Films from standard input and to standard output, by files that last as long as the run.

A film is read several times, and a container is complete only at its end, so neither can be done
on a pipe alone. What comes in is kept whole before it is looked at; what goes out is sent when it
is whole. A run that is stopped cannot be resumed.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from vidcolor.cli.output import CALLED
from vidcolor.cli.request import STREAM, Request
from vidcolor.errors import OutputError, SourceError
from vidcolor.files import write_error

IN, OUT = "stdin", "stdout.mkv"
FAILED = 1


def with_streams(request: Request, make: Callable[[Request], int]) -> int:
    """Do what a request asks; the exit code. Standard streams are files to what does it.

    Raises:
        SourceError: There is nothing on standard input.
        OutputError: Standard output is a terminal, or what is kept cannot be written.
    """
    reads, writes = STREAM in request.inputs, request.film_path == STREAM
    if not (reads or writes):
        return make(request)
    with TemporaryDirectory(prefix="vidcolor-") as name:
        folder = Path(name)
        CALLED.update({str(folder / IN): "standard input", str(folder / OUT): "standard output"})
        if reads:
            _keep_input(folder / IN)
            paths = (folder / IN if path == STREAM else path for path in request.inputs)
            request = replace(request, inputs=tuple(paths))
        if not writes:
            return make(request)
        with _output_kept():
            code = make(replace(request, film_path=folder / OUT))
        return code or _send(folder / OUT, sys.stdout.buffer)


def _keep_input(path: Path) -> None:
    if sys.stdin.isatty():
        raise SourceError("standard input: is a terminal; pipe a film into it, or name a file")
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def _output_kept() -> Iterator[None]:
    """Keep standard output for a film; what is printed meanwhile goes to standard error.

    So does what libraries in C print, by the stream's number: OpenEXR's warnings are such words.
    """
    if sys.stdout.isatty():
        raise OutputError("standard output: is a terminal; pipe it on, or name a file with -o")
    sys.stdout.flush()
    number = sys.stdout.fileno()
    kept = os.dup(number)
    os.dup2(sys.stderr.fileno(), number)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        with suppress(OSError, TypeError):  # where there is no C library of all programs
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, number)
        os.close(kept)


def _send(film: Path, output: BinaryIO) -> int:
    """Write a film to standard output; the exit code. Whoever reads no further wants no word."""
    if not film.exists():  # a dry run
        return 0
    try:
        with film.open("rb") as file:
            shutil.copyfileobj(file, output)
        output.flush()
    except BrokenPipeError:
        return FAILED
    except OSError as error:
        raise OutputError(
            f"standard output: cannot be written ({error.strerror}); name a file with -o"
        ) from error
    return 0
