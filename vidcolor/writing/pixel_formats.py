"""Which of an encoder's pixel formats holds a film's luma and accepts frames of its size."""

import re
from typing import NamedTuple

import av
from av.video.format import VideoFormat

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat
from vidcolor.reading.damage_log import encoder_messages
from vidcolor.reading.pixels import SEMIPLANAR, SUBSAMPLING_NAMES, is_planar_luma, log2_subsampling
from vidcolor.settings import OutputSettings
from vidcolor.writing.encoder_options import NVENC, fixed_options, open_encoder
from vidcolor.writing.encoding import PURPOSES

# Of its blocks; it destroys memory where pictures are smaller, and says nothing.
X265_LEAST_SIDE = 64
PLANES = ("luma", "Cb", "Cr")
# Takes 8 bits as well and widens them.
DEEP_ALONE = {"v210"}
# Messages of encoders that do not say why.
VAGUE = re.compile("Cannot open")


class ChosenFormat(NamedTuple):
    """What a film is encoded in.

    Attributes:
        name: FFmpeg's name of the pixel format.
        format: The same, to be asked for more.
        note: Why it is no smaller one that would hold the film; None where it is the smallest.
    """

    name: str
    format: VideoFormat
    note: str | None = None


def choose_pixel_format(codec: str, picture: FrameFormat, settings: OutputSettings) -> ChosenFormat:
    """The encoder's smallest format that takes luma as it is and chroma at least as fine.

    Raises:
        OutputError: The encoder has none, takes no such pictures, or the one asked for would round
            the luma.
    """
    offered = _offered(codec, settings)
    chroma = _wanted_chroma(settings)
    fitting = _fitting(offered, picture, chroma)
    if not fitting:
        raise OutputError(_why_none_fits(codec, offered, picture, settings))
    faults: list[str] = []
    for name in fitting:
        fault = why_refused(codec, name, picture)
        if fault is None:
            note = f"{faults[0]}: writing {_describe(offered[name])}" if faults else None
            return ChosenFormat(name, offered[name], note)
        faults.append(
            f"{codec} cannot encode {_describe(picture)} in {_describe(offered[name])} ({fault})"
        )
    remedy = _remedy(codec, picture, settings)
    raise OutputError(f"{faults[0]}; {remedy}")


def why_refused(codec: str, pixel_format: str, picture: FrameFormat) -> str | None:
    """Why an encoder refuses frames of this size and format; None if it does not."""
    if codec in NVENC:
        return None  # a machine without the card is reported elsewhere
    least = X265_LEAST_SIDE
    if codec == "libx265" and min(picture.width, picture.height) < least:
        return f"its frames are at least {least}x{least}"
    with encoder_messages() as messages:
        try:
            options = fixed_options(codec, pixel_format, picture)
            open_encoder(codec, pixel_format, picture, options)
        except (av.FFmpegError, ValueError) as error:
            reasons = [text.split("\n")[0] for *_, text in messages if not VAGUE.match(text)]
            fault = reasons[0] if reasons else _odd_side(pixel_format, picture)
            fault = fault or getattr(error, "strerror", None) or str(error)
            return fault.removesuffix(f"({picture.width}x{picture.height})").strip(" .:")
    return None


def _odd_side(pixel_format: str, picture: FrameFormat) -> str | None:
    """Which side of a picture is not a whole number of chroma samples."""
    log2_width, log2_height = log2_subsampling(VideoFormat(pixel_format))
    if picture.width % (1 << log2_width):
        return f"width not divisible by {1 << log2_width}"
    if picture.height % (1 << log2_height):
        return f"height not divisible by {1 << log2_height}"
    return None


def _offered(codec: str, settings: OutputSettings) -> dict[str, VideoFormat]:
    """The encoder's formats of a plane each for luma, Cb and Cr, or the one asked for."""
    offered = {
        fmt.name: fmt
        for fmt in av.Codec(codec, "w").video_formats or ()
        if (fmt.name == SEMIPLANAR or _is_planar(fmt))
        and not (codec in DEEP_ALONE and fmt.components[0].bits == 8)  # noqa: PLR2004 - bits
    }
    wanted = settings.pixel_format
    if wanted is None:
        return offered
    if wanted not in offered:
        raise OutputError(
            f"{codec} has no planar Y'CbCr format {wanted}; it takes {' '.join(offered) or 'none'}"
        )
    return {wanted: offered[wanted]}


def _is_planar(fmt: VideoFormat) -> bool:
    """Whether luma, Cb and Cr have a plane each, and the tags state the range."""
    planes = {component.plane for component in fmt.components}
    own = len(planes) == len(fmt.components) == len(PLANES)
    return own and is_planar_luma(fmt) and "yuvj" not in fmt.name


