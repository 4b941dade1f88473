"""A plot of a sidecar: the film's colors over its time. The extra `plot`."""

import io
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.lab import srgb_from_lab
from vidcolor.errors import OutputError
from vidcolor.extras import how_to_install
from vidcolor.files import write_whole
from vidcolor.report.sidecar import COLUMNS, check_sidecar

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ModuleNotFoundError as _error:
    raise OutputError(f"--plot needs matplotlib; {how_to_install('plot')}") from _error

Values = NDArray[np.float64]
Look = dict[str, Any]

# Metadata that names the day and the library is left out: the same input gives the same bytes.
_METADATA = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
_SIZE_INCHES = (12, 9)
_DOTS_PER_INCH = 110
# Fixed, as matplotlib's own layouts are not the same to the last bit each time.
_MARGINS = {"left": 0.075, "right": 0.985, "top": 0.945, "bottom": 0.06, "hspace": 0.22}
_NAME_LENGTH = 48
_CUT_ORDER, _CURVE_ORDER = 2, 3  # curves hide cuts, not the other way round

STRIP_LIGHTNESS = 60.0
"""L* of the strip of mean colors."""
MINUTES_FROM_SECONDS = 300
"""Length of film from which the axis shows minutes."""
MANY_CUTS = 200
"""Above this cuts are drawn thinner and paler, so that they do not hide the curves."""

# Name of a column, the label of its axis, highest value shown (None: as the film has it).
_PANELS = (
    ("colorfulness", "colorfulness (M1)", None),
    ("confidence", "confidence", 1),
    ("flicker", "flicker (distance\nin ab per frame)", None),
    ("frames_per_second", "speed of work\n(frames/s)", None),
)


def plot_timeline(facts: dict[str, Any], target: Path, *, overwrite: bool) -> None:
    """Draw a film's timeline: its cuts and colors, confidence, flicker and the speed of the work.

    Args:
        facts: What `read_sidecar` gave.
        target: The picture, .png or .svg; the same facts give the same bytes.
        overwrite: Whether a file that exists may be replaced.

    Raises:
        OutputError: The picture is of another kind, exists already or cannot be written.
    """
    kind = target.suffix.lower()
    if kind not in _METADATA:
        raise OutputError(f"{target}: plots are .png or .svg; name one of these with -o")
    check_sidecar(target, overwrite=overwrite)
    picture = io.BytesIO()
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams["svg.hashsalt"] = "vidcolor"
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = draw_figure(facts)
        figure.savefig(picture, format=kind[1:], dpi=_DOTS_PER_INCH, metadata=_METADATA[kind])
    write_whole(target, picture.getvalue())


def draw_figure(facts: dict[str, Any]) -> Figure:
    """The plot as matplotlib has it, before it is written.

    Args:
        facts: A sidecar, see `read_sidecar`.
    """
    edges, columns = steps_of(facts["timeline"])
    unit, name = (60, "minutes") if edges[-1] > MINUTES_FROM_SECONDS else (1, "seconds")
    edges /= unit
    cuts = np.array([shot["start_seconds"] for shot in facts["shots"][1:]]) / unit
    figure = Figure(figsize=_SIZE_INCHES)
    figure.suptitle(_title(facts), parse_math=False)
    heights = [0.4, 1.2] + [1] * len(_PANELS)
    panels = figure.subplots(len(heights), sharex=True, height_ratios=heights, gridspec_kw=_MARGINS)
    strip, means, *others = panels
    _draw_strip(strip, edges, columns)
    _draw_means(means, edges, columns)
    for axes, (column, label, highest) in zip(others, _PANELS, strict=True):
        _draw_curve(axes, edges, columns[column], "black")
        axes.set_ylabel(label)
        axes.set_ylim(0, highest or _headroom(columns[column]))
    for axes in panels:
        _draw_cuts(axes, cuts)
    figure.align_ylabels(panels)
    panels[-1].set_xlim(edges[0], edges[-1])
    panels[-1].set_xlabel(f"{name} of film; vertical lines are cuts")
    return figure


