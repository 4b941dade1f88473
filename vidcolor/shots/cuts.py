"""Where a film goes from one shot to the next, found on small pictures of its luma.

Pictures are compared by their detail, see `vidcolor.shots.detail`. A hard cut is a step between two
pictures that are unlike, far more so than those around it. Where the picture of before comes back
within a frame or two, it is a flash, a blank frame or a splice inside one shot. A dissolve is found
as it ends: the pictures on the way are sums of the one that it began with and the one that it has
come to. A fade out lasts through its black, and a fade in begins a shot when it leaves the black,
unless the picture of before comes back. A wrong cut inside a shot lets its colors jump, and over a
dissolve they blend anyway: so only clear blends are cut. Each shot also says whether it continues
with the picture that one before it ended with.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from vidcolor.frame import CutScore, Frame, Numbered
from vidcolor.shot import Shot
from vidcolor.shots.blends import (
    BLACK_DETAIL,
    BLACK_LEVEL,
    FLASH_FRAMES,
    UNLIKE,
    WINDOW,
    Look,
    RunningShot,
)
from vidcolor.shots.detail import (
    PLAIN_DETAIL,
    Detail,
    SmallLuma,
    find_detail,
    small_luma,
    spread,
    unlikeness,
)
from vidcolor.shots.settling import settle_shots

T = TypeVar("T")

MIN_RATIO = 2.0
"""How many times the mean step of the frames around it a cut must have."""

FLASH_RETURN_SHARE = 0.65
"""It is back, too, if it is unlike the old one by less than this share of the step: it moves."""

_LEAST_MEAN, _GREATEST_RATIO = 1e-2, 255.0  # where nothing moves

REMEMBERED_SHOTS = 24
"""How many shots ago a set-up may have been seen: about two minutes of a feature film."""

ALIKE = 0.3
"""Pictures nearer than this are one set-up. Unlike shots measured 0.5 up, a shot's own end 0.3."""


def number_frames(frames: Iterable[Frame]) -> Iterator[Numbered]:
    """Number the shots of a film as it streams by, with what holds for each.

    A frame comes `WINDOW` frames late, and `JUDGED_FRAMES` more.
    """
    small = ((frame, small_luma(frame.luma, frame.picture.depth)) for frame in frames)
    numbered = (Numbered(*one) for one in number_shots(small))
    return settle_shots(numbered, REMEMBERED_SHOTS)


def number_shots(frames: Iterable[tuple[T, SmallLuma]]) -> Iterator[tuple[T, Shot, CutScore]]:
    """Number the shots of a film as it streams by.

    Times are not looked at, so the frame rate may vary. At most `WINDOW` + 1 items are held, and a
    film that ends early or has one frame still gives out every item once.

    Args:
        frames: Pairs of anything and its `small_luma`, all of one shape, in the order shown.

    Yields:
        The same things in the same order, each with its shot and with how much it looked like a
        cut.
    """
    running = RunningShot()
    before: deque[_Mark] = deque(maxlen=FLASH_FRAMES + 1)
    waiting: deque[tuple[T, _Mark]] = deque()
    set_ups = SetUps()
    shot, settling = Shot(0, None), 0
    for item, mark in _followed(frames, waiting, running):
        after = [mark, *(coming for _, coming in waiting)]
        score = _score(before, after)
        blended = after[-1].blended if before and len(after) > WINDOW else 0
        # A quick blend's last step may look like one more cut.
        if blended or (not settling and _is_cut(score, before, after)):
            # Not to the shot that ends here: the middle of a dissolve is like both its ends.
            number = shot.number + 1
            returns_to = set_ups.find(number, mark.detail)
            set_ups.end(shot.number, before[-1].detail)
            shot = Shot(number, returns_to)
            # What is left of a slow one may look like one more blend.
            running.begin(len(after) - blended // 2)
        settling = FLASH_FRAMES if blended else max(0, settling - 1)
        before.append(mark)
        yield item, shot, score


class _Mark(NamedTuple):
    """A frame: its detail, its step from the frame before, what `RunningShot.push` said."""

    detail: Detail
    step: float
    blended: int


def _followed(
    frames: Iterable[tuple[T, SmallLuma]], waiting: deque[tuple[T, _Mark]], running: RunningShot
) -> Iterator[tuple[T, _Mark]]:
    """Give each frame once `WINDOW` frames behind it have been seen; those stay in `waiting`."""
    last = None
    for item, picture in frames:
        look = _look(picture)
        step = 0.0 if last is None else unlikeness(last, look.detail)
        waiting.append((item, _Mark(look.detail, step, running.push(look))))
        last = look.detail
        if len(waiting) > WINDOW:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _look(picture: SmallLuma) -> Look:
    detail, mean = find_detail(picture)
    return Look(detail, mean < BLACK_LEVEL and spread(detail) < BLACK_DETAIL)


def _score(before: Iterable[_Mark], after: list[_Mark]) -> CutScore:
    """How much the first frame of `after` looks like a cut.

    A film stands still before its first frame and after its last one.
    """
    step = after[0].step
    around = [mark.step for mark in (*list(before)[-WINDOW:], *after[1:])]
    mean = sum(around) / (2 * WINDOW)
    return CutScore(100 * step, min(step / max(mean, _LEAST_MEAN), _GREATEST_RATIO))


def _is_cut(score: CutScore, before: Iterable[_Mark], after: list[_Mark]) -> bool:
    """Say whether there is a great step, and whether the pictures before and after stay unlike."""
    if score.difference <= 100 * UNLIKE or score.ratio < MIN_RATIO:
        return False
    least = max(UNLIKE, FLASH_RETURN_SHARE * after[0].step)
    later = after[: FLASH_FRAMES + 1]
    return all(unlikeness(a.detail, b.detail) > least for a in before for b in later)


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
