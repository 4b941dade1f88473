"""Damage that decoders hide, and report in FFmpeg's log alone.

FFmpeg has one log, with one level, for the whole process. So listeners are counted, and the log is
silent again when the last one leaves.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Self

import av

LOGGED_DAMAGE = {
    "ffv1": re.compile("CRC"),
    "mjpeg": re.compile("overread|error y="),
    "tiff": re.compile("Uncompressing failed|Decoded only|out of bounds|strip"),
    "exr": re.compile(r"decode_block\(\) failed"),
}
"""By codec: FFV1 reports slices with wrong checksums, JPEG reports gaps, the others rotten strips,
which they leave black."""


class _Level:
    """The log's level, raised for as long as anybody listens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners = 0

    def change(self, listeners: int) -> None:
        """Add listeners, or remove some if `listeners` is negative."""
        with self._lock:
            self._listeners += listeners
            av.logging.set_level(av.logging.ERROR if self._listeners else None)
            av.logging.set_skip_repeated(not self._listeners)


_LEVEL = _Level()


@contextmanager
def encoder_messages() -> Iterator[list[tuple[int, str, str]]]:
    """FFmpeg's complaints in this thread while the context is open: level, component, text."""
    with av.logging.Capture() as messages:
        _LEVEL.change(1)
        try:
            yield messages
        finally:
            _LEVEL.change(-1)


class DamageLog:
    """Listens to one decoder, if it is one that hides damage.

    Messages come while this thread waits for its frames, as such decoders work by slices; one from
    a frame thread could lock up.

    Args:
        codec: FFmpeg's name of it.
    """

    def __init__(self, codec: str) -> None:
        self._damage = LOGGED_DAMAGE.get(codec)
        self._capture = av.logging.Capture(local=False)

    def __enter__(self) -> Self:
        self._messages = self._capture.__enter__()
        if self._damage is not None:
            _LEVEL.change(1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._damage is not None:
            _LEVEL.change(-1)
        self._capture.__exit__(None, None, None)

    def take(self) -> bool:
        """Whether the decoder reported damage since the last call."""
        damage = self._damage
        is_damaged = damage is not None and any(damage.search(text) for *_, text in self._messages)
        self._messages.clear()
        return is_damaged
