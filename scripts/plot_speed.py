"""Draws each film's speed beside the ceiling's, and where its processor time goes.

python scripts/plot_speed.py speed.json speed.png
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure


def draw(rows: list[dict[str, Any]]) -> Figure:
    """Draw the rows that `benchmark.py --json` wrote."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    films = _first_of_each_size(row for row in rows if "ratio" in row)
    for offset, what in ((-0.2, "transcode"), (0.2, "vidcolor")):
        rates = [row[f"{what}_frames_per_second"] for row in films]
        bars = left.bar([at + offset for at in range(len(films))], rates, 0.38, label=what)
        left.bar_label(bars, fmt="%.1f")
    names = [f"{row['size']}\nratio {row['ratio']:.2f}" for row in films]
    left.set_xticks(range(len(films)), names)
    left.set_ylabel("frames a second")
    left.set_yscale("log")
    left.legend()
    staged = _first_of_each_size(row for row in rows if "milliseconds" in row)
    below = np.zeros(len(staged))
    colors = mpl.colormaps["tab20"]
    for number, stage in enumerate(staged[0]["milliseconds"]):
        shares = np.array([row["milliseconds"][stage] / row["total"] for row in staged])
        sizes = [row["size"] for row in staged]
        right.bar(sizes, shares, 0.6, below, label=stage, color=colors(number))
        below += shares
    right.set_ylabel("share of processor time")
    right.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small", reverse=True)
    return figure


def _first_of_each_size(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["size"], row)
    return list(found.values())


def main() -> None:
    """Read figures, write a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    figures = json.loads(arguments.figures.read_text(encoding="utf-8"))
    draw(figures["rows"]).savefig(arguments.picture, dpi=100)


if __name__ == "__main__":
    main()
