"""Matroska's shape of the pixels, which FFmpeg's muxer takes from where PyAV cannot put it.

The muxer hears a picture's sample aspect ratio from its stream, and PyAV 18.1 sets that of the
encoder alone. So it is put into the finished file's header, in place: an element of padding that
the muxer leaves in front of the header takes up by how much the header grows.
"""

from fractions import Fraction
from pathlib import Path

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat
from vidcolor.reading.ebml import (
    LONG_SIZE_BYTES,
    VOID,
    Element,
    children,
    number,
    opening,
    parent,
)

# Element IDs of RFC 9559, section 5.1, and RFC 8794, section 11.3.
SEGMENT, SEEK_HEAD, TRACKS = 0x18538067, 0x114D9B74, 0x1654AE6B
SEEK, SEEK_ID, SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
TRACK_ENTRY, VIDEO = 0xAE, 0xE0
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
# Of a file that FFmpeg writes all tracks end before this, fonts and pictures come after them.
HEADER_BYTES = 1 << 22
LEAST_PADDING = 1 + LONG_SIZE_BYTES


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
        picture: Its sample aspect ratio is told, if it is not 1.
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
            elements, length = _until_tracks(head[start:])
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
    seek_head = bytes(_seek_head_with(elements[0], places))
    return b"".join([seek_head, padding(place - len(seek_head)), *map(bytes, moved)])


def padding(length: int) -> bytes:
    """An element of nothing of so many bytes.

    Raises:
        ValueError: It cannot be so short.
    """
    room = length - LEAST_PADDING
    if room < 0:
        raise ValueError("no room is left in its header")
    size = (room | 1 << 7 * LONG_SIZE_BYTES).to_bytes(LONG_SIZE_BYTES, "big")
    return number(VOID) + size + bytes(room)


def _seek_head_with(seek_head: Element, places: dict[int, int]) -> Element:
    """The list of places with those that changed."""
    seeks = []
    for seek in children(seek_head.content):
        # A checksum, which lies beside the places, has bytes of any kind in it.
        told = dict(children(seek.content)) if seek.kind == SEEK else {}
        kind = told.get(SEEK_ID, b"")
        place = places.get(int.from_bytes(kind, "big"))
        if place is not None:
            position = Element(SEEK_POSITION, number(place))
            seek = parent(SEEK, [Element(SEEK_ID, kind), position])  # noqa: PLW2901 - in its place
        seeks.append(seek)
    return parent(SEEK_HEAD, seeks)


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
                entry = parent(TRACK_ENTRY, parts)  # noqa: PLW2901 - in its place
            track -= 1
        entries.append(entry)
    if track >= 0:
        raise ValueError("it has no such picture")
    return parent(TRACKS, entries)


def _shown_at(video: Element, size: tuple[int, int]) -> Element:
    told = {DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT}
    parts = [one for one in children(video.content) if one.kind not in told]
    parts += [
        Element(kind, number(length))
        for kind, length in zip((DISPLAY_WIDTH, DISPLAY_HEIGHT), size, strict=True)
    ]
    return parent(VIDEO, parts)


def start_of_segment(head: bytes) -> int:
    """Where the content of the segment begins, after the EBML header."""
    position = 0
    while position < len(head):
        kind, start, size = opening(head, position)
        if kind == SEGMENT:
            return start
        position = start + size
    raise ValueError("it holds no segment")


def _until_tracks(head: bytes) -> tuple[list[Element], int]:
    """The segment's elements up to its tracks, and how many bytes they take."""
    elements: list[Element] = []
    position = 0
    while not elements or elements[-1].kind != TRACKS:
        kind, start, size = opening(head, position)
        position = start + size
        if position > len(head):
            raise ValueError("its tracks are not where they should be")
        elements.append(Element(kind, head[start:position]))
    return elements, position
