"""The nets of others: their layouts, their formulas, and the answers of their authors' own code."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from guest_values import GAIN, fill, inputs, read_answers, read_layout
from torch import nn

from vidcolor.nets.ddcolor import (
    LARGE_DEPTHS,
    LARGE_WIDTHS,
    ChannelNorm,
    DDColorNet,
    MultiHeadAttention,
    sine_positions,
)
from vidcolor.nets.deoldify import DeOldifyNet, SelfAttention
from vidcolor.nets.dynamic_unet import (
    SpectralConv,
    WeightNormConv,
    blur,
    fold_kernels,
    spectral_shuffle,
)
from vidcolor.nets.siggraph17 import Hint, Siggraph17Net, hint_planes

MAKE: dict[str, Callable[[], nn.Module]] = {
    "ddcolor-tiny": DDColorNet,
    "ddcolor-large": lambda: DDColorNet(LARGE_WIDTHS, LARGE_DEPTHS),
    "deoldify-deep": lambda: DeOldifyNet(wide=False),
    "deoldify-wide": lambda: DeOldifyNet(wide=True),
    "siggraph17": Siggraph17Net,
}
# Tensors, parameters, and numbers with buffers, of the released files.
COUNTS = {
    "ddcolor-tiny": (440, 55_006_640, 55_051_016),
    "ddcolor-large": (602, 227_869_328, 227_921_864),
    "deoldify-deep": (378, 63_646_881, 63_767_578),
    "deoldify-wide": (754, 218_222_197, 218_480_110),
    "siggraph17": (107, 34_187_027, 34_192_796),
}


def without_values(name: str) -> nn.Module:
    """The net of a released layout, laid out only."""
    with torch.device("meta"):
        return MAKE[name]()


@pytest.mark.parametrize("name", MAKE)
def test_the_nets_are_as_large_as_those_released(name: str) -> None:
    """Tensors, parameters, and all numbers that the files hold."""
    net = without_values(name)
    state = net.state_dict()
    parameters = sum(parameter.numel() for parameter in net.parameters())
    assert (len(state), parameters, sum(v.numel() for v in state.values())) == COUNTS[name]


@pytest.mark.parametrize("name", MAKE)
def test_layouts_are_those_released(name: str) -> None:
    """Every key and shape, none more and none less."""
    state = without_values(name).state_dict()
    found = {key: (tuple(v.shape), str(v.dtype).removeprefix("torch.")) for key, v in state.items()}
    assert found == read_layout(name)


def test_a_spectral_kernel_is_divided_by_what_its_vectors_say() -> None:
    """By u . W v, in evaluation as in training, and folding changes nothing."""
    torch.manual_seed(0)
    conv = SpectralConv(5, 7, (3, 3), bias=True)
    nn.init.normal_(conv.bias)
    u, v = torch.randn(7), torch.randn(45)
    conv.weight_u.copy_(u)
    conv.weight_v.copy_(v)
    x = torch.randn(2, 5, 6, 8)
    sigma = sum(u[i] * conv.weight_orig[i].flatten()[j] * v[j] for i in range(7) for j in range(45))
    expected = torch.nn.functional.conv2d(x, conv.weight_orig / sigma, conv.bias, padding=1)
    torch.testing.assert_close(conv.train()(x), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(conv.eval()(x), expected, atol=1e-4, rtol=1e-4)
    fold_kernels(conv)
    torch.testing.assert_close(conv(x), expected, atol=1e-4, rtol=1e-4)
    assert conv.state_dict().keys() == {"weight", "bias"}


def test_a_new_spectral_kernel_has_largest_singular_value_about_one() -> None:
    """Its vectors are born as one step of the power method."""
    torch.manual_seed(0)
    kernel = SpectralConv(64, 64).kernel().detach()[..., 0, 0]
    assert 0.9 < float(torch.linalg.matrix_norm(kernel, 2)) < 4


def test_weight_norm_gives_each_output_its_length() -> None:
    """Kernels are g v / |v|, folded or not."""
    torch.manual_seed(0)
    conv = WeightNormConv(6, 4)
    nn.init.normal_(conv.weight_g)
    lengths = conv.weight_v.square().sum((1, 2, 3), keepdim=True).sqrt()
    expected = conv.weight_g * conv.weight_v / lengths
    torch.testing.assert_close(conv.kernel(), expected)
    fold_kernels(conv)
    torch.testing.assert_close(conv.weight, expected)


def test_shuffling_makes_pixels_of_channels_and_smooths_them() -> None:
    """Channel 4 c + 2 i + j is pixel (i, j) of channel c; then means with left and above."""
    torch.manual_seed(0)
    up = spectral_shuffle(3, 2).eval()
    x = torch.randn(1, 3, 4, 5)
    wide = up.conv(x)[0]
    sharp = np.zeros((2, 8, 10))
    for c in range(2):
        for i in range(2):
            for j in range(2):
                sharp[c, i::2, j::2] = wide[4 * c + 2 * i + j].detach()
    padded = np.pad(sharp, ((0, 0), (1, 0), (1, 0)), "edge")
    mean = (padded[:, 1:, 1:] + padded[:, :-1, 1:] + padded[:, 1:, :-1] + padded[:, :-1, :-1]) / 4
    np.testing.assert_allclose(up(x)[0].detach(), mean, atol=1e-6)
    flat = torch.full((1, 1, 3, 3), 2.0)
    assert torch.equal(blur(flat), flat)


def test_attention_is_the_paper_s() -> None:
    """softmax(q k / sqrt(d)) v, head by head."""
    torch.manual_seed(0)
    attend = MultiHeadAttention(12, 3)
    nn.init.normal_(attend.in_proj_bias)
    query, key, value = (torch.randn(1, n, 12) for n in (4, 7, 7))
    parts = [
        x[0] @ attend.in_proj_weight[12 * i : 12 * i + 12].T + attend.in_proj_bias[12 * i :][:12]
        for i, x in enumerate((query, key, value))
    ]
    heads = []
    for head in range(3):
        q, k, v = (part[:, 4 * head : 4 * head + 4] for part in parts)
        scores = torch.exp(q @ k.T / math.sqrt(4))
        heads.append(scores / scores.sum(1, keepdim=True) @ v)
    expected = torch.cat(heads, 1) @ attend.out_proj.weight.T + attend.out_proj.bias
    torch.testing.assert_close(attend(query, key, value)[0], expected, atol=1e-5, rtol=1e-5)


def test_deoldify_s_attention_sums_to_one_over_those_who_ask() -> None:
    """The softmax runs down the columns; the share starts at 0."""
    torch.manual_seed(0)
    attend = SelfAttention(16)
    x = torch.randn(1, 16, 3, 4) / 10
    assert torch.equal(attend(x), x)
    nn.init.constant_(attend.gamma, 0.5)
    flat = x[0].flatten(1)
    q, k, v = (part.kernel()[..., 0] @ flat for part in (attend.query, attend.key, attend.value))
    scores = torch.exp(torch.einsum("ci,cj->ij", q, k))
    shares = scores / scores.sum(0, keepdim=True)
    expected = flat + 0.5 * torch.einsum("ci,ij->cj", v, shares)
    torch.testing.assert_close(attend(x)[0].flatten(1), expected, atol=1e-5, rtol=1e-5)


def test_positions_are_sines_that_count_from_one() -> None:
    """Half for rows, half for columns, sine and cosine in turn; the last is a full turn."""
    found = sine_positions(3, 5, torch.device("cpu"))
    assert found.shape == (15, 256)
    for row, column, entry in ((0, 0, 0), (2, 4, 1), (1, 3, 126), (1, 3, 130), (2, 0, 255)):
        side, t = (3, row + 1) if entry < 128 else (5, column + 1)
        j = entry % 128
        angle = 2 * math.pi * t / (side + 1e-6) / 10000 ** (2 * (j // 2) / 128)
        wave = math.sin(angle) if j % 2 == 0 else math.cos(angle)
        assert found[5 * row + column, entry] == pytest.approx(wave, abs=1e-5)


def test_norms_have_the_papers_epsilons() -> None:
    """1e-6 in the encoder, 1e-5 behind it: too small a difference for the references to show."""
    net = without_values("ddcolor-tiny")
    for name, module in net.named_modules():
        if isinstance(module, nn.LayerNorm | nn.BatchNorm2d):
            assert module.eps == (1e-6 if name.startswith("encoder") else 1e-5), name
    x = torch.randn(1, 8, 3, 3)
    mean, variance = x.mean(1, keepdim=True), x.var(1, correction=0, keepdim=True)
    torch.testing.assert_close(ChannelNorm(8, eps=1e-6)(x), (x - mean) / (variance + 1e-6).sqrt())


def test_ddcolor_s_sums_are_those_of_the_paper() -> None:
    """100 maps over full-size pixels, then the fusion: what the net takes in one sum."""
    torch.manual_seed(0)
    net = DDColorNet(depths=(1, 1, 1, 1)).eval()
    rgb = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        found = net(rgb)
        x = (rgb - net.mean) / net.std
        shuffled, queries = net.decoder(net.encoder["arch"](x))
        pixels = blur(torch.nn.functional.pixel_shuffle(shuffled, 4))  # (1, 256, 64, 32)
        maps = torch.einsum("nqc,nchw->nqhw", queries, pixels)
        expected = net.refine_net(torch.cat([maps, x], 1))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_hints_are_squares_with_a_mask_of_one() -> None:
    """Where they are ab is theirs; a gray hint has a mask, too; the later covers the earlier."""
    hints = [Hint(4, 3, 50, -20, radius=1), Hint(0, 0, 0, 0, radius=0), Hint(5, 3, 7, 8, radius=0)]
    ab, mask = hint_planes(hints, 8, 12)
    assert mask.unique().tolist() == [0, 1]
    assert mask.sum() == 9 + 1
    assert mask[0, 0, 2:5, 3:6].min() == 1
    assert ab[0, :, 2, 3].tolist() == [50, -20]
    assert ab[0, :, 3, 5].tolist() == [7, 8]
    assert mask[0, 0, 0, 0] == 1
    assert ab[0, :, 0, 0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="a hint at 12, 3 in a picture of 12x8"):
        hint_planes([Hint(12, 3, 0, 0)], 8, 12)


def test_siggraph17_sees_hints_and_needs_none() -> None:
    """No hints are planes of 0; a hint changes the answer; the mask is not centered."""
    torch.manual_seed(0)
    net = Siggraph17Net().eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    seen: list[torch.Tensor] = []
    net.model1.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    lightness = torch.rand(1, 1, 24, 32) * 100
    ab, mask = hint_planes([Hint(16, 12, 55, -11)], 24, 32)
    with torch.no_grad():
        plain, hinted = net(lightness), net(lightness, ab, mask)
        same = net(lightness, torch.zeros_like(ab), torch.zeros_like(mask))
    assert torch.equal(plain, same)
    assert (plain - hinted).abs().max() > 1e-3
    torch.testing.assert_close(seen[1][:, :1], (lightness - 50) / 100)
    torch.testing.assert_close(seen[1][:, 1:3], ab / 110)
    assert torch.equal(seen[1][:, 3:], mask)


@pytest.mark.slow
@pytest.mark.parametrize("name", GAIN)
def test_the_nets_answer_as_their_authors_do(name: str) -> None:
    """With the same weights and inputs: largest difference 1e-5, of siggraph17's ab 1e-3.

    The large DDColor is left out: it differs from the small one in its layout alone.
    """
    net = without_values(name)
    state = fill(read_layout(name), GAIN[name])
    net.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, assign=True)
    net.eval()
    answers = read_answers(name)
    assert len(answers) == (4 if name == "siggraph17" else 2)
    is_large = name == "deoldify-wide"  # other sizes, folded, are the smaller one's
    for folded in (False,) if is_large else (False, True):
        if folded:
            fold_kernels(net)
        for size in list(answers)[: 1 if folded or is_large else None]:
            height, width = map(int, size.partition("-")[0].split("x"))
            given = [torch.from_numpy(x) for x in inputs(name, height, width)]
            with torch.no_grad():
                found = net(*given[: 1 if "no-hints" in size else None]).numpy()
            difference = np.abs(found[..., ::4, ::4] - answers[size]).max()
            assert difference < (1e-3 if name == "siggraph17" else 1e-5), (size, folded)
