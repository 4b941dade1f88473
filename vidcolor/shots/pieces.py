"""A film in pieces, shots or parts of them, read one by one and yet as if from its beginning.

A first pass through the film finds them, and notes of each frame its time and a checksum of its
luma. A later reader of a piece begins at a key frame before it, and sees by these whether the
frames are the same; in some files they are not, and are then decoded from farther back.
"""

import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby, islice
from operator import attrgetter
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from vidcolor.errors import SourceGoneError
from vidcolor.frame import Frame, Numbered
from vidcolor.reading.reader import read_frames_from
from vidcolor.reading.source import Source
from vidcolor.shot import Shot
from vidcolor.shots.cuts import number_frames

MARGINS_SECONDS = (0, 2, 10, None)
"""How far before a piece decoding begins, the next where the one before does not do; None: at the
film's beginning. In MPEG program streams seeking comes out behind a key frame; encoders put these
every half second in MPEG-2, and mostly every ten seconds or less in H.264."""


_FIELDS = {None: 0, True: 1, False: 2}


class Piece(NamedTuple):
    """A shot of a film or a part of one, and how to know its frames again.

    Attributes:
        shot: Which shot it is of.
        first_frame: Number of its first frame in the film.
        times: The frames' pts, (frames,) int64.
        durations: Theirs, which some readers only guess when they begin in the middle, likewise.
        checks: CRC-32 of each frame's luma and of which field is first, (frames,) uint32.
        begins_shot: Whether its first frame is the shot's.
        ends_shot: Whether its last frame is.
    """

    shot: Shot
    first_frame: int
    times: NDArray[np.int64]
    durations: NDArray[np.int64]
    checks: NDArray[np.uint32]
    begins_shot: bool = True
    ends_shot: bool = True

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return len(self.times)


class StrayedError(SourceGoneError):
    """The frames that were read are not those of the piece."""


def find_pieces(frames: Iterable[Frame], most_frames: int) -> Iterator[Piece]:
    """Yield the shots of a film in pieces, each when its last frame has been seen.

    Args:
        frames: All of the film's frames.
        most_frames: How many frames each piece of a shot has but the last, which may have fewer.
    """
    for shot, members in groupby(number_frames(frames), key=attrgetter("shot")):
        noted = (_noted(one.frame) for one in members)
        held, begins_shot = list(islice(noted, 1)), True
        while held:
            held += islice(noted, most_frames - len(held))
            following = list(islice(noted, 1))
            yield _piece(shot, held, begins_shot=begins_shot, ends_shot=not following)
            held, begins_shot = following, False


def _piece(
    shot: Shot, noted: list[tuple[int, int, int, int]], *, begins_shot: bool, ends_shot: bool
) -> Piece:
    numbers, times, durations, checks = zip(*noted, strict=True)
    return Piece(
        shot,
        numbers[0],
        np.array(times, np.int64),
        np.array(durations, np.int64),
        np.array(checks, np.uint32),
        begins_shot,
        ends_shot,
    )


def read_pieces(
    source: Source,
    pieces: Sequence[Piece],
    margin_seconds: int | None,
    hwaccel: str | None = None,
) -> Generator[Numbered, None, None]:
    """Yield the frames of pieces that follow each other in a film, each with its shot.

    Args:
        source: The film.
        pieces: At least one.
        margin_seconds: One of `MARGINS_SECONDS`.
        hwaccel: See `read_frames`.

    Raises:
        StrayedError: They are not what they were in the first pass, or are not all there.
    """
    first = pieces[0].times[0]
    margin = 0 if margin_seconds is None else round(margin_seconds / source.time_base)
    seek_pts = int(first) - margin
    is_far = margin_seconds is not None and seek_pts > source.first_pts and source.clock.can_seek
    known = (
        (piece.shot, *noted)
        for piece in pieces
        for noted in zip(piece.times, piece.durations, piece.checks, strict=True)
    )
    try:
        with closing(
            read_frames_from(
                source,
                (pieces[0].first_frame, int(first)),
                seek_pts=seek_pts if is_far else None,
                hwaccel=hwaccel,
            )
        ) as frames:
            for shot, time, duration, check in known:
                frame = next(frames, None)
                if frame is None or (frame.pts, _check(frame)) != (time, check):
                    raise _strayed(source, pieces)
                yield Numbered(replace(frame, duration=int(duration)), shot, None)
    except av.FFmpegError as error:  # of a file that cannot be sought in
        raise _strayed(source, pieces) from error


def _noted(frame: Frame) -> tuple[int, int, int, int]:
    return frame.index, frame.pts, frame.duration, _check(frame)


def _check(frame: Frame) -> int:
    return zlib.crc32(np.ascontiguousarray(frame.luma).data, _FIELDS[frame.top_field_first])


def _strayed(source: Source, pieces: Sequence[Piece]) -> StrayedError:
    first, last = pieces[0].first_frame, pieces[-1].first_frame + pieces[-1].frames - 1
    return StrayedError(
        f"{source.path}: frames {first} to {last} are not read as they were before; "
        "run again when the file no longer changes"
    )
