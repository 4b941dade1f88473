"""TIFF pictures that FFmpeg reads wrongly or not at all, read by tifffile and made plain ones.

FFmpeg 8.1 gives black for tiles and for JPEG inside TIFF, takes half floats and signed samples for
unsigned codes, and knows neither BigTIFF nor Zstandard, nor samples of 10 or 14 bits.
"""

import io
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from vidcolor.errors import SourceError
from vidcolor.extras import how_to_install
from vidcolor.reading.exr_scans import MOST_PIXELS

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a file begins; with a plus it is a BigTIFF."""

_BIG_TIFF = TIFF_MAGIC[2:]
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_COMPRESSIONS = {1, 2, 3, 4, 5, 8, 32773, 32946}
"""That FFmpeg knows: none, fax, LZW, Deflate, PackBits."""

_COLOR_FILTER, _PALETTE, _RGB, _CIELAB = 32803, 3, 2, 8
_OLD_JPEG, _JPEG = 6, 7
_ORIENTATION, _CFA_PATTERN, _ICC = 274, (33421, 33422), 34675
_DEEPEST = 16
_BYTE = 8

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says of odd tags helps nobody


def readable_tiff(data: bytes, path: Path) -> tuple[bytes, str]:
    """A TIFF file that FFmpeg reads right, and in what form it was; empty if FFmpeg reads that.

    Args:
        data: The file, of which the first picture is the one that is shown.
        path: Where it lies.

    Returns:
        The file; no bytes if it does not decode.

    Raises:
        SourceError: A form that is not read; the text says which.
    """
    form = ""
    if not data.startswith(TIFF_MAGIC):
        return data, form
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as opened:
            page = opened.pages.first
            form = _unread_form(page, is_big=data.startswith(_BIG_TIFF))
            if form and not _is_there(page):
                return b"", form
            return (_rewritten(page, path), form) if form else (data, "")
    except SourceError:
        raise
    except Exception as error:  # a damaged file ends in any error
        if "imagecodecs" in str(error):
            raise SourceError(
                f"{path}: has {form}, which needs imagecodecs; {how_to_install('scans')}"
            ) from error
        return b"", form


def _unread_form(page: Any, *, is_big: bool) -> str:
    """What of a picture FFmpeg does not read right, in words; empty if nothing."""
    bits, kind = _bits(page), page.sampleformat
    if page.photometric == _COLOR_FILTER and page.compression in {_OLD_JPEG, _JPEG}:
        return ""  # DNG's own, which FFmpeg knows
    if kind == _FLOAT:
        is_read = bits == 2 * _DEEPEST and page.samplesperpixel > 1 and not page.is_tiled
        return "" if is_read else f"{bits}-bit float samples"
    forms = {
        "signed samples": kind == _SIGNED,
        "BigTIFF": is_big,
        "tiles": page.is_tiled,
        page.compression.name: page.compression not in _COMPRESSIONS,
        f"{bits}-bit samples": bits not in {1, 2, 4, _BYTE, 12, _DEEPEST},
    }
    return ", ".join(form for form, is_so in forms.items() if is_so)


def _is_there(page: Any) -> bool:
    """Whether the file names a place for each tile or strip of a picture of a size that can be.

    A damaged header may ask for more memory and time than there are; tifffile fills the gaps.
    """
    pixels = page.imagewidth * page.imagelength
    fits = page.size > 0 and pixels <= MOST_PIXELS
    return bool(fits and math.prod(page.chunked) <= len(page.dataoffsets))


def _bits(page: Any) -> int:
    bits = page.bitspersample
    return int(max(bits) if isinstance(bits, tuple) else bits)


def _rewritten(page: Any, path: Path) -> bytes:
    """The picture as an uncompressed TIFF of unsigned samples of 8 or 16 bits.

    Raises:
        SourceError: Its samples are none that a film keeps.
    """
    bits = _bits(page)
    if bits > _DEEPEST and page.sampleformat != _FLOAT:
        raise SourceError(
            f"{path}: has samples of {bits} bits, of which no film keeps more than {_DEEPEST}. "
            f"Convert it to {_DEEPEST} bits."
        )
    codes = _codes(page.asarray(), bits)
    if page.planarconfig == 2 and codes.ndim == 3:  # noqa: PLR2004 - planes one after the other
        codes = np.moveaxis(codes, 0, -1)
    extra: dict[str, Any] = {}
    tags = [(tag, page.tags[tag]) for tag in (_ORIENTATION, *_CFA_PATTERN) if tag in page.tags]
    photometric = int(page.photometric)
    if photometric == _PALETTE:
        extra["colormap"] = page.colormap
    elif photometric not in {0, 1, _COLOR_FILTER}:
        photometric = _RGB  # JPEG's Y'CbCr was decoded to it
    if codes.ndim == 3 and codes.shape[-1] in {2, 4}:  # noqa: PLR2004 - with alpha
        extra["extrasamples"] = ["unassalpha"]
    file = io.BytesIO()
    tifffile.imwrite(
        file, codes, photometric=photometric, metadata=None, software=False, byteorder="<",
        iccprofile=page.iccprofile, bigtiff=False,
        extratags=[(tag, found.dtype, found.count, found.value, True) for tag, found in tags],
        **_resolution(page), **extra,
    )  # fmt: skip
    return file.getvalue()


def _codes(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Samples as unsigned codes of 8 or 16 bits; white is all bits, or 1.0 of floats.

    Signed ones count from the least that there can be.
    """
    if samples.dtype.kind == "f":
        light = np.clip(np.nan_to_num(samples.astype(np.float64)), 0, 1)
        return np.rint(light * 65535).astype(np.uint16)
    if samples.dtype.kind == "b":
        samples = samples.astype(np.uint8) * 255
        bits = _BYTE
    if samples.dtype.kind == "i":
        samples = (samples.astype(np.int32) + (1 << bits - 1)).astype(np.uint16)
    if bits == _BYTE:
        return samples.astype(np.uint8)
    wide = samples.astype(np.uint32) << np.uint32(_DEEPEST - bits)
    return (wide | wide >> np.uint32(bits)).astype(np.uint16)  # white to white, black to black


def _resolution(page: Any) -> dict[str, Any]:
    """The picture's resolution, by which its pixels may be other than square."""
    if not {282, 283} <= set(page.tags.keys()):
        return {}
    unit = page.tags[296].value if 296 in page.tags else 2  # noqa: PLR2004 - unit's tag
    return {
        "resolution": tuple(page.tags[tag].value for tag in (282, 283)),
        "resolutionunit": int(unit),
    }
