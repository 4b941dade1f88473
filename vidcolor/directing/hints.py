"""What hints say of the frame that they were put on: where they lie, and how far they reach."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.lab import lab_from_srgb
from vidcolor.color.lightness import display_turn
from vidcolor.color.under_luma import under_luma
from vidcolor.directing.evidence import Told
from vidcolor.directing.script import NEUTRAL, Hint
from vidcolor.directing.spread import find_costs, spread
from vidcolor.directing.track import small_lightness
from vidcolor.errors import SettingError
from vidcolor.frame import FrameFormat, Map, Seen
from vidcolor.shot import ActiveArea

OBSERVATIONS = 50.0
"""How many frames' worth of predictions a hint is, at its own place."""

LEAST_SHARE = 0.25
"""Of its color that a dark frame has; darker ones do not make hints any stronger."""

_SCALE = 16
"""Pixels that a place of the map is drawn with, each way."""

_LEAST_COVERED = 0.5
"""Share of a place of the map that a hint must cover to lie on it; of its best place if small."""


def told_by(hints: Sequence[Hint], seen: Seen, features_of: Callable[[Seen], Map]) -> Told:
    """What hints say of their frame.

    Args:
        hints: At least one, all of this frame.
        seen: The frame.
        features_of: Gives the net's features of a frame, (C, h, w).

    Raises:
        SettingError: A hint lies on the bars around the picture.
    """
    lightness = small_lightness(seen.brightened)
    size = (lightness.shape[0], lightness.shape[1])
    masks = [hint_mask(hint, seen.frame.picture, seen.shot.active, size) for hint in hints]
    for hint, mask in zip(hints, masks, strict=True):
        if not mask.any():
            raise SettingError(
                f"{hint.place or 'hint'}: lies on the bars around the picture. Move it inside."
            )
    is_hard = [hint.is_area for hint in hints]
    features = lightness[None] if all(is_hard) else features_of(seen)
    weights = spread(find_costs(lightness, features), masks, is_hard)
    colors = np.stack([ab_of(hint.color) for hint in hints])  # (hints, 2)
    total = weights.sum(0)
    ab = np.einsum("nx,nhw->xhw", colors, weights) / np.maximum(total, 1e-6)
    wanted = as_wanted(np.asarray(ab, np.float32), seen)
    return Told(wanted, np.asarray(OBSERVATIONS * total, np.float32))


def as_wanted(ab: Map, seen: Seen) -> Map:
    """Colors of a frame as they are pooled, so that the film shows them under its luma.

    Args:
        ab: a* and b* as they are to be shown, (2, h, w), of any size.
        seen: The frame; all its colors are multiplied with its share in the end.
    """
    size = ab.shape[:0:-1]
    lightness = cv2.resize(seen.lightness, (size[0], size[1]), interpolation=cv2.INTER_AREA)
    exact = under_luma(
        torch.from_numpy(ab), torch.from_numpy(lightness), seen.frame.picture
    ).numpy()
    return np.asarray(exact / max(seen.color_share, LEAST_SHARE), np.float32)


def ab_of(color: str) -> NDArray[np.float32]:
    """a* and b* of `#7a1f1f` or `neutral`, (2,)."""
    if color == NEUTRAL:
        return np.zeros(2, np.float32)
    digits = color.removeprefix("#")
    rgb = torch.tensor([int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    return np.asarray(lab_from_srgb(rgb[:, None, None])[1:, 0, 0].numpy(), np.float32)


def hint_mask(
    hint: Hint, picture: FrameFormat, active: ActiveArea | None, size: tuple[int, int]
) -> NDArray[np.bool_]:
    """The places of a map that a hint lies on, (h, w); at least one if it meets the picture.

    Args:
        hint: In fractions of the frame as it is shown, bars and all.
        picture: The frame's format.
        active: The part of it that the network sees, upright as the map; None for all of it.
        size: Rows and columns of the map.
    """
    rows, columns = size
    left, top, width, height = shown_area(picture, active)
    canvas = np.zeros((rows * _SCALE, columns * _SCALE), np.uint8)
    scale = np.array([columns * _SCALE / width, rows * _SCALE / height])
    points = (np.array(hint.points, np.float64) - (left, top)) * scale - 0.5
    radius = hint.radius * scale[1]
    drawn = np.round(points).astype(np.int32)
    if hint.is_area:
        cv2.fillPoly(canvas, [drawn], 255)
    else:
        thickness = max(1, round(2 * radius))
        for begin, end in pairwise(drawn):
            cv2.line(canvas, begin.tolist(), end.tolist(), 255, thickness)
        for point in drawn:
            cv2.circle(canvas, point.tolist(), max(1, round(radius)), 255, -1)
    covered = cv2.resize(canvas, (columns, rows), interpolation=cv2.INTER_AREA) / 255
    most = float(covered.max())
    if most == 0:
        return np.zeros(size, bool)
    return np.asarray(covered >= _LEAST_COVERED * min(1, most), bool)


def shown_area(
    picture: FrameFormat, active: ActiveArea | None
) -> tuple[float, float, float, float]:
    """Left, top, width and height of a part of a frame as shown, in fractions of all of it."""
    if active is None:
        return 0.0, 0.0, 1.0, 1.0
    transposed, mirrored, upside_down = display_turn(picture)
    across = active.left / picture.width, active.right / picture.width
    down = active.top / picture.height, active.bottom / picture.height
    if transposed:
        across, down = down, across
    if mirrored:
        across = 1 - across[1], 1 - across[0]
    if upside_down:
        down = 1 - down[1], 1 - down[0]
    return across[0], down[0], across[1] - across[0], down[1] - down[0]
