"""The clips' part of evaluate.py: colors them by the program's own stages, prints their figures.

The settings are the program's defaults, so that the figures are those of what users get. A clip
in black and white has no truth: its colors are only strong or weak, steady or not.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from vidcolor.errors import SourceError
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
from vidcolor.reading.reader import Losses, read_frames
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
}


def evaluate_clips(
    paths: Sequence[Path], most_frames: int | None, name: str, device: str
) -> dict[str, object]:
    """Print a model's table of clips and give its figures, by clip and as means over clips."""
    settings = Settings(model=ModelSettings(name=name, device=device))
    model = load_model(name, device)
    print(f"{Path(name).stem} / truth".ljust(40) + "".join(f"{c:>20}" for c in _DECIMALS))
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
    for kind, has_truth in (("color", True), ("black and white", False)):
        alike = [figures for figures in clips.values() if (TRUTH in figures) == has_truth]
        for label in alike[0] if alike else ():
            row = f"mean of {len(alike)} in {kind}: {label}"
            means[row] = mean_figures([figures[label] for figures in alike])
            print_row(row, means[row])
    return {"sha256": model.sha256, "frames": most_frames, "clips": clips, "means": means}


def print_row(label: str, figures: Figures) -> None:
    """One line of the table, the truth's figures behind a slash where there are any."""
    cells = []
    for name, decimals in _DECIMALS.items():
        both = [figures[key] for key in (name, f"truth_{name}") if key in figures]
        cells.append(" / ".join(f"{figure:.{decimals}f}" for figure in both) or "-")
    print(f"{label:40}" + "".join(f"{cell:>20}" for cell in cells))


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
            islice(read_frames(replace(source, picture=picture), Losses()), most_frames), model, how
        )
        for how in (settings, unsmoothed)
    )
    with closing(colored), closing(alone), closing(read_truth(source)) as truths:
        for (frame, chroma, _, _, shot, *_), other in zip(colored, alone, strict=True):
            luma = scale_luma(frame.luma, picture)
            colors = {
                ALONE: srgb_from_planes(luma, other.chroma[:2], picture),
                COLORED: srgb_from_planes(luma, chroma[:2], picture),
                "grey": luma.expand(3, -1, -1),
            }
            if in_color:
                colors[TRUTH] = next(truths)
            yield ColoredFrame(shot=shot.number, luma=luma, colors=colors)


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
