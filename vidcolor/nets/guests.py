"""The nets of others behind our interface: lightness in, a* and b* for each 4 x 4 pixels out.

Their authors' programs squash every picture to a square before the net sees it, whatever its shape,
and the nets were trained so or at one size: here, too. DeOldify's author found padding worse.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.decode import AB_UNIT
from vidcolor.color.lab import lab_from_srgb, srgb_from_lab
from vidcolor.nets import ddcolor, deoldify, siggraph17
from vidcolor.nets.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN

_GMAC_SIDE = 256
_STRIDE = 4  # input pixels a side of what comes out
_BT601 = (0.299, 0.587, 0.114)  # luma of R, G and B (ITU-R BT.601-7, item 3.2)

Ask = Callable[[nn.Module, torch.Tensor], torch.Tensor]
"""From L*, (N, 1, S, S) float32 in [0, 100], to a* and b*, (N, 2, S, S) float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A net of others.

    Attributes:
        make: Makes it without values of use.
        ask: Runs it.
        side_multiple: Sides of its input are multiples of this.
        render_size: Side of the picture that it sees by default.
        gmac: Multiplications that a picture of 256 x 256 takes, in thousands of millions; other
            sizes by their area.
        paper: What it follows.
    """

    make: Callable[[], nn.Module]
    ask: Ask
    side_multiple: int
    render_size: int
    gmac: float
    paper: str

    def gmac_at(self, side: int) -> float:
        """As above, of a square picture of that side, in pixels."""
        return self.gmac * (side / _GMAC_SIDE) ** 2


class Squared(nn.Module):
    """A guest's net that takes what ours take.

    Args:
        net: The net, its kernels folded.
        guest: What it is.
    """

    def __init__(self, net: nn.Module, guest: Guest) -> None:
        super().__init__()
        self.net = net
        self.ask: Ask = guest.ask
        self.side_multiple: int = guest.side_multiple

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict.

        Args:
            x: (N, 1, H, W) lightness in [-1, 1], as all nets here take it; H and W multiples of 32.

        Returns:
            a* and b* in `AB_UNIT`, (N, 2, H / 4, W / 4) float32.
        """
        lightness = 50 * (x.float() + 1)
        height, width = x.shape[2:]
        side = max(1, round(min(height, width) / self.side_multiple)) * self.side_multiple
        ab = self.ask(self.net, shrink(lightness, (side, side)))
        return shrink(ab, (height // _STRIDE, width // _STRIDE)) / AB_UNIT


def shrink(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Pictures (N, C, H, W) at another size by means over areas: no blur where the size stays."""
    if pictures.shape[2:] == size:
        return pictures
    device = pictures.device
    if device.type == "mps":  # which pools by whole factors only
        return functional.adaptive_avg_pool2d(pictures.cpu(), size).to(device)
    return functional.adaptive_avg_pool2d(pictures, size)


def ask_ddcolor(net: nn.Module, lightness: torch.Tensor) -> torch.Tensor:
    """By gray sRGB in [0, 1]; see `Ask`."""
    ab: torch.Tensor = net(_gray(lightness).to(_type(net)))
    return ab.float()


def ask_deoldify(net: nn.Module, lightness: torch.Tensor) -> torch.Tensor:
    """By gray sRGB, normalised; the color differences of what comes out go onto the input's luma.

    So does the author's program (`deoldify/filters.py`), so that a net that changes the lightness
    does not change the color with it; see `Ask`.
    """
    gray = _gray(lightness)
    mean, deviation = (
        torch.tensor(values, device=gray.device).reshape(1, 3, 1, 1)
        for values in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    answer = net(((gray - mean) / deviation).to(_type(net))).float()
    rgb = (answer * deviation + mean).clamp(0, 1)
    shares = torch.tensor(_BT601, device=rgb.device).reshape(1, 3, 1, 1)
    luma = (rgb * shares).sum(1, keepdim=True)
    return lab_from_srgb((rgb + gray[:, :1] - luma).clamp(0, 1))[:, 1:]


def ask_siggraph17(net: nn.Module, lightness: torch.Tensor) -> torch.Tensor:
    """By L* and no hints; see `Ask`."""
    ab: torch.Tensor = net(lightness.to(_type(net)))
    return ab.float()


def _gray(lightness: torch.Tensor) -> torch.Tensor:
    """The gray sRGB picture of a lightness, (N, 3, S, S) in [0, 1]."""
    neutral = torch.zeros_like(lightness)
    return srgb_from_lab(torch.cat([lightness, neutral, neutral], 1)).clamp(0, 1)


def _type(net: nn.Module) -> torch.dtype:
    return next(net.parameters()).dtype


def _ddcolor_tiny() -> nn.Module:
    return ddcolor.DDColorNet(ddcolor.TINY_WIDTHS, ddcolor.TINY_DEPTHS)


def _ddcolor_large() -> nn.Module:
    return ddcolor.DDColorNet(ddcolor.LARGE_WIDTHS, ddcolor.LARGE_DEPTHS)


def _ddcolor(make: Callable[[], nn.Module], gmac: float) -> Guest:
    return Guest(
        make=make,
        ask=ask_ddcolor,
        side_multiple=ddcolor.SIDE_MULTIPLE,
        render_size=512,  # of the authors' program
        gmac=gmac,
        paper="arXiv:2212.11613",
    )


def _deoldify(*, wide: bool, render_size: int, gmac: float) -> Guest:
    return Guest(
        make=_deoldify_wide if wide else _deoldify_deep,
        ask=ask_deoldify,
        side_multiple=deoldify.SIDE_MULTIPLE,
        render_size=render_size,
        gmac=gmac,
        paper="J. Antic, DeOldify",
    )


def _deoldify_wide() -> nn.Module:
    return deoldify.DeOldifyNet(wide=True)


def _deoldify_deep() -> nn.Module:
    return deoldify.DeOldifyNet(wide=False)


_LARGE = _ddcolor(_ddcolor_large, 67)
_WIDE = _deoldify(wide=True, render_size=384, gmac=141)

GUESTS = {
    "ddcolor-tiny": _ddcolor(_ddcolor_tiny, 25),
    "ddcolor": _LARGE,
    "ddcolor-artistic": _LARGE,
    "ddcolor-paper": _LARGE,
    # Render factors 24 and 30 of its author, 16 pixels each, with which others measured best.
    "deoldify-video": _WIDE,
    "deoldify-stable": _WIDE,
    "deoldify-artistic": _deoldify(wide=False, render_size=480, gmac=197),
    "siggraph17": Guest(
        make=siggraph17.Siggraph17Net,
        ask=ask_siggraph17,
        side_multiple=siggraph17.SIDE_MULTIPLE,
        render_size=256,  # what it was trained at
        gmac=75,
        paper="arXiv:1705.02999",
    ),
}
"""By name."""
