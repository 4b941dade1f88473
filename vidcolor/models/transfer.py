"""Colors taken over from a reference picture in place of a net: the field's oldest baseline.

T. Welsh, M. Ashikhmin, K. Mueller, "Transferring Color to Greyscale Images", SIGGRAPH 2002. The
paper works in the l-alpha-beta space, chosen for its axes' independence; ours is CIELAB, as in all
of the product.

The plainest transfer, by means and deviations of each axis (E. Reinhard et al., "Color Transfer
between Images", IEEE CG&A 21(5), 2001), needs colors in the target: those of a black-and-white film
do not deviate, so that all of it would get the reference's mean color. `global` therefore remaps
lightness by these statistics and gives each L* the mean color that it has in the reference.
"""

import hashlib
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from torch import nn
from torch.nn import functional

from vidcolor.color.decode import AB_UNIT
from vidcolor.color.lab import lab_from_srgb
from vidcolor.errors import ModelError
from vidcolor.frame import MAP_STRIDE
from vidcolor.settings import Swatch, TransferMethod

NEIGHBORHOOD = 5
"""Side, in pixels, of the square whose deviation of lightness tells texture (section 2.1)."""

_SAMPLE_GRID = (12, 18)  # about 200 jittered samples (section 2.1)
_SWATCH_GRID = (8, 8)  # about 50 for each swatch (section 2.2)
_LARGEST_SIDE = 512
_LEAST_CHROMA, _LEAST_COLORED = 5.0, 0.01  # so much, in so large a part, is a colored picture
_LEVELS = 101  # whole L*
_LEVEL_SPREAD = 3  # L* on each side whose colors are averaged
_SEED = 0
_MOST_PIXELS = 100_000_000
_READINGS = (
    (1, cv2.IMREAD_COLOR),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (8, cv2.IMREAD_REDUCED_COLOR_8),
)
"""By how much each side is smaller: libjpeg decodes so, in less memory; other decoders do not."""


class Samples(NamedTuple):
    """Some pixels of the reference, or of a colored part of the film.

    Attributes:
        lightness: (n,) L*.
        texture: (n,) deviation of L* around each.
        ab: (n, 2).
    """

    lightness: torch.Tensor
    texture: torch.Tensor
    ab: torch.Tensor


