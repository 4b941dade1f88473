"""How a film will be written: container, encoder, pixel format, and what each cannot hold."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import av

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.frame_format import UNSPECIFIED
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reading.source import Source
from vidcolor.settings import OutputSettings

# Containers that hold today's codecs, subtitles and odd times well enough to be a default.
CONTAINER_BY_SUFFIX = {
    ".mkv": "matroska",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".ts": "mpegts",
    ".m2ts": "mpegts",
    ".mxf": "mxf",
}
SUFFIX_BY_CONTAINER = {
    "matroska": ".mkv",
    "mp4": ".mp4",
    "mov": ".mov",
    "mpegts": ".ts",
    "mxf": ".mxf",
}
MP4_FAMILY = ("mp4", "mov")
# Archival codecs that a film of 10 bits or more keeps, by the name of their decoder.
ARCHIVAL_ENCODERS = {"ffv1": "ffv1", "prores": "prores_ks"}
DEEPEST_HEVC_BITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a purpose wants where nothing else is asked for.

    Attributes:
        container: FFmpeg's name of the muxer.
        codec: The encoder for 8 bits.
        deep_codec: The same for more.
        chroma: Subsampling that its players take; None for the film's own.
    """

    container: str
    codec: str
    deep_codec: str
    chroma: str | None = None


TAGS_BY_MATRIX = {
    Matrix.BT709: (1, 1),
    Matrix.BT470BG: (5, 6),
    Matrix.SMPTE170M: (6, 6),
    Matrix.BT2020_NCL: (9, 14),
}
"""Primaries and transfer that a film with this matrix has where it does not say."""

PURPOSES = {
    "access": Purpose(container="mp4", codec="libx264", deep_codec="libx265", chroma="420"),
    "master": Purpose(container="matroska", codec="ffv1", deep_codec="ffv1"),
    "edit": Purpose(container="mov", codec="prores_ks", deep_codec="prores_ks"),
    # Browsers show H.264 of 8 bits, and AV1 of more; few show HEVC.
    "web": Purpose(container="mp4", codec="libx264", deep_codec="libsvtav1", chroma="420"),
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
        captions: Whether the source's closed captions go into the coded pictures, or into a file
            beside the film; `none` if it has none.
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
    captions: Literal["none", "inside", "beside"] = "none"
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def is_sequence(self) -> bool:
        """Whether the film is written as images in a folder."""
        return self.names is not None


def tag_picture(picture: FrameFormat, settings: OutputSettings) -> FrameFormat:
    """The picture with what its file must say of its colors.

    QuickTime has its `colr` atom only where matrix, primaries and transfer are all known, and
    browsers take full range for limited where they are not. For editing and in films of full range
    those that are not become the ones that go with the matrix (ITU-T H.273, tables 2 to 4).
    """
    is_whole = settings.purpose == "edit" or picture.full_range
    if not is_whole or picture.matrix not in TAGS_BY_MATRIX:
        return picture
    primaries, transfer = TAGS_BY_MATRIX[picture.matrix]
    return replace(
        picture,
        primaries=primaries if picture.primaries == UNSPECIFIED else picture.primaries,
        transfer=transfer if picture.transfer == UNSPECIFIED else picture.transfer,
    )


def default_path(
    source: Path,
    container: str,
    folder: Path | None = None,
    *,
    made: str = "colorized",
    whole_name: bool = False,
) -> Path:
    """`film.colorized.mp4` beside `film.mp4` or in `folder`, with the container's own suffix.

    Args:
        source: The film.
        container: FFmpeg's name of the result's.
        folder: Where the result goes; None for beside the film.
        made: The word before the suffix; see `made_word`.
        whole_name: Keep the film's own suffix as well: `film.mp4.colorized.mp4`.
    """
    kept = CONTAINER_BY_SUFFIX.get(source.suffix.lower()) == container
    suffix = source.suffix if kept else SUFFIX_BY_CONTAINER[container]
    name = source.name if whole_name else source.stem
    return (folder or source.parent) / f"{name}.{made}{suffix}"


def made_word(settings: OutputSettings, part: str = "") -> str:
    """What the name of a result says: that it is in color, color alone, or half in color.

    Before it stands which part of the film it is, so that the whole film's name stays free.
    """
    word = "compare" if settings.compare else "colorized"
    if settings.chroma_only:
        word = "chroma"
    return f"{part}.{word}" if part else word


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
