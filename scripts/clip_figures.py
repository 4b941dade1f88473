"""The clips' part of evaluate.py: colors them by the program's own stages, prints their figures.

The settings are the program's defaults, so that the figures are those of what users get. A clip
in black and white has no truth: its colors are only strong or weak, steady or not.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch

from vidcolor.errors import SourceError
from vidcolor.evaluation.bootstrap import (
    Estimates,
    draw_sources,
    estimate_differences,
    estimate_figures,
)
from vidcolor.evaluation.clips import (
    TRUTH,
    ColoredFrame,
    measure_clip,
    scale_luma,
    srgb_from_planes,
    srgb_from_rgb,
)
from vidcolor.evaluation.photos import Figures, mean_figures
from vidcolor.models.zoo import Model, load_model
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.pixels import planar_format, plane_view
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source, main_video_stream, open_container, probe
from vidcolor.reading.tint import is_color
from vidcolor.settings import ModelSettings, Settings
from vidcolor.writing.plan import plan_encoding

COLORED, ALONE = "colored", "frame by frame"
"""Labels of the program's colors, and of those without smoothing in time."""

_DECIMALS = {
    "ciede2000": 2,
    "delta_ab": 2,
    "psnr": 2,
    "colorfulness": 2,
    "warp_error": 3,
    "cdc": 5,
    "cdc_ab": 5,
    "glare_30": 2,
    "glare_50": 3,
    "left_grey": 2,
    "hue_misses": 2,
    "unevenness": 2,
    "median_chroma": 2,
}


def evaluate_clips(
    paths: Sequence[Path], most_frames: int | None, name: str, device: str
) -> dict[str, object]:
    """Print a model's table of clips and give its figures, by clip and as means over clips."""
    settings = Settings(model=ModelSettings(name=name, device=device))
    model = load_model(name, device)
    head = "".join(f"{column:>{_width(column)}}" for column in _DECIMALS)
    print(f"{Path(name).stem} / truth".ljust(40) + head)
    clips = {}
    for path in paths:
        try:
            figures = measure_clip(color_clip(path, model, settings, most_frames))
        except SourceError as error:
            print(f"{path.name} left out: {error}")
            continue
        clips[str(path)] = figures
        for label in (ALONE, COLORED):
            print_row(f"{path.name} {label}", figures[label])
    means = {}
    intervals = {}
    for kind, has_truth in (("color", True), ("black and white", False)):
        alike = [figures for figures in clips.values() if (TRUTH in figures) == has_truth]
        for label in alike[0] if alike else ():
            row = f"mean of {len(alike)} in {kind}: {label}"
            means[row] = mean_figures([figures[label] for figures in alike])
            print_row(row, means[row])
            # A clip is a source of its own.
            names, counts = list(means[row]), draw_sources([str(n) for n in range(len(alike))])
            intervals[row] = estimate_figures([figures[label] for figures in alike], names, counts)
    return {
        "sha256": model.sha256, "frames": most_frames, "clips": clips, "means": means,
        "intervals": intervals,
    }  # fmt: skip


def compare_clips(found: Mapping[str, Any]) -> dict[str, dict[str, Estimates]]:
    """Print how models differ on the clips in color, clip by clip; give means and intervals.

    Args:
        found: What `evaluate_clips` gave, by model.

    Returns:
        By pair of neighboring models and label.
    """
    differences: dict[str, dict[str, Estimates]] = {}
    for one, other in pairwise(found):
        shared = [clip for clip in found[one]["clips"] if clip in found[other]["clips"]]
        shared = [clip for clip in shared if TRUTH in found[one]["clips"][clip]]
        pair = f"{other} - {one}"
        differences[pair] = {}
        for label in (ALONE, COLORED) if shared else ():
            ones, others = (
                [found[model]["clips"][clip][label] for clip in shared] for model in (one, other)
            )
            counts = draw_sources(shared)
            estimates = estimate_differences(ones, others, list(_DECIMALS), counts)
            differences[pair][label] = estimates
            cells = ", ".join(f"{name} {estimate}" for name, estimate in estimates.items())
            print(f"{Path(other).stem} - {Path(one).stem}, {label}: {cells}")
    return differences


def print_row(label: str, figures: Figures) -> None:
    """One line of the table, the truth's figures behind a slash where there are any."""
    cells = ""
    for name, decimals in _DECIMALS.items():
        both = [figures[key] for key in (name, f"truth_{name}") if key in figures]
        cell = " / ".join(f"{figure:.{decimals}f}" for figure in both) or "-"
        cells += f"{cell:>{_width(name)}}"
    print(f"{label:40}{cells}")


def _width(name: str) -> int:
    """Of a figure's column: room for two where the truth has it, too."""
    return 20 if name.startswith(("cdc", "warp")) else 16


def color_clip(
    path: Path, model: Model, settings: Settings, most_frames: int | None
) -> Iterator[ColoredFrame]:
    """Color a clip from its luma alone, by the program's own stages and into its own codes.

    Args:
        path: A film in color or black and white.
        model: Colors it.
        settings: All settings.
        most_frames: How many to yield at most; None for all.

    Yields:
        Each frame as the program colors it, the same without smoothing in time, in grey and, if
        the film is in color, its truth.
    """
    source = probe(path)
    in_color = is_color(source)
    picture = plan_encoding(source, settings.output).picture
    unsmoothed = replace(settings, temporal=replace(settings.temporal, smoothing=0))
    colored, alone = (
        colorize_frames(
            islice(read_frames(replace(source, picture=picture), Damage()), most_frames), model, how
        )
        for how in (settings, unsmoothed)
    )
    with closing(colored), closing(alone), closing(read_truth(source)) as truths:
        for one, other in zip(colored, alone, strict=True):
            luma = scale_luma(one.frame.luma, picture)
            colors = {
                ALONE: srgb_from_planes(luma, other.chroma[:2], picture),
                COLORED: srgb_from_planes(luma, one.chroma[:2], picture),
                "grey": luma.expand(3, -1, -1),
            }
            if in_color:
                colors[TRUTH] = next(truths)
            yield ColoredFrame(shot=one.shot.number, luma=luma, colors=colors)


def read_truth(source: Source) -> Generator[torch.Tensor, None, None]:
    """Yield each frame's own colors, (3, H, W) sRGB in [0, 1] at the size measured."""
    with open_container(source.path) as container:
        for decoded in container.decode(main_video_stream(container, source.path)):
            planar = decoded.reformat(format=planar_format(decoded.format))
            first, second, third = (plane_view(planar, index) for index in range(3))
            if planar.format.name.startswith("gbrp"):
                yield srgb_from_rgb((third, first, second), source.picture)
            else:
                luma = scale_luma(first, source.picture)
                yield srgb_from_planes(luma, (second, third), source.picture)
