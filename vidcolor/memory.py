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

AMPLE_MEMORY = 2_000_000_000
"""From which on the network may be asked about many frames at once, by many threads."""

PIXEL_BYTES = 12
"""What a picture takes while it is read and colored alone, a pixel of 8 bits, as measured."""

QUEUE_BYTES = 45_000_000
"""What the frames of one queue may take at most."""

_SHARE = 8  # one of so many parts of what is free may hold the frames of one queue

_CGROUPS = Path("/sys/fs/cgroup")
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt


def prepare_memory(asked: int | None = None) -> None:
    """Make do with a small address space, as `ulimit -v` sets it.

    Args:
        asked: How many bytes of memory the user lets the program use; None for no word.

    Raises:
        VidcolorError: No film can be colorized in what this process may use.
    """
    space, memory = address_space(), min(_group_limits(), default=None)
    if asked is not None and asked < LEAST_MEMORY:
        raise _too_little(asked, "--memory-limit", LEAST_MEMORY)
    if space is not None and space < LEAST_ADDRESS_SPACE:
        raise _too_little(space, "address space, ulimit -v", LEAST_ADDRESS_SPACE)
    if memory is not None and memory < LEAST_MEMORY:
        raise _too_little(memory, "memory.max of its control group", LEAST_MEMORY)
    if is_scarce():
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):  # another C library has no arenas
                ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)  # else each thread reserves 64 MB


def usable_memory(asked: int | None = None) -> int | None:
    """How many bytes of memory this process should use at most; None where no bound is known.

    Args:
        asked: What the user lets it use; None for all that machine and control groups give it.
    """
    bounds = [*_group_limits(), *_machine_memory(), *([] if asked is None else [asked])]
    return min(bounds, default=None)


def is_little(asked: int | None) -> bool:
    """Whether the network should be asked about few frames at once; see `usable_memory`."""
    memory = usable_memory(asked)
    return memory is not None and memory < AMPLE_MEMORY


def most_pixels(memory: int | None) -> int:
    """How many pixels a picture may have to be read at all; 0 for no bound.

    Args:
        memory: See `usable_memory`.
    """
    return 0 if memory is None else max(1, (memory - LEAST_MEMORY) // PIXEL_BYTES)


def frames_ahead(most: int, frame_bytes: int, memory: int | None) -> int:
    """How many frames a queue may hold: `most`, or fewer where they are large; at least one.

    Args:
        most: How many are of use.
        frame_bytes: What one takes.
        memory: See `usable_memory`.
    """
    room = QUEUE_BYTES
    if memory is not None:
        room = min(room, (memory - LEAST_MEMORY) // _SHARE)
    return max(1, min(most, room // frame_bytes))


def lacking(need: int, memory: int, way: str = "") -> str:
    """`need 3.1 GB of memory, and 2.0 GB may be used`, as a phrase about pictures.

    Args:
        need: Bytes that they need.
        memory: Bytes that there are.
        way: In which way of doing so, such as ` with ffv1`.
    """
    return f"need {need / 1e9:.1f} GB of memory{way}, and {memory / 1e9:.1f} GB may be used"


def _machine_memory() -> Iterator[int]:
    """All memory of this machine in bytes, where the system says it."""
    with suppress(AttributeError, ValueError, OSError):  # Windows has no `sysconf`
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def is_scarce() -> bool:
    """Whether this process may have so few addresses that libraries fail for want of them."""
    space = address_space()
    return space is not None and space < AMPLE_ADDRESS_SPACE


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