class Transfer(nn.Module):
    """Lightness to a* and b*, by likeness to the pixels of a reference picture.

    Args:
        lab: (3, H, W) of the reference.
        method: `welsh` compares lightness and texture; `global` lightness alone, each L* having the
            mean color that it has in the reference.
        swatches: Parts of the film that take their colors from parts of the reference; the rest of
            the film then takes its colors from them. Only with `welsh`.
    """

    def __init__(
        self, lab: torch.Tensor, method: TransferMethod, swatches: tuple[Swatch, ...] = ()
    ) -> None:
        super().__init__()
        self._lab = lab
        self._texture = _deviation(lab[:1])
        self._method = method
        self._swatches = swatches

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Transfer.

        Args:
            x: (N, 1, H, W) as `normalize_lightness` gives it; H and W multiples of 4.

        Returns:
            a* and b* in `AB_UNIT`, (N, 2, H / 4, W / 4).
        """
        lightness = 50 * (x.float() + 1)
        return torch.stack([self._color(picture) for picture in lightness]) / AB_UNIT

    def _color(self, lightness: torch.Tensor) -> torch.Tensor:
        """(1, H, W) L* to (2, H / 4, W / 4)."""
        if self._method == "global":
            return self._color_by_level(_shrunk(lightness))
        parts = torch.cat([_shrunk(lightness), _shrunk(_deviation(lightness))])  # (2, h, w)
        if self._swatches:
            return self._color_from_swatches(parts)
        samples = _drawn(self._lab, self._texture, _SAMPLE_GRID)
        return _matched(parts, _remapped(samples, self._lab[0], parts[0]))

    def _color_by_level(self, lightness: torch.Tensor) -> torch.Tensor:
        """Each L* gets the mean color of the reference's pixels that are as light, remapped."""
        seen = _as_light_as(self._lab[0], self._lab[0], lightness[0])
        colors = self._lab[1:].flatten(1).T  # (pixels, 2)
        return _color_of_levels(_level(seen).flatten(), colors)[:, _level(lightness[0])]

    def _color_from_swatches(self, parts: torch.Tensor) -> torch.Tensor:
        """Swatches by lightness and texture, then all else by its neighborhood (section 2.2)."""
        _, height, width = parts.shape
        patches = functional.unfold(
            functional.pad(parts[:1], (NEIGHBORHOOD // 2,) * 4, mode="replicate")[None],
            NEIGHBORHOOD,
        )[0].T.reshape(height, width, -1)
        known, colors = [], []
        ab = torch.zeros(2, height, width)
        is_open = torch.ones(height, width, dtype=torch.bool)
        for swatch in self._swatches:
            rows, columns = swatch.film.slices(height, width)
            there = swatch.reference.slices(*self._lab.shape[1:])
            lab, texture = self._lab[:, *there], self._texture[:, *there]
            inside = parts[:, rows, columns]
            samples = _remapped(_drawn(lab, texture, _SWATCH_GRID), lab[0], inside[0])
            ab[:, rows, columns] = found = _matched(inside, samples)
            known.append(patches[rows, columns].flatten(0, 1))
            colors.append(found.flatten(1))
            is_open[rows, columns] = False
        if is_open.any():
            nearest = torch.cdist(patches[is_open], torch.cat(known)).argmin(1)
            ab[:, is_open] = torch.cat(colors, 1)[:, nearest]
        return ab


def read_reference(path: Path) -> tuple[torch.Tensor, str]:
    """A picture to take colors from, (3, H, W) Lab, and the SHA-256 of its file.

    Raises:
        ModelError: It is missing, unreadable, no picture, or without color.
    """
    try:
        reading = _reading_of(path)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such reference picture") from error
    except UnidentifiedImageError:
        reading, data = cv2.IMREAD_COLOR, b""
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); name another --reference"
        ) from error
    picture = _decoded(data, reading)
    if picture is None:
        raise ModelError(f"{path}: not a picture that can be decoded; name a PNG, JPEG or TIFF")
    scale = min(1.0, _LARGEST_SIDE / max(picture.shape[:2]))
    size = [max(NEIGHBORHOOD, round(side * scale)) for side in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    rgb = torch.from_numpy(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)).movedim(-1, 0).float() / 255
    lab = lab_from_srgb(rgb)
    chroma = lab[1:].square().sum(0).sqrt()
    if chroma.quantile(1 - _LEAST_COLORED) < _LEAST_CHROMA:
        raise ModelError(f"{path}: is black and white; name a color picture")
    return lab, hashlib.sha256(data).hexdigest()


