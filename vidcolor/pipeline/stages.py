"""What a stage's frames go through so that an error in it tells where it was."""

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from vidcolor.errors import VidcolorError

T = TypeVar("T")


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
