"""Colors given to the frames of a clip, in figures: how true, how strong and how steady they are.

All is measured at a short side of `SHORT_SIDE`. Figures of steadiness grow with grain and with the
picture's own motion, and so compare only with those of the same clip at the same size: above all
with those of its true colors.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import rel_entr

from vidcolor.color.lab import (
    BT709_PRIMARIES,
    lab_from_srgb,
    linear_from_srgb,
    relative_xyz_from_rgb,
    srgb_from_linear,
)
from vidcolor.color.ycbcr import (
    KR_KB,
    PRIMARIES_XY,
    chroma_span,
    luma_range,
    neutral_chroma,
)
from vidcolor.errors import SourceError
from vidcolor.evaluation.metrics import ciede2000, colorfulness_m3, delta_ab, psnr
from vidcolor.evaluation.photos import Figures
from vidcolor.evaluation.seen import measure_seen
from vidcolor.frame import FrameFormat, Plane

Map = NDArray[np.float32]
Histograms = NDArray[np.float64]
Counts = dict[str, Histograms]

TRUTH = "truth"
"""Label of a clip's own colors."""

SHORT_SIDE = 256
"""Of the pictures measured, in pixels; smaller films are not enlarged."""

CDC_GAPS = (1, 2, 4)
"""Distances in frames of the pictures that CDC compares (arXiv:2110.04562, its definition)."""

_LEVELS = 256  # bins of CDC's histograms, one for each 8-bit code
_ROUNDING_PSNR = 58.92  # dB, of rounding to 8 bits: 10 log10(12 * 255^2); more is no difference
# A pixel's way back must end this near to its start: at most this share of both ways' squared
# lengths and so many squared pixels off. N. Sundaram, T. Brox, K. Keutzer, "Dense Point
# Trajectories by GPU-accelerated Large Displacement Optical Flow", ECCV 2010. `temporal.motion` has
# the same limits; they stand here again, as a measure must not change with what it measures.
_RETURN_SHARE, _RETURN_PIXELS = 0.01, 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColoredFrame:
    """One frame of a clip in several colors.

    Attributes:
        shot: Number of its shot; frames are compared inside one shot only.
        luma: (1, H, W) Y' in [0, 1]; motion is looked for in it.
        colors: (3, H, W) sRGB in [0, 1] for each label. `TRUTH` may be one of them.
    """

    shot: int
    luma: torch.Tensor
    colors: dict[str, torch.Tensor]


@dataclass(slots=True)
class _Mean:
    """A mean that is added to value by value; NaN is passed over."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        if not isnan(value):
            self.total += value
            self.count += 1

    def value(self) -> float:
        return self.total / self.count


def scale_luma(luma: Plane, picture: FrameFormat) -> torch.Tensor:
    """Y' in [0, 1] of luma codes (height, width), (1, H, W) at the size measured."""
    black, white = luma_range(picture.depth, picture.full_range)
    scaled = (_resized(luma, picture) - black) / (white - black)
    return torch.from_numpy(scaled)[None].clamp(0, 1)


def srgb_from_planes(
    luma: torch.Tensor, chroma: tuple[Plane, Plane], picture: FrameFormat
) -> torch.Tensor:
    """What a player shows of Y'CbCr, at the size measured.

    Resizing comes first, as the matrix is linear. All chroma is taken to lie in the middle of its
    luma; another siting is off by half a luma sample, in the truth as in colors given.

    Args:
        luma: (1, H, W) of `scale_luma`.
        chroma: Cb and Cr codes, both (chroma_height, chroma_width).
        picture: Their depth, range, matrix and primaries.

    Returns:
        (3, H, W) sRGB in [0, 1].
    """
    kr, kb = KR_KB[picture.matrix]
    # H.273, equations 30 to 35, and its E'Y, E'PB and E'PR solved for R', G' and B'.
    span, neutral = chroma_span(picture), neutral_chroma(picture.depth)
    cb, cr = (torch.from_numpy((_resized(plane, picture) - neutral) / span) for plane in chroma)
    red = luma[0] + 2 * (1 - kr) * cr
    blue = luma[0] + 2 * (1 - kb) * cb
    green = (luma[0] - kr * red - kb * blue) / (1 - kr - kb)
    return _to_srgb(torch.stack([red, green, blue]).clamp(0, 1), picture)


def srgb_from_rgb(planes: tuple[Plane, Plane, Plane], picture: FrameFormat) -> torch.Tensor:
    """Give R', G' and B' codes (height, width) as sRGB (3, H, W) in [0, 1] at the size measured."""
    white = (1 << picture.depth) - 1
    rgb = np.stack([_resized(plane, picture) for plane in planes]) / white
    return _to_srgb(torch.from_numpy(rgb), picture)


