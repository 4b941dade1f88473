"""How a film will be written as numbered pictures: which, where, and what they cannot hold."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from vidcolor.errors import OutputError
from vidcolor.files import check_folder
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reading.source import Source
from vidcolor.settings import OutputSettings
from vidcolor.writing.encoder_options import encoder_options
from vidcolor.writing.encoding import Encoding

IMAGE2 = "image2"
"""FFmpeg's name of what reads and writes numbered pictures."""

SUFFIX_BY_CODEC = {"dpx": ".dpx", "png": ".png", "tiff": ".tif"}
CODEC_BY_SUFFIX = {".dpx": "dpx", ".png": "png", ".tif": "tiff", ".tiff": "tiff"}
DEPTH_BY_FORMAT = {
    "dpx": {"rgb24": 8, "gbrp10be": 10, "gbrp12be": 12, "rgb48be": 16},
    "png": {"rgb24": 8, "rgb48be": 16},
    "tiff": {"rgb24": 8, "rgb48le": 16},
}
"""Bits of a code in each R'G'B' format of FFmpeg that an encoder takes, the smallest first."""

_DIGITS = 6


def is_wanted_in_pictures(output: Path | None, settings: OutputSettings) -> bool:
    """Whether a film is to be written as pictures: by a pattern as its output, or by the codec."""
    if output is not None:
        return SequenceNames.parse(output) is not None
    return settings.codec in SUFFIX_BY_CODEC


def plan_pictures(
    source: Source,
    settings: OutputSettings,
    output: Path | None,
    folder: Path | None,
    *,
    made: str = "colorized",
    whole_name: bool = False,
) -> Encoding:
    """Decide how `source` is written as pictures.

    Args:
        source: The film.
        settings: What the user asked for.
        output: The pattern of the pictures' names, if one is named.
        folder: Where an unnamed output goes; None for beside the source.
        made: The word that such a name ends in; see `made_word`.
        whole_name: Keep the source's suffix in that name.

    Raises:
        OutputError: Pictures cannot be what is asked for.
    """
    names = SequenceNames.parse(output) if output is not None else None
    if names is None:
        title = source.title.name if whole_name else source.title.stem
        place = (folder or source.title.parent) / f"{title}.{made}"
        names = _default_names(source, str(settings.codec), place)
    codec = CODEC_BY_SUFFIX.get(names.suffix.lower())
    if codec is None:
        known = " ".join(CODEC_BY_SUFFIX)
        raise OutputError(f"{names.path}: image sequences are written as {known}")
    if names.folder.name in {"", ".."}:
        raise OutputError(f"{names.path}: an image sequence needs its own folder; name a new one")
    _refuse_what_pictures_are_not(names, codec, settings)
    pixel_format = _choose_format(codec, source.picture.depth, settings)
    picture = replace(source.picture, log2_chroma_width=0, log2_chroma_height=0)
    return Encoding(
        path=names.folder,
        container=IMAGE2,
        codec=codec,
        pixel_format=pixel_format,
        picture=picture,
        luma_shift=0,
        options=encoder_options(codec, pixel_format, picture, settings),
        names=names,
        rgb_depth=DEPTH_BY_FORMAT[codec][pixel_format],
    )


def notes_on_pictures(source: Source, others: Iterable[str]) -> tuple[str, ...]:
    """What the user should know of a film that becomes pictures.

    Args:
        source: The film.
        others: What the film holds beside its picture, by name.
    """
    picture = source.picture
    rate = f"{float(source.frame_rate):.6g}"
    lacking = ", ".join(sorted(others))
    notes = {
        "images hold full-range R'G'B': luma below black or above white is clipped":
            not picture.full_range,
        f"images cannot hold {lacking}: left out": bool(lacking),
        f"images have no timestamps: their rate is the film's mean, {rate} frames/s":
            source.sequence is None,
        "images cannot say that they are interlaced": picture.is_interlaced,
        "images cannot say how they are rotated for display": picture.display_matrix is not None,
    }  # fmt: skip
    return tuple(note for note, is_so in notes.items() if is_so)


def check_pictures(
    encoding: Encoding, source: Source, *, overwrite: bool, folder_comes: bool = False
) -> None:
    """Raise if the images of a film must not or cannot be written.

    Their folder appears with all of them in it, so that it must be theirs alone.

    Args:
        encoding: How the film is written.
        source: The film.
        overwrite: Whether pictures that are there may be replaced.
        folder_comes: Whether the folder above theirs will be made before the film is written.

    Raises:
        OutputError: They must not, or cannot.
    """
    folder, names = encoding.path, encoding.names
    if names is None:
        raise ValueError("a film in one file is not written as pictures")
    if folder.exists() or folder.is_symlink():
        if not folder.is_dir():
            raise OutputError(f"{folder}: is not a folder; name another one for the images")
        if source.sequence is not None and folder.samefile(source.sequence.pattern.folder):
            raise OutputError(f"{folder}: is where the input lies; name another output")
        found = os.listdir(folder)  # noqa: PTH208 - names alone, for there may be many
        strange = next((name for name in found if names.number(name) is None), None)
        if strange is not None:
            raise OutputError(
                f"{folder}: holds {strange}, but an image sequence needs its own folder; "
                "name a new one"
            )
        if found and not overwrite:
            raise OutputError(f"{folder}: holds images already; use --overwrite or another -o")
    check_folder(folder.parent, folder_comes=folder_comes)


def _default_names(source: Source, codec: str, place: Path) -> SequenceNames:
    """The names of the source's own pictures, or six digits, in a folder."""
    suffix = SUFFIX_BY_CODEC[codec]
    if source.sequence is None:
        return SequenceNames(place, "", _DIGITS, suffix)
    own = source.sequence.pattern
    behind = own.behind.removesuffix(own.suffix)
    return SequenceNames(place, own.before, own.digits, f"{behind}{suffix}")


def _refuse_what_pictures_are_not(
    names: SequenceNames, codec: str, settings: OutputSettings
) -> None:
    refused = {
        f"--codec {settings.codec}": settings.codec not in {None, codec},
        f"--for {settings.purpose}": settings.purpose is not None,
        f"--chroma {settings.chroma}": settings.chroma not in {None, "444"},
        "--chroma-only": settings.chroma_only,
        "--c2pa-certificate": settings.c2pa_certificate is not None,
    }
    option = next((option for option, is_given in refused.items() if is_given), None)
    if option is not None:
        raise OutputError(f"{names.path}: {option} does not apply to image sequences; leave it out")


def _choose_format(codec: str, depth: int, settings: OutputSettings) -> str:
    """The encoder's smallest format of as many bits as luma has, or the one asked for."""
    formats = DEPTH_BY_FORMAT[codec]
    wanted = settings.pixel_format
    fitting = [name for name, bits in formats.items() if bits >= depth and wanted in {None, name}]
    if not fitting:
        raise OutputError(
            f"{wanted}: not for {codec} images of {depth}-bit luma; choose "
            f"{' '.join(name for name, bits in formats.items() if bits >= depth)}"
        )
    return fitting[0]
