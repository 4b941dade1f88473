"""The figures by which the field's reports judge colors: one function a formula.

Where a student report's wording leaves a choice, the docstring says how we read it. Histograms of
errors are summed over pictures by `ErrorCounts`.
"""

from dataclasses import dataclass, field

import torch
from torch.nn import functional

from vidcolor.color.bins import BIN_COUNT, soft_encode
from vidcolor.evaluation.metrics import delta_ab

LARGEST_ERROR = 150
"""Thresholds of accuracy curves go from 0 to this distance in ab (Zhang et al., section 4.1)."""
AB_SPAN = 255.0
"""Peak of a* and b* for their signal-to-noise ratio: as OpenCV codes them, 8 bits of unit steps."""
AVERAGE_GREY = (1 / 3, 1 / 3, 1 / 3)
WEIGHTED_GREY = (0.30, 0.59, 0.11)
"""The two ways in which the SRM report turns a colored picture back to grey."""


def rmse(values: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Root of the mean squared error over all channels and pixels of a picture, a scalar."""
    return (values - truth).square().mean().sqrt()


def psnr_ab(ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio of a* and b*, dB: (2, H, W) twice to a scalar."""
    return 20 * torch.log10(AB_SPAN / rmse(ab, truth))


def neighborhood_accuracy(
    ab: torch.Tensor, truth: torch.Tensor, threshold: float = 10.0
) -> torch.Tensor:
    """Share of pixels that are right together with their four neighbors (PA of the SRM report).

    We read "consistent" as: the pixel and each neighbor that the picture has lie within the
    threshold of their true color.

    Args:
        ab: (2, H, W).
        truth: The same.
        threshold: Largest distance in ab that is right.

    Returns:
        A scalar in [0, 1].
    """
    right = (delta_ab(ab, truth) <= threshold).float()[None, None]
    cross = right.new_tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]])[None, None]
    padded = functional.pad(right, (1, 1, 1, 1), value=1.0)
    return (functional.conv2d(padded, cross) > cross.sum() - 0.5).float().mean()


def dominant_channel_accuracy(colors: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Share of superpixels whose strongest of red, green and blue is the true one's.

    Args:
        colors: (3, superpixels) sRGB means.
        truth: The same.
    """
    return (colors.argmax(0) == truth.argmax(0)).float().mean()


def backtracked_grey_accuracy(
    colors: torch.Tensor,
    grey: torch.Tensor,
    weights: tuple[float, float, float],
    threshold: float = 0.05,
) -> torch.Tensor:
    """Share of superpixels whose color, made grey again, is the grey that was colored.

    Args:
        colors: (3, superpixels) sRGB means in [0, 1].
        grey: (superpixels,) means of the picture that was colored, in [0, 1].
        weights: Of red, green and blue.
        threshold: Largest difference that is right.
    """
    again = (colors * colors.new_tensor(weights)[:, None]).sum(0)
    return ((again - grey).abs() <= threshold).float().mean()


def huber_uv(uv: torch.Tensor, truth: torch.Tensor, delta: float = 1.0) -> torch.Tensor:
    """Mean Huber loss of u* and v* (UCSD report): (2, H, W) twice to a scalar."""
    return functional.huber_loss(uv, truth, delta=delta)


@dataclass(slots=True, eq=False)
class ErrorCounts:
    """Distances in ab of all pixels of many pictures, by the bin of their true color.

    Zhang et al. 2016 (arXiv:1603.08511), section 4.1: an accuracy curve is the share of pixels
    within each threshold, and AuC the area under it as a part of what it may be; balanced, each
    pixel counts by the inverse of how often its class occurs.

    Attributes:
        counts: (bins, LARGEST_ERROR + 2) pixels of a true bin by error, rounded up; the last column
            holds all beyond the largest.
        pictures: Mean distance of each picture.
    """

    counts: torch.Tensor = field(
        default_factory=lambda: torch.zeros(BIN_COUNT, LARGEST_ERROR + 2, dtype=torch.int64)
    )
    pictures: list[float] = field(default_factory=list)

    def add(self, ab: torch.Tensor, truth: torch.Tensor) -> None:
        """Take in a picture: (2, H, W) twice."""
        distance = delta_ab(ab, truth)
        step = distance.ceil().long().clamp(max=LARGEST_ERROR + 1)
        nearest = soft_encode(truth[None])[0][0, 0]
        place = nearest * self.counts.shape[1] + step
        self.counts += torch.bincount(place.flatten(), minlength=self.counts.numel()).reshape(
            self.counts.shape
        )
        self.pictures.append(float(distance.mean()))

    def curve(self, *, balanced: bool = False) -> torch.Tensor:
        """Share of pixels within each threshold from 0 to `LARGEST_ERROR`, (thresholds,)."""
        counts = self.counts.double()
        if balanced:
            counts = counts[counts.sum(1) > 0]
            counts = counts / counts.sum(1, keepdim=True)
        return (counts.sum(0) / counts.sum()).cumsum(0)[:-1]

    def auc(self, *, balanced: bool = False) -> float:
        """Area under the curve, in [0, 1]."""
        return float(torch.trapezoid(self.curve(balanced=balanced)) / LARGEST_ERROR)
