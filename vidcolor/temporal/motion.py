"""Where each pixel was a frame ago, and how far that can be trusted.

Dense inverse search flow (T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV
2016, OpenCV's) between the pictures that the network sees, there and back: what does not come back
to where it began was covered, or left the picture. What does, but looks otherwise, is not the same.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.frame import MAP_STRIDE, Motion, Seen
from vidcolor.settings import TemporalSettings
from vidcolor.temporal.ways import looked_up, places
from vidcolor.threads import helper_count, map_ahead

Map = NDArray[np.float32]

SHRINK = 2
"""Motion is looked for in pictures so much smaller than the network's, where grain is less."""

LEAST_SIDE = 16
"""Of these pictures; smaller ones are enlarged."""

FINEST_SCALE = 1
"""Flow is refined down to pictures half as large once more, so at a quarter of the network's size.

Not at an eighth: there a head before the sky went along with the sky, and took its blue.
"""

LIGHTNESS_TOLERANCE = 14.0
"""Difference of L*, after motion and the whole picture's change, where trust is down to 1/e.

Least change of color along motion at no loss of truth, over clips of still, hand-held and fast
cameras; grain and unsteady light stay well below.
"""

FLOW_RETURN_SHARE, RETURN_PIXELS = 0.01, 0.5
"""A way back may end off its start by this share of both ways' squared lengths and so many squared
pixels; beyond, trust falls off. N. Sundaram, T. Brox, K. Keutzer, "Dense Point Trajectories by
GPU-accelerated Large Displacement Optical Flow", ECCV 2010.
"""

REFINEMENTS = 8
"""Of a flow's smoothness. With 12 colors hold a little stiller still (warp error 0.201 in place of
0.204 over fourteen clips, with 5 0.208) and the network sees 18 % of the frames in place of 19 and
20, but a frame takes half a millisecond more.
"""

CHANGE_WINDOW = 3
"""Side of the window that changes are pooled in, in pixels of the smaller picture."""


class Step(NamedTuple):
    """How a picture moved from one frame to the next, seen from both.

    Attributes:
        back: From the pixels of the frame to the one before.
        forth: From the pixels of the one before to the frame.
    """

    back: Motion
    forth: Motion


