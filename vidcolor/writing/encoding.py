"""How a film will be written: container, encoder, pixel format, and what each cannot hold."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import av
from av.video.format import VideoFormat

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.pixels import SEMIPLANAR, SUBSAMPLING_NAMES, is_planar_luma, log2_subsampling
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reading.source import UNSPECIFIED, Source
from vidcolor.settings import OutputSettings

# Containers that hold today's codecs, subtitles and odd times well enough to be a default.
CONTAINER_BY_SUFFIX = {
    ".mkv": "matroska",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".ts": "mpegts",
    ".m2ts": "mpegts",
}
SUFFIX_BY_CONTAINER = {"matroska": ".mkv", "mp4": ".mp4", "mov": ".mov", "mpegts": ".ts"}
MP4_FAMILY = ("mp4", "mov")
# Archival codecs that a film of 10 bits or more keeps, by the name of their decoder.
ARCHIVAL_ENCODERS = {"ffv1": "ffv1", "prores": "prores_ks"}
DEEPEST_HEVC_BITS = 12
PLANES = ("luma", "Cb", "Cr")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Purpose:
    """What a purpose wants where nothing else is asked for.

    Attributes:
        container: FFmpeg's name of the muxer.
        codec: The encoder for 8 bits.
        deep_codec: The same for more.
        chroma: Subsampling that its players take; None for the film's own.
        deep: Whether 8-bit luma is widened to 10 bits, where that keeps its codes.
    """

    container: str
    codec: str
    deep_codec: str
    chroma: str | None = None
    deep: bool = False


TAGS_BY_MATRIX = {
    Matrix.BT709: (1, 1),
    Matrix.BT470BG: (5, 6),
    Matrix.SMPTE170M: (6, 6),
    Matrix.BT2020_NCL: (9, 14),
}
"""Primaries and transfer that a film with this matrix has where it does not say."""

PURPOSES = {
    "access": _Purpose(container="mp4", codec="libx264", deep_codec="libx265", chroma="420"),
    "master": _Purpose(container="matroska", codec="ffv1", deep_codec="ffv1"),
    "edit": _Purpose(container="mov", codec="prores_ks", deep_codec="prores_ks"),
    "web": _Purpose(
        container="mp4", codec="libx265", deep_codec="libx265", chroma="420", deep=True
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a film is written.

    Attributes:
        path: The output file.
        container: FFmpeg's name of the muxer.
        codec: FFmpeg's name of the encoder.
        pixel_format: FFmpeg's name of the planar Y'CbCr format that is encoded.
        picture: The source's picture with the output's chroma subsampling.
        luma_shift: Luma codes are multiplied by 2 ** this: 0, or more for a deeper format.
        options: The encoder's options.
        chroma_only: Whether luma becomes even gray and nothing else of the film is copied.
        names: Of the pictures in the folder `path`; None for a film in one file.
        rgb_depth: Bits of the R'G'B' codes that pictures hold.
        notes: What the user should know, a sentence each.
        left_out: The source's streams that the container cannot hold, by name.
    """

    path: Path
    container: str
    codec: str
    pixel_format: str
    picture: FrameFormat
    luma_shift: int
    options: dict[str, str]
    chroma_only: bool = False
    names: SequenceNames | None = None
    rgb_depth: int = 8
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def tag_picture(picture: FrameFormat, settings: OutputSettings) -> FrameFormat:
    """The picture with what its file must say of its colors.

    QuickTime has its `colr` atom only where matrix, primaries and transfer are all known. For
    editing those that are not become the ones that go with the matrix (ITU-T H.273, tables 2 to 4).
    """
    if settings.purpose != "edit" or picture.matrix not in TAGS_BY_MATRIX:
        return picture
    primaries, transfer = TAGS_BY_MATRIX[picture.matrix]
    return replace(
        picture,
        primaries=primaries if picture.primaries == UNSPECIFIED else picture.primaries,
        transfer=transfer if picture.transfer == UNSPECIFIED else picture.transfer,
    )


def default_path(
    source: Path, container: str, folder: Path | None = None, *, chroma_only: bool = False
) -> Path:
    """`film.colorized.mp4` beside `film.mp4` or in `folder`, with the container's own suffix.

    Of the color alone it is `film.chroma.mp4`.
    """
    kept = CONTAINER_BY_SUFFIX.get(source.suffix.lower()) == container
    suffix = source.suffix if kept else SUFFIX_BY_CONTAINER[container]
    made = "chroma" if chroma_only else "colorized"
    return (folder or source.parent) / f"{source.stem}.{made}{suffix}"


def wanted_container(source: Source, output: Path | None, settings: OutputSettings) -> str:
    """The container asked for by the output's name, else the source's own if it is a usual one.

    Raises:
        OutputError: The output's name ends in nothing we write.
    """
    if output is not None:
        try:
            return CONTAINER_BY_SUFFIX[output.suffix.lower()]
        except KeyError:
            known = " ".join(CONTAINER_BY_SUFFIX)
            raise OutputError(
                f"{output}: unknown kind of file; its name may end in {known}"
            ) from None
    if settings.lossless:
        return "matroska"
    if settings.purpose is not None:
        return PURPOSES[settings.purpose].container
    if source.container.startswith("mov"):
        return "mov" if source.path.suffix.lower() == ".mov" else "mp4"
    return "mpegts" if source.container == "mpegts" else "matroska"


