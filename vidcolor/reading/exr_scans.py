"""OpenEXR pictures that FFmpeg leaves black or refuses, handed on as plain ones.

FFmpeg 8.1 knows the channels Y or R, G, B, and gives black for DWAA and DWAB of one channel. The
library OpenEXR, the extra `scans`, is loaded only for those. Layout: "The OpenEXR file layout".
"""

import io
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vidcolor.errors import SourceError
from vidcolor.extras import how_to_install

EXR_MAGIC = b"\x76\x2f\x31\x01"
EXR_TILES_OR_PARTS = 0x1A00
"""In its version: tiles (0x0200), deep data (0x0800), several parts (0x1000)."""

LUMA = "Y"
_BRIGHTNESS = ("R", "G", "B", "L")
"""Channels that are a picture if they are alone."""

_NO_COMPRESSION, _DWAA, _DWAB = 0, 8, 9
_TYPES = ("<u4", "<f2", "<f4")

MOST_PIXELS = 1 << 28
"""Of a picture that FFmpeg reads; a damaged header may state any number."""


class ExrHeader(NamedTuple):
    """What stands in a header, and where.

    Attributes:
        channels: Their names, each with the place of the name and the number of its type.
        compression: By number.
        compression_at: Where that byte is.
        order_at: Where the order of lines is.
        window: Of the samples: left, top, right, bottom, each included.
        end: Where the table of chunks begins.
    """

    channels: dict[str, tuple[int, int]]
    compression: int
    compression_at: int
    order_at: int
    window: tuple[int, int, int, int]
    end: int


def readable_exr(data: bytes, path: Path) -> tuple[bytes, str]:
    """An OpenEXR file that FFmpeg reads right, and in what form it was; empty if FFmpeg reads that.

    Args:
        data: The file.
        path: Where it lies.

    Returns:
        The file; no bytes if it does not decode.

    Raises:
        SourceError: It holds no picture, or OpenEXR is needed and missing; the text says so.
    """
    if not data.startswith(EXR_MAGIC):
        return data, ""
    try:
        (version,) = struct.unpack_from("<I", data, len(EXR_MAGIC))
        header = None if version & EXR_TILES_OR_PARTS else _parse(data)
    except (struct.error, ValueError, KeyError, UnicodeDecodeError):
        return data, ""  # FFmpeg says that it does not decode
    if header is None:
        return data, ""
    names = set(header.channels)
    if names >= {"R", "G", "B"} or LUMA in names:
        is_black = len(names) == 1 and header.compression in {_DWAA, _DWAB}
        return (_unpacked(data, header, path), "one channel in DWA") if is_black else (data, "")
    (name,) = names if len(names) == 1 else ("",)
    if name not in _BRIGHTNESS:
        held = ", ".join(sorted(names)) or "none"
        raise SourceError(
            f"{path}: holds no picture that is known (channels: {held}). "
            "Name the picture's channel Y, or three of them R, G and B."
        )
    if header.compression in {_DWAA, _DWAB}:
        data = _unpacked(data, header, path)
    at = header.channels[name][0]
    made = data[:at] + LUMA.encode() + data[at + 1 :] if data else b""
    return made, f"channel {name} alone, which is taken for luma"


def is_cut_exr(data: bytes) -> bool:
    """Whether these are the lines of an OpenEXR file (of one part) that breaks off or is mixed up.

    FFmpeg leaves lines black that it does not find, and says nothing. Behind the header lies a
    table of where each chunk of lines begins. A chunk tells its first line's number and its length;
    all chunks but the last have equally many lines (The OpenEXR file layout, "Offset tables" and
    "Chunks").
    """
    if not data.startswith(EXR_MAGIC):
        return False
    try:
        if struct.unpack_from("<I", data, len(EXR_MAGIC))[0] & EXR_TILES_OR_PARTS:
            return False
        *_, end = (end for _, _, _, end in _attributes(data))
        places = sorted(_chunks(data, end + 1))
        chunks = [struct.unpack_from("<iI", data, at) for at in places]
    except (struct.error, ValueError, OverflowError):  # the last of places past 2^63
        return True
    ends = [at + 8 + length for at, (_, length) in zip(places, chunks, strict=True)]
    lines = sorted(line for line, _ in chunks)
    steps = {after - before for before, after in pairwise(lines)}
    overlap = any(end > begin for end, begin in zip(ends, [*places[1:], len(data)], strict=True))
    return not places or places[0] <= end or overlap or len(steps) > 1 or 0 in steps


def _attributes(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """A header's attributes: name, where the value begins, its length, and where it ends."""
    at = len(EXR_MAGIC) + 4
    while data[at : at + 1] != b"\0":
        name_end = data.index(b"\0", at)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", data, kind_end + 1)
        begin = kind_end + 5
        yield data[at:name_end], begin, size, begin + size
        at = begin + size


def _parse(data: bytes) -> ExrHeader:
    found = {name: (begin, size) for name, begin, size, _ in _attributes(data)}
    *_, (_, _, _, end) = _attributes(data)
    begin, size = found[b"channels"]
    compression_at = found[b"compression"][0]
    return ExrHeader(
        channels=dict(_channels(data, begin, begin + size)),
        compression=data[compression_at],
        compression_at=compression_at,
        order_at=found[b"lineOrder"][0],
        window=struct.unpack_from("<4i", data, found[b"dataWindow"][0]),
        end=end + 1,
    )


def _channels(data: bytes, at: int, end: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names in a list of channels, each with its place and type."""
    while at < end and data[at : at + 1] != b"\0":
        name_end = data.index(b"\0", at)
        (kind,) = struct.unpack_from("<I", data, name_end + 1)
        yield data[at:name_end].decode(), (at, kind)
        at = name_end + 17


def _chunks(data: bytes, table: int) -> Iterator[int]:
    """The entries of a table that begins at `table` and ends where the first chunk begins."""
    at, end = table, len(data)
    while at < end:
        (chunk,) = struct.unpack_from("<Q", data, at)
        at, end = at + 8, min(end, chunk)
        yield chunk


def _unpacked(data: bytes, header: ExrHeader, path: Path) -> bytes:
    """The same file of one channel, without compression; no bytes if it does not decode.

    Raises:
        SourceError: OpenEXR is missing.
    """
    ((name, (_, kind)),) = header.channels.items()
    left, top, right, bottom = header.window
    width, height = right - left + 1, bottom - top + 1
    if kind >= len(_TYPES) or not 0 < width * height <= MOST_PIXELS:
        return b""
    samples = np.asarray(_read_channel(data, name, path), _TYPES[kind])
    if samples.shape != (height, width):
        return b""
    made = bytearray(data[: header.end])
    made[header.compression_at] = _NO_COMPRESSION
    made[header.order_at] = 0
    size = width * samples.itemsize
    first = len(made) + 8 * height
    places = (first + row * (8 + size) for row in range(height))
    table = struct.pack(f"<{height}Q", *places)
    lines = (struct.pack("<iI", top + row, size) + samples[row].tobytes() for row in range(height))
    return bytes(made) + table + b"".join(lines)


def _read_channel(data: bytes, name: str, path: Path) -> Any:
    """The samples of a channel, (height, width), by OpenEXR; none if they do not decode."""
    try:
        import OpenEXR
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{path}: is in DWAA or DWAB, which needs OpenEXR; {how_to_install('scans')}"
        ) from error
    try:
        return OpenEXR.File(io.BytesIO(data)).channels()[name].pixels
    except Exception:  # noqa: BLE001 - a library in C++ raises what it likes
        return ()
