"""Photographs read: their luma as coded, and all other data of their files."""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from struct import unpack_from
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vidcolor.color.rgb import luma_of_rgb
from vidcolor.errors import SourceError
from vidcolor.frame import Plane
from vidcolor.memory import LEAST_MEMORY, lacking, usable_memory
from vidcolor.photos import jpeg, png, tiff
from vidcolor.photos.photograph import BYTE_DEPTH, MATRIX, Kind, Metadata, Photograph
from vidcolor.photos.tags import orientation_of, read_tags, stored_upright
from vidcolor.reading.tint import COLOR_SPREAD, chroma_spread

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_KINDS: dict[str | None, Kind] = {
    "JPEG": "jpeg",
    "MPO": "jpeg",  # a JPEG with more pictures behind it, as cameras write for stereo and zoom
    "PNG": "png",
    "TIFF": "tiff",
    "WEBP": "webp",
}
_GRAY_MODES = {"1": "L", "L": "L", "LA": "LA", "I;16": "I;16", "I;16B": "I;16"}
_COLOR_MODES = {"P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA", "YCbCr": "RGB"}
PIXEL_BYTES = 30
"""What a pixel of a photograph takes, as measured: of RGB of 16 bits, which takes most."""

_NEW_SUBFILE = 254
_TIFF = (b"II*\0", b"MM\0*")
_BIG_TIFF = (b"II+\0", b"MM\0+")
_TINT_SIDE = 512  # pixels, to which a photograph is shrunk to look for colors in it
_REMEDY = "save it as JPEG, PNG, TIFF or WebP"


def read_photograph(path: Path, memory_limit: int | None = None) -> Photograph:
    """Read a photograph.

    Args:
        path: The file.
        memory_limit: See `Settings`.

    Raises:
        SourceError: It is missing, damaged, too large, or of a kind that is not read; the text says
            which.
    """
    data = _read_file(path)
    if data[:4] in _BIG_TIFF:
        raise SourceError(f"{path}: is a BigTIFF; save it as plain TIFF")
    with _named_errors(path), Image.open(BytesIO(_as_stored(data))) as image:
        _refuse_large(path, image, memory_limit)
        kind = _KINDS.get(image.format)
        if kind is None:
            raise SourceError(f"{path}: is {image.format}, which is not read; {_REMEDY}")
        _refuse_others(path, kind, image)
        metadata = _READERS[kind](image, data)
        samples = _read_samples(image, data, kind)
    luma, alpha = _split(samples)
    exif = metadata.exif
    turned = orientation_of(exif)
    return Photograph(
        path=path,
        kind=kind,
        luma=luma,
        alpha=alpha,
        orientation=turned,
        metadata=metadata,
        sha256=hashlib.sha256(data).hexdigest(),
        is_color=_is_color(_color_samples(data) if kind == "jpeg" else samples),
    )


def _refuse_large(path: Path, image: Image.Image, memory_limit: int | None) -> None:
    """Raise if a photograph, of which the header is read, does not fit into memory."""
    memory, (width, height) = usable_memory(memory_limit), image.size
    need = LEAST_MEMORY + PIXEL_BYTES * width * height
    if memory is not None and need > memory:
        raise SourceError(
            f"{path}: {width}x{height} pixels {lacking(need, memory)}; scale it down, or see "
            "--memory-limit"
        )


def _as_stored(data: bytes) -> bytes:
    """A file whose samples no library turns."""
    return stored_upright(data) if data[:4] in _TIFF else data


