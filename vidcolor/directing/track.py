"""Where the places of a shot's frames were in one of its frames, and how far that can be trusted.

Places are followed frame by frame along motion, and it is their coordinates in that one frame that
are carried, not what lies there: a hint is looked up once, however long it was followed, and does
not blur. A place that looks unlike the one that it should come from is not trusted; if it fits
again, after something passed before it, it is taken back.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vidcolor.frame import MAP_STRIDE, Map, Motion
from vidcolor.temporal.motion import find_motion
from vidcolor.temporal.ways import looked_up

FIT_LIGHTNESS = 12.0
"""Difference of L* from the followed place, after the light's own change, where trust is 1/e."""

FIT_WINDOW = 3
"""Side of the square, in places of the map, over which differences are averaged."""

MEMORY = 0.98
"""Share of what was once trusted that is remembered with each frame, though it may be hidden."""

TAKEN_BACK = 0.9
"""Trust of a place that fits again, at most."""

FIT_AGAIN = 0.6
"""How well a place must fit to be taken back."""

LEAST_DIRECT = 0.1
"""Trust from which on a place that is looked for in the followed frame itself lies where it is
found there, whatever the way frame by frame says: that drifts, and ends where something passes."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where a frame's places were in the frame that is followed.

    Attributes:
        x: Columns there, (h, w).
        y: Rows there, (h, w).
        trust: How far that is true, (h, w) in [0, 1].
        memory: How far it was once, though something may hide it now, likewise.
        lightness: L* of the followed frame, (h, w).
        picture: The same as the network sees it, (H, W).
        is_sought: Whether places are looked for in the followed frame itself as well. Each frame
            then finds its own, which is truer and less steady: worth it if all of it is known.
    """

    x: Map
    y: Map
    trust: Map
    memory: Map
    lightness: Map
    picture: Map
    is_sought: bool = False

    @classmethod
    def begin(cls, picture: Map, *, is_sought: bool = False) -> "Track":
        """The followed frame itself.

        Args:
            picture: Its L* as the network sees it, (H, W); H = 4 h, W = 4 w.
            is_sought: See `Track`.
        """
        lightness = small_lightness(picture)
        rows, columns = np.indices(lightness.shape, np.float32)
        whole = np.ones_like(lightness)
        here = np.asarray(columns), np.asarray(rows)
        return cls(*here, whole, whole, lightness, picture, is_sought)

    def follow(self, motion: Motion, picture: Map) -> "Track":
        """The same for the next frame, or for the one before.

        Args:
            motion: From that frame's places to where they are in this track's frame.
            picture: L* of that frame as the network sees it, (H, W).
        """
        lightness = small_lightness(picture)
        rows, columns = np.indices(lightness.shape, np.float32)
        at = (columns + motion.displacement[0], rows + motion.displacement[1])
        height, width = lightness.shape
        inside = (at[0] > -1) & (at[0] < width) & (at[1] > -1) & (at[1] < height)
        x, y, trust, memory = (
            looked_up(one, *at) for one in (self.x, self.y, self.trust, self.memory)
        )
        fit = _fit(lightness, looked_up(self.lightness, x, y))
        followed = motion.trust * trust * np.minimum(1, fit / FIT_AGAIN)
        again = np.where(fit >= FIT_AGAIN, TAKEN_BACK * memory * fit, 0)
        trust = np.where(inside, np.maximum(followed, again), 0)
        if self.is_sought:
            x, y, trust = self._sought(x, y, trust, picture, lightness)
        memory = np.maximum(np.where(inside, MEMORY * memory, 0), trust)
        return replace(
            self,
            x=np.asarray(x, np.float32),
            y=np.asarray(y, np.float32),
            trust=np.asarray(trust, np.float32),
            memory=np.asarray(memory, np.float32),
        )

    def _sought(
        self, x: Map, y: Map, trust: Map, picture: Map, lightness: Map
    ) -> tuple[Map, Map, Map]:
        """Places and trust after a frame's own were looked for in the followed one."""
        rows, columns = np.indices(lightness.shape, np.float32)
        size = (lightness.shape[1], lightness.shape[0])
        guess = np.stack([x - columns, y - rows])
        direct = find_motion(picture, self.picture, size, guess=guess)
        there = columns + direct.displacement[0], rows + direct.displacement[1]
        fit = _fit(lightness, looked_up(self.lightness, *there))
        seen = direct.trust * np.minimum(1, fit / FIT_AGAIN)
        is_seen = seen >= np.minimum(trust, LEAST_DIRECT)
        x, y = (np.where(is_seen, *pair) for pair in zip(there, (x, y), strict=True))
        return x, y, np.maximum(trust, seen)

    def look_up(self, maps: Map, finer: int = 1) -> Map:
        """Maps of the followed frame where their places are now, (n, f h, f w).

        Args:
            maps: (n, f h, f w).
            finer: f, how many of their values there are for each place, each way.
        """
        if finer == 1:
            return np.stack([looked_up(one, self.x, self.y) for one in maps])
        rows, columns = np.indices(self.x.shape, np.float32)
        finer_rows, finer_columns = np.indices(maps.shape[1:], np.float32)
        size = maps.shape[:0:-1]
        x, y = (
            finer * cv2.resize(moved, size, interpolation=cv2.INTER_LINEAR)
            for moved in (self.x - columns, self.y - rows)
        )
        return np.stack([looked_up(one, finer_columns + x, finer_rows + y) for one in maps])


def _fit(now: Map, was: Map) -> Map:
    """How well places look like those that they come from, (h, w) in [0, 1]."""
    change = now - was
    change -= np.median(change)  # the light's or the shutter's, not the scene's
    size = (FIT_WINDOW, FIT_WINDOW)
    apart = cv2.blur(np.abs(change), size, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.exp(-np.square(apart / FIT_LIGHTNESS)), np.float32)


def small_lightness(lightness: Map) -> Map:
    """L* at the size of the map that belongs to it, (h, w).

    Args:
        lightness: (H, W); H = 4 h, W = 4 w.
    """
    size = (lightness.shape[1] // MAP_STRIDE, lightness.shape[0] // MAP_STRIDE)
    return np.asarray(cv2.resize(lightness, size, interpolation=cv2.INTER_AREA), np.float32)
