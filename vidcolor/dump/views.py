"""Pictures for eyes of what the stages make of a frame.

Each function gives uint8, (H, W) in gray or (H, W, 3) in OpenCV's order of blue, green and red,
in the orientation of its inputs. `upright` turns any of them the way that the film is shown.
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_CENTERS
from vidcolor.color.lab import srgb_from_lab
from vidcolor.color.lightness import display_turn
from vidcolor.color.siting import chroma_origin
from vidcolor.color.ycbcr import KR_KB, unit_chroma, unit_luma
from vidcolor.frame import FrameFormat, Plane

View = NDArray[np.uint8]
Map = NDArray[np.float32]

BIN_LIGHTNESS = 65.0
"""L* that bins are shown at; more of them keep colors of their own in sRGB than at 50."""

CHROMA_LUMA = 0.5
"""Y' in [0, 1] that chroma alone is shown at: it leaves all hues about the same room."""

MARK_BGR = (255, 0, 255)
"""Magenta for what the eye must not miss: Viridis has nothing like it, and film hardly has."""

GOLDEN_ANGLE = 137.508
"""In degrees."""

FASTEST_PIXELS = 4.0
"""Motion in pixels of a color map that has the strongest color: 16 of the network's."""

LEAST_MARK = 0.3
"""How much magenta the faintest mark has, so that the smallest cut is still seen."""


def luma_view(luma: Plane, picture: FrameFormat) -> View:
    """Give a film's luma as 8-bit gray, the way a player shows it without color.

    Args:
        luma: Y' codes, (H, W).
        picture: The film's depth and range.

    Returns:
        Gray, (H, W); black is 0 and white is 255 at every depth and range.
    """
    return _bytes(unit_luma(luma, picture))


def lightness_view(lightness: Map) -> View:
    """Give lightness as the sRGB gray that has it, which looks like the film.

    Args:
        lightness: L* in [0, 100], (H, W).

    Returns:
        Gray, (H, W).
    """
    return _bgr_from_lab(np.zeros((2, *lightness.shape), np.float32), lightness)[..., 1].copy()


def heat_view(values: NDArray[np.floating], low: float, high: float) -> View:
    """Give a map of numbers as colors from violet over green to yellow.

    The colors are Viridis, whose steps look equally large, also to the color-blind and in gray
    print. Unlike Inferno it ends neither in black nor near white, so it is not taken for film.

    Args:
        values: (h, w); those that are not numbers come out in `MARK_BGR`.
        low: What is shown violet, as is all below.
        high: What is shown yellow, as is all above.

    Returns:
        Blue, green and red, (h, w, 3).

    Raises:
        ValueError: `low` is not below `high`.
    """
    if not low < high:
        raise ValueError(f"a range of colors from {low} to {high}; low must be below high")
    unknown = np.isnan(values)
    shares = (np.where(unknown, low, values).astype(np.float64) - low) / (high - low)
    view = np.asarray(cv2.applyColorMap(_bytes(shares), cv2.COLORMAP_VIRIDIS), np.uint8)
    view[unknown] = MARK_BGR
    return view


def ab_view(ab: Map, lightness: Map) -> View:
    """Give a small ab map as the colors it makes with a lightness.

    Args:
        ab: a* and b* of the whole picture, (2, h, w); enlarged bilinearly, with no edge sharpened.
        lightness: L* in [0, 100], (H, W).

    Returns:
        Blue, green and red, (H, W, 3); colors that sRGB lacks are clipped, and what is not a number
        comes out in `MARK_BGR`.
    """
    height, width = lightness.shape
    enlarged = [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in ab]
    return _bgr_from_lab(np.stack(enlarged), lightness)


def bin_view(top_bin: NDArray[np.uint16]) -> View:
    """Give each bin as the color of its center at `BIN_LIGHTNESS`.

    Args:
        top_bin: Numbers of bins, (h, w).

    Returns:
        Blue, green and red, (h, w, 3), clipped to sRGB: a few bins that lie far outside of it at
        this lightness look alike.

    Raises:
        IndexError: There is no bin of such a number.
    """
    centers = BIN_CENTERS.numpy().T[:, None]  # (2, 1, bins)
    colors = _bgr_from_lab(centers, np.full(centers.shape[1:], BIN_LIGHTNESS, np.float32))
    return np.asarray(colors[0][top_bin], np.uint8)


def chroma_view(cb: Plane, cr: Plane, picture: FrameFormat) -> View:
    """Give what the chroma planes hold alone, at one luma in the middle.

    Args:
        cb: Cb codes, (Hc, Wc).
        cr: Cr codes, (Hc, Wc).
        picture: The film's matrix, depth and range.

    Returns:
        Blue, green and red, (Hc, Wc, 3), clipped; neutral chroma is gray.
    """
    middle = np.full(cb.shape, CHROMA_LUMA, np.float32)
    return _bgr_from_ycbcr(middle, unit_chroma(cb, picture), unit_chroma(cr, picture), picture)


