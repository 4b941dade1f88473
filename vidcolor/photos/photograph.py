"""The values that pass through this room."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vidcolor.frame import ChromaLocation, FrameFormat, Matrix, Plane
from vidcolor.photos.tags import Directory, display_matrix

Kind = Literal["jpeg", "png", "tiff", "webp"]

KINDS: dict[str, Kind] = {
    ".jpeg": "jpeg",
    ".jpg": "jpeg",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
}
"""By the suffix of a photograph's name, in small letters."""

BYTE_DEPTH = 8
MATRIX = Matrix.SMPTE170M
"""Of a photograph's luma: BT.601's, as JPEG has it (JFIF 1.02) and Pillow's mode L."""


@dataclass(slots=True)
class Metadata:
    """What a photograph's file holds beside its samples.

    Attributes:
        icc: Color profile.
        exif: Exif block, as it lies in the file, beginning with `II` or `MM`.
        xmp: XMP packet.
        density: Pixels an inch, across and down.
        parts: Of JPEG the segments, of PNG the chunks, by name, that are written again as they are.
        tags: Of TIFF: all tags.
        tables: Of JPEG: the luma's quantization table, in reading order.
        is_progressive: Of JPEG: whether it is.
        is_lossless: Of WebP: whether it is.
        is_compressed: Of TIFF: whether it is.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: str | None = None
    density: tuple[float, float] | None = None
    parts: list[tuple[bytes, bytes]] = field(default_factory=list)
    tags: Directory | None = None
    tables: list[int] | None = None
    is_progressive: bool = False
    is_lossless: bool = True
    is_compressed: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A photograph as it was read.

    Attributes:
        path: Its file.
        kind: Of the file.
        luma: Y', (height, width), uint8 or uint16, full range, as it lies in the file: not turned.
        alpha: How opaque each pixel is, as luma; None where all are.
        orientation: How it is turned when shown, by Exif's numbers, 1 to 8.
        metadata: What else the file holds.
        sha256: Of the file.
        is_color: Whether it shows more than one hue.
    """

    path: Path
    kind: Kind
    luma: Plane
    alpha: Plane | None
    orientation: int
    metadata: Metadata
    sha256: str
    is_color: bool

    @property
    def depth(self) -> int:
        """Bits of a sample."""
        return BYTE_DEPTH * self.luma.itemsize

    def format(self, log2_subsampling: int) -> FrameFormat:
        """What the stages must know of it.

        Args:
            log2_subsampling: Chroma has so many halvings of luma's columns, and of its rows.
        """
        height, width = self.luma.shape
        return FrameFormat(
            width=width,
            height=height,
            depth=self.depth,
            log2_chroma_width=log2_subsampling,
            log2_chroma_height=log2_subsampling,
            matrix=MATRIX,
            full_range=True,
            chroma_location=ChromaLocation.CENTER,
            display_matrix=display_matrix(self.orientation),
        )
