from dataclasses import asdict

import pytest
import torch

from vidcolor.color.bins import BIN_COUNT
from vidcolor.nets.base import SHAPE, BaseNet
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.nets.table import NETS, shape_of

SMALL = LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 16))


def test_it_is_at_most_twelve_million_parameters() -> None:
    """As the package has room for; most of them the backbone's and the pyramid's."""
    count = sum(parameter.numel() for parameter in BaseNet().parameters())
    assert 10e6 < count <= 12e6
    assert count > sum(parameter.numel() for parameter in LiteNet(SHAPE).parameters()) + 2e6


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160)])
def test_any_size_gives_a_histogram_for_each_four_pixels(height: int, width: int) -> None:
    """Sides are multiples of 32, as for lite."""
    with torch.no_grad():
        output = BaseNet(SMALL).eval()(torch.zeros(2, 1, height, width))
    assert output.shape == (2, BIN_COUNT, height // 4, width // 4)


def test_a_far_corner_is_seen_through_attention_and_palette() -> None:
    """A change in one corner reaches the other even with the mean's own context gone."""
    torch.manual_seed(0)
    net = BaseNet(SMALL).eval()
    torch.nn.init.zeros_(net.context.weight)
    x = torch.zeros(1, 1, 512, 512)
    other = x.clone()
    other[..., :64, :64] = torch.rand(64, 64)
    with torch.no_grad():
        change = (net(other) - net(x))[..., -4:, -4:].abs().max()
        torch.nn.init.zeros_(net.palette.weight)
        without_palette = (net(other) - net(x))[..., -4:, -4:].abs().max()
        for layer in net.attention:
            torch.nn.init.zeros_(layer.project.weight)
        without_both = (net(other) - net(x))[..., -4:, -4:].abs().max()
    assert change > without_palette > 0
    assert without_both == 0


def test_it_comes_back_from_its_shape_and_folds() -> None:
    """As weights files need it; merged batch norms change nothing."""
    torch.manual_seed(0)
    net = BaseNet(SMALL).eval()
    again = NETS["base"].make(shape_of(net))
    again.load_state_dict(net.state_dict())
    assert asdict(BaseNet().shape) == shape_of(NETS["base"].make({}))
    x = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        wanted = net(x)
        fold_batch_norm(again.eval())
        torch.testing.assert_close(again(x), wanted, rtol=1e-3, atol=1e-4)


def test_the_order_of_places_matters() -> None:
    """Attention alone would not know where a place is."""
    torch.manual_seed(0)
    net = BaseNet(SMALL).eval()
    coarse = torch.rand(1, 16, 4, 4)
    with torch.no_grad():
        seen, tokens = net._look_around(coarse)
        turned, _ = net._look_around(coarse.flip(3))
    assert tokens.shape == (1, 16, 16)
    assert not torch.allclose(turned.flip(3), seen, atol=1e-4)
