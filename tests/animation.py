from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding, decode_annealed_mean
from vidcolor.frame import Prediction
from vidcolor.refine.flood import Flood
from vidcolor.refine.refined import Decode, Refined
from vidcolor.refine.scribble import Scribble
from vidcolor.settings import RefineSettings


def refine_flood(
    histograms: Iterable[Prediction], decode: Decode, memory: float = 0.85
) -> Iterator[Refined]:
    """A shot's frames, flooded."""
    return map(Flood(decode, threshold=RefineSettings().threshold, memory=memory), histograms)


def refine_scribble(
    histograms: Iterable[Prediction], decode: Decode, memory: float = 0.85
) -> Iterator[Refined]:
    """A shot's frames, scribbled."""
    return map(Scribble(decode, memory=memory), histograms)


HEIGHT, WIDTH = 256, 352
INK = 8.0
# Each part's L* and bin. The ball's halves have one lightness and are told apart by ink alone.
SKY, GROUND, LEFT, RIGHT, BOX, LID = range(6)
LIGHTNESS = np.array([85, 60, 72, 72, 40, 52], np.float32)
BINS = np.array([140, 170, 250, 90, 20, 280])
PLAIN = Decoding(rebalancing_weight=torch.ones(BIN_COUNT))


def decode(probabilities: torch.Tensor) -> torch.Tensor:
    """The colors of histograms by the paper's annealed mean."""
    return decode_annealed_mean(probabilities, 1.0, PLAIN).ab


class Cel(NamedTuple):
    """A frame of the animation: its L*, which part each pixel belongs to, and what is inked."""

    lightness: np.ndarray
    parts: np.ndarray
    ink: np.ndarray


@cache
def cel(t: int) -> Cel:
    """A ball that rolls up and down to the right and a box that slides to the left, all inked."""
    parts = np.full((HEIGHT, WIDTH), SKY, np.uint8)
    parts[160:] = GROUND
    ink = np.zeros_like(parts)
    cv2.line(ink, (0, 160), (WIDTH, 160), 1, 2)
    center, left = (60 + 2 * t, 100 + int(20 * np.sin(t / 5))), 270 - t
    top, bottom = (center[0], center[1] - 45), (center[0], center[1] + 45)
    box, lid = ((left, 150), (left + 60, 230)), ((left - 6, 132), (left + 66, 150))
    for picture, shown in ((parts, (LEFT, RIGHT, BOX, LID)), (ink, (0, 0, 0, 0))):
        cv2.ellipse(picture, center, (45, 45), 0, 90, 270, shown[0], -1)
        cv2.ellipse(picture, center, (45, 45), 0, -90, 90, shown[1], -1)
        cv2.rectangle(picture, *box, shown[2], -1)
        cv2.rectangle(picture, *lid, shown[3], -1)
    cv2.circle(ink, center, 45, 1, 3)
    cv2.line(ink, top, bottom, 1, 2)
    cv2.rectangle(ink, *box, 1, 2)
    cv2.rectangle(ink, *lid, 1, 3)
    return Cel(np.where(ink, np.float32(INK), LIGHTNESS[parts]), parts, ink > 0)


def noisy_histogram(parts: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Half of each histogram on the bin of the part that most of its pixels show, or any bin."""
    h, w = parts.shape[0] // 4, parts.shape[1] // 4
    shares = [(parts == part).reshape(h, 4, w, 4).sum((1, 3)) for part in range(len(BINS))]
    bins = BINS[np.argmax(shares, 0)]
    bins = np.where(rng.random((h, w)) < 0.1, rng.integers(0, BIN_COUNT, (h, w)), bins)
    probabilities = rng.random((BIN_COUNT, h, w), np.float32) ** 8
    probabilities *= 0.5 / probabilities.sum(0)
    probabilities[bins, *np.indices((h, w))] += 0.5
    return torch.from_numpy(probabilities)


def animation(count: int, grain: float = 0.0) -> Iterator[Prediction]:
    """Frames of the animation, noise and grain new in each."""
    rng = np.random.default_rng(0)
    for t in range(count):
        drawn = cel(t)
        grained = drawn.lightness + rng.normal(0, grain, drawn.lightness.shape)
        lightness = grained.clip(0, 100).astype(np.float32)
        yield Prediction(noisy_histogram(drawn.parts, rng), lightness)


def random_histogram(lightness: np.ndarray, seed: int = 0) -> Prediction:
    """A random histogram for each 4 x 4 pixels of a picture, fewer at its right and lower edge."""
    h, w = (-(-side // 4) for side in lightness.shape)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(BIN_COUNT, h, w, generator=generator).mul(3)
    return Prediction(logits.softmax(0), lightness.astype(np.float32))


def natural_picture(seed: int = 0) -> np.ndarray:
    """L* with soft shapes of all sizes and some hard edges."""
    rng = np.random.default_rng(seed)
    octaves = [(0.6 ** (6 - n), cv2.resize(rng.random((2**n, 2**n)), (WIDTH, HEIGHT))) for n in
               range(2, 7)]  # fmt: skip
    soft = sum((1 - weight) * octave for weight, octave in octaves)
    soft = 10 + 80 * (soft - soft.min()) / np.ptp(soft)
    soft[60:140, 200:300] = 20
    return soft.astype(np.float32)