def steps_of(timeline: dict[str, list[float | None]]) -> tuple[Values, dict[str, Values]]:
    """Bounds of the rows in seconds, (n + 1,), and the columns, (n,); what is missing is NaN.

    Where seconds are missing between two rows, a row without figures stands for all of them.
    """
    seconds = np.array(timeline["second"] or [0], np.float64)
    columns = {name: np.array(timeline[name] or [np.nan], np.float64) for name in COLUMNS[1:]}
    ends = [row + 1 for row, (one, other) in enumerate(pairwise(seconds)) if other > one + 1]
    starts = np.insert(seconds, ends, seconds[np.array(ends, int) - 1] + 1)
    edges = np.append(starts, starts[-1] + 1)
    filled = {name: np.insert(values, ends, np.nan) for name, values in columns.items()}
    return edges, filled


def _draw_strip(axes: Axes, edges: Values, columns: dict[str, Values]) -> None:
    """The mean color of each row at one lightness; white where there is none."""
    a, b = columns["mean_a"], columns["mean_b"]
    lab = np.stack([np.full_like(a, STRIP_LIGHTNESS), a, b])[:, None]  # (3, 1, n)
    srgb = srgb_from_lab(torch.from_numpy(lab)).clamp(0, 1).nan_to_num(1)
    axes.pcolormesh(edges, [0, 1], srgb.permute(1, 2, 0).numpy(), rasterized=True)
    axes.set_yticks([])
    axes.set_ylabel("mean\ncolor")


def _draw_means(axes: Axes, edges: Values, columns: dict[str, Values]) -> None:
    axes.axhline(0, color="gray", linewidth=0.8)
    _draw_curve(axes, edges, columns["mean_a"], "crimson", "a* (green below 0, red above)")
    _draw_curve(axes, edges, columns["mean_b"], "goldenrod", "b* (blue below 0, yellow above)")
    axes.set_ylabel("mean a*, b*")
    above: Look = {
        "loc": "lower right",
        "bbox_to_anchor": (1, 1),
        "borderaxespad": 0,
    }  # hides no curve
    axes.legend(ncols=2, fontsize="small", frameon=False, **above)


def _draw_curve(
    axes: Axes, edges: Values, values: Values, color: str, label: str | None = None
) -> None:
    """A level line over each row: a row alone among gaps shows, and none is drawn across a gap."""
    look: Look = {"color": color, "label": label, "linewidth": 1.1, "zorder": _CURVE_ORDER}
    axes.stairs(values, edges, baseline=None, **look)
    axes.grid(visible=True, alpha=0.3)


def _headroom(values: Values) -> float:
    """A little more than the highest value, so that it is seen below the frame."""
    return 1.08 * max((value for value in values if value > 0), default=1.0)


def _draw_cuts(axes: Axes, cuts: Values) -> None:
    crowding = max(1, len(cuts) / MANY_CUTS)
    look: Look = {"color": "tab:blue", "zorder": _CUT_ORDER}
    look |= {"alpha": max(0.08, 0.5 / crowding), "linewidth": 0.8 / min(crowding, 2)}
    axes.vlines(cuts, 0, 1, transform=axes.get_xaxis_transform(), **look)


def _title(facts: dict[str, Any]) -> str:
    frames, shots = facts["frames"], len(facts["shots"])
    return (
        f"{_shown(Path(facts['source']['path']).name)}: model {_shown(facts['model']['name'])}, "
        f"{frames} frame{'s' if frames != 1 else ''}, {shots} shot{'s' if shots != 1 else ''}"
    )


def _shown(name: str) -> str:
    """A name as one line that fits; its middle is left out if it is long."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    if len(name) <= _NAME_LENGTH:
        return name
    return f"{name[: _NAME_LENGTH // 2]}…{name[-_NAME_LENGTH // 2 :]}"
