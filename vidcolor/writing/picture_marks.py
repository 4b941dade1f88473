"""Where stereo, mastering display and light level of a film go, and what cannot be kept of them."""

from collections.abc import Iterator
from fractions import Fraction

from vidcolor.reading.container_words import Window
from vidcolor.reading.marks import PictureMarks, Stereo
from vidcolor.writing.encoding import MP4_FAMILY
from vidcolor.writing.quicktime import STEREO_MODES as BOXED_STEREO

# Of H.264's frame packing (ITU-T H.264, table D-8), by FFmpeg's AVStereo3DType.
FRAME_PACKING = {1: 3, 2: 4, 3: 5, 4: 0, 6: 2, 7: 1}
# Of Matroska's StereoMode (RFC 9559, 5.1.4.1.28.3) in FFmpeg's words, left view first and last.
STEREO_MODES = {
    1: ("left_right", "right_left"),
    2: ("top_bottom", "bottom_top"),
    3: ("block_lr", "block_rl"),
    4: ("checkerboard_lr", "checkerboard_rl"),
    6: ("row_interleaved_lr", "row_interleaved_rl"),
    7: ("col_interleaved_lr", "col_interleaved_rl"),
}
STEREO_TAG = "stereo_mode"
PARAMS_OPTIONS = {"libx264": "x264-params", "libx265": "x265-params"}
MASTERING_NAMES = {
    "libx264": ("mastering-display", "cll"),
    "libx265": ("master-display", "max-cll"),
}
WINDOWED = {"matroska", "mov", "mp4"}
"""Containers that say what of a picture is to be seen, and what light it has."""

CHROMATICITY_UNIT, LUMINANCE_UNIT = 50000, 10000


def with_marks(codec: str, options: dict[str, str], marks: PictureMarks) -> dict[str, str]:
    """An encoder's options, with those that make it write a film's marks into its stream."""
    name = PARAMS_OPTIONS.get(codec)
    params = list(_params(codec, marks)) if name is not None else []
    if name is None or not params:
        return options
    return options | {name: ":".join(filter(None, [options.get(name), *params]))}


def stereo_tags(container: str, marks: PictureMarks) -> dict[str, str]:
    """The tag by which Matroska's muxer states how two views lie in a picture."""
    modes = STEREO_MODES.get(marks.stereo.kind) if marks.stereo is not None else None
    if container != "matroska" or marks.stereo is None or modes is None:
        return {}
    return {STEREO_TAG: modes[marks.stereo.is_inverted]}


def window_in(container: str, window: Window | None) -> Window | None:
    """The window as a container says it; None where it cannot, as Matroska parts of samples."""
    if (
        window is None
        or container not in WINDOWED
        or (container == "matroska" and not window.is_whole)
    ):
        return None
    return window


def lost_marks(
    codec: str, container: str, marks: PictureMarks, window: Window | None = None
) -> list[str]:
    """The marks that neither the encoder nor the container can store, a phrase each."""
    graded = {
        "the mastering display": marks.mastering is not None,
        "the content light level": marks.light_level is not None,
    }
    says_light = codec in MASTERING_NAMES or container in WINDOWED
    lost = [name for name, is_there in graded.items() if is_there and not says_light]
    if marks.stereo is not None and not _says_stereo(codec, container, marks.stereo):
        lost.append("the stereo mark")
    if window is not None and window_in(container, window) is None:
        lost.append("the clean aperture")
    return lost


def _says_stereo(codec: str, container: str, stereo: Stereo) -> bool:
    if container == "matroska":
        return stereo.kind in STEREO_MODES
    in_box = container in MP4_FAMILY and stereo.kind in BOXED_STEREO and not stereo.is_inverted
    return in_box or (codec == "libx264" and _is_packed(stereo))


def _params(codec: str, marks: PictureMarks) -> Iterator[str]:
    display, light = MASTERING_NAMES[codec]
    if marks.mastering is not None:
        yield f"{display}={_mastering(marks.mastering)}"
    if marks.light_level is not None:
        yield f"{light}={marks.light_level[0]},{marks.light_level[1]}"
    if codec == "libx264" and marks.stereo is not None and _is_packed(marks.stereo):
        yield f"frame-packing={FRAME_PACKING[marks.stereo.kind]}"


def _is_packed(stereo: Stereo | None) -> bool:
    """Whether x264 has a word for it: it puts the left view first."""
    return stereo is not None and stereo.kind in FRAME_PACKING and not stereo.is_inverted


def _mastering(numbers: tuple[Fraction, ...]) -> str:
    """As x264 and x265 take it: green, blue, red, white, then the most and the least luminance."""
    red, green, blue, white = (
        f"({round(x * CHROMATICITY_UNIT)},{round(y * CHROMATICITY_UNIT)})"
        for x, y in zip(numbers[:8:2], numbers[1:8:2], strict=True)
    )
    least, most = (round(number * LUMINANCE_UNIT) for number in numbers[8:])
    return f"G{green}B{blue}R{red}WP{white}L({most},{least})"
