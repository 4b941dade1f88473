"""Trains the `lite` net on folders or tar files of photographs; run again, it goes on.

python scripts/train.py --data photos/*.tar --folder runs/lite --planned-minutes 120
"""

import argparse
import logging
import os
import signal
from dataclasses import replace
from pathlib import Path
from threading import Event

import cv2
import torch

from vidcolor.models.lite import LiteNet
from vidcolor.models.weights import build_net, read_weights
from vidcolor.models.zoo import choose_device
from vidcolor.training.crops import iterate_crops
from vidcolor.training.dataset import PictureStore, read_pictures
from vidcolor.training.imagenet import VARIANTS, load_imagenet_encoder
from vidcolor.training.learner import Learner, TrainSettings
from vidcolor.training.loop import Leg, train
from vidcolor.training.loss import weigh_bins
from vidcolor.training.prior import estimate_bin_prior
from vidcolor.training.validation import validate

_VALIDATION_COUNT = 300
_COUNTS = ("side", "batch_size", "planned_pictures", "seed")
_AMOUNTS = ("learning_rate", "average_decay", "planned_minutes")


def arguments() -> argparse.Namespace:
    """What the command line says; defaults of the training are those of `TrainSettings`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="file to keep decoded pictures in")
    parser.add_argument("--validation", type=Path, help="folder or tar file of photographs")
    parser.add_argument("--folder", type=Path, required=True, help="checkpoints, log and plot")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--start", type=Path, help="weights of ours to begin with")
    start.add_argument("--imagenet", choices=VARIANTS, help="encoder to begin with")
    for name in _COUNTS + _AMOUNTS:
        kind, default = int if name in _COUNTS else float, getattr(TrainSettings(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default)
    parser.add_argument("--minutes", type=float, help="of this leg; the plan may take several")
    parser.add_argument("--device", type=choose_device, default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


def make_learner(args: argparse.Namespace, store: PictureStore) -> Learner:
    """A net with the weights asked for, about to learn."""
    if args.start is not None:
        weights = read_weights(args.start)
        net = build_net(weights, args.start)
        prior, weight = weights.bin_prior, weights.rebalancing_weight
        start = f"weights that had seen {weights.metadata.get('pictures_seen', '?')} pictures"
    else:
        torch.manual_seed(args.seed)
        net = LiteNet(VARIANTS[args.imagenet])
        load_imagenet_encoder(net, args.imagenet)
        prior = estimate_bin_prior(store, count=3000)
        weight = weigh_bins(prior)
        start = f"ImageNet weights of EfficientNet-{args.imagenet} in the encoder"
    return Learner(
        net,
        TrainSettings(**{name: getattr(args, name) for name in _COUNTS + _AMOUNTS}),
        bin_prior=prior,
        rebalancing_weight=weight,
        device=args.device,
        about={"data": ", ".join(path.name for path in args.data), "start": start},
    )


def main() -> None:
    """Reads pictures and weights, trains, leaves checkpoint and weights in the folder."""
    args = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    store = read_pictures(args.data, args.cache)
    learner = make_learner(args, store)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    leg = Leg(minutes=args.minutes, should_stop=stop.is_set)
    if args.validation is not None:
        pictures = read_pictures([args.validation], limit=_VALIDATION_COUNT)
        weight = learner.rebalancing_weight.cpu()
        leg = replace(leg, validate=lambda net: validate(net, pictures, weight, args.device))
    store = store.to(args.device)
    named = {"seed": args.seed, "batch_size": args.batch_size, "side": args.side}
    done = train(learner, lambda n: iterate_crops(store, first_step=n, **named), args.folder, leg)
    print("done" if done else f"stopped at step {learner.step}; run again to go on")


if __name__ == "__main__":
    main()
