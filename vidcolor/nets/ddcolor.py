"""DDColor: a ConvNeXt encoder, a pixel decoder, and color queries that look at its levels.

X. Kang, T. Yang, W. Ouyang, P. Ren, L. Li, X. Xie, "DDColor: Towards Photo-Realistic Image
Colorization via Dual Decoders", ICCV 2023 (arXiv:2212.11613), sections 3.1 to 3.3. Encoder: Z. Liu
et al., "A ConvNet for the 2020s", CVPR 2022 (arXiv:2201.03545). The queries' layers are those of B.
Cheng et al., "Mask2Former", CVPR 2022 (arXiv:2112.01527), section 3.2, the norm behind the sum.
Names of the tensors are those of the weights that the authors released.
"""

from functools import cache
from itertools import pairwise
from math import pi

import torch
from torch import nn
from torch.nn import functional

from vidcolor.nets.dynamic_unet import SpectralConv, blur, conv_relu_norm, spectral_shuffle
from vidcolor.nets.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN

SIDE_MULTIPLE = 32
"""Sides of the input are multiples of this."""

TINY_WIDTHS = (96, 192, 384, 768)
LARGE_WIDTHS = (192, 384, 768, 1536)
TINY_DEPTHS = (3, 3, 9, 3)
LARGE_DEPTHS = (3, 3, 27, 3)
"""Channels and blocks of ConvNeXt-T and ConvNeXt-L at strides 4, 8, 16 and 32."""

_ENCODER_EPSILON = 1e-6
_DECODER_WIDTHS = (512, 512, 256)  # at strides 16, 8 and 4
_WIDTH, _HEADS, _QUERIES, _LAYERS, _FEED_FORWARD = 256, 8, 100, 9, 2048
_PIXEL_SIDE = 4  # of the decoder's finest level, made into pixels at the end


class DDColorNet(nn.Module):
    """Gray pictures to a* and b*.

    Args:
        widths: The encoder's channels at each stride.
        depths: Its blocks at each.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = TINY_WIDTHS,
        depths: tuple[int, int, int, int] = TINY_DEPTHS,
    ) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_DEVIATION).reshape(1, 3, 1, 1))
        self.encoder: nn.ModuleDict = nn.ModuleDict({"arch": _ConvNeXt(widths, depths)})
        self.decoder: _DualDecoder = _DualDecoder(widths)
        mixing = SpectralConv(_QUERIES + 3, 2, bias=True)
        self.refine_net: nn.Sequential = nn.Sequential(nn.Sequential(mixing))
        self._mixing = [mixing]  # in a list, so that it is no second module of the same

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Predict.

        The paper's 100 maps are sums of the decoder's pixels, weighted by each query, and the
        output is a weighted sum of the maps. Both sums are taken as one, and before the blur,
        which needs no large picture of 256 channels.

        Args:
            rgb: (N, 3, H, W) gray as sRGB in [0, 1]; H and W multiples of 32.

        Returns:
            a* and b*, (N, 2, H, W), not bounded.
        """
        x = (rgb - self.mean) / self.std
        pixels, queries = self.decoder(self.encoder["arch"](x))
        mixing = self._mixing[0]
        kernel = mixing.kernel()[..., 0, 0]  # (2, 103)
        weights = kernel[:, :_QUERIES] @ queries  # (N, 2, 256)
        mixed = _mix_shuffled(pixels, weights)
        direct = kernel[:, _QUERIES:, None, None]
        return mixed + functional.conv2d(x, direct, mixing.bias)


