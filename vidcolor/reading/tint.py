"""Whether a film is in color already, or black and white with at most a tint."""

from collections.abc import Iterator
from itertools import islice

import av
import numpy as np
from av.video.frame import VideoFrame

from vidcolor.reading.source import Source, main_video_stream

SAMPLES = 12
# Chroma noise and blocks vanish at this size; things with a color of their own do not.
SAMPLE_WIDTH, SAMPLE_HEIGHT = 64, 48
TINT_DEGREE = 3
# Chroma of black and of white says nothing: codecs leave what they like there.
DARKEST, LIGHTEST = 32, 224
# In 8-bit codes. Measured: toned and noisy black-and-white film up to 1.5, dull color from 2.9.
COLOR_SPREAD = 2.0
# A black-and-white film may begin with a logo in color; a color film may begin in black.
COLOR_SHARE = 0.25
# Seeking lands on key frames; so many frames are decoded to get on from one.
DECODED_AFTER_SEEK = 50


def is_color(source: Source) -> bool:
    """Whether a fair part of `source` shows more than one hue; toning does not count."""
    if not source.has_chroma:
        return False
    spreads = [chroma_spread(frame) for frame in _sampled_frames(source)]
    return bool(spreads) and float(np.quantile(spreads, 1 - COLOR_SHARE)) > COLOR_SPREAD


def chroma_spread(frame: VideoFrame) -> float:
    """How far chroma strays from what luma alone predicts: root mean square, in 8-bit codes.

    A tint is a smooth function of luma (a tone goes with each gray), so the polynomial that fits
    chroma best is taken off first.
    """
    small = frame.reformat(SAMPLE_WIDTH, SAMPLE_HEIGHT, "yuv444p", interpolation="AREA")
    luma, cb, cr = (plane.astype(np.float64) for plane in small.to_ndarray())
    middle = (luma >= DARKEST) & (luma <= LIGHTEST)
    if np.count_nonzero(middle) <= TINT_DEGREE:
        return 0.0
    powers = np.vander(luma[middle] / 255, TINT_DEGREE + 1)
    chroma = np.stack([cb[middle], cr[middle]], axis=1)
    tint = powers @ np.linalg.lstsq(powers, chroma, rcond=None)[0]
    return float(np.sqrt(np.mean((chroma - tint) ** 2) * 2))


def _sampled_frames(source: Source) -> Iterator[VideoFrame]:
    """Whole frames spread over the film; where it cannot be sought in, its first ones."""
    length = source.duration_seconds or 0.0
    with source.open() as container:
        stream = main_video_stream(container, source.path)
        for sample in range(SAMPLES):
            wanted_pts = source.first_pts + int(length * sample / SAMPLES / source.time_base)
            try:
                if sample:
                    container.seek(wanted_pts, stream=stream)
                for frame in islice(container.decode(stream), DECODED_AFTER_SEEK):
                    if (frame.pts or 0) >= wanted_pts:
                        break
            except av.FFmpegError:
                continue
            if not frame.is_corrupt:
                yield frame
