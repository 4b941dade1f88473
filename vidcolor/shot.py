"""What is known of a shot: as a whole, from its first frames on, and of the frames gone by."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Map = NDArray[np.float32]


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
        overlay: Share of the picture that has a color of its own, as of a subtitle or a logo; 0 for
            a shot in color.
    """

    is_color: bool
    is_tinted: bool
    cb: float
    cr: float
    overlay: float = 0.0


class Ungraded(NamedTuple):
    """The colors of a frame before what a color script, or the user, wants of all of them.

    Attributes:
        ab: a* and b* as decoded, (2, h, w).
        said: Digest of what a color script says of them; None for nothing.
    """

    ab: Map
    said: str | None


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


class CardState(NamedTuple):
    """What a shot's frames have shown so far: a card, or a scene.

    Attributes:
        share: What the colors of the last frame were multiplied with, in [0, 1].
        scenes: How many frames in a row have shown a scene since the last card.
        was_card: Whether there was a card.
    """

    share: float = 0.0
    scenes: int = 0
    was_card: bool = False


class ShotState(NamedTuple):
    """All that the next frame of a shot takes from those before it.

    Attributes:
        map: The prediction of the last frame, a keyframe, smoothed, (C, h, w); None without
            smoothing.
        weight: Its weight, (h, w).
        lightness: The picture of it that the network saw, (H, W).
        gain: The sums of its `ChromaGain`.
        cards: What its frames have shown.
        refined: What refinement remembers, by name.
        shown: a* and b* of the last frame as written, (2, h, w), and its lightness, (h, w).
    """

    map: torch.Tensor | None = None
    weight: Map | None = None
    lightness: Map | None = None
    gain: tuple[float, float] = (0.0, 0.0)
    cards: CardState = CardState()
    refined: Mapping[str, NDArray[Any]] = {}
    shown: tuple[Map, Map] | None = None