def limited_view(luma: Plane, share: Map, picture: FrameFormat) -> View:
    """Give the luma in gray, and over it where color was held back to stay inside R'G'B'.

    Args:
        luma: Y' codes, (H, W).
        share: What Cb and Cr were multiplied by, in [0, 1], (Hc, Wc).
        picture: The film's depth and range, and how its chroma is subsampled.

    Returns:
        Blue, green and red, (H, W, 3). The block of luma that a chroma sample stands for is gray
        where the share is 1. Below, it turns to `MARK_BGR`: by `LEAST_MARK` at once, then
        evenly, and in full at 0.
    """
    rows, columns = 1 << picture.log2_chroma_height, 1 << picture.log2_chroma_width
    marks = np.where(share < 1, LEAST_MARK + (1 - LEAST_MARK) * (1 - share), 0)
    marks = marks.repeat(rows, axis=0).repeat(columns, axis=1)
    marks = marks[: picture.height, : picture.width, None]
    gray = unit_luma(luma, picture)[..., None]
    return _bytes(gray + marks * (np.array(MARK_BGR, np.float32) / 255 - gray))


def label_view(labels: NDArray[np.integer] | NDArray[np.bool_]) -> View:
    """Give numbered regions as colors that neighboring numbers do not share; 0 is black.

    Args:
        labels: Numbers from 0, (h, w).

    Returns:
        Blue, green and red, (h, w, 3); a number has the same color in every frame.
    """
    numbers = labels.astype(np.float32)
    # Steps of the golden angle never come back near a hue soon.
    hsv = np.stack([numbers * GOLDEN_ANGLE % 360, 0.3 + numbers * 0.19 % 0.7, numbers > 0], axis=-1)
    return _bytes(np.asarray(cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2BGR), np.float32))


def flow_view(displacement: Map) -> View:
    """Give where things moved as a color wheel: red to the right, then yellow, green, blue.

    Args:
        displacement: From each pixel to where it was, x to the right and y down, (2, h, w).

    Returns:
        Blue, green and red, (h, w, 3): the hue is the way that things went, against the
        displacement; the farther, the stronger, white where nothing moved. The strongest color is
        `FASTEST_PIXELS` or more.
    """
    right, down = -displacement
    hue = np.degrees(np.arctan2(down, right)) % 360
    speed = np.hypot(right, down) / FASTEST_PIXELS
    hsv = np.stack([hue, np.minimum(speed, 1), np.ones_like(hue)], axis=-1)
    return _bytes(np.asarray(cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2BGR), np.float32))


def final_view(luma: Plane, cb: Plane, cr: Plane, picture: FrameFormat) -> View:
    """Give the colored frame as a player shows it, chroma enlarged bilinearly from where it lies.

    Primaries and transfer are left as they are: the R'G'B' of the film is taken for the screen's.

    Args:
        luma: Y' codes, (H, W).
        cb: Cb codes, (Hc, Wc).
        cr: Cr codes, (Hc, Wc).
        picture: The film's matrix, depth, range and chroma grid.

    Returns:
        Blue, green and red, (H, W, 3), clipped.
    """
    blue, red = (_at_luma(unit_chroma(plane, picture), picture) for plane in (cb, cr))
    return _bgr_from_ycbcr(unit_luma(luma, picture), blue, red, picture)


def upright(view: View, picture: FrameFormat) -> View:
    """Turn a view of the stored picture the way that the film is shown.

    Args:
        view: (H, W) or (H, W, 3).
        picture: The film's display matrix.

    Returns:
        The view, its first two axes swapped for a quarter turn. Samples stay as wide as stored.
    """
    transposed, mirrored, upside_down = display_turn(picture)
    turned = view.swapaxes(0, 1) if transposed else view
    turned = turned[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
    return np.ascontiguousarray(turned)


def _at_luma(chroma: Map, picture: FrameFormat) -> Map:
    """Give a chroma plane at the luma samples, (H, W), linearly between the chroma samples."""
    across, down = (1 / (1 << picture.log2_chroma_width), 1 / (1 << picture.log2_chroma_height))
    x, y = chroma_origin(picture)
    chroma_from_luma = np.array([[across, 0, -x * across], [0, down, -y * down]])
    enlarged = cv2.warpAffine(
        chroma,
        chroma_from_luma,
        (picture.width, picture.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(enlarged, np.float32)


def _bgr_from_ycbcr(luma: Map, blue: Map, red: Map, picture: FrameFormat) -> View:
    """Give 8-bit colors of Y' in [0, 1] and of Cb and Cr in [-0.5, 0.5]."""
    kr, kb = KR_KB[picture.matrix]
    b, r = luma + (2 - 2 * kb) * blue, luma + (2 - 2 * kr) * red
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return _bytes(np.stack([b, g, r], axis=-1))


def _bgr_from_lab(ab: Map, lightness: Map) -> View:
    """Give 8-bit sRGB of (2, H, W) and (H, W)."""
    lab = torch.from_numpy(np.concatenate([lightness[None], ab]))
    bgr = srgb_from_lab(lab).flip(0).movedim(0, -1).numpy()
    view = _bytes(np.nan_to_num(bgr))
    view[np.isnan(bgr).any(-1)] = MARK_BGR
    return view


def _bytes(shares: NDArray[np.floating]) -> View:
    """Give 0 for 0 or less and 255 for 1 or more."""
    return np.ascontiguousarray(np.rint(np.clip(shares, 0, 1) * 255), np.uint8)
