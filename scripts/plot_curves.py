"""Draws accuracy over colorfulness, a curve a model, from figures that `evaluate.py` has written.

python scripts/plot_curves.py curves.png lite=figures.json:lite start=figures.json:start.safetensors
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

WANTED = 0.85
"""Share of the truth's colorfulness at which models are compared."""


class Curve(NamedTuple):
    """Points of one model in order of colorfulness."""

    label: str
    shares: list[float]
    errors: list[float]


def read_curves(argument: str) -> list[Curve]:
    """The curves along vividness and along saturation of `LABEL=FILE:MODEL`."""
    label, _, place = argument.partition("=")
    path, _, model = place.partition(":")
    results = json.loads(Path(path).read_text(encoding="utf-8"))
    curves = []
    for along in ("vividness", "saturation"):
        points = sorted(
            (p["colorfulness"] / p["truth_colorfulness"], p["ciede2000"])
            for p in results[model][along]
        )
        shares, errors = zip(*points, strict=True)
        curves.append(Curve(f"{label}, along --{along}", list(shares), list(errors)))
    return curves


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, help="PNG or SVG to write")
    parser.add_argument("curves", nargs="+", metavar="LABEL=FILE:MODEL")
    args = parser.parse_args()
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for argument in args.curves:
        color = None
        for curve, style in zip(read_curves(argument), ("--", "-"), strict=True):
            (line,) = axes.plot(
                curve.shares, curve.errors, style, color=color, marker=".", label=curve.label
            )
            color = line.get_color()
    axes.axvline(WANTED, color="grey", linewidth=0.8)
    axes.set_xlabel("colorfulness, as a part of the truth's")
    axes.set_ylabel("mean CIEDE2000 of the chroma (lower is nearer to the truth)")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(args.picture, dpi=110)


if __name__ == "__main__":
    main()
