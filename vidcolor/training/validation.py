"""Figures of a net while it learns, on pictures that it does not learn from."""

from collections.abc import Iterator

import torch
from torch import nn

from vidcolor.color.bins import Decoding
from vidcolor.color.decode import AB_UNIT
from vidcolor.color.lab import lightness_from_luma
from vidcolor.evaluation.photos import Example, fit_picture, sweep_looks
from vidcolor.models.zoo import has_bfloat16
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.settings import ColorSettings
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma

_SIDE = 192
_SATURATIONS = (0.5, 1.0)


def validate(
    net: nn.Module,
    pictures: PictureStore,
    decoding: Decoding | None,
    device: torch.device,
) -> dict[str, float]:
    """Mean figures over squares of photographs shown as color video's luma.

    Args:
        net: Is folded in place.
        pictures: On the CPU.
        decoding: How its histograms become colors; None if it gives a* and b*.
        device: Where to infer.

    Returns:
        The figures of `measure_colors` of likely colors, at two saturations, named
        `figure@saturation`.
    """
    fold_batch_norm(net)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def examples() -> Iterator[Example]:
        for index in range(len(pictures)):
            srgb = fit_picture(pictures.picture(index), _SIDE, square=True)
            luma = mix_video_luma(srgb[None])
            normalized = normalize_lightness(lightness_from_luma(luma)).to(device)
            fast = torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))
            with torch.no_grad(), fast:
                output = net(normalized)[0].float()
            prediction = AB_UNIT * output if decoding is None else output.softmax(0)
            yield srgb, luma[0], prediction.cpu()

    looks = [ColorSettings(vividness=0, saturation=saturation) for saturation in _SATURATIONS]
    return {
        f"{name}@{look.saturation}": figure
        for look, figures in sweep_looks(examples(), decoding, looks).items()
        for name, figure in figures.items()
    }
