"""What black-and-white film would have made of a color picture: a random response for each.

Orthochromatic stock hardly sees red; panchromatic stock sees all, each in its own proportions. Then
come exposure, the tone curve, printing and age: contrast, range, blur, grain, vignette, dust and
scratches. A share of the pictures is left as the luma of color video.
"""

import torch
from torch.nn import functional

from vidcolor.color.lab import linear_from_srgb, srgb_from_linear
from vidcolor.training.settings import FILM_SHARE

VIDEO_WEIGHTS = (0.299, 0.587, 0.114)
"""Luma of red, green and blue in ITU-R BT.601-7, item 2.5.1."""

_ORTHO_SHARE = 0.2
_ORTHO_WEIGHTS = (0.04, 0.56, 0.40)
_SPECTRAL_SPREAD = (0.45, 0.15, 0.6)
_LINEAR_SHARE = 0.5


def expose_film(
    srgb: torch.Tensor, generator: torch.Generator, film_share: float = FILM_SHARE
) -> torch.Tensor:
    """Black-and-white pictures of color ones.

    Args:
        srgb: (N, 3, H, W) in [0, 1].
        generator: Source of all randomness, on the tensor's device.
        film_share: Part of the pictures that are changed; 0 leaves all as video's luma.

    Returns:
        (N, 1, H, W) luma in [0, 1].
    """
    dice = _Dice(srgb, generator)
    video = mix_video_luma(srgb)
    film = _damage(dice, _grain(dice, _soften(dice, _tone(dice, _spectral_mix(dice, srgb)))))
    return torch.where(dice.chance(film_share), film, video).clamp(0, 1)


def mix_video_luma(srgb: torch.Tensor) -> torch.Tensor:
    """Luma of color video: (N, 3, H, W) to (N, 1, H, W), the range kept."""
    weights = srgb.new_tensor(VIDEO_WEIGHTS)
    return torch.einsum("c,nchw->nhw", weights, srgb).unsqueeze(1)


