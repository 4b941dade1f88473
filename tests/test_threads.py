import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest

from vidcolor.threads import helper_count, map_ahead, map_at_once, run_ahead

WAIT_SECONDS = 10


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """After each test as many threads live as before it."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_all_items_come_in_order(depth: int) -> None:
    """Every item comes out once and in order, also None and other false ones."""
    items = [0, None, "", False, (), 5]
    assert list(run_ahead(iter(items), depth)) == items
    assert list(run_ahead(iter([]), depth)) == []


def test_items_are_made_in_another_thread() -> None:
    """The iterator runs in a thread of its own."""
    made_in = list(run_ahead((threading.get_ident() for _ in range(3)), 2))
    assert len(set(made_in)) == 1
    assert threading.get_ident() not in made_in


def test_it_runs_no_further_ahead_than_told() -> None:
    """Beside the item taken, `depth` wait in the queue and one in the thread's hand."""
    made: list[int] = []
    enough = threading.Event()

    def items() -> Iterator[int]:
        for number in count():
            made.append(number)
            if number == 5:
                enough.set()
            yield number

    ahead = run_ahead(items(), 4)
    assert next(ahead) == 0
    assert enough.wait(WAIT_SECONDS)
    threading.Event().wait(0.05)  # time enough to run on, were it not stopped
    assert made == [0, 1, 2, 3, 4, 5]
    ahead.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    """An exception in the thread is raised in the place of its item, itself and not a copy."""
    error = OSError("broken")

    def items() -> Iterator[int]:
        yield from range(3)
        raise error

    ahead = run_ahead(items(), 8)
    assert list(islice(ahead, 3)) == [0, 1, 2]
    with pytest.raises(OSError, match="broken") as caught:
        next(ahead)
    assert caught.value is error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_errors_of_every_kind_come_through(error: type[BaseException]) -> None:
    """Also what is no Exception ends the caller's loop and not only the thread."""

    def items() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(error):
        list(run_ahead(items(), 2))


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_closing_stops_the_thread_and_closes_what_it_ran(taken: int) -> None:
    """Closed early, the thread ends, and its generator is closed in that thread."""
    closed_in: list[int] = []

    def items() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed_in.append(threading.get_ident())

    ahead = run_ahead(items(), 2)
    assert list(islice(ahead, taken)) == list(range(taken))
    ahead.close()
    assert bool(closed_in) is bool(taken)  # never begun, there is nothing to close
    assert threading.get_ident() not in closed_in


def test_one_may_run_ahead_of_another() -> None:
    """Closing the last of several in a row ends them all."""
    first_closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from count()
        finally:
            first_closed.set()

    last = run_ahead((2 * number for number in run_ahead(items(), 2)), 3)
    assert list(islice(last, 4)) == [0, 2, 4, 6]
    last.close()
    assert first_closed.wait(WAIT_SECONDS)


def test_an_error_in_the_callers_own_loop_ends_the_thread() -> None:
    """When the caller fails and drops the generator, no thread stays behind."""
    ahead = run_ahead(iter(count()), 2)

    def consume() -> None:
        for number in ahead:
            if number == 3:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume()
    ahead.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_work_shared_out_comes_back_in_order(workers: int) -> None:
    """Each item's result comes in its place, made by other threads, however long each took."""
    pause = threading.Event()

    def work(item: int) -> tuple[int, int]:
        pause.wait(0.01 * (item % 3))
        return item * item, threading.get_ident()

    found = list(map_ahead(work, range(20), workers))
    assert [square for square, _ in found] == [item * item for item in range(20)]
    makers = {maker for _, maker in found}
    assert threading.get_ident() not in makers
    assert len(makers) <= workers


def test_several_items_are_worked_on_at_once() -> None:
    """Two threads meet in the middle of their work."""
    meeting = threading.Barrier(2, timeout=WAIT_SECONDS)
    assert list(map_ahead(lambda item: meeting.wait() >= 0 and item, range(4), 2)) == [0, 1, 2, 3]


def test_no_more_items_are_taken_than_there_are_workers() -> None:
    """Beside the one that is waited for, as many are in work as there are threads."""
    taken: list[int] = []
    mapped = map_ahead(lambda item: item, (taken.append(i) or i for i in count()), 2)
    assert [next(mapped), next(mapped)] == [0, 1]
    assert len(taken) == 4
    mapped.close()


def test_what_was_taken_before_an_error_comes_out() -> None:
    """An error of the items, or of the work, is raised in its place."""

    def items() -> Iterator[int]:
        yield from range(3)
        raise ZeroDivisionError

    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(map_ahead(lambda item: item, items(), 8))
    found.extend(map_ahead(lambda item: 6 // (2 - item), range(2), 8))
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda item: 6 // (2 - item), range(5), 8))
    assert found == [0, 1, 2, 3, 6]


def test_results_come_as_they_are_there() -> None:
    """A slow item holds up no other, and no more are in work than there are threads."""
    slow_may_end, in_work, most = threading.Event(), set(), []

    def work(item: int) -> int:
        in_work.add(item)
        most.append(len(in_work))
        if item == 0:
            assert slow_may_end.wait(WAIT_SECONDS)
        in_work.remove(item)
        return item

    results = map_at_once(work, range(6), 2, slow_may_end.set)
    found = [next(results) for _ in range(4)]
    assert 0 not in found
    slow_may_end.set()
    assert sorted([*found, *results]) == list(range(6))
    assert max(most) <= 2


@pytest.mark.parametrize("end", ["items", "function", "caller"])
def test_threads_are_stopped_whatever_ends_the_work(end: str) -> None:
    """By an error of either, or by a caller who needs no more, threads hear that they may end."""
    stopped = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        yield 1
        if end == "items":
            raise ValueError("items")
        yield 2

    def work(item: int) -> int:
        if item == 1 and end == "function":
            raise ValueError("function")
        if item == 2:
            return item
        return item if item == 1 or end == "caller" or stopped.wait(WAIT_SECONDS) else -1

    results = map_at_once(work, items(), 2, stopped.set)
    if end == "caller":
        next(results)
        results.close()
    else:
        with pytest.raises(ValueError, match=end):
            list(results)
    assert stopped.is_set()


def test_a_share_of_the_cores_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torch does, stages take no more threads than a process is told to have."""
    for share, helpers in (("1", 1), ("8", 2), ("64", 16)):
        monkeypatch.setenv("OMP_NUM_THREADS", share)
        assert helper_count() == helpers
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert helper_count() >= 1
