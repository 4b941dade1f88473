"""Crops of pictures, a batch a step, that depend on the seed and the step's number alone.

A run that is resumed therefore sees exactly what an unbroken one would have, without any state to
save.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.training.dataset import PictureStore

_SMALLEST_CROP = 0.7
"""Side of the smallest crop, as a part of the side it is resized to.

Films are shown to the net larger than the pictures it learns from; crops that are enlarged give it
that scale too.
"""
_SQUEEZED_SHARE = 0.5
_SQUEEZE_LIMIT = 0.25
_PREFETCHED_BATCHES = 4

_ORDER_STREAM, _CROP_STREAM = 0, 1  # independent random streams of one seed


@dataclass(frozen=True, slots=True, eq=False)
class CropPlan:
    """Which part of which pictures a batch is cut from; all arrays are (N,).

    Attributes:
        pictures: Numbers of the pictures.
        tops: First row of each crop.
        lefts: First column.
        heights: Rows.
        widths: Columns.
        mirrored: Whether left and right are exchanged.
    """

    pictures: NDArray[np.int64]
    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    mirrored: NDArray[np.bool_]


def plan_crops(
    sizes: NDArray[np.int64], *, step: int, seed: int, batch_size: int, side: int
) -> CropPlan:
    """What the batch of a step is cut from.

    Each picture comes once an epoch, in a new order each time; the last few that do not fill a
    batch wait for the next epoch.

    Args:
        sizes: (pictures, 2) height and width of all pictures.
        step: Number of the batch, from 0.
        seed: Of the run.
        batch_size: Crops.
        side: What crops will be resized to, in pixels.
    """
    batches = max(len(sizes) // batch_size, 1)
    epoch, batch = divmod(step, batches)
    order = np.random.default_rng((seed, _ORDER_STREAM, epoch)).permutation(len(sizes))
    pictures = np.resize(order[batch * batch_size : (batch + 1) * batch_size], batch_size)
    draw = np.random.default_rng((seed, _CROP_STREAM, step))
    short = sizes[pictures].min(1)
    crop = draw.uniform(np.minimum(_SMALLEST_CROP * side, short), short)
    squeezed = draw.random(batch_size) < _SQUEEZED_SHARE
    stretch = np.where(squeezed, draw.uniform(-_SQUEEZE_LIMIT, _SQUEEZE_LIMIT, batch_size), 0)
    heights = np.maximum(crop * np.exp(np.minimum(stretch, 0)), 1).astype(np.int64)
    widths = np.maximum(crop * np.exp(np.minimum(-stretch, 0)), 1).astype(np.int64)
    room = sizes[pictures] - np.stack([heights, widths], 1)  # (N, 2)
    corner = draw.integers(0, room, endpoint=True)
    mirrored = draw.random(batch_size) < 0.5  # noqa: PLR2004  # a fair coin
    return CropPlan(pictures, corner[:, 0], corner[:, 1], heights, widths, mirrored)


def cut_crops(store: PictureStore, plan: CropPlan, side: int) -> torch.Tensor:
    """The crops of a plan, (N, 3, side, side) uint8 RGB, made on the CPU."""
    crops = np.empty((len(plan.pictures), side, side, 3), np.uint8)
    for n, index in enumerate(plan.pictures):
        top, left = plan.tops[n], plan.lefts[n]
        picture = store.picture(index)
        crop = picture[top : top + plan.heights[n], left : left + plan.widths[n]]
        shrinks = min(crop.shape[:2]) >= side
        resized = cv2.resize(
            crop, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        crops[n] = resized[:, ::-1] if plan.mirrored[n] else resized
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


def gather_crops(store: PictureStore, plan: CropPlan, side: int) -> torch.Tensor:
    """The crops of a plan, (N, 3, side, side) uint8 RGB, made where the store's bytes are.

    Bilinear samples on a grid twice as fine are averaged in fours, so that shrinking up to twofold
    does not alias. All crops of a batch are gathered at once, as suits a GPU.
    """
    device = store.pixels.device

    def column(values: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(values).to(device)[:, None]  # (N, 1)

    ramp = (torch.arange(2 * side, device=device) + 0.5) / (2 * side)
    across = torch.where(torch.from_numpy(plan.mirrored).to(device)[:, None], 1 - ramp, ramp)
    y, x = column(plan.heights) * ramp - 0.5, column(plan.widths) * across - 0.5  # (N, 2 side)
    y = y.clamp_min(0).minimum(column(plan.heights) - 1)
    x = x.clamp_min(0).minimum(column(plan.widths) - 1)
    pictures = torch.from_numpy(plan.pictures).to(device)
    pitch = store.sizes[pictures, 1][:, None, None]
    start = store.offsets[pictures][:, None, None]
    channels = torch.arange(3, device=device)

    def pixels(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        rows = rows.long().minimum(column(plan.heights) - 1) + column(plan.tops)
        columns = columns.long().minimum(column(plan.widths) - 1) + column(plan.lefts)
        place = start + 3 * (rows[:, :, None] * pitch + columns[:, None, :])
        return store.pixels[place[..., None] + channels].float()  # (N, 2 side, 2 side, 3)

    down, right = y.frac()[:, :, None, None], x.frac()[:, None, :, None]
    upper = torch.lerp(pixels(y, x), pixels(y, x + 1), right)
    lower = torch.lerp(pixels(y + 1, x), pixels(y + 1, x + 1), right)
    fine = torch.lerp(upper, lower, down).permute(0, 3, 1, 2)
    return functional.avg_pool2d(fine, 2).round().to(torch.uint8)


def iterate_crops(
    store: PictureStore,
    *,
    first_step: int,
    seed: int,
    batch_size: int,
    side: Callable[[int], int],
) -> Iterator[torch.Tensor]:
    """Batches of crops without end, made ahead by one thread.

    Args:
        store: The pictures.
        first_step: Number of the first batch.
        seed: Of the run.
        batch_size: Crops a batch.
        side: Pixels a side of the crops of a step.

    Yields:
        (batch_size, 3, side, side) uint8 RGB.
    """
    sizes: NDArray[np.int64] = store.sizes.cpu().numpy()
    cut = cut_crops if store.pixels.device.type == "cpu" else gather_crops

    def make(step: int) -> torch.Tensor:
        pixels = side(step)
        plan = plan_crops(sizes, step=step, seed=seed, batch_size=batch_size, side=pixels)
        return cut(store, plan, pixels)

    with ThreadPoolExecutor(1, thread_name_prefix="crops") as worker:
        ahead: list[Future[torch.Tensor]] = []
        for step in count(first_step):
            ahead.append(worker.submit(make, step))
            if len(ahead) > _PREFETCHED_BATCHES:
                yield ahead.pop(0).result()
