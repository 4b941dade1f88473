"""The progress of a reel, entered in a ledger."""

from vidcolor.film.coloring import Listener, Progress
from vidcolor.reels.ledger import Ledger
from vidcolor.reels.result import PlannedReel


class LedgerListener(Listener):
    """Enters the progress of one reel in a ledger.

    Args:
        ledger: The ledger.
        planned: How the reel is written.
        progress: Called after each frame.
    """

    def __init__(self, ledger: Ledger, planned: PlannedReel, progress: Progress) -> None:
        super().__init__(progress)
        self._ledger = ledger
        self._identity = planned.identity
        self._path, self._film = planned.entry, planned.job.encoding.path
        self._is_begun = False

    def on_frame(self, done: int, shot: int) -> None:
        """Enter that the reel is in work."""
        self._begin()
        super().on_frame(done, shot)

    def on_shot(self, number: int, frames: int) -> None:
        """Enter a finished shot."""
        self._begin()
        self._ledger.add_shot(self._path, number, frames)

    def on_film(self, frames: int, seconds: float, losses: str) -> None:
        """Enter that the film is done."""
        self._ledger.end(self._path, self._film, frames, seconds, losses)

    def _begin(self) -> None:
        if not self._is_begun:
            self._ledger.begin(self._path, self._film, self._identity)
        self._is_begun = True
