"""Which shots of a film a person should look at, by figures that are unlike what is usual.

A few figures of each frame's small map of colors say what a viewer would see in it; the worst frame
of each shot decides. All thresholds stand here; `scripts/quality_figures.py` shows what each finds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

LEAST_CONFIDENCE = 0.33
MOST_FLICKER = 2.0
MOST_LIMITED = 0.08
"""Beyond all that 16 clips of many kinds measured: confidence 0.35 to 0.48 (a blank shot 0.63),
flicker up to 1.4 in ab where much moves, up to 4 % of the chroma limited by the gamut."""

MOST_GLARE, MOST_SKIN, MOST_PATCH, MOST_JUMP = 0.007, 0.003, 0.004, 0.017
"""Share of the picture in a shot's worst frame, up to which its flaws are not reported; set on
shots that were looked at, see `tests/data/looked-at.tsv`. Real colors come to 0.0011 of glare."""

COLORFUL = 5.0
"""Colorfulness M1 of a film that has colors; those clips measured 2.8 to 22."""

LEAST_SHARE, MOST_SHARE = 0.2, 3.0
"""Of the film's median colorfulness, what a shot may have."""

GRAY, GRAY_FRAMES = 6.2, 0.9
"""Colorfulness M1 of a shot that looks gray, and the share of a film that makes all of it so."""

BLANK_CONTRAST = 6.0
"""Standard deviation of L* below which a picture shows next to nothing: it may well be gray."""

LEAST_FRAMES = 3
"""A shot that is shorter cannot be looked at."""

# A row for each 10 of L*, a column for each 30 degrees of hue from a*: the chroma that no more than
# 1 in 5,000 pixels of photographs exceed in that cell, of all pixels with that L*. Made by
# `python scripts/quality_figures.py --photographs train-00.tar` of 6858 photographs.
_PHOTOGRAPHED = (
    (32, 26, 15, 14, 20, 14, 10, 10, 15, 41, 51, 23),
    (43, 49, 30, 28, 34, 22, 15, 15, 22, 60, 75, 33),
    (55, 66, 43, 39, 45, 28, 21, 20, 28, 73, 99, 47),
    (68, 81, 53, 48, 55, 34, 25, 25, 37, 81, 90, 58),
    (78, 94, 62, 56, 67, 40, 29, 29, 43, 82, 79, 66),
    (83, 99, 72, 65, 80, 42, 34, 33, 48, 74, 72, 63),
    (66, 86, 81, 73, 81, 46, 38, 38, 52, 60, 56, 61),
    (40, 60, 82, 81, 86, 47, 41, 41, 45, 45, 40, 38),
    (24, 33, 84, 89, 84, 49, 42, 38, 32, 29, 30, 27),
    (11, 14, 34, 97, 57, 23, 33, 21, 16, 15, 17, 12),
)
_LIGHTNESS_STEP, _HUE_STEP = 10, 30
_GLARE_MARGIN = 10.0
"""Chroma above the table that cannot be taken for a photograph's any more."""
_LEAST_GLARE = 30.0
"""Where dark colors or light ones are rare in photographs, weaker ones are no glare yet."""
_GLARING = np.maximum(np.array(_PHOTOGRAPHED, np.float32) + _GLARE_MARGIN, _LEAST_GLARE).ravel()

_SKIN_LIGHTNESS, _SKIN_HUE, _SKIN_CHROMA = (40, 88), (15, 60), 60.0
"""L* and hue in degrees that skin has, with room; its chroma hardly exceeds 40 in photographs."""

_PATCH_DISTANCE, _PATCH_RATIO, _EVEN_SHARE = 40.0, 4.0, 0.8
"""A patch is farther in ab from the picture's median color than the first, and farther than the
second times what this share of the picture is: in a picture of many colors nothing stands out."""

_SAMPLED = 3  # every third place shows what is usual in a picture

_JUMP, _SAME_LIGHTNESS = 16.0, 3.0
"""Change in ab from frame to frame, and that of L* up to which nothing can have moved there."""