def _reading_of(path: Path) -> int:
    """How OpenCV reads a picture: whole, or a large JPEG at a half to an eighth of its sides.

    Raises:
        ModelError: It is too large to be read whole, and of a kind that is read in no other way.
        OSError: It is no picture, or cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the size, which is looked at here
        try:
            with Image.open(path) as image:
                return _reading_at(path, image)
        except Image.DecompressionBombError as error:
            with suppress(SyntaxError), JpegImageFile(path) as image:  # no other kind opens
                return _reading_at(path, image)
            millions = _MOST_PIXELS // 10**6
            raise ModelError(
                f"{path}: has more pixels than the {millions} million that a reference may have; "
                "scale it down"
            ) from error


def _reading_at(path: Path, image: Image.Image) -> int:
    width, height = image.size
    can_shrink = image.format == "JPEG" and not image.info.get("progressive")
    for factor, reading in _READINGS if can_shrink else _READINGS[:1]:
        if width * height <= _MOST_PIXELS * factor**2:
            return reading
    raise ModelError(
        f"{path}: has {width}x{height} pixels, and a reference may have {_MOST_PIXELS // 10**6} "
        "million; scale it down, or save it as a baseline JPEG, which is read smaller"
    )


def _decoded(data: bytes, reading: int) -> NDArray[np.uint8] | None:
    """A picture (H, W, 3) BGR; None if it is none, or larger than OpenCV will decode."""
    try:
        # An empty buffer is an error of another kind.
        picture = cv2.imdecode(np.frombuffer(data or b"\0", np.uint8), reading)
    except cv2.error:
        return None
    return cast("NDArray[np.uint8] | None", picture)


def _deviation(lightness: torch.Tensor) -> torch.Tensor:
    """Standard deviation round each pixel, (1, H, W) to the same."""
    padded = functional.pad(lightness[None], (NEIGHBORHOOD // 2,) * 4, mode="replicate")
    mean = functional.avg_pool2d(padded, NEIGHBORHOOD, stride=1)[0]
    square = functional.avg_pool2d(padded.square(), NEIGHBORHOOD, stride=1)[0]
    return (square - mean.square()).clamp_min(0).sqrt()


def _level(lightness: torch.Tensor) -> torch.Tensor:
    """L* to a whole one, an index."""
    return lightness.round().long().clamp(0, _LEVELS - 1)


def _color_of_levels(level: torch.Tensor, colors: torch.Tensor) -> torch.Tensor:
    """The mean color of pixels about as light as each level, else of the nearest level with any.

    Args:
        level: (pixels,) of each.
        colors: (pixels, 2) a* and b* of each.

    Returns:
        (2, levels).
    """
    sums = torch.zeros(_LEVELS, 2).index_add_(0, level, colors)
    counts = torch.bincount(level, minlength=_LEVELS).float()
    window = torch.ones(1, 1, 2 * _LEVEL_SPREAD + 1)
    parts = torch.cat([sums.T, counts[None]])[:, None]  # (3, 1, levels)
    *near, count = functional.conv1d(parts, window, padding=_LEVEL_SPREAD)[:, 0]
    seen = count.nonzero()[:, 0]
    apart = (torch.arange(_LEVELS)[:, None] - seen).abs()  # (levels, seen levels)
    table: torch.Tensor = torch.stack(near) / count
    return table[:, seen[apart.argmin(1)]]


def _shrunk(maps: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(maps[None], MAP_STRIDE)[0]


def _drawn(lab: torch.Tensor, texture: torch.Tensor, grid: tuple[int, int]) -> Samples:
    """One pixel at a random place in each cell of a grid; the same ones each time."""
    generator = torch.Generator().manual_seed(_SEED)
    _, height, width = lab.shape
    down, across = (min(count, side) for count, side in zip(grid, (height, width), strict=True))
    jitter = torch.rand(2, down, across, generator=generator)
    rows = ((torch.arange(down)[:, None] + jitter[0]) * height / down).long().clamp_max(height - 1)
    columns = ((torch.arange(across) + jitter[1]) * width / across).long().clamp_max(width - 1)
    place = (rows.flatten(), columns.flatten())
    return Samples(lab[0][place], texture[0][place], lab[1:, *place].T)


def _as_light_as(values: torch.Tensor, own: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L* with the mean and deviation that `own` has, given those of `wanted` (section 2)."""
    scale = wanted.std(correction=0) / own.std(correction=0).clamp_min(1e-3)
    return (values - own.mean()) * scale + wanted.mean()


def _remapped(samples: Samples, own: torch.Tensor, wanted: torch.Tensor) -> Samples:
    scale = wanted.std(correction=0) / own.std(correction=0).clamp_min(1e-3)
    lightness = _as_light_as(samples.lightness, own, wanted)
    return samples._replace(lightness=lightness, texture=scale * samples.texture)


def _matched(parts: torch.Tensor, samples: Samples) -> torch.Tensor:
    """The color of the sample that each pixel is most like: half lightness, half texture.

    Args:
        parts: (2, h, w) L* and its deviation.
        samples: To choose from.

    Returns:
        (2, h, w).
    """
    lightness, texture = parts.flatten(1)
    unlike = (lightness[:, None] - samples.lightness).abs() / 2
    unlike += (texture[:, None] - samples.texture).abs() / 2
    return samples.ab[unlike.argmin(1)].T.reshape(2, *parts.shape[1:])
