"""The photographs' part of evaluate.py: what is seen at the default look, and how sure that is."""

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.decode import decode_prediction
from vidcolor.color.lab import lightness_from_luma
from vidcolor.evaluation.bootstrap import (
    Counts,
    Estimates,
    draw_sources,
    estimate_differences,
    estimate_figures,
)
from vidcolor.evaluation.photos import Figures, Pair, fit_picture, measure_shown
from vidcolor.evaluation.skin import Box, draw_boxes, has_skin_color, read_faces
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import load_model
from vidcolor.settings import ColorSettings
from vidcolor.training.dataset import read_named_pictures
from vidcolor.training.film_response import expose_worn_ortho, mix_video_luma

FACES = Path(__file__).with_name("faces.tsv")
"""Faces of validation photographs: most found by an LBP cascade, each one looked at."""

_LEAST_SKIN = 64  # pixels: fewer say nothing of a picture
_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photograph:
    """A photograph to color.

    Attributes:
        name: Its file's or member's.
        source: Where it comes from; its name if that is not known.
        pair: Its truth (3, H, W) and luma (1, H, W), in [0, 1].
        skin: (H, W) bool; None if no face is marked.
    """

    name: str
    source: str
    pair: Pair
    skin: torch.Tensor | None


def read_photographs(
    path: Path, count: int, short_side: int, *, film: bool, faces: Path, sources: Path | None
) -> list[Photograph]:
    """The photographs of a folder or tar file, those of one size together.

    Args:
        path: A folder or tar file.
        count: How many to read at most.
        short_side: Of them, in pixels.
        film: Show them as worn orthochromatic film does.
        faces: Table of `read_faces`.
        sources: Table with columns `member` and `source_repo`; None if each is its own source.
    """
    boxes, source_of = read_faces(faces), read_sources(sources) if sources else {}
    found = []
    for name, rgb in read_named_pictures([path], count):
        member = Path(name.removeprefix(f"{path}:")).name
        srgb = fit_picture(rgb, short_side)
        skin = find_skin(boxes.get((path.name, member), []), rgb, srgb)
        found.append((srgb, member, skin))
    found.sort(key=lambda photograph: photograph[0].shape)
    generator = torch.Generator().manual_seed(0)
    photographs = []
    for srgb, member, skin in found:
        shown = expose_worn_ortho(srgb[None], generator) if film else mix_video_luma(srgb[None])
        source = source_of.get(member, member)
        photographs.append(Photograph(name=member, source=source, pair=(srgb, shown[0]), skin=skin))
    return photographs


def read_sources(path: Path) -> dict[str, str]:
    """The source of each member, from a table of tabs with a row of names on top."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["member"]: row["source_repo"] for row in rows}


def find_skin(boxes: list[Box], rgb: NDArray[np.uint8], srgb: torch.Tensor) -> torch.Tensor | None:
    """Where a fitted picture (3, H, W) shows skin in the faces of (height, width, 3); or None."""
    short_side = min(srgb.shape[1:])
    inside = fit_picture(draw_boxes(boxes, *rgb.shape[:2]), short_side)[0] > 1 / 2
    skin = inside & has_skin_color(srgb)
    return skin if int(skin.sum()) >= _LEAST_SKIN else None


def color_named(name: str, lumas: Sequence[torch.Tensor], device: str) -> list[torch.Tensor]:
    """The colors (2, h, w) that a model gives each luma (1, H, W) at the default look."""
    model, look = load_model(name, device), ColorSettings()
    seen = (lightness_from_luma(luma)[0].numpy() for luma in lumas)
    return [
        look.saturation
        * decode_prediction(
            one.map, model.decoding, vividness=look.vividness, method=look.decode
        ).ab.cpu()
        for one in predict_histograms(seen, model, _BATCH)
    ]


def measure_photographs(
    photographs: Sequence[Photograph], colors: Sequence[torch.Tensor], saturation: float
) -> list[Figures]:
    """All figures of each photograph in colors (2, h, w) that are made so much stronger."""

    def measure(photograph: Photograph, ab: torch.Tensor) -> Figures:
        return measure_shown(*photograph.pair, saturation * ab, photograph.skin)

    # A thread a picture: threads that share one wait for each other, long on a busy machine.
    with ThreadPoolExecutor(torch.get_num_threads(), "measure", _use_one_thread) as pool:
        return list(pool.map(measure, photographs, colors))


def evaluate_shown(
    photographs: Sequence[Photograph], models: Sequence[str], device: str, medians: Sequence[float]
) -> dict[str, Any]:
    """Prints what is seen of each model's colors, and of the same at told median chromas.

    Returns:
        By look (`default`, `median chroma 8`, ...) the models' figures and their differences, each
        a mean and its interval, and the saturation of each model at that look.
    """
    lumas = [photograph.pair[1] for photograph in photographs]
    colors = {name: color_named(name, lumas, device) for name in models}
    plain = {name: measure_photographs(photographs, ab, 1.0) for name, ab in colors.items()}
    counts = draw_sources([photograph.source for photograph in photographs])
    sources = len({photograph.source for photograph in photographs})
    results: dict[str, Any] = {"pictures": len(photographs), "sources": sources, "default": {}}
    grey = [torch.zeros(2, 1, 1)] * len(photographs)
    beside = {"grey": measure_photographs(photographs, grey, 1.0)}
    results["default"] = print_look("default look", beside | plain, counts)
    for median in medians:
        gains = {name: median / _mean_of(rows, "median_chroma") for name, rows in plain.items()}
        rows = {
            name: measure_photographs(photographs, ab, gains[name]) for name, ab in colors.items()
        }
        look = f"median chroma {median:g}"
        results[look] = print_look(look, rows, counts) | {"saturation": gains}
        told = ", ".join(f"{Path(name).stem} {gain:.2f}" for name, gain in gains.items())
        print(f"saturation: {told}")
    return results


def print_look(
    look: str, rows: dict[str, list[Figures]], counts: Counts
) -> dict[str, dict[str, Estimates]]:
    """Prints a look's table in Markdown, a row a figure; gives the models' and differences'."""
    names = list(dict.fromkeys(name for found in rows.values() for row in found for name in row))
    neighbors = list(pairwise(model for model in rows if model != "grey"))
    models = {model: estimate_figures(found, names, counts) for model, found in rows.items()}
    differences = {
        f"{other} - {one}": estimate_differences(rows[one], rows[other], names, counts)
        for one, other in neighbors
    }
    columns = {Path(model).stem: found for model, found in models.items()}
    columns |= {
        f"{Path(other).stem} - {Path(one).stem}": differences[f"{other} - {one}"]
        for one, other in neighbors
    }
    print(f"\n| {look} | " + " | ".join(columns) + " |\n|---" + "|---:" * len(columns) + "|")
    for name in names:
        cells = (str(found[name]) if name in found else "" for found in columns.values())
        print(f"| {name} | " + " | ".join(cells) + " |")
    return {"models": models, "differences": differences}


def _mean_of(rows: list[Figures], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)


def _use_one_thread() -> None:
    torch.set_num_threads(1)
