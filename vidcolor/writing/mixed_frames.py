"""Films whose frames change: fields that come and go, other tags, and which codecs say so."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from vidcolor.errors import SourceError
from vidcolor.frame import Frame, FrameFormat
from vidcolor.reading.changes import BOTTOM_FIRST, PROGRESSIVE, TOP_FIRST, Change
from vidcolor.reading.source import Source
from vidcolor.writing.encoding import Encoding

PICTURE_TIMING = b"\0\0\1\x06\x01\x01"
"""How x264 begins the message that says of a picture which field comes first: start code, SEI,
type and length 1 (ITU-T H.264, 7.3.2.3.1 and D.1.3)."""

WHOLE_FRAME = b"\x04"
"""That message's byte for a frame that is not woven: pic_struct 0, no clock, a stop bit."""

FIELD_ENCODERS = {"libx264", "ffv1"}
"""That say of each frame whether it is woven, and which field comes first."""

TAG_ENCODERS = {"libx264", "libx265", "mpeg2video"}
"""Whose streams may have new headers in their midst, in a container that holds such streams."""

MOST_CHANGES = 5  # that are listed before a film; its sidecar has all


def piece_of(source: Source, start: Fraction, length: Fraction | None) -> Source:
    """The film as a piece of it is: with the frames that the piece begins with.

    Args:
        source: The film, surveyed.
        start: Seconds after its first frame at which the piece begins.
        length: Of the piece in seconds; None for the rest of the film.
    """
    for change in source.changes:
        if change.seconds <= start:
            source = replace(
                source, picture=_changed(source, change), pixel_format=change.pixel_format
            )
    end = None if length is None else start + length
    inside = tuple(
        one for one in source.changes if one.seconds > start and (end is None or one.seconds < end)
    )
    return replace(source, changes=inside)


def _changed(source: Source, change: Change) -> FrameFormat:
    """What the film's frames have in common from a change on; its container's words stay."""
    order, turn = source.picture.field_order, source.picture.display_matrix
    return replace(change.after, field_order=order, display_matrix=turn)


def with_field_order(source: Source, codec: str) -> Source:
    """The film with the order of fields that an encoder is told of all its frames.

    One that says more of each frame must know that there are woven ones. Of others that is told
    which most of the frames have.
    """
    fields = source.fields
    if not fields.is_mixed and (source.picture.is_interlaced or not fields.is_woven):
        return source
    woven = TOP_FIRST if fields.top_first >= fields.bottom_first else BOTTOM_FIRST
    is_rare = fields.progressive > fields.top_first + fields.bottom_first
    order = PROGRESSIVE if is_rare and codec not in FIELD_ENCODERS else woven
    return replace(source, picture=replace(source.picture, field_order=order))


def refuse_other_sizes(source: Source) -> None:
    """Raise if no one film can hold all frames.

    Raises:
        SourceError: Their size or format changes.
    """
    for change in source.changes:
        if change.is_of_size:
            raise SourceError(
                f"{source.path}: {change}; add --on-change split, which writes a film for each part"
            )


def keeps_tags(encoding: Encoding) -> bool:
    """Whether new tags in mid-film go into the film: whether its headers come again and again."""
    return encoding.container == "mpegts" and encoding.codec in TAG_ENCODERS


def keeps_fields(encoding: Encoding) -> bool:
    """Whether the film says of each frame whether it is woven, and how."""
    return encoding.codec in FIELD_ENCODERS and not encoding.is_sequence


def as_written(source: Source, encoding: Encoding) -> Source:
    """The film as its frames are read to be written: with the chroma planes that they will have.

    Changes in its midst that the result cannot say are none: one word holds for all its frames.
    """
    changes = source.changes if keeps_tags(encoding) else ()
    return replace(source, picture=encoding.picture, changes=changes)


def notes_on_changes(source: Source, encoding: Encoding) -> Iterator[str]:
    """What the user should know of frames that change, a sentence each."""
    place = f"one {encoding.container} file of {encoding.codec}"
    end = "kept" if keeps_tags(encoding) else f"{place} has one word for all, that of its beginning"
    for change in source.changes[:MOST_CHANGES]:
        yield f"{change}: {end}"
    if len(source.changes) > MOST_CHANGES:
        yield f"and {len(source.changes) - MOST_CHANGES} more changes, listed in the sidecar"
    fields = source.fields
    if fields.is_mixed:
        kinds = _listed(fields[:3], ("progressive", "top field first", "bottom field first"))
        if keeps_fields(encoding):
            yield f"its fields change from frame to frame ({kinds}): kept frame by frame"
        else:
            word = "interlaced" if encoding.picture.is_interlaced else "progressive"
            yield f"{place} cannot say fields frame by frame ({kinds}): all are called {word}"
    if fields.repeated:
        yield f"{fields.repeated} frames repeat a field (3:2 pulldown): their times are kept"


def _listed(counts: Sequence[int], words: Sequence[str]) -> str:
    return ", ".join(f"{n} {word}" for n, word in zip(counts, words, strict=True) if n)


def is_woven_by_x264(encoding: Encoding) -> bool:
    """Whether x264 codes all frames as woven ones, of which a message tells single ones apart."""
    return encoding.codec == "libx264" and encoding.picture.is_interlaced


def fitted(opened: Encoding, source: Source, frame: Frame) -> Encoding:
    """How a frame is encoded after others of its shot; `opened`, if the encoder can go on.

    Args:
        opened: How the one before was encoded, or how the film is.
        source: The film.
        frame: The frame.
    """
    picture, options, top_first = opened.picture, opened.options, frame.top_field_first
    for change in source.changes if keeps_tags(opened) else ():
        if frame.pts >= change.pts:
            picture = change.tagged(picture)
    is_other = top_first is opened.picture.is_bottom_first
    if is_other and is_woven_by_x264(opened):
        picture = replace(picture, field_order=TOP_FIRST if top_first else BOTTOM_FIRST)
        params = (options.get("x264-params"), "tff=1" if top_first else "bff=1")
        options = options | {"x264-params": ":".join(filter(None, params))}
    return replace(opened, picture=picture, options=options)


def as_whole_frame(data: bytes) -> bytes:
    """A picture of x264's coded as a woven frame, which now says that it is none.

    FFmpeg's x264 has one kind of frames. The message is one byte long where no buffer is modelled.
    """
    place = data.find(PICTURE_TIMING)
    if place < 0:
        return data
    place += len(PICTURE_TIMING)
    return data[:place] + WHOLE_FRAME + data[place + 1 :]
