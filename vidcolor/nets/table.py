"""The nets by name: how each is made, and what its output means."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import nn

from vidcolor.nets.base import SHAPE, BaseNet
from vidcolor.nets.eccv16 import Eccv16Net
from vidcolor.nets.generator import Autoencoder, Generator
from vidcolor.nets.guests import GUESTS, Guest
from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.nets.residual import ResidualNet
from vidcolor.nets.small import SmallNet
from vidcolor.nets.unet import UNet
from vidcolor.nets.vgg import VggNet

AB_CHANNELS = 2
"""Of a net that predicts a* and b*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetSpec:
    """One kind of net.

    Attributes:
        make: Makes it without values of use, given its shape as JSON has it; empty for most.
        predicts: `bins` for logits over the 313 bins; `ab` for a* and b*, in `AB_UNIT`.
        paper: What it follows.
        guest: How it runs, if it is a net of others with released weights.
    """

    make: Callable[[dict[str, Any]], nn.Module]
    predicts: Literal["bins", "ab"]
    paper: str
    guest: Guest | None = None


def _make_lite(shape: dict[str, Any]) -> nn.Module:
    return LiteNet(_shape_from(shape, LiteShape()))


def _make_base(shape: dict[str, Any]) -> nn.Module:
    return BaseNet(_shape_from(shape, SHAPE))


def _shape_from(given: dict[str, Any], default: LiteShape) -> LiteShape:
    shape = asdict(default) | given
    return LiteShape(**shape | {"decoder_widths": tuple(shape["decoder_widths"])})


def _invited(guest: Guest) -> NetSpec:
    return NetSpec(make=lambda _: guest.make(), predicts="ab", paper=guest.paper, guest=guest)


_ZHANG = "arXiv:1603.08511"
_VGG = "arXiv:1409.1556 (backbone)"
_RESIDUAL = f"arXiv:1512.03385 (blocks), {_ZHANG} (bins)"

NETS = {
    "lite": NetSpec(
        make=_make_lite,
        predicts="bins",
        paper=f"{_ZHANG} (loss and bins), arXiv:1905.11946 (encoder)",
    ),
    "base": NetSpec(
        make=_make_base,
        predicts="bins",
        paper=f"{_ZHANG} (loss and bins), arXiv:1905.11946 (encoder), arXiv:1706.03762 (attention)",
    ),
    "small-l2": NetSpec(make=lambda _: SmallNet(), predicts="ab", paper="Ravikumar et al."),
    "plain-l2": NetSpec(make=lambda _: Eccv16Net(AB_CHANNELS), predicts="ab", paper=_ZHANG),
    "eccv16": NetSpec(make=lambda _: Eccv16Net(), predicts="bins", paper=_ZHANG),
    "eccv16-norebal": NetSpec(make=lambda _: Eccv16Net(), predicts="bins", paper=_ZHANG),
    "residual": NetSpec(make=lambda _: ResidualNet(), predicts="bins", paper=_RESIDUAL),
    "residual-norebal": NetSpec(make=lambda _: ResidualNet(), predicts="bins", paper=_RESIDUAL),
    "residual-l2": NetSpec(make=lambda _: ResidualNet(AB_CHANNELS), predicts="ab", paper=_RESIDUAL),
    "gan": NetSpec(make=lambda _: Generator(), predicts="ab", paper="arXiv:1406.2661"),
    "vae": NetSpec(make=lambda _: Autoencoder(), predicts="ab", paper="arXiv:1312.6114"),
    "pix2pix": NetSpec(make=lambda _: UNet(), predicts="ab", paper="arXiv:1611.07004"),
    "vgg-luv": NetSpec(make=lambda _: VggNet(), predicts="ab", paper=_VGG),
    "vgg-luv-relu": NetSpec(make=lambda _: VggNet(last="relu"), predicts="ab", paper=_VGG),
    "vgg-luv-upsampling": NetSpec(
        make=lambda _: VggNet(upsampling=True), predicts="ab", paper=_VGG
    ),
    "hwang-bins": NetSpec(
        make=lambda _: VggNet(classes=True), predicts="ab", paper="Hwang and Zhou 2016"
    ),
}
NETS |= {name: _invited(guest) for name, guest in GUESTS.items()}
"""Those that end in -l2 learn squared error; -norebal learns bins without rebalancing."""


def shape_of(net: nn.Module) -> dict[str, Any]:
    """What `make` needs to make a net of the same size, as JSON has it."""
    return asdict(net.shape) if isinstance(net, LiteNet) else {}
