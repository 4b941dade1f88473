"""The last step to color: a frame's luma and its small ab map become its Cb and Cr planes.

Where chroma has fewer lines than luma, the chroma of an interlaced frame is that of its fields: a
line of it stands for lines of luma of one field (ITU-T H.262, figure 6-2), and takes nothing from
the other, which shows another moment.

Pictures of luma's size are looked at by OpenCV on a CPU, which is several times as fast there, and
by torch elsewhere; a test holds both to the same numbers.
"""

from dataclasses import replace
from functools import reduce
from math import ceil, floor
from typing import Any, Literal, NamedTuple, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.color.lightness import from_network, lightness_of, lightness_on
from vidcolor.color.siting import chroma_origin, chroma_strips
from vidcolor.color.upsample import spline_ab, upsample_ab
from vidcolor.color.ycbcr import Extremes, chroma_codes, gamut_limited_share
from vidcolor.frame import CPU, Chroma, Frame, FrameFormat, Map, Plane, Record, to_device
from vidcolor.shot import ActiveArea

Upsampling = Literal["guided", "spline"]

SAMPLED = 8
"""Step, across and down, between the chroma samples that tell how much the gamut limits."""


def chroma_planes(
    frame: Frame,
    ab_map: NDArray[np.float32],
    lightness: NDArray[np.float32],
    record: Record | None = None,
    *,
    active: ActiveArea | None = None,
    upsample: Upsampling = "guided",
    device: torch.device = CPU,
) -> Chroma:
    """Give the Cb and Cr planes of a frame.

    Args:
        frame: The frame; its luma is only read.
        ab_map: CIELAB a* and b* as decoded, (2, h, w), in the network's orientation.
        lightness: L* of the picture that the network saw, (H, W).
        record: Gets `ab`, a* and b* at the chroma samples, (2, Hc, Wc), and what `chroma_codes`
            adds.
        active: The part of the frame that the network saw, cut at whole chroma samples; what lies
            around it is neutral. None for all of it.
        upsample: How the map is enlarged: by `upsample_ab` or `spline_ab`.
        device: Where this is done. What it takes and gives lies in the processor's memory.

    Returns:
        Cb and Cr, each (Hc, Wc) of the frame's picture, in its depth, range and matrix.
    """
    if active is not None:
        options: dict[str, Any] = {"upsample": upsample, "device": device}
        inside = chroma_planes(frame.cropped(active), ab_map, lightness, record, **options)
        return _framed(inside, frame.picture, active, record)
    picture = frame.picture
    maps = from_network(ab_map, picture), from_network(lightness, picture)
    seen = _Seen(*maps, upsample, device)
    is_whole = frame.top_field_first is None or picture.log2_chroma_height == 0
    if is_whole or picture.height == 1:
        return _picture_planes(frame.luma, picture, seen, record)
    return _field_planes(frame, seen, record)


def _framed(
    chroma: Chroma, picture: FrameFormat, active: ActiveArea, record: Record | None
) -> Chroma:
    """The planes of a part of a frame, as those of the whole frame, neutral around it."""
    neutral = 1 << (picture.depth - 1)
    top, left = (
        active.top >> picture.log2_chroma_height,
        active.left >> picture.log2_chroma_width,
    )

    def place(plane: NDArray[Any], around: float) -> NDArray[Any]:
        whole = np.full(
            (*plane.shape[:-2], picture.chroma_height, picture.chroma_width), around, plane.dtype
        )
        rows, columns = plane.shape[-2:]
        whole[..., top : top + rows, left : left + columns] = plane
        return whole

    if record is not None:
        around = {"ab": 0.0, "gamut_share": 1.0}
        for name, plane in record.items():
            record[name] = place(plane, around.get(name, neutral))
    cb, cr = (cast(Plane, place(plane, neutral)) for plane in chroma[:2])
    return chroma._replace(cb=cb, cr=cr)


class _Seen(NamedTuple):
    """What is known at the network's size, as the film is stored."""

    ab_map: NDArray[np.float32]
    lightness: NDArray[np.float32]
    upsample: Upsampling
    device: torch.device


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


