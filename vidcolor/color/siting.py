"""Where chroma samples lie among luma samples, and pictures seen from there.

Positions are in luma samples, 0 at the centre of the first. Sitings are those of ITU-T H.273
(07/2024), clause 8.7 and figure 1. A field of an interlaced frame comes as a picture of its own.
Pictures of luma's size are looked at by OpenCV on a CPU, which is several times as fast there, and
by torch elsewhere; a test holds both to the same numbers.
"""

from collections.abc import Iterator
from functools import reduce
from math import ceil, floor
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.frame import ChromaLocation, Picture, Plane

Map = NDArray[np.float32]

_STRIP_SAMPLES = 1 << 15  # of float32, in each of the dozen maps that a step works on
_CENTERED_COLUMNS = (ChromaLocation.CENTER, ChromaLocation.TOP, ChromaLocation.BOTTOM)
_TOP_ROWS = (ChromaLocation.TOP_LEFT, ChromaLocation.TOP)
_BOTTOM_ROWS = (ChromaLocation.BOTTOM_LEFT, ChromaLocation.BOTTOM)


def chroma_origin(picture: Picture) -> tuple[float, float]:
    """Give the position (x, y) of the first chroma sample, in luma samples."""
    last_x = (1 << picture.log2_chroma_width) - 1
    last_y = (1 << picture.log2_chroma_height) - 1
    location = picture.chroma_location
    x = last_x / 2 if location in _CENTERED_COLUMNS else 0.0
    if location in _TOP_ROWS:
        return x, 0.0
    return x, float(last_y) if location in _BOTTOM_ROWS else last_y / 2


def mean_at_chroma(plane: Map, picture: Picture) -> Map:
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


def range_at_chroma(luma: Plane, picture: Picture) -> tuple[Plane, Plane]:
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


def seen_at_chroma(plane: torch.Tensor, picture: Picture) -> torch.Tensor:
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


def extremes_at_chroma(luma: torch.Tensor, picture: Picture) -> tuple[torch.Tensor, torch.Tensor]:
    """What `range_at_chroma` gives, of and as tensors of float32 on any device."""
    columns, rows = 1 << picture.log2_chroma_width, 1 << picture.log2_chroma_height
    right, bottom = _lacking(picture, columns, rows)
    whole = functional.pad(luma[None].float(), (0, right, 0, bottom), "replicate")
    block = (rows, columns)
    return -functional.max_pool2d(-whole, block)[0], functional.max_pool2d(whole, block)[0]


def chroma_strips(picture: Picture, device: torch.device | None = None) -> Iterator[slice]:
    """Cut the chroma planes into strips of rows that stay in the processor's cache.

    On a device that is no CPU all rows are one strip.
    """
    is_cpu = device is None or device.type == "cpu"
    rows = max(1, _STRIP_SAMPLES // picture.chroma_width) if is_cpu else picture.chroma_height
    for top in range(0, picture.chroma_height, rows):
        yield slice(top, min(top + rows, picture.chroma_height))


def columns_at_chroma(small: torch.Tensor, picture: Picture) -> torch.Tensor:
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


def rows_at_chroma(wide: torch.Tensor, picture: Picture, rows: slice) -> torch.Tensor:
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


def _block_starts(position: float, length: int) -> set[int]:
    """Give the first samples, in the padded plane, of the blocks centred on a chroma sample."""
    start = position - (length - 1) / 2 + length // 2
    return {floor(start), ceil(start)}


def _padded(plane: Map, picture: Picture, columns: int, rows: int) -> Map:
    """Repeat the edge samples by half a block on each side, and to whole blocks."""
    left, right, top, bottom = _margins(picture, columns, rows)
    border = (top, bottom, left, right)
    return np.asarray(cv2.copyMakeBorder(plane, *border, cv2.BORDER_REPLICATE), np.float32)


def _margins(picture: Picture, columns: int, rows: int) -> tuple[int, int, int, int]:
    """Give what is added left, right, at the top and at the bottom by `_padded`."""
    right, bottom = _lacking(picture, columns, rows)
    half_x, half_y = columns // 2, rows // 2
    return half_x, right + half_x, half_y, bottom + half_y


def _lacking(picture: Picture, columns: int, rows: int) -> tuple[int, int]:
    """Give the columns and rows that a picture lacks to be whole blocks."""
    right = picture.chroma_width * columns - picture.width
    return right, picture.chroma_height * rows - picture.height