def with_motions(
    frames: Iterable[Seen], settings: TemporalSettings, before: Map | None = None
) -> Generator[tuple[Seen, Step | None], None, None]:
    """Yield each frame of a shot with how it moved against the one before.

    Several are looked at at once, a few frames ahead.

    Args:
        frames: The frames; their brightened pictures have one size.
        settings: Whether things may have moved; without smoothing nobody needs to know.
        before: The exposed picture of the frame before the first, (H, W); None if there is none.

    Yields:
        The frame, and its motion: None for a shot's first one, and without smoothing.
    """

    def look(pair: tuple[Seen, Map | None]) -> tuple[Seen, Step | None]:
        now, before = pair
        smoothing = settings.smoothing if now.smoothing is None else now.smoothing
        if before is None or smoothing == 0:
            return now, None
        height, width = now.brightened.shape
        size = (width // MAP_STRIDE, height // MAP_STRIDE)
        return now, find_step(now.brightened, before, size, follow=settings.motion)

    return map_ahead(look, _with_the_one_before(frames, before), helper_count())


def _with_the_one_before(
    frames: Iterable[Seen], before: Map | None
) -> Iterator[tuple[Seen, Map | None]]:
    for now in frames:
        yield now, before
        before = now.brightened


def find_motion(now: Map, before: Map, size: tuple[int, int], *, follow: bool = True) -> Motion:
    """Say where the pixels of a picture were in the one before.

    A change of lightness that most of the picture shares is the light's or the shutter's, not the
    scene's, and is taken off first.

    Args:
        now: L* in [0, 100], (H, W).
        before: The frame before it, likewise.
        size: Width and height of the map that is to be moved.
        follow: Whether things may have moved; if not, each pixel is looked for where it is.

    Returns:
        Displacement and trust at the map's size.
    """
    now_small, before_small, flows = _compared(now, before, follow=follow)
    return _motion(now_small, before_small, flows, size)


def find_step(now: Map, before: Map, size: tuple[int, int], *, follow: bool = True) -> Step:
    """Say how a picture moved against the one before, seen from both; see `find_motion`."""
    now_small, before_small, flows = _compared(now, before, follow=follow)
    back = _motion(now_small, before_small, flows, size)
    return Step(back, _motion(before_small, now_small, flows and flows[::-1], size))


def _compared(now: Map, before: Map, *, follow: bool) -> tuple[Map, Map, tuple[Map, Map] | None]:
    """Two smaller pictures under the same light, and the flow from the first to the other and back.

    The flow is in pixels of these pictures.
    """
    width, height = (max(side // SHRINK, LEAST_SIDE) for side in now.shape[::-1])
    now, before = (_resized(picture, (width, height)) for picture in (now, before))
    before = before + (_median(now) - _median(before))
    flows = (_flow(now, before), _flow(before, now)) if follow else None
    return now, before, flows


def _motion(one: Map, other: Map, flows: tuple[Map, Map] | None, size: tuple[int, int]) -> Motion:
    """How a map moves by the flow from one picture to another, and how far that is true.

    Args:
        one: The picture that is shown.
        other: The one that it came from.
        flows: The flow there and back; None if nothing may have moved.
        size: Width and height of the map.
    """
    if flows is None:
        trust = _resized(_likeness(one, other), size)
        return Motion(displacement=np.zeros((2, *size[::-1]), np.float32), trust=trust)
    there, back = flows
    height, width = one.shape
    x, y = places(there.transpose(2, 0, 1))
    trust = _trust_in_return(there, looked_up(back, x, y))
    trust *= (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    trust = _resized(trust, size) * _resized(_likeness(one, looked_up(other, x, y)), size)
    scale = np.array([size[0] / width, size[1] / height], np.float32)
    displacement = _resized(there, size) * scale  # (h, w, 2)
    return Motion(displacement=displacement.transpose(2, 0, 1), trust=trust)


def _flow(one: Map, other: Map) -> Map:
    """Where each pixel of `one` lies in `other`, relative to its place, (H, W, 2) x and y."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    search.setFinestScale(FINEST_SCALE)
    search.setVariationalRefinementIterations(REFINEMENTS)
    still = np.zeros((*one.shape, 2), np.float32)  # what it starts from
    return np.asarray(search.calc(_codes(one), _codes(other), still), np.float32)


def _codes(lightness: Map) -> NDArray[np.uint8]:
    """8-bit codes of L*, as flow wants them."""
    return np.asarray(np.clip(lightness * (255 / 100), 0, 255), np.uint8)


def _trust_in_return(back: Map, forth: Map) -> Map:
    """1 where the way there and back ends within the limit, falling off beyond it."""
    # On planes of their own x and y take half as long.
    (back_x, back_y), (forth_x, forth_y) = cv2.split(back), cv2.split(forth)
    limit = back_x * back_x
    for way in (back_y, forth_x, forth_y):
        limit += way * way
    limit *= np.float32(FLOW_RETURN_SHARE)
    limit += np.float32(RETURN_PIXELS / SHRINK**2)
    off_x, off_y = back_x + forth_x, back_y + forth_y
    excess = 1 - (off_x * off_x + off_y * off_y) / limit
    return np.asarray(cv2.exp(np.minimum(excess, 0)), np.float32)


def _likeness(now: Map, was: Map) -> Map:
    """1 where the picture looks as it did, towards 0 where it does not."""
    change = now - was
    change -= _median(change)
    window = (CHANGE_WINDOW, CHANGE_WINDOW)
    pooled = cv2.blur(change * change, window, borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.exp(pooled * (-1 / LIGHTNESS_TOLERANCE**2)), np.float32)


def _median(values: Map) -> np.float32:
    """The median, as a fourth of the pixels tells it."""
    return np.float32(np.median(values[::2, ::2]))


def _resized(values: Map, size: tuple[int, ...]) -> Map:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
