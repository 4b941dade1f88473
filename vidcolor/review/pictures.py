"""What people are shown: real pictures, and the same colorized, as alike in all else as can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.errors import SourceError

Image = NDArray[np.uint8]

LARGEST_SIDE = 512
"""Pixels; larger pictures are shrunk, so that none is better than the other by its size."""

_PICTURE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_QUALITY = 92


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One picture in its own colors and in given ones.

    Attributes:
        name: Of the picture, for the results; people do not see it.
        real: (H, W, 3) BGR.
        colorized: The same picture, of the same size.
    """

    name: str
    real: Image
    colorized: Image


def read_pairs(real: Path, colorized: Path, frames: int) -> list[Pair]:
    """The pictures of two folders that have the same names, or frames of two films.

    Args:
        real: A folder of color pictures, or a film in color.
        colorized: The same pictures or the same film, colorized.
        frames: How many frames are taken of a film, evenly spread.

    Raises:
        SourceError: One is missing or cannot be read, or nothing in them belongs together.
    """
    for path in (real, colorized):
        if not path.exists():
            raise SourceError(f"{path}: no such folder of pictures or film")
    if real.is_dir() != colorized.is_dir():
        raise SourceError(f"{real} and {colorized}: name two folders, or two films")
    found = _of_folders(real, colorized) if real.is_dir() else _of_films(real, colorized, frames)
    pairs = [Pair(name, *_alike(one, other)) for name, one, other in found]
    if not pairs:
        raise SourceError(f"{real} and {colorized}: have no picture of the same name")
    return pairs


def encode(picture: Image) -> bytes:
    """A JPEG; those of both kinds are made in the same way, and so do not differ but by color."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _of_folders(real: Path, colorized: Path) -> Iterator[tuple[str, Image, Image]]:
    others = {path.stem: path for path in colorized.iterdir() if _is_picture(path)}
    for path in sorted(real.iterdir()):
        if _is_picture(path) and path.stem in others:
            yield path.stem, _read(path), _read(others[path.stem])


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _PICTURE_SUFFIXES and not path.name.startswith(".")


def _read(path: Path) -> Image:
    picture = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SourceError(f"{path}: not a picture that can be decoded; remove or replace it")
    return np.asarray(picture, np.uint8)


def _of_films(real: Path, colorized: Path, frames: int) -> Iterator[tuple[str, Image, Image]]:
    counts = [_count_frames(path) for path in (real, colorized)]
    if counts[0] != counts[1]:
        raise SourceError(f"{colorized}: has {counts[1]} frames, but {real} has {counts[0]}")
    steps = np.linspace(0, counts[0] - 1, min(frames, counts[0])).round().astype(int).tolist()
    both = (_frames_at(path, set(steps)) for path in (real, colorized))
    for step, one, other in zip(sorted(set(steps)), *both, strict=True):
        yield f"{step:06d}", one, other


def _count_frames(path: Path) -> int:
    try:
        with av.open(str(path)) as film:
            return sum(1 for _ in film.decode(video=0))
    except (av.FFmpegError, IndexError) as error:
        raise SourceError(f"{path}: cannot be read as a film ({error})") from error


def _frames_at(path: Path, wanted: set[int]) -> Iterator[Image]:
    with av.open(str(path)) as film:
        for index, frame in enumerate(film.decode(video=0)):
            if index in wanted:
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _alike(real: Image, colorized: Image) -> tuple[Image, Image]:
    """Both in the size of the smaller one, and no larger than is shown."""
    height, width = min(real.shape[:2], colorized.shape[:2])
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    one, other = (
        np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        for picture in (real, colorized)
    )
    return one, other
