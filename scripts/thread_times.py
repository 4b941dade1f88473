"""Processor time of each thread of this process, for `benchmark.py`: what the others wait for."""

import os
import re
import threading
from pathlib import Path
from typing import Self

_TASKS = Path("/proc/self/task")
_SAMPLED_EVERY = 0.05  # seconds; threads that end sooner are not seen


class ThreadTimes:
    """Watches the threads of this process as long as it is entered; Linux alone tells their times.

    Threads of one name follow each other, a new one for each shot, and count as one. Those that
    Python did not begin are the codecs' and OpenMP's: many at once, so they are left out.
    """

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._seconds: dict[tuple[str, int], float] = {}

    def __enter__(self) -> Self:
        self._before = self._now()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def busiest(self) -> tuple[str, float] | None:
        """Name and seconds of the thread that took most; None where that is not known."""
        by_name: dict[str, float] = {}
        for (name, thread), seconds in self._seconds.items():
            spent = seconds - self._before.get((name, thread), 0.0)
            by_name[name] = by_name.get(name, 0.0) + spent
        by_name.pop("watch", None)
        return max(by_name.items(), key=lambda pair: pair[1], default=None)

    def _watch(self) -> None:
        while not self._ended.wait(_SAMPLED_EVERY):
            self._seconds |= self._now()
        self._seconds |= self._now()

    def _now(self) -> dict[tuple[str, int], float]:
        found = {}
        for thread in threading.enumerate():
            # Nanoseconds on the processor; Documentation/scheduler/sched-stats.rst of Linux.
            try:
                spent = (_TASKS / str(thread.native_id) / "schedstat").read_text(encoding="ascii")
            except OSError:  # it has ended, or this is not Linux
                continue
            name = re.sub(r"-\d+", "", thread.name)  # a pool's number, not a worker's in it
            found[name, thread.native_id or 0] = int(spent.split()[0]) / 1e9
        return found


def processor_seconds() -> float:
    """Processor time of this process so far, of all its threads."""
    return sum(os.times()[:2])
