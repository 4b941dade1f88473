"""Frames of the finished film, as they are in its file."""

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageOps

from vidcolor.color.rgb import rgb_picture
from vidcolor.errors import SourceError
from vidcolor.frame import Frame, Plane
from vidcolor.preview.stills import Picture, show_gray, show_rgb
from vidcolor.reading.reader import read_frames_from
from vidcolor.reading.source import probe


def read_made(film: Path, number: int, seconds: Fraction, side: int) -> Picture:
    """A frame of a film in color, as it is shown, R'G'B', (H, W, 3).

    Args:
        film: The film.
        number: Of the frame.
        seconds: When it comes on screen, after the first frame.
        side: Pixels that its longer side is shrunk to.

    Raises:
        SourceError: The film cannot be read, or has no such frame.
    """
    source = replace(probe(film), reads_chroma=True)
    # The containers count time in units of their own: half a frame more or less is this one.
    slack = 1 / (2 * source.frame_rate)
    wanted = max(source.first_pts, source.first_pts + int((seconds - slack) / source.time_base))
    seek_pts = wanted if source.clock.can_seek else None
    with closing(read_frames_from(source, (number, wanted), seek_pts=seek_pts)) as frames:
        frame = next(frames, None)
    if frame is None:
        raise SourceError(f"{film.name} has no frame {number}")
    return _shrunk(_in_color(frame), side)


def read_made_photo(path: Path, side: int) -> Picture:
    """A photograph in color, as it is shown; see `read_made`."""
    try:
        with Image.open(path) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name}: cannot be shown ({error})") from error
    return _shrunk(np.asarray(picture, np.uint8), side)


def _in_color(frame: Frame) -> Picture:
    if frame.chroma is None:
        return show_gray(frame)
    size = frame.picture.width, frame.picture.height
    blue, red = (
        cast(Plane, cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR))
        for plane in frame.chroma
    )
    fine = replace(frame.picture, log2_chroma_width=0, log2_chroma_height=0)
    return show_rgb(rgb_picture(frame.luma, (blue, red), fine, fine.depth), fine)


def _shrunk(picture: Picture, side: int) -> Picture:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cast(Picture, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
