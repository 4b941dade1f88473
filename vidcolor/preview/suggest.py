"""The colors that a model thinks likeliest at a place of a frame."""

from typing import NamedTuple

import torch

from vidcolor.color.bins import BIN_CENTERS, Decoding
from vidcolor.color.lab import srgb_from_lab
from vidcolor.directing.hints import shown_area
from vidcolor.frame import FrameFormat, Map, Prediction
from vidcolor.shot import ActiveArea

NEARNESS = 25.0
"""Colors nearer than this in ab are one color with another name."""

WINDOW = 1
"""Places of the map to each side that are looked at together."""

LEAST_SHARE = 0.01


class Suggestion(NamedTuple):
    """A color that a place may have.

    Attributes:
        color: `#rrggbb`, at the place's own lightness, limited to what sRGB has there.
        ab: a* and b*.
        probability: In [0, 1]; those of all suggestions sum to 1 at most.
    """

    color: str
    ab: tuple[float, float]
    probability: float


def suggest_at(
    prediction: Prediction,
    lightness: Map,
    decoding: Decoding | None,
    place: tuple[float, float],
    count: int,
) -> list[Suggestion]:
    """The likeliest distinct colors of a place, the rebalancing of training taken back.

    Args:
        prediction: Of the frame.
        lightness: L* of its picture, (H, W), as large as the one that the network saw.
        decoding: The model's; None if it gives a* and b*, then there is but that color.
        place: x and y in that picture, as fractions of its width and height, in [0, 1].
        count: How many at most.
    """
    (x, y), (height, width) = place, lightness.shape
    here = float(lightness[_index(y, height), _index(x, width)])
    rows, columns = prediction.map.shape[-2:]
    row, column = _index(y, rows), _index(x, columns)
    window = prediction.map[
        :,
        max(0, row - WINDOW) : row + WINDOW + 1,
        max(0, column - WINDOW) : column + WINDOW + 1,
    ]
    values = window.float().cpu().flatten(1).mean(1)  # (bins,)
    if decoding is None:
        return [_suggestion(values[:2], here, 1.0)]
    likely = values / decoding.rebalancing_weight.cpu().float()
    likely = likely / likely.sum()
    return [_suggestion(ab, here, share) for ab, share in _groups(likely, count)]


def place_inside(
    active: ActiveArea | None, picture: FrameFormat, x: float, y: float
) -> tuple[float, float]:
    """A place of a picture as it is shown, as one of its active part as it is shown."""
    left, top, width, height = shown_area(picture, active)
    return min(1.0, max(0.0, (x - left) / width)), min(1.0, max(0.0, (y - top) / height))


def _groups(likely: torch.Tensor, count: int) -> list[tuple[torch.Tensor, float]]:
    """Groups of near bins: mean color and probability of each, the likeliest first."""
    near = torch.cdist(BIN_CENTERS, BIN_CENTERS) < NEARNESS  # (bins, bins)
    left = likely.clone()
    found: list[tuple[torch.Tensor, float]] = []
    for _ in range(count):
        middle = int((near.float() @ left).argmax())
        members = near[middle] * left
        share = float(members.sum())
        if share < LEAST_SHARE:
            break
        found.append(((members[:, None] * BIN_CENTERS).sum(0) / share, share))
        left = torch.where(near[middle], 0.0, left)
    return sorted(found, key=lambda one: -one[1])


def _suggestion(ab: torch.Tensor, lightness: float, probability: float) -> Suggestion:
    a, b = float(ab[0]), float(ab[1])
    return Suggestion(hex_color(lightness, a, b), (a, b), probability)


def hex_color(lightness: float, a: float, b: float) -> str:
    """A color as `#rrggbb`, its chroma lowered until sRGB has it at this lightness."""
    low, high = 0.0, 1.0
    if not _is_inside(lightness, a, b):
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if _is_inside(lightness, middle * a, middle * b) else (low, middle)
            )
        a, b = low * a, low * b
    red, green, blue = (round(255 * min(1.0, max(0.0, v))) for v in _srgb(lightness, a, b))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _is_inside(lightness: float, a: float, b: float) -> bool:
    slack = 0.002
    return all(-slack <= value <= 1 + slack for value in _srgb(lightness, a, b))


def _srgb(lightness: float, a: float, b: float) -> list[float]:
    lab = torch.tensor([lightness, a, b]).reshape(3, 1, 1)
    return [float(value) for value in srgb_from_lab(lab).flatten()]


def _index(share: float, length: int) -> int:
    return min(length - 1, max(0, int(share * length)))
