"""Tell how many of the shots that people found fault with are named as worth a look, and why.

python scripts/quality_figures.py out/*.colorized.json
python scripts/quality_figures.py --photographs train-00.tar

The first compares the sidecars of films, each the first 4 seconds of a reel, with what was seen in
them. The second prints the table of `vidcolor/report/checks.py`.
"""

import argparse
import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.lab import lab_from_srgb
from vidcolor.report.checks import LEAST_FRAMES, find_doubtful_shots
from vidcolor.report.sidecar import read_sidecar

LABELS = Path(__file__).parents[1] / "tests" / "data" / "looked-at.tsv"
FIGURES = {
    "glow": {"glare", "skin"},
    "patch": {"patch"},
    "flicker": {"jump", "flicker"},
    "gray": {"contrast"},
    "any of these": {"glare", "skin", "patch", "jump", "flicker", "contrast"},
}
"""What a person sees, and the figures that ought to say so."""

SHORT_SIDE = 64
LIGHTNESS_STEP, HUE_STEP, MOST_CHROMA = 10, 30, 140
RARE = 2e-4
"""Share of the pixels of one lightness that exceed the chroma told."""

Shot = tuple[str, int]


def read_labels(path: Path) -> dict[Shot, set[str]]:
    """What was seen in each shot that was looked at, by the reel's name and the shot's number."""
    with path.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {(row["reel"], int(row["shot"])): set(row["seen"].split(",")) - {""} for row in rows}


def find_named(paths: list[Path]) -> dict[Shot, set[str]]:
    """The figures for which each shot is named, those of shots that are not named empty."""
    named: dict[Shot, set[str]] = {}
    for path in paths:
        facts: dict[str, Any] = read_sidecar(path)
        reel = Path(facts["source"]["path"]).name
        long = [shot for shot in facts["shots"] if shot["frames"] >= LEAST_FRAMES]
        named |= {(reel, shot["number"]): set() for shot in long}
        for remark in find_doubtful_shots(facts["shots"]):
            named[reel, remark.shot] = {finding.figure for finding in remark.findings}
    return named


def tell_precision(labels: dict[Shot, set[str]], named: dict[Shot, set[str]]) -> Iterator[str]:
    """A line for each thing seen: how many were named rightly, wrongly, and not at all."""
    both = sorted(labels.keys() & named.keys())
    yield f"{'seen':14} seen named right precision recall   wrongly named; missed"
    for name, figures in FIGURES.items():
        wanted = {
            shot for shot in both if (labels[shot] if "any" in name else labels[shot] & {name})
        }
        got = {shot for shot in both if named[shot] & figures}
        right = len(wanted & got)
        wrong, missed = (
            ", ".join(map(tell_shot, sorted(some))) for some in (got - wanted, wanted - got)
        )
        precision, recall = right / max(len(got), 1), right / max(len(wanted), 1)
        counts = f"{len(wanted):4} {len(got):5} {right:5} {precision:9.2f} {recall:6.2f}"
        yield f"{name:14} {counts}   {wrong or 'none'}; {missed or 'none'}"
    told = {reel for (reel, _), figures in named.items() if figures}
    for name in ("glow", "patch", "flicker", "gray"):
        reels = {reel for (reel, _), seen in labels.items() if name in seen} & {r for r, _ in named}
        missed = ", ".join(sorted(reels - told)) or "none"
        yield f"{len(reels & told)} of {len(reels)} reels with {name} are named, not: {missed}"
    fine = {reel for reel, _ in named} - {reel for (reel, _), seen in labels.items() if seen}
    yield f"{len(fine & told)} of {len(fine)} others: {', '.join(sorted(fine & told)) or 'none'}"


def tell_shot(shot: Shot) -> str:
    """A shot's name, its number counted from 1."""
    return f"{shot[0]} {shot[1] + 1}"


def read_photographs(paths: list[Path]) -> Iterator[NDArray[np.float32]]:
    """(3, n) Lab of each photograph of tar files, made as small as maps are."""
    for path in paths:
        with tarfile.open(path) as tar:
            for member in tar:
                data = file.read() if (file := tar.extractfile(member)) else b""
                bgr = (
                    cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
                )
                if bgr is None:
                    continue
                scale = SHORT_SIDE / min(bgr.shape[:2])
                size = (round(bgr.shape[1] * scale), round(bgr.shape[0] * scale))
                small = cv2.resize(bgr / np.float32(255), size, interpolation=cv2.INTER_AREA)
                rgb = np.ascontiguousarray(small[:, :, ::-1].transpose(2, 0, 1))
                yield lab_from_srgb(torch.from_numpy(rgb)).numpy().reshape(3, -1)


def tell_table(photographs: Iterator[NDArray[np.float32]]) -> Iterator[str]:
    """The lines of the table: a row for each step of lightness, a column for each of hue."""
    counts = np.zeros((100 // LIGHTNESS_STEP, 360 // HUE_STEP, MOST_CHROMA), np.int64)
    for lightness, a, b in photographs:
        hue = np.degrees(np.arctan2(b, a)) % 360
        cell = (lightness / LIGHTNESS_STEP, hue / HUE_STEP, np.hypot(a, b))
        limits = [size - 1 for size in counts.shape]
        index = tuple(np.clip(x, 0, top).astype(int) for x, top in zip(cell, limits, strict=True))
        np.add.at(counts, index, 1)
    shares = counts[..., ::-1].cumsum(-1)[..., ::-1] / counts.sum((1, 2), keepdims=True)
    for row in (shares > RARE).sum(-1):
        yield f"    ({', '.join(map(str, row))}),"


def main() -> None:
    """Print one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sidecars", nargs="*", type=Path)
    parser.add_argument("--labels", type=Path, default=LABELS, help="a line for each shot seen")
    parser.add_argument("--photographs", nargs="+", type=Path, help="tar files: print the table")
    arguments = parser.parse_args()
    if arguments.photographs:
        lines = tell_table(read_photographs(arguments.photographs))
    else:
        lines = tell_precision(read_labels(arguments.labels), find_named(arguments.sidecars))
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
