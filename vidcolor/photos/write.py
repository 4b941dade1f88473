"""Photographs in color written: their luma as it was, and all other data of their files."""

from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidcolor.color.rgb import rgb_picture
from vidcolor.errors import OutputError
from vidcolor.frame import Frame, Plane
from vidcolor.photos import jpeg, png, profile, tiff
from vidcolor.photos.photograph import BYTE_DEPTH, Kind, Metadata, Photograph
from vidcolor.photos.statement import Statement
from vidcolor.photos.tags import Directory, read_tags, write_tags

Samples = NDArray[np.uint8] | NDArray[np.uint16]

JPEG_QUALITY = 95
"""Of a JPEG that was none before; of one that was, its own luma table says it."""

WEBP_QUALITY = 95

_WEBP_EFFORT = 75  # of 100: what `quality` is for lossless files

_SUBSAMPLED: dict[Kind, int] = {"jpeg": 1}
_EIGHT_BITS: tuple[Kind, ...] = ("jpeg", "webp")
_OPAQUE: tuple[Kind, ...] = ("jpeg",)
_LONGEST_SIDE: dict[Kind, int] = {"jpeg": 65_500, "webp": 16_383}
# ITU-T T.81, table K.2, whose other values are all the last, and the first of table K.1.
_CHROMA_CORNER = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))
_CHROMA_REST, _LUMA_FIRST = 99, 16


class Target(NamedTuple):
    """How a photograph will be written.

    Attributes:
        photograph: As its file can hold it: of no more bits, and without alpha where it has none.
        kind: Of the file.
        notes: What of the source it cannot hold.
    """

    photograph: Photograph
    kind: Kind
    notes: tuple[str, ...]

    @property
    def log2_subsampling(self) -> int:
        """As of `Photograph.format`."""
        return _SUBSAMPLED.get(self.kind, 0)


def fit_target(photograph: Photograph, kind: Kind) -> Target:
    """A photograph as a kind of file can hold it.

    Raises:
        OutputError: It cannot, as it is too large.
    """
    longest = _LONGEST_SIDE.get(kind)
    if longest is not None and max(photograph.luma.shape) > longest:
        raise OutputError(
            f"{photograph.path}: {kind.upper()} holds sides of {longest} pixels at most; "
            "name -o with .png or .tif"
        )
    notes = []
    luma, alpha = photograph.luma, photograph.alpha
    if kind in _EIGHT_BITS and photograph.depth > BYTE_DEPTH:
        notes.append(f"{kind.upper()} holds 8 bits of its {photograph.depth}")
        luma, alpha = _in_bytes(luma), None if alpha is None else _in_bytes(alpha)
    if kind in _OPAQUE and alpha is not None:
        alpha = None
        notes.append(f"{kind.upper()} holds no transparency: left out")
    notes += _left_out(photograph, kind)
    fitting = Photograph(
        path=photograph.path,
        kind=photograph.kind,
        luma=luma,
        alpha=alpha,
        orientation=photograph.orientation,
        metadata=photograph.metadata,
        sha256=photograph.sha256,
        is_color=photograph.is_color,
    )
    return Target(fitting, kind, tuple(notes))


