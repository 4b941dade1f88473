"""Whether pictures are in color: hues that vary over things, which a tint or noise do not.

A tint or a tone is a smooth function of luma; colored fringes, as of a misaligned scan or a
subsampled codec, follow the steps of luma. What both explain is taken off. Noise of a tape
is another in each frame, so only what frames have in common counts. A subtitle or a logo
covers little of the picture, so the most colored places are left out.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Look = NDArray[np.float32]
"""Luma, Cb and Cr of a small picture, (3, `LOOK_HEIGHT`, `LOOK_WIDTH`), in 8-bit codes."""

LOOK_WIDTH, LOOK_HEIGHT = 128, 96
CELL = 4
"""Sides of the cells that hues are compared in, in pixels of a look."""

COLOR_VARIATION = 0.62
"""Variation of hues, in 8-bit codes, above which pictures are in color; `scripts/color_figures.py`
tells how many labelled ones that gets right."""

DARKEST, LIGHTEST = 32, 224
"""Luma between which chroma says something: codecs leave what they like in black and white."""

LEAST_SEEN = 0.08
"""Share of the cells that must have such luma, else nothing can be said."""

LEAST_CONTRAST = 4.0
"""Standard deviation of luma that they must have: a blank picture says nothing."""

OVERLAY_SHARE, MOST_LEFT_OUT = 0.12, 0.4
"""Share of the picture whose strongest colors are left out, but of no more than that share of what
is seen."""

OVERLAY_CODES, LEAST_OVERLAY = 12.0, 0.005
"""Chroma that luma does not explain, in 8-bit codes, from which a cell has a color of its own; and
the share of such cells from which there is a subtitle or logo: black-and-white films, fringed and
toned ones among them, measured up to 0.0013, a line of yellow words 0.05."""

FIT_SHARE, FIT_ROUNDS = 0.9, 3
"""Share of the cells that a tint is fitted to, the best of them, in rounds."""

ONE_HUE, EVEN_SHARE = 0.99, 0.14
"""Length of the cells' mean chroma by their mean length, from which they have one hue; variation
by that length, up to which it is a tint that few bits left uneven: tints measured up to 0.10, films
in color that have one hue from 0.19."""

LEAST_TINT = 9.0
"""Mean length, in 8-bit codes, that such a tint must have: a clear sky is weaker."""

APART = 2
"""Frames that are so far apart have noise of their own; those nearer may be copies."""

EXACT_SAMPLES = 1 << 18
"""Planes of more samples are shrunk in whole codes, which is quicker."""

_RIDGE = 1e-3


class Hues(NamedTuple):
    """What the chroma of some frames says.

    Attributes:
        variation: How far hues vary over things, in 8-bit codes: root mean square.
        cb: Mean of Cb, from neutral.
        cr: Mean of Cr, from neutral.
        overlay: Share of a black-and-white picture that has a color of its own, as of a subtitle;
            0 if that is next to nothing.
    """

    variation: float
    cb: float
    cr: float
    overlay: float = 0.0


def look_at(planes: Sequence[NDArray[Any]], depth: int) -> Look:
    """Give the small picture that hues are looked for in.

    Args:
        planes: Luma, Cb and Cr codes, each of any size.
        depth: Bits of a code, 8 to 16.
    """
    size = (LOOK_WIDTH, LOOK_HEIGHT)
    scale = np.float32(1 / (1 << (depth - 8)))
    return np.stack([_area(plane, size) * scale for plane in planes])


def find_hues(looks: Sequence[Look]) -> Hues | None:
    """What frames say that follow each other in one shot; None if they show next to nothing.

    Args:
        looks: Of the frames, at least one.
    """
    found = [one for one in map(_unexplained, looks) if one is not None]
    if not found:
        return None
    rests = np.stack([one.rest for one in found])  # (frames, cells, 2)
    seen = np.asarray(np.any([one.seen for one in found], axis=0))
    common = _common_energy(rests)
    energy = np.sort(common[seen])
    left_out = min(OVERLAY_SHARE * len(seen), MOST_LEFT_OUT * len(energy))
    kept = energy[: max(1, len(energy) - int(left_out))]
    means = np.mean([look[1:].mean((1, 2)) for look in looks], axis=0) - 128
    variation = float(np.sqrt(max(0.0, kept.mean())))
    everywhere = np.mean([one.chroma for one in found], axis=0)  # (cells, 2)
    chroma = everywhere[seen]
    variation = 0.0 if _is_tint(chroma, variation) else variation
    is_overlay = seen & (common > OVERLAY_CODES**2)
    overlay = float(is_overlay.mean()) if variation <= COLOR_VARIATION else 0.0
    overlay = overlay if overlay >= LEAST_OVERLAY else 0.0
    cb, cr = map(float, everywhere[~is_overlay].mean(axis=0) if overlay else means)
    return Hues(variation, cb, cr, overlay)


def _is_tint(chroma: NDArray[np.float64], variation: float) -> bool:
    """Whether cells of this chroma, (n, 2), have one hue, and nearly one strength of it."""
    total = float(np.hypot(*chroma.sum(axis=0)))
    lengths = np.hypot(chroma[:, 0], chroma[:, 1])
    is_even = variation < EVEN_SHARE * lengths.mean()
    return bool(is_even and total > ONE_HUE * lengths.sum() and lengths.mean() > LEAST_TINT)


def _common_energy(rests: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of the squared chroma of each cell the frames have in common, (cells,)."""
    pairs = list(combinations(range(len(rests)), 2))
    pairs = [(a, b) for a, b in pairs if b - a >= APART] or pairs or [(0, 0)]
    return np.asarray(
        np.mean([(rests[a] * rests[b]).sum(-1) for a, b in pairs], axis=0), np.float64
    )


