"""Measures the colors that models give to photographs and to clips whose own are known.

python scripts/evaluate.py val.tar --models lite other.safetensors --json figures.json
python scripts/evaluate.py val.tar --models lite other.safetensors --shown-only --sources S.tsv
python scripts/evaluate.py val.tar --models lite eccv16 --reported --plot errors.png
python scripts/evaluate.py --clips *.mp4 --frames 60
python scripts/evaluate.py --cuts *.mp4
python scripts/evaluate.py --returns *.mp4
python scripts/evaluate.py --direct *.mp4 --frames 60
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from clip_figures import compare_clips, evaluate_clips
from cut_figures import evaluate_cuts
from direct_figures import evaluate_directed
from photo_figures import FACES, Photograph, evaluate_shown, read_photographs
from reference_figures import evaluate_guided
from return_figures import evaluate_returns

from vidcolor.color.lab import lightness_from_luma
from vidcolor.evaluation.photos import (
    Example,
    Figures,
    Pair,
    figure_at_colorfulness,
    measure_references,
    sweep_looks,
)
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import load_model
from vidcolor.settings import ColorSettings

_COLUMNS = ("ciede2000", "delta_ab", "colorfulness", "psnr")
_CURVES = {
    "saturation": [ColorSettings(vividness=0, saturation=s / 10) for s in range(2, 32, 3)],
    "vividness": [ColorSettings(vividness=v / 4) for v in range(9)],
}
"""Looks along which accuracy and colorfulness are traded for each other."""
_SHARES = (0.7, 0.85, 1.0)


def measure_model(
    name: str, pairs: list[Pair], device: str
) -> tuple[dict[ColorSettings, Figures], str]:
    """Figures of each look of the curves, and the sha256 of the weights."""
    model = load_model(name, device)

    def examples() -> Iterator[Example]:
        seen = (lightness_from_luma(luma)[0].numpy() for _, luma in pairs)
        histograms = predict_histograms(seen, model, 8)
        for (srgb, luma), histogram in zip(pairs, histograms, strict=True):
            yield srgb, luma, histogram.map.cpu()

    looks = [look for curve in _CURVES.values() for look in curve]
    return sweep_looks(examples(), model.decoding, looks), model.sha256


def print_row(label: str, figures: Figures) -> None:
    """One line of the table."""
    print(f"{label:32}" + "".join(f"{figures[name]:14.2f}" for name in _COLUMNS))


def evaluate_pictures(args: argparse.Namespace) -> dict[str, object]:
    """Prints the photographs' tables and gives their figures."""
    photographs = find_photographs(args)
    pairs = [photograph.pair for photograph in photographs]
    results: dict[str, Any] = {"film": args.film, "short_side": args.short_side}
    if not args.shown_only:
        print(f"{len(pairs)} pictures".ljust(32) + "".join(f"{name:>14}" for name in _COLUMNS))
        results |= evaluate_references(pairs)
        results |= evaluate_curves(pairs, args.models, args.device)
    results["shown"] = evaluate_shown(photographs, args.models, args.device, args.median_chroma)
    return results


