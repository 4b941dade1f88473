"""Boxes that FFmpeg's muxer of MOV and MP4 does not write from what PyAV can tell it.

They are put behind those of the picture's sample entry in the finished file; what lies behind the
header moves by their length.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat
from vidcolor.reading.container_words import Window
from vidcolor.reading.marks import PictureMarks
from vidcolor.reading.quicktime_words import boxes

STEREO_MODES = {1: 2, 2: 1}
"""Of the box `st3d` (Google's Spherical Video V2), by FFmpeg's AVStereo3DType: left view first."""

LAID = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
CHROMATICITY_UNIT, LUMINANCE_UNIT = 50000, 10000
COPIED_BYTES = 1 << 20


def picture_boxes(
    picture: FrameFormat, window: Window | None, marks: PictureMarks
) -> Iterator[bytes]:
    """What a picture's sample entry says of its window, its views and its light.

    Args:
        picture: Its size.
        window: What of it is to be seen; None for all.
        marks: What else is to be told.
    """
    if window is not None:
        left, top, right, bottom = window
        width, height = picture.width - left - right, picture.height - top - bottom
        numbers = (width, height, (left - right) / 2, (top - bottom) / 2)
        pairs = (part for one in map(Fraction, numbers) for part in one.as_integer_ratio())
        yield _box(b"clap", struct.pack(">8i", *pairs))
    if marks.stereo is not None and not marks.stereo.is_inverted:
        mode = STEREO_MODES.get(marks.stereo.kind)
        if mode is not None:
            yield _box(b"st3d", bytes(4) + bytes([mode]))
    if marks.mastering is not None:
        red, green, blue, white = (
            [round(x * CHROMATICITY_UNIT) for x in marks.mastering[at : at + 2]]
            for at in range(0, 8, 2)
        )
        least, most = (round(x * LUMINANCE_UNIT) for x in marks.mastering[8:])
        values = (*green, *blue, *red, *white, most, least)
        yield _box(b"mdcv", struct.pack(">8H2I", *values))
    if marks.light_level is not None:
        yield _box(b"clli", struct.pack(">2H", *marks.light_level))


def add_boxes(film: Path, added: bytes, *, track: int) -> None:
    """Put boxes behind those of a picture's sample entry.

    Args:
        film: Written by FFmpeg, and closed.
        added: The boxes.
        track: The number of the picture among the file's tracks.

    Raises:
        OutputError: The file has not the form that FFmpeg writes.
        OSError: It cannot be read or written.
    """
    if not added:
        return
    with film.open("r+b") as file:
        try:
            place, header, has_media_behind = _find_header(file)
            shift = len(added) if has_media_behind else 0
            new = _header(header, added, track, shift)
        except (ValueError, struct.error) as error:
            raise OutputError(
                f"{film}: cannot write what its picture says of itself ({error}); "
                "try another kind of file"
            ) from error
        _make_room(file, place + len(header) + 8, len(added))
        file.seek(place)
        file.write(new)


def _find_header(file: BinaryIO) -> tuple[int, bytes, bool]:
    """Where `moov` begins, what lies in it, and whether media lies behind it."""
    position, was_media = 0, False
    while True:
        file.seek(position)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1:
            size = struct.unpack_from(">Q", head, 8)[0]
        if kind == b"moov":
            file.seek(position + 8)
            return position, file.read(size - 8), not was_media
        was_media |= kind == b"mdat"
        if size < 8:  # noqa: PLR2004 - size and name
            raise ValueError("its header is not where it should be")
        position += size


def _header(content: bytes, added: bytes, track: int, shift: int) -> bytes:
    """`moov` with the boxes in one of its tracks, and with the places of all media moved."""
    parts, number, is_found = [], 0, False
    for kind, own in boxes(content):
        is_it = kind == b"trak" and number == track
        is_found |= is_it
        parts.append(
            _box(kind, _laid(own, added if is_it else b"", shift) if kind in LAID else own)
        )
        number += kind == b"trak"
    if not is_found:
        raise ValueError("it has no such track")
    return _box(b"moov", b"".join(parts))


def _laid(content: bytes, added: bytes, shift: int) -> bytes:
    parts = []
    for kind, own in boxes(content):
        made = own
        if kind in LAID:
            made = _laid(own, added, shift)
        elif kind == b"stsd" and added:
            size = int.from_bytes(own[8:12], "big") + len(added)
            entry_end = 8 + size - len(added)
            made = own[:8] + size.to_bytes(4, "big") + own[12:entry_end] + added + own[entry_end:]
        elif kind in {b"stco", b"co64"}:
            letter = "I" if kind == b"stco" else "Q"
            count = int.from_bytes(own[4:8], "big")
            places = struct.unpack_from(f">{count}{letter}", own, 8)
            made = own[:8] + struct.pack(f">{count}{letter}", *(one + shift for one in places))
        parts.append(_box(kind, made))
    return b"".join(parts)


def _make_room(file: BinaryIO, begin: int, length: int) -> None:
    """Move all from a place on to the end by some bytes, the last part first."""
    position = file.seek(0, 2)
    while position > begin:
        start = max(begin, position - COPIED_BYTES)
        file.seek(start)
        data = file.read(position - start)
        file.seek(start + length)
        file.write(data)
        position = start


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content
