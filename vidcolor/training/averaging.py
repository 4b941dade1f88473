"""The mean of nets that have one ancestor, often better than each.

M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (arXiv:2109.01903): the mean
of weights before and after learning on few pictures keeps what was known before. Batch norms' own
statistics are averaged too; learning on moves them to where they belong.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from vidcolor.errors import ModelError
from vidcolor.models.weights import Weights, read_weights


def read_mean(paths: Sequence[Path]) -> Weights:
    """The mean of the weights in some files; all but the net's tensors is the first file's.

    Args:
        paths: At least one file, of nets of one kind and shape.

    Raises:
        ModelError: A file is not one of ours, or holds another net than the first.
    """
    first, *others = (read_weights(path) for path in paths)
    for path, other in zip(paths[1:], others, strict=True):
        if (other.name, other.shape) != (first.name, first.shape):
            raise ModelError(f"{path}: not a net of the same shape as that in {paths[0]}")
    if not others:
        return first
    alike = [first.net, *(other.net for other in others)]
    return replace(first, net={key: _mean([net[key] for net in alike]) for key in first.net})


def _mean(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(tensors).mean(0)
