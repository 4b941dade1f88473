"""All figures of the field's reports, models side by side: `evaluate.py --reported`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.figure import Figure

from vidcolor.color.decode import decode_prediction
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma, srgb_from_lab
from vidcolor.color.luv import uv_from_lab
from vidcolor.evaluation.metrics import ciede2000, colorfulness_m3, psnr
from vidcolor.evaluation.photos import Figures, Pair, color_lightness, mean_figures
from vidcolor.evaluation.report_metrics import (
    AVERAGE_GREY,
    LARGEST_ERROR,
    WEIGHTED_GREY,
    ErrorCounts,
    backtracked_grey_accuracy,
    dominant_channel_accuracy,
    huber_uv,
    neighborhood_accuracy,
    psnr_ab,
    rmse,
)
from vidcolor.evaluation.superpixels import average_over, find_superpixels
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import Model, find_model
from vidcolor.settings import ColorSettings, ModelSettings

SUPERPIXELS = 200
_PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class Row(NamedTuple):
    """What is found of one model, or of colors to compare with.

    Attributes:
        figures: By name.
        errors: Of all pixels.
    """

    figures: Figures
    errors: ErrorCounts


def measure_reported(
    srgb: torch.Tensor, luma: torch.Tensor, ab: torch.Tensor, threshold: float
) -> Figures:
    """All figures of one picture.

    Args:
        srgb: (3, H, W) the truth, in [0, 1].
        luma: (1, H, W) what was colored, in [0, 1].
        ab: (2, h, w) the colors given; enlarged bilinearly.
        threshold: Of PA, in ab.
    """
    truth = lab_from_srgb(srgb)
    lab = color_lightness(lightness_from_luma(luma), ab)
    ab, seen_ab = lab[1:], truth[1:]
    colored = srgb_from_lab(lab).clamp(0, 1)
    labels = find_superpixels(srgb, SUPERPIXELS)
    means, true_means, grey = (average_over(labels, one) for one in (colored, srgb, luma))
    same_lightness = torch.cat([truth[:1], ab])
    figures = {
        "ciede2000": ciede2000(same_lightness, truth).mean(),
        "rmse_rgb": rmse(colored, srgb),
        "psnr_rgb": psnr(colored[None], srgb[None]),
        "rmse_ab": rmse(ab, seen_ab),
        "psnr_ab": psnr_ab(ab, seen_ab).clamp_max(100),  # of the truth itself: infinite
        "colorfulness": colorfulness_m3(colored[None]),
        "pa": neighborhood_accuracy(ab, seen_ab, threshold),
        "dominant_channel": dominant_channel_accuracy(means, true_means),
        "grey_average": backtracked_grey_accuracy(means, grey[0], AVERAGE_GREY),
        "grey_weighted": backtracked_grey_accuracy(means, grey[0], WEIGHTED_GREY),
        "huber_uv": huber_uv(uv_from_lab(same_lightness), uv_from_lab(truth)),
    }
    return {name: float(figure) for name, figure in figures.items()}


def evaluate_reported(
    pairs: list[Pair],
    models: Iterable[str],
    look: ColorSettings,
    device: str,
    *,
    threshold: float,
) -> dict[str, Row]:
    """Rows of grey, the mean color, the truth and each model."""
    rows = {
        label: _measure(zip(pairs, maps, strict=True), threshold)
        for label, maps in _references(pairs)
    }
    for name in models:
        model = model_named(name, device)
        seconds: list[float] = []

        def colors(model=model, seconds=seconds) -> Iterator[tuple[Pair, torch.Tensor]]:  # noqa: ANN001
            seen = (lightness_from_luma(luma)[0].numpy() for _, luma in pairs)
            for pair, one in zip(pairs, predict_histograms(seen, model, 8), strict=True):
                seconds.append(one.seconds)
                prediction = one.map.cpu()
                decoded = decode_prediction(
                    prediction, model.decoding, vividness=look.vividness, method=look.decode
                )
                yield pair, look.saturation * decoded.ab

        row = _measure(colors(), threshold)
        parameters = sum(parameter.numel() for parameter in model.net.parameters())
        row.figures["seconds"] = sum(seconds) / len(seconds)
        row.figures["million_parameters"] = parameters / 1e6
        rows[name] = row
    return rows


def model_named(name: str, device: str) -> Model:
    """A model; a picture is a reference whose colors are taken over (Welsh et al. 2002)."""
    is_picture = Path(name).suffix.lower() in _PICTURE_SUFFIXES
    reference = name if is_picture else None
    return find_model(ModelSettings(name=name, device=device, reference=reference))


def print_table(rows: dict[str, Row]) -> None:
    """A table in Markdown, a row a model."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row.figures))
    print("| model | " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|---" + "|---:" * len(names) + "|")
    for label, row in rows.items():
        cells = (f"{row.figures[name]:.3g}" if name in row.figures else "" for name in names)
        print(f"| `{Path(label).stem}` | " + " | ".join(cells) + " |")


def plot_errors(rows: dict[str, Row], path: Path) -> None:
    """Cumulative histograms of the errors of pixels, of classes and of pictures."""
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    pixels, classes, pictures = figure.subplots(1, 3, sharey=True)
    for label, row in rows.items():
        if label == "truth":
            continue
        errors, name = row.errors, Path(label).stem
        steps = range(LARGEST_ERROR + 1)
        pixels.plot(steps, errors.curve(), label=name)
        classes.plot(steps, errors.curve(balanced=True))
        means = sorted(errors.pictures)
        pictures.plot(means, [(k + 1) / len(means) for k in range(len(means))])
    for axes, title in (
        (pixels, "pixels"),
        (classes, "pixels, each class alike"),
        (pictures, "pictures, by their mean error"),
    ):
        axes.set(title=title, xlabel="distance in ab", xlim=(0, 80), ylim=(0, 1))
        axes.grid(alpha=0.3)
    pixels.set_ylabel("share with at most this error")
    pixels.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def _references(pairs: list[Pair]) -> Iterator[tuple[str, list[torch.Tensor]]]:
    truths = [lab_from_srgb(srgb)[1:] for srgb, _ in pairs]
    mean = torch.stack([truth.mean((1, 2)) for truth in truths]).mean(0)[:, None, None]
    yield "grey", [0 * mean] * len(pairs)
    yield "mean color", [mean] * len(pairs)
    yield "truth", truths


def _measure(colored: Iterable[tuple[Pair, torch.Tensor]], threshold: float) -> Row:
    errors, found = ErrorCounts(), []
    for (srgb, luma), ab in colored:
        found.append(measure_reported(srgb, luma, ab, threshold))
        truth = lab_from_srgb(srgb)
        errors.add(color_lightness(truth[:1], ab)[1:], truth[1:])
    areas = {"auc": errors.auc(), "auc_balanced": errors.auc(balanced=True)}
    return Row(mean_figures(found) | areas, errors)
