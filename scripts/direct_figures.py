"""The part of evaluate.py on color scripts: how much ten hints are worth.

The truth is hidden but for what a person would tell: its color at ten places of a shot's middle
frame, chosen where the colors of a thing are most wrong and the place is typical of it.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from clip_figures import read_truth
from numpy.typing import NDArray

from vidcolor.color.lab import lab_from_srgb, srgb_from_lab
from vidcolor.directing.evidence import UNDIRECTED, Directed, EvidenceOf
from vidcolor.directing.hints import hint_mask
from vidcolor.directing.script import ColorScript, Hint
from vidcolor.directing.track import Track, small_lightness
from vidcolor.evaluation.clips import (
    TRUTH,
    ColoredFrame,
    measure_clip,
    scale_luma,
    srgb_from_planes,
)
from vidcolor.evaluation.metrics import ciede2000, psnr
from vidcolor.film.coloring import read_job
from vidcolor.film.directed import find_direction
from vidcolor.film.evidence import find_evidence
from vidcolor.frame import Seen
from vidcolor.models.zoo import Model, load_model
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.reader import Damage
from vidcolor.settings import RENDER_SIZE, ModelSettings, Settings
from vidcolor.shots.cuts import number_frames
from vidcolor.shots.seeing import see_frames
from vidcolor.temporal.motion import find_motion
from vidcolor.writing.plan import Job, plan_video

MOST_FRAMES = 60
HINTS = 10
HINT_SIDE = 7
"""Pixels of a hint, of a short side of 256."""

REGION_SIGMA = 10.0
"""Of the things that a person sees as one, in such pixels."""

NEAREST = 24
"""Between two hints, in such pixels."""

MOST_OFF = 3.0
"""CIEDE2000 up to which a hint's color has come out."""

AUTO, HINTED, BOUND = "automatic", "ten hints", "bound"

Picture = torch.Tensor


def evaluate_directed(
    paths: Sequence[Path], frames: int | None, name: str, device: str
) -> dict[str, Any]:
    """Print what hints are worth, clip by clip, and give the figures."""
    print(
        f"{'clip':26}{'frames':>7}{'middle dB':>17}{'shot dB':>17}"
        f"{'bound':>7}{'hint CIEDE2000':>20}{'over shot':>19}{'to 3':>5}"
        f"{'warp error, bound, truth':>30}"
    )
    rows = {}
    for path in paths:
        row = measure_directed(path, load_model(name, device), name, frames or MOST_FRAMES)
        rows[path.name] = row
        middle, shot = (f"{a:.2f} > {b:.2f}" for a, b in (row["middle_psnr"], row["shot_psnr"]))
        hint = f"{row['hint_median']:.2f} (max {row['hint_max']:.2f})"
        along = f"{row['shot_median']:.2f} (max {row['shot_max']:.2f})"
        warp = "{:.3f} > {:.3f}, {:.3f}, {:.3f}".format(*row["warp_error"])
        print(
            f"{path.name:26}{row['frames']:7}{middle:>17}{shot:>17}{row['bound']:7.2f}"
            f"{hint:>20}{along:>19}{row['shot_within']:5}{warp:>30}",
            flush=True,
        )
    return rows


