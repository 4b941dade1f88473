"""Nested chapters, names in several languages and tags of levels, read from Matroska itself.

FFmpeg makes one flat list of chapters with one name each, and takes the title of a part for the
film's where it is said by its level's number.
"""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Protocol

from vidcolor.reading.container_words import NO_WORDS, ContainerWords, Window
from vidcolor.reading.ebml import Element, children, opening
from vidcolor.reading.texts import decode_text

# Element IDs of RFC 9559, section 5.1.
SEGMENT, SEEK_HEAD, CLUSTER, INFO = 0x18538067, 0x114D9B74, 0x1F43B675, 0x1549A966
SEEK, SEEK_ID, SEEK_POSITION, TITLE = 0x4DBB, 0x53AB, 0x53AC, 0x7BA9
CHAPTERS, EDITION, ATOM, CHAPTER_DISPLAY = 0x1043A770, 0x45B9, 0xB6, 0x80
TAGS, TAG, TARGETS, TARGET_VALUE, TARGET_TYPE = 0x1254C367, 0x7373, 0x63C0, 0x68CA, 0x63CA
TRACK_UID, EDITION_UID, CHAPTER_UID, ATTACHMENT_UID = 0x63C5, 0x63C9, 0x63C4, 0x63C6
TRACKS, TRACK_ENTRY, VIDEO = 0x1654AE6B, 0xAE, 0xE0
CROPS = (0x54CC, 0x54BB, 0x54DD, 0x54AA)
"""PixelCropLeft, Top, Right and Bottom."""
SIMPLE_TAG, TAG_NAME = 0x67C8, 0x45A3

FILM_LEVEL = 50
"""TargetTypeValue of a film, which holds where a tag states none."""

MOST_BYTES = 16 << 20
"""Of one element that is read."""

HEAD_BYTES = 12
WANTED = {INFO, TRACKS, CHAPTERS, TAGS}


class ByteFile(Protocol):
    """A file that is read in places."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""

    def read(self, size: int, /) -> bytes:
        """Some bytes."""


def read_words(file: ByteFile, track: int = 0) -> ContainerWords:
    """What a Matroska file says in its header, or behind its frames where that points there.

    Args:
        file: The file. What is damaged in it is passed over.
        track: Number of the picture among its tracks.
    """
    with suppress(ValueError):
        return _words(list(_elements(file)), track)
    return NO_WORDS


def _words(elements: list[Element], track: int) -> ContainerWords:
    found = {kind: [one for one in elements if one.kind == kind] for kind in WANTED}
    editions = [one for each in found[CHAPTERS] for one in children(each.content)]
    editions = [one for one in editions if one.kind == EDITION]
    tags = [one for each in found[TAGS] for one in children(each.content) if one.kind == TAG]
    leveled = [one for one in tags if _is_leveled(one)]
    titles = [one.content for each in found[INFO] for one in children(each.content)
              if one.kind == TITLE]  # fmt: skip
    return ContainerWords(
        title=_text(titles[0]) if titles else None,
        chapters=tuple(editions) if any(map(_is_rich, editions)) else (),
        tags=tuple(leveled),
        tag_names=frozenset(name for one in leveled for name in _names(one)),
        window=_window([one for each in found[TRACKS] for one in children(each.content)], track),
    )


def _window(tracks: list[Element], number: int) -> Window | None:
    """What is to be seen of the picture of a track."""
    entries = [one for one in tracks if one.kind == TRACK_ENTRY][number : number + 1]
    for video in (one for each in entries for one in children(each.content)):
        if video.kind == VIDEO:
            told = dict(children(video.content))
            sides = (Fraction(int.from_bytes(told.get(kind, b""), "big")) for kind in CROPS)
            window = Window(*sides)
            return window if any(window) else None
    return None


def _elements(file: ByteFile) -> Iterator[Element]:
    """The wanted elements of a file's segment."""
    start, _ = _segment(file)
    places: list[int] = []
    seen: set[int] = set()
    position = start
    while True:
        kind, begin, size = _opened(file, position)
        if kind == CLUSTER:
            break
        if kind == SEEK_HEAD:
            places += [start + place for place in _places(_content(file, begin, size))]
        if kind in WANTED:
            seen.add(position)
            yield Element(kind, _content(file, begin, size))
        position = begin + size
    for place in places:
        with suppress(ValueError):
            kind, begin, size = _opened(file, place)
            if kind in WANTED and place not in seen:
                seen.add(place)
                yield Element(kind, _content(file, begin, size))


def _segment(file: ByteFile) -> tuple[int, int]:
    position = 0
    while True:
        kind, start, size = _opened(file, position)
        if kind == SEGMENT:
            return start, size
        position = start + size


def _opened(file: ByteFile, position: int) -> tuple[int, int, int]:
    file.seek(position)
    kind, start, size = opening(file.read(HEAD_BYTES), 0)
    return kind, position + start, size


def _content(file: ByteFile, start: int, size: int) -> bytes:
    if size > MOST_BYTES:
        raise ValueError("an element of its header is too large")
    file.seek(start)
    content = file.read(size)
    if len(content) < size:
        raise ValueError("its header breaks off")
    return content


def _places(seek_head: bytes) -> Iterator[int]:
    """Where a list of places says that the wanted elements lie."""
    for seek in children(seek_head):
        told = dict(children(seek.content)) if seek.kind == SEEK else {}
        if int.from_bytes(told.get(SEEK_ID, b""), "big") in WANTED:
            yield int.from_bytes(told.get(SEEK_POSITION, b""), "big")


def _is_rich(edition: Element) -> bool:
    """Whether chapters lie in chapters, or have several names, which a flat list lacks."""
    for atom in children(edition.content):
        if atom.kind == ATOM:
            kinds = [one.kind for one in children(atom.content)]
            if ATOM in kinds or kinds.count(CHAPTER_DISPLAY) > 1:
                return True
    return False


def _is_leveled(tag: Element) -> bool:
    """Whether a tag is of another level than the film, or of a chapter."""
    targets = [child for child in children(tag.content) if child.kind == TARGETS]
    told = dict(children(targets[0].content)) if targets else {}
    if told.keys() & {TRACK_UID, ATTACHMENT_UID}:
        return False  # these have other numbers in another file
    if told.keys() & {EDITION_UID, CHAPTER_UID}:
        return True
    level = int.from_bytes(told.get(TARGET_VALUE, bytes([FILM_LEVEL])), "big")
    return level != FILM_LEVEL


def _names(tag: Element) -> Iterator[str]:
    """What FFmpeg calls the values of a tag, with its level's name and without."""
    targets = [child for child in children(tag.content) if child.kind == TARGETS]
    told = dict(children(targets[0].content)) if targets else {}
    level = _text(told.get(TARGET_TYPE, b"")).lower()
    for simple in children(tag.content):
        if simple.kind == SIMPLE_TAG:
            name = _text(dict(children(simple.content)).get(TAG_NAME, b"")).lower()
            yield f"{level}/{name}" if level else name


def _text(data: bytes) -> str:
    return decode_text(data.rstrip(b"\0"))
