"""Slow transitions: a dissolve or a fade in is found as it ends."""

from collections import deque
from typing import NamedTuple

import numpy as np

from vidcolor.shots.detail import PLAIN_DETAIL, Detail, spread, unlikeness

UNLIKE = 0.45
"""Pictures further apart are of two shots. Real cuts measured 0.56 up, motion 0.3, seldom 0.6."""

WINDOW = 2
"""Frames on each side that a cut's step is held against; cuts are heard of that late."""

FLASH_FRAMES = 2
"""Longest run of strange frames, in frames, after which the old picture may come back uncut."""

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

BLACK_LEVEL = 40.0
"""Mean of a black picture at most, in 8-bit codes."""

BLACK_DETAIL = 5.0
"""Standard deviation of its detail at most: a last faint trace, a watermark."""

_WAYPOINTS = np.array([[0.25], [0.5], [0.75]])  # of a blend
_GRAIN = 0.5  # Variance that every picture has: none is divided by nothing.


class Look(NamedTuple):
    """What is compared of a picture: its detail, mean 0, and whether it is black."""

    detail: Detail
    is_black: bool


class RunningShot:
    """The last pictures of the shot that runs, and whether another one comes up slowly."""

    def __init__(self) -> None:
        kept = max(BLEND_FRAMES) + 1
        self._looks: deque[Look] = deque(maxlen=kept)  # the newest first
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

    def push(self, look: Look) -> int:
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
        # Not by BLAS, whose threads wait for more work in a loop for a while after each product.
        self._products[0] = np.einsum("nd,d->n", self._details, newest) / newest.size
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
