import copy

import torch

from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.training.drop_path import drop_paths

SMALL = LiteShape(width=0.25, depth=1.0, decoder_widths=(8, 8, 8, 8))


def blocks_of(net: LiteNet) -> list[torch.nn.Module]:
    """The residual ones."""
    return [block for block in net.modules() if getattr(block, "residual", None) is True]


def test_pictures_pass_a_block_unchanged_or_enlarged() -> None:
    """In the deepest block half of the branches are left out, the others count twice."""
    net = LiteNet(SMALL)
    block = blocks_of(net)[-1].eval()
    x = torch.rand(200, block.layers.project.conv.out_channels, 4, 4)
    branch = block(x) - x
    drop_paths(net, 0.5)
    torch.manual_seed(0)
    block.training = True  # its batch norms stay in evaluation mode, so that branches are the same
    change = block(x) - x
    left_out = change.abs().amax((1, 2, 3)) == 0
    assert 60 < int(left_out.sum()) < 140
    torch.testing.assert_close(change[~left_out], 2 * branch[~left_out])


def test_in_use_nothing_changes() -> None:
    """Evaluation mode is bit for bit the same; copies keep the hooks; early blocks lose less."""
    torch.manual_seed(0)
    net = LiteNet(SMALL)
    x = torch.rand(2, 1, 32, 32)
    before = copy.deepcopy(net).eval()(x)
    drop_paths(net, 0.5)
    assert torch.equal(copy.deepcopy(net).eval()(x), before)
    shares = [1 - next(iter(b._forward_hooks.values())).kept for b in blocks_of(net)]
    assert shares == sorted(shares)
    assert shares[-1] == 0.5
    untouched = LiteNet(SMALL)
    drop_paths(untouched, 0.0)
    assert not any(block._forward_hooks for block in blocks_of(untouched))


def test_the_same_seed_drops_the_same() -> None:
    """So that a run that is resumed goes on exactly."""
    net = LiteNet(SMALL).train()
    drop_paths(net, 0.5)
    x = torch.rand(4, 1, 32, 32)
    outputs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outputs.append(net(x))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
