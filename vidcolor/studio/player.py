"""A shot that is played: its frames in color one after the other, as the film has them."""

from collections.abc import Callable, Generator, Hashable
from threading import Lock

from vidcolor.errors import SourceError
from vidcolor.frame import Colored
from vidcolor.studio.frame_reader import READ_ON

Begin = Callable[[int], Generator[Colored, None, None]]
"""Colors frames from a number on, up to the end of a piece."""


class Player:
    """Gives the frames of a piece by their numbers, in the order shown.

    One piece is open at a time: what motion and smoothing know of it is kept for its next frame.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: Generator[Colored, None, None] | None = None
        self._key: Hashable = None
        self._next = 0

    def close(self) -> None:
        """End the piece, if one is open."""
        with self._lock:
            self._end()

    def frame(self, number: int, key: Hashable, begin: Begin) -> Colored:
        """A frame in color.

        Args:
            number: Of the frame; a piece goes on as long as these rise.
            key: What decides the colors: with another one a piece begins anew.
            begin: Begins a piece.

        Raises:
            VidcolorError: There is no such frame, or it cannot be colored.
        """
        with self._lock:
            goes_on = key == self._key and self._next <= number < self._next + READ_ON
            found = self._find(number) if goes_on else None
            if found is None:  # another piece, or the one before ended
                self._end()
                self._open, self._key = begin(number), key
                found = self._find(number)
        if found is None:
            raise SourceError(f"frame {number} cannot be played. Choose another.")
        return found

    def _find(self, number: int) -> Colored | None:
        for one in self._open or ():
            self._next = one.frame.index + 1
            if one.frame.index == number:
                return one
        return None

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None
