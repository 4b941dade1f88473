"""Colorizes in a process of its own that is killed by SIGKILL where a function is called."""

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from vidcolor import colorize_video

place, nth, source, output, settings_of = sys.argv[1:]
settings = import_module(settings_of).SETTINGS
module, _, name = place.rpartition(":")
owner = import_module(module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
whole, calls = getattr(owner, name), 0

def dying(*args, **named):
    global calls
    calls += 1
    if calls == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args, **named)

setattr(owner, name, dying)
colorize_video(Path(source), Path(output), settings)
"""


def kill_at(place: str, nth: int, source: Path, output: Path, *, settings_of: str) -> None:
    """Colorize a film until the process is killed.

    Args:
        place: Where: `module:function` or `module:Class.method`.
        nth: At which call of it.
        source: The film.
        output: What it comes to.
        settings_of: The test module whose `SETTINGS` are taken.
    """
    command = [sys.executable, "-c", _PROGRAM, place, str(nth), source, output, settings_of]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, check=False, env=environment).returncode == -9
