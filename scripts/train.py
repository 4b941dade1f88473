"""Trains a net on folders or tar files of photographs; run again, it goes on.

python scripts/train.py --data *.tar --folder runs/lite --imagenet lite0 --planned-minutes 120
python scripts/train.py --data *.tar --folder runs/eccv16 --model eccv16 --planned-minutes 120
"""

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from threading import Event

import cv2
import torch
from torch import nn

from vidcolor.errors import VidcolorError
from vidcolor.models.weights import build_net
from vidcolor.models.zoo import choose_device
from vidcolor.nets.base import BaseNet
from vidcolor.nets.lite import LiteNet
from vidcolor.nets.table import NETS
from vidcolor.training.averaging import read_mean
from vidcolor.training.backbones import BACKBONES, DOWNLOAD, load_backbone
from vidcolor.training.calibration import (
    calibrate,
)
from vidcolor.training.crops import iterate_crops
from vidcolor.training.dataset import PictureStore, read_pictures
from vidcolor.training.imagenet import VARIANTS, load_imagenet_encoder
from vidcolor.training.learner import Trainer
from vidcolor.training.loop import TrainingRun, train
from vidcolor.training.objective import LEARNED_TEMPERATURE
from vidcolor.training.prior import estimate_bin_prior
from vidcolor.training.seen import JUDGED_BY, validate_seen
from vidcolor.training.settings import TrainSettings
from vidcolor.training.systems import (
    SYSTEMS,
    bins_of,
    objective_of,
    refuse_other_net,
    settings_of,
)
from vidcolor.training.validation import validate

_log = logging.getLogger(__name__)

_VALIDATION_COUNT = 300
_CALIBRATION_COUNT = 500
_LITE: dict[str, type[LiteNet]] = {"lite": LiteNet, "base": BaseNet}
_COUNTS = (
    "side",
    "late_side",
    "batch_size",
    "planned_pictures",
    "superpixels",
    "plateau",
    "seed",
    "frozen_blocks",
    "warmup_steps",
)
_AMOUNTS = (
    "late_share",
    "learning_rate",
    "encoder_factor",
    "weight_decay",
    "rebalancing",
    "color_weight",
    "colorfulness_weight",
    "shown_gain",
    "difference_weight",
    "distance_weight",
    "perceptual_weight",
    "adversarial_weight",
    "adversarial_share",
    "drop_path",
    "film_share",
    "average_decay",
    "planned_minutes",
)


def arguments() -> argparse.Namespace:
    """What the command line says; defaults of the training are those of the net's `Recipe`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=SYSTEMS, default="lite", help="net to train")
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="file to keep decoded pictures in")
    parser.add_argument("--validation", type=Path, help="folder or tar file of photographs")
    parser.add_argument("--folder", type=Path, required=True, help="checkpoints, log and plot")
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--start",
        type=Path,
        nargs="+",
        help="weights of ours to begin with; of several, their mean",
    )
    start.add_argument("--imagenet", choices=VARIANTS, help="encoder to begin with, for lite")
    for name in _COUNTS + _AMOUNTS:
        kind, default = int if name in _COUNTS else float, getattr(TrainSettings(), name)
        told = f"default: {default}, or the net's own" if default is not None else None
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=told)
    parser.add_argument("--muon", action="store_true", default=None, help="for kernels, not AdamW")
    start.add_argument(
        "--body-weights", metavar="PATH", help=f"ImageNet weights of the backbone, or {DOWNLOAD}"
    )
    parser.add_argument("--decoder-widths", nargs=4, type=int, help="with --imagenet")
    parser.add_argument("--data-share", type=float, default=1.0, help="learn from a part only")
    parser.add_argument(
        "--seen", action="store_true", help="validate by what is seen at equal chroma"
    )
    parser.add_argument(
        "--validation-minutes", type=float, default=TrainingRun().validation_minutes
    )
    parser.add_argument(
        "--checkpoint-minutes", type=float, default=TrainingRun().checkpoint_minutes
    )
    parser.add_argument(
        "--validation-count", type=int, default=_VALIDATION_COUNT, help="pictures measured on"
    )
    parser.add_argument("--minutes", type=float, help="of this leg; the plan may take several")
    parser.add_argument("--device", type=choose_device, default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if (args.model in _LITE) != (args.imagenet is not None) and args.start is None:
        parser.error("--imagenet is for lite and base, which begin with it or with --start")
    if args.model not in _LITE and args.frozen_blocks:
        parser.error("--frozen-blocks is for lite and base")
    return args


def make_settings(args: argparse.Namespace) -> TrainSettings:
    """The net's own settings, with what was given in their place."""
    given = {name: getattr(args, name) for name in (*_COUNTS, *_AMOUNTS, "muon")}
    settings = settings_of(args.model, {k: v for k, v in given.items() if v is not None})
    if settings.plateau and args.validation is None:
        raise VidcolorError("--plateau waits for validation to get better; give --validation")
    return settings


