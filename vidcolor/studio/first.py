"""A film's first frame in black and white, before torch is loaded: the page has something to show.

The desk's own picture of it, which is exact, takes its place.
"""

import logging
from pathlib import Path
from threading import Event
from typing import cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidcolor.errors import VidcolorError
from vidcolor.reading.open_file import Access, OpenFile
from vidcolor.studio.routes import no_picture
from vidcolor.web.server import Reply, Request

MOST_PIXELS = 1 << 26
"""Of a frame; larger ones wait for the desk."""

SENT_SECONDS = 0.6
"""How long all else waits for a browser to ask for the picture."""

Plane = NDArray[np.uint8]

_LOG = logging.getLogger(__name__)


class FirstPicture:
    """Makes the picture once and sends it.

    Args:
        film: The film.
    """

    def __init__(self, film: Path) -> None:
        self._film = film
        self._is_made, self._is_sent = Event(), Event()
        self._jpeg: bytes | None = None

    def make(self) -> None:
        """Make the picture, and wait a moment until it is sent."""
        try:
            self._jpeg = draw_first(self._film)
        except (VidcolorError, av.FFmpegError, cv2.error, OSError, ValueError) as error:
            _LOG.debug("no first picture of %s: %s", self._film, error)  # the desk says what is so
        finally:
            self._is_made.set()
        if self._jpeg is not None:
            self._is_sent.wait(SENT_SECONDS)

    def answer(self, request: Request) -> Reply:
        """The picture as JPEG; without content if there is none."""
        self._is_made.wait()
        if self._jpeg is None:
            return no_picture(request)
        self._is_sent.set()
        return Reply(self._jpeg, "image/jpeg")


def draw_first(film: Path) -> bytes | None:
    """The luma of a film's first frame, its pixels square, as JPEG.

    None for one that is turned, and if several streams might be the film.

    Args:
        film: A file.

    Raises:
        VidcolorError, av.FFmpegError, OSError: It cannot be read.
    """
    if not film.is_file():
        return None
    with OpenFile(film, Access(most_pixels=MOST_PIXELS)) as opened:
        pictures = opened.streams.video
        if len(pictures) != 1 or not pictures[0].codec_context:  # the desk knows which is the film
            return None
        frame = next(opened.decode(pictures[0]), None)
        if frame is None or frame.rotation or frame.width * frame.height > MOST_PIXELS:
            return None
        stated = pictures[0].sample_aspect_ratio or pictures[0].codec_context.sample_aspect_ratio
        aspect = float(stated or 1)
    return _drawn(cast(VideoFrame, frame), aspect)


def _drawn(frame: VideoFrame, aspect: float) -> bytes:
    gray = cast(Plane, frame.to_ndarray(format="gray"))
    size = max(1, round(frame.width * aspect)), frame.height
    if size != gray.shape[::-1]:
        gray = cast(Plane, cv2.resize(gray, size, interpolation=cv2.INTER_AREA))
    return bytes(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
