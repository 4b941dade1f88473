"""Errors of a stage, named by the stage and the frame at which they occurred."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from typing import TypeVar

from vidcolor.errors import VidcolorError

T = TypeVar("T")


class Place:
    """Where a stage is that takes frames in before it gives the first one.

    Attributes:
        frame: Number of the frame that it has taken last, from 0.
    """

    def __init__(self) -> None:
        self.frame: int = -1

    def follow(self, items: Iterable[T]) -> Iterator[T]:
        """`items`, counted."""
        for item in items:
            self.frame += 1
            yield item


def name_errors(
    stage: str, items: Iterator[T], place: Place | None = None
) -> Generator[T, None, None]:
    """`items`, with an unforeseen error made one that names the stage and the frame.

    Args:
        stage: Its name.
        items: What it makes; closed at the end if it is a generator.
        place: Where it is; None if it makes one frame of one, in order.

    Raises:
        VidcolorError: In place of such an error.
    """
    count = 0
    try:
        with closing(items) if isinstance(items, Generator) else nullcontext():
            for item in items:
                yield item
                count += 1
    except VidcolorError:
        raise
    except Exception as error:
        frame = count if place is None else place.frame
        raise VidcolorError(f"{stage} failed at frame {frame}: {error!r}") from error
