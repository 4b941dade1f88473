"""Which shots of a film a person should look at, by figures that are unlike what is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

LEAST_CONFIDENCE = 0.33
MOST_FLICKER = 2.0
MOST_LIMITED = 0.08
"""Beyond all that 16 clips of many kinds measured: confidence 0.35 to 0.48 (a blank shot 0.63),
flicker up to 1.4 in ab where much moves, up to 4 % of the chroma limited by the gamut."""

COLORFUL = 5.0
"""Colorfulness M1 of a film that has colors; those clips measured 2.8 to 22."""

LEAST_SHARE, MOST_SHARE = 0.2, 3.0
"""Of the film's median colorfulness, what a shot may have."""

LEAST_FRAMES = 3
"""A shot that is shorter cannot be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A shot that is worth a look.

    Attributes:
        shot: Its number, from 0.
        seconds: Where it begins, from the film's first frame.
        reasons: What is unusual, a phrase each.
    """

    shot: int
    seconds: float
    reasons: list[str]


def find_remarkable(shots: Sequence[Mapping[str, Any]]) -> list[Remark]:
    """The shots of a film that are worth a look, in order.

    Args:
        shots: What `Timeline.figures` tells of them.
    """
    long = [shot for shot in shots if shot["frames"] >= LEAST_FRAMES]
    usual = median(_figure(shot, "colorfulness") for shot in long) if long else 0.0
    remarks = []
    for shot in long:
        reasons = _reasons(shot, usual)
        if reasons:
            seconds = float(shot["start_seconds"])
            remarks.append(Remark(shot=shot["number"], seconds=seconds, reasons=reasons))
    return remarks


def _reasons(shot: Mapping[str, Any], usual: float) -> list[str]:
    colorfulness = _figure(shot, "colorfulness")
    found = {
        "unsure of its colors": _figure(shot, "confidence", 1.0) < LEAST_CONFIDENCE,
        "colors change from frame to frame": _figure(shot, "flicker") > MOST_FLICKER,
        "colors stronger than its light allows": _figure(shot, "limited_share") > MOST_LIMITED,
        "nearly without color": usual > COLORFUL and colorfulness < LEAST_SHARE * usual,
        "far more colorful than the rest": colorfulness > MOST_SHARE * max(usual, COLORFUL),
    }
    return [reason for reason, is_so in found.items() if is_so]


def _figure(shot: Mapping[str, Any], name: str, missing: float = 0.0) -> float:
    value = shot[name]
    return missing if value is None else float(value)