def choose_encoder(source: Source, settings: OutputSettings) -> str:
    """The encoder's name: as asked, FFV1 if lossless, else by the source's depth and codec.

    Raises:
        OutputError: FFmpeg has no such video encoder.
    """
    if settings.codec is not None:
        return _known_encoder(settings.codec)
    depth = source.picture.depth
    if settings.lossless:
        return "ffv1"
    if settings.purpose is not None:
        purpose = PURPOSES[settings.purpose]
        return purpose.codec if depth == 8 else purpose.deep_codec  # noqa: PLR2004 - bits
    if depth > DEEPEST_HEVC_BITS:
        return "ffv1"
    if depth == 8:  # noqa: PLR2004 - bits
        return "libx264"
    return ARCHIVAL_ENCODERS.get(source.codec, "libx265")


def choose_pixel_format(
    codec: str, picture: FrameFormat, settings: OutputSettings
) -> tuple[str, VideoFormat]:
    """The encoder's smallest format that takes luma as it is and chroma at least as fine.

    Raises:
        OutputError: The encoder has none, or the one asked for would round the luma.
    """
    offered = {
        fmt.name: fmt
        for fmt in av.Codec(codec, "w").video_formats or ()
        if fmt.name == SEMIPLANAR or _is_planar(fmt)
    }
    if settings.pixel_format is not None:
        if settings.pixel_format not in offered:
            raise OutputError(
                f"{codec} has no planar Y'CbCr format {settings.pixel_format}; "
                f"it takes {' '.join(offered) or 'none'}"
            )
        offered = {settings.pixel_format: offered[settings.pixel_format]}
    purpose = PURPOSES[settings.purpose] if settings.purpose is not None else None
    chroma = settings.chroma or (purpose.chroma if purpose is not None else None)
    fitting = {name: fmt for name, fmt in offered.items() if _holds(fmt, picture, chroma)}
    deep = {name: fmt for name, fmt in fitting.items() if fmt.components[0].bits > 8}  # noqa: PLR2004
    if purpose is not None and purpose.deep and deep:
        fitting = deep
    if not fitting:
        asked = settings.pixel_format or f"{codec}'s formats"
        raise OutputError(
            f"{asked} cannot hold {picture.depth}-bit luma as decoded with chroma "
            f"{_chroma_name(picture, chroma)}; try --codec ffv1 or another --pixel-format"
        )
    name = min(fitting, key=lambda name: _size(name, fitting))
    return name, fitting[name]


def check_target(
    target: Path, source: Path, *, overwrite: bool, folder_comes: bool = False
) -> None:
    """Raise if `target` must not or cannot be written.

    Args:
        target: The output file.
        source: The film.
        overwrite: Whether a file that exists may be replaced.
        folder_comes: Whether a missing folder will be made before the film is written.

    Raises:
        OutputError: It is the source itself (through links as well), a folder, exists without
            leave to overwrite it, or its folder is missing or not writable.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the input itself; name another output")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; name a file in it")
    if (target.exists() or target.is_symlink()) and not overwrite:
        raise OutputError(f"{target}: exists already; use --overwrite or another -o")
    check_folder(target.parent, folder_comes=folder_comes)


def check_folder(folder: Path, *, folder_comes: bool) -> None:
    """Raise if nothing can be written in `folder`; see `check_target`.

    Raises:
        OutputError: It is missing or not writable.
    """
    if folder_comes and not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: may not be written to; choose another folder with -o")


def _is_planar(fmt: VideoFormat) -> bool:
    """Whether luma, Cb and Cr have a plane each, and the tags tell the range."""
    planes = {component.plane for component in fmt.components}
    own = len(planes) == len(fmt.components) == len(PLANES)
    return own and is_planar_luma(fmt) and "yuvj" not in fmt.name


def _known_encoder(name: str) -> str:
    try:
        codec = av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        codec = None
    if codec is None or codec.type != "video":
        raise OutputError(
            f"{name}: no such video encoder; usual ones are libx264 libx265 ffv1 prores_ks"
        )
    return codec.name


def _holds(fmt: VideoFormat, picture: FrameFormat, chroma: str | None) -> bool:
    """Whether `fmt` keeps every luma code and is no coarser in chroma than wanted."""
    bits = fmt.components[0].bits
    # Limited-range codes of n bits are those of 8 bits times 2 ** (n - 8) (ITU-R BT.709-6, 5.6),
    # so zero bits below keep them; full range has no such exact widening.
    deep_enough = bits == picture.depth or (bits > picture.depth and not picture.full_range)
    width, height = log2_subsampling(fmt)
    if picture.width % (1 << width) and width > 1:
        return False  # FFV1's slices lose the last chroma column where it covers fewer samples
    if chroma is not None:
        return deep_enough and SUBSAMPLING_NAMES[width, height] == chroma
    return (
        deep_enough and width <= picture.log2_chroma_width and height <= picture.log2_chroma_height
    )


def _size(name: str, formats: dict[str, VideoFormat]) -> tuple[int, int, bool]:
    """Less for fewer bits and fewer chroma samples, and for planes of their own."""
    fmt = formats[name]
    return fmt.components[0].bits, -sum(log2_subsampling(fmt)), name == SEMIPLANAR


def _chroma_name(picture: FrameFormat, chroma: str | None) -> str:
    return chroma or SUBSAMPLING_NAMES[picture.log2_chroma_width, picture.log2_chroma_height]
