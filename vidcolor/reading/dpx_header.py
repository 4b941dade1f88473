"""What the header of a DPX picture says, read from its bytes: SMPTE ST 268-1. No decoding."""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

MAGIC = {b"SDPX": ">", b"XPDS": "<"}
"""The first four bytes of a file, and the byte order that they stand for."""

HEADER_BYTES = 2048
"""Of all headers; those of film and television, the last 384, may be missing."""

_GENERIC_BYTES = 1664
_RATE_FIELDS = (1724, 1940)  # of film and of television
_TIMECODE_FIELD = 1920
_TEXT_FIELDS = {"artist": (160, 260), "title": (260, 460), "copyright": (460, 660)}
"""Creator, project and copyright, ended by a zero where they are shorter."""
_UNDEFINED = 0xFFFFFFFF
_DROP_FRAME, _FRAME_DIGITS = 0x40, 0x3F


@dataclass(frozen=True, slots=True, kw_only=True)
class DpxHeader:
    """The fields of a header that are used here.

    Attributes:
        order: Of bytes, as `struct` names it.
        data_at: Where the samples begin by the file's header, which FFmpeg takes as well.
        orientation: 0 where the first line is the top one, 2 where it is the lowest.
        elements: How many planes of samples follow each other.
        width: Of the picture.
        height: Of the picture.
        descriptor: What the first element holds; 6 is luma.
        transfer: Of the first element; 1 is printing density, 3 is logarithmic.
        bits: Of a sample.
        packing: 0 packed, 1 filled by method A, 2 filled by method B.
        encoding: 0 where samples are not coded by their runs.
        line_padding: Bytes behind each line.
        rate: Frames a second; None if undefined.
        timecode: Such as `01:02:03:04`; None if undefined. Perhaps no time of day.
        texts: What it says in words, by FFmpeg's names of tags; what is undefined is left out.
    """

    order: str
    data_at: int
    orientation: int
    elements: int
    width: int
    height: int
    descriptor: int
    transfer: int
    bits: int
    packing: int
    encoding: int
    line_padding: int
    rate: float | None
    timecode: str | None
    texts: Mapping[str, bytes]

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """The header at the beginning of a picture; None if it has none.

        Args:
            data: The picture, or its first `HEADER_BYTES`.
        """
        order = MAGIC.get(data[:4])
        if order is None or len(data) < _GENERIC_BYTES:
            return None
        (offset,) = struct.unpack_from(f"{order}I", data, 4)
        orientation, elements, width, height = struct.unpack_from(f"{order}HHII", data, 768)
        kinds = struct.unpack_from(f"{order}BxxBHHII", data, 800)
        descriptor, bits, packing, encoding, data_at, line_padding = kinds
        end = min(offset, len(data))
        return cls(
            order=order,
            data_at=data_at if offset in {0, _UNDEFINED} else offset,
            orientation=orientation,
            elements=elements,
            width=width,
            height=height,
            descriptor=descriptor,
            transfer=data[801],
            bits=bits,
            packing=packing,
            encoding=encoding,
            line_padding=0 if line_padding == _UNDEFINED else line_padding,
            rate=_rate(data, order, end),
            timecode=_timecode(data, order, end),
            texts=dict(_texts(data)),
        )


def _texts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The words of the fields that say something; what is undefined is zeros or FF throughout."""
    for name, (start, end) in _TEXT_FIELDS.items():
        text = data[start:end].partition(b"\0")[0].rstrip(b"\xff")
        if text.strip():
            yield name, text


def _rate(data: bytes, order: str, end: int) -> float | None:
    """Frames a second: the first field of them that says something."""
    for field in _RATE_FIELDS:
        if field + 4 <= end:
            (rate,) = struct.unpack_from(f"{order}f", data, field)
            if math.isfinite(rate) and rate > 0:
                return float(rate)
    return None


def _timecode(data: bytes, order: str, end: int) -> str | None:
    """Eight digits, two each of hours, minutes, seconds and frames (SMPTE ST 12-1)."""
    if end < _TIMECODE_FIELD + 4:
        return None
    (value,) = struct.unpack_from(f"{order}I", data, _TIMECODE_FIELD)
    if value == _UNDEFINED:
        return None
    hours, minutes, seconds, frames = value.to_bytes(4, "big")
    sign = ";" if frames & _DROP_FRAME else ":"
    return f"{hours:02x}:{minutes:02x}:{seconds:02x}{sign}{frames & _FRAME_DIGITS:02x}"
