import numpy as np
import pytest
import torch

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding
from vidcolor.color.lab import lab_from_srgb
from vidcolor.evaluation.photos import (
    figure_at_colorfulness,
    fit_picture,
    measure_colors,
    measure_references,
    sweep_looks,
)
from vidcolor.settings import ColorSettings
from vidcolor.training.film_response import mix_video_luma


def random_picture(height: int = 32, width: int = 32) -> torch.Tensor:
    """Muted noise, (3, H, W)."""
    return 0.3 + 0.4 * torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("height", "width", "square", "expected"),
    [(256, 384, False, (128, 192)), (300, 200, False, (192, 128)), (99, 140, True, (128, 128))],
)
def test_pictures_are_fitted_to_the_net(
    height: int, width: int, *, square: bool, expected: tuple[int, int]
) -> None:
    """The short side becomes what was asked, the long one a multiple of 32 cut from the middle."""
    picture = fit_picture(np.full((height, width, 3), 51, np.uint8), 128, square=square)
    assert picture.shape[1:] == expected
    torch.testing.assert_close(picture, torch.full_like(picture, 0.2))


def test_the_true_colors_have_no_error() -> None:
    """Given a picture's own ab, no figure finds a difference."""
    srgb = random_picture()
    figures = measure_colors(srgb, mix_video_luma(srgb[None])[0], lab_from_srgb(srgb)[1:])
    assert figures["delta_ab"] < 1e-4
    assert figures["ciede2000"] < 1e-3


def test_no_color_differs_by_the_chroma() -> None:
    """Grey is off by the truth's own distance from neutral and has no colorfulness."""
    srgb = random_picture()
    figures = measure_colors(srgb, mix_video_luma(srgb[None])[0], torch.zeros(2, 8, 8))
    expected = lab_from_srgb(srgb)[1:].norm(dim=0).mean()
    assert figures["delta_ab"] == pytest.approx(float(expected), rel=1e-4)
    assert figures["colorfulness"] == pytest.approx(0, abs=0.01)


def test_each_look_has_its_own_figures() -> None:
    """Vividness (the bins favored are saturated here) and saturation each raise colorfulness."""
    srgb = random_picture()
    weight = 0.4 + BIN_CENTERS.norm(dim=1) / 50
    histogram = (-BIN_CENTERS.norm(dim=1) / 30 + BIN_CENTERS[:, 0] / 100).softmax(0)
    probabilities = histogram[:, None, None].expand(BIN_COUNT, 8, 8)
    examples = [(srgb, mix_video_luma(srgb[None])[0], probabilities)]
    looks = [ColorSettings(vividness=v, saturation=s) for v in (0, 1, 2) for s in (0, 1, 2)]
    sweep = sweep_looks(examples, Decoding(rebalancing_weight=weight), looks)
    found = [sweep[look]["colorfulness"] for look in looks]
    for along_vividness in (found[1::3], found[2::3]):
        assert along_vividness == sorted(set(along_vividness))
    for along_saturation in (found[:3], found[3:6], found[6:]):
        assert along_saturation == sorted(set(along_saturation))
    assert max(found[::3]) < 0.01


def test_a_figure_is_interpolated_at_equal_colorfulness() -> None:
    """Half way between two points of a sweep lies half way between their figures."""
    sweep = {
        0.0: {"colorfulness": 10.0, "ciede2000": 9.0, "truth_colorfulness": 40.0},
        1.0: {"colorfulness": 30.0, "ciede2000": 11.0, "truth_colorfulness": 40.0},
    }
    assert figure_at_colorfulness(sweep, "ciede2000", 0.5) == (0.5, 10.0)
    assert figure_at_colorfulness(sweep, "ciede2000", 0.9) is None


def test_references_are_in_order() -> None:
    """Truth is better than one mean color, which is nearer than none; only grey is colorless."""
    tinted = random_picture() * torch.tensor([1.0, 0.7, 0.5])[:, None, None]
    rows = measure_references([(tinted, mix_video_luma(tinted[None])[0])])
    errors = [rows[label]["delta_ab"] for label in ("truth", "mean color", "grey")]
    assert errors == sorted(errors)
    assert rows["truth"]["delta_ab"] < 1e-3
    assert rows["grey"]["colorfulness"] < 0.01 < rows["mean color"]["colorfulness"]
