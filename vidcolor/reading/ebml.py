"""EBML, the form that Matroska's files have: elements with an ID, a length and a content."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

CRC32, VOID = 0xBF, 0xEC
LONG_SIZE_BYTES = 8


class Element(NamedTuple):
    """An EBML element: its ID, and what lies in it."""

    kind: int
    content: bytes

    def __bytes__(self) -> bytes:
        return number(self.kind) + _size(len(self.content)) + self.content


def parent(kind: int, content_of: Iterable[Element]) -> Element:
    """An element of others; a checksum among them, which is the first, is that of the rest."""
    parts = list(content_of)
    content = b"".join(bytes(part) for part in parts if part.kind != CRC32)
    if any(part.kind == CRC32 for part in parts):
        content = bytes(Element(CRC32, zlib.crc32(content).to_bytes(4, "little"))) + content
    return Element(kind, content)


def children(content: bytes) -> Iterator[Element]:
    """The elements that lie in the content of one.

    Raises:
        ValueError: It breaks off.
    """
    position = 0
    while position < len(content):
        kind, start, length = opening(content, position)
        position = start + length
        yield Element(kind, content[start:position])


def opening(data: bytes, position: int) -> tuple[int, int, int]:
    """An element's ID, where its content begins, and how long that is (RFC 8794, 4 and 5)."""
    try:
        start = position + 9 - data[position].bit_length()
        size_bytes = 9 - data[start].bit_length()
    except IndexError:
        raise ValueError("its header breaks off") from None
    kind = int.from_bytes(data[position:start], "big")
    size = int.from_bytes(data[start : start + size_bytes], "big")
    return kind, start + size_bytes, size & ((1 << 7 * size_bytes) - 1)


def _size(length: int) -> bytes:
    """A length in as few bytes as hold it, of which all bits set are not to be used."""
    count = next(n for n in range(1, LONG_SIZE_BYTES + 1) if length < (1 << 7 * n) - 1)
    return (length | 1 << 7 * count).to_bytes(count, "big")


def number(value: int) -> bytes:
    """An unsigned number in as few bytes as hold it, or an ID with its own marker."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
