"""A shot that is played: its frames in color one after the other, as the film has them."""

from collections.abc import Callable, Generator, Hashable
from threading import Lock

from vidcolor.errors import SourceError
from vidcolor.frame import Colored
from vidcolor.studio.open_frames import OpenFrames

Begin = Callable[[int], Generator[Colored, None, None]]
"""Colors frames from a number on, up to the end of a piece."""


class Player:
    """Gives the frames of a piece by their numbers, in the order shown.

    One piece is open at a time: what motion and smoothing know of it is kept for its next frame.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: OpenFrames[Colored] = OpenFrames(lambda one: one.frame.index)
        self._key: Hashable = None

    def close(self) -> None:
        """End the piece, if one is open."""
        with self._lock:
            self._open.close()

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
            goes_on = key == self._key and self._open.reaches(number)
            found = self._open.find(number) if goes_on else None
            if found is None:  # another piece, or the one before ended
                self._open.begin(begin(number))
                self._key = key
                found = self._open.find(number)
        if found is None:
            raise SourceError(f"frame {number} cannot be played. Choose another.")
        return found