def _in_bytes(plane: Plane) -> NDArray[np.uint8]:
    """Codes of 16 bits as the nearest of 8: 65535 is 255 times 257."""
    return np.asarray((plane.astype(np.uint32) + 128) // 257, np.uint8)


def _left_out(photograph: Photograph, kind: Kind) -> list[str]:
    """What of a photograph's metadata a file of this kind does not get."""
    metadata, notes = photograph.metadata, []
    gray = metadata.icc is not None and profile.is_gray(metadata.icc)
    if metadata.icc is not None and gray and profile.color_profile(metadata.icc) is None:
        notes.append("its gray color profile has no tone curve: left out")
    if kind != photograph.kind and (metadata.parts or metadata.tags):
        notes.append(
            f"{kind.upper()} gets its color profile, Exif, XMP and density, and nothing else "
            f"that {photograph.kind.upper()} holds"
        )
    return notes


def encode(
    target: Target, frame: Frame, chroma: tuple[Plane, Plane], statement: Statement
) -> bytes:
    """The file of a photograph in color.

    Args:
        target: How it is written.
        frame: It, as the stages had it.
        chroma: Its Cb and Cr.
        statement: What it says of itself.

    Raises:
        OutputError: The file cannot hold it.
    """
    try:
        return _ENCODERS[target.kind](target, frame, chroma, statement)
    except (ValueError, OSError, cv2.error) as error:
        raise OutputError(
            f"{target.photograph.path}: cannot be written as {target.kind.upper()} ({error}); "
            "name -o of another kind"
        ) from error


def _icc(metadata: Metadata) -> bytes | None:
    """The color profile of the picture in color."""
    if metadata.icc is None or not profile.is_gray(metadata.icc):
        return metadata.icc
    return profile.color_profile(metadata.icc)


def _has_same_icc(metadata: Metadata) -> bool:
    return metadata.icc is None or not profile.is_gray(metadata.icc)


def _exif(photograph: Photograph) -> bytes | None:
    """Its Exif block: what a TIFF says of itself is one, but for its samples."""
    metadata = photograph.metadata
    if metadata.tags is None:
        return metadata.exif
    kept = tiff.described(metadata.tags)
    for tag in (tiff.XMP, tiff.ICC):
        kept.entries.pop(tag, None)
    return write_tags(kept) if kept.entries or kept.below else None


def _rgb(target: Target, frame: Frame, chroma: tuple[Plane, Plane]) -> Samples:
    """R', G', B' and, if there is one, alpha, (H, W, 3 or 4)."""
    rgb = rgb_picture(frame.luma, chroma, frame.picture, frame.picture.depth)
    alpha = target.photograph.alpha
    return rgb if alpha is None else cast(Samples, np.dstack([rgb, alpha]))


def _encode_png(
    target: Target, frame: Frame, chroma: tuple[Plane, Plane], statement: Statement
) -> bytes:
    metadata = target.photograph.metadata
    rgb = _rgb(target, frame, chroma)
    blue_first = rgb[..., [2, 1, 0, 3][: rgb.shape[2]]]
    is_written, encoded = cv2.imencode(".png", blue_first)
    if not is_written:
        raise ValueError("the encoder fails")
    same_kind = target.photograph.kind == "png"
    parts = metadata.parts if same_kind else []
    chunks = png.kept_chunks(parts, with_icc=_has_same_icc(metadata))
    icc, exif = _icc(metadata), _exif(target.photograph)
    if icc is not None and not (same_kind and _has_same_icc(metadata)):
        chunks.insert(0, png.icc_chunk(icc))
    if not same_kind:
        chunks += [(b"eXIf", exif)] if exif else []
        chunks += [png.density_chunk(metadata.density)] if metadata.density else []
    chunks += [png.xmp_chunk(statement.xmp(metadata.xmp)), png.comment_chunk(statement.text)]
    return png.write_chunks(encoded.tobytes(), chunks)


def _encode_tiff(
    target: Target, frame: Frame, chroma: tuple[Plane, Plane], statement: Statement
) -> bytes:
    metadata = target.photograph.metadata
    tags = tiff.described(metadata.tags or _exif_tags(metadata.exif))
    tiff.put_description(
        tags,
        icc=_icc(metadata),
        xmp=statement.xmp(metadata.xmp),
        text=statement.text,
        density=metadata.density,
    )
    rgb = _rgb(target, frame, chroma)
    return tiff.write_tiff(rgb, tags, is_compressed=metadata.is_compressed)


def _exif_tags(exif: bytes | None) -> Directory:
    try:
        return read_tags(exif) if exif else Directory()
    except ValueError:
        return Directory()


def _encode_jpeg(
    target: Target, frame: Frame, chroma: tuple[Plane, Plane], statement: Statement
) -> bytes:
    """A JPEG whose luma is transformed and quantized as it was, if it was in a JPEG."""
    photograph, metadata = target.photograph, target.photograph.metadata
    height, width = frame.luma.shape
    wide = (np.repeat(np.repeat(c, 2, 0), 2, 1)[:height, :width] for c in chroma)
    image = Image.fromarray(np.dstack([frame.luma, *wide]), "YCbCr")
    table, file = metadata.tables, BytesIO()
    options = {"quality": JPEG_QUALITY} if table is None else {"qtables": [table, _chroma(table)]}
    image.save(
        file,
        "JPEG",
        subsampling="4:2:0",
        progressive=metadata.is_progressive,
        optimize=True,
        dpi=metadata.density or (0, 0),
        **options,
    )
    return jpeg.write_segments(file.getvalue(), _segments(photograph, statement))


def _segments(photograph: Photograph, statement: Statement) -> list[jpeg.Segment]:
    """The metadata of a photograph in color."""
    metadata = photograph.metadata
    same_kind = photograph.kind == "jpeg"
    parts = metadata.parts if same_kind else []
    segments = jpeg.kept_segments(parts, with_icc=_has_same_icc(metadata))
    icc, exif = _icc(metadata), _exif(photograph)
    if exif is not None and not same_kind:
        segments.append((jpeg.APP1, jpeg.EXIF_HEAD + exif))
    segments.append((jpeg.APP1, jpeg.XMP_HEAD + statement.xmp(metadata.xmp).encode()))
    if icc is not None and not (same_kind and _has_same_icc(metadata)):
        segments += jpeg.icc_segments(icc)
    segments.append((jpeg.COMMENT, statement.text.encode()))
    for _, data in segments:
        if len(data) > jpeg.MOST_BYTES:
            raise ValueError("JPEG holds 65,533 bytes of Exif and as many of XMP")
    return segments


def _chroma(luma_table: list[int]) -> list[int]:
    """A quantization table for chroma, as fine as the luma's."""
    base = np.full((8, 8), _CHROMA_REST)
    base[:4, :4] = _CHROMA_CORNER
    scaled = np.rint(base * (luma_table[0] / _LUMA_FIRST)).clip(1, 255).astype(int)
    return [int(value) for value in scaled.flat]


def _encode_webp(
    target: Target, frame: Frame, chroma: tuple[Plane, Plane], statement: Statement
) -> bytes:
    metadata, file = target.photograph.metadata, BytesIO()
    is_lossless = metadata.is_lossless if target.photograph.kind == "webp" else True
    Image.fromarray(_rgb(target, frame, chroma)).save(
        file,
        "WEBP",
        lossless=is_lossless,
        quality=_WEBP_EFFORT if is_lossless else WEBP_QUALITY,
        exact=True,
        icc_profile=_icc(metadata) or b"",
        exif=_exif(target.photograph) or b"",
        xmp=statement.xmp(metadata.xmp).encode(),
    )
    return file.getvalue()


Encoder = Callable[[Target, Frame, tuple[Plane, Plane], Statement], bytes]

_ENCODERS: dict[Kind, Encoder] = {
    "jpeg": _encode_jpeg,
    "png": _encode_png,
    "tiff": _encode_tiff,
    "webp": _encode_webp,
}
