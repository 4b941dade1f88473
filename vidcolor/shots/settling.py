"""What holds for a whole shot, found on its first frames, before any of them is passed on.

Where a shot turns out to be another thing than it began as, a new shot begins there.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter

from vidcolor.frame import Frame, Numbered
from vidcolor.shot import Shot
from vidcolor.shots.bars import BarWatch
from vidcolor.shots.source_color import ColorWatch

JUDGED_FRAMES = 8
"""Frames at the beginning of a shot that are held until it is known what holds for it."""

MOST_JUDGEMENTS = 8
"""How often one shot is judged at most."""


def settle_shots(numbered: Iterable[Numbered], remembered: int) -> Iterator[Numbered]:
    """Yield the frames of a film, each with what holds for its shot.

    Args:
        numbered: The frames, those of a shot in a row, their shots numbered from 0.
        remembered: How many shots ago the shot may be that one returns to.
    """
    watch = _Watch()
    numbers: dict[int, int] = {}
    number = -1
    for shot, members in groupby(numbered, key=attrgetter("shot")):
        number += 1
        returns_to = None if shot.returns_to is None else numbers.get(shot.returns_to)
        if returns_to is not None and number - returns_to > remembered:
            returns_to = None
        settled = Shot(number, returns_to)
        for frame, its_shot, cut in _settled(members, settled, watch):
            number = its_shot.number
            yield Numbered(frame, its_shot, cut)
        numbers[shot.number] = number
        numbers.pop(shot.number - remembered, None)


class _Watch:
    """Finds what holds for the shots of a film, one after the other."""

    def __init__(self) -> None:
        self._bars, self._colors = BarWatch(), ColorWatch()

    def judge(self, shot: Shot, held: Iterable[Numbered]) -> Shot:
        """A shot with what its first frames show."""
        frames = [one.frame for one in held]
        active = self._bars.judge(frames)
        return shot._replace(active=active, color=self._colors.judge(frames, active))

    def is_over(self, frame: Frame, shot: Shot) -> bool:
        """Whether a shot must be judged again from this frame of it on."""
        bars = self._bars.is_over(frame, shot.active)
        return self._colors.is_over(frame, shot.active, shot.color) or bars


def _settled(members: Iterator[Numbered], shot: Shot, watch: _Watch) -> Iterator[Numbered]:
    """The frames of one shot, with what holds for it; where that changes, of another one."""
    held = deque(islice(members, JUDGED_FRAMES))
    shot = watch.judge(shot, held)
    judgements = 1
    while held:
        one = held.popleft()
        yield one._replace(shot=shot)
        held.extend(islice(members, 1))
        if held and judgements < MOST_JUDGEMENTS and watch.is_over(held[0].frame, shot):
            held.extend(islice(members, JUDGED_FRAMES - len(held)))
            judgements += 1
            judged = watch.judge(shot, held)
            if _kind(judged) != _kind(shot):
                shot = judged._replace(number=shot.number + 1, returns_to=None)


def _kind(shot: Shot) -> tuple[object, ...]:
    """What makes one shot of another, if it changes."""
    return shot.active, None if shot.color is None else shot.color[:2]
