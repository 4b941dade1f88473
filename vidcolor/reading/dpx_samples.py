"""DPX pictures that FFmpeg reads wrongly or not at all, put into a form that it reads right.

FFmpeg 8.1 shows pictures as they are stored, whatever their orientation, takes the first of three
10-bit luma samples from the low end of a word, and knows no luma without filling. SMPTE ST 268-1,
"Packing of components" and "Image orientation"; a scanner's pictures do not always follow it.
"""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidcolor.errors import SourceError
from vidcolor.reading.dpx_header import DpxHeader

Codes = NDArray[np.uint16]
Words = NDArray[np.uint32]
SampleOrder = Literal["low", "high"]

LUMA = 6
COMPONENTS = {LUMA: 1, 50: 3, 51: 4, 52: 4}
"""Samples of a pixel, by descriptor: luma, RGB, RGBA, ABGR."""

LOGARITHMIC = {1: "printing density", 3: "logarithmic"}
"""What codes are that are no light, by the header's transfer."""

TURNS = {
    1: "right to left", 2: "bottom to top", 3: "bottom to top and right to left",
    4: "by columns", 5: "by columns, right to left", 6: "by columns, bottom to top",
    7: "by columns, bottom to top and right to left",
}  # fmt: skip
"""How pictures are stored that are not stored as they are shown, by the header's orientation."""

_PACKED, _METHOD_A, _METHOD_B = 0, 1, 2
_TEN_BITS, _WORD_BITS = 10, 32
_SAMPLES_A_WORD = 3
_FREE_BITS = {_METHOD_A: 2, _METHOD_B: 0}  # below the lowest sample
_MASK = np.uint16((1 << _TEN_BITS) - 1)
_ROWS_ALONE, _TRANSPOSED = 2, 4  # change their places; the second and what is above it
_MIRRORED = {1, 3, 5, 7}
_UPSIDE_DOWN = {2, 3, 6, 7}
_LEAST_DIFFERENCE = 0.02
"""By how much, in parts, rows must be smoother in one order of samples to tell it."""


def is_ten_bit_luma(header: DpxHeader) -> bool:
    """Whether pictures hold luma whose order in a word the header does not tell."""
    return header.descriptor == LUMA and header.bits == _TEN_BITS and not header.encoding


def find_order(pictures: Iterable[bytes]) -> SampleOrder | None:
    """The order of 10-bit luma samples by which rows are smoother; None if that is not clear.

    In the wrong order every third sample lies two places off, which makes a comb of any slope.

    Args:
        pictures: Some DPX files of a reel.
    """
    rough = {"low": 0.0, "high": 0.0}
    for data in pictures:
        header = DpxHeader.parse(data)
        if header is None or not is_ten_bit_luma(header):
            continue
        for order in ("low", "high"):
            codes = _luma(data, header, order)
            if codes is not None:
                rough[order] += float(np.abs(np.diff(codes.astype(np.int32), axis=1)).mean())
    low, high = rough["low"], rough["high"]
    if abs(low - high) <= _LEAST_DIFFERENCE * max(low, high):
        return None
    return "low" if low < high else "high"


def readable_dpx(data: bytes, path: Path, order: SampleOrder) -> bytes:
    """A DPX file that FFmpeg shows right: the same if it does that anyway.

    Args:
        data: The file.
        path: Where it lies.
        order: That of 10-bit luma samples in a word.

    Raises:
        SourceError: A form that is not read; the text names it.
    """
    header = DpxHeader.parse(data)
    if header is None or header.encoding:
        return data
    data = _without_padding(data, header)
    if is_ten_bit_luma(header):
        is_low_first = header.packing in _FREE_BITS and order == "low"
        is_plain = is_low_first and _is_filled_up(data, header) and header.orientation not in TURNS
        codes = None if is_plain else _luma(data, header, order)
        return data if codes is None else _with_luma(data, header, codes)
    if header.orientation not in TURNS:
        return data
    return _turned(data, header, path)


def _without_padding(data: bytes, header: DpxHeader) -> bytes:
    """The file without the bytes behind each row that its header tells of, if they are there."""
    line = _line_bytes(header)[0]
    whole = line + header.line_padding
    size = whole * header.height
    if not 0 < header.line_padding < line or len(data) < header.data_at + size:
        return data
    rows = np.frombuffer(data, np.uint8, size, header.data_at).reshape(header.height, whole)
    return data[: header.data_at] + rows[:, :line].tobytes()