class _Unexplained(NamedTuple):
    """The chroma of the cells of a picture.

    Attributes:
        rest: What luma does not explain of it, (cells, 2).
        seen: Which cells are neither dark nor light, (cells,).
        chroma: All of it, from neutral, (cells, 2).
    """

    rest: NDArray[np.float64]
    seen: NDArray[np.bool_]
    chroma: NDArray[np.float64]


def _unexplained(look: Look) -> _Unexplained | None:
    """The chroma that luma does not explain; None if next to nothing is seen."""
    luma = _cells(look[0])
    seen = ((luma >= DARKEST) & (luma <= LIGHTEST)).ravel()
    if seen.mean() < LEAST_SEEN or luma.ravel()[seen].std() < LEAST_CONTRAST:
        return None
    chroma = np.stack([_cells(plane).ravel() for plane in look[1:]], axis=1).astype(np.float64)
    if not np.ptp(chroma, axis=0).any():  # as in black-and-white film: no fit is needed
        return _Unexplained(np.zeros_like(chroma), seen, chroma - 128)
    level = luma.ravel() / 128 - 1
    squared: Look = look[0] * look[0]
    texture = np.sqrt(np.maximum(_cells(squared) - luma**2, 0))
    steps = (
        cv2.filter2D(look[0], -1, np.array([[-1, 0, 1]], np.float32)),
        cv2.filter2D(look[0], -1, np.array([[-1], [0], [1]], np.float32)),
        cv2.Laplacian(look[0], cv2.CV_32F),
    )
    details = [_cells(step).ravel() / 64 for step in steps]
    powers = (np.ones_like(level), level, level**2, level**3)
    known = np.stack([*powers, *details, texture.ravel() / 64], axis=1).astype(np.float64)
    fitted = seen
    rest = chroma
    for _ in range(FIT_ROUNDS):
        some = known[fitted]
        squares = some.T @ some + _RIDGE * np.eye(some.shape[1])
        rest = chroma - known @ np.linalg.solve(squares, some.T @ chroma[fitted])
        distance = np.hypot(rest[:, 0], rest[:, 1])
        fitted = seen & (distance <= np.quantile(distance[seen], FIT_SHARE))
    rest[~seen] = 0
    return _Unexplained(rest, seen, chroma - 128)


def _cells(plane: NDArray[Any]) -> Look:
    return _area(plane, (LOOK_WIDTH // CELL, LOOK_HEIGHT // CELL))


def _area(plane: NDArray[Any], size: tuple[int, int]) -> Look:
    """A plane shrunk by area; small ones without rounding, which a mean of many codes undoes."""
    exact = plane.astype(np.float32) if plane.size <= EXACT_SAMPLES else plane
    return np.asarray(cv2.resize(exact, size, interpolation=cv2.INTER_AREA), np.float32)
