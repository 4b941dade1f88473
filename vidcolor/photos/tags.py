"""Directories of tags, of which Exif and TIFF are made: read, changed, and written again.

Values stay the bytes that they are, in the order of bytes that they have, and so does a tag that
nobody here knows. TIFF revision 6.0, section 2; Exif 2.32, section 4.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import error as struct_error
from struct import pack, unpack_from
from typing import NamedTuple

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of one value of each type."""

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
BYTE = 1

ORIENTATION = 274
UPRIGHT = 1
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
POINTERS = (EXIF, GPS, INTEROPERABILITY)
"""Tags whose value is the place of a directory."""

_MAGIC = 42
_MOST_ENTRIES = 4096
_INLINE = 4  # bytes that an entry holds itself


class Entry(NamedTuple):
    """The value of a tag.

    Attributes:
        kind: Its type, a key of `SIZES`.
        data: All its values, one behind the other.
    """

    kind: int
    data: bytes


@dataclass(slots=True)
class Directory:
    """Tags by their numbers.

    Attributes:
        order: How numbers lie in it: `<` with the least byte first, `>` with the greatest.
        entries: The values.
        below: The directories that tags of `POINTERS` point to.
        follower: Where the next directory of the file lies; 0 for none.
    """

    order: str = "<"
    entries: dict[int, Entry] = field(default_factory=dict)
    below: dict[int, "Directory"] = field(default_factory=dict)
    follower: int = 0

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The value of a tag of whole numbers; empty if there is none."""
        entry = self.entries.get(tag)
        code = {BYTE: "B", SHORT: "H", LONG: "I"}.get(entry.kind) if entry else None
        if entry is None or code is None:
            return ()
        return unpack_from(f"{self.order}{len(entry.data) // SIZES[entry.kind]}{code}", entry.data)

    def text(self, tag: int) -> str:
        """The value of a tag that is a text; empty if there is none."""
        entry = self.entries.get(tag)
        return entry.data.rstrip(b"\0").decode("utf-8", "replace") if entry else ""

    def put_numbers(self, tag: int, kind: int, *values: int) -> None:
        """Give a tag whole numbers: of `SHORT`, `LONG`, or pairs of `RATIONAL`."""
        code = {SHORT: "H"}.get(kind, "I")
        self.entries[tag] = Entry(kind, pack(f"{self.order}{len(values)}{code}", *values))

    def put_text(self, tag: int, text: str) -> None:
        """Give a tag a text."""
        self.entries[tag] = Entry(ASCII, text.encode() + b"\0")


def read_tags(data: bytes) -> Directory:
    """The first directory of an Exif block or a TIFF file, and those below it.

    Args:
        data: Beginning with the order of bytes, `II` or `MM`.

    Raises:
        ValueError: It is neither, or damaged; a BigTIFF is neither.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    try:
        if order is None or unpack_from(f"{order}H", data, 2) != (_MAGIC,):
            raise ValueError("no directory of tags")
        (place,) = unpack_from(f"{order}I", data, 4)
        return _read(data, order, place, depth=0)
    except struct_error as error:
        raise ValueError("a damaged directory of tags") from error


def _read(data: bytes, order: str, place: int, depth: int) -> Directory:
    (count,) = unpack_from(f"{order}H", data, place)
    if count > _MOST_ENTRIES:
        raise ValueError("a damaged directory of tags")
    found = Directory(order)
    for at in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind, number = unpack_from(f"{order}HHI", data, at)
        if kind not in SIZES:
            continue
        size = SIZES[kind] * number
        start = at + 8 if size <= _INLINE else unpack_from(f"{order}I", data, at + 8)[0]
        value = data[start : start + size]
        if len(value) < size:
            raise ValueError("a damaged directory of tags")
        if tag in POINTERS and depth < len(POINTERS):
            (below,) = unpack_from(f"{order}I", value)
            found.below[tag] = _read(data, order, below, depth + 1)
        else:
            found.entries.setdefault(tag, Entry(kind, value))  # of two, readers take the first
    (found.follower,) = unpack_from(f"{order}I", data, place + 2 + 12 * count)
    return found


def write_tags(directory: Directory, before: bytes = b"", places: Mapping[int, int] = {}) -> bytes:
    """A file of a directory and those below it.

    Args:
        directory: What to write.
        before: What lies between the head of the file and the directory: strips of a picture.
        places: Tags that hold places in `before`, each with what to add to its values: where
            `before` begins is known here alone.
    """
    body = bytearray(before)
    body += bytes(len(body) % 2)
    head = 8
    for tag, offset in places.items():
        values = (value + head + offset for value in directory.numbers(tag))
        directory.put_numbers(tag, LONG, *values)
    place = _write(directory, body, head)
    name = b"II" if directory.order == "<" else b"MM"
    return name + pack(f"{directory.order}HI", _MAGIC, place) + bytes(body)


def _write(directory: Directory, body: bytearray, head: int) -> int:
    """Put a directory behind what there is; where in the file it begins."""
    order = directory.order
    entries = dict(directory.entries)
    for tag, below in directory.below.items():
        entries[tag] = Entry(LONG, pack(f"{order}I", _write(below, body, head)))
    listed = bytearray()
    for tag, (kind, data) in sorted(entries.items()):
        listed += pack(f"{order}HHI", tag, kind, len(data) // SIZES[kind])
        if len(data) <= _INLINE:
            listed += data.ljust(_INLINE, b"\0")
            continue
        listed += pack(f"{order}I", head + len(body))
        body += data + bytes(len(data) % 2)
    place = head + len(body)
    body += pack(f"{order}H", len(entries)) + listed + pack(f"{order}I", 0)
    return place


def orientation_of(exif: bytes | None) -> int:
    """How a picture is turned when shown, by its Exif block: 1 to 8, 1 where it says nothing."""
    try:
        found = read_tags(exif).numbers(ORIENTATION) if exif else ()
    except ValueError:
        return UPRIGHT
    return found[0] if found and UPRIGHT <= found[0] <= len(DISPLAY_TURNS) else UPRIGHT


def stored_upright(data: bytes) -> bytes:
    """A TIFF file that says it is not turned, as libraries turn what says it is.

    Args:
        data: The file.

    Raises:
        ValueError: See `read_tags`.
    """
    order = read_tags(data).order
    (place,) = unpack_from(f"{order}I", data, 4)
    (count,) = unpack_from(f"{order}H", data, place)
    changed = bytearray(data)
    for at in range(place + 2, place + 2 + 12 * count, 12):
        if unpack_from(f"{order}H", data, at) == (ORIENTATION,):
            changed[at + 8 : at + 10] = pack(f"{order}H", UPRIGHT)
    return bytes(changed)


DISPLAY_TURNS: dict[int, tuple[int, int, int, int]] = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
"""a, b, c, d of the display matrix of each orientation (Exif 2.32, section 4.6.4, tag 274)."""


def display_matrix(orientation: int) -> tuple[int, ...] | None:
    """The nine integers that FFmpeg has for an orientation; None for upright."""
    if orientation == UPRIGHT:
        return None
    a, b, c, d = (part << 16 for part in DISPLAY_TURNS[orientation])
    return a, b, 0, c, d, 0, 0, 0, 1 << 30