def _mix_shuffled(pixels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted sums of channels that are yet to be shuffled into pixels.

    Args:
        pixels: (N, 256 x 16, h, w), 16 pixels of each channel side by side.
        weights: (N, 2, 256).

    Returns:
        (N, 2, 4 h, 4 w), blurred.
    """
    _, _, height, width = pixels.shape
    rows = pixels.movedim(1, -1).reshape(len(pixels), height * width, _WIDTH, -1)
    sums = weights[:, None] @ rows  # (N, h w, 2, 16)
    small = sums.flatten(2).mT.reshape(len(pixels), -1, height, width)  # (N, 2 x 16, h, w)
    return blur(functional.pixel_shuffle(small, _PIXEL_SIDE))


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of pictures, (N, C, H, W) to the same."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # the base class's name
        """Norm each pixel."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class _ConvNeXt(nn.Module):
    """The encoder: each stage's output, normed, finest first."""

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), _norm(widths[0]))
        self.downsample_layers = nn.ModuleList([stem])
        for narrow, wide in pairwise(widths):
            halving = nn.Conv2d(narrow, wide, 2, stride=2)
            self.downsample_layers.append(nn.Sequential(_norm(narrow), halving))
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(depth)))
            for width, depth in zip(widths, depths, strict=True)
        )
        for level, width in enumerate(widths):
            self.add_module(f"norm{level}", _norm(width))
        # Of the classifier that it was once part of; feeds nothing, but its weights were released.
        self.norm = nn.LayerNorm(widths[-1], eps=_ENCODER_EPSILON)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        levels = []
        for level, (halve, stage) in enumerate(
            zip(self.downsample_layers, self.stages, strict=True)
        ):
            x = stage(halve(x))
            levels.append(self.get_submodule(f"norm{level}")(x))
        return levels


def _norm(width: int) -> ChannelNorm:
    return ChannelNorm(width, eps=_ENCODER_EPSILON)


