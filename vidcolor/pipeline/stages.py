"""What a stage's frames go through to tell of it: how long they took, and where it failed."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from time import perf_counter
from typing import TypeVar

from vidcolor.errors import VidcolorError

T = TypeVar("T")


def timed(items: Iterable[T]) -> Iterator[tuple[T, float]]:
    """`items`, each with the seconds that it was waited for."""
    began = perf_counter()
    for item in items:
        yield item, perf_counter() - began
        began = perf_counter()


def named(stage: str, items: Generator[T, None, None]) -> Generator[T, None, None]:
    """`items`, with an unforeseen error made one that tells the stage and the frame.

    Raises:
        VidcolorError: In its place.
    """
    count = 0
    try:
        with closing(items):
            for item in items:
                yield item
                count += 1
    except VidcolorError:
        raise
    except Exception as error:
        raise VidcolorError(f"{stage} failed at frame {count}: {error!r}") from error
