"""What color the shots of a film have in their source: color, a tint, or none."""

from collections import deque
from collections.abc import Sequence
from math import hypot

from vidcolor.color.hues import COLOR_VARIATION, Hues, Look, find_hues, look_at
from vidcolor.frame import Frame
from vidcolor.shot import ActiveArea, SourceColor

LEAST_TINT = 4.0
"""Mean distance of chroma from neutral from which a shot is tinted: old prints and tapes are
rarely neutral, up to 3.2."""

CHECKED_EVERY, CHECKED_LOOKS = 4, 3
"""Frames between two looks at a shot that continues, and how many looks decide what it is."""

SURE_COLOR, SURE_GRAY = 1.0, 0.2
"""Variation that makes a gray shot one in color, and the other way."""


class ColorWatch:
    """Finds what color the shots of a film have, one after the other."""

    def __init__(self) -> None:
        self._last: SourceColor | None = None
        self._is_dark = False
        self._looks: deque[Look] = deque(maxlen=CHECKED_LOOKS)
        self._count = 0

    def judge(self, frames: Sequence[Frame], active: ActiveArea | None) -> SourceColor | None:
        """Give the color of a shot; None if its frames have no chroma.

        Args:
            frames: Its first ones, at least one.
            active: The part of them that shows the picture; None for all.
        """
        looks = [look for frame in frames if (look := _look(frame, active)) is not None]
        self._looks.clear()
        self._count = 0
        if not looks:
            return None
        hues = find_hues(looks)
        self._is_dark = hues is None
        if hues is not None:
            self._last = _named(hues)
        return self._last

    def is_over(self, frame: Frame, active: ActiveArea | None, color: SourceColor | None) -> bool:
        """Whether a shot must be judged again from this frame of it on."""
        self._count += 1
        if frame.chroma is None or self._count % CHECKED_EVERY:
            return False
        look = _look(frame, active)
        if look is None:
            return False
        self._looks.append(look)
        if len(self._looks) < CHECKED_LOOKS:
            return False
        hues = find_hues(self._looks)
        if hues is None:
            return False
        if self._is_dark or color is None:
            return _named(hues).is_color != (color is not None and color.is_color)
        return hues.variation < SURE_GRAY if color.is_color else hues.variation > SURE_COLOR


def _look(frame: Frame, active: ActiveArea | None) -> Look | None:
    shown = frame.cropped(active)
    if shown.chroma is None:
        return None
    return look_at((shown.luma, *shown.chroma), frame.picture.depth)


def _named(hues: Hues) -> SourceColor:
    is_color = hues.variation > COLOR_VARIATION
    is_tinted = not is_color and hypot(hues.cb, hues.cr) >= LEAST_TINT
    overlay = 0.0 if is_color else round(hues.overlay, 4)
    return SourceColor(is_color, is_tinted, round(hues.cb, 2), round(hues.cr, 2), overlay)
