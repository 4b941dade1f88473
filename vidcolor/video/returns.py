"""Which shots go on with the picture that an earlier one ended with, as in A B A B."""

from collections import deque

from vidcolor.video.detail import PLAIN_DETAIL, Detail, spread, unlikeness

REMEMBERED_SHOTS = 24
"""How many shots ago a set-up may have been seen: about two minutes of a feature film."""

ALIKE = 0.3
"""Pictures nearer than this are one set-up. Unlike shots measured 0.5 up, a shot's own end 0.3."""


class SetUps:
    """The pictures that the last shots of a film ended with."""

    def __init__(self) -> None:
        self._ends: deque[tuple[int, Detail]] = deque()

    def end(self, shot: int, detail: Detail) -> None:
        """Say with which picture a shot ended; blank ones and black ones are no set-ups."""
        if spread(detail) > PLAIN_DETAIL:
            self._ends.appendleft((shot, detail))

    def find(self, shot: int, detail: Detail) -> int | None:
        """The earlier shot that ended most like the first picture of `shot`, last of equals."""
        while self._ends and shot - self._ends[-1][0] > REMEMBERED_SHOTS:
            self._ends.pop()
        found = ((unlikeness(end, detail), -earlier) for earlier, end in self._ends)
        least, earlier = min(found, default=(ALIKE, 0))
        return -earlier if least < ALIKE else None
