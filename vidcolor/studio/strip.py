"""The film strip: the shots of a film, found in the background, and the times of its frames."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from math import ceil, floor
from operator import attrgetter
from threading import Event, Lock, Thread
from typing import NamedTuple

import av

from vidcolor.errors import VidcolorError
from vidcolor.frame import Frame
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source
from vidcolor.shot import Shot
from vidcolor.shots.cuts import number_frames
from vidcolor.spans import Span
from vidcolor.studio.turns import READING_SECONDS, Turns


class StripShot(NamedTuple):
    """One shot of the strip.

    Attributes:
        shot: Which one, and what holds for it.
        first: Number of its first frame.
        last: Number of its last frame.
    """

    shot: Shot
    first: int
    last: int


class Strip:
    """The shots of a film, as far as they are found.

    A thread reads the film once, luma alone. What is kept of it are eight bytes a frame and a few
    numbers a shot, so a long film needs little memory.

    Args:
        source: The film.
        turns: Says when the next frame may be read.
        still: The photograph that it is; None for a film.
    """

    def __init__(self, source: Source, turns: Turns, still: Frame | None = None) -> None:
        self._source, self._turns, self._still = source, turns, still
        self._lock, self._stopped, self._begun = Lock(), Event(), Event()
        self._pts = array("q")
        self._shots: list[StripShot] = []
        self._error: str | None = None
        self._is_whole = False
        self._thread = Thread(target=self._find, name="strip", daemon=True)

    def begin(self) -> None:
        """Begin to look for shots."""
        self._thread.start()

    def await_first(self) -> None:
        """Wait until the first frame is known, or that there is none."""
        self._begun.wait()

    def close(self) -> None:
        """Stop looking, and wait until that has ended."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wait(self) -> None:
        """Wait until all of the film is known."""
        self._thread.join()

    @property
    def frames(self) -> int:
        """How many frames are known."""
        return len(self._pts)

    @property
    def is_whole(self) -> bool:
        """Whether all of the film is known."""
        return self._is_whole

    @property
    def error(self) -> str | None:
        """Why no more shots can be found, in one line; None if nothing went wrong."""
        return self._error

    def shots(self, first: int = 0) -> list[StripShot]:
        """The shots that are whole, from a number on."""
        with self._lock:
            return self._shots[first:]

    def shot_of(self, frame: int) -> StripShot | None:
        """The shot of a frame; None if it is not found yet."""
        with self._lock:
            return next((s for s in reversed(self._shots) if s.first <= frame <= s.last), None)

    def pts_of(self, frame: int) -> int | None:
        """When a frame is shown, in the film's own units; None for one that is not known."""
        return self._pts[frame] if 0 <= frame < len(self._pts) else None

    def frames_of(self, span: Span, shot: StripShot) -> list[int]:
        """The frames of a shot that belong to a span."""
        if span.unit == "frames":
            first, last = max(shot.first, ceil(span.first)), min(shot.last, floor(span.last))
            return list(range(first, last + 1))
        begin = self._source.first_pts
        unit = self._source.time_base

        def second(frame: int) -> Fraction:
            known = self.pts_of(frame)
            end = self._pts[-1] if known is None else known
            return (end - begin) * unit + (0 if known is not None else 1 / self._source.frame_rate)

        frames = range(shot.first, shot.last + 1)
        begin_at = bisect_left(frames, span.first, key=lambda one: second(one + 1))
        end_at = bisect_right(frames, span.last, key=second)
        near = frames[begin_at:end_at]
        return [one for one in near if span.holds(one, second(one), second(one + 1))]

    def _find(self) -> None:
        try:
            self._read()
        except (VidcolorError, av.FFmpegError, OSError) as error:
            self._error = str(error)
        finally:
            self._is_whole = True
            self._begun.set()

    def _read(self) -> None:
        if self._still is not None:  # nothing to look for in it, as when it is colorized
            self._pts.append(self._still.pts)
            self._shots.append(StripShot(Shot(0, None), 0, 0))
            return
        for shot, members in groupby(number_frames(self._followed()), key=attrgetter("shot")):
            frames = [one.frame.index for one in members]
            if self._stopped.is_set():
                return
            with self._lock:
                self._shots.append(StripShot(shot, frames[0], frames[-1]))

    def _followed(self) -> Iterator[Frame]:
        for frame in read_frames(self._source, Damage()):
            if self._stopped.is_set():
                return
            self._pts.append(frame.pts)
            self._begun.set()
            yield frame
            self._turns.give_way(READING_SECONDS)
