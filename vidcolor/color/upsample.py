"""A small ab map brought to the chroma planes' size, its edges taken from the film's lightness.

The guided filter's model (He, Sun and Tang 2013, equations 5, 6 and 8; computed on the small map as
in He and Sun 2015): near an edge, ab is a linear function of lightness. Here it adds detail only.
The map itself is enlarged bilinearly, and the slope carries over to it what the full lightness has
and the small one has not. So nothing is smoothed away, and where lightness says nothing of color
the result is plain bilinear. Slopes shrink with the squared correlation of lightness and color, so
that texture and grain stay out of the color.
"""

import cv2
import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.color.siting import chroma_origin, chroma_strips
from vidcolor.frame import FrameFormat

Map = NDArray[np.float32]

WINDOW = 3
"""Side of the window that a slope is fitted in, in samples of the small map."""

LIGHTNESS_VARIANCE = 16.0
"""Variance of L* in a window, about that of coarse grain, below which it moves no color."""

COLOR_VARIANCE = 1.0
"""Variance of a* or b* in a window below which there is no edge of color to sharpen."""


def upsample_ab(
    ab_map: Map, lightness: Map, guide: torch.Tensor, picture: FrameFormat
) -> torch.Tensor:
    """Enlarge an ab map to the chroma planes' size.

    Args:
        ab_map: a* and b* of the whole picture, (2, h, w), upright as the film is stored.
        lightness: L* of the picture that the map was made from, (H, W), both sides at least the
            map's.
        guide: L* at the chroma samples, (Hc, Wc), on the device that this is to run on.
        picture: Says where the chroma samples lie.

    Returns:
        a* and b* at the chroma samples, (2, Hc, Wc), between the least and the greatest of the
        map's samples around.
    """
    small = torch.from_numpy(_stacked(ab_map, lightness)).to(guide.device)
    wide = columns_at_chroma(small, picture)  # (h, 9, Wc)
    enlarged = torch.empty((2, *guide.shape), device=guide.device)
    for strip in chroma_strips(picture, guide.device):
        known = rows_at_chroma(wide, picture, strip)  # (n, 9, Wc)
        detail = guide[strip] - known[:, 0]
        for i, channel in enumerate(enlarged):
            ab, slope, least, greatest = (known[:, first + i] for first in (1, 3, 5, 7))
            torch.clamp(torch.addcmul(ab, slope, detail), least, greatest, out=channel[strip])
    return enlarged


def spline_ab(ab_map: Map, picture: FrameFormat) -> torch.Tensor:
    """Enlarge an ab map by cubic splines, which know no edges: the plain way, to compare with.

    Args:
        ab_map: a* and b* of the whole picture, (2, h, w), upright as the film is stored.
        picture: Says where the chroma samples lie.

    Returns:
        a* and b* at the chroma samples, (2, Hc, Wc).
    """
    (x, y), (height, width) = chroma_origin(picture), ab_map.shape[1:]
    columns = np.arange(picture.chroma_width) * (1 << picture.log2_chroma_width) + x + 0.5
    rows = np.arange(picture.chroma_height) * (1 << picture.log2_chroma_height) + y + 0.5
    places = np.meshgrid(
        rows / picture.height * height - 0.5, columns / picture.width * width - 0.5, indexing="ij"
    )
    enlarged = [
        scipy.ndimage.map_coordinates(channel, places, mode="nearest") for channel in ab_map
    ]
    return torch.from_numpy(np.stack(enlarged).astype(np.float32))


def _stacked(ab_map: Map, lightness: Map) -> Map:
    """Give all that is known on the small map: L*, and ab with its slopes, least and greatest."""
    height, width = ab_map.shape[1:]
    small: Map = np.empty((9, height, width), np.float32)
    small[0] = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA)
    window = np.ones((WINDOW, WINDOW), np.uint8)
    for i, channel in enumerate(ab_map):
        small[1 + i] = channel
        small[3 + i] = _slope(channel, small[0])
        small[5 + i] = cv2.erode(channel, window)
        small[7 + i] = cv2.dilate(channel, window)
    return small


def _slope(channel: Map, lightness: Map) -> Map:
    """Fit how a* or b* changes with L* round each sample of the small map, (h, w)."""
    mean_lightness, mean = _mean(lightness), _mean(channel)
    covariance = _mean(lightness * channel) - mean_lightness * mean
    lightness_variance = _mean(lightness * lightness) - mean_lightness**2 + LIGHTNESS_VARIANCE
    variance = _mean(channel * channel) - mean**2 + COLOR_VARIANCE
    slope = covariance / lightness_variance
    correlation_squared = slope * covariance / variance
    return np.asarray(slope * np.clip(correlation_squared, 0, 1), np.float32)


def _mean(small: Map) -> Map:
    """Average over the window round each sample, the map mirrored at its edges."""
    return np.asarray(cv2.blur(small, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT), np.float32)


def columns_at_chroma(small: torch.Tensor, picture: FrameFormat) -> torch.Tensor:
    """Read small maps that cover the whole picture at the chroma columns, linearly.

    Args:
        small: Maps of any size, (C, h, w).
        picture: Says where the chroma samples lie.

    Returns:
        The maps, (h, C, Wc), for `rows_at_chroma` to finish.
    """
    step = 1 << picture.log2_chroma_width
    at = np.arange(picture.chroma_width) * step + chroma_origin(picture)[0] + 0.5
    count, height, width = small.shape
    table = small.permute(2, 1, 0).reshape(width, -1)  # (w, h * C)
    wide = _between(table, at / picture.width)  # (Wc, h * C)
    return wide.reshape(-1, height, count).permute(1, 2, 0).contiguous()


def rows_at_chroma(wide: torch.Tensor, picture: FrameFormat, rows: slice) -> torch.Tensor:
    """Read what `columns_at_chroma` gave at some of the chroma rows, linearly.

    Args:
        wide: Maps at the chroma columns, (h, C, Wc).
        picture: Says where the chroma samples lie.
        rows: Which chroma rows, n of them.

    Returns:
        The maps at the chroma samples, (n, C, Wc).
    """
    step = 1 << picture.log2_chroma_height
    at = np.arange(rows.start, rows.stop) * step + chroma_origin(picture)[1] + 0.5
    return _between(wide.flatten(1), at / picture.height).reshape(-1, *wide.shape[1:])


def _between(table: torch.Tensor, shares: NDArray[np.float64]) -> torch.Tensor:
    """Read the rows of a table between its samples, in one pass over what comes out."""
    before, after, share = _neighbors(shares, len(table))
    places = torch.from_numpy(np.stack([before, after], axis=1))
    parts = torch.from_numpy(np.stack([1 - share, share], axis=1))
    device = table.device
    return functional.embedding_bag(
        places.to(device), table, mode="sum", per_sample_weights=parts.to(device)
    )


def _neighbors(
    shares: NDArray[np.float64], count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Map]:
    """Give the samples before and after each position, and the second one's weight.

    Args:
        shares: Positions as shares of the picture's side, from edge to edge.
        count: Samples along that side.
    """
    at = np.clip(shares * count - 0.5, 0, count - 1)
    before = at.astype(np.intp)
    after = np.minimum(before + 1, count - 1)
    return before, after, (at - before).astype(np.float32)
