"""Parts of a film and of a reference picture that belong together. Standard library only."""

from typing import NamedTuple


class Rectangle(NamedTuple):
    """A part of a picture, in percent of its width and height."""

    left: float
    top: float
    width: float
    height: float

    def slices(self, rows: int, columns: int) -> tuple[slice, slice]:
        """Its rows and columns in a picture of so many; at least one of each."""
        top, left = int(rows * self.top / 100), int(columns * self.left / 100)
        bottom = max(top + 1, round(rows * (self.top + self.height) / 100))
        right = max(left + 1, round(columns * (self.left + self.width) / 100))
        return slice(top, bottom), slice(left, right)


class Swatch(NamedTuple):
    """A part of the film that has the colors of a part of the reference."""

    film: Rectangle
    reference: Rectangle


def parse_swatch(text: str) -> Swatch:
    """Two rectangles such as `10,20,30,30=50,40,20,20`: left, top, width and height in percent.

    Raises:
        ValueError: It is something else; the text says so.
    """
    film, _, reference = text.partition("=")
    return Swatch(_parse_rectangle(film, text), _parse_rectangle(reference, text))


def _parse_rectangle(part: str, text: str) -> Rectangle:
    try:
        left, top, width, height = (float(number) for number in part.split(","))
    except ValueError:
        raise ValueError(
            f"{text!r} is no swatch; write FILM=REFERENCE, each LEFT,TOP,WIDTH,HEIGHT in percent"
        ) from None
    inside = min(left, top) >= 0 and max(left + width, top + height) <= 100  # noqa: PLR2004
    if not (inside and width > 0 and height > 0):
        raise ValueError(f"{text!r}: {part} lies outside the picture, which is 100 by 100 percent")
    return Rectangle(left, top, width, height)
