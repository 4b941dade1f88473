import math

import numpy as np
import pytest
import torch

from vidcolor.evaluation.seen import (
    PATCH_SIDE,
    glares,
    is_left_grey,
    measure_seen,
    misses_hue,
    unevenness,
)


def polar(chroma: float, degrees: float) -> torch.Tensor:
    """One color's a* and b*, (2, 1, 1)."""
    angle = math.radians(degrees)
    return chroma * torch.tensor([math.cos(angle), math.sin(angle)]).reshape(2, 1, 1)


def patches(*colors: torch.Tensor) -> torch.Tensor:
    """One patch (2, side, side) of each color beside each other."""
    return torch.cat([color.expand(2, PATCH_SIDE, PATCH_SIDE) for color in colors], dim=2)


@pytest.mark.parametrize(
    ("chroma", "true_chroma", "expected"), [(50, 20, True), (49, 20, False), (20, 60, False)]
)
def test_glare_begins_at_its_excess(chroma: float, true_chroma: float, *, expected: bool) -> None:
    """Thirty more than the truth glares, a little less does not, paleness never does."""
    found = glares(torch.tensor([float(chroma)]), torch.tensor([float(true_chroma)]), 30)
    assert found.tolist() == [expected]


def test_left_grey_needs_a_colored_truth() -> None:
    """Grey is no fault where the truth has little color, nor is a pale color anywhere."""
    chroma, true_chroma = torch.tensor([5.0, 5, 7, 5]), torch.tensor([16.0, 14, 16, 15])
    assert is_left_grey(chroma, true_chroma).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("shown", "true", "expected"),
    [
        ((20, 61), (40, 0), True),
        ((20, 59), (40, 0), False),
        ((20, -170), (40, 175), False),  # 15 degrees apart, across the axis
        ((14, 180), (40, 0), False),
        ((40, 180), (14, 0), False),
    ],
)
def test_hues_are_missed_beyond_sixty_degrees(
    shown: tuple[float, float], true: tuple[float, float], *, expected: bool
) -> None:
    """Both colors must be strong enough to have a hue; the angle is the shorter one."""
    assert bool(misses_hue(polar(*shown), polar(*true)).item()) is expected


def test_unevenness_is_the_deviation_in_even_patches() -> None:
    """Checked against numpy: the patch where the truth is uneven itself does not count."""
    noise = np.random.default_rng(0).normal(size=(2, PATCH_SIDE, 3 * PATCH_SIDE))
    ab = torch.from_numpy(noise * np.repeat([2, 4, 100], PATCH_SIDE)).float()
    truth = patches(polar(50, 10), polar(0, 0), polar(0, 0))
    truth[0, :, -PATCH_SIDE::2] = 10  # half of the last patch: a deviation of 5
    even = ab.numpy().astype(np.float64)[:, :, : 2 * PATCH_SIDE].reshape(2, PATCH_SIDE, 2, -1)
    expected = even.var(axis=(1, 3)).sum(0).mean() ** 0.5
    assert float(unevenness(ab, truth)) == pytest.approx(expected, rel=1e-4)


def test_unevenness_of_one_color_a_patch_is_none() -> None:
    """Patches may differ from each other; only inside them is variation a fault."""
    shown = patches(polar(30, 0), polar(60, 180))
    assert float(unevenness(shown, torch.zeros_like(shown))) == pytest.approx(0, abs=0.05)


def test_unevenness_sees_only_what_lies_within() -> None:
    """What is outside the mask does not count, nor a patch that lies mostly outside."""
    shown = torch.zeros(2, PATCH_SIDE, 2 * PATCH_SIDE)
    within = torch.ones(PATCH_SIDE, 2 * PATCH_SIDE, dtype=torch.bool)
    within[:, PATCH_SIDE + 4 :] = False  # a quarter of the second patch is left
    within[:4] = False
    shown[0, ::2, PATCH_SIDE:] = 40
    shown[0, :4] = 40
    truth = torch.zeros_like(shown)
    assert float(unevenness(shown, truth, within)) == 0
    assert math.isnan(float(unevenness(shown, truth, torch.zeros_like(within))))


def test_the_figures_are_percentages_of_all_pixels() -> None:
    """Of four patches one glares, one is left grey, one has another hue and one is right."""
    truth = patches(polar(10, 0), polar(20, 0), polar(20, 0), polar(40, 0))
    shown = patches(polar(62, 0), polar(3, 0), polar(22, 90), polar(40, 0))
    figures = measure_seen(shown, truth)
    shares = ("glare_30", "glare_50", "left_grey", "hue_misses")
    assert [figures[name] for name in shares] == [25, 25, 25, 25]
    assert figures["median_chroma"] == pytest.approx(22)
    assert figures["truth_median_chroma"] == pytest.approx(20)
    assert figures["truth_unevenness"] == pytest.approx(0, abs=0.01)


def test_the_figures_of_a_part_are_those_of_the_part_alone() -> None:
    """With a mask, the pixels outside it have no say."""
    generator = torch.Generator().manual_seed(0)
    shown, truth = (
        40 * torch.randn(2, PATCH_SIDE, 3 * PATCH_SIDE, generator=generator) for _ in range(2)
    )
    truth[:, :, : 2 * PATCH_SIDE] = 30
    within = torch.zeros(PATCH_SIDE, 3 * PATCH_SIDE, dtype=torch.bool)
    within[:, :PATCH_SIDE] = True
    alone = measure_seen(shown[:, :, :PATCH_SIDE], truth[:, :, :PATCH_SIDE])
    assert measure_seen(shown, truth, within) == pytest.approx(alone, rel=1e-4, abs=0.02)