def _picture_planes(
    luma: Plane, picture: FrameFormat, seen: _Seen, record: Record | None
) -> Chroma:
    """The planes of a progressive frame, or of one field, which is a picture of half the lines."""
    guide, extremes = look_at_luma(luma, picture, seen.device)
    if seen.upsample == "spline":
        ab = spline_ab(seen.ab_map, picture).to(seen.device)  # (2, Hc, Wc)
    else:
        ab = upsample_ab(seen.ab_map, seen.lightness, guide, picture)
    if record is not None:
        record["ab"] = ab.cpu().numpy()
    some = (..., slice(None, None, SAMPLED), slice(None, None, SAMPLED))
    sampled = (extremes[0][some], extremes[1][some])
    limited = gamut_limited_share(ab[some], guide[some], sampled, picture)
    return Chroma(*chroma_codes(ab, guide, extremes, picture, record), limited)


def look_at_luma(
    luma: Plane, picture: FrameFormat, device: torch.device
) -> tuple[torch.Tensor, Extremes]:
    """Give L* at each chroma sample, (Hc, Wc), and the least and greatest luma code under it.

    Args:
        luma: Y' codes, (H, W).
        picture: The film's depth and range, and where the chroma samples lie.
        device: Where the results are wanted.
    """
    if device.type != "cpu":
        return look_on_gpu(luma, picture, device)
    shape = (picture.chroma_height, picture.chroma_width)
    guide = np.empty(shape, np.float32)
    least, greatest = np.empty(shape, luma.dtype), np.empty(shape, luma.dtype)
    for strip in chroma_strips(picture):
        rows, inner, part = _rows_around(strip, picture)
        codes = luma[rows]
        guide[strip] = mean_at_chroma(lightness_of(codes, part), part)[inner]
        least[strip], greatest[strip] = (one[inner] for one in range_at_chroma(codes, part))
    extremes = torch.from_numpy(least), torch.from_numpy(greatest)
    return torch.from_numpy(guide), extremes


def _rows_around(strip: slice, picture: FrameFormat) -> tuple[slice, slice, FrameFormat]:
    """What a strip of chroma rows is seen from: it and a row more on each side, where there is one.

    Returns:
        These rows of luma; the strip's rows among theirs of chroma; and the picture that they are.
    """
    step = 1 << picture.log2_chroma_height
    first = max(strip.start - 1, 0)
    rows = slice(first * step, min((strip.stop + 1) * step, picture.height))
    inner = slice(strip.start - first, strip.stop - first)
    return rows, inner, replace(picture, height=rows.stop - rows.start)


def look_on_gpu(
    luma: Plane, picture: FrameFormat, device: torch.device
) -> tuple[torch.Tensor, Extremes]:
    """The same by torch alone, which has few operators for 16 bits without a sign."""
    codes = to_device(luma if picture.depth == 8 else luma.astype(np.int32), device)  # noqa: PLR2004
    guide = seen_at_chroma(lightness_on(codes, picture), picture)
    return guide, extremes_at_chroma(codes, picture)


