"""Matroska's shape of the pixels, which FFmpeg's muxer takes from where PyAV cannot put it.

The muxer hears a picture's sample aspect ratio from its stream, and PyAV 18.1 sets that of the
encoder alone. So it is put into the finished file's header, in place: an element of padding that
the muxer leaves in front of the header takes up by how much the header grows.
"""

import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat

# Element IDs of RFC 9559, section 5.1, and RFC 8794, section 11.3.
SEGMENT, SEEK_HEAD, TRACKS = 0x18538067, 0x114D9B74, 0x1654AE6B
SEEK, SEEK_ID, SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
TRACK_ENTRY, VIDEO, CRC32, VOID = 0xAE, 0xE0, 0xBF, 0xEC
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
# Of a file that FFmpeg writes all tracks end before this, fonts and pictures come after them.
HEADER_BYTES = 1 << 22
LONG_SIZE_BYTES = 8
LEAST_PADDING = 1 + LONG_SIZE_BYTES


class Element(NamedTuple):
    """An EBML element: its ID, and what lies in it."""

    kind: int
    content: bytes

    def __bytes__(self) -> bytes:
        return _number(self.kind) + _size(len(self.content)) + self.content


def display_size(picture: FrameFormat) -> tuple[int, int]:
    """Width and height that a picture is shown at: its exact aspect, at about its own height.

    The height is the picture's own where the width comes out whole, else the nearest one where it
    does; only for an aspect of numbers larger than the picture is the width rounded.
    """
    aspect = picture.sample_aspect_ratio * Fraction(picture.width, picture.height)
    times = round(picture.height / aspect.denominator)
    if times == 0:
        return round(picture.height * aspect), picture.height
    return aspect.numerator * times, aspect.denominator * times


def write_aspect(film: Path, picture: FrameFormat, *, track: int = 0) -> None:
    """Tell in a Matroska file how wide its pixels are; its length and all after its header stay.

    Args:
        film: Written by FFmpeg, and closed.
        picture: Its sample aspect ratio is written, unless it is 1.
        track: Which one of the film's pictures it is, from 0.

    Raises:
        OutputError: The file has not the form that FFmpeg writes.
        OSError: It cannot be read or written.
    """
    if picture.sample_aspect_ratio == 1:
        return
    with film.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        try:
            start = start_of_segment(head)
            elements, length = until_tracks(head[start:])
            tracks = _with_size(elements[-1], display_size(picture), track)
            new = _header(elements, length, tracks)
        except ValueError as error:
            raise OutputError(
                f"{film}: cannot write the pixel aspect ratio ({error}); try another kind of file"
            ) from error
        file.seek(start)
        file.write(new)


def _header(elements: list[Element], length: int, tracks: Element) -> bytes:
    """All from the list of places to `tracks`, with padding that makes it `length` bytes."""
    kinds = [one.kind for one in elements]
    if kinds[:2] != [SEEK_HEAD, VOID] or kinds.count(VOID) > 1:
        raise ValueError("no room is left in its header")
    moved = [*elements[2:-1], tracks]
    places, place = {}, length
    for one in reversed(moved):
        place -= len(bytes(one))
        places[one.kind] = place
    seek_head = bytes(seek_head_with(elements[0], places))
    room = place - len(seek_head) - LEAST_PADDING
    if room < 0:
        raise ValueError("no room is left in its header")
    padding = _number(VOID) + (room | 1 << 7 * LONG_SIZE_BYTES).to_bytes(LONG_SIZE_BYTES, "big")
    return b"".join([seek_head, padding, bytes(room), *map(bytes, moved)])


def seek_head_with(seek_head: Element, places: dict[int, int]) -> Element:
    """The list of places with those that changed."""
    seeks = []
    for seek in children(seek_head.content):
        # A checksum, which lies beside the places, has bytes of any kind in it.
        fields = dict(children(seek.content)) if seek.kind == SEEK else {}
        kind = fields.get(SEEK_ID, b"")
        place = places.get(int.from_bytes(kind, "big"))
        if place is not None:
            position = Element(SEEK_POSITION, _number(place))
            seek = _parent(SEEK, [Element(SEEK_ID, kind), position])  # noqa: PLW2901 - in its place
        seeks.append(seek)
    return _parent(SEEK_HEAD, seeks)


def _with_size(tracks: Element, size: tuple[int, int], track: int) -> Element:
    """The tracks, with the size that one of the pictures is shown at."""
    entries = []
    for entry in children(tracks.content):
        parts = list(children(entry.content)) if entry.kind == TRACK_ENTRY else []
        kinds = [part.kind for part in parts]
        if VIDEO in kinds:
            if track == 0:
                place = kinds.index(VIDEO)
                parts[place] = _shown_at(parts[place], size)
                entry = _parent(TRACK_ENTRY, parts)  # noqa: PLW2901 - in its place
            track -= 1
        entries.append(entry)
    if track >= 0:
        raise ValueError("it has no such picture")
    return _parent(TRACKS, entries)


def _shown_at(video: Element, size: tuple[int, int]) -> Element:
    replaced = {DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT}
    parts = [one for one in children(video.content) if one.kind not in replaced]
    parts += [
        Element(kind, _number(length))
        for kind, length in zip((DISPLAY_WIDTH, DISPLAY_HEIGHT), size, strict=True)
    ]
    return _parent(VIDEO, parts)


def _parent(kind: int, children: Iterable[Element]) -> Element:
    """An element of others; a checksum among them, which is the first, is that of the rest."""
    parts = list(children)
    content = b"".join(bytes(part) for part in parts if part.kind != CRC32)
    if any(part.kind == CRC32 for part in parts):
        content = bytes(Element(CRC32, zlib.crc32(content).to_bytes(4, "little"))) + content
    return Element(kind, content)


def start_of_segment(head: bytes) -> int:
    """Where the content of the segment begins, after the EBML header."""
    position = 0
    while position < len(head):
        kind, start, size = _opening(head, position)
        if kind == SEGMENT:
            return start
        position = start + size
    raise ValueError("it holds no segment")


def until_tracks(head: bytes) -> tuple[list[Element], int]:
    """The segment's elements up to its tracks, and how many bytes they take."""
    elements: list[Element] = []
    position = 0
    while not elements or elements[-1].kind != TRACKS:
        kind, start, size = _opening(head, position)
        position = start + size
        if position > len(head):
            raise ValueError("its tracks are not where they should be")
        elements.append(Element(kind, head[start:position]))
    return elements, position


def children(content: bytes) -> Iterator[Element]:
    """The elements that one after another make up another one's content."""
    position = 0
    while position < len(content):
        kind, start, size = _opening(content, position)
        position = start + size
        yield Element(kind, content[start:position])


def _opening(data: bytes, position: int) -> tuple[int, int, int]:
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


def _number(number: int) -> bytes:
    """An unsigned number in as few bytes as hold it, or an ID with its own marker."""
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
