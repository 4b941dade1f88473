"""What a look does to the decoded colors of a frame."""

import cv2
import numpy as np

from vidcolor.directing.script import FULL_TURN, HueMap, Look
from vidcolor.frame import Map

SOFT_DEGREES = 12.0
"""Beyond the ends of a map's hues, over which its effect fades: hues of one thing scatter."""

LEAST_CHROMA, SURE_CHROMA = 2.0, 8.0
"""Chroma below which a color has no hue to map, and from which on it has."""


def grade(ab: Map, look: Look, lightness: Map, *, saturation: float, share: float) -> Map:
    """Colors of a frame as a look wants them.

    Hues are mapped first, then the chroma is multiplied, then white is moved.

    Args:
        ab: (2, h, w) a* and b*.
        look: What is wanted.
        lightness: L* in [0, 100] of the picture, (H, W) of any size.
        saturation: The film's, where the look has none.
        share: What colors of this frame are multiplied with, in [0, 1], as it is dark or a card.
    """
    if not look.is_colored:
        return np.zeros_like(ab)
    if look.hue:
        ab = map_hues(ab, look.hue)
    ab = ab * (saturation if look.saturation is None else look.saturation)
    if look.temperature or look.tint:
        shift = np.array([look.tint, look.temperature], np.float32) * np.float32(share)
        ab = ab + shift[:, None, None] * _cast_share(lightness, ab.shape)
    return ab


def map_hues(ab: Map, maps: tuple[HueMap, ...]) -> Map:
    """Colors whose hues are mapped, each by its own hue, whatever the order of the maps.

    Args:
        ab: (2, h, w) a* and b*.
        maps: Which hues become which.
    """
    chroma = np.hypot(*ab)
    hue = np.degrees(np.arctan2(ab[1], ab[0]))
    has_hue = np.clip((chroma - LEAST_CHROMA) / (SURE_CHROMA - LEAST_CHROMA), 0, 1)
    changed = ab.copy()
    for one in maps:
        width = (one.last - one.first) % FULL_TURN
        along = (hue - one.first) % FULL_TURN  # in [0, 360)
        beyond = np.minimum(np.maximum(along - width, 0), FULL_TURN - along)
        weight = has_hue * np.clip(1 - beyond / SOFT_DEGREES, 0, 1)
        # Behind the last hue, and before the first, the nearer end's shift holds.
        before = along - FULL_TURN
        place = np.where((along > width) & (-before < along - width), before, along)
        slope = (one.to_last - one.to_first - width) / width if width else 0.0
        shift = one.to_first - one.first + slope * np.clip(place, 0, width)
        turned = np.radians(hue + shift)
        wanted = one.saturation * chroma * np.stack([np.cos(turned), np.sin(turned)])
        changed += weight * (wanted - ab)
    return np.asarray(changed, np.float32)


def _cast_share(lightness: Map, shape: tuple[int, ...]) -> Map:
    """How much of white's cast each place has: a filter multiplies light, whose root L* is.

    With X = k Y, a* is 500 (k^(1/3) - 1) (L* + 16) / 116: CIE 15:2004, section 8.2.1.
    """
    small = cv2.resize(lightness, shape[:0:-1], interpolation=cv2.INTER_AREA)
    return np.asarray((small + 16) / 116, np.float32)