def measure_directed(path: Path, model: Model, name: str, frames: int) -> dict[str, Any]:
    """Figures of the first shot of a clip.

    The bound is what the middle frame's PSNR, and the warp error, would be if each place that hints
    decide had its true color, and the others the automatic one. Over the shot a hint's color is
    looked for where motion leads from it; how many hints come out within 3 there is counted.
    """
    settings = Settings(force=True, model=ModelSettings(name=name, device=str(model.device)))
    job = plan_video(path, None, settings)
    length = Fraction(frames) / job.source.frame_rate
    settings = replace(settings, duration_seconds=length)
    lumas, automatic = color_shot(job, model, settings, UNDIRECTED)
    with closing(read_truth(job.source)) as found:
        truth = list(islice(found, len(automatic)))
    middle = len(automatic) // 2
    hints = place_hints(automatic[middle], truth[middle], middle)
    direction = find_direction(job, settings, ColorScript(hints=tuple(hints)))
    reader = read_job(job, settings, Damage())
    evidence = find_evidence(reader, job, model, settings, direction)
    _, hinted = color_shot(job, model, settings, Directed(direction, evidence))
    seen = list(
        islice(
            see_frames(number_frames(read_job(job, settings, Damage())), RENDER_SIZE), len(truth)
        )
    )
    decided = _decided(evidence, seen)
    bound = [_mended(*parts) for parts in zip(automatic, truth, decided, strict=True)]
    films = {TRUTH: truth, AUTO: automatic, HINTED: hinted, BOUND: bound}
    shown = measure_clip(
        ColoredFrame(shot=0, luma=luma, colors={name: film[i] for name, film in films.items()})
        for i, luma in enumerate(lumas)
    )
    errors = [error_at(hint, hinted[middle]) for hint in hints]
    along = [_mean(found) for found in errors_along(hints, seen, hinted, middle)]
    return {
        "frames": len(automatic),
        "middle_psnr": [_psnr(one[middle], truth[middle]) for one in (automatic, hinted)],
        "shot_psnr": [
            float(np.mean([_psnr(*pair) for pair in zip(one, truth, strict=True)]))
            for one in (automatic, hinted)
        ],
        "hint_median": float(np.median(errors)),
        "hint_max": max(errors),
        "shot_median": float(np.median(along)),
        "shot_max": max(along),
        "shot_within": sum(error <= MOST_OFF for error in along),
        "decided_share": float(decided[middle].mean()),
        "bound": _psnr(bound[middle], truth[middle]),
        "warp_error": [shown[label]["warp_error"] for label in (AUTO, HINTED, BOUND, TRUTH)],
        "ciede2000": [shown[label]["ciede2000"] for label in (AUTO, HINTED)],
    }


def color_shot(
    job: Job, model: Model, settings: Settings, directed: Directed
) -> tuple[list[Picture], list[Picture]]:
    """Luma, and colors as shown, of the frames of a film's first shot."""
    picture = job.encoding.picture
    colored = colorize_frames(read_job(job, settings, Damage()), model, settings, directed=directed)
    lumas, pictures = [], []
    with closing(colored):
        for one in colored:
            if one.shot.number:
                break
            lumas.append(scale_luma(one.frame.luma, picture))
            pictures.append(srgb_from_planes(lumas[-1], one.chroma[:2], picture))
    return lumas, pictures


def place_hints(given: Picture, truth: Picture, frame: int) -> list[Hint]:
    """Hints where colors are most wrong over a thing of some size, and typical of it."""
    ab, wanted = (lab_from_srgb(one)[1:].numpy() for one in (given, truth))
    blurred = np.stack([cv2.GaussianBlur(one, (0, 0), REGION_SIGMA) for one in wanted])
    error = cv2.GaussianBlur(np.square(ab - wanted).sum(0), (0, 0), REGION_SIGMA)
    score = error - np.square(wanted - blurred).sum(0)
    edge, (rows, columns) = HINT_SIDE, score.shape
    inside = np.zeros(score.shape, bool)
    inside[edge:-edge, edge:-edge] = True
    y, x = np.indices(score.shape)
    hints = []
    for _ in range(HINTS):
        row, column = np.unravel_index(np.where(inside, score, -np.inf).argmax(), score.shape)
        half = HINT_SIDE // 2
        part = truth[:, row - half : row + half + 1, column - half : column + half + 1]
        lab = lab_from_srgb(part).mean((1, 2), keepdim=True)
        codes = (255 * srgb_from_lab(lab).clamp(0, 1)).round().int().flatten().tolist()
        hints.append(
            Hint(
                frame=str(frame),
                at=((column + 0.5) / columns, (row + 0.5) / rows),
                radius=HINT_SIDE / 2 / rows,
                color="#" + "".join(f"{code:02x}" for code in codes),
            )
        )
        inside &= np.square(y - row) + np.square(x - column) > NEAREST**2
    return hints


