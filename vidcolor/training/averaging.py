"""The mean of nets that have one ancestor, often better than each.

M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (arXiv:2109.01903): the mean
of weights before and after learning on few pictures keeps what was known before. Batch norms' own
statistics are averaged too: measured anew they were worse.
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
    given = [read_weights(path) for path in paths]
    first = given[0]
    for path, weights in zip(paths, given, strict=True):
        if (weights.name, weights.shape) != (first.name, first.shape):
            raise ModelError(f"{path}: not a net of the same shape as that in {paths[0]}")
    mean = {key: torch.stack([weights.net[key] for weights in given]).mean(0) for key in first.net}
    return replace(first, net=mean)
