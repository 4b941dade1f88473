"""Frames of a film by their numbers."""

from collections.abc import Generator
from threading import Lock

from vidcolor.errors import SourceError
from vidcolor.frame import Frame
from vidcolor.reading.reader import read_frames_from
from vidcolor.reading.source import Source
from vidcolor.studio.strip import Strip

READ_ON = 48
"""Frames that the next one wanted may lie behind the last one read, not to seek anew."""


class FrameReader:
    """Reads frames by their numbers; of neighbors the second needs no seeking.

    Args:
        source: The film.
        strip: Knows when its frames are shown.
    """

    def __init__(self, source: Source, strip: Strip) -> None:
        self._source, self._strip, self._lock = source, strip, Lock()
        self._open: Generator[Frame, None, None] | None = None
        self._next = 0

    def close(self) -> None:
        """Close the film."""
        with self._lock:
            self._end()

    def read(self, number: int) -> Frame:
        """A frame as it was decoded.

        Raises:
            SourceError: There is no such frame, or it is not found yet.
        """
        pts = self._strip.pts_of(number)
        if pts is None:
            known = self._strip.frames
            raise SourceError(f"frame {number} is not known; {known} frames are found so far")
        with self._lock:
            if self._open is None or not self._next <= number < self._next + READ_ON:
                self._end()
                self._seek(number, pts)
            found = self._find(number, pts)
            if found is None:  # the file breaks where it is sought in: read it from its beginning
                self._end()
                first = self._strip.pts_of(0) or 0
                self._open = read_frames_from(self._source, (0, first), seek_pts=None)
                found = self._find(number, pts)
        if found is None:
            raise SourceError(f"frame {number} cannot be read again; has the film changed?")
        return found

    def _seek(self, number: int, pts: int) -> None:
        seek_pts = pts if self._source.clock.can_seek else None
        wanted = (number, pts) if seek_pts is not None else (0, self._strip.pts_of(0) or 0)
        self._open = read_frames_from(self._source, wanted, seek_pts=seek_pts)

    def _find(self, number: int, pts: int) -> Frame | None:
        """Read on up to a frame; None if it does not come."""
        for frame in self._open or ():
            self._next = frame.index + 1
            if frame.index == number:
                return frame if frame.pts == pts else None
            if frame.index > number:
                return None
        return None

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None
