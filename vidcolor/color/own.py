"""The color that a frame has in its source: kept, laid over new color, or as a small map."""

from typing import cast

import cv2
import numpy as np
import torch

from vidcolor.color.lab import lab_from_srgb
from vidcolor.color.ycbcr import KR_KB, chroma_span, luma_range, neutral_chroma
from vidcolor.frame import Chroma, Frame, FrameFormat, Map, Plane

MIXED_SHARE = 0.5
"""Strength of new colors under a tint: light through a filter has less of other hues."""

OVERLAY_FROM, OVERLAY_WHOLLY = 16.0, 32.0
"""Distance from the tint, in 8-bit codes, from which a sample's color is an overlay's, and from
which it is that alone: noise of tapes has a deviation of 5, words in yellow have 60 and more."""


def own_chroma(frame: Frame) -> Chroma:
    """The planes of a frame that keeps its color: code by code where the subsampling is the same.

    Raises:
        ValueError: The frame was read without its chroma.
    """
    if frame.chroma is None:
        raise ValueError(f"frame {frame.index} was read without chroma")
    cb, cr = (_fitted(plane, frame.picture) for plane in frame.chroma)
    return Chroma(cb, cr, 0.0)


def mixed_chroma(chroma: Chroma, frame: Frame) -> Chroma:
    """New color with the frame's own, a tint, laid over it."""
    own, neutral = own_chroma(frame), neutral_chroma(frame.picture.depth)
    top = (1 << frame.picture.depth) - 1
    cb, cr = (
        np.clip(np.rint(tint + MIXED_SHARE * (new.astype(np.float32) - neutral)), 0, top)
        for new, tint in zip(chroma[:2], own[:2], strict=True)
    )
    dtype = own.cb.dtype
    return chroma._replace(cb=cast(Plane, cb.astype(dtype)), cr=cast(Plane, cr.astype(dtype)))


def with_overlay(chroma: Chroma, frame: Frame, tint: tuple[float, float]) -> Chroma:
    """New color, but the frame's own where that is far from its tint: subtitles and logos.

    Args:
        chroma: The new color.
        frame: The frame, read with its chroma.
        tint: Cb and Cr of the frame without them, from neutral, in 8-bit codes.
    """
    own, depth = own_chroma(frame), frame.picture.depth
    scale, neutral = 1 << (depth - 8), neutral_chroma(depth)
    apart = [
        (plane.astype(np.float32) - neutral) / scale - np.float32(mean)
        for plane, mean in zip(own[:2], tint, strict=True)
    ]
    share = ((np.hypot(*apart) - OVERLAY_FROM) / (OVERLAY_WHOLLY - OVERLAY_FROM)).clip(0, 1)
    cb, cr = (
        np.rint(new + share * (kept.astype(np.float32) - new)).astype(kept.dtype)
        for new, kept in zip(chroma[:2], own[:2], strict=True)
    )
    return chroma._replace(cb=cast(Plane, cb), cr=cast(Plane, cr))


def own_ab(frame: Frame, size: tuple[int, int]) -> Map:
    """The frame's own a* and b* as a small map, about: (2, h, w).

    Args:
        frame: The frame, read with its chroma.
        size: Rows and columns of the map.
    """
    rows, columns = size
    picture = frame.picture
    black, white = luma_range(picture.depth, picture.full_range)
    chroma = own_chroma(frame)
    luma, cb, cr = (
        cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
        for plane in (frame.luma, chroma.cb, chroma.cr)
    )
    neutral, span = neutral_chroma(picture.depth), chroma_span(picture)
    kr, kb = KR_KB[picture.matrix]
    y = (luma - black) / (white - black)
    red = y + (cr - neutral) / span * 2 * (1 - kr)
    blue = y + (cb - neutral) / span * 2 * (1 - kb)
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    srgb = torch.from_numpy(np.stack([red, green, blue]).clip(0, 1))
    return lab_from_srgb(srgb)[1:].float().numpy()


def _fitted(plane: Plane, picture: FrameFormat) -> Plane:
    """A chroma plane in the film's subsampling."""
    size = (picture.chroma_width, picture.chroma_height)
    if plane.shape == size[::-1]:
        return plane
    shrinks = plane.shape[1] > size[0] or plane.shape[0] > size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Plane, cv2.resize(plane, size, interpolation=way))
