"""A film that is read, or colored, up to the frame that is wanted next."""

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

Item = TypeVar("Item")

READ_ON = 48
"""Frames that the next one wanted may lie behind the last one, not to begin anew."""


class OpenFrames(Generic[Item]):
    """Items of rising frame numbers, of which one at a time is open.

    Args:
        number_of: An item's frame number.
    """

    def __init__(self, number_of: Callable[[Item], int]) -> None:
        self._number_of = number_of
        self._items: Generator[Item, None, None] | None = None
        self._next = 0

    def reaches(self, number: int) -> bool:
        """Whether a frame may lie a little farther on in what is open."""
        return self._items is not None and self._next <= number < self._next + READ_ON

    def begin(self, items: Generator[Item, None, None]) -> None:
        """Close what is open and go on with other items."""
        self.close()
        self._items = items

    def find(self, number: int) -> Item | None:
        """Go on up to a frame; None if it does not come."""
        for item in self._items or ():
            found = self._number_of(item)
            self._next = found + 1
            if found >= number:
                return item if found == number else None
        return None

    def close(self) -> None:
        """Close what is open."""
        if self._items is not None:
            self._items.close()
        self._items = None
