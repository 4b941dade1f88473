"""Where the picture lies in a frame: the bars of letterbox, pillarbox, windowbox and film gates.

A bar is dark, even and still, and its edge is straight: the picture begins along most of it within
a few lines. A face in the dark or a lit window does not begin so on any side. Where a shot is too
dark to tell, it has the bars of the shot before it, unless it shows something there. All of that is
known from a shot's first frames; where the picture later lights up, or grows into the bars, the
shot is told to begin anew.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.color.ycbcr import luma_range
from vidcolor.frame import Frame, FrameFormat, Plane
from vidcolor.shot import ActiveArea

T = TypeVar("T", bound=np.generic)
Lines = NDArray[np.float32]

BLOCKS = 48
"""Parts that a line of pixels is cut into; the mean of each is compared, without grain."""

SAMPLED = 480
"""The fewest pixels of a line that are looked at; a large frame has more."""

DARKEST = 44.0
"""Greatest level of a bar, in 8-bit codes above black: scanned film around its gate is gray."""

LIT, MOST_LIT, GRAIN = 5.0, 15.0, 2.0
"""Codes above the level of the bars from which a part of a line belongs to the picture: so many
times as much as the lightest grain at the frame's side, but from the first to the second."""

LEAST_LIT = 2
"""So many lit parts make a line one of the picture: one alone may be dirt."""

STRAIGHT_SHARE = 0.6
"""Share of an edge along which the picture begins at once."""

STRAIGHT_DEPTH = 0.01
"""What "at once" means, as a share of the frame's side; 2 lines at least."""

LEAST_WHITE = 24.0
"""Codes above the bars that a tenth of the picture must have, else it is too dark to judge."""

LEAST_BARS = 0.03
"""Share of the frame that bars must cover to matter: narrower ones every video has."""

LEAST_SIDE = 0.4
"""Share of the frame's side that the picture must have: less is a lit thing in the dark."""

SAME = 0.01
"""Share of a side by which edges may differ that are found again."""

GROWN_CODES, GROWN_SHARE, STRIP = 12.0, 0.3, 0.02
"""Something of a picture reaches into a bar where a strip of it along this share of the edge is so
much lighter; the strip's breadth as a share of the side. Subtitles lie farther out."""


class _Profile(NamedTuple):
    """Parts of a frame's lines, in 8-bit codes above black.

    Attributes:
        rows: Of each row, (H, blocks).
        columns: Of each column, (W, blocks).
    """

    rows: Lines
    columns: Lines


class BarWatch:
    """Finds the active picture of a film's shots, one after the other."""

    def __init__(self) -> None:
        self._last: ActiveArea | None = None
        self._level = 0.0
        self._is_dark = False

    def judge(self, frames: Sequence[Frame]) -> ActiveArea | None:
        """Give the active picture of a shot; None if it is the whole frame.

        Args:
            frames: Its first ones, at least one.
        """
        profiles = [_profile(frame) for frame in frames]
        lightest = _Profile(*(np.max(parts, axis=0) for parts in zip(*profiles, strict=True)))
        level, lit = _level(lightest)
        self._is_dark = _white(lightest) < level + LEAST_WHITE
        found = None if self._is_dark or level > DARKEST else _find_area(lightest, lit)
        last = self._last
        if last is not None and (found is None or _is_same(found, last, lightest)):
            found = None if _reaches_out(lightest, last, self._level) else last
        if found != last and not (found is None and self._is_dark):
            self._last, self._level = found, level
        return None if found is None else _aligned(found, frames[0].picture)

    def is_over(self, frame: Frame, active: ActiveArea | None) -> bool:
        """Whether a shot must be judged again from this frame of it on."""
        if active is None and not self._is_dark:
            return False
        profile = _profile(frame)
        if self._is_dark:
            return _white(profile) >= _level(profile)[0] + LEAST_WHITE
        return self._last is not None and _reaches_out(profile, self._last, self._level)