def expose_worn_ortho(srgb: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Always the same hard case, for measuring: blue-sensitive stock, contrast, grain, soft focus.

    Args:
        srgb: (N, 3, H, W) in [0, 1].
        generator: Of the grain, on the tensor's device.

    Returns:
        (N, 1, H, W) luma in [0, 1].
    """
    weights = srgb.new_tensor(_ORTHO_WEIGHTS)
    light = torch.einsum("c,nchw->nhw", weights, linear_from_srgb(srgb)).unsqueeze(1)
    luma = srgb_from_linear(light)
    luma = 0.06 + 0.86 * (luma + 0.4 * (luma * luma * (3 - 2 * luma) - luma))
    luma = functional.avg_pool2d(functional.pad(luma, (1, 1, 1, 1), mode="replicate"), 3, 1)
    grain = torch.randn(luma.shape, device=luma.device, generator=generator)
    return (luma + 0.05 * grain).clamp(0, 1)


class _Dice:
    """Random numbers for each picture of a batch, shaped to broadcast over it."""

    def __init__(self, like: torch.Tensor, generator: torch.Generator) -> None:
        self.count = len(like)
        self.device = like.device
        self.generator = generator

    def uniform(
        self, low: float = 0, high: float = 1, *, size: tuple[int, ...] = (1, 1, 1)
    ) -> torch.Tensor:
        shape = (self.count, *size)
        unit = torch.rand(shape, device=self.device, generator=self.generator)
        return low + (high - low) * unit

    def normal(self, sigma: float = 1, *, size: tuple[int, ...] = (1, 1, 1)) -> torch.Tensor:
        shape = (self.count, *size)
        return sigma * torch.randn(shape, device=self.device, generator=self.generator)

    def chance(self, share: float) -> torch.Tensor:
        return self.uniform() < share


def _spectral_mix(dice: _Dice, srgb: torch.Tensor) -> torch.Tensor:
    """Red, green and blue in random proportions, half of the time as light, half as coded."""
    pan, ortho = srgb.new_tensor(VIDEO_WEIGHTS), srgb.new_tensor(_ORTHO_WEIGHTS)
    base = torch.where(dice.chance(_ORTHO_SHARE)[:, :, 0, 0], ortho, pan)  # (N, 3)
    spread = srgb.new_tensor(_SPECTRAL_SPREAD)
    weights = base * torch.exp(dice.normal(size=(3,)) * spread)
    weights = weights / weights.sum(1, keepdim=True)
    as_light = dice.chance(_LINEAR_SHARE)
    light = torch.where(as_light, linear_from_srgb(srgb), srgb)
    mixed = torch.einsum("nc,nchw->nhw", weights, light).unsqueeze(1)  # (N, 1, H, W)
    return torch.where(as_light, srgb_from_linear(mixed), mixed)


def _tone(dice: _Dice, luma: torch.Tensor) -> torch.Tensor:
    """Exposure, gamma, contrast curve, vignette and the range of the print."""
    exposed = dice.chance(0.3)
    luma = torch.where(exposed, luma * torch.exp(dice.normal(0.25)), luma).clamp(1e-4, 1)
    luma = luma.pow(torch.exp(dice.normal(0.25)))
    contrast = torch.where(dice.chance(0.4), dice.uniform(-0.5, 0.9), dice.uniform(0, 0))
    luma = luma + contrast * (luma * luma * (3 - 2 * luma) - luma)
    height, width = luma.shape[-2:]
    y = torch.linspace(-1, 1, height, device=luma.device)[:, None]
    x = torch.linspace(-1, 1, width, device=luma.device)
    strength = dice.uniform(0.1, 0.45) * dice.chance(0.2)
    luma = luma * (1 - strength * (x * x + y * y) / 2)
    black, white = dice.uniform(0, 0.1), 1 - dice.uniform(0, 0.1)
    return black + (white - black) * luma


def _soften(dice: _Dice, luma: torch.Tensor) -> torch.Tensor:
    """Lens, copies of copies, small formats: an average over 3 x 3 or 5 x 5 pixels."""
    wide = functional.avg_pool2d(functional.pad(luma, (2, 2, 2, 2), mode="replicate"), 5, 1)
    narrow = functional.avg_pool2d(functional.pad(luma, (1, 1, 1, 1), mode="replicate"), 3, 1)
    fate = dice.uniform()
    return torch.where(fate < 0.08, wide, torch.where(fate < 0.33, narrow, luma))  # noqa: PLR2004


def _grain(dice: _Dice, luma: torch.Tensor) -> torch.Tensor:
    """Noise that is strongest in the middle tones, fine and, in some pictures, coarse too."""
    height, width = luma.shape[-2:]
    fine = dice.normal(size=(1, height, width)) * (dice.uniform() ** 2 * 0.05)
    clumps = dice.normal(size=(1, -(-height // 2), -(-width // 2)))
    coarse = functional.interpolate(
        clumps, size=(height, width), mode="bilinear", align_corners=False
    )
    coarse = coarse * (dice.uniform() ** 2 * 0.05 * dice.chance(0.4))
    amplitude = 0.4 + 2.4 * (luma * (1 - luma)).clamp_min(0)
    return luma + amplitude * (fine + coarse)


def _damage(dice: _Dice, luma: torch.Tensor) -> torch.Tensor:
    """Specks of dust and upright scratches, each in some pictures."""
    height, width = luma.shape[-2:]
    seeds = dice.uniform(size=(1, height, width)) < 0.0005  # noqa: PLR2004
    specks = functional.max_pool2d(seeds.float(), 3, 1, 1)
    dirt = dice.chance(0.5).float()  # white on a negative's copy, black on a print
    luma = torch.where((specks > 0) & dice.chance(0.12), dirt, luma)
    lines = (dice.uniform(size=(1, 1, width)) < 0.012) & dice.chance(0.12)  # noqa: PLR2004
    return luma + lines * dice.uniform(-0.35, 0.35, size=(1, 1, width))
