"""`--log FILE`: what happens in a run, a line an event with its time, appended to a file."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from vidcolor.cli.output import LISTENERS
from vidcolor.cli.request import Request
from vidcolor.cli.terminal import escape
from vidcolor.errors import OutputError
from vidcolor.files import write_error
from vidcolor.report.sidecar import plain_items
from vidcolor.version import __version__

LogFormat = Literal["text", "json"]


class EventLog:
    """Writes events to a file; from the first error on it keeps silent, and films go on.

    Args:
        file: Where to, in text mode.
        path: Its name, for the one line about an error.
        log_format: `text` for people, `json` for an object a line.
    """

    def __init__(self, file: TextIO, path: Path, log_format: LogFormat) -> None:
        self._file: TextIO | None = file
        self._path = path
        self._is_json = log_format == "json"

    def add(self, event: str, text: str, facts: Mapping[str, object]) -> None:
        """Write an event.

        Args:
            event: A word for it.
            text: The same as people read it.
            facts: What is known of it.
        """
        if self._file is None:
            return
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = f"{time} {event} {escape(text)}".rstrip()
        if self._is_json:
            fields = {"time": time, "event": event, "text": text} | plain_items(facts)
            line = json.dumps(fields, ensure_ascii=True, allow_nan=False)
        try:
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError as error:
            self._file = None
            sys.stderr.write(f"vidcolor: {escape(str(write_error(self._path, error)))}\n")


@contextmanager
def logged(request: Request) -> Iterator[None]:
    """For as long as this goes on, the log that a request asks for gets all events.

    Raises:
        OutputError: It cannot be written.
    """
    path = request.log
    if path is None:
        yield
        return
    try:
        file = path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); name another --log"
        ) from error
    with file:
        log = EventLog(file, path, request.log_format)
        inputs = ", ".join(map(str, request.inputs))
        log.add("run-begins", inputs, {"vidcolor": __version__, "inputs": request.inputs})
        LISTENERS.append(log.add)
        try:
            yield
        finally:
            LISTENERS.remove(log.add)
            log.add("run-ends", "", {})