class Flaws(NamedTuple):
    """What a viewer would see in one frame, by its small map; shares of the picture in [0, 1].

    Attributes:
        glare: With more chroma than photographs have at that lightness and hue.
        skin: With skin's lightness and hue, and far more chroma than skin.
        patch: Of a color far from an otherwise even picture's.
        jump: That changes color from the frame before though its lightness stays; None for the
            first frame of a shot.
        contrast: Standard deviation of L*.
    """

    glare: float
    skin: float
    patch: float
    jump: float | None
    contrast: float


def measure_flaws(ab: Map, lightness: Map, change: Map | None, before: Map | None) -> Flaws | None:
    """What a viewer would see in one frame; None if its colors are no numbers.

    Args:
        ab: (2, n) a* and b*.
        lightness: (n,) L* in [0, 100].
        change: (n,) distance in ab to the frame before; None for the first frame of a shot.
        before: (n,) L* of the frame before; None for the first frame of a shot.
    """
    if not math.isfinite(float(ab.sum())):
        return None
    polar = cv2.cartToPolar(ab[0], ab[1], angleInDegrees=True)
    chroma, hue = (part.ravel() for part in polar)  # (n,); OpenCV gives (n, 1)
    row = np.clip(lightness / _LIGHTNESS_STEP, 0, len(_PHOTOGRAPHED) - 1).astype(np.intp)
    column = np.minimum(hue / _HUE_STEP, len(_PHOTOGRAPHED[0]) - 1).astype(np.intp)
    glaring = chroma > _GLARING[row * len(_PHOTOGRAPHED[0]) + column]
    (dark, light), (red, yellow) = _SKIN_LIGHTNESS, _SKIN_HUE
    skin = (chroma > _SKIN_CHROMA) & (hue > red) & (hue < yellow)
    skin &= (lightness > dark) & (lightness < light)
    jump = None
    if change is not None and before is not None:
        jump = float(((change > _JUMP) & (np.abs(lightness - before) < _SAME_LIGHTNESS)).mean())
    return Flaws(
        glare=float(glaring.mean()),
        skin=float(skin.mean()),
        patch=_patch_share(ab),
        jump=jump,
        contrast=float(lightness.std()),
    )


