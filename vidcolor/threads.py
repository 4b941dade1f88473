"""An iterator run ahead in a thread, a bounded number of items at most."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


def run_ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Yield `items`, made by a thread of their own that is at most `depth` items ahead.

    An exception in the thread is raised here, in the place of the item that it hit. Closing this
    generator stops the thread and, if `items` is a generator, closes that in the thread it ran in.
    """
    queue: Queue[tuple[T] | BaseException | None] = Queue(maxsize=depth)
    stopped = Event()
    thread = Thread(target=_fill, args=(queue, items, stopped), daemon=True)
    thread.start()
    try:
        while (got := queue.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got[0]
    finally:
        stopped.set()
        # The thread waits in at most one put, which an emptied queue lets through.
        with suppress(Empty):
            while True:
                queue.get_nowait()
        thread.join()


def _fill(
    queue: Queue[tuple[T] | BaseException | None], items: Iterator[T], stopped: Event
) -> None:
    """Put all items into `queue`, then None, or the exception that they ended with."""
    end: BaseException | None = None
    try:
        for item in items:
            queue.put((item,))
            if stopped.is_set():
                break
    except BaseException as error:  # noqa: BLE001 - whatever it is, the caller must see it
        end = error
    if isinstance(items, Generator):
        items.close()
    if not stopped.is_set():
        queue.put(end)
