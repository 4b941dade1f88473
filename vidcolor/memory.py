"""How much memory this process may use, and what to do where that is little.

Standard library only: it is asked before the libraries are loaded that need the memory.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vidcolor.errors import VidcolorError

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

LEAST_ADDRESS_SPACE = 1_600_000_000
"""With which a small film is colorized by one thread, as measured; libraries alone map 1.1 GB."""

AMPLE_ADDRESS_SPACE = 3_000_000_000
"""From which on nothing needs to be saved."""

LEAST_MEMORY = 700_000_000
"""What a film of 640x480 takes, as measured."""

_CGROUPS = Path("/sys/fs/cgroup")
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt


def prepare_memory() -> None:
    """Make do with a small address space, as `ulimit -v` sets it.

    Raises:
        VidcolorError: No film can be colorized in what this process may use.
    """
    space, memory = address_space(), min(_group_limits(), default=None)
    if space is not None and space < LEAST_ADDRESS_SPACE:
        raise _too_little(space, "address space, ulimit -v", LEAST_ADDRESS_SPACE)
    if memory is not None and memory < LEAST_MEMORY:
        raise _too_little(memory, "memory.max of its control group", LEAST_MEMORY)
    if space is not None and space < AMPLE_ADDRESS_SPACE:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):  # another C library has no arenas
                ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)  # else each thread reserves 64 MB


def address_space() -> int | None:
    """How many bytes of addresses this process may have; None if there is no limit."""
    if resource is None or not hasattr(resource, "RLIMIT_AS"):
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _group_limits() -> Iterator[int]:
    """The limits of the control groups that this process is in (version 2), in bytes."""
    with suppress(OSError, ValueError):
        line = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()[-1]
        group = _CGROUPS / line.rpartition(":")[2].lstrip("/")
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError):  # `max` is no limit
                yield int((folder / "memory.max").read_text(encoding="ascii"))
            if folder == _CGROUPS:
                return


def _too_little(bytes_: int, what: str, needed: int) -> VidcolorError:
    return VidcolorError(
        f"too little memory: this process may use {bytes_ / 1e9:.1f} GB ({what}), and needs "
        f"{needed / 1e9:.1f} GB at least. Raise that limit and run the same command again; "
        "finished shots are kept."
    )
