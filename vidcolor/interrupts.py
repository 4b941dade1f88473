"""Signals that end the program, kept out of functions of ours that FFmpeg calls.

PyAV hands on no exception from there that is no `Exception`: a Ctrl-C would be lost, and FFmpeg
would take it for the end of the file. Standard library only.
"""

import signal
from collections.abc import Callable
from threading import Timer
from types import CodeType, FrameType
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])
Handler = Callable[[int, FrameType | None], object]

_AGAIN_SECONDS = 0.001

_CALLED: set[CodeType] = set()


def called_by_ffmpeg(function: Function) -> Function:
    """Mark a function that FFmpeg calls; it is handed back."""
    _CALLED.add(function.__code__)
    return function


def between_calls(handler: Handler) -> Handler:
    """A handler of signals that waits until FFmpeg's call of a marked function is over."""

    def handle(number: int, frame: FrameType | None) -> None:
        if not _is_in_call(frame):
            handler(number, frame)
            return
        again = Timer(_AGAIN_SECONDS, signal.raise_signal, (number,))
        again.daemon = True
        again.start()

    return handle


def _is_in_call(frame: FrameType | None) -> bool:
    """Whether a marked function is running in the thread of a frame."""
    while frame is not None:
        if frame.f_code in _CALLED:
            return True
        frame = frame.f_back
    return False