def _wanted_chroma(settings: OutputSettings) -> str | None:
    """The subsampling asked for by itself or by a purpose; None for the film's own, or finer."""
    purpose = PURPOSES[settings.purpose] if settings.purpose is not None else None
    return settings.chroma or (purpose.chroma if purpose is not None else None)


def _fitting(
    offered: dict[str, VideoFormat], picture: FrameFormat, chroma: str | None
) -> list[str]:
    """The formats that hold a film, the smallest first."""
    names = [name for name, fmt in offered.items() if _holds(fmt, picture, chroma)]
    return sorted(names, key=lambda name: _size(offered[name]))


def _holds(fmt: VideoFormat, picture: FrameFormat, chroma: str | None) -> bool:
    """Whether `fmt` keeps every luma code and is no coarser in chroma than wanted."""
    width, height = log2_subsampling(fmt)
    if picture.width % (1 << width) and width > 1:
        return False  # FFV1's slices lose the last chroma column where it covers fewer samples
    if chroma is not None:
        return _keeps_luma(fmt, picture) and SUBSAMPLING_NAMES[width, height] == chroma
    is_fine = width <= picture.log2_chroma_width and height <= picture.log2_chroma_height
    return _keeps_luma(fmt, picture) and is_fine


def _keeps_luma(fmt: VideoFormat, picture: FrameFormat) -> bool:
    bits = fmt.components[0].bits
    # Limited-range codes of n bits are those of 8 bits times 2 ** (n - 8) (ITU-R BT.709-6, 5.6),
    # so zero bits below keep them; full range has no such exact widening.
    return bits == picture.depth or (bits > picture.depth and not picture.full_range)


def _size(fmt: VideoFormat) -> tuple[int, int, bool]:
    """Less for fewer bits and fewer chroma samples, and for planes of their own."""
    return fmt.components[0].bits, -sum(log2_subsampling(fmt)), fmt.name == SEMIPLANAR


def _why_none_fits(
    codec: str, offered: dict[str, VideoFormat], picture: FrameFormat, settings: OutputSettings
) -> str:
    """Which of depth, range and chroma it is that no format holds, and what to do."""
    chroma = _wanted_chroma(settings)
    asked = settings.pixel_format or f"{codec}'s formats"
    if not offered:
        return f"{codec} has no planar Y'CbCr format; use --codec ffv1"
    what = f"{asked} cannot hold {picture.depth}-bit luma as decoded"
    remedy = "try --codec ffv1 or another --pixel-format"
    if not any(_keeps_luma(fmt, picture) for fmt in offered.values()):
        deepest = max(fmt.components[0].bits for fmt in offered.values())
        if picture.full_range and deepest > picture.depth:
            return (
                f"{what}: it is of full range, whose codes in {deepest} bits "
                "would be rounded; try --codec ffv1, or libx264 or dnxhd if it has 8 bits"
            )
        return f"{what}: its formats have {deepest} bits; {remedy}"
    name = chroma or SUBSAMPLING_NAMES[picture.log2_chroma_width, picture.log2_chroma_height]
    has = sorted(
        {
            SUBSAMPLING_NAMES[log2_subsampling(fmt)]
            for fmt in offered.values()
            if _keeps_luma(fmt, picture)
        }
    )
    return f"{what} with chroma {name}: it can with chroma {' '.join(has)}; {remedy}"


def _remedy(codec: str, picture: FrameFormat, settings: OutputSettings) -> str:
    """What takes pictures that an encoder refused in the chroma that was asked for."""
    if _wanted_chroma(settings) is not None or settings.pixel_format is not None:
        for chroma in ("422", "444"):
            fitting = _fitting(_offered(codec, OutputSettings()), picture, chroma)
            if any(why_refused(codec, name, picture) is None for name in fitting):
                return f"use --chroma {chroma}, which fewer players show, or --codec ffv1"
    return lossless_remedy(picture)


def lossless_remedy(picture: FrameFormat) -> str:
    """What takes pictures that a codec with losses refuses: FFV1 takes nearly all, images all."""
    fitting = _fitting(_offered("ffv1", OutputSettings()), picture, None)
    if any(why_refused("ffv1", name, picture) is None for name in fitting):
        return "use --codec ffv1"
    return "no video codec here takes them: write images, as with -o film/%06d.png"


def _describe(what: VideoFormat | FrameFormat) -> str:
    if isinstance(what, VideoFormat):
        name = SUBSAMPLING_NAMES[log2_subsampling(what)]
        return f"{':'.join(name)}"
    kind = "interlaced pictures" if what.is_interlaced else "pictures"
    return f"{kind} of {what.width}x{what.height}"
