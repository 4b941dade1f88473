"""Color pictures that a color script names: references, and hints painted in any program."""

import hashlib
import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vidcolor.color.lab import lab_from_srgb
from vidcolor.errors import SettingError
from vidcolor.frame import Map

MOST_BYTES = 512 << 20
MOST_PIXELS = 64_000_000
"""Of a file, and of the picture in it: more is no still of a film and no photograph."""

SHORT_SIDE = 256
"""Pixels to which a picture is shrunk: maps are smaller."""

LEAST_CHROMA = 4.0
"""Chroma that the most colorful hundredth of a picture has, or it is gray: sepia counts as color,
what compression leaves of gray does not."""

_SURE_SHARE = 99.0
_GRAY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "F"}
_COLOR_MODES = {"RGB", "RGBA", "P", "PA", "YCbCr"}
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}
SUFFIX_BY_KIND = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "TIFF": ".tif"}
"""Of the kinds that are read, by Pillow's names; MPO is JPEG with more pictures behind it."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
"""What Pillow may try: for others it starts programs."""

_NUMBERED = re.compile(r".*_(\d{1,9})")


class ColorPicture(NamedTuple):
    """A color picture, small.

    Attributes:
        lab: L*, a* and b*, (3, H, W).
        alpha: How far each pixel is painted, (H, W) in [0, 1].
        size: Width and height of the file's picture, upright.
        sha256: Of the file.
        kind: One of `SUFFIX_BY_KIND`.
    """

    lab: Map
    alpha: Map
    size: tuple[int, int]
    sha256: str
    kind: str


def frame_in_name(path: Path) -> int | None:
    """The frame that a name such as `ref_001734.png` states; None for none."""
    found = _NUMBERED.fullmatch(path.stem)
    return None if found is None else int(found[1])


def pictures_in(folder: Path, place: str) -> list[Path]:
    """The pictures of a folder whose names state a frame, by that frame.

    Args:
        folder: The folder.
        place: Where it is named, for errors.

    Raises:
        SettingError: There are none, or the folder cannot be read.
    """
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in _SUFFIXES and frame_in_name(path) is not None
        ]
    except OSError as error:
        raise SettingError(f"{place}: {folder}: cannot be read ({error.strerror}).") from error
    if not found:
        raise SettingError(
            f"{place}: {folder}: has no pictures named by their frame. Name them ref_001734.png."
        )
    return sorted(found, key=lambda path: (frame_in_name(path), path.name))


def read_picture(path: Path, place: str, sha256: str | None = None) -> ColorPicture:
    """Read a color picture.

    Args:
        path: The file.
        place: Where it is named, for errors.
        sha256: What the file was; None for any.

    Raises:
        SettingError: It is missing, damaged, too large, gray, of a kind that is not read, or has
            changed.
    """
    picture = parse_picture(_read_file(path, place), path, place)
    if sha256 not in {None, picture.sha256}:
        raise SettingError(f"{place}: {path}: has changed since the film was begun. Run again.")
    return picture


def parse_picture(data: bytes, path: Path, place: str) -> ColorPicture:
    """The color picture that a file's bytes are; see `read_picture`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit here is lower than Pillow's
            image = _opened(data, path, place)
            small, alpha, size = _shrunk(image)
    except SettingError:
        raise
    except UnidentifiedImageError as error:
        raise SettingError(
            f"{place}: {path}: cannot be read as a picture. Save it as PNG or JPEG."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = (str(error).strip().splitlines() or [repr(error)])[0]
        raise SettingError(
            f"{place}: {path}: cannot be read as a picture ({reason}). Save it as PNG or JPEG."
        ) from error
    lab = lab_from_srgb(torch.from_numpy(small).movedim(-1, 0).float() / 255).numpy()
    digest = hashlib.sha256(data).hexdigest()
    return ColorPicture(lab, alpha, size, digest, image.format or "")


def refuse_gray(picture: ColorPicture, path: Path, place: str) -> None:
    """Raise if a picture has no color.

    Raises:
        SettingError: It has none.
    """
    if np.percentile(np.hypot(*picture.lab[1:]), _SURE_SHARE) < LEAST_CHROMA:
        raise SettingError(f"{place}: {path}: is gray. Name a color picture.")


def _read_file(path: Path, place: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise SettingError(f"{place}: {path}: no such file. Check its name.") from error
    except OSError as error:
        raise SettingError(
            f"{place}: {path}: cannot be read ({error.strerror}). Check its name and permissions."
        ) from error
    if len(data) > MOST_BYTES:
        raise SettingError(f"{place}: {path}: has more than {MOST_BYTES >> 20} MiB. Scale it down.")
    return data


def _opened(data: bytes, path: Path, place: str) -> Image.Image:
    """The picture in a file, not yet decoded."""
    image = Image.open(BytesIO(data), formats=_FORMATS)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise SettingError(
            f"{place}: {path}: has {width} x {height} pixels, more than "
            f"{MOST_PIXELS // 10**6} million. Scale it down."
        )
    if image.mode in _GRAY_MODES:
        raise SettingError(f"{place}: {path}: is gray. Name a color picture.")
    if image.mode not in _COLOR_MODES:
        raise SettingError(f"{place}: {path}: is {image.mode}. Save it as RGB.")
    return image


def _shrunk(image: Image.Image) -> tuple[NDArray[np.uint8], Map, tuple[int, int]]:
    """Codes of sRGB, (H, W, 3), alpha, (H, W), and the size before."""
    upright = ImageOps.exif_transpose(image)
    whole = upright.convert("RGBA")
    size = whole.size
    scale = SHORT_SIDE / min(size)
    if scale < 1:
        sides = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        whole = whole.resize(sides, Image.Resampling.BOX)
    pixels = np.asarray(whole)
    codes = np.asarray(pixels[..., :3], np.uint8).copy()
    return codes, np.asarray(pixels[..., 3] / np.float32(255), np.float32), size
