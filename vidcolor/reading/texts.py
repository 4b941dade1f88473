"""What films and images say of themselves in words, whatever the bytes of these words mean."""

import warnings
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from vidcolor.reading.dpx_header import HEADER_BYTES, DpxHeader

LONGEST_TEXT = 2000
"""Characters of an image's text that are kept; some microscopes write megabytes."""

DESCRIPTION, ARTIST, COPYRIGHT = 270, 315, 33432
"""Tags of TIFF 6.0, section 8, and of Exif."""

_NAMES_BY_TAG = {DESCRIPTION: "description", ARTIST: "artist", COPYRIGHT: "copyright"}
_NAMES_IN_PNG = {
    "Title": "title",
    "Author": "artist",
    "Description": "description",
    "Copyright": "copyright",
    "Comment": "comment",
}
"""Keywords of the PNG specification, section 11.3.3.1, and FFmpeg's names of the same."""


def decode_text(data: bytes) -> str:
    """Bytes as text: UTF-8, else Windows-1252, of which Latin-1 is a part; none is lost."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def mend_tags(tags: dict[str, str]) -> bool:
    """Decode tags of which PyAV left bytes that are no UTF-8 as surrogates, in their place.

    Returns:
        Whether there were any.
    """
    mended = {_mended(key): _mended(text) for key, text in tags.items()}
    if mended == tags:
        return False
    tags.clear()
    tags.update(mended)
    return True


def _mended(text: str) -> str:
    return decode_text(text.encode("utf-8", "surrogateescape"))


def image_texts(path: Path, most_pixels: int = 0) -> dict[str, str]:
    """What an image says of itself, by FFmpeg's names of tags; nothing if it cannot be read.

    Args:
        path: A DPX, TIFF, PNG or JPEG file.
        most_pixels: Of larger images nothing is read, as words may lie behind the samples; 0 for no
            bound.
    """
    try:
        found = (
            _dpx_texts(path) if path.suffix.lower() == ".dpx" else _other_texts(path, most_pixels)
        )
    except Exception:  # noqa: BLE001 - whatever Pillow makes of a damaged header, its words are lost
        return {}
    texts = {name: text.strip(" \t\r\n\0") for name, text in found.items()}
    return {name: _shortened(text) for name, text in texts.items() if text}


def _dpx_texts(path: Path) -> Mapping[str, str]:
    with path.open("rb") as file:
        header = DpxHeader.parse(file.read(HEADER_BYTES))
    if header is None:
        return {}
    return {name: decode_text(data) for name, data in header.texts.items()}


def _other_texts(path: Path, most_pixels: int) -> Mapping[str, str]:
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # of the size, which is none of its concern here
        with Image.open(file) as image:
            if 0 < most_pixels < image.width * image.height:
                return {}
            tags = image.getexif()
            found = {
                name: str(tags[tag]) for tag, name in _NAMES_BY_TAG.items() if tag in tags
            }  # decoded by Pillow as Latin-1
            comment = image.info.get("comment", b"") if image.format == "JPEG" else b""
            words = getattr(image, "text", {})
    latin = {name: decode_text(text.encode("latin-1", "replace")) for name, text in found.items()}
    in_png = {name: str(words[key]) for key, name in _NAMES_IN_PNG.items() if key in words}
    return latin | in_png | ({"comment": decode_text(comment)} if comment else {})


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
