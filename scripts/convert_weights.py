"""Turns weights of an earlier script, with the keys of EfficientNet's PyTorch port, into ours.

python scripts/convert_weights.py start.safetensors vidcolor/models/lite.safetensors
"""

import argparse
import re
from itertools import islice
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from vidcolor.color.bins import Decoding
from vidcolor.color.lab import lightness_from_luma
from vidcolor.models.weights import save_weights
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.nets.lite import LiteNet
from vidcolor.training.crops import iterate_crops
from vidcolor.training.dataset import PictureStore, read_pictures
from vidcolor.training.film_response import mix_video_luma
from vidcolor.training.imagenet import rename_encoder_key

_CALIBRATION_BATCHES = 40

_RENAMES = (
    (r"^lat\.", "lateral."),
    (r"^up\.", "upward."),
    (r"^ctx\.", "context."),
    (r"^sm\.0\.0\.", "smooth.0.0.conv."),
    (r"^sm\.0\.1\.", "smooth.0.0.norm."),
    (r"^sm\.(\d)\.(\d)\.0\.", r"smooth.\1.\2.conv."),
    (r"^sm\.(\d)\.(\d)\.1\.", r"smooth.\1.\2.norm."),
    (r"^head\.0\.0\.", "head.0.conv."),
    (r"^head\.0\.1\.", "head.0.norm."),
)


def renamed(key: str) -> str:
    """Our name of a tensor, given the earlier script's."""
    if key.startswith("e."):
        return f"encoder.{rename_encoder_key(key[2:])}"
    for pattern, replacement in _RENAMES:
        new, count = re.subn(pattern, replacement, key)
        if count:
            return new
    return key


def calibrate(net: LiteNet, pictures: PictureStore) -> list[str]:
    """Measures anew the statistics of batch norms that float16 could not hold; their names."""
    broken = {
        name: module
        for name, module in net.named_modules()
        if isinstance(module, nn.BatchNorm2d) and not module.running_var.isfinite().all()
    }
    net.eval()
    for module in broken.values():
        module.reset_running_stats()
        module.momentum = None  # a plain mean over batches
        module.train()
    batches = iterate_crops(pictures, first_step=0, seed=0, batch_size=32, side=lambda _: 160)
    with torch.no_grad():
        for crops in islice(batches, _CALIBRATION_BATCHES if broken else 0):
            net(normalize_lightness(lightness_from_luma(mix_video_luma(crops.float() / 255))))
    return list(broken)


def main() -> None:
    """Reads the weights, checks that they fit our net, writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="safetensors with the earlier keys")
    parser.add_argument("target", type=Path, help="safetensors to write, float16")
    parser.add_argument("pictures", type=Path, help="photographs to measure lost statistics on")
    parser.add_argument(
        "--data", default="", help="what it was trained on, for the file's metadata"
    )
    arguments = parser.parse_args()
    with safe_open(arguments.source, "pt") as file:
        metadata = file.metadata() or {}
        tensors = {renamed(key): file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    prior = tensors.pop("bin_prior")
    weight = tensors.pop("rebalancing_weight")
    net = LiteNet()
    net.load_state_dict({key: value.to(torch.float32) for key, value in tensors.items()})
    print("measured anew:", ", ".join(calibrate(net, read_pictures([arguments.pictures]))))
    save_weights(
        arguments.target,
        net,
        bin_prior=prior,
        decoding=Decoding(rebalancing_weight=weight),
        about={
            "data": arguments.data or metadata.get("data", "not stated"),
            "pictures_seen": metadata.get("pictures_seen", "0"),
        },
    )
    print(f"{arguments.target}: {arguments.target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
