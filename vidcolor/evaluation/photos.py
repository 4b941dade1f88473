"""Colors given to photographs whose own are known, in figures."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from math import isnan, nan

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vidcolor.color.bins import Decoding
from vidcolor.color.decode import decode_prediction
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma, srgb_from_lab
from vidcolor.evaluation.metrics import ciede2000, colorfulness_m3, delta_ab, psnr
from vidcolor.evaluation.seen import measure_seen
from vidcolor.frame import SIDE_MULTIPLE
from vidcolor.settings import ColorSettings

Figures = dict[str, float]
Pair = tuple[torch.Tensor, torch.Tensor]
Example = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def fit_picture(rgb: NDArray[np.uint8], short_side: int, *, square: bool = False) -> torch.Tensor:
    """A picture resized to a short side, its middle cut to sides that nets take.

    Args:
        rgb: (height, width, 3).
        short_side: Of the result, a multiple of 32.
        square: Cut to a square before resizing.

    Returns:
        (3, H, W) in [0, 1].
    """
    if square:
        rgb = _middle(rgb, min(rgb.shape[:2]), min(rgb.shape[:2]))
    scale = short_side / min(rgb.shape[:2])
    height, width = (round(side * scale) for side in rgb.shape[:2])
    if scale != 1:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        rgb = cv2.resize(rgb, (width, height), interpolation=method).astype(np.uint8)
    rgb = _middle(rgb, *(side // SIDE_MULTIPLE * SIDE_MULTIPLE for side in (height, width)))
    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).float() / 255


def color_lightness(lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
    """Lab (3, H, W) of L* (1, H, W) in colors (2, h, w), which are enlarged bilinearly."""
    size = lightness.shape[-2:]
    large = functional.interpolate(ab[None], size=size, mode="bilinear", align_corners=False)[0]
    return torch.cat([lightness, large])


def measure_colors(srgb: torch.Tensor, luma: torch.Tensor, ab: torch.Tensor) -> Figures:
    """Figures of one picture's colors.

    Args:
        srgb: (3, H, W) the truth, in [0, 1].
        luma: (1, H, W) what was colored, in [0, 1].
        ab: (2, h, w) the colors given; enlarged bilinearly to the picture.

    Returns:
        `ciede2000` with both at the truth's L*, `delta_ab`, `psnr` and `colorfulness` of the
        colored luma, and `truth_colorfulness`.
    """
    lab = color_lightness(lightness_from_luma(luma), ab)
    truth, ab = lab_from_srgb(srgb), lab[1:]
    colored = srgb_from_lab(lab).clamp(0, 1)
    return {
        "ciede2000": float(ciede2000(torch.cat([truth[:1], ab]), truth).mean()),
        "delta_ab": float(delta_ab(ab, truth[1:]).mean()),
        "psnr": float(psnr(colored[None], srgb[None])),
        "colorfulness": float(colorfulness_m3(colored[None])),
        "truth_colorfulness": float(colorfulness_m3(srgb[None])),
    }


def measure_shown(
    srgb: torch.Tensor, luma: torch.Tensor, ab: torch.Tensor, skin: torch.Tensor | None = None
) -> Figures:
    """All figures of one picture's colors: those of `measure_colors` and of `measure_seen`.

    Args:
        srgb: As of `measure_colors`, like luma and ab.
        luma: See there.
        ab: See there.
        skin: (H, W) bool, where to take them again, named `skin_...`; None for nowhere.
    """
    truth = lab_from_srgb(srgb)
    shown = color_lightness(truth[:1], ab)
    figures = measure_colors(srgb, luma, ab) | measure_seen(shown[1:], truth[1:])
    if skin is not None:
        on_skin = measure_seen(shown[1:], truth[1:], skin)
        on_skin["ciede2000"] = float(ciede2000(shown[:, None, skin], truth[:, None, skin]).mean())
        figures |= {f"skin_{name}": figure for name, figure in on_skin.items()}
    return figures


def sweep_looks(
    examples: Iterable[Example], decoding: Decoding | None, looks: Sequence[ColorSettings]
) -> dict[ColorSettings, Figures]:
    """Mean figures over pictures for each of some looks.

    Args:
        examples: Truth (3, H, W) and luma (1, H, W), in [0, 1], and what was predicted for it,
            (C, h, w).
        decoding: Of the model that predicted them; None if it gives a* and b*.
        looks: Those to show it in, such of one vividness and way to decode together.
    """
    found: dict[ColorSettings, list[Figures]] = {look: [] for look in looks}
    for srgb, luma, prediction in examples:
        for (vividness, method), alike in groupby(looks, lambda k: (k.vividness, k.decode)):
            decoded = decode_prediction(prediction, decoding, vividness=vividness, method=method)
            ab = decoded.ab
            for look in alike:
                found[look].append(measure_colors(srgb, luma, look.saturation * ab))
    return {look: mean_figures(figures) for look, figures in found.items()}


def figure_at_colorfulness(
    curve: Mapping[float, Figures], name: str, share: float
) -> tuple[float, float] | None:
    """Where a curve reaches a share of the truth's colorfulness, between its points.

    Args:
        curve: Figures by what varies along it, such as vividness.
        name: Of the figure wanted.
        share: Of the truth's mean colorfulness, 1 for all of it.

    Returns:
        What varies and the figure there, interpolated; None if the curve does not reach it.
    """
    points = sorted((f["colorfulness"], varied, f[name]) for varied, f in curve.items())
    wanted = share * next(iter(curve.values()))["truth_colorfulness"]
    colorfulness_axis, varied_axis, figure_axis = zip(*points, strict=True)
    if not colorfulness_axis[0] <= wanted <= colorfulness_axis[-1]:
        return None
    return (
        float(np.interp(wanted, colorfulness_axis, varied_axis)),
        float(np.interp(wanted, colorfulness_axis, figure_axis)),
    )


def measure_references(pairs: Sequence[Pair]) -> dict[str, Figures]:
    """All figures of no color, of the pictures' mean color everywhere, and of the true colors.

    Args:
        pairs: Truth (3, H, W) and luma (1, H, W), in [0, 1].
    """
    truths = [lab_from_srgb(srgb)[1:] for srgb, _ in pairs]
    mean_ab = torch.stack([truth.mean((1, 2)) for truth in truths]).mean(0)[:, None, None]
    colors = {"grey": [0 * mean_ab] * len(pairs), "mean color": [mean_ab] * len(pairs)}
    return {
        label: mean_figures(
            [measure_shown(*pair, ab) for pair, ab in zip(pairs, maps, strict=True)]
        )
        for label, maps in (colors | {"truth": truths}).items()
    }


def mean_figures(figures: Sequence[Figures]) -> Figures:
    """The mean of each figure over the pictures that have it and where it is not NaN."""
    names = dict.fromkeys(name for found in figures for name in found)
    known = {name: [f[name] for f in figures if not isnan(f.get(name, nan))] for name in names}
    return {name: sum(values) / len(values) for name, values in known.items() if values}


def _middle(rgb: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]
