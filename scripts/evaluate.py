"""Measures the colors that models give to photographs whose own are known.

python scripts/evaluate.py val.tar --models lite other.safetensors --json figures.json
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from vidcolor.color.lab import lightness_from_luma
from vidcolor.evaluation.stills import (
    Example,
    Figures,
    Pair,
    figure_at_colorfulness,
    fit_picture,
    measure_references,
    sweep_vividness,
)
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import load_model
from vidcolor.training.dataset import read_pictures
from vidcolor.training.film_response import expose_worn_ortho, mix_video_luma

_COLUMNS = ("ciede2000", "delta_ab", "colorfulness", "psnr")
_VIVIDNESS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
_SHARES = (0.7, 0.85, 1.0)


def read_pairs(source: Path, count: int, short_side: int, *, film: bool) -> list[Pair]:
    """Truth (3, H, W) and luma (1, H, W) of each picture, those of one size together."""
    store = read_pictures([source], limit=count)
    truths = [fit_picture(store.picture(index), short_side) for index in range(len(store))]
    truths.sort(key=lambda truth: truth.shape)
    generator = torch.Generator().manual_seed(0)
    if film:
        return [(truth, expose_worn_ortho(truth[None], generator)[0]) for truth in truths]
    return [(truth, mix_video_luma(truth[None])[0]) for truth in truths]


def measure_model(name: str, pairs: list[Pair], device: str) -> tuple[dict[float, Figures], str]:
    """Figures at each vividness, and the sha256 of the weights."""
    model = load_model(name, device)

    def examples() -> Iterator[Example]:
        seen = (lightness_from_luma(luma)[0].numpy() for _, luma in pairs)
        histograms = predict_histograms(seen, model, 8)
        for (srgb, luma), histogram in zip(pairs, histograms, strict=True):
            yield srgb, luma, histogram.probabilities.cpu()

    decoding = replace(model.decoding, rebalancing_weight=model.decoding.rebalancing_weight.cpu())
    return sweep_vividness(examples(), decoding, _VIVIDNESS), model.sha256


def print_row(label: str, figures: Figures) -> None:
    """One line of the table."""
    print(f"{label:32}" + "".join(f"{figures[name]:14.2f}" for name in _COLUMNS))


def main() -> None:
    """Prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, help="folder or tar file of photographs")
    parser.add_argument("--models", nargs="+", default=["lite"], help="names or paths")
    parser.add_argument("--count", type=int, default=300, help="photographs to take at most")
    parser.add_argument("--short-side", type=int, default=256)
    parser.add_argument("--film", action="store_true", help="input as worn orthochromatic film")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pairs = read_pairs(args.pictures, args.count, args.short_side, film=args.film)
    print(f"{len(pairs)} pictures".ljust(32) + "".join(f"{name:>14}" for name in _COLUMNS))
    results: dict[str, object] = {"film": args.film, "short_side": args.short_side}
    for label, figures in measure_references(pairs).items():
        print_row(label, figures)
        results[label] = figures
    for name in args.models:
        sweep, sha256 = measure_model(name, pairs, args.device)
        for vividness, figures in sweep.items():
            print_row(f"{Path(name).stem} vividness {vividness:g}", figures)
        for share in _SHARES:
            found = figure_at_colorfulness(sweep, "ciede2000", share)
            if found:
                where = f"{share:.0%} of the truth's colorfulness at vividness {found[0]:.2f}"
                print(f"{Path(name).stem}: {where}: CIEDE2000 {found[1]:.3f}")
        results[name] = {"sha256": sha256, "sweep": sweep}
    if args.json:
        args.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
