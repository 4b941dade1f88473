"""Frames of a film by their numbers."""

from threading import Lock

from vidcolor.errors import SourceError
from vidcolor.frame import Frame
from vidcolor.reading.reader import read_frames_from
from vidcolor.reading.source import Source
from vidcolor.studio.open_frames import OpenFrames
from vidcolor.studio.strip import Strip


class FrameReader:
    """Reads frames by their numbers; of neighbors the second needs no seeking.

    Args:
        source: The film.
        strip: Knows when its frames are shown.
    """

    def __init__(self, source: Source, strip: Strip) -> None:
        self._source, self._strip, self._lock = source, strip, Lock()
        self._open: OpenFrames[Frame] = OpenFrames(lambda frame: frame.index)

    def close(self) -> None:
        """Close the film."""
        with self._lock:
            self._open.close()

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
            if not self._open.reaches(number):
                self._begin(number, pts, is_sought=self._source.clock.can_seek)
            found = self._open.find(number)
            if found is None or found.pts != pts:  # the file breaks where it is sought in
                self._begin(number, pts, is_sought=False)
                found = self._open.find(number)
        if found is None or found.pts != pts:
            raise SourceError(f"frame {number} cannot be read again; has the film changed?")
        return found

    def _begin(self, number: int, pts: int, *, is_sought: bool) -> None:
        first = (number, pts) if is_sought else (0, self._strip.pts_of(0) or 0)
        seek_pts = pts if is_sought else None
        self._open.begin(read_frames_from(self._source, first, seek_pts=seek_pts))
