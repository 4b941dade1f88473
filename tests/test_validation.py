import torch

from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.training.dataset import PictureStore
from vidcolor.training.validation import validate


def test_figures_of_both_saturations_are_named() -> None:
    """Each figure is there once for each saturation, finite, with the truth's colorfulness."""
    torch.manual_seed(0)
    net = LiteNet(LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))).eval()
    pixels = torch.randint(0, 256, (64 * 80 * 3,)).to(torch.uint8)
    store = PictureStore(pixels, torch.tensor([0]), torch.tensor([[64, 80]]))
    figures = validate(
        net, store, Decoding(rebalancing_weight=torch.ones(BIN_COUNT)), torch.device("cpu")
    )
    assert {"ciede2000@0.5", "ciede2000@1.0", "truth_colorfulness@1.0"} < figures.keys()
    assert all(figure > 0 for figure in figures.values())
