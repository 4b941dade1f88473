"""PNG files as chunks: what a file says of itself is written again byte for byte.

PNG specification, third edition, sections 5.3 and 11.3.
"""

import zlib
from collections.abc import Iterable, Iterator
from struct import pack, unpack_from

Chunk = tuple[bytes, bytes]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp"
COMMENT_KEYWORD = b"Comment"

OF_THE_SAMPLES = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"bKGD", b"sBIT", b"hIST", b"sPLT"}
"""How samples are coded, which changes with color."""

_OF_MOVEMENT = {b"acTL", b"fcTL", b"fdAT"}
_METRE_INCHES = 39.37007874


def read_chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG file, name and what is in it, up to the first that is broken off."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        size, name = unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            return
        yield name, data[at + 8 : at + 8 + size]
        at += 12 + size


def kept_chunks(chunks: Iterable[Chunk], *, with_icc: bool) -> list[Chunk]:
    """Those that hold for the picture in color as well: all but what we write ourselves.

    Args:
        chunks: Of the black-and-white picture.
        with_icc: Whether its color profile is one of them.
    """
    left_out = OF_THE_SAMPLES | _OF_MOVEMENT | (set() if with_icc else {b"iCCP"})
    return [
        (name, data)
        for name, data in chunks
        if name not in left_out and not (name == b"iTXt" and data.startswith(XMP_KEYWORD + b"\0"))
    ]


def xmp_chunk(packet: str) -> Chunk:
    """An XMP packet as PNG holds it (XMP part 3, section 1.1.5)."""
    return b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + packet.encode()


def comment_chunk(text: str) -> Chunk:
    """A comment; characters beyond Latin-1 make it an international one."""
    try:
        return b"tEXt", COMMENT_KEYWORD + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        return b"iTXt", COMMENT_KEYWORD + b"\0\0\0\0\0" + text.encode()


def icc_chunk(profile: bytes) -> Chunk:
    """A color profile."""
    return b"iCCP", b"profile\0\0" + zlib.compress(profile)


def density_chunk(density: tuple[float, float]) -> Chunk:
    """How many pixels an inch has."""
    return b"pHYs", pack(">2IB", *(round(value * _METRE_INCHES) for value in density), 1)


def write_chunks(encoded: bytes, chunks: Iterable[Chunk]) -> bytes:
    """A PNG file with these chunks behind its head; of its own those of the samples stay."""
    own = [(name, data) for name, data in read_chunks(encoded) if name in OF_THE_SAMPLES]
    return SIGNATURE + b"".join(
        pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))
        for name, data in (own[0], *chunks, *own[1:])
    )
