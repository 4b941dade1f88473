"""How long the nets of others will take on this processor, for a warning before the work starts."""

import logging
from time import perf_counter

import torch
from torch.nn import functional

_PROBE = (256, 64, 64)  # channels, rows and columns of a picture that tells a processor's speed
_TRIES = 4
_REACHED = 0.6  # of that speed the nets reach 0.5 to 0.8: not all that they do is multiplying

_log = logging.getLogger(__name__)


def tell_slowness(name: str, render_size: int, gmac: float) -> None:
    """Say how long a picture will take about, by how fast this processor is now.

    Args:
        name: Of the model.
        render_size: Short side, in pixels, of the picture that it is shown.
        gmac: Multiplications that it takes, in thousands of millions.
    """
    _log.warning(
        "%s at %d px takes about %.2g s on this processor for each keyframe; "
        "a GPU, a smaller --render-size or the model lite is faster",
        *(name, render_size, gmac / (_REACHED * measure_speed())),
    )


def measure_speed() -> float:
    """Multiplications a second, in thousands of millions, of a convolution like the guests'."""
    channels, height, width = _PROBE
    x, kernel = torch.rand(1, channels, height, width), torch.rand(channels, channels, 3, 3)
    x = x.contiguous(memory_format=torch.channels_last)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(_TRIES):
        began = perf_counter()
        functional.conv2d(x, kernel, padding=1)
        times.append(perf_counter() - began)
    return kernel.numel() * height * width / 1e9 / min(times)