def _decided(evidence: EvidenceOf, seen: Sequence[Seen]) -> list[NDArray[np.bool_]]:
    """Where hints count more than the net in each frame of a shot, (h, w)."""
    known = evidence(seen[0].shot)
    if known is None:
        raise ValueError("the shot has no hints")
    with closing(known):
        told = [known.at(one.frame.index) for one in seen]
    return [np.zeros((1, 1), bool) if one is None else one.share > 1 / 2 for one in told]


def _mended(picture: Picture, truth: Picture, where: NDArray[np.bool_]) -> Picture:
    """A picture with the true color at some places."""
    size = picture.shape[:0:-1]
    mask = cv2.resize(where.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    lab, true = lab_from_srgb(picture), lab_from_srgb(truth)
    lab[1:] = torch.where(torch.from_numpy(mask > 0), true[1:], lab[1:])
    return srgb_from_lab(lab).clamp(0, 1)


def errors_along(
    hints: Sequence[Hint], seen: Sequence[Seen], pictures: Sequence[Picture], middle: int
) -> list[list[float]]:
    """For each hint the CIEDE2000 of each frame in which motion leads back to it."""
    size = small_lightness(seen[middle].brightened).shape
    area = seen[middle].shot.active
    masks = [hint_mask(one, seen[middle].frame.picture, area, (size[0], size[1])) for one in hints]
    placed = np.stack(masks).astype(np.float32)
    found: list[list[float]] = [[] for _ in hints]
    for order in (range(middle, len(seen)), range(middle, -1, -1)):
        track = Track.begin(seen[middle].brightened)
        for number in order:
            if number != middle:
                track = _followed(track, seen[number], seen[number - order.step])
            at_hints = (track.look_up(placed) > 1 / 2) & (track.trust > 1 / 2)
            whole = lab_from_srgb(pictures[number]).numpy()
            lab = np.stack(
                [cv2.resize(one, size[::-1], interpolation=cv2.INTER_AREA) for one in whole]
            )
            for errors, hint, where in zip(found, hints, at_hints, strict=True):
                if where.any():
                    got = torch.from_numpy(lab[:, where].mean(1))[:, None, None]
                    errors.append(_error(hint, got))
    return found


def _followed(track: Track, now: Seen, before: Seen) -> Track:
    rows, columns = small_lightness(now.brightened).shape
    motion = find_motion(now.brightened, before.brightened, (columns, rows))
    return track.follow(motion, now.brightened)


def _mean(errors: Sequence[float]) -> float:
    return float(np.mean(errors))


def error_at(hint: Hint, picture: Picture) -> float:
    """CIEDE2000 between a hint's color, at the lightness there, and what came out."""
    rows, columns = picture.shape[1:]
    row, column = int(hint.points[0][1] * rows), int(hint.points[0][0] * columns)
    half = HINT_SIDE // 2
    part = picture[:, row - half : row + half + 1, column - half : column + half + 1]
    return _error(hint, lab_from_srgb(part).mean((1, 2), keepdim=True))


def _error(hint: Hint, got: torch.Tensor) -> float:
    """The same of a color, L*, a* and b*, (3, 1, 1)."""
    rgb = torch.tensor([int(hint.color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    wish = lab_from_srgb(rgb[:, None, None])
    wish[0] = got[0]
    shown = lab_from_srgb(srgb_from_lab(wish).clamp(0, 1))  # as far as it can be shown there
    shown[0] = got[0]
    return float(ciede2000(got, shown))


def _psnr(one: Picture, truth: Picture) -> float:
    return float(psnr(one[None], truth[None])[0])
