"""Work done ahead in other threads, a bounded number of items at most."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_CORES_A_HELPER = 4
"""The net, the codecs and the stages share the processor."""


def helper_count() -> int:
    """How many threads a stage should have whose frames do not depend on each other.

    `OMP_NUM_THREADS` tells a process that has only a share of the cores, here as in torch.
    """
    if (share := os.environ.get("OMP_NUM_THREADS", "")).isdigit():
        return max(1, int(share) // _CORES_A_HELPER)
    can_tell = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return max(1, cores // _CORES_A_HELPER)


def map_ahead(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    begin: Callable[[], None] = lambda: None,
) -> Generator[R, None, None]:
    """Yield `function` of each item, in order, computed by threads that are `workers` items ahead.

    Items are taken in the caller's thread. An exception of theirs is raised when all that were
    taken before it have come out; one of the function's in the place of the item that it hit.

    Args:
        function: What is done with each item.
        items: The items.
        workers: How many threads.
        begin: Called first in each thread.
    """
    ahead: deque[Future[R]] = deque()
    failed: Exception | None = None
    coming = iter(items)
    with ThreadPoolExecutor(workers, function.__qualname__, begin) as pool:
        try:
            while True:
                try:
                    item = next(coming)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - whatever it is, it is raised below
                    failed = error
                    break
                ahead.append(pool.submit(function, item))
                if len(ahead) > workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
    if failed is not None:
        raise failed


def map_at_once(
    function: Callable[[T], R], items: Iterable[T], workers: int, stop: Callable[[], None]
) -> Generator[R, None, None]:
    """Yield `function` of each item as soon as it is there, computed by so many threads at once.

    Items are taken in the caller's thread, none before a thread is free for it.

    Args:
        function: What is done with each item.
        items: The items.
        workers: How many threads.
        stop: Called where the caller needs no more, or an exception comes: lets threads end early.
    """
    running: set[Future[R]] = set()
    with ThreadPoolExecutor(workers, "map_at_once") as pool:
        try:
            for item in items:
                running.add(pool.submit(function, item))
                while len(running) >= workers:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            for future in as_completed(running):
                yield future.result()
        except BaseException:
            stop()
            raise


def run_ahead(
    items: Iterator[T],
    depth: int | Callable[[T], int],
    begin: Callable[[], None] = lambda: None,
    *,
    name: str | None = None,
) -> Generator[T, None, None]:
    """Yield `items`, made by a thread of their own that is at most `depth` items ahead.

    An exception in the thread is raised here, in the place of the item that it hit. Closing this
    generator stops the thread and, if `items` is a generator, closes that in the thread it ran in.

    Args:
        items: What is made.
        depth: How many may wait; or what tells that of the first one.
        begin: Called first in the thread.
        name: The thread's, for those who look at them.
    """
    queue: Queue[tuple[T] | BaseException | None] = Queue(maxsize=1 if callable(depth) else depth)
    stopped = Event()
    tell = depth if callable(depth) else None
    arguments = (queue, items, stopped, begin, tell)
    thread = Thread(target=_fill, name=name, args=arguments, daemon=True)
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
    queue: Queue[tuple[T] | BaseException | None],
    items: Iterator[T],
    stopped: Event,
    begin: Callable[[], None],
    depth: Callable[[T], int] | None,
) -> None:
    """Put all items into `queue`, then None, or the exception that they ended with."""
    end: BaseException | None = None
    try:
        begin()
        for item in items:
            if depth is not None:
                queue.maxsize, depth = depth(item), None
            queue.put((item,))
            if stopped.is_set():
                break
    except BaseException as error:  # noqa: BLE001 - whatever it is, the caller must see it
        end = error
    if isinstance(items, Generator):
        items.close()
    if not stopped.is_set():
        queue.put(end)
