"""The last step to color: a frame's luma and its small ab map become its Cb and Cr planes.

Where chroma has fewer lines than luma, the chroma of an interlaced frame is that of its fields: a
line of it stands for lines of luma of one field (ITU-T H.262, figure 6-2), and takes nothing from
the other, which shows another moment.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from vidcolor.color.lightness import from_network, lightness_of
from vidcolor.color.siting import mean_at_chroma, range_at_chroma
from vidcolor.color.upsample import spline_ab, upsample_ab
from vidcolor.color.ycbcr import chroma_codes, limited_share
from vidcolor.frame import Frame, Picture, Plane, Record

Upsampling = Literal["guided", "spline"]

SAMPLED = 8
"""Step, across and down, between the chroma samples that tell how much the gamut limits."""


class Chroma(NamedTuple):
    """The color of a frame as it is written.

    Attributes:
        cb: Codes, (Hc, Wc).
        cr: The same.
        limited_share: How many of them are nearer to neutral than the color, since the luma that
            they lie over leaves no more room in the gamut; in [0, 1].
    """

    cb: Plane
    cr: Plane
    limited_share: float


def chroma_planes(
    frame: Frame,
    ab_map: NDArray[np.float32],
    lightness: NDArray[np.float32],
    record: Record | None = None,
    *,
    upsample: Upsampling = "guided",
) -> Chroma:
    """Give the Cb and Cr planes of a frame.

    Args:
        frame: The frame; its luma is only read.
        ab_map: CIELAB a* and b* as decoded, (2, h, w), in the network's orientation.
        lightness: L* of the picture that the network saw, (H, W).
        record: Gets `ab`, a* and b* at the chroma samples, (2, Hc, Wc), and what `chroma_codes`
            adds.
        upsample: How the map is enlarged: by `upsample_ab` or `spline_ab`.

    Returns:
        Cb and Cr, each (Hc, Wc) of the frame's picture, in its depth, range and matrix.
    """
    picture = frame.picture
    seen = _Seen(from_network(ab_map, picture), from_network(lightness, picture), upsample)
    is_whole = frame.top_field_first is None or picture.log2_chroma_height == 0
    if is_whole or picture.height == 1:
        return _picture_planes(frame.luma, picture, seen, record)
    return _field_planes(frame, seen, record)


class _Seen(NamedTuple):
    """What is known at the network's size, as the film is stored."""

    ab_map: NDArray[np.float32]
    lightness: NDArray[np.float32]
    upsample: Upsampling


def _field_planes(frame: Frame, seen: _Seen, record: Record | None) -> Chroma:
    """The planes of an interlaced frame, each field's made from its own luma."""
    picture = frame.picture
    found: list[Record] = []
    shares: list[float] = []
    for first in (0, 1):
        luma = cast(Plane, np.ascontiguousarray(frame.luma[first::2]))
        made: Record = {}
        field = replace(picture, height=len(luma))
        cb, cr, limited = _picture_planes(luma, field, seen, made if record is not None else None)
        found.append({"cb": cb, "cr": cr, **made})
        shares.append(limited)
    top, bottom = found
    woven = {name: _woven(top[name], bottom[name], picture.chroma_height) for name in top}
    cb, cr = woven.pop("cb"), woven.pop("cr")
    if record is not None:
        record |= woven
    return Chroma(cb, cr, sum(shares) / len(shares))


def _picture_planes(luma: Plane, picture: Picture, seen: _Seen, record: Record | None) -> Chroma:
    """The planes of a progressive frame, or of one field, which is a picture of half the lines."""
    guide = mean_at_chroma(lightness_of(luma, picture), picture)  # (Hc, Wc)
    if seen.upsample == "spline":
        ab = spline_ab(seen.ab_map, picture)  # (2, Hc, Wc)
    else:
        ab = upsample_ab(seen.ab_map, seen.lightness, guide, picture)
    if record is not None:
        record["ab"] = ab
    least, greatest = range_at_chroma(luma, picture)
    some = (..., slice(None, None, SAMPLED), slice(None, None, SAMPLED))
    limited = limited_share(ab[some], guide[some], (least[some], greatest[some]), picture)
    return Chroma(*chroma_codes(ab, guide, (least, greatest), picture, record), limited)


def _woven(top: NDArray[Any], bottom: NDArray[Any], rows: int) -> NDArray[Any]:
    """Two fields' maps, (..., n, W), as one of so many rows: the top field has rows 0, 2, 4..."""
    woven = np.empty((*top.shape[:-2], rows, top.shape[-1]), top.dtype)
    woven[..., 0::2, :] = top[..., : (rows + 1) // 2, :]
    woven[..., 1::2, :] = bottom[..., : rows // 2, :]
    return woven
