from collections.abc import Iterator

import pytest
import torch
from torch import nn

from vidcolor.color.bins import BIN_COUNT
from vidcolor.nets.fusing import _MOST_LAYOUTS, _FusedConv, fold_batch_norm, fuse_activations
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.nets.lite import LiteNet, LiteShape, SameConv

SMALL = LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))


def small_net(seed: int = 0) -> LiteNet:
    """A little net whose batch norms have seen something."""
    torch.manual_seed(seed)
    net = LiteNet(SMALL)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.01, 2)
    return net.eval()


def test_a_histogram_for_each_4_by_4_pixels() -> None:
    """The logits' map has all bins and a quarter of the input's sides, square or not."""
    logits = small_net()(torch.zeros(2, 1, 64, 96))
    assert logits.shape == (2, BIN_COUNT, 16, 24)


@pytest.mark.parametrize(
    ("shape", "blocks", "last"),
    [
        (LiteShape(), 16, 320),
        (LiteShape(depth=1.1), 21, 320),
        (LiteShape(width=1.1, depth=1.2), 21, 352),
    ],
)
def test_shapes_are_those_of_efficientnet_lite(shape: LiteShape, blocks: int, last: int) -> None:
    """Lite0, Lite1 and Lite2 have as many blocks, and as wide a last one, as published."""
    with torch.device("meta"):
        net = LiteNet(shape)
    assert len(net.encoder.blocks) == blocks
    assert net.context.in_channels == last


@pytest.mark.parametrize(("kernel", "first"), [(3, 0), (5, -1)])
def test_stride_two_pads_as_tensorflow(kernel: int, first: int) -> None:
    """On an even side the odd pixel of padding goes right and below."""
    conv = SameConv(1, 1, kernel, 2, 1)
    nn.init.ones_(conv.weight)
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    columns = torch.arange(kernel) + first
    inside = columns[(columns >= 0) & (columns < 8)]
    rows = kernel + first  # of the kernel that lie on the picture at the top
    assert conv(ramp).shape == (1, 1, 4, 4)
    assert conv(ramp)[0, 0, 0, 0] == inside.sum() * rows


def test_folding_keeps_the_logits() -> None:
    """With batch norms folded into the convolutions the answer stays the same."""
    net, x = small_net(), torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        before = net(x)
        fold_batch_norm(net)
        after = net(x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


HAS_BFLOAT16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
needs_bfloat16 = pytest.mark.skipif(not HAS_BFLOAT16, reason="the processor has no bfloat16")


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Float32 in one thread is rounded otherwise by fused convolutions, on AVX-512."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    "dtype", [torch.float32, pytest.param(torch.bfloat16, marks=needs_bfloat16)]
)
def test_fusing_changes_no_bit(dtype: torch.dtype) -> None:
    """Convolutions that clip their own output give what convolutions and activations give.

    So does one picture of many, whatever lies beside it.
    """
    net = small_net()
    fold_batch_norm(net)
    net = net.to(dtype).to(memory_format=torch.channels_last).requires_grad_(requires_grad=False)
    x = (3 * torch.randn(4, 1, 96, 64)).to(dtype).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        before = net(x)
        fuse_activations(net)
        after, of_two = net(x), net(x[1:3])
    assert sum(isinstance(module, _FusedConv) for module in net.modules()) > 30
    assert not any(isinstance(module, nn.ReLU | nn.ReLU6) for module in net.modules())
    torch.testing.assert_close(after, before, atol=0, rtol=0)
    torch.testing.assert_close(of_two, before[1:3], atol=0, rtol=0)


def test_weights_are_laid_out_for_each_size_of_a_few() -> None:
    """Those for pictures of another size would be laid out anew in each pass."""
    net = small_net()
    fold_batch_norm(net)
    net.to(memory_format=torch.channels_last).requires_grad_(requires_grad=False)
    fuse_activations(net)
    fused = [module for module in net.encoder.modules() if isinstance(module, _FusedConv)]
    for count, side in enumerate((64, 96, 128, 160, 192, 224, 64), 1):
        x = torch.randn(2, 1, side, 64).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            assert torch.equal(net.encoder(x)[-1], net.encoder(x)[-1])
        assert {len(module.laid_out) for module in fused} == {(count - 1) % _MOST_LAYOUTS + 1}


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 160), (32, 32)])
def test_the_picture_is_looked_at_half_as_large_as_well(height: int, width: int) -> None:
    """Sides whose half is no multiple of the pyramid's step do as well."""
    net, looks = small_net(), list[torch.Tensor]()
    x = torch.randn(2, 1, height, width)
    net.head[0].register_forward_hook(lambda _module, _inputs, output: looks.append(output))
    with torch.no_grad():
        both = net(x)
        near, far = looks
        far = far[..., : height // 8, : width // 8]
        far = nn.functional.interpolate(far, near.shape[-2:], mode="bilinear")
        torch.testing.assert_close(both, net.head[1]((near + far) / 2))
        half = nn.functional.avg_pool2d(x, 2)
        bottom, right = -(height // 2) % 32, -(width // 2) % 32
        net(nn.functional.pad(half, (0, right, 0, bottom), "replicate"))
    torch.testing.assert_close(
        looks[2][..., : height // 8, : width // 8], looks[1][..., : height // 8, : width // 8]
    )


def test_training_looks_once() -> None:
    """At crops, which show things as large as they are."""
    net, looks = small_net().train(), list[int]()
    net.head[0].register_forward_hook(lambda *_: looks.append(1))
    net(torch.randn(2, 1, 64, 64))
    assert looks == [1]


def test_nothing_is_fused_without_the_operator() -> None:
    """Where torch lacks the operator the net stays as it is."""
    net = small_net()
    fold_batch_norm(net)
    fuse_activations(net, "_gone")
    assert not any(isinstance(module, _FusedConv) for module in net.modules())


def test_far_pixels_share_a_context() -> None:
    """Changing one corner changes the logits of the opposite one, through the global term."""
    net, x = small_net(), torch.zeros(1, 1, 256, 256)
    changed = x.clone()
    changed[..., :64, :64] = 1
    with torch.no_grad():
        difference = (net(changed) - net(x))[..., -4:, -4:]
    assert difference.abs().max() > 0


def test_gradients_reach_every_parameter() -> None:
    """No part of the net is left out of learning."""
    net = small_net().train()
    net(torch.randn(2, 1, 64, 64)).square().mean().backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_lightness_is_centered() -> None:
    """The range 0 to 100 becomes -1 to 1."""
    ends = normalize_lightness(torch.tensor([0.0, 50.0, 100.0]))
    assert ends.tolist() == [-1, 0, 1]
