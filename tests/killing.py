"""Colorizes films until a process of their own is killed by SIGKILL, or Ctrl-C is pressed here."""

import os
import signal
from pathlib import Path
from pkgutil import resolve_name

import pytest
from forking import call_at, end, fork

from vidcolor import colorize_video
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.settings import Settings


def kill_at(place: str, nth: int, source: Path, output: Path, settings: Settings) -> None:
    """Colorize a film until the process is killed.

    Args:
        place: Where: `module:function` or `module:Class.method`.
        nth: At which call of it.
        source: The film.
        output: What it comes to.
        settings: How.
    """
    resolve_name(place)  # or every process would end early, at a name that is gone
    process = fork(_die, place, nth, source, output, settings)
    assert end(process) == -signal.SIGKILL


def _die(place: str, nth: int, source: Path, output: Path, settings: Settings) -> None:
    inner, _, name = place.rpartition("." if "." in place.partition(":")[2] else ":")
    call_at(resolve_name(inner), name, nth, lambda: os.kill(os.getpid(), signal.SIGKILL))
    colorize_video(source, output, settings)


def stop_at(frame: int, film: Path, output: Path, settings: Settings) -> None:
    """Colorize until Ctrl-C where a frame is kept."""
    add_frame = Checkpoint.add_frame

    def failing(self: Checkpoint, shot: int, number: int, figures: object) -> None:
        if number == frame:
            raise KeyboardInterrupt
        add_frame(self, shot, number, figures)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Checkpoint, "add_frame", failing)
        with pytest.raises(KeyboardInterrupt):
            colorize_video(film, output, settings)
