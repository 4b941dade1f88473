"""What is known of a shot as a whole, from its first frames on."""

from typing import NamedTuple


class ActiveArea(NamedTuple):
    """The part of a frame that shows the picture; what lies around it are even, dark bars.

    Attributes:
        top: First luma row of it.
        bottom: First luma row below it.
        left: First luma column of it.
        right: First luma column behind it.
    """

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Luma rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Luma columns."""
        return self.right - self.left


class SourceColor(NamedTuple):
    """What color a shot has in the source.

    Attributes:
        is_color: Whether hues vary over its things.
        is_tinted: Whether it is black and white under one tint.
        cb: Mean of Cb, in 8-bit codes from neutral.
        cr: Mean of Cr, likewise.
    """

    is_color: bool
    is_tinted: bool
    cb: float
    cr: float


class Shot(NamedTuple):
    """One shot of a film.

    Attributes:
        number: Its number, from 0.
        returns_to: Number of the earlier shot whose last picture it goes on with, if any.
        active: The part of its frames that shows the picture; None for all of them.
        color: What color it has in the source; None if that has no chroma, or nobody asks.
    """

    number: int
    returns_to: int | None
    active: ActiveArea | None = None
    color: SourceColor | None = None
