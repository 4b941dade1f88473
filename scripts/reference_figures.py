"""The part of evaluate.py on references: what one colored frame, or another photograph, is worth.

The truth is hidden but for its middle frame, which a person might have colored. Beside ours stands
plain propagation of it: its chroma carried along motion, frame by frame, both ways.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from clip_figures import read_truth
from direct_figures import MOST_FRAMES, Picture, color_shot

from vidcolor.color.lab import lab_from_srgb
from vidcolor.color.planes import chroma_planes
from vidcolor.directing.evidence import UNDIRECTED, Directed
from vidcolor.directing.script import ColorScript, Reference
from vidcolor.evaluation.clips import srgb_from_planes
from vidcolor.evaluation.metrics import ciede2000
from vidcolor.film.coloring import read_job
from vidcolor.film.directed import find_direction
from vidcolor.film.evidence import find_evidence
from vidcolor.film.matching import find_matches
from vidcolor.frame import Map, Seen
from vidcolor.models.zoo import Model, load_model
from vidcolor.reading.reader import Damage
from vidcolor.settings import RENDER_SIZE, ModelSettings, Settings
from vidcolor.shots.cuts import number_frames
from vidcolor.shots.seeing import see_frames
from vidcolor.temporal.motion import find_motion
from vidcolor.writing.plan import Job, plan_video

SIDES = 4
"""Places of the chroma that is propagated plainly, for one of the map: as the network sees it."""


def evaluate_guided(
    paths: Sequence[Path], frames: int | None, name: str, device: str
) -> dict[str, Any]:
    """Print what references are worth, clip by clip, and give the figures, CIEDE2000 each.

    Each clip's last frame of all is the free reference of the clip itself, and the middle one of
    the clip before it in the list the wrong one.
    """
    model = load_model(name, device)
    rows: dict[str, Any] = {}
    print(
        f"{'clip':26}{'automatic':>10}{'anchored':>10}{'share':>7}{'plain flow':>11}"
        f"{'free':>7}{'wrong':>7}"
    )
    with TemporaryDirectory() as folder:
        stills = [_keep_stills(path, Path(folder), frames or MOST_FRAMES) for path in paths]
        for number, path in enumerate(paths):
            other = stills[number - 1][0] if len(paths) > 1 else None
            row = measure_references(path, stills[number], other, model, frames or MOST_FRAMES)
            rows[path.name] = row
            figures = [f"{row.get(key, float('nan')):.2f}" for key in _COLUMNS]
            share = row["anchored"] / row["automatic"]
            print(
                f"{path.name:26}{figures[0]:>10}{figures[1]:>10}{share:7.2f}"
                f"{figures[2]:>11}{figures[3]:>7}{figures[4]:>7}",
                flush=True,
            )
    return rows


_COLUMNS = ("automatic", "anchored", "plain_flow", "free", "wrong")


def measure_references(
    path: Path, stills: tuple[Path, Path], other: Path | None, model: Model, frames: int
) -> dict[str, Any]:
    """Figures of the first shot of a clip."""
    job, settings = _planned(path, model, frames)
    lumas, automatic = color_shot(job, model, settings, UNDIRECTED)
    truth = _truth(job, len(automatic))
    middle = len(automatic) // 2
    anchored = Reference(picture=str(stills[0]), frame=str(middle))
    colored = {
        "automatic": automatic,
        "anchored": _directed(job, model, settings, anchored),
        "plain_flow": list(_propagated(job, settings, lumas, truth[middle])),
    }
    for name, picture in (("free", stills[1]), ("wrong", other)):
        if picture is not None:
            colored[name] = _directed(job, model, settings, Reference(picture=str(picture)))
    found = {name: _error(pictures, truth) for name, pictures in colored.items()}
    return {
        "frames": len(automatic),
        **found,
        "at_its_frame": _error([colored["anchored"][middle]], [truth[middle]]),
    }


def _planned(path: Path, model: Model, frames: int) -> tuple[Job, Settings]:
    settings = Settings(force=True, model=ModelSettings(name=model.name, device=str(model.device)))
    job = plan_video(path, None, settings)
    return job, replace(settings, duration_seconds=Fraction(frames) / job.source.frame_rate)


def _truth(job: Job, frames: int) -> list[Picture]:
    with closing(read_truth(job.source)) as found:
        return list(islice(found, frames))


def _keep_stills(path: Path, folder: Path, frames: int) -> tuple[Path, Path]:
    """PNG files of the middle one of a clip's first frames, and of its last frame of all."""
    middle = last = None
    with closing(read_truth(plan_video(path, None, Settings(force=True)).source)) as pictures:
        for number, last in enumerate(pictures):
            if number == frames // 2:
                middle = last
    kept = []
    for name, picture in (("middle", middle), ("last", last)):
        if picture is None:
            raise ValueError(f"{path} has less than {frames // 2 + 1} frames")
        kept.append(folder / f"{path.stem}.{name}.png")
        codes = (255 * picture).round().byte().movedim(0, -1).numpy()[..., ::-1]
        cv2.imwrite(str(kept[-1]), np.ascontiguousarray(codes))
    return kept[0], kept[1]


def _directed(job: Job, model: Model, settings: Settings, one: Reference) -> list[Picture]:
    direction = find_direction(job, settings, ColorScript(references=(one,)))
    evidence = find_evidence(read_job(job, settings, Damage()), job, model, settings, direction)
    return color_shot(job, model, settings, Directed(direction, evidence, find_matches(model)))[1]


def _propagated(
    job: Job, settings: Settings, lumas: Sequence[Map], reference: Picture
) -> Iterator[Picture]:
    """The colors of the middle frame carried along motion alone, and no net asked."""
    numbered = number_frames(read_job(job, settings, Damage()))
    seen = list(islice(see_frames(numbered, RENDER_SIZE), len(lumas)))
    middle = len(seen) // 2
    size = seen[middle].lightness.shape[::-1]
    whole = lab_from_srgb(reference)[1:].numpy()
    ab = {middle: np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in whole])}
    for order in (range(middle + 1, len(seen)), range(middle - 1, -1, -1)):
        for number in order:
            before = number - order.step
            ab[number] = _moved(ab[before], seen[number], seen[before])
    picture = job.encoding.picture
    for number, (one, luma) in enumerate(zip(seen, lumas, strict=True)):
        chroma = chroma_planes(one.frame, ab[number], one.lightness, active=one.shot.active)
        yield srgb_from_planes(luma, chroma[:2], picture)


def _moved(ab: Map, now: Seen, before: Seen) -> Map:
    rows, columns = now.brightened.shape
    motion = find_motion(now.brightened, before.brightened, (columns, rows))
    y, x = np.indices((rows, columns), np.float32)
    at = x + motion.displacement[0], y + motion.displacement[1]
    moved = [cv2.remap(one, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for one in ab]
    return np.asarray(np.stack(moved), np.float32)


def _error(pictures: Sequence[Picture], truth: Sequence[Picture]) -> float:
    def of(pair: tuple[Picture, Picture]) -> float:
        return float(ciede2000(*(lab_from_srgb(one) for one in pair)).mean())

    return float(np.mean([of(pair) for pair in zip(pictures, truth, strict=True)]))
