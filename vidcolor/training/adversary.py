"""Nets that learn to tell given colors from true ones, while another learns to deceive them.

I. Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014 (arXiv:1406.2661); patches: P.
Isola et al., CVPR 2017 (arXiv:1611.07004), section 3.2.2 and the appendix.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from vidcolor.nets.inputs import normalize_lightness

_SLOPE = 0.2  # of leaky units, Isola et al., section 6.1
_BETAS = (0.5, 0.999)  # of Adam, section 3.3
_INPUTS = 3  # lightness, a*, b*


class PatchDiscriminator(nn.Module):
    """A verdict for each of many patches of 70 x 70 pixels that overlap."""

    def __init__(self) -> None:
        super().__init__()
        widths = (_INPUTS, 64, 128, 256, 512)
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 2 if outputs < widths[-1] else 1
            layers.append(nn.Conv2d(inputs, outputs, 4, stride, padding=1))
            if index:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.LeakyReLU(_SLOPE))
        self.layers: nn.Sequential = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of being true: (N, 3, H, W) to (N, 1, H / 8 - 2, W / 8 - 2)."""
        logits: torch.Tensor = self.layers(x)
        return logits


class WholeDiscriminator(nn.Module):
    """One verdict for the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        widths = (_INPUTS, 64, 128, 256)
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            layers.append(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1))
            if index:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.LeakyReLU(_SLOPE))
        self.layers: nn.Sequential = nn.Sequential(*layers)
        self.last: nn.Linear = nn.Linear(widths[-1], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of being true: (N, 3, H, W), H and W multiples of 8, to (N, 1)."""
        logits: torch.Tensor = self.last(self.layers(x).mean((2, 3)))
        return logits


class Adversary:
    """A discriminator with its optimizer.

    Args:
        net: The discriminator.
        learning_rate: Of Adam.
        device: Where.
    """

    def __init__(self, net: nn.Module, learning_rate: float, device: torch.device) -> None:
        self._net = net.to(device).train()
        self._optimizer = torch.optim.Adam(net.parameters(), learning_rate, betas=_BETAS)

    def loss_of_deceiver(self, lightness: torch.Tensor, colors: torch.Tensor) -> torch.Tensor:
        """Binary cross-entropy of given colors to being true, a scalar.

        Args:
            lightness: (N, 1, h, w) L* that the colors are for, of their size.
            colors: (N, 2, h, w) a* and b* in `AB_UNIT`.
        """
        return self._loss(lightness, colors, true=True)

    def learn(self, lightness: torch.Tensor, colors: torch.Tensor, truth: torch.Tensor) -> None:
        """Take one step on given and on true colors; see `loss_of_deceiver`."""
        given = self._loss(lightness, colors.detach(), true=False)
        loss = (given + self._loss(lightness, truth, true=True)) / 2
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def state(self) -> dict[str, Any]:
        """All that an exact resume needs."""
        return {"net": self._net.state_dict(), "optimizer": self._optimizer.state_dict()}

    def resume(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        self._net.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _loss(self, lightness: torch.Tensor, colors: torch.Tensor, *, true: bool) -> torch.Tensor:
        seen = torch.cat([normalize_lightness(lightness), colors.float()], 1)
        logits = self._net(seen)
        return functional.binary_cross_entropy_with_logits(
            logits, torch.full_like(logits, float(true))
        )