def _patch_share(ab: Map) -> float:
    """The share of (2, n) a* and b* that stands out from all the others."""
    sampled = ab[:, ::_SAMPLED]
    middle, even = sampled.shape[1] // 2, int(sampled.shape[1] * _EVEN_SHARE)
    usual = np.partition(sampled, middle, 1)[:, middle : middle + 1]  # (2, 1), about the median
    spread = float(np.partition(np.square(sampled - usual).sum(0), even)[even])
    far = max(_PATCH_DISTANCE**2, _PATCH_RATIO**2 * spread)
    return float((np.square(ab - usual).sum(0) > far).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is unusual about a shot.

    Attributes:
        reason: What it is, a phrase.
        figure: The figure that says so, by its name.
        value: Its value in the frame that shows it best; None if that is not known.
        frame: Number of that frame in the result, from 0.
        seconds: Its time from the film's first frame.
    """

    reason: str
    figure: str
    value: float | None
    frame: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulShot:
    """A shot that is worth a look.

    Attributes:
        shot: Its number, from 0.
        seconds: Where it begins, from the film's first frame.
        reasons: What is unusual, a phrase each; what is seen most comes first.
        frame: Number of the frame that shows the first of them, in the result, from 0.
        frame_seconds: Time of that frame.
        findings: The same reasons, each with its figure and the frame that shows it.
        is_directed: Whether a color script says something of it already.
    """

    shot: int
    seconds: float
    reasons: list[str]
    frame: int
    frame_seconds: float
    findings: list[Finding]
    is_directed: bool = False


def find_doubtful_shots(shots: Sequence[Mapping[str, Any]]) -> list[DoubtfulShot]:
    """The shots of a film that are worth a look, in order.

    Args:
        shots: As in `Timeline.figures`.
    """
    ours = [shot for shot in shots if not shot.get("kept")]
    long = [shot for shot in ours if shot["frames"] >= LEAST_FRAMES]
    usual = median(_figure(shot, "colorfulness") for shot in long) if long else 0.0
    gray = _shot_of_gray_film(long)
    remarks = []
    for shot in long:
        findings = _findings(shot, usual, in_gray_film=shot is gray)
        if findings:
            remark = DoubtfulShot(
                shot=shot["number"],
                seconds=float(shot["start_seconds"]),
                reasons=[finding.reason for finding in findings],
                frame=findings[0].frame,
                frame_seconds=findings[0].seconds,
                findings=findings,
                is_directed="directed" in shot,
            )
            remarks.append(remark)
    return remarks


def _findings(shot: Mapping[str, Any], usual: float, *, in_gray_film: bool) -> list[Finding]:
    """What is unusual about a shot, each with the figure that says so, what is seen most first."""
    colorfulness = _figure(shot, "colorfulness")
    is_pale = usual > COLORFUL and colorfulness < LEAST_SHARE * usual and not _is_blank(shot)
    is_gaudy = colorfulness > MOST_SHARE * max(usual, COLORFUL)
    unsure = _figure(shot, "confidence", 1.0) < LEAST_CONFIDENCE
    checks = [
        ("skin", "skin hues glow", _worst(shot, "skin") > MOST_SKIN),
        ("glare", "colors glow as in no photograph", _worst(shot, "glare") > MOST_GLARE),
        ("patch", "patches of color stand out", _worst(shot, "patch") > MOST_PATCH),
        ("jump", "places flicker that do not move", _worst(shot, "jump") > MOST_JUMP),
        ("flicker", "colors change from frame to frame", _figure(shot, "flicker") > MOST_FLICKER),
        ("limited_share", "colors stronger than its light allows",
         _figure(shot, "limited_share") > MOST_LIMITED),
        ("colorfulness", "far more colorful than the rest", is_gaudy),
        ("contrast", "nearly without color", is_pale),
        ("contrast", "the whole film is nearly without color", in_gray_film),
        ("confidence", "unsure of its colors", unsure),
    ]  # fmt: skip
    return [_find(shot, figure, reason) for figure, reason, is_so in checks if is_so]


def _find(shot: Mapping[str, Any], figure: str, reason: str) -> Finding:
    """A finding, with the frame that shows it; the shot's first where none is known."""
    at = shot["peaks"].get(figure) or {
        "frame": shot["first_frame"],
        "seconds": shot["start_seconds"],
    }
    return Finding(
        reason=reason,
        figure=figure,
        value=at.get("value"),
        frame=at["frame"],
        seconds=float(at["seconds"]),
    )


def _shot_of_gray_film(long: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The shot that shows best that all of a film is gray; None if it is not.

    Pictures that show next to nothing are left out of it, and so are those of an earlier version,
    whose contrast is not known.
    """
    full = [shot for shot in long if "contrast" in shot["peaks"] and not _is_blank(shot)]
    gray = sum(shot["frames"] for shot in full if _figure(shot, "colorfulness") < GRAY)
    if not full or gray < GRAY_FRAMES * sum(shot["frames"] for shot in full):
        return None
    return max(full, key=lambda shot: _worst(shot, "contrast"))


def _is_blank(shot: Mapping[str, Any]) -> bool:
    """Whether a shot is known to show next to nothing."""
    return _worst(shot, "contrast", BLANK_CONTRAST) < BLANK_CONTRAST


def _worst(shot: Mapping[str, Any], name: str, missing: float = 0.0) -> float:
    """A figure in the frame of a shot that has most of it."""
    peak = shot["peaks"].get(name)
    return missing if peak is None else float(peak["value"])


def _figure(shot: Mapping[str, Any], name: str, missing: float = 0.0) -> float:
    value = shot[name]
    return missing if value is None else float(value)