def _words_a_row(header: DpxHeader) -> int:
    if header.packing == _PACKED:
        return -(-header.width * _TEN_BITS // _WORD_BITS)
    return -(-header.width // _SAMPLES_A_WORD)


def _is_filled_up(data: bytes, header: DpxHeader) -> bool:
    """Whether each row begins with a new word."""
    size = 4 * _words_a_row(header) * header.height
    return len(data) - header.data_at >= size


def _luma(data: bytes, header: DpxHeader, order: SampleOrder) -> Codes | None:
    """The codes of 10-bit luma as stored, (height, width); None if there are not enough."""
    width, height = header.width, header.height
    is_filled_up = _is_filled_up(data, header)
    rows = (height, _words_a_row(header)) if is_filled_up else (1, _words_unfilled(header))
    count = rows[0] * rows[1]
    if not count or len(data) < header.data_at + 4 * count or _is_cut(data, header):
        return None
    words = np.frombuffer(data, f"{header.order}u4", count, header.data_at).reshape(rows)
    words = words.astype(np.uint32)
    unpack = _unpack_dense if header.packing == _PACKED else _unpack_filled
    samples = unpack(words, header.packing, order)
    if is_filled_up:
        return samples[:, :width]
    return samples[0, : width * height].reshape(height, width)


def _words_unfilled(header: DpxHeader) -> int:
    """The words of a picture whose rows go on in the word in which the ones before end."""
    samples = header.width * header.height
    if header.packing == _PACKED:
        return -(-samples * _TEN_BITS // _WORD_BITS)
    return -(-samples // _SAMPLES_A_WORD)


def _is_cut(data: bytes, header: DpxHeader) -> bool:
    """Whether a file without room for filled rows is one that should be larger."""
    (size,) = struct.unpack_from(f"{header.order}I", data, 16)
    is_known = size not in {0, 0xFFFFFFFF}
    return is_known and size > len(data) and not _is_filled_up(data, header)


def _unpack_filled(words: Words, packing: int, order: SampleOrder) -> Codes:
    """Samples of words that hold three each, (rows, words) to (rows, 3 * words)."""
    low = _FREE_BITS.get(packing, 0)
    shifts = [low + _TEN_BITS * place for place in range(_SAMPLES_A_WORD)]
    shifts = shifts if order == "low" else shifts[::-1]
    three = [(words >> np.uint32(shift)).astype(np.uint16) & _MASK for shift in shifts]
    return np.stack(three, axis=-1).reshape(len(words), -1)


def _unpack_dense(words: Words, _: int, order: SampleOrder) -> Codes:
    """Samples of words without a free bit, (rows, words) to (rows, 3.2 * words)."""
    rows, count = words.shape
    samples = count * _WORD_BITS // _TEN_BITS
    begins = np.arange(samples) * _TEN_BITS
    wide = np.concatenate([words, np.zeros((rows, 1), np.uint32)], axis=1).astype(np.uint64)
    first, second = wide[:, begins // _WORD_BITS], wide[:, begins // _WORD_BITS + 1]
    inside = begins % _WORD_BITS
    if order == "low":
        both, shifts = first | second << np.uint64(_WORD_BITS), inside
    else:
        both, shifts = first << np.uint64(_WORD_BITS) | second, 2 * _WORD_BITS - 10 - inside
    return (both >> shifts.astype(np.uint64)).astype(np.uint16) & _MASK


def _with_luma(data: bytes, header: DpxHeader, codes: Codes) -> bytes:
    """The file with other samples, three in a word, the first at its low end."""
    shown = _shown(codes, header.orientation)
    height, width = shown.shape
    padded = np.pad(shown, ((0, 0), (0, -width % _SAMPLES_A_WORD))).astype(np.uint32)
    three = padded.reshape(height, -1, _SAMPLES_A_WORD)
    shifts = [_FREE_BITS[_METHOD_A] + _TEN_BITS * place for place in range(_SAMPLES_A_WORD)]
    words = sum(three[..., place] << np.uint32(shifts[place]) for place in range(_SAMPLES_A_WORD))
    samples = np.asarray(words, f"{header.order}u4").tobytes()
    return _with_samples(data, header, (width, height), samples, _METHOD_A)


def _shown(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Samples, (height, width) or more, as they are shown."""
    if orientation not in TURNS:
        return stored
    shown = stored.swapaxes(0, 1) if orientation >= _TRANSPOSED else stored
    rows = -1 if orientation in _UPSIDE_DOWN else 1
    return shown[::rows, :: -1 if orientation in _MIRRORED else 1]


def _turned(data: bytes, header: DpxHeader, path: Path) -> bytes:
    """The file with its picture as it is shown.

    Raises:
        SourceError: Its samples lie in a form that is not read.
    """
    line, pixel = _line_bytes(header)
    size = line * header.height
    is_by_rows = header.orientation == _ROWS_ALONE
    if not line or not (pixel or is_by_rows):
        raise SourceError(
            f"{path}: is stored {TURNS[header.orientation]}, which is not read of descriptor "
            f"{header.descriptor} with {header.bits} bits and packing {header.packing}. "
            "Convert it to 16 bits."
        )
    if len(data) < header.data_at + size:
        return data  # it is cut short, and does not decode
    rows = np.frombuffer(data, np.uint8, size, header.data_at).reshape(header.height, line)
    if pixel:
        shown = _shown(rows.reshape(header.height, header.width, pixel), header.orientation)
        height, width = shown.shape[:2]
    else:
        shown, (height, width) = rows[::-1], (header.height, header.width)
    return _with_samples(data, header, (width, height), shown.tobytes(), header.packing)


def _line_bytes(header: DpxHeader) -> tuple[int, int]:
    """Bytes of a row and of a pixel as FFmpeg reads them; of a pixel 0 if they are not whole."""
    count, bits = COMPONENTS.get(header.descriptor, 0), header.bits
    if bits in {8, 16} or (bits == 12 and header.packing):  # noqa: PLR2004 - as in the header
        pixel = count * (1 if bits == 8 else 2)  # noqa: PLR2004
        return header.width * pixel, pixel
    if bits == _TEN_BITS and (header.packing or count == 1):
        words = _words_a_row(header) if count == 1 else -(-header.width * count // _SAMPLES_A_WORD)
        return 4 * words, 4 if count == _SAMPLES_A_WORD else 0
    return 0, 0


def _with_samples(
    data: bytes, header: DpxHeader, size: tuple[int, int], samples: bytes, packing: int
) -> bytes:
    """The file's headers with other samples behind them, stored as they are shown."""
    made = bytearray(data[: header.data_at])
    struct.pack_into(f"{header.order}I", made, 4, len(made))
    struct.pack_into(f"{header.order}I", made, 16, len(made) + len(samples))
    struct.pack_into(f"{header.order}H", made, 768, 0)
    struct.pack_into(f"{header.order}II", made, 772, *size)
    struct.pack_into(f"{header.order}HHI", made, 804, packing, 0, len(made))
    return bytes(made) + samples
