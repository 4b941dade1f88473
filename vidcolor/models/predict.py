"""Lightness pictures to predictions: batches, padding, and what to do when memory runs out."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from operator import attrgetter
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.color.bins import STRIP_ROWS
from vidcolor.color.decode import AB_UNIT
from vidcolor.errors import VidcolorError
from vidcolor.frame import MAP_STRIDE, Mapped, Prediction, Seen, to_device
from vidcolor.memory import is_little
from vidcolor.models.zoo import Model, find_model
from vidcolor.nets.inputs import normalize_lightness, padded
from vidcolor.settings import Settings

Lightness = NDArray[np.float32]
Inferred = tuple[list[torch.Tensor], float]
T = TypeVar("T")

SMALLEST_CPU_BATCH = 2
"""oneDNN takes other kernels, with other roundings, for a single picture; not so from two on."""

_log = logging.getLogger(__name__)


def find_fitting_model(settings: Settings) -> Model:
    """What colors films by some settings, in what memory there is.

    Raises:
        ModelError: See `find_model`.
    """
    model = find_model(settings.model)
    return spare_memory(model) if is_little(settings.memory_limit) else model


def spare_memory(model: Model) -> Model:
    """A net that is asked about as few frames at once as possible, by one thread.

    Its colors stay the same. Nets that take long get one frame at a time anyway.
    """
    if model.gmac:
        return model
    model.batch_limit.pictures = SMALLEST_CPU_BATCH
    return replace(model, threads=1)


def predict_frames(
    frames: Iterable[Seen], model: Model, batch_size: int
) -> Generator[Mapped, None, None]:
    """Each frame with what the model says of its exposed picture; see `predict_histograms`."""
    predicted = _predict(frames, attrgetter("brightened"), model, batch_size)
    with closing(predicted):
        for seen, histogram in predicted:
            yield Mapped(seen, histogram)


def predict_histograms(
    lightness: Iterable[Lightness], model: Model, batch_size: int
) -> Generator[Prediction, None, None]:
    """The color histogram of each picture, in order.

    A picture's histogram does not depend on its neighbors in a batch. On a CPU the batch is shared
    among workers of one thread each: threads that work on one picture together wait for each other
    after every layer, and where decoder and encoder want the processor too, that wait is longer
    than the work.

    Args:
        lightness: (H, W) float32 CIELAB L* in [0, 100] each, of any sizes.
        model: What predicts.
        batch_size: Pictures inferred at once; halved, with a warning, when memory runs out.

    Yields:
        Probabilities (bins, h, w) float16 on the model's device, or a* and b*, (2, h, w) float32;
        h and w a quarter of the picture's sides, rounded up. In memory a pixel's bins lie side by
        side.

    Raises:
        VidcolorError: There is not enough memory for one picture.
    """
    predicted = _predict(lightness, lambda picture: picture, model, batch_size)
    with closing(predicted):
        for _, histogram in predicted:
            yield histogram


def _predict(
    items: Iterable[T], picture: Callable[[T], Lightness], model: Model, batch_size: int
) -> Generator[tuple[T, Prediction], None, None]:
    """Each item with the histogram of its picture."""
    if model.gmac and model.device.type == "cpu":
        batch_size = 1  # always, so that all take the same kernels; by all threads together
    workers = max(min(model.threads, batch_size // SMALLEST_CPU_BATCH), 1)
    # Starting some 130 kernels takes as long for four pictures as for one: of four each takes a
    # fifth less than of two.
    share = batch_size // workers
    pool = ThreadPoolExecutor(workers, "infer", torch.set_num_threads, (model.threads // workers,))
    ahead: deque[tuple[list[T], list[Lightness], Future[Inferred]]] = deque()
    try:
        for batch in _alike(items, picture, share):
            pictures = [picture(item) for item in batch]
            future = pool.submit(_infer_within_limit, pictures, model, share)
            ahead.append((batch, pictures, future))
            if len(ahead) > workers:
                yield from _finished(*ahead.popleft())
        while ahead:
            yield from _finished(*ahead.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(
    batch: list[T], pictures: list[Lightness], future: Future[Inferred]
) -> Iterator[tuple[T, Prediction]]:
    """The items of a batch with their histograms, as soon as they are there."""
    histograms, seconds = future.result()
    for item, lightness, one in zip(batch, pictures, histograms, strict=True):
        yield item, Prediction(one, lightness, seconds=seconds / len(batch))


def _infer_within_limit(pictures: list[Lightness], model: Model, full_size: int) -> Inferred:
    """Probabilities of pictures of one size, in as many goes as memory takes, and the seconds."""
    began = perf_counter()
    done: list[torch.Tensor] = []
    while len(done) < len(pictures):
        size = min(full_size, model.batch_limit.pictures or full_size)
        try:
            done += _infer(pictures[len(done) : len(done) + size], model, size)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if not _is_out_of_memory(error):
                raise
            _lower_limit(model, size, pictures[0])
    return done, perf_counter() - began


def _alike(
    items: Iterable[T], picture: Callable[[T], Lightness], batch_size: int
) -> Iterator[list[T]]:
    """Neighbors whose pictures have one size, at most `batch_size` together."""
    batch: list[T] = []
    for item in items:
        is_other = batch and picture(item).shape != picture(batch[0]).shape
        if is_other or len(batch) == batch_size:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


@torch.no_grad()
def _infer(pictures: list[Lightness], model: Model, full_size: int) -> list[torch.Tensor]:
    """Predictions (C, h, w) of each of some pictures of one size."""
    height, width = pictures[0].shape
    x = to_device(np.stack(pictures), model.device).unsqueeze(1)  # (N, 1, H, W)
    x = padded(normalize_lightness(x))
    least = full_size
    if model.device.type == "cpu":
        least = 1 if model.gmac else SMALLEST_CPU_BATCH
    if len(x) < least:
        x = torch.cat([x, x[-1:].expand(least - len(x), -1, -1, -1)])
    x = x.to(model.dtype).contiguous(memory_format=torch.channels_last)
    output = _forward(x, model)[: len(pictures)]
    rows, columns = -(-height // MAP_STRIDE), -(-width // MAP_STRIDE)
    finer = MAP_STRIDE * output.shape[-1] // x.shape[-1]  # samples a side of one prediction
    pixels = output.permute(0, 2, 3, 1)[:, : finer * rows, : finer * columns]  # (N, ..., C)
    if model.decoding is None:
        return [_shrunk(AB_UNIT * picture.float().movedim(-1, 0), finer) for picture in pixels]
    return [_shrunk(_softmax(picture, finer), finer).half() for picture in pixels]


def _softmax(logits: torch.Tensor, finer: int) -> torch.Tensor:
    """Probabilities (bins, h, w) of logits (h, w, bins): float32, or float16 if they stay as fine.

    By strips of a few rows, which stay in the processor's cache.
    """
    kept = torch.float16 if finer == 1 else torch.float32
    probabilities = torch.empty_like(logits, dtype=kept, memory_format=torch.contiguous_format)
    rows = STRIP_ROWS if logits.device.type == "cpu" else len(logits)
    for strip, given in zip(
        torch.split(probabilities, rows), torch.split(logits, rows), strict=True
    ):
        strip.copy_(given.softmax(-1, dtype=torch.float32))
    return probabilities.movedim(-1, 0)


def _shrunk(prediction: torch.Tensor, finer: int) -> torch.Tensor:
    """Means over squares, (C, h, w): all later stages work at a quarter of the picture's sides."""
    return prediction if finer == 1 else functional.avg_pool2d(prediction, finer)


def _forward(x: torch.Tensor, model: Model) -> torch.Tensor:
    """Logits of a batch, by the same kernels each time."""
    if model.device.type != "cuda":
        return model.net(x)  # type: ignore[no-any-return]
    with torch.backends.cudnn.flags(deterministic=True, benchmark=False):
        return model.net(x)  # type: ignore[no-any-return]


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether memory was lacking; the CPU's and MPS's allocators say so in words only."""
    text = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "can't allocate memory" in text
        or "out of memory" in text
        or "could not create a primitive" in text  # oneDNN's word for it
    )


def _lower_limit(model: Model, size: int, picture: Lightness) -> None:
    """Halves the batch for the rest of the run."""
    height, width = picture.shape
    if size == 1:
        raise VidcolorError(
            f"not enough memory on {model.device} for one picture of {width} x {height}; "
            "lower --render-size or use --device cpu"
        )
    model.batch_limit.pictures = size // 2
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    _log.warning("memory ran out on %s: batch lowered to %d", model.device, size // 2)
