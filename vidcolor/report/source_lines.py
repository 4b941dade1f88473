"""Lines on the color that a film has in its source: shots that keep it, and tints."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import atan2, degrees, floor, hypot
from typing import Any

from vidcolor.shots.source_color import LEAST_TINT
from vidcolor.words import counted

BROWN = 16.0
"""Distance below which what is orange or amber is called brown."""

MOST_SPANS = 5

# Where each name ends, in degrees from Cb to Cr; red lies at 108, blue at -9 (ITU-R BT.601-7).
_NAMES = (
    (-110, "green"), (-55, "cyan"), (20, "blue"), (75, "magenta"), (120, "red"), (140, "orange"),
    (165, "amber"), (180, "yellow"),
)  # fmt: skip


def name_tint(cb: float, cr: float) -> str:
    """A word for the hue of a mean chroma, in 8-bit codes from neutral."""
    hue = degrees(atan2(cr, cb))
    name = next((name for end, name in _NAMES if hue <= end), "green")
    return "brown" if name in {"orange", "amber"} and hypot(cb, cr) < BROWN else name


def describe_source(shots: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines on what color a film has in its source; none for a neutral one.

    Args:
        shots: As in `Timeline.figures`.
    """
    lines = []
    in_color = [shot for shot in shots if shot.get("kept") == "color"]
    if in_color:
        others = len(shots) - len(in_color)
        lines.append(
            f"{_counted(len(in_color), 'shot')} in color already and kept "
            f"({_spans(in_color)}), {_counted(others, 'other')} colorized"
        )
    tinted = [shot for shot in shots if shot.get("tint") and hypot(*shot["tint"]) >= LEAST_TINT]
    if tinted:
        names = ", ".join(dict.fromkeys(name_tint(*shot["tint"]) for shot in tinted))
        kept = any(shot.get("kept") == "tint" for shot in tinted)
        what = "kept" if kept else "colorized; see --tint"
        lines.append(f"tinted or toned: {len(tinted)} of {len(shots)} shots ({names}), {what}")
    overlaid = [shot for shot in shots if shot.get("overlay") and not shot.get("kept")]
    if overlaid:
        most = max(shot["overlay"] for shot in overlaid)
        lines.append(
            f"{_counted(len(overlaid), 'shot')} black and white but for a subtitle or logo, up to "
            f"{most:.0%} of the picture ({_spans(overlaid)}), which keeps its own color"
        )
    return lines


def _counted(count: int, name: str) -> str:
    return counted(count, f"{name} is", f"{name}s are")


def _spans(shots: Sequence[Mapping[str, Any]]) -> str:
    times = [str(timedelta(seconds=floor(shot["start_seconds"]))) for shot in shots]
    more = len(times) - MOST_SPANS
    return "at " + ", ".join(times[:MOST_SPANS]) + (f" and {more} more" if more > 0 else "")