def measure_clip(frames: Iterable[ColoredFrame]) -> dict[str, Figures]:
    """Figures of each of a clip's colorings, means over its frames.

    No more than the last frame and the counts of the last four are kept.

    Args:
        frames: In the order shown, all of one size and with the same labels.

    Returns:
        For each label `colorfulness`; `cdc`, see `jensen_shannon`, and the same on a* and b*
        alone, `cdc_ab`; `warp_error`, see `warp_errors`. Where the truth is among them also
        `ciede2000` (both at the truth's L*), `delta_ab`, `psnr` in dB and the figures of
        `measure_seen`, and for comparison `truth_colorfulness`, `truth_cdc`, `truth_cdc_ab` and
        `truth_warp_error`.

    Raises:
        SourceError: No shot is long enough to be compared with itself.
    """
    means: dict[str, dict[str, _Mean]] = defaultdict(lambda: defaultdict(_Mean))
    counts: deque[dict[str, Counts]] = deque(maxlen=max(CDC_GAPS))
    before: ColoredFrame | None = None
    for frame in frames:
        if before is not None and frame.shot != before.shot:
            before = None
            counts.clear()
        seen = {label: _count(srgb) for label, srgb in frame.colors.items()}
        found = [*_color_figures(frame), *_distances(counts, seen)]
        if before is not None:
            found += [(label, "warp_error", e) for label, e in warp_errors(before, frame).items()]
        for label, name, value in found:
            means[label][name].add(value)
        counts.append(seen)
        before = frame
    return _with_truth({label: _clip_figures(parts) for label, parts in means.items()})


def count_levels(srgb: torch.Tensor) -> Histograms:
    """Shares of the 256 codes in R', G' and B': (3, H, W) in [0, 1] to (3, 256), rows sum to 1."""
    codes = (srgb * (_LEVELS - 1)).round().to(torch.uint8).flatten(1).numpy()
    counts = np.stack([np.bincount(row, minlength=_LEVELS) for row in codes])
    return np.asarray(counts / codes.shape[1], np.float64)


def count_ab(srgb: torch.Tensor) -> Histograms:
    """Shares of the whole a* and b* from -128 to 127: (3, H, W) to (2, 256), rows sum to 1."""
    ab = lab_from_srgb(srgb)[1:].round().flatten(1).long().numpy() + _LEVELS // 2
    counts = np.stack([np.bincount(row, minlength=_LEVELS) for row in ab.clip(0, _LEVELS - 1)])
    return np.asarray(counts / ab.shape[1], np.float64)


def jensen_shannon(one: Histograms, other: Histograms) -> Histograms:
    """Jensen-Shannon divergence of distributions, in nats: (..., n) twice to (...), 0 to log 2.

    Its mean over R', G' and B' and over all pairs of frames t apart, averaged over t = 1, 2 and 4,
    is the color distribution consistency index (CDC): Y. Liu et al., "Temporally Consistent Video
    Colorization with Deep Feature Propagation and Self-regularization Learning", arXiv:2110.04562.
    There a clip is one shot; here no pair spans a cut.
    """
    middle = (one + other) / 2
    return np.asarray((rel_entr(one, middle) + rel_entr(other, middle)).sum(-1) / 2)


def warp_errors(before: ColoredFrame, now: ColoredFrame) -> dict[str, float]:
    """For each label, how far colors changed on things that stayed in sight: mean delta-ab.

    After W.-S. Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018
    (arXiv:1808.00449), with another flow and on ab alone, since luma is given.

    Args:
        before: The frame before, of the same shot.
        now: The frame whose pixels are looked up in it.

    Returns:
        Nothing where no pixel's motion can be trusted.
    """
    places, trusted = _find_pixels(_codes(now.luma), _codes(before.luma))
    if not trusted.any():
        return {}
    mask = torch.from_numpy(trusted)
    errors = {}
    for label, srgb in now.colors.items():
        past = lab_from_srgb(before.colors[label])[1:].permute(1, 2, 0).numpy()  # (H, W, 2)
        warped = cv2.remap(past, places[0], places[1], cv2.INTER_LINEAR)
        moved = torch.from_numpy(warped).permute(2, 0, 1)  # (2, H, W)
        errors[label] = float(delta_ab(lab_from_srgb(srgb)[1:], moved)[mask].mean())
    return errors


