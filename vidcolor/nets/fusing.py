"""Batch norms and activations merged into convolutions, for inference only."""

import torch
from torch import nn
from torch.nn import functional

from vidcolor.nets.lite import ConvNorm, SameConv

FUSED_OPERATOR = "_convolution_pointwise"
"""Of oneDNN in torch, which need not have it."""

_MOST_LAYOUTS = 4  # of 16 MB in all, for films of several sizes, one after the other


def fold_batch_norm(net: nn.Module) -> None:
    """Merges each batch norm into the convolution before it, in place: for inference only."""
    for module in net.modules():
        if isinstance(module, ConvNorm):
            conv, norm = module.conv, module.norm
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                _fold(conv, norm)
                module.norm = nn.Identity()


def fuse_activations(net: nn.Module, operator: str = FUSED_OPERATOR) -> None:
    """Let each folded convolution clip its own output, in place: for inference on a CPU only.

    Where this torch has no such operator, or the processor is none that it was tried on, the net
    stays as it is. Results are the same but for rounding: of float32 in one thread they differ in
    the last bits on processors with AVX-512.

    Args:
        net: The net, its batch norms folded.
        operator: The operator that torch must have.
    """
    has_library: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    is_known = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    if not (has_library and is_known and hasattr(torch.ops.mkldnn, operator)):
        return
    for name, module in net.named_children():
        if isinstance(module, ConvNorm):
            setattr(net, name, _FusedConv(module))
        else:
            fuse_activations(module, operator)


class _FusedConv(nn.Module):
    """A folded convolution, its padding and its activation in one pass over memory.

    It takes oneDNN's operator that `torch.compile` would take, which needs a C++ compiler on the
    user's machine. The operator pads alike on all sides. A kernel that is padded unevenly gets a
    row and a column of zeros in front in return for one more sample of padding there.
    """

    def __init__(self, folded: ConvNorm) -> None:
        super().__init__()
        conv, activation = folded.conv, getattr(folded, "activation", None)
        if not isinstance(conv, nn.Conv2d) or isinstance(conv.padding, str):
            raise TypeError("not a folded convolution")
        weight, padding = conv.weight.detach(), list(conv.padding)
        if isinstance(conv, SameConv) and conv.uneven is not None:
            weight = functional.pad(weight, (1, 0, 1, 0))
            padding = [conv.uneven[0] + 1] * 2
        self.bias = conv.bias
        self.shape = (padding, list(conv.stride), list(conv.dilation), conv.groups)
        if isinstance(activation, nn.ReLU6):
            self.activation: tuple[str, list[float], str] = ("hardtanh", [0.0, 6.0], "")
        else:
            self.activation = ("none" if activation is None else "relu", [], "")
        self.weight = weight.to_mkldnn()
        self.laid_out: dict[tuple[int, ...], torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Weights are laid out once as the kernels want them. Kernels for pictures of another size,
        # or for another number of threads, want another layout, and would lay out this one anew
        # each time, which takes longer than all else: up to ten times as long.
        case = (torch.get_num_threads(), *x.shape[-2:])
        weight = self.laid_out.get(case)
        if weight is None:
            if len(self.laid_out) == _MOST_LAYOUTS:
                self.laid_out.clear()
            lay_out = torch.ops.aten.mkldnn_reorder_conv2d_weight
            weight = lay_out(self.weight, *self.shape, list(x.shape))
            self.laid_out[case] = weight
        convolve = getattr(torch.ops.mkldnn, FUSED_OPERATOR)
        y: torch.Tensor = convolve(x, weight, self.bias, *self.shape, *self.activation)
        return y


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("a batch norm without running statistics cannot be folded")
    scale = norm.weight.detach() / torch.sqrt(variance + norm.eps)
    conv.weight = nn.Parameter(conv.weight.detach() * scale[:, None, None, None])
    conv.bias = nn.Parameter(norm.bias.detach() - mean * scale)
