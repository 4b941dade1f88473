"""How far a batch is, and how long the rest of it will take."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from time import monotonic

from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reels.find import Reel


class BatchClock:
    """Counts the reels of a batch, and guesses from the bytes of those to come.

    Args:
        reels: All reels.
    """

    def __init__(self, reels: Iterable[Reel]) -> None:
        self._bytes = {reel.entry: _size(reel.path) for reel in reels}
        self._left = dict(self._bytes)
        self._worked = 0
        self._began = monotonic()

    @property
    def count(self) -> int:
        """How many reels there are."""
        return len(self._bytes)

    def end(self, entry: Path, *, is_made: bool) -> None:
        """A reel ended, by its name in ledgers; the speed is that of those that this run made."""
        size = self._left.pop(entry, 0)
        self._worked += size if is_made else 0

    def seconds_left(self) -> float | None:
        """A guess; None if nothing was made yet, or nothing is left."""
        left = sum(self._left.values())
        if not (self._worked and left):
            return None
        return (monotonic() - self._began) * left / self._worked

    def text(self) -> str:
        """`reel 7 of 43, about 1:10:00 left`."""
        done = self.count - len(self._left)
        seconds = self.seconds_left()
        left = "" if seconds is None else f", about {timedelta(seconds=round(seconds))} left"
        return f"reel {done} of {self.count}{left}"


def _size(path: Path) -> int:
    """Bytes of a film, or of all files beside the images of a sequence; 0 if not to be told."""
    try:
        if SequenceNames.parse(path) is None:
            return path.stat().st_size
        return sum(one.stat().st_size for one in path.parent.iterdir() if one.is_file())
    except OSError:
        return 0
