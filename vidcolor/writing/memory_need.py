"""How much memory the frames of a film take, asked before any is colored."""

from vidcolor.errors import SourceError
from vidcolor.frame import FrameFormat
from vidcolor.memory import LEAST_MEMORY, PIXEL_BYTES, lacking, usable_memory
from vidcolor.reading.source import Source
from vidcolor.writing.encoding import Encoding

FRAMES_HELD = 24
"""Frames between decoder and encoder where as few as possible wait for their turn."""

FRAMES_FORESEEN = 64
"""Frames that an encoder holds which predicts frames from frames."""

FRAMES_CODED = 4
"""Frames that an encoder holds which codes each for itself."""

_BUSY_PIXEL_BYTES = 60  # where threads work on several frames, as measured
_BUSY_FRAMES = 4

_RGB_PIXEL_BYTES = 60  # of float64 planes, while luma is made of R'G'B'
_ALONE = {"ffv1", "mjpeg", "prores_ks", "prores_aw", "prores", "dnxhd", "huffyuv", "ffvhuff"}
_ROOM = 4 / 3  # a quarter is for what waits where there is room


def refuse_large_frames(source: Source, encoding: Encoding, memory_limit: int | None) -> None:
    """Raise if the frames of a film take more memory than may be used.

    Args:
        source: The film.
        encoding: How it is written.
        memory_limit: See `Settings`.

    Raises:
        SourceError: They do; the text says how much.
    """
    memory = usable_memory(memory_limit)
    need = memory_need(source, encoding)
    if memory is None or need <= memory:
        return
    picture = source.picture
    other = "" if _is_coded_alone(encoding) else "use --lossless, whose encoder takes less, "
    raise SourceError(
        f"{source.path}: its frames of {picture.width}x{picture.height} "
        f"{lacking(need, memory, f' with {encoding.codec}')}; {other}scale it down, or see "
        "--memory-limit"
    )


def memory_need(source: Source, encoding: Encoding) -> int:
    """About how many bytes of memory a film takes, fewest frames in memory at once."""
    frames = source.frames_expected() or FRAMES_FORESEEN
    picture, written = source.picture, encoding.picture
    alone = FRAMES_CODED if _is_coded_alone(encoding) else FRAMES_FORESEEN
    pixel = PIXEL_BYTES * _sample_bytes(picture.depth)
    if source.pixel_format.startswith(("gbr", "rgb", "bgr", "argb", "abgr")):
        pixel += _RGB_PIXEL_BYTES
    pixel += _BUSY_PIXEL_BYTES * min(frames - 1, _BUSY_FRAMES) // _BUSY_FRAMES
    held = min(frames, FRAMES_HELD) * _frame_bytes(picture, has_chroma=source.reads_chroma)
    coded = min(frames, alone) * _frame_bytes(written, encoding.luma_shift)
    whole = picture.width * picture.height * pixel + held + coded
    return LEAST_MEMORY + int(_ROOM * whole)


def _is_coded_alone(encoding: Encoding) -> bool:
    return encoding.is_sequence or encoding.codec in _ALONE


def _frame_bytes(picture: FrameFormat, shift: int = 0, *, has_chroma: bool = True) -> int:
    """What the planes of one frame take."""
    samples = picture.width * picture.height
    if has_chroma:
        samples += 2 * picture.chroma_width * picture.chroma_height
    return samples * _sample_bytes(picture.depth + shift)


def _sample_bytes(depth: int) -> int:
    return 1 if depth <= 8 else 2  # noqa: PLR2004