def evaluate_references(pairs: list[Pair]) -> dict[str, Figures]:
    """Prints the figures of grey, the mean color and the truth, and gives them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several would wait for each other, long on a busy machine
    references = measure_references(pairs)
    torch.set_num_threads(threads)
    for label, figures in references.items():
        print_row(label, figures)
    return references


def evaluate_curves(pairs: list[Pair], models: list[str], device: str) -> dict[str, Any]:
    """Prints the figures along the curves of looks, gives them by model."""
    results: dict[str, Any] = {}
    for name in models:
        found, sha256 = measure_model(name, pairs, device)
        results[name] = {"sha256": sha256}
        for along, looks in _CURVES.items():
            curve = {getattr(look, along): found[look] for look in looks}
            for value, figures in curve.items():
                print_row(f"{Path(name).stem} {along} {value:g}", figures)
            for share in _SHARES:
                at = figure_at_colorfulness(curve, "ciede2000", share)
                if at:
                    where = f"{share:.0%} of the truth's colorfulness at {along} {at[0]:.2f}"
                    print(f"{Path(name).stem}: {where}: CIEDE2000 {at[1]:.3f}")
            results[name][along] = [{along: v, **figures} for v, figures in curve.items()]
    return results


def find_photographs(args: argparse.Namespace) -> list[Photograph]:
    """The photographs that are asked for."""
    return read_photographs(
        args.pictures, args.count, args.short_side,
        film=args.film, faces=args.faces, sources=args.sources,
    )  # fmt: skip


def report_pictures(args: argparse.Namespace) -> dict[str, Any]:
    """Prints all figures of the field's reports and gives them."""
    from report_figures import evaluate_reported, plot_errors, print_table  # noqa: PLC0415 - extras

    pairs = [photograph.pair for photograph in find_photographs(args)]
    look = ColorSettings(vividness=args.vividness)
    rows = evaluate_reported(pairs, args.models, look, args.device, threshold=args.threshold)
    print_table(rows)
    if args.plot:
        plot_errors(rows, args.plot)
    return {label: row.figures for label, row in rows.items()}


def evaluate_by_model(args: argparse.Namespace) -> dict[str, Any]:
    """Prints the tables of each model on clips that come back or get hints; gives their figures."""
    by_model = {
        "returns": (args.returns, lambda name: evaluate_returns(args.returns, name, args.device)),
        "direct": (
            args.direct,
            lambda name: {
                "hints": evaluate_directed(args.direct, args.frames, name, args.device),
                "references": evaluate_guided(args.direct, args.frames, name, args.device),
            },
        ),
    }
    results: dict[str, Any] = {}
    for key, (paths, evaluate) in by_model.items():
        if paths:
            results[key] = {name: evaluate(name) for name in args.models}
    return results


def main() -> None:
    """Prints the tables and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="?", help="folder or tar file of photographs")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="video files")
    parser.add_argument("--cuts", type=Path, nargs="+", default=[], help="films with known cuts")
    parser.add_argument("--returns", type=Path, nargs="+", default=[], help="to make A B A B of")
    parser.add_argument("--direct", type=Path, nargs="+", default=[], help="clips to give hints")
    parser.add_argument("--models", nargs="+", default=["lite"], help="names, paths or references")
    parser.add_argument("--count", type=int, default=300, help="photographs to take at most")
    parser.add_argument(
        "--shown-only", action="store_true", help="photographs' figures at the default look alone"
    )
    parser.add_argument(
        "--median-chroma", type=float, nargs="*", default=[8.0, 10.0], metavar="C",
        help="compare models at equal strength, too (8 10)",
    )  # fmt: skip
    parser.add_argument(
        "--sources", type=Path, help="table with columns member and source_repo, for intervals"
    )
    parser.add_argument("--faces", type=Path, default=FACES, help="table of faces, for skin")
    parser.add_argument("--reported", action="store_true", help="all figures of the reports")
    parser.add_argument("--plot", type=Path, help="with it, cumulative histograms of errors")
    parser.add_argument("--threshold", type=float, default=10.0, help="with it, of PA, in ab")
    parser.add_argument("--vividness", type=float, default=ColorSettings().vividness)
    parser.add_argument("--frames", type=int, help="to take of each clip at most")
    parser.add_argument("--short-side", type=int, default=256, help="of photographs")
    parser.add_argument("--film", action="store_true", help="photographs as on worn orthochromatic")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if not (args.pictures or args.clips or args.cuts or args.returns or args.direct):
        parser.error("nothing to measure: name photographs, --clips, --cuts, --returns or --direct")
    torch.set_num_threads(args.threads)
    results: dict[str, Any] = {}
    if args.pictures and args.reported:
        results = report_pictures(args)
    elif args.pictures:
        results = evaluate_pictures(args)
    if args.clips:
        results["clips"] = {
            name: evaluate_clips(args.clips, args.frames, name, args.device) for name in args.models
        }
        results["clip_differences"] = compare_clips(results["clips"])
    results |= evaluate_by_model(args)
    if args.cuts:
        results["cuts"] = evaluate_cuts(args.cuts)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
