"""What a net makes of a picture on its way to colors: features that tell its things apart."""

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT
from vidcolor.frame import Map, Seen, to_device
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model
from vidcolor.nets.inputs import normalize_lightness, padded
from vidcolor.nets.lite import LiteNet

_EPSILON = 1e-6


def find_features(seen: Seen, model: Model) -> Map:
    """Features of a frame, (C, h, w), each of mean 0 and deviation 1 over the picture.

    Of our nets they are the finest level of the pyramid; of others, which have none that all share,
    the colors that the net gives.

    Args:
        seen: The frame.
        model: What predicts.
    """
    caught: list[torch.Tensor] = []
    net = model.net
    hook = None
    if isinstance(net, LiteNet):
        hook = net.smooth[0].register_forward_hook(lambda _m, _i, output: caught.append(output))
    try:
        (mapped,) = predict_frames([seen], model, batch_size=1)
    finally:
        if hook is not None:
            hook.remove()
    prediction = mapped.prediction.map.float()
    rows, columns = prediction.shape[1:]
    if caught:
        found = caught[0][0].float()[:, :rows, :columns]
    elif len(prediction) == BIN_COUNT:
        found = torch.einsum("chw,cx->xhw", prediction, BIN_CENTERS.to(prediction.device))
    else:
        found = prediction[:2]
    return _normalized(found.cpu().numpy())


@torch.no_grad()
def find_levels(lightness: Map, model: Model) -> list[Map]:
    """The levels of the net's pyramid for a picture, (C, h, w) each, the finest first.

    Args:
        lightness: L* in [0, 100], (H, W).
        model: One with `has_levels`.

    Raises:
        TypeError: It is none of our nets.
    """
    net = model.net
    if not isinstance(net, LiteNet):
        raise TypeError(f"{model.name} has no such levels")
    x = to_device(lightness, model.device)[None, None]
    x = padded(normalize_lightness(x)).to(model.dtype)
    *finer, deepest = net.encoder(x.contiguous(memory_format=torch.channels_last))
    return [level[0].float().cpu().numpy() for level in net.levels(net.enter(deepest), finer)]


def has_levels(model: Model) -> bool:
    """Whether a model has what `find_levels` gives."""
    return isinstance(model.net, LiteNet)


def _normalized(features: NDArray[np.float32]) -> Map:
    """Features of mean 0 and deviation 1; those that are alike everywhere are left out."""
    flat = features.reshape(len(features), -1).astype(np.float32)
    deviation = flat.std(1)
    kept = deviation > _EPSILON
    if not kept.any():
        return np.zeros((1, *features.shape[1:]), np.float32)
    flat = (flat[kept] - flat[kept].mean(1, keepdims=True)) / deviation[kept, None]
    return np.asarray(flat.reshape(-1, *features.shape[1:]), np.float32)
