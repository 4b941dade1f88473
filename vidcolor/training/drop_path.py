"""Blocks left out at random while a net learns, so that it leans on none and learns less by heart.

G. Huang et al., "Deep networks with stochastic depth", ECCV 2016 (arXiv:1603.09382): the deeper the
block the oftener (section 3, linear decay). As hooks, so that the net that is used knows nothing of
it.
"""

from typing import Any

import torch
from torch import nn


def drop_paths(net: nn.Module, share: float) -> None:
    """Leave out each picture's residual branches at random while the net is in training mode.

    What remains is enlarged so that its mean stays. torch's own generator draws.

    Args:
        net: One whose residual blocks have a true attribute `residual`.
        share: Of pictures, in the deepest such block, in [0, 1); 0 changes nothing.
    """
    blocks = [block for block in net.modules() if getattr(block, "residual", None) is True]
    for number, block in enumerate(blocks, 1):
        if share > 0:
            block.register_forward_hook(_Dropping(share * number / len(blocks)))


class _Dropping:
    """Of one block; a class, so that a net with hooks can be copied."""

    def __init__(self, share: float) -> None:
        self.kept = 1 - share

    def __call__(
        self, block: nn.Module, given: tuple[Any, ...], output: torch.Tensor
    ) -> torch.Tensor:
        if not block.training:
            return output
        (x,) = given
        draws = torch.rand(len(x), 1, 1, 1, device=x.device)
        kept: torch.Tensor = x + (output - x) * ((draws < self.kept) / self.kept)
        return kept
