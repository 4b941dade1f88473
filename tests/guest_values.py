"""Weights and inputs that anyone can make again, to compare two programs of the same net.

Tensors of a layout get values that depend on their keys and shapes alone, by integers, so that they
are the same on every machine. `tests/data/guests` holds the layouts of the released files, one
tensor a line (key, sides, dtype unless it is float32), and what the nets' authors' own code answers
with these weights to these inputs, every fourth row and column of it.
"""

import lzma
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parent / "data" / "guests"
GAIN = {"ddcolor-tiny": 3.0, "deoldify-deep": 3.0, "deoldify-wide": 3.0, "siggraph17": 6.0}
"""Kernels are uniform with variance gain / 3 / fan_in."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RUN = 1 << 16
"""Values made at once: few enough to stay in the processor's cache."""

Layout = dict[str, tuple[tuple[int, ...], str]]


def read_layout(name: str) -> Layout:
    """Key -> (shape, dtype's name), in the order of the released file."""
    layout = {}
    for line in lzma.decompress((DATA / f"{name}.txt.xz").read_bytes()).decode().splitlines():
        key, sides, dtype = (*line.split(), "float32")[:3]
        shape = () if sides == "scalar" else tuple(int(side) for side in sides.split("x"))
        layout[key] = (shape, dtype)
    return layout


def read_answers(name: str) -> dict[str, NDArray[np.float32]]:
    """Size of the input, such as `64x96` -> every fourth row and column of the authors' answer."""
    with np.load(DATA / "answers.npz") as found:
        return {
            key.removeprefix(f"{name} "): found[key] for key in found if key.startswith(f"{name} ")
        }


def noise(key: str, count: int, scale: float = 1.0) -> NDArray[np.float32]:
    """`count` values in [-scale, scale): murmur3's 32-bit finalizer over a counter."""
    values = np.empty(count, np.float32)
    for first in range(0, count, RUN):
        end = min(first + RUN, count)
        h = np.arange(first + 1, end + 1, dtype=np.uint32)
        h *= np.uint32(2654435761)
        h += np.uint32(crc32(key.encode()))
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
            h ^= h >> np.uint32(shift)
            h *= np.uint32(factor)
        values[first:end] = (h * (2.0 / 2**32) - 1) * scale
    return values


def _fill_one(key: str, shape: tuple[int, ...], gain: float) -> NDArray[np.float32]:
    if key in {"mean", "std"}:
        return np.reshape(IMAGENET_MEAN if key == "mean" else IMAGENET_STD, shape)
    count = int(np.prod(shape, dtype=np.int64))
    mean, spread = _range_of(key, shape)
    if spread is None:
        return noise(key, count, np.sqrt(gain / (count // shape[0]))).reshape(shape)
    return mean + noise(key, count).reshape(shape) * np.float32(spread)


def _range_of(key: str, shape: tuple[int, ...]) -> tuple[float, float | None]:
    """Middle and half width of a tensor's values; None for a kernel's, whose inputs decide."""
    for ending, mean, spread in (
        ("weight_g", 1, 1 / 4),  # of weight norm, whose weight_v is a kernel like any other
        ("running_var", 1, 1 / 2),
        (".bn.running_mean", 1, 1),  # so that the ReLU behind it has something to cut
        ("gamma", 0.5, 1 / 4),
        ("query_feat.weight", 0, 1),
        ("query_embed.weight", 0, 1),
        ("level_embed.weight", 0, 1),
    ):
        if key.endswith(ending) or (key == "layers.1.running_mean" and "mean" in ending):
            return mean, spread
    if len(shape) > 1:
        return 0, None
    return (1, 1 / 4) if key.endswith("weight") else (0, 1 / 10)


def fill(layout: Layout, gain: float) -> dict[str, NDArray]:
    """Key -> array for a whole layout, float32; counters (int64) are zero.

    The vectors of spectral norm are one power iteration away from `noise`:
    v = unit(W.T @ noise(key of u)), u = unit(W @ v), W being weight_orig as a matrix of shape[0]
    rows.
    """
    state: dict[str, NDArray] = {}
    for key, (shape, dtype) in layout.items():
        if dtype != "float32":
            state[key] = np.zeros(shape, dtype)
        elif f"{key[:-1]}u" not in layout:  # not one of spectral norm's two vectors
            state[key] = np.asarray(_fill_one(key, shape, gain), np.float32)
    for key, (shape, _) in layout.items():
        if key.endswith("weight_u"):
            base = key.removesuffix("u")
            matrix = state[base + "orig"].reshape(shape[0], -1)
            state[base + "v"] = _unit(noise(key, shape[0]) @ matrix)
            state[key] = _unit(matrix @ state[base + "v"])
    return {key: state[key] for key in layout}


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.sqrt(vector @ vector)


def picture(height: int, width: int, channels: int = 3) -> NDArray[np.float32]:
    """(1, channels, height, width) in [0, 1]: waves and a little noise, channels unlike."""
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1)
    planes = []
    for channel in range(channels):
        waves = 0.25 * np.sin(2 * np.pi * (3 * x + y + channel / 7))
        waves = waves + 0.15 * np.cos(2 * np.pi * (2 * y - x))
        grain = noise(f"picture {channel}", height * width).reshape(height, width)
        planes.append(0.5 + waves + 0.1 * grain)
    return np.stack(planes)[None].astype(np.float32)


def hints(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """a* and b* (1, 2, height, width), and mask (1, 1, height, width): four squares of 5 x 5."""
    ab, mask = np.zeros((2, height, width), np.float32), np.zeros((1, height, width), np.float32)
    for row, column, a, b in ((1, 1, 60, 40), (1, 3, -50, 30), (3, 1, 10, -70), (3, 3, 0, 0)):
        top, left = row * height // 4 - 2, column * width // 4 - 2
        place = np.s_[:, top : top + 5, left : left + 5]
        ab[place] = np.array([a, b], np.float32).reshape(2, 1, 1)
        mask[place] = 1
    return ab[None], mask[None]


def inputs(name: str, height: int, width: int) -> tuple[NDArray[np.float32], ...]:
    """What the net is given: its arguments in order, before any normalization of its own.

    DDColor: RGB in [0, 1]. DeOldify: RGB less the ImageNet mean, by its deviation. siggraph17: L*
    in [0, 100], a* and b*, mask in {0, 1}.
    """
    if name.startswith("ddcolor"):
        return (picture(height, width),)
    if name.startswith("deoldify"):
        mean, std = (np.reshape(c, (1, 3, 1, 1)) for c in (IMAGENET_MEAN, IMAGENET_STD))
        return (((picture(height, width) - mean) / std).astype(np.float32),)
    return (100 * picture(height, width, channels=1), *hints(height, width))
