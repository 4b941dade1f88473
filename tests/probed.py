from fractions import Fraction
from pathlib import Path

from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.source import Source
from vidcolor.settings import OutputSettings

DEFAULT = OutputSettings()
LOSSLESS = OutputSettings(lossless=True)


def picture(depth: int = 8, chroma: tuple[int, int] = (1, 1), *, full: bool = False) -> FrameFormat:
    """A picture of 640 x 480."""
    return FrameFormat(
        width=640, height=480, depth=depth, log2_chroma_width=chroma[0],
        log2_chroma_height=chroma[1], matrix=Matrix.BT709, full_range=full,
    )  # fmt: skip


def source(
    name: str = "film.mp4", container: str = "mov,mp4", codec: str = "h264", depth: int = 8
) -> Source:
    """A film as it would be probed."""
    return Source(
        path=Path(name), container=container, codec=codec, stream_index=0,
        picture=picture(depth), pixel_format="", has_chroma=True, time_base=Fraction(1, 90000),
        frame_rate=Fraction(25), first_pts=0, picture_seconds=None, duration_seconds=None,
    )  # fmt: skip
