"""The standard streams: any text can be printed, and none of it steers a terminal."""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from vidcolor.words import spelled

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # what turns or breaks lines
)


def escape(text: str) -> str:
    """`text` as one line that a terminal shows as it is: what would steer it becomes escapes."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), spelled(text))


class LastingStream:
    """A stream that takes any text for ever; from the first error on it keeps silent.

    Args:
        stream: Where text goes.

    Attributes:
        error: What ended it; None while it lasts.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if that can still be done."""
        if self.error is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._end(error)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can still be done."""
        if self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._end(error)

    def _end(self, error: OSError) -> None:
        """Keep quiet from here on; what waits to be written must not fail when Python ends."""
        self.error = error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def lasting_streams() -> Iterator[LastingStream]:
    """For as long as this goes on, standard output and error take whatever is printed.

    Streams that were closed when the program began lead nowhere. What is yielded is the output.
    """
    _open_missing()
    before = sys.stdout, sys.stderr
    output, errors = (LastingStream(stream) for stream in before)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        try:
            output.flush()
            errors.flush()
        finally:
            sys.stdout, sys.stderr = before


def _open_missing() -> None:
    """Open what was closed, so that no file of ours gets a number that libraries print to."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
