"""What holds for a whole shot, found on its first frames, before any of them goes on.

Where a shot turns out to be another thing than it began as, a new shot begins there.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter

from vidcolor.frame import Numbered, Shot
from vidcolor.shots.bars import BarWatch

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
    bars = BarWatch()
    numbers: dict[int, int] = {}
    number = -1
    for shot, members in groupby(numbered, key=attrgetter("shot")):
        number += 1
        returns_to = None if shot.returns_to is None else numbers.get(shot.returns_to)
        if returns_to is not None and number - returns_to > remembered:
            returns_to = None
        settled = Shot(number, returns_to)
        for frame, its_shot, cut in _settled(members, settled, bars):
            number = its_shot.number
            yield Numbered(frame, its_shot, cut)
        numbers[shot.number] = number
        numbers.pop(shot.number - remembered, None)


def _settled(members: Iterator[Numbered], shot: Shot, bars: BarWatch) -> Iterator[Numbered]:
    """The frames of one shot, with what holds for it; where that changes, of another one."""
    held = deque(islice(members, JUDGED_FRAMES))
    shot = shot._replace(active=bars.judge([one.frame for one in held]))
    judgements = 1
    while held:
        one = held.popleft()
        yield one._replace(shot=shot)
        held.extend(islice(members, 1))
        if held and judgements < MOST_JUDGEMENTS and bars.is_over(held[0].frame, shot.active):
            held.extend(islice(members, JUDGED_FRAMES - len(held)))
            judgements += 1
            active = bars.judge([one.frame for one in held])
            if active != shot.active:
                shot = Shot(shot.number + 1, None, active)
