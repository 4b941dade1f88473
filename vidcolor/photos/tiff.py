"""TIFF files: samples in strips, with all tags of the black-and-white picture that still hold.

TIFF revision 6.0, sections 3, 6 and 14; Adobe's supplement 2 for Deflate.
"""

import zlib
from collections.abc import Iterator
from copy import deepcopy
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidcolor.photos.tags import (
    ASCII,
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directory,
    Entry,
    write_tags,
)

Samples = NDArray[np.uint8] | NDArray[np.uint16]

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_PLACES, SAMPLES_A_PIXEL, ROWS_A_STRIP, STRIP_SIZES = 273, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, PLANES, RESOLUTION_UNIT = 282, 283, 284, 296
SOFTWARE, PREDICTOR, EXTRA_SAMPLES, SAMPLE_FORMAT = 305, 317, 338, 339
XMP, ICC = 700, 34675
NONE, DEFLATE = 1, 8
RGB, TOGETHER, HORIZONTAL, INCH, OPACITY = 2, 1, 2, 2, 2
WHITE_IS_ZERO = 0

OF_THE_SAMPLES = {
    *(254, 255, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, 263, 264, 265, 266),
    *(STRIP_PLACES, SAMPLES_A_PIXEL, ROWS_A_STRIP, STRIP_SIZES, 280, 281, PLANES, 288, 289),
    *(290, 291, 292, 293, 301, PREDICTOR, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328),
    *(330, 332, 333, 334, 336, 337, EXTRA_SAMPLES, SAMPLE_FORMAT, 340, 341, 342, 343, 347),
    *(512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
}
"""How samples are coded, which changes with color: tags that describe the gray ones."""

_STRIP_BYTES = 1 << 20
_MOST_BYTES = (1 << 32) - 1


def described(tags: Directory) -> Directory:
    """The tags that describe a picture and not how its samples are coded."""
    kept = deepcopy(tags)
    kept.entries = {tag: e for tag, e in tags.entries.items() if tag not in OF_THE_SAMPLES}
    return kept


def write_tiff(samples: Samples, tags: Directory, *, is_compressed: bool) -> bytes:
    """A TIFF file.

    Args:
        samples: R', G', B' and, if there is one, alpha, (H, W, 3 or 4).
        tags: Its metadata, in the byte order that the file is to have.
        is_compressed: By Deflate.

    Raises:
        ValueError: It would have more bytes than TIFF has places for.
    """
    height, width, channels = samples.shape
    rows = max(1, _STRIP_BYTES // (width * channels * samples.itemsize))
    strips = list(_strips(samples, rows, tags.order, is_compressed=is_compressed))
    sizes = [len(strip) for strip in strips]
    if sum(sizes) > _MOST_BYTES // 2:
        raise ValueError("more bytes than TIFF has places for")
    made = described(tags)
    made.put_numbers(WIDTH, LONG, width)
    made.put_numbers(HEIGHT, LONG, height)
    made.put_numbers(BITS, SHORT, *[8 * samples.itemsize] * channels)
    made.put_numbers(COMPRESSION, SHORT, DEFLATE if is_compressed else NONE)
    made.put_numbers(PHOTOMETRIC, SHORT, RGB)
    made.put_numbers(SAMPLES_A_PIXEL, SHORT, channels)
    made.put_numbers(ROWS_A_STRIP, LONG, rows)
    made.put_numbers(STRIP_SIZES, LONG, *sizes)
    made.put_numbers(STRIP_PLACES, LONG, *accumulate(sizes[:-1], initial=0))
    made.put_numbers(PLANES, SHORT, TOGETHER)
    if is_compressed:
        made.put_numbers(PREDICTOR, SHORT, HORIZONTAL)
    if channels > 3:  # noqa: PLR2004 - R, G, B
        made.put_numbers(EXTRA_SAMPLES, SHORT, OPACITY)
    return write_tags(made, b"".join(strips), {STRIP_PLACES: 0})


def _strips(samples: Samples, rows: int, order: str, *, is_compressed: bool) -> Iterator[bytes]:
    for top in range(0, len(samples), rows):
        whole: NDArray[Any] = samples[top : top + rows]
        strip = whole.astype(f"{order}u{samples.itemsize}")
        if not is_compressed:
            yield strip.tobytes()
            continue
        strip[:, 1:] -= whole[:, :-1]
        yield zlib.compress(strip.tobytes(), 6)


def put_description(
    tags: Directory, *, icc: bytes | None, xmp: str, text: str, density: tuple[float, float] | None
) -> None:
    """Change tags to those of a picture in color.

    Args:
        tags: Changed.
        icc: Color profile; None for none.
        xmp: XMP packet.
        text: What made it, behind the programs that are named there already.
        density: Pixels an inch, where the tags do not say it; None if not known.
    """
    tags.entries.pop(ICC, None)
    if icc is not None:
        tags.entries[ICC] = Entry(UNDEFINED, icc)
    tags.entries[XMP] = Entry(BYTE, xmp.encode())
    before = tags.entries.get(SOFTWARE)
    kept = b"" if before is None else before.data.rstrip(b"\0")
    tags.entries[SOFTWARE] = Entry(ASCII, b"; ".join(filter(None, [kept, text.encode()])) + b"\0")
    if density is not None and X_RESOLUTION not in tags.entries:
        for tag, value in zip((X_RESOLUTION, Y_RESOLUTION), density, strict=True):
            ratio = Fraction(value).limit_denominator(1000)
            tags.put_numbers(tag, RATIONAL, ratio.numerator, ratio.denominator)
        tags.put_numbers(RESOLUTION_UNIT, SHORT, INCH)
