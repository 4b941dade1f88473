"""Pictures with a line of text each, laid out in rows, as one picture."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from vidcolor.errors import OutputError
from vidcolor.files import write_whole
from vidcolor.photos.statement import Statement
from vidcolor.preview.stills import Picture

TILE_WIDTH = 400
GAP = 8
TEXT_HEIGHT = 26
TEXT_SIZE = 15
PAPER, INK, WARNING = (24, 24, 24), (225, 225, 225), (255, 150, 60)

SHEET_SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_QUALITY = 92


class Tile(NamedTuple):
    """One place of a sheet.

    Attributes:
        pictures: From top to bottom, all of one shape.
        text: The line below.
        is_marked: Whether the line is a warning.
    """

    pictures: tuple[Picture, ...]
    text: str
    is_marked: bool = False


def draw_sheet(title: str, tiles: Sequence[Tile], columns: int) -> Image.Image:
    """A sheet of tiles.

    Args:
        title: The line above.
        tiles: Row by row; their pictures all of one shape.
        columns: How many make a row.
    """
    height, width = tiles[0].pictures[0].shape[:2]
    picture_height = max(1, round(TILE_WIDTH * height / width))
    cell = (TILE_WIDTH + GAP, len(tiles[0].pictures) * picture_height + TEXT_HEIGHT + GAP)
    rows = -(-len(tiles) // columns)
    size = (columns * cell[0] + GAP, rows * cell[1] + TEXT_HEIGHT + GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(TEXT_SIZE)
    draw.text((GAP, GAP), _fitted(title, draw, font, size[0] - 2 * GAP), INK, font)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        left, top = GAP + column * cell[0], GAP + TEXT_HEIGHT + row * cell[1]
        for i, picture in enumerate(tile.pictures):
            image = Image.fromarray(picture).resize(
                (TILE_WIDTH, picture_height), Image.Resampling.LANCZOS
            )
            sheet.paste(image, (left, top + i * picture_height))
        place = (left, top + len(tile.pictures) * picture_height + GAP // 2)
        text = _fitted(tile.text, draw, font, TILE_WIDTH)
        draw.text(place, text, WARNING if tile.is_marked else INK, font)
    return sheet


def _fitted(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    width: int,
) -> str:  # fmt: skip
    """A text cut to a width in pixels."""
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(f"{text}...", font) > width:
        text = text[:-1]
    return f"{text}..."


def write_sheet(path: Path, sheet: Image.Image, statement: Statement) -> None:
    """Write a sheet, which says that its color is synthetic.

    Args:
        path: Its suffix is one of `SHEET_SUFFIXES`.
        sheet: The sheet.
        statement: What it says.

    Raises:
        OutputError: It cannot be written.
    """
    file = BytesIO()
    xmp, kind = statement.xmp(None), SHEET_SUFFIXES[path.suffix.lower()]
    if kind == "JPEG":
        sheet.save(file, kind, comment=statement.text, quality=_QUALITY, xmp=xmp.encode())
    else:
        told = PngInfo()
        told.add_text("Comment", statement.text)
        told.add_itxt("XML:com.adobe.xmp", xmp)
        sheet.save(file, kind, pnginfo=told)
    write_whole(path, file.getvalue())


def check_sheet_name(path: Path) -> None:
    """Raise if a sheet cannot have this name.

    Raises:
        OutputError: Its suffix is none of a sheet.
    """
    if path.suffix.lower() not in SHEET_SUFFIXES:
        raise OutputError(f"{path}: is not a name for a picture; end it with .jpg or .png")