def _woven(top: NDArray[Any], bottom: NDArray[Any], rows: int) -> NDArray[Any]:
    """Two fields' maps, (..., n, W), as one of so many rows: the top field has rows 0, 2, 4..."""
    woven = np.empty((*top.shape[:-2], rows, top.shape[-1]), top.dtype)
    woven[..., 0::2, :] = top[..., : (rows + 1) // 2, :]
    woven[..., 1::2, :] = bottom[..., : rows // 2, :]
    return woven


def mean_at_chroma(plane: Map, picture: FrameFormat) -> Map:
    """Average a picture of luma's size round each chroma sample.

    Args:
        plane: Any map of luma's size, (H, W).
        picture: Says where the chroma samples lie.

    Returns:
        The means, (Hc, Wc), each over a window centred on its chroma sample: a block of the
        subsampling's size, or the mean of two such blocks where that centre is a luma sample.
    """
    columns, rows = 1 << picture.log2_chroma_width, 1 << picture.log2_chroma_height
    if columns == rows == 1:
        return plane
    x, y = chroma_origin(picture)
    padded = _padded(plane, picture, columns, rows)
    size = (picture.chroma_width, picture.chroma_height)
    means = [
        cv2.resize(
            padded[top : top + size[1] * rows, left : left + size[0] * columns],
            size,
            interpolation=cv2.INTER_AREA,
        )
        for top in _block_starts(y, rows)
        for left in _block_starts(x, columns)
    ]
    return np.asarray(reduce(np.add, means) / np.float32(len(means)), np.float32)


def range_at_chroma(luma: Plane, picture: FrameFormat) -> tuple[Plane, Plane]:
    """Give the least and the greatest luma code of the block that each chroma sample stands for.

    Args:
        luma: Y' codes, (H, W).
        picture: Says how chroma is subsampled.

    Returns:
        The least and the greatest code, each (Hc, Wc).
    """
    columns, rows = 1 << picture.log2_chroma_width, 1 << picture.log2_chroma_height
    right, bottom = _lacking(picture, columns, rows)
    whole = luma
    if bottom or right:
        whole = cast(Plane, cv2.copyMakeBorder(luma, 0, bottom, 0, right, cv2.BORDER_REPLICATE))
    extremes: list[Plane] = []
    for choose in (np.minimum, np.maximum):
        rowwise = reduce(choose, [whole[i::rows] for i in range(rows)])
        extremes.append(reduce(choose, [rowwise[:, i::columns] for i in range(columns)]))
    return extremes[0], extremes[1]


def seen_at_chroma(plane: torch.Tensor, picture: FrameFormat) -> torch.Tensor:
    """What `mean_at_chroma` gives, of and as a tensor on any device."""
    columns, rows = 1 << picture.log2_chroma_width, 1 << picture.log2_chroma_height
    if columns == rows == 1:
        return plane
    x, y = chroma_origin(picture)
    left, right, top, bottom = _margins(picture, columns, rows)
    padded = functional.pad(plane[None], (left, right, top, bottom), "replicate")  # (1, ...)
    height, width = picture.chroma_height * rows, picture.chroma_width * columns
    means = [
        functional.avg_pool2d(
            padded[:, row : row + height, column : column + width], (rows, columns)
        )
        for row in _block_starts(y, rows)
        for column in _block_starts(x, columns)
    ]
    return torch.stack(means).mean(0)[0]


def extremes_at_chroma(
    luma: torch.Tensor, picture: FrameFormat
) -> tuple[torch.Tensor, torch.Tensor]:
    """What `range_at_chroma` gives, of and as tensors of float32 on any device."""
    columns, rows = 1 << picture.log2_chroma_width, 1 << picture.log2_chroma_height
    right, bottom = _lacking(picture, columns, rows)
    whole = functional.pad(luma[None].float(), (0, right, 0, bottom), "replicate")
    block = (rows, columns)
    return -functional.max_pool2d(-whole, block)[0], functional.max_pool2d(whole, block)[0]


def _block_starts(position: float, length: int) -> set[int]:
    """Give the first samples, in the padded plane, of the blocks centred on a chroma sample."""
    start = position - (length - 1) / 2 + length // 2
    return {floor(start), ceil(start)}


def _padded(plane: Map, picture: FrameFormat, columns: int, rows: int) -> Map:
    """Repeat the edge samples by half a block on each side, and to whole blocks."""
    left, right, top, bottom = _margins(picture, columns, rows)
    border = (top, bottom, left, right)
    return np.asarray(cv2.copyMakeBorder(plane, *border, cv2.BORDER_REPLICATE), np.float32)


def _margins(picture: FrameFormat, columns: int, rows: int) -> tuple[int, int, int, int]:
    """Give what is added left, right, at the top and at the bottom by `_padded`."""
    right, bottom = _lacking(picture, columns, rows)
    half_x, half_y = columns // 2, rows // 2
    return half_x, right + half_x, half_y, bottom + half_y


def _lacking(picture: FrameFormat, columns: int, rows: int) -> tuple[int, int]:
    """Give the columns and rows that a picture lacks to be whole blocks."""
    right = picture.chroma_width * columns - picture.width
    return right, picture.chroma_height * rows - picture.height
