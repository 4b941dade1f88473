"""Whose turn it is: what a person waits for comes before what is done behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

THUMBNAIL_SECONDS, READING_SECONDS = 2.0, 0.25
"""How long a thumbnail, and the next frame read for shots, gives way at most: all of it goes on."""


class Turns:
    """Lets the frame in view go first; two processors do not suffice for all at once."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._first = 0

    @contextmanager
    def go_first(self) -> Iterator[None]:
        """Meanwhile others give way."""
        with self._condition:
            self._first += 1
        try:
            yield
        finally:
            with self._condition:
                self._first -= 1
                self._condition.notify_all()

    def give_way(self, seconds: float) -> None:
        """Wait until nobody goes first, so many seconds at most."""
        with self._condition:
            self._condition.wait_for(lambda: self._first == 0, seconds)
