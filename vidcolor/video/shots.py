"""Where a film goes from one shot to the next, found on small pictures of its luma.

Pictures are compared by their detail, see `vidcolor.video.detail`. A hard cut is a step between two
pictures that are unlike, far more so than those around it. Where the picture of before comes back
within a frame or two, it is a flash, a blank frame or a splice inside one shot. A dissolve is found
as it ends: the pictures on the way are sums of the one that it began with and the one that it has
come to. A fade out goes on through its black, and a fade in begins a shot when it leaves the black,
unless the picture of before comes back. A wrong cut inside a shot lets its colors jump, and over a
dissolve they blend anyway: so only clear blends are cut. Each shot is also told whether it goes on
with the picture that one before it ended with.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from vidcolor.frame import Shot
from vidcolor.video.detail import (
    PLAIN_DETAIL,
    Detail,
    SmallLuma,
    find_detail,
    spread,
    unlikeness,
)
from vidcolor.video.returns import SetUps

T = TypeVar("T")

UNLIKE = 0.45
"""Pictures further apart are of two shots. Real cuts measured 0.56 up, motion 0.3, seldom 0.6."""

MIN_RATIO = 2.0
"""How many times the mean step of the frames around it a cut must have."""

WINDOW = 2
"""Frames on each side that a cut's step is held against; cuts are heard of that late."""

FLASH_FRAMES = 2
"""Longest run of strange frames, in frames, after which the old picture may come back uncut."""

RETURN_SHARE = 0.65
"""It is back, too, if it is unlike the old one by less than this share of the step: it moves."""

BLEND_FRAMES = (3, 6, 12, 24, 48)
"""Numbers of frames over which a blend of two pictures is looked for."""

MAX_REST = 0.35
"""How much of a picture on the way may be of neither: a wipe leaves 1, a blend of stills 0."""

MIN_SHARE = 0.2
"""A picture on the way is a blend if both have at least this share in it."""

ARRIVED_SHARE = 0.4
"""The new picture's share in the frame that a blend is cut at: not before it has half come."""

PAST_SHARE = 0.9
"""Its share `WINDOW` frames before, at most: not long after it has come."""

BLACK_DETAIL = 5.0
"""The same that a black picture may have: a last faint trace, a watermark."""

BLACK_LEVEL = 40.0
"""Mean of a black picture at most, in 8-bit codes."""

_WAYPOINTS = np.array([[0.25], [0.5], [0.75]])  # of a blend
_GRAIN = 0.5  # Variance that every picture has: none is divided by nothing.
_LEAST_MEAN, _GREATEST_RATIO = 1e-2, 255.0  # where nothing moves


class CutScore(NamedTuple):
    """How much a frame looks like the first of a shot; a hard cut needs both to be large.

    Attributes:
        difference: How unlike the frame before it is, in percent: 0 alike, 100 nothing alike, 200
            its negative.
        ratio: The same, over the mean of it in the `WINDOW` frames on each side.
    """

    difference: float
    ratio: float


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
    running = _Running()
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


class _Look(NamedTuple):
    """What is compared of a picture: its detail, mean 0, and whether it is black."""

    detail: Detail
    is_black: bool


class _Mark(NamedTuple):
    """What is kept of a frame: its detail, its step from the one before, `_Running.push`'s word."""

    detail: Detail
    step: float
    blended: int


def _followed(
    frames: Iterable[tuple[T, SmallLuma]], waiting: deque[tuple[T, _Mark]], running: "_Running"
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


def _look(picture: SmallLuma) -> _Look:
    detail, mean = find_detail(picture)
    return _Look(detail, mean < BLACK_LEVEL and spread(detail) < BLACK_DETAIL)


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
    least = max(UNLIKE, RETURN_SHARE * after[0].step)
    later = after[: FLASH_FRAMES + 1]
    return all(unlikeness(a.detail, b.detail) > least for a in before for b in later)


class _Running:
    """The last pictures of the shot that runs, and whether another one comes up slowly."""

    def __init__(self) -> None:
        kept = max(BLEND_FRAMES) + 1
        self._looks: deque[_Look] = deque(maxlen=kept)  # the newest first
        self._details: Detail | None = None  # theirs as rows, (kept, h * w)
        # Mean product of two pictures, by the newer one's age and how much older the other is.
        self._products = np.zeros((kept, kept), np.float32)
        self._count = 0
        self._plain: Detail | None = None  # the last one before the black
        self._black_count = 0

    def begin(self, count: int) -> None:
        """Say that the last `count` pictures shown are of a new shot; below 0, coming ones."""
        self._count = count
        self._plain = None
        self._black_count = 0

    def push(self, look: _Look) -> int:
        """Show the next picture.

        Returns:
            Over how many frames a dissolve or a fade in has come about for which the picture shown
            `WINDOW` frames ago is a fit place to cut; 0 if there is none.
        """
        self._looks.appendleft(look)
        self._count += 1
        newest = look.detail.ravel()
        if self._details is None:
            self._details = np.zeros((len(self._products), newest.size), np.float32)
        self._details[1:] = self._details[:-1]
        self._details[0] = newest
        self._products[1:] = self._products[:-1]
        self._products[0] = self._details @ newest / newest.size
        if look.is_black:
            self._black_count += 1
            return 0
        if self._fades_in(look.detail):
            return 1
        for frames in self._blends():
            first = self._looks[frames]
            if not first.is_black and unlikeness(first.detail, look.detail) > UNLIKE:
                return frames
        return 0

    def _fades_in(self, detail: Detail) -> bool:
        """Say whether another picture than the one before comes out of the black."""
        if spread(detail) < PLAIN_DETAIL:
            return False
        if self._black_count > FLASH_FRAMES:
            if self._looks[WINDOW].is_black:
                return False
            if self._plain is None or unlikeness(self._plain, detail) > UNLIKE:
                return True
        self._black_count = 0
        self._plain = detail
        return False

    def _blends(self) -> list[int]:
        """Over how many frames the pictures are a blend of the first and the newest of them.

        Each on the way is fitted as `old` times the first plus `new` times the newest.
        """
        gaps = np.array([frames for frames in BLEND_FRAMES if frames < self._count], int)
        on_way = gaps - np.rint(gaps * _WAYPOINTS).astype(int)
        at_cut = np.full_like(gaps, WINDOW)
        ages = np.vstack([on_way, at_cut, np.minimum(gaps, 2 * WINDOW)])  # (waypoints + 2, gaps)
        products = self._products
        first, newest = products[gaps, 0] + _GRAIN, products[0, 0] + _GRAIN
        both, with_first, with_newest = (
            products[0, gaps],
            products[ages, gaps - ages],
            products[0, ages],
        )
        determinant = first * newest - both**2
        old = (with_first * newest - with_newest * both) / determinant
        new = (with_newest * first - with_first * both) / determinant
        rest = products[ages, 0] - old * with_first - new * with_newest
        rest_of_wipe = (first + newest - 2 * both) / 4
        *shares, share_at_cut, share_before = new
        found = (
            (rest[:-1] < MAX_REST * rest_of_wipe).all(axis=0)
            & (np.abs(np.array(shares) - 0.5) < 0.5 - MIN_SHARE).any(axis=0)
            & (share_at_cut > ARRIVED_SHARE)
            & (share_before < PAST_SHARE)
        )
        return [int(frames) for frames in gaps[found]]