def _profile(frame: Frame) -> _Profile:
    height, width = frame.luma.shape
    black = luma_range(frame.picture.depth, frame.picture.full_range)[0]
    scale = np.float32(1 / (1 << (frame.picture.depth - 8)))
    across, down = min(BLOCKS, width), min(BLOCKS, height)
    some_columns = frame.luma[:, :: max(1, width // SAMPLED)]
    some_rows = frame.luma[:: max(1, height // SAMPLED)]
    rows = cv2.resize(some_columns, (across, height), interpolation=cv2.INTER_AREA)
    columns = cv2.resize(some_rows, (width, down), interpolation=cv2.INTER_AREA).T
    in_codes = (
        (cast(Plane, lines).astype(np.float32) - np.float32(black)) * scale
        for lines in (rows, columns)
    )
    return _Profile(*(np.maximum(lines, 0) for lines in in_codes))


def _level(profile: _Profile) -> tuple[float, float]:
    """How light the darkest side of a frame is, and from which code on a part is lit."""
    sides = [lines[end] for lines in profile for end in (0, -1)]
    darkest = min(sides, key=lambda side: float(np.median(side)))
    level = float(np.median(darkest))
    grain = float(darkest.max()) - level
    return level, level + min(MOST_LIT, max(LIT, GRAIN * grain))


def _white(profile: _Profile) -> float:
    """How light the lightest tenth of the rows' parts is at least."""
    return float(np.quantile(profile.rows, 0.9))


def _find_area(profile: _Profile, lit: float) -> ActiveArea | None:
    """The area inside the bars, which are less light, if there are any for sure."""
    rows, columns = (lines > lit for lines in profile)
    box = _box(rows, columns)
    if box is None:
        return None
    top, bottom, left, right = box
    height, width = len(rows), len(columns)
    down = _bars(_within(profile.rows, left, right, width), lit, top, bottom)
    across = _bars(_within(profile.columns, top, bottom, height), lit, left, right)
    area = ActiveArea(down[0], height - down[1], across[0], width - across[1])
    covered = 1 - area.height * area.width / (height * width)
    is_fit = area.height >= LEAST_SIDE * height and area.width >= LEAST_SIDE * width
    return area if is_fit and covered >= LEAST_BARS else None


def _box(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """First and end of the lines that are lit: top, bottom, left and right."""
    ends = []
    for lines in (rows, columns):
        lit = np.flatnonzero(lines.sum(1) >= min(LEAST_LIT, lines.shape[1]))
        if not len(lit):
            return None
        ends += [int(lit[0]), int(lit[-1]) + 1]
    return cast(tuple[int, int, int, int], tuple(ends))


def _within(lines: NDArray[T], first: int, end: int, length: int) -> NDArray[T]:
    """The parts of lines, (n, blocks), between two of the lines across them."""
    blocks = lines.shape[1]
    start = min(round(first * blocks / length), blocks - 1)
    return lines[:, start : max(start + 1, round(end * blocks / length))]


def _bars(lines: Lines, lit: float, first: int, end: int) -> tuple[int, int]:
    """How many lines are bars, before the first lit line and behind the last one.

    Bars come in pairs; one whose edge is dark is taken to be as broad as the one opposite.
    """
    before, behind = first, len(lines) - end
    if not before or not behind:
        return 0, 0
    starts, ends = (
        _edge(some, lit, from_border)
        for some, from_border in ((lines, before), (lines[::-1], behind))
    )
    if starts is not None and ends is not None:
        return starts, ends
    if starts is not None and behind >= before:
        return starts, starts
    if ends is not None and before >= behind:
        return ends, ends
    return 0, 0


def _edge(lines: Lines, lit: float, first: int) -> int | None:
    """Where a picture begins behind its first lit line, if it has a straight edge there.

    A soft edge lies where it is half as light as what is behind it.
    """
    depth = max(2, round(STRAIGHT_DEPTH * len(lines)))
    if (lines[first : first + depth] > lit).any(0).mean() < STRAIGHT_SHARE:
        return None
    lightness = np.median(lines[first : first + 2 * depth + 1], axis=1)
    return first + int(np.argmax(lightness >= (lit + lightness[-1]) / 2))


def _is_same(found: ActiveArea, last: ActiveArea, profile: _Profile) -> bool:
    """Whether two areas differ no more than a film's gate moves."""
    height, width = len(profile.rows), len(profile.columns)
    most = [max(2, SAME * side) for side in (height, height, width, width)]
    return all(
        abs(one - other) <= limit for one, other, limit in zip(found, last, most, strict=True)
    )


def _reaches_out(profile: _Profile, area: ActiveArea, level: float) -> bool:
    """Whether a picture continues beyond an edge of its area."""
    rows, columns = profile
    height, width = len(rows), len(columns)
    inside_rows = _within(rows, area.left, area.right, width)
    inside_columns = _within(columns, area.top, area.bottom, height)
    return any(
        _is_lit(_strip(lines, edge, outwards), level)
        for lines, edge, outwards in (
            (inside_rows, area.top, -1),
            (inside_rows, area.bottom, 1),
            (inside_columns, area.left, -1),
            (inside_columns, area.right, 1),
        )
    )


def _strip(lines: Lines, edge: int, outwards: int) -> Lines:
    """The lines of a bar near the picture's edge, but for those that it moves over."""
    gap = max(2, round(SAME * len(lines)))
    breadth = max(2, round(STRIP * len(lines)))
    if outwards < 0:
        return lines[max(0, edge - gap - breadth) : max(0, edge - gap)]
    return lines[edge + gap : edge + gap + breadth]


def _is_lit(strip: Lines, level: float) -> bool:
    return len(strip) > 0 and float((strip.mean(0) > level + GROWN_CODES).mean()) > GROWN_SHARE


def _aligned(area: ActiveArea, picture: FrameFormat) -> ActiveArea:
    """The area grown to whole chroma samples, of both fields where there are two."""
    across, down = 1 << picture.log2_chroma_width, 2 << picture.log2_chroma_height
    return ActiveArea(
        area.top // down * down,
        min(picture.height, -(-area.bottom // down) * down),
        area.left // across * across,
        min(picture.width, -(-area.right // across) * across),
    )