def make_learner(args: argparse.Namespace, settings: TrainSettings, store: PictureStore) -> Trainer:
    """A net with the weights asked for, about to learn."""
    bins = None
    if args.start is not None:
        weights = read_mean(args.start)
        refuse_other_net(args.model, weights.name)
        net = build_net(weights, args.start[0])
        if weights.bin_prior is not None:
            bins = bins_of(args.model, weights.bin_prior, settings.rebalancing)
        start = f"weights that had seen {weights.metadata.get('pictures_seen', '?')} pictures"
        if len(args.start) > 1:
            start = f"the mean of {len(args.start)} nets, the first of them {start}"
    else:
        torch.manual_seed(settings.seed)
        net, start = make_net(args)
        if NETS[args.model].predicts == "bins":
            bins = bins_of(args.model, estimate_bin_prior(store, count=3000), settings.rebalancing)
    if bins is not None:
        weight = bins.decoding.rebalancing_weight.to(args.device)
        bins = bins._replace(decoding=replace(bins.decoding, rebalancing_weight=weight))
    return Trainer(
        net,
        settings,
        name=args.model,
        objective=objective_of(args.model, settings, bins, args.device),
        bins=bins,
        device=args.device,
        about={
            "data": ", ".join(path.name for path in args.data),
            "start": start,
            "commit": code_version(),
        },
    )


def make_net(args: argparse.Namespace) -> tuple[nn.Module, str]:
    """A net that has seen no photograph of ours, and what it begins with."""
    if args.imagenet is None:
        net = NETS[args.model].make({})
        if args.body_weights is not None:
            return net, load_backbone(net, args.model, args.body_weights)
        if args.model in BACKBONES:
            _log.warning(
                "%s: its backbone begins with random weights; see --body-weights", args.model
            )
        return net, "random weights"
    make = _LITE[args.model]
    shape = replace(VARIANTS[args.imagenet], decoder_widths=make().shape.decoder_widths)
    if args.decoder_widths:
        shape = replace(shape, decoder_widths=tuple(args.decoder_widths))
    net = make(shape)
    load_imagenet_encoder(net, args.imagenet)
    return net, f"ImageNet weights of EfficientNet-{args.imagenet} in the encoder"


def code_version() -> str:
    """The git commit that trains, with `-dirty` where files have changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        here = Path(__file__).parent
        return subprocess.run(
            command, cwd=here, capture_output=True, check=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def finish(
    learner: Trainer, args: argparse.Namespace, store: PictureStore, others: PictureStore | None
) -> Path:
    """Writes the weights for use, with their decoding and, given validation pictures, figures."""
    decoding = learner.decoding
    if decoding is not None and SYSTEMS[args.model].temperature == LEARNED_TEMPERATURE:
        pictures = calibration_pictures(store, others)
        decoding = calibrate(learner.best_net(), pictures, decoding, args.device)
    about = {"settings": json.dumps(asdict(learner.settings))}
    if others is not None:
        pictures = others[: args.validation_count]
        net, device = learner.best_net(), args.device
        if args.seen and decoding is not None:
            figures = validate_seen(net, pictures, decoding, device)
        else:
            figures = validate(net, pictures, decoding, device)
        about["figures"] = json.dumps({name: round(f, 3) for name, f in figures.items()})
    path: Path = args.folder / f"{args.model}.safetensors"
    learner.save_average(path, decoding, about)
    return path


def calibration_pictures(store: PictureStore, others: PictureStore | None) -> PictureStore:
    """Validation pictures that no figure is taken on; where there are none, training pictures.

    Training pictures are often smaller than the net's input, and colors of enlarged pictures have
    less detail to lose.
    """
    if others is not None and len(others) > _VALIDATION_COUNT:
        return others[_VALIDATION_COUNT:][:_CALIBRATION_COUNT]
    return store[:: max(len(store) // _CALIBRATION_COUNT, 1)]


def main() -> None:
    """Reads pictures and weights, trains, leaves checkpoint and weights in the folder."""
    args = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    settings = make_settings(args)
    store = read_pictures(args.data, args.cache)
    store = store[: round(len(store) * args.data_share)]
    learner = make_learner(args, settings, store)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    leg = TrainingRun(
        minutes=args.minutes,
        should_stop=stop.is_set,
        checkpoint_minutes=args.checkpoint_minutes,
        validation_minutes=args.validation_minutes,
    )
    others = read_pictures([args.validation]) if args.validation is not None else None
    if others is not None:
        pictures, decoding = others[: args.validation_count], learner.decoding
        leg = replace(leg, validate=lambda net: validate(net, pictures, decoding, args.device))
        if args.seen and decoding is not None:
            shown = partial(validate_seen, decoding=decoding, pictures=pictures, device=args.device)
            leg = replace(leg, validate=shown, judged_by=JUDGED_BY)
    placed = store.to(args.device)
    batches = partial(
        iterate_crops,
        placed,
        seed=settings.seed,
        batch_size=settings.batch_size,
        side=settings.side_at,
    )
    done = train(learner, lambda n: batches(first_step=n), args.folder, leg)
    if done:
        print(f"done: {finish(learner, args, store, others)}")
    else:
        print(f"stopped at step {learner.step}; run again to go on")


if __name__ == "__main__":
    try:
        main()
    except VidcolorError as error:
        sys.exit(f"train.py: {error}")