class _Block(nn.Module):
    """ConvNeXt's block (figure 4): filter each channel, norm, widen, narrow, add the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=_ENCODER_EPSILON)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.dwconv(x).movedim(1, -1))  # (N, H, W, C)
        y = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(y)))
        z: torch.Tensor = x + y.movedim(-1, 1)
        return z


class _DualDecoder(nn.Module):
    """The pixel decoder and, on its levels, the color decoder."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.layers: nn.ModuleList = nn.ModuleList()
        below = widths[-1]
        for skip, width in zip(reversed(widths[:-1]), _DECODER_WIDTHS, strict=True):
            self.layers.append(_Up(below, skip, width))
            below = width
        last = SpectralConv(below, _WIDTH * _PIXEL_SIDE**2, bias=True)
        self.last_shuf: nn.ModuleDict = nn.ModuleDict({"conv": nn.Sequential(last, nn.ReLU())})
        self.color_decoder: _ColorDecoder = _ColorDecoder()

    def forward(self, levels: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Levels of the encoder, finest first, to what the maps are made of.

        Returns:
            Pixels before they are shuffled, (N, 256 x 16, H / 4, W / 4), and the queries' weights
            for them, (N, 100, 256).
        """
        *skips, x = levels
        decoded = []
        for layer in self.layers:
            x = layer(x, skips.pop())
            decoded.append(x)
        pixels: torch.Tensor = self.last_shuf["conv"](x)
        return pixels, self.color_decoder(decoded)


class _Up(nn.Module):
    """One level of the pixel decoder: the level below, doubled, joined to the encoder's."""

    def __init__(self, below: int, skip: int, width: int) -> None:
        super().__init__()
        self.shuf = spectral_shuffle(below, width)
        self.bn = nn.BatchNorm2d(skip)
        self.conv = conv_relu_norm(width + skip, width)

    def forward(self, below: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([self.shuf(below), self.bn(skip)], 1)
        y: torch.Tensor = self.conv(functional.relu(joined))
        return y


class _ColorDecoder(nn.Module):
    """Queries that gather, from three levels in turn, which pixels each color belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.query_feat: nn.Embedding = nn.Embedding(_QUERIES, _WIDTH)
        self.query_embed: nn.Embedding = nn.Embedding(_QUERIES, _WIDTH)
        self.level_embed: nn.Embedding = nn.Embedding(len(_DECODER_WIDTHS), _WIDTH)
        self.input_proj: nn.ModuleList = nn.ModuleList(
            nn.Conv2d(width, _WIDTH, 1) for width in _DECODER_WIDTHS
        )
        layers = range(_LAYERS)
        self.transformer_cross_attention_layers: nn.ModuleList = nn.ModuleList(
            _AttentionLayer("multihead_attn") for _ in layers
        )
        self.transformer_self_attention_layers: nn.ModuleList = nn.ModuleList(
            _AttentionLayer("self_attn") for _ in layers
        )
        self.transformer_ffn_layers: nn.ModuleList = nn.ModuleList(_FeedForward() for _ in layers)
        self.decoder_norm: nn.LayerNorm = nn.LayerNorm(_WIDTH)
        embed = [nn.Linear(_WIDTH, _WIDTH) for _ in range(3)]
        self.color_embed: nn.ModuleDict = nn.ModuleDict({"layers": nn.ModuleList(embed)})
        self._embed = embed  # a plain list, so that each is one module and not two

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Levels at strides 16, 8 and 4 to the queries' weights, (N, 100, 256)."""
        tokens, positions = [], []
        for index, (project, level) in enumerate(zip(self.input_proj, levels, strict=True)):
            flat = project(level).flatten(2).mT  # (N, h w, 256)
            tokens.append(flat + self.level_embed.weight[index])
            positions.append(sine_positions(*level.shape[2:], flat.device).to(flat.dtype))
        queries = self.query_feat.weight.expand(len(levels[0]), -1, -1)
        place = self.query_embed.weight
        for number in range(_LAYERS):
            of_level, where = tokens[number % len(tokens)], positions[number % len(tokens)]
            look = self.transformer_cross_attention_layers[number]
            queries = look(queries, queries + place, of_level + where, of_level)
            compare = self.transformer_self_attention_layers[number]
            queries = compare(queries, queries + place, queries + place, queries)
            queries = self.transformer_ffn_layers[number](queries)
        first, second, third = self._embed
        hidden = functional.relu(first(self.decoder_norm(queries)))
        weights: torch.Tensor = third(functional.relu(second(hidden)))
        return weights


class _AttentionLayer(nn.Module):
    """Attention, the sum with what came in, and a norm behind it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.add_module(name, MultiHeadAttention(_WIDTH, _HEADS))
        self.norm = nn.LayerNorm(_WIDTH)
        self._name = name

    def forward(
        self, x: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        y: torch.Tensor = self.norm(x + self.get_submodule(self._name)(query, key, value))
        return y


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention of several heads (A. Vaswani et al., arXiv:1706.03762, 3.2).

    Args:
        width: Channels of queries, keys and values.
        heads: How many parts they are split into.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight: nn.Parameter = nn.Parameter(torch.randn(3 * width, width) / width**0.5)
        self.in_proj_bias: nn.Parameter = nn.Parameter(torch.zeros(3 * width))
        self.out_proj: nn.Linear = nn.Linear(width, width)

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """(N, queries, width), (N, tokens, width) twice, to (N, queries, width)."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            self._split(functional.linear(x, weight, bias))
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )  # (N, heads, tokens, width / heads)
        seen = functional.scaled_dot_product_attention(q, k, v)
        y: torch.Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return y

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(N, tokens, width) to (N, heads, tokens, width / heads)."""
        n, tokens, _ = x.shape
        return x.reshape(n, tokens, self.heads, -1).transpose(1, 2)


class _FeedForward(nn.Module):
    """Two linear layers for each query, the sum with what came in, and a norm behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(_WIDTH, _FEED_FORWARD)
        self.linear2 = nn.Linear(_FEED_FORWARD, _WIDTH)
        self.norm = nn.LayerNorm(_WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norm(x + self.linear2(functional.relu(self.linear1(x))))
        return y


@cache
def sine_positions(height: int, width: int, device: torch.device) -> torch.Tensor:
    """Where each place of a picture is, (height x width, 256) float32: half for y, half for x.

    Sines and cosines in turn, of wavelengths that grow (DETR, arXiv:2005.12872, appendix A.4);
    rows and columns count from 1, and the last of them is a full turn.
    """
    half = _WIDTH // 2
    index = torch.arange(half, dtype=torch.float32)
    frequency = 10000 ** (2 * (index // 2) / half)
    waves = []
    for side in (height, width):
        turn = 2 * pi * torch.arange(1, side + 1, dtype=torch.float32) / (side + 1e-6)
        angle = turn[:, None] / frequency  # (side, 128)
        waves.append(torch.where(index % 2 == 0, angle.sin(), angle.cos()))
    rows = waves[0][:, None].expand(-1, width, -1)
    columns = waves[1][None].expand(height, -1, -1)
    return torch.cat([rows, columns], -1).flatten(0, 1).to(device)
