"""Whether all of a film is in color already, or some is black and white, tinted or not."""

from collections.abc import Iterator
from itertools import islice

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from vidcolor.color.hues import (
    COLOR_VARIATION,
    DARKEST,
    LIGHTEST,
    LOOK_HEIGHT,
    LOOK_WIDTH,
    Hues,
    find_hues,
    look_at,
)
from vidcolor.reading.source import Source, main_video_stream, open_source

SAMPLES, SAMPLE_FRAMES = 12, 5
"""Places of a film that are looked at, and the frames looked at in each."""

GRAY_VARIATION = 0.25
"""The same below which they are surely not."""

COLOR_SHARE, LEAST_COLOR_SHARE = 0.85, 0.4
"""Share of the places that must not be gray, but for one that may be a card or lie over a cut, and
share that must be in color."""

COLOR_SPREAD = 2.0
"""Spread of chroma, in 8-bit codes, above which a single picture is in color: toned and noisy
black-and-white ones measured up to 1.5, dull color from 2.9."""

TINT_DEGREE = 3
SPREAD_WIDTH, SPREAD_HEIGHT = 64, 48
# Seeking lands on key frames; this many frames are decoded to move on from one.
DECODED_AFTER_SEEK = 50
_BITS = 8


def is_color(source: Source) -> bool:
    """Whether nearly all of `source` is in color; a part in color or a tint does not count."""
    if not source.has_chroma:
        return False
    found = [hues for frames in _sampled_frames(source) if (hues := hues_of(frames)) is not None]
    in_color = sum(hues.variation > COLOR_VARIATION for hues in found)
    gray = sum(hues.variation < GRAY_VARIATION for hues in found)
    few_gray = gray <= max(1, (1 - COLOR_SHARE) * len(found))
    return bool(found) and few_gray and in_color >= LEAST_COLOR_SHARE * len(found)


def hues_of(frames: list[VideoFrame]) -> Hues | None:
    """What the chroma of frames says that follow each other; None if they are dark or light."""
    shrink = VideoReformatter().reformat  # one for all, since each begins with threads of its own
    looks = []
    for frame in frames:
        small = shrink(frame, LOOK_WIDTH, LOOK_HEIGHT, "yuv444p", interpolation="AREA", threads=1)
        looks.append(look_at(list(small.to_ndarray()), _BITS))
    return find_hues(looks) if looks else None


def chroma_spread(frame: VideoFrame) -> float:
    """How far chroma of a single picture strays from what luma predicts: rms, in 8-bit codes.

    From one frame alone noise cannot be distinguished from color; `hues_of` compares two.
    """
    small = frame.reformat(SPREAD_WIDTH, SPREAD_HEIGHT, "yuv444p", interpolation="AREA")
    luma, cb, cr = (plane.astype(np.float64) for plane in small.to_ndarray())
    middle = (luma >= DARKEST) & (luma <= LIGHTEST)
    if np.count_nonzero(middle) <= TINT_DEGREE:
        return 0.0
    powers = np.vander(luma[middle] / 255, TINT_DEGREE + 1)
    chroma = np.stack([cb[middle], cr[middle]], axis=1)
    tint = powers @ np.linalg.lstsq(powers, chroma, rcond=None)[0]
    return float(np.sqrt(np.mean((chroma - tint) ** 2) * 2))


def _sampled_frames(source: Source) -> Iterator[list[VideoFrame]]:
    """A few whole frames in places spread over the film; its first ones where no seeking helps."""
    length = source.duration_seconds or 0.0
    with open_source(source) as container:
        stream = main_video_stream(container, source.path)
        for sample in range(SAMPLES):
            wanted_pts = source.first_pts + int(length * sample / SAMPLES / source.time_base)
            found: list[VideoFrame] = []
            try:
                if sample:
                    container.seek(wanted_pts, stream=stream)
                for frame in islice(container.decode(stream), DECODED_AFTER_SEEK + SAMPLE_FRAMES):
                    if (frame.pts or 0) >= wanted_pts and not frame.is_corrupt:
                        found.append(frame)
                    if len(found) == SAMPLE_FRAMES:
                        break
            except av.FFmpegError:
                pass
            if found:
                yield found
