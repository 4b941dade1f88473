"""What a film says of its pictures besides their codes: stereo, mastering display, light level."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

from vidcolor.reading.side_data import side_data_of

PRIMARIES = 10  # numbers: x and y of red, green, blue and white, the least and the most luminance


@dataclass(frozen=True, slots=True)
class Stereo:
    """How two views lie in one picture.

    Attributes:
        kind: FFmpeg's AVStereo3DType: 1 side by side, 2 top and bottom, 3 in turn, 4 checkerboard,
            6 lines, 7 columns.
        is_inverted: Whether the right view comes first.
    """

    kind: int
    is_inverted: bool


@dataclass(frozen=True, slots=True)
class PictureMarks:
    """What the first frame of a film carries, by its codec or its container.

    Attributes:
        stereo: None for one view.
        mastering: Of the display that the film was graded on (SMPTE ST 2086): x and y of red,
            green, blue and white, then the least and the most luminance in cd/m2.
        light_level: MaxCLL and MaxFALL in cd/m2 (CTA-861-G).
    """

    stereo: Stereo | None = None
    mastering: tuple[Fraction, ...] | None = None
    light_level: tuple[int, int] | None = None


NO_MARKS = PictureMarks()


def marks_of(frame: VideoFrame) -> PictureMarks:
    """The marks of one decoded frame."""
    try:
        found = side_data_of(frame)
        kinds = (
            SideDataType.STEREO3D,
            SideDataType.MASTERING_DISPLAY_METADATA,
            SideDataType.CONTENT_LIGHT_LEVEL,
        )
        stereo, mastering, light = (bytes(found[kind]) if kind in found else b"" for kind in kinds)
    except ValueError:  # PyAV 18.1 does not know every kind of FFmpeg 8.1
        return NO_MARKS
    return PictureMarks(
        stereo=_stereo(stereo),
        mastering=_mastering(mastering),
        light_level=cast(tuple[int, int], struct.unpack_from("=II", light)) if light else None,
    )


def _stereo(data: bytes) -> Stereo | None:
    """Of AVStereo3D, which begins with its type and its flags."""
    kind, flags = struct.unpack_from("=ii", data) if data else (0, 0)
    return Stereo(kind, bool(flags & 1)) if kind else None


def _mastering(data: bytes) -> tuple[Fraction, ...] | None:
    """Of AVMasteringDisplayMetadata: ten fractions, and whether colors and luminance are known."""
    if not data:
        return None
    numbers: Sequence[int] = struct.unpack_from(f"={2 * PRIMARIES + 2}i", data)
    if not all(numbers[2 * PRIMARIES :]) or not all(numbers[1 : 2 * PRIMARIES : 2]):
        return None
    pairs = zip(numbers[: 2 * PRIMARIES : 2], numbers[1 : 2 * PRIMARIES : 2], strict=True)
    return tuple(Fraction(*pair) for pair in pairs)
