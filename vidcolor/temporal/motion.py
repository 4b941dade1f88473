"""Where each pixel was a frame ago, and how far that can be trusted.

Dense inverse search flow (T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV
2016, OpenCV's) between the pictures that the network sees, there and back: what does not come back
to where it began was covered, or left the picture. What does, but looks otherwise, is not the same.
"""

from collections.abc import Generator, Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.frame import MAP_STRIDE, Motion, Seen
from vidcolor.settings import TemporalSettings
from vidcolor.threads import helper_count, map_ahead

Map = NDArray[np.float32]

LEAST_SIDE = 32
"""Of the pictures that flow is looked for in; smaller ones are enlarged.

Larger ones stay: at half the network's size a head before the sky went along with the sky, and took
its blue.
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

CHANGE_SHRINK = 2
"""Changes are looked at on pictures this much smaller, where grain is less."""

CHANGE_WINDOW = 3
"""Side of the window that they are pooled in, in pixels of the smaller picture."""


def with_motions(
    frames: Iterable[Seen], settings: TemporalSettings, before: Map | None = None
) -> Generator[tuple[Seen, Motion | None], None, None]:
    """Yield each frame of a shot with how it moved against the one before.

    Several are looked at at once, a few frames ahead.

    Args:
        frames: The frames; their brightened pictures have one size.
        settings: Whether things may have moved; without smoothing nobody needs to know.
        before: The exposed picture of the frame before the first, (H, W); None if there is none.

    Yields:
        The frame, and its motion: None for a shot's first one, and without smoothing.
    """

    def look(pair: tuple[Seen, Map | None]) -> tuple[Seen, Motion | None]:
        now, before = pair
        if before is None or settings.smoothing == 0:
            return now, None
        height, width = now.brightened.shape
        size = (width // MAP_STRIDE, height // MAP_STRIDE)
        return now, find_motion(now.brightened, before, size, follow=settings.motion)

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
    seen_size = tuple(max(side, LEAST_SIDE) for side in now.shape[::-1])
    now, before = (_resized(picture, seen_size) for picture in (now, before))
    before = before + (_median(now) - _median(before))
    if follow:
        back, forth = _flow(now, before), _flow(before, now)
        x, y = _places(back)
        trust = _trust_in_return(back, _looked_up(forth, x, y))
        height, width = now.shape
        trust *= (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        was = _looked_up(before, x, y)
    else:
        back, trust, was = np.zeros((*now.shape, 2), np.float32), np.ones_like(now), before
    trust = _resized(trust, size) * _resized(_likeness(now, was), size)
    scale = np.array([size[0] / seen_size[0], size[1] / seen_size[1]], np.float32)
    displacement = _resized(back, size) * scale  # (h, w, 2)
    return Motion(displacement=displacement.transpose(2, 0, 1), trust=trust)


def _flow(one: Map, other: Map) -> Map:
    """Where each pixel of `one` lies in `other`, relative to its place, (H, W, 2) x and y."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    still = np.zeros((*one.shape, 2), np.float32)  # what it starts from
    return np.asarray(search.calc(_codes(one), _codes(other), still), np.float32)


def _codes(lightness: Map) -> NDArray[np.uint8]:
    """8-bit codes of L*, as flow wants them."""
    return np.asarray(np.clip(lightness * (255 / 100), 0, 255), np.uint8)


def _places(back: Map) -> tuple[Map, Map]:
    rows, columns = np.indices(back.shape[:2], np.float32)
    return columns + back[..., 0], rows + back[..., 1]


def _trust_in_return(back: Map, forth: Map) -> Map:
    """1 where the way there and back ends within the limit, falling off beyond it."""
    # On planes of their own x and y take half as long.
    (back_x, back_y), (forth_x, forth_y) = cv2.split(back), cv2.split(forth)
    limit = back_x * back_x
    for way in (back_y, forth_x, forth_y):
        limit += way * way
    limit *= np.float32(FLOW_RETURN_SHARE)
    limit += np.float32(RETURN_PIXELS)
    off_x, off_y = back_x + forth_x, back_y + forth_y
    excess = 1 - (off_x * off_x + off_y * off_y) / limit
    return np.asarray(cv2.exp(np.minimum(excess, 0)), np.float32)


def _likeness(now: Map, was: Map) -> Map:
    """1 where the picture looks as it did, towards 0 where it does not; smaller than both."""
    height, width = now.shape
    change = _resized(now - was, (width // CHANGE_SHRINK, height // CHANGE_SHRINK))
    change -= _median(change)
    window = (CHANGE_WINDOW, CHANGE_WINDOW)
    pooled = cv2.blur(change * change, window, borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.exp(pooled * (-1 / LIGHTNESS_TOLERANCE**2)), np.float32)


def _median(values: Map) -> np.float32:
    """The median, as a fourth of the pixels tells it."""
    return np.float32(np.median(values[::2, ::2]))


def _looked_up(values: Map, x: Map, y: Map) -> Map:
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=border), np.float32)


def _resized(values: Map, size: tuple[int, ...]) -> Map:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
