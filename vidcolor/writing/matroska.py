"""Matroska's shape of the pixels and what else FFmpeg's muxer takes from where PyAV has no hand.

The muxer hears a picture's sample aspect ratio from its stream, and PyAV 18.1 sets that of the
encoder alone; of a clean aperture and of light levels it hears nothing. So they are put into the
finished file's header, in place: an element of padding that the muxer leaves in front of the header
takes up by how much the header grows.
"""

import struct
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat
from vidcolor.reading.container_words import Window
from vidcolor.reading.ebml import (
    LONG_SIZE_BYTES,
    VOID,
    Element,
    children,
    number,
    opening,
    parent,
)
from vidcolor.reading.marks import NO_MARKS, PictureMarks
from vidcolor.reading.matroska_words import (
    CROPS,
    SEEK,
    SEEK_HEAD,
    SEEK_ID,
    SEEK_POSITION,
    SEGMENT,
    TRACK_ENTRY,
    TRACKS,
    VIDEO,
)

# Element IDs of RFC 9559, section 5.1.
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
NAME = 0x536E
COLOUR, MAX_CLL, MAX_FALL, MASTERING = 0x55B0, 0x55BC, 0x55BD, 0x55D0
# Of a file that FFmpeg writes all tracks end before this, fonts and pictures come after them.
HEADER_BYTES = 1 << 22
# AVStereo3DType of views side by side, and one below the other, or column by column, line by line.
BESIDE, BELOW = {1, 7}, {2, 6}
ROOM = 256  # bytes, of a name
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


def write_aspect(
    film: Path,
    picture: FrameFormat,
    *,
    track: int = 0,
    window: Window | None = None,
    marks: PictureMarks = NO_MARKS,
) -> None:
    """Tell in a Matroska file how wide its pixels are; its length and all after its header stay.

    Args:
        film: Written by FFmpeg, and closed.
        picture: Its sample aspect ratio is written, unless it is 1.
        track: Which one of the film's pictures it is, from 0.
        window: What of it is to be seen, in whole samples; None for all.
        marks: Of whose kinds mastering display and light level are told.

    Raises:
        OutputError: The file has not the form that FFmpeg writes.
        OSError: It cannot be read or written.
    """
    parts = [
        *_video_parts(_one_view(picture, marks), window, is_stereo=marks.stereo is not None),
        *_light(marks),
    ]
    if not parts:
        return
    with film.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        try:
            start = start_of_segment(head)
            elements, length = until_tracks(head[start:])
            tracks = _with_parts(elements[-1], parts, track)
            new = _header(elements, length, tracks)
        except ValueError as error:
            raise OutputError(
                f"{film}: cannot write the pixel aspect ratio ({error}); try another kind of file"
            ) from error
        file.seek(start)
        file.write(new)


def _one_view(picture: FrameFormat, marks: PictureMarks) -> FrameFormat:
    """The picture as one of two views that lie in it is shown: the size on screen is its own."""
    kind = 0 if marks.stereo is None else marks.stereo.kind
    sides = (2 if kind in BESIDE else 1, 2 if kind in BELOW else 1)
    return replace(
        picture, sample_aspect_ratio=picture.sample_aspect_ratio * Fraction(*sides[::-1])
    )


def room_for(window: Window | None, marks: PictureMarks) -> str:
    """What a track's name must end with, so that its header has room; it is taken out again."""
    is_needed = window is not None or marks != NO_MARKS
    return " " * ROOM if is_needed else ""


def _video_parts(
    picture: FrameFormat, window: Window | None, *, is_stereo: bool
) -> Iterator[Element]:
    """What a track says of the size at which its picture is shown, and of what is to be seen."""
    if window is not None:
        sides = [int(side) for side in window]
        for kind, side in zip(CROPS, sides, strict=True):
            yield Element(kind, number(side))
        left, top, right, bottom = sides
        # What is shown is what is left of it.
        width, height = picture.width - left - right, picture.height - top - bottom
        picture = replace(picture, width=width, height=height)
    if window is not None or is_stereo or picture.sample_aspect_ratio != 1:
        width, height = display_size(picture)
        yield Element(DISPLAY_WIDTH, number(width))
        yield Element(DISPLAY_HEIGHT, number(height))


def _light(marks: PictureMarks) -> Iterator[Element]:
    """What a track says of the display that it was graded on, and of its light."""
    parts = []
    if marks.light_level is not None:
        kinds = zip((MAX_CLL, MAX_FALL), marks.light_level, strict=True)
        parts += [Element(kind, number(level)) for kind, level in kinds]
    if marks.mastering is not None:
        *places, least, most = marks.mastering
        numbers = [struct.pack(">d", float(one)) for one in (*places, most, least)]
        parts.append(parent(MASTERING, map(Element, range(MASTERING + 1, MASTERING + 11), numbers)))
    if parts:
        yield parent(COLOUR, parts)


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


def seek_head_with(seek_head: Element, places: dict[int, int]) -> Element:
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


def _with_parts(tracks: Element, parts: list[Element], track: int) -> Element:
    """The tracks, with what one of the pictures says of itself."""
    entries = []
    for entry in children(tracks.content):
        own = list(children(entry.content)) if entry.kind == TRACK_ENTRY else []
        kinds = [part.kind for part in own]
        if VIDEO in kinds:
            if track == 0:
                place = kinds.index(VIDEO)
                own[place] = _saying(own[place], parts)
                own = [one for one in map(_named, own) if one is not None]
                entry = parent(TRACK_ENTRY, own)  # noqa: PLW2901 - in its place
            track -= 1
        entries.append(entry)
    if track >= 0:
        raise ValueError("it has no such picture")
    return parent(TRACKS, entries)


def _named(part: Element) -> Element | None:
    """A part of a track; its name without the room that was made by it."""
    if part.kind != NAME or not part.content.endswith(b" " * ROOM):
        return part
    return Element(NAME, part.content[:-ROOM]) if len(part.content) > ROOM else None


def _saying(element: Element, parts: list[Element]) -> Element:
    """An element with other parts in place of its own of those kinds; of colors with more parts."""
    told = {part.kind for part in parts} | {DISPLAY_UNIT}
    own = [one for one in children(element.content) if one.kind not in told or one.kind == COLOUR]
    for part in parts:
        place = next((at for at, one in enumerate(own) if one.kind == part.kind), None)
        if place is None:
            own.append(part)
        else:
            own[place] = _saying(own[place], list(children(part.content)))
    return parent(element.kind, own)


def start_of_segment(head: bytes) -> int:
    """Where the content of the segment begins, after the EBML header."""
    position = 0
    while position < len(head):
        kind, start, size = opening(head, position)
        if kind == SEGMENT:
            return start
        position = start + size
    raise ValueError("it holds no segment")


def until_tracks(head: bytes) -> tuple[list[Element], int]:
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
