"""Elements put behind the frames of a Matroska file that FFmpeg has written.

Its list of places says where they lie, as mkvpropedit does it; nothing else moves.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from vidcolor.errors import OutputError
from vidcolor.reading.container_words import ContainerWords
from vidcolor.reading.ebml import VOID, Element, children, number, opening, parent
from vidcolor.reading.matroska_words import (
    ATOM,
    CHAPTERS,
    CLUSTER,
    EDITION,
    SEEK,
    SEEK_HEAD,
    SEEK_ID,
    SEEK_POSITION,
    TAGS,
)
from vidcolor.writing.matroska import HEADER_BYTES, padding, start_of_segment

TIME_START, TIME_END = 0x91, 0x92
NANOSECONDS = 1_000_000_000
SIZE_BYTES = 8
"""Of the segment's own size, as FFmpeg writes it."""


def append_words(
    film: Path, words: ContainerWords, shift: Fraction, length: Fraction | None
) -> None:
    """Give a Matroska file the source's chapters in chapters, their names, and tags of levels.

    Args:
        film: Written by FFmpeg, and closed.
        words: Of the source.
        shift: Seconds that the film begins after its source.
        length: Of the film in seconds, if it is a piece; None for a whole one.

    Raises:
        OutputError: The file has not the form that FFmpeg writes.
        OSError: It cannot be read or written.
    """
    editions = [moved_edition(one, shift, length) for one in words.chapters]
    kept = [one for one in editions if one is not None]
    elements = [parent(CHAPTERS, kept)] if kept else []
    elements += [parent(TAGS, words.tags)] if words.tags else []
    if not elements:
        return
    try:
        _append(film, elements)
    except ValueError as error:
        raise OutputError(
            f"{film}: cannot write its chapters and tags ({error}); try another kind of file"
        ) from error


def moved_edition(edition: Element, shift: Fraction, length: Fraction | None) -> Element | None:
    """Chapters in the result's time, cut to it; None where all lie outside."""
    parts = [_moved(one, shift, length) for one in children(edition.content)]
    kept = [one for one in parts if one is not None]
    return parent(EDITION, kept) if any(one.kind == ATOM for one in kept) else None


def _moved(part: Element, shift: Fraction, length: Fraction | None) -> Element | None:
    if part.kind != ATOM:
        return part
    told = dict(children(part.content))
    times = {kind: _seconds(told[kind]) - shift for kind in (TIME_START, TIME_END) if kind in told}
    start, end = times.get(TIME_START, Fraction(0)), times.get(TIME_END)
    if (end is not None and end <= 0) or (length is not None and start >= length):
        return None
    parts = []
    for one in children(part.content):
        if one.kind in times:
            time = max(Fraction(0), times[one.kind])
            time = time if length is None else min(time, length)
            parts.append(Element(one.kind, number(round(time * NANOSECONDS))))
        else:
            moved = _moved(one, shift, length)
            parts += [] if moved is None else [moved]
    return parent(ATOM, parts)


def _seconds(content: bytes) -> Fraction:
    return Fraction(int.from_bytes(content, "big"), NANOSECONDS)


def _append(film: Path, elements: list[Element]) -> None:
    with film.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        start = start_of_segment(head)
        places = list(_places(head, start))
        kinds = [kind for kind, _, _ in places]
        if kinds[:2] != [SEEK_HEAD, VOID]:
            raise ValueError("no room is left in its header")
        end = file.seek(0, 2)
        added = {}
        for one in elements:
            added[one.kind] = file.tell() - start
            file.write(bytes(one))
        size = file.tell() - start
        if CHAPTERS in added and CHAPTERS in kinds:
            _, begin, finish = places[kinds.index(CHAPTERS)]
            file.seek(begin)
            file.write(padding(finish - begin))
        if end > start:
            file.seek(start - SIZE_BYTES)
            file.write((size | 1 << 7 * SIZE_BYTES).to_bytes(SIZE_BYTES, "big"))
        _, begin, _ = places[0]
        finish = places[1][2]
        seek_head = _with_places(head[begin:finish], added)
        file.seek(begin)
        file.write(seek_head + padding(finish - begin - len(seek_head)))


def _places(head: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, begin and end of each element before the frames."""
    position = start
    while position < len(head):
        kind, begin, size = opening(head, position)
        if kind == CLUSTER:
            return
        yield kind, position, begin + size
        position = begin + size


def _with_places(head: bytes, added: dict[int, int]) -> bytes:
    """The list of places, with those of the elements behind the frames."""
    seek_head = next(iter(children(head)))
    seeks = [one for one in children(seek_head.content) if not _is_of(one, {CHAPTERS} & set(added))]
    return bytes(parent(SEEK_HEAD, [*seeks, *_seeks(added)]))


def _is_of(seek: Element, kinds: set[int]) -> bool:
    told = dict(children(seek.content)) if seek.kind == SEEK else {}
    return int.from_bytes(told.get(SEEK_ID, b""), "big") in kinds


def _seeks(added: dict[int, int]) -> Iterable[Element]:
    for kind, place in added.items():
        parts = [Element(SEEK_ID, number(kind)), Element(SEEK_POSITION, number(place))]
        yield parent(SEEK, parts)