def _read_file(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; check its name") from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not data:
        raise SourceError(f"{path}: is empty (zero bytes); copy the file again")
    return data


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Make what Pillow and OpenCV raise at bad files one line that says what to do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # twice as many pixels as it warns of, it refuses
            yield
    except SourceError:
        raise
    except UnidentifiedImageError as error:
        raise SourceError(
            f"{path}: cannot be read as a picture; {_REMEDY}, or copy it again"
        ) from error
    except Image.DecompressionBombError as error:
        millions = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise SourceError(
            f"{path}: has more than {millions} million pixels; cut it or scale it down first"
        ) from error
    except MemoryError as error:
        raise SourceError(f"{path}: does not fit into memory; scale it down first") from error
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, cv2.error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise SourceError(f"{path}: is damaged ({reason}); copy it again") from error


def _refuse_others(path: Path, kind: Kind, image: Image.Image) -> None:
    """Raise at pictures that hold what no photograph in color can."""
    count = _count_pictures(image)
    if count > 1 and kind != "jpeg":
        raise SourceError(
            f"{path}: holds {count} pictures (pages or an animation); save each as a file"
        )
    if image.mode in _GRAY_MODES or image.mode in _COLOR_MODES:
        if kind == "tiff" and not set(_tag(image, tiff.BITS, (1,))) <= {1, 2, 4, 8, 16}:
            raise SourceError(f"{path}: has samples of other than 8 or 16 bits; {_REMEDY}")
        return
    known = {"CMYK": "is CMYK, made for print", "LAB": "is CIELAB", "F": "has samples of floats"}
    what = known.get(image.mode, f"has samples of a kind ({image.mode}) that is not read")
    raise SourceError(f"{path}: {what}; convert it to gray or RGB of 8 or 16 bits first")


def _count_pictures(image: Image.Image) -> int:
    """How many pictures are in a file, thumbnails of others not counted."""
    count = getattr(image, "n_frames", 1)
    if image.format != "TIFF" or count == 1:
        return count
    whole = 0
    for number in range(count):
        image.seek(number)
        whole += not _tag(image, _NEW_SUBFILE, 0) & 1  # thumbnails have this bit
    image.seek(0)
    return whole


def _read_samples(image: Image.Image, data: bytes, kind: Kind) -> Samples:
    """The samples: gray (H, W), gray and alpha, RGB, or RGB and alpha, (H, W, 2 to 4)."""
    if kind == "jpeg":
        image.draft("L", image.size)
        return np.asarray(image)  # the very luma that is in the file
    if _is_deep(image, data, kind):
        return _read_deep(image, data)
    mode = _GRAY_MODES.get(image.mode) or _COLOR_MODES[image.mode]
    if image.info.get("transparency") is not None and mode in {"L", "RGB"}:
        mode = {"L": "LA", "RGB": "RGBA"}[mode]
    converted = image if image.mode == mode else image.convert(mode)
    return np.asarray(converted)


def _is_deep(image: Image.Image, data: bytes, kind: Kind) -> bool:
    """Whether samples have 16 bits."""
    if kind == "png":
        return data[24] > BYTE_DEPTH  # PNG specification, section 11.2.1
    return kind == "tiff" and max(_tag(image, tiff.BITS, (1,))) > BYTE_DEPTH


def _read_deep(image: Image.Image, data: bytes) -> Samples:
    """Samples of 16 bits, of which Pillow reads the gray ones alone."""
    if image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.uint16)
        is_inverted = image.format == "TIFF" and _photometric(image) == tiff.WHITE_IS_ZERO
        return np.asarray(~samples if is_inverted else samples, np.uint16)
    image.load()  # of what is broken off it tells more than OpenCV does
    found = cv2.imdecode(np.frombuffer(_as_stored(data), np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape[1::-1] != image.size:
        raise ValueError("its samples of 16 bits do not decode")
    if found.ndim > 2:  # noqa: PLR2004 - OpenCV has blue first
        found = found[..., [2, 1, 0, 3][: found.shape[2]]]
    return np.asarray(found, np.uint16)


def _of(image: Image.Image, name: str) -> Any:
    """What images of one kind have, and Pillow's type of them all has not."""
    return getattr(image, name)


def _tag(image: Image.Image, tag: int, default: Any) -> Any:
    return _of(image, "tag_v2").get(tag, default)


def _photometric(image: Image.Image) -> int:
    return int(_tag(image, tiff.PHOTOMETRIC, 1))


def _split(samples: Samples) -> tuple[Plane, Plane | None]:
    """The luma and the alpha of samples."""
    if samples.ndim == 2:  # noqa: PLR2004
        return samples.copy(), None
    channels = samples.shape[2]
    alpha = samples[..., -1].copy() if channels % 2 == 0 else None
    if channels <= 2:  # noqa: PLR2004
        return samples[..., 0].copy(), alpha
    return luma_of_rgb(samples[..., :3], MATRIX), alpha


def _color_samples(data: bytes) -> Samples:
    """A JPEG once more, small, with the colors that it has."""
    with Image.open(BytesIO(data)) as image:
        image.draft("RGB", (_TINT_SIDE, _TINT_SIDE))
        return np.asarray(image)


def _is_color(samples: Samples) -> bool:
    """Whether samples show more than one hue; toning does not count."""
    if samples.ndim == 2 or samples.shape[2] < 3:  # noqa: PLR2004
        return False
    height, width = samples.shape[:2]
    scale = min(1.0, _TINT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(samples[..., :3], size, interpolation=cv2.INTER_AREA)
    if small.dtype == np.uint16:
        small = np.asarray(small, np.uint16) // 256
    rgb = np.ascontiguousarray(small, np.uint8)
    return chroma_spread(av.VideoFrame.from_ndarray(rgb, "rgb24")) > COLOR_SPREAD


def _density(image: Image.Image) -> tuple[float, float] | None:
    found = image.info.get("dpi")
    if not found or min(found) <= 0:
        return None
    return float(found[0]), float(found[1])


def _xmp_text(packet: bytes | str | None) -> str | None:
    if isinstance(packet, str):
        return packet
    return packet.rstrip(b"\0").decode("utf-8", "replace") if packet else None


def _exif(image: Image.Image) -> bytes | None:
    found = image.info.get("exif")
    return found.removeprefix(jpeg.EXIF_HEAD) if found else None


def _read_jpeg(image: Image.Image, data: bytes) -> Metadata:
    tables = _of(image, "quantization")
    layers = _of(image, "layer")  # number, columns, rows, table of each
    return Metadata(
        icc=image.info.get("icc_profile"),
        exif=_exif(image),
        xmp=_xmp_text(image.info.get("xmp")),
        density=_density(image),
        parts=jpeg.read_segments(data),
        tables=tables.get(layers[0][3]),
        is_progressive=bool(image.info.get("progressive")),
    )


def _read_png(image: Image.Image, data: bytes) -> Metadata:
    image.load()  # chunks behind the samples count as well
    return Metadata(
        icc=image.info.get("icc_profile"),
        exif=_exif(image),
        xmp=_xmp_text(image.info.get("xmp") or image.info.get(png.XMP_KEYWORD.decode())),
        density=_density(image),
        parts=list(png.read_chunks(data)),
    )


def _read_webp(image: Image.Image, data: bytes) -> Metadata:
    return Metadata(
        icc=image.info.get("icc_profile"),
        exif=_exif(image),
        xmp=_xmp_text(image.info.get("xmp")),
        is_lossless=b"VP8L" in _riff_chunks(data),
    )


def _riff_chunks(data: bytes) -> Iterator[bytes]:
    """The names of a WebP file's chunks (WebP container specification, section 3)."""
    at = 12
    while at + 8 <= len(data):
        name, size = unpack_from("<4sI", data, at)
        yield name
        at += 8 + size + size % 2


def _read_tiff(image: Image.Image, data: bytes) -> Metadata:
    tags = read_tags(data)
    icc, xmp = (tags.entries.get(tag) for tag in (tiff.ICC, tiff.XMP))
    return Metadata(
        icc=icc and icc.data,
        exif=data,
        xmp=_xmp_text(xmp and xmp.data),
        density=_density(image),
        tags=tags,
        is_compressed=tags.numbers(tiff.COMPRESSION) != (tiff.NONE,),
    )


_READERS = {"jpeg": _read_jpeg, "png": _read_png, "tiff": _read_tiff, "webp": _read_webp}
