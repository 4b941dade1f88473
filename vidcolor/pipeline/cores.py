"""Libraries that share each call out among threads, kept to one thread while frames are shared out.

Their own threads would wait for each other. How many they have is one number for the whole process,
so it is counted who needs it to be one, and the number of before comes back with the last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

import cv2
import torch


class _Numbers:
    """How many threads OpenCV and torch have, as they were before the first that changes them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._opencv = self._torch = 1

    def take(self) -> None:
        """Have one thread of OpenCV's until as many give back as took."""
        with self._lock:
            if not self._users:
                self._opencv, self._torch = cv2.getNumThreads(), torch.get_num_threads()
                cv2.setNumThreads(1)
            self._users += 1

    def give_back(self) -> None:
        """Need that no longer."""
        with self._lock:
            self._users -= 1
            if not self._users:
                cv2.setNumThreads(self._opencv)
            last = Thread(target=torch.set_num_threads, args=(self._torch,))
            last.start()
            last.join()


_NUMBERS = _Numbers()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep OpenCV to one thread, and leave torch as it was although threads of ours change theirs.

    A new thread takes over the number that some thread gave torch last. Ours all say their own as
    they begin; those of the caller should get what the caller's torch had before the first film.
    """
    _NUMBERS.take()
    try:
        yield
    finally:
        _NUMBERS.give_back()


def one_torch_thread() -> None:
    """Have torch compute in the calling thread alone."""
    torch.set_num_threads(1)
