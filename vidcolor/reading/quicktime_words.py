"""The timecode track and the clean aperture of QuickTime, read from the file itself.

FFmpeg has no timecode that drops numbers at other rates than 29.97 and 59.94, and gives none then.
PyAV hands on no clean aperture.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from vidcolor.reading.container_words import NO_WORDS, ContainerWords, Window
from vidcolor.reading.matroska_words import ByteFile
from vidcolor.timecode import Timecode

MOST_BYTES = 64 << 20
"""Of the header, which lies in memory."""

ENTRY_BYTES = 16
"""Of a table of samples before its first entry: size, name, version, count."""

DROPS = 1

DAMAGE = (ValueError, LookupError, ArithmeticError, struct.error)
"""What reading damaged boxes ends in."""

PICTURE_ENTRY_BYTES = 86
"""Of a picture's sample entry before its boxes (ISO/IEC 14496-12, 12.1.3)."""


def read_words(file: ByteFile, track: int = 0) -> ContainerWords:
    """What a MOV or MP4 file says of its timecode track, and of the window of its picture.

    Args:
        file: The file. What is damaged in it is passed over.
        track: Number of the picture among its tracks.
    """
    words = NO_WORDS
    with suppress(*DAMAGE):
        tracks = [one for kind, one in boxes(_header(file)) if kind == b"trak"]
        for index, one in enumerate(tracks):
            with suppress(*DAMAGE):
                text = _timecode(one, file)
                if text is not None and words.timecode is None:
                    words = replace(words, timecode=text, timecode_stream=index)
        words = replace(words, window=_window(tracks[track]))
    return words


def _window(track: bytes) -> Window | None:
    """The clean aperture of a track's pictures (ISO/IEC 14496-12, 12.1.4)."""
    entry = _inside(track, b"mdia", b"minf", b"stbl", b"stsd")[8:]
    entry = entry[: int.from_bytes(entry[:4], "big")]
    found = [content for kind, content in boxes(entry[PICTURE_ENTRY_BYTES:]) if kind == b"clap"]
    if not found:
        return None
    numbers = struct.unpack(">8i", found[0][:32])
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    if not all(numbers[1::2]):
        return None
    width, height, right, down = (Fraction(*pair) for pair in pairs)
    whole = struct.unpack(">2H", entry[32:36])
    left = (whole[0] - width) / 2 + right
    top = (whole[1] - height) / 2 + down
    window = Window(left, top, whole[0] - width - left, whole[1] - height - top)
    return window if any(window) and min(window) >= 0 else None


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and content of each box (ISO/IEC 14496-12, 4.2).

    Raises:
        ValueError: It breaks off.
    """
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        kind, start = data[position + 4 : position + 8], position + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = len(data) if size == 0 else position + size
        if end < start or end > len(data):
            raise ValueError("its header breaks off")
        yield kind, data[start:end]
        position = end


def _header(file: ByteFile) -> bytes:
    """The content of the box `moov`."""
    position = 0
    while True:
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:  # noqa: PLR2004 - size and name
            raise ValueError("it has no header")
        size, start = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, start = int.from_bytes(head[8:16], "big"), 16
        if head[4:8] == b"moov" and start <= size <= MOST_BYTES:
            file.seek(position + start)
            return file.read(size - start)
        if size < start:
            raise ValueError("its header is behind a box without an end")
        position += size


def _inside(data: bytes, *names: bytes) -> bytes:
    """The content of a box in a box, and so on.

    Raises:
        ValueError: There is none.
    """
    for name in names:
        found = [content for kind, content in boxes(data) if kind == name]
        if not found:
            raise ValueError(f"it has no {name.decode()}")
        data = found[0]
    return data


def _timecode(track: bytes, file: ByteFile) -> str | None:
    """The timecode of a track's first sample, with ';' where it says so; None for other tracks."""
    table = _inside(track, b"mdia", b"minf", b"stbl")
    entry = _inside(table, b"stsd")[8:]
    if entry[4:8] != b"tmcd":
        return None
    flags, frames = int.from_bytes(entry[20:24], "big"), entry[32]
    places = {kind: content for kind, content in boxes(table) if kind in {b"stco", b"co64"}}
    width = 4 if b"stco" in places else 8
    place = places[b"stco" if width == 4 else b"co64"][8 : 8 + width]  # noqa: PLR2004 - bytes
    file.seek(int.from_bytes(place, "big"))
    number = int.from_bytes(file.read(4), "big")
    code = Timecode(0, 0, 0, 0, drops=bool(flags & DROPS) and frames % 30 == 0)
    text = code.after(number, Fraction(frames)).text()
    return text if not flags & DROPS or code.drops else text[:8] + ";" + text[9:]
