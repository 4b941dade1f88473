"""Some frames of a film, spread over it and unlike each other, found by seeking."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import av

from vidcolor.errors import SourceError
from vidcolor.frame import Frame
from vidcolor.reading.reader import Damage, read_frames, read_frames_from
from vidcolor.reading.source import Source
from vidcolor.shots.cuts import ALIKE
from vidcolor.shots.detail import PLAIN_DETAIL, Detail, find_detail, small_luma, spread, unlikeness

CANDIDATES = 2
"""Frames looked at for each that is wanted: some are alike, or blank."""

FRAMES_READ_THROUGH = 240
"""A film of no more frames is read from its beginning to its end: it may have but one key frame."""

FRAMES_AFTER_SEEK = 12
"""Decoded behind a key frame, at most, where seeking comes out at the one of before."""


class _Candidate(NamedTuple):
    """A frame, and the features by which it differs from others."""

    frame: Frame
    detail: Detail


def sample_frames(source: Source, count: int) -> list[Frame]:
    """Some frames of a film in their order, one a set-up as far as set-ups can be recognized.

    The work does not grow with the film's length. Blank frames are left out where others are.

    Args:
        source: The film.
        count: How many frames at most.

    Raises:
        SourceError: Not one decodes.
    """
    found = [_Candidate(frame, _detail(frame)) for frame in _spread_frames(source, count)]
    plain = [one for one in found if spread(one.detail) > PLAIN_DETAIL]
    kept: list[_Candidate] = []
    for one in plain or found:
        if all(unlikeness(one.detail, other.detail) > ALIKE for other in kept):
            kept.append(one)
    if not kept:
        raise SourceError(f"{source.path}: not one frame decodes; copy the film again")
    return [one.frame for one in _thinned(kept, count)]


def richest_frame(frames: Sequence[Frame]) -> Frame:
    """The frame with most detail of some."""
    return max(frames, key=lambda frame: spread(_detail(frame)))


def _detail(frame: Frame) -> Detail:
    return find_detail(small_luma(frame.luma, frame.picture.depth))[0]


def _thinned(items: list[_Candidate], count: int) -> list[_Candidate]:
    """So many of some items, spread over them."""
    if len(items) <= count:
        return items
    return [items[i * len(items) // count] for i in range(count)]


def _spread_frames(source: Source, count: int) -> Iterator[Frame]:
    """Frames at even steps through a film; its first ones where it cannot be sought in."""
    wanted = CANDIDATES * count
    expected = source.frames_expected()
    if expected is None or expected <= FRAMES_READ_THROUGH:
        yield from _read_through(source, wanted)
        return
    length = source.duration_seconds or 0.0
    last_pts: int | None = None
    for i in range(wanted):
        wanted_pts = source.first_pts + int((i + 0.5) * length / wanted / source.time_base)
        frame = _frame_at(source, wanted_pts, last_pts)
        if frame is not None and frame.pts != last_pts:
            last_pts = frame.pts
            yield frame
    if last_pts is None:
        yield from _read_through(source, wanted)


def _read_through(source: Source, wanted: int) -> Iterator[Frame]:
    frames = islice(read_frames(source, Damage()), FRAMES_READ_THROUGH)
    expected = min(source.frames_expected() or FRAMES_READ_THROUGH, FRAMES_READ_THROUGH)
    step = max(1, expected // wanted)
    yield from (frame for frame in frames if frame.index % step == step // 2)


def _frame_at(source: Source, pts: int, last_pts: int | None) -> Frame | None:
    """The key frame before a time, or a frame behind it where that key frame was given before."""
    found: Frame | None = None
    try:
        with closing(read_frames_from(source, (0, source.first_pts), seek_pts=pts)) as frames:
            for frame in islice(frames, FRAMES_AFTER_SEEK):
                found = frame
                if last_pts is None or frame.pts > last_pts:
                    break
    except (av.FFmpegError, SourceError):
        return None
    return found
