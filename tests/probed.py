from fractions import Fraction
from pathlib import Path

from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.source import Source
from vidcolor.settings import OutputSettings

DEFAULT = OutputSettings()
LOSSLESS = OutputSettings(lossless=True)


def frame_format(
    width: int, height: int, chroma: tuple[int, int] = (0, 0), **fields: object
) -> FrameFormat:
    """A film of 8 bits in BT.709, limited range, unless said otherwise.

    Args:
        width: In pixels.
        height: In pixels.
        chroma: Logarithms of its subsampling across and down.
        fields: Other attributes.
    """
    given = dict(zip(("log2_chroma_width", "log2_chroma_height"), chroma, strict=True))
    given |= {"depth": 8, "matrix": Matrix.BT709, "full_range": False, **fields}
    return FrameFormat(width=width, height=height, **given)  # type: ignore[arg-type]


def picture(depth: int = 8, chroma: tuple[int, int] = (1, 1), *, full: bool = False) -> FrameFormat:
    """A picture of 640 x 480."""
    return frame_format(640, 480, chroma, depth=depth, full_range=full)


def source(
    name: str = "film.mp4", container: str = "mov,mp4", codec: str = "h264", depth: int = 8
) -> Source:
    """A film as it would be probed."""
    return Source(
        path=Path(name), container=container, codec=codec, stream_index=0,
        picture=picture(depth), pixel_format="", has_chroma=True, time_base=Fraction(1, 90000),
        frame_rate=Fraction(25), first_pts=0, picture_seconds=None, duration_seconds=None,
    )  # fmt: skip
