"""Backbones that have seen ImageNet: weights that torchvision released (BSD 3-Clause), checked."""

from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple

import torch
from torch import nn

from vidcolor.errors import ModelError
from vidcolor.models.downloads import RemoteFile, fetch, refuse_other_file

DOWNLOAD = "download"
"""In place of a path: fetch the file."""

_COUNTER = "num_batches_tracked"
_ADDRESS = "https://download.pytorch.org/models"


class _Body(NamedTuple):
    """A released file.

    Attributes:
        file: Its name.
        sha256: Of the file.
        first: The tensor that takes a picture's colors.
        sums: Whether ours takes one channel in their place.
    """

    file: str
    sha256: str
    first: str
    sums: bool


_RESNET = _Body(
    "resnet18-f37072fd.pth",
    "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    first="conv1.weight",
    sums=True,
)
_VGG = _Body(
    "vgg16-397923af.pth",
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    first="features.0.weight",
    sums=False,
)
BACKBONES = {
    "pix2pix": _RESNET,
    "vgg-luv": _VGG,
    "vgg-luv-relu": _VGG,
    "vgg-luv-upsampling": _VGG,
    "hwang-bins": _VGG,
}
"""By the names of the nets that have one, in their attribute `encoder`."""


def load_backbone(net: nn.Module, name: str, source: str) -> str:
    """Give a net's backbone its released weights; what is said of it in the weights file.

    Args:
        net: The net.
        name: Its name, of `BACKBONES`.
        source: A path, or `DOWNLOAD`.

    Raises:
        ModelError: The net has no such backbone, or the file is missing or another.
    """
    if name not in BACKBONES:
        raise ModelError(
            f"{name}: has no backbone to load; those that have are {', '.join(BACKBONES)}"
        )
    backbone = BACKBONES[name]
    path = Path(source)
    if source == DOWNLOAD:
        remote = RemoteFile(backbone.file, (f"{_ADDRESS}/{backbone.file}",), backbone.sha256)
        path = fetch(remote, f"{name}'s backbone", "--body-weights")
    refuse_other_file(path, backbone.sha256)
    encoder = net.get_submodule("encoder")
    ours = encoder.state_dict()
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        if backbone.sums:
            tensors[backbone.first] = tensors[backbone.first].sum(1, keepdim=True)
        # Counters of batches are of no use here, and older files lack them; all else must be there.
        counters = {key: kept for key, kept in ours.items() if key.endswith(_COUNTER)}
        encoder.load_state_dict({key: (counters | tensors)[key] for key in ours})
    except (UnpicklingError, RuntimeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not the weights of {name}'s backbone; fetch it again") from error
    return f"ImageNet weights of {backbone.file} in the backbone"
