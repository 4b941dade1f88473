"""Pictures too large for the memory that there is, found by their headers before they are decoded.

A few kilobytes may hold a picture of hundreds of millions of pixels.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
from av.container import InputContainer

from vidcolor.errors import SourceError
from vidcolor.memory import LEAST_MEMORY, PIXEL_BYTES, lacking
from vidcolor.reading.damage_log import encoder_messages
from vidcolor.reading.open_file import Access

_REFUSED = re.compile(r"Picture size (\d+)x(\d+) (?:is invalid|exceeds)", re.IGNORECASE)
_MOST_OF_FFMPEG = (2**31 - 1) // 8  # `av_image_check_size2` of libavutil/imgutils.c


@contextmanager
def large_refused(
    path: Path, access: Access, open_again: Callable[[], InputContainer]
) -> Iterator[None]:
    """Name the size of pictures that FFmpeg refused as too large, where something fails for that.

    Args:
        path: Of the film.
        access: How large they may be.
        open_again: Opens it anew.

    Raises:
        SourceError: They are too large; or another, that came in the context.
    """
    try:
        yield
    except SourceError:
        size = _refused_size(access, open_again)
        if size is not None:
            raise _too_large(path, *size, access.most_pixels) from None
        raise


def refuse_large(path: Path, width: int, height: int, most_pixels: int) -> None:
    """Raise if pictures are too large to be decoded.

    Raises:
        SourceError: They are.
    """
    if 0 < most_pixels < width * height:
        raise _too_large(path, width, height, most_pixels)


def _too_large(path: Path, width: int, height: int, most_pixels: int) -> SourceError:
    pixels = width * height
    if 0 < most_pixels < pixels:
        need, have = (LEAST_MEMORY + PIXEL_BYTES * count for count in (pixels, most_pixels))
        return SourceError(
            f"{path}: its pictures of {width}x{height} {lacking(need, have)}; scale it down, or "
            "see --memory-limit"
        )
    return SourceError(
        f"{path}: its pictures of {width}x{height} are larger than FFmpeg decodes, which is "
        f"{_MOST_OF_FFMPEG // 10**6} million pixels; scale it down"
    )


def _refused_size(
    access: Access, open_again: Callable[[], InputContainer]
) -> tuple[int, int] | None:
    """The size that FFmpeg complains of when a film is opened and its first picture decoded."""
    with (
        encoder_messages() as messages,
        suppress(av.FFmpegError, SourceError, StopIteration),
        open_again() as container,
    ):
        stream = next(one for one in container.streams.video if one.codec_context)
        stream.codec_context.options = access.decoder_options
        stream.thread_type = "NONE"  # messages of other threads are not for this one
        next(container.decode(stream), None)
    found = (_REFUSED.search(text) for *_, text in messages)
    return next(((int(one[1]), int(one[2])) for one in found if one), None)
