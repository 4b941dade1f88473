"""An optimizer for weights that are matrices: its steps are as long in all directions.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024 (the iteration and
its coefficients); J. Liu et al., "Muon is Scalable for LLM Training", 2025 (arXiv:2502.16982),
section 2.2: steps are scaled to the size of AdamW's, so that one learning rate does for both.
torch's own, from 2.9 on, takes no kernels of convolutions.
"""

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch

_MOMENTUM = 0.95
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_ADAMW_SIZE = 0.2  # root mean square of AdamW's steps in units of the learning rate, section 2.2
_TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Momentum whose singular values are all brought near 1.

    Args:
        groups: Kernels, (outputs, ...), each taken as a matrix of `outputs` rows, with `lr` and
            `weight_decay`, which is apart from the gradient as in AdamW.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 0.0, "weight_decay": 0.0})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Takes a step on the gradients that there are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    self._turn(kernel, kernel.grad, group["lr"], group["weight_decay"])
        return loss

    def _turn(
        self, kernel: torch.Tensor, gradient: torch.Tensor, rate: float, decay: float
    ) -> None:
        state = self.state[kernel]
        if not state:
            state["momentum"] = torch.zeros_like(kernel)
        momentum: torch.Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        ahead = torch.lerp(gradient, momentum, _MOMENTUM)  # Nesterov's
        direction = orthogonalize(ahead.flatten(1))
        size = _ADAMW_SIZE * max(direction.shape) ** 0.5
        kernel.mul_(1 - rate * decay)
        kernel.add_(direction.view_as(kernel), alpha=-rate * size)


def orthogonalize(matrix: torch.Tensor) -> torch.Tensor:
    """A matrix with the same singular vectors whose singular values are about 0.7 to 1.2.

    Newton-Schulz iteration: products of matrices alone, where a decomposition would take far
    longer. Values below a few thousandths of the largest do not get that far.

    Args:
        matrix: (rows, columns).
    """
    linear, cubic, quintic = _COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x: torch.Tensor = matrix.T if is_tall else matrix
    x = x / (x.norm() + _TINY)
    for _ in range(_ITERATIONS):
        square = x @ x.T
        x = linear * x + (cubic * square + quintic * square @ square) @ x
    return x.T if is_tall else x
