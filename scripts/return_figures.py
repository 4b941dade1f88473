"""The returns' part of evaluate.py: how colors change while a set-up is away.

From shots of real films A B A B sequences are made: two shots, each cut in half, take turns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain, groupby, islice, pairwise
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from clip_figures import ALONE

from vidcolor.evaluation.clips import ColoredFrame, scale_luma, srgb_from_planes, warp_errors
from vidcolor.evaluation.photos import Figures, mean_figures
from vidcolor.frame import Frame, FrameFormat, Matrix, Plane
from vidcolor.models.zoo import Model, load_model
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, Settings
from vidcolor.shots.cuts import number_frames

PICTURE = FrameFormat(
    width=640,
    height=360,
    depth=8,
    log2_chroma_width=1,
    log2_chroma_height=1,
    matrix=Matrix.BT709,
    full_range=True,
)
"""Of the sequences: two shots must be of one size to be one film."""

LEAST_FRAMES, MOST_FRAMES = 20, 60
"""Of a shot that is used; what is beyond is left out."""

UNKNOWN, KNOWN = "each shot alone", "as returns"


class Take(NamedTuple):
    """The first frames of a shot."""

    name: str
    luma: list[Plane]


def evaluate_returns(paths: Sequence[Path], name: str, device: str) -> dict[str, object]:
    """Print how far ab changes from a set-up's last picture to the first when it is back.

    Only things that are in sight in both count. Each shot that is long enough takes turns with the
    next one of the films given.
    """
    settings = Settings(model=ModelSettings(name=name, device=device))
    model = load_model(name, device)
    takes = [take for path in paths for take in read_takes(path)]
    print(f"{Path(name).stem}: change of ab".ljust(60) + f"{ALONE:>18}{UNKNOWN:>18}{KNOWN:>18}")
    sequences = {}
    for one, other in pairwise(takes):
        label = f"{one.name}, {other.name}"
        sequences[label] = measure_returns(one.luma, other.luma, model, settings)
        print_row(label, sequences[label])
    means = mean_figures(list(sequences.values())) if sequences else {}
    print_row(f"mean of {len(sequences)}", means)
    return {"sequences": sequences, "means": means}


def print_row(label: str, figures: Figures) -> None:
    """One line of the table."""
    print(f"{label[:59]:60}" + "".join(f"{value:18.2f}" for value in figures.values()))


def read_takes(path: Path) -> Iterator[Take]:
    """The shots of a film that are long enough, at the sequences' size and depth."""
    frames = read_frames(probe(path), Damage())
    for shot, members in groupby(number_frames(frames), key=attrgetter("shot")):
        luma = [fit_luma(one.frame) for one in islice(members, MOST_FRAMES)]
        if len(luma) >= LEAST_FRAMES:
            yield Take(f"{path.stem} {shot.number}", luma)


def fit_luma(frame: Frame) -> Plane:
    """A frame's luma at the sequences' size, as 8-bit codes of the full range."""
    scaled = scale_luma(frame.luma, frame.picture)[0].numpy()
    size = (PICTURE.width, PICTURE.height)
    return np.rint(255 * cv2.resize(scaled, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(
        np.uint8
    )


def measure_returns(
    one: list[Plane], other: list[Plane], model: Model, settings: Settings
) -> Figures:
    """Mean change of ab over both returns of an A B A B sequence of two takes."""
    halves = [luma for part in (0, 1) for luma in (half(one, part), half(other, part))]
    whole = list(chain.from_iterable(halves))
    unsmoothed = replace(settings, temporal=replace(settings.temporal, smoothing=0))
    colorings = {
        ALONE: color([whole], model, unsmoothed),
        UNKNOWN: color(halves, model, settings),
        KNOWN: color([whole], model, settings),
    }
    ends = np.cumsum([len(part) for part in halves])
    changes = [
        warp_errors(frame_at(colorings, ends[part] - 1), frame_at(colorings, ends[part + 1]))
        for part in (0, 1)
    ]
    return mean_figures([change for change in changes if change])


def half(luma: list[Plane], part: int) -> list[Plane]:
    """The first half of a take, or the second."""
    middle = len(luma) // 2
    return luma[middle:] if part else luma[:middle]


def color(films: list[list[Plane]], model: Model, settings: Settings) -> list[ColoredFrame]:
    """The frames of some films, one after the other, as the program colors each film."""
    colored = []
    for film in films:
        frames = (
            Frame(number, luma, number, 1, Fraction(1, 25), PICTURE)
            for number, luma in enumerate(film)
        )
        for one in colorize_frames(frames, model, settings):
            luma = scale_luma(one.frame.luma, PICTURE)
            srgb = srgb_from_planes(luma, one.chroma[:2], PICTURE)
            colored.append(ColoredFrame(shot=one.shot.number, luma=luma, colors={"": srgb}))
    return colored


def frame_at(colorings: dict[str, list[ColoredFrame]], place: int) -> ColoredFrame:
    """One frame in all its colorings."""
    frames = {label: frames[place] for label, frames in colorings.items()}
    colors = {label: frame.colors[""] for label, frame in frames.items()}
    return ColoredFrame(shot=0, luma=frames[KNOWN].luma, colors=colors)
