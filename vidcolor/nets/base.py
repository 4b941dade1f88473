"""The `base` net: a larger `lite` whose coarsest level sees the whole picture at once.

Backbone, pyramid and histograms are those of `LiteNet`, wider. At stride 32 layers of attention (A.
Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762, normalized first) let
far places agree, so that whole things get one color. Learned tokens take part in them, as the
color queries of X. Kang et al., "DDColor", ICCV 2023 (arXiv:2212.11613), section 3.3, do: they sum
up what colors a picture has, and shift every histogram towards these. Places are distinguished by a
depthwise convolution (X. Chu et al., arXiv:2102.10882), which any size of picture goes through.
"""

import torch
from torch import nn
from torch.nn import functional

from vidcolor.color.bins import BIN_COUNT
from vidcolor.nets.lite import LiteNet, LiteShape

SHAPE = LiteShape(width=1.1, depth=1.2, decoder_widths=(128, 192, 256, 320))
"""EfficientNet-Lite2's backbone; 11.4 million parameters in all."""

_LAYERS = 2
_TOKENS = 16
_HEADS = 8
_EXPANSION = 4
_TOKEN_SIZE = 0.02  # standard deviation at the start


class BaseNet(LiteNet):
    """Lightness to the logits of a color histogram for each 4 x 4 pixels.

    Args:
        shape: How large the net is, but for attention; its coarsest width is a multiple of 8.
    """

    def __init__(self, shape: LiteShape | None = None) -> None:
        super().__init__(shape or SHAPE)
        width = self.shape.decoder_widths[-1]
        self.tokens: nn.Parameter = nn.Parameter(_TOKEN_SIZE * torch.randn(_TOKENS, width))
        self.place: nn.Conv2d = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.attention: nn.ModuleList = nn.ModuleList(
            _AttentionLayer(width) for _ in range(_LAYERS)
        )
        self.palette_norm: nn.LayerNorm = nn.LayerNorm(width)
        self.palette: nn.Linear = nn.Linear(width, BIN_COUNT)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits over the bins; see `LiteNet.forward`. All places see one another in one look."""
        *finer, deepest = self.encoder(x)
        coarse, tokens = self._look_around(self.enter(deepest))
        palette = self.palette(self.palette_norm(tokens).mean(1))  # (N, bins)
        logits: torch.Tensor = self.head(self.levels(coarse, finer)[0])
        shifted: torch.Tensor = logits + palette[:, :, None, None]
        return shifted

    def _look_around(self, coarse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Places (N, C, h, w) after all have seen one another, and the tokens, (N, tokens, C)."""
        coarse = coarse + self.place(coarse)
        places = coarse.flatten(2).transpose(1, 2)  # (N, h w, C)
        y = torch.cat([self.tokens.to(places.dtype).expand(len(places), -1, -1), places], 1)
        for layer in self.attention:
            y = layer(y)
        seen = y[:, _TOKENS:].transpose(1, 2).reshape(coarse.shape)
        return seen, y[:, :_TOKENS]


class _AttentionLayer(nn.Module):
    """Self-attention and two linear layers, each added to what it is given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_after = nn.LayerNorm(width)
        self.widen = nn.Linear(width, _EXPANSION * width)
        self.narrow = nn.Linear(_EXPANSION * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give (N, L, C) for (N, L, C)."""
        count, length, width = x.shape
        mixed = self.mix(self.norm(x)).reshape(count, length, 3, _HEADS, width // _HEADS)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)  # (N, heads, L, C / heads) each
        found = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.project(found.transpose(1, 2).reshape(count, length, width))
        y: torch.Tensor = self.narrow(functional.gelu(self.widen(self.norm_after(x))))
        return x + y
