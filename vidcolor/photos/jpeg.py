"""JPEG files as segments: what a file says of itself is written again byte for byte.

ITU-T T.81, annex B; ITU-T T.871 (JFIF); Exif 2.32, section 4.7; XMP part 3, section 1.1.3.
"""

from collections.abc import Iterable
from struct import pack, unpack_from

Segment = tuple[bytes, bytes]

APP0, APP1, APP2, APP14, COMMENT = b"\xff\xe0", b"\xff\xe1", b"\xff\xe2", b"\xff\xee", b"\xff\xfe"
EXIF_HEAD = b"Exif\0\0"
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
ICC_HEAD = b"ICC_PROFILE\0"
JFIF_HEAD = b"JFIF\0"

MOST_BYTES = 65533
"""That a segment holds."""

_START = b"\xff\xd8"
_FIRST_APP, _LAST_APP = 0xE0, 0xEF
_MARK, _SCAN, _END = 0xFF, 0xDA, 0xD9
_HOLD_PIXELS_TOGETHER = (b"MPF\0",)
"""Segments that refer to other pictures behind this one, which are not written."""


def read_segments(data: bytes) -> list[Segment]:
    """The segments of a JPEG file that describe its picture: marker and content."""
    found: list[Segment] = []
    at = 2
    while at + 4 <= len(data) and data[at] == _MARK:
        code = data[at + 1]
        if code in {_SCAN, _END}:
            break
        if code == _MARK:  # a marker may be filled up with these
            at += 1
            continue
        (size,) = unpack_from(">H", data, at + 2)
        if _FIRST_APP <= code <= _LAST_APP or code == COMMENT[1]:
            found.append((data[at : at + 2], data[at + 4 : at + 2 + size]))
        at += 2 + size
    return found


def kept_segments(segments: Iterable[Segment], *, with_icc: bool) -> list[Segment]:
    """Those that hold for the picture in color as well: all but what we write ourselves.

    Args:
        segments: Of the black-and-white picture.
        with_icc: Whether its color profile is one of them.
    """
    return [
        (marker, data)
        for marker, data in segments
        if not (
            (marker == APP1 and data.startswith(XMP_HEAD))
            or (marker == APP2 and data.startswith(_HOLD_PIXELS_TOGETHER))
            or (marker == APP2 and data.startswith(ICC_HEAD) and not with_icc)
            or marker == APP14  # how its samples are coded
        )
    ]


def icc_segments(profile: bytes) -> list[Segment]:
    """A color profile in as many segments as it takes (ICC.1:2022, annex B.4)."""
    size = MOST_BYTES - len(ICC_HEAD) - 2
    parts = [profile[at : at + size] for at in range(0, len(profile), size)]
    return [
        (APP2, ICC_HEAD + bytes((number, len(parts))) + part)
        for number, part in enumerate(parts, 1)
    ]


def write_segments(encoded: bytes, segments: Iterable[Segment]) -> bytes:
    """A JPEG file with these segments in place of its own.

    Args:
        encoded: The file.
        segments: Its metadata; its own JFIF segment stays where there is no other.
    """
    wanted = list(segments)
    own = read_segments(encoded)
    body = encoded[len(_START) + sum(len(data) + 4 for _, data in own) :]
    if not any(marker == APP0 and data.startswith(JFIF_HEAD) for marker, data in wanted):
        wanted = own[:1] + wanted
    wanted.sort(key=lambda segment: not (segment[0] == APP0 and segment[1].startswith(JFIF_HEAD)))
    listed = b"".join(marker + pack(">H", len(data) + 2) + data for marker, data in wanted)
    return _START + listed + body