def _find_pixels(
    now: NDArray[np.uint8], before: NDArray[np.uint8]
) -> tuple[Map, NDArray[np.bool_]]:
    """Where each pixel was a frame ago, (2, H, W) x and y, and whether that can be trusted."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    still = np.zeros((*now.shape, 2), np.float32)  # what the flow starts from
    back: Map = np.asarray(flow.calc(now, before, still.copy()), np.float32)
    forth: Map = np.asarray(flow.calc(before, now, still), np.float32)
    height, width = now.shape
    rows, columns = np.indices(now.shape, np.float32)
    x, y = columns + back[..., 0], rows + back[..., 1]
    forth_there = cv2.remap(forth, x, y, cv2.INTER_LINEAR)
    off = np.square(back + forth_there).sum(2)
    lengths = np.square(back).sum(2) + np.square(forth_there).sum(2)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.stack([x, y]), inside & (off < _RETURN_SHARE * lengths + _RETURN_PIXELS)


def _color_figures(frame: ColoredFrame) -> Iterator[tuple[str, str, float]]:
    """Label, name and value of the figures that need but this frame."""
    truth = frame.colors.get(TRUTH)
    for label, srgb in frame.colors.items():
        yield label, "colorfulness", float(colorfulness_m3(srgb[None]))
        if truth is not None:
            true_lab = lab_from_srgb(truth)
            ab = lab_from_srgb(srgb)[1:]
            alike = psnr(srgb[None], truth[None]).clamp_max(_ROUNDING_PSNR)
            difference = ciede2000(torch.cat([true_lab[:1], ab]), true_lab)
            yield label, "ciede2000", float(difference.mean())
            yield label, "delta_ab", float(delta_ab(ab, true_lab[1:]).mean())
            yield label, "psnr", float(alike)
            seen = measure_seen(ab, true_lab[1:])
            yield from ((label, name, value) for name, value in seen.items())


def _distances(
    past: Sequence[dict[str, Counts]], seen: dict[str, Counts]
) -> Iterator[tuple[str, str, float]]:
    """Label, name and value of what goes into CDC, for each gap that the shot's past spans."""
    for gap in CDC_GAPS:
        if gap <= len(past):
            for label, counts in seen.items():
                for name, histograms in counts.items():
                    distance = jensen_shannon(past[-gap][label][name], histograms)
                    yield label, f"{name} {gap}", float(distance.mean())


def _count(srgb: torch.Tensor) -> Counts:
    return {"cdc": count_levels(srgb), "cdc_ab": count_ab(srgb)}


def _clip_figures(means: dict[str, _Mean]) -> Figures:
    """The means, those of CDC's three gaps made one."""
    gaps = {name: [f"{name} {gap}" for gap in CDC_GAPS] for name in ("cdc", "cdc_ab")}
    parts = {part for names in gaps.values() for part in names}
    if not means.keys() >= {*parts, "warp_error"}:
        raise SourceError(f"no shot has {max(CDC_GAPS) + 1} frames: too few to tell steadiness")
    figures = {
        name: mean.value() for name, mean in means.items() if name not in parts and mean.count
    }
    for name, names in gaps.items():
        figures[name] = sum(means[part].value() for part in names) / len(names)
    return figures


def _with_truth(figures: dict[str, Figures]) -> dict[str, Figures]:
    """The figures, each label's with those of the truth beside them if there is one."""
    truth = figures.get(TRUTH, {})
    shared = [name for name in ("colorfulness", "cdc", "cdc_ab", "warp_error") if name in truth]
    beside = {f"truth_{name}": truth[name] for name in shared}
    return {label: found | beside for label, found in figures.items()}


def _codes(luma: torch.Tensor) -> NDArray[np.uint8]:
    """8-bit full-range codes (H, W) of Y' (1, H, W) in [0, 1]."""
    return np.asarray((luma[0] * (_LEVELS - 1)).round().to(torch.uint8).numpy())


def _resized(plane: Plane, picture: FrameFormat) -> Map:
    """A plane at the size measured, (H, W): shrunk by area, enlarged linearly."""
    scale = min(1, SHORT_SIDE / min(picture.width, picture.height))
    width, height = round(picture.width * scale), round(picture.height * scale)
    small = (min(width, plane.shape[1]), min(height, plane.shape[0]))
    resized = cv2.resize(plane.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(resized, (width, height), interpolation=cv2.INTER_LINEAR))


def _to_srgb(rgb: torch.Tensor, picture: FrameFormat) -> torch.Tensor:
    """Gamma-coded colors (3, H, W) of the film's primaries as sRGB, in [0, 1]."""
    primaries = PRIMARIES_XY.get(picture.primaries, BT709_PRIMARIES)
    if primaries == BT709_PRIMARIES:
        return rgb
    xyz_from_srgb, xyz_from_rgb = map(relative_xyz_from_rgb, (BT709_PRIMARIES, primaries))
    change = torch.linalg.solve(xyz_from_srgb, xyz_from_rgb).to(rgb.dtype)
    linear = torch.einsum("ij,jhw->ihw", change, linear_from_srgb(rgb))
    return srgb_from_linear(linear).clamp(0, 1)
