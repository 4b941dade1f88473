import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vidcolor.color.lab import (
    EPSILON,
    KAPPA,
    lab_from_srgb,
    lightness_from_luma,
    linear_from_srgb,
    srgb_from_lab,
    srgb_from_linear,
)


def reference_lab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of (n, 3) sRGB colors by the published matrix and constants."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )  # IEC 61966-2-1, four digits
    ratio = linear @ matrix.T / matrix.sum(1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def random_colors(count: int) -> NDArray[np.float64]:
    """Colors in sRGB, half of them dark enough for the linear branches."""
    rng = np.random.default_rng(0)
    colors = rng.random((count, 3))
    colors[::2] *= 0.05
    return colors


def as_picture(colors: NDArray[np.float64]) -> torch.Tensor:
    """(n, 3) to (1, 3, 1, n)."""
    return torch.from_numpy(colors.T[None, :, None].copy())


def test_lab_equals_an_independent_formula() -> None:
    """CIELAB agrees with the standards' formula to the four digits of their matrix."""
    colors = random_colors(500)
    lab = lab_from_srgb(as_picture(colors))[0, :, 0].T.numpy()
    np.testing.assert_allclose(lab, reference_lab(colors), atol=0.03)


def test_known_colors() -> None:
    """Red, green and blue of sRGB have their well-known CIELAB coordinates."""
    lab = lab_from_srgb(torch.eye(3).reshape(3, 3, 1, 1))[..., 0, 0]
    expected = torch.tensor(
        [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]]
    )
    torch.testing.assert_close(lab, expected, atol=0.05, rtol=0)


def test_neutrals_have_no_chroma() -> None:
    """Equal red, green and blue give a* = b* = 0 up to float32 rounding, at every level."""
    grey = torch.linspace(0, 1, 256).expand(3, 1, 256)
    lab = lab_from_srgb(grey)
    assert lab[1:].abs().max() < 2e-4
    torch.testing.assert_close(lab[0], lightness_from_luma(grey[0]), atol=1e-4, rtol=0)


def test_lightness_spans_0_to_100() -> None:
    """Black has lightness 0, white 100, and middle grey 0.466 the lightness 50."""
    lightness = lightness_from_luma(torch.tensor([0.0, 0.4663, 1.0]))
    torch.testing.assert_close(lightness, torch.tensor([0.0, 50.0, 100.0]), atol=0.01, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_there_and_back(dtype: torch.dtype) -> None:
    """From sRGB to CIELAB and back gives the same color, linear branches included."""
    colors = as_picture(random_colors(500)).to(dtype)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(srgb_from_lab(lab_from_srgb(colors)), colors, atol=tolerance, rtol=0)


def test_srgb_curve_there_and_back() -> None:
    """The sRGB curve and its inverse cancel."""
    values = torch.linspace(0, 1, 1001, dtype=torch.float64)
    back = srgb_from_linear(linear_from_srgb(values))
    torch.testing.assert_close(back, values, atol=1e-7, rtol=0)


def test_colors_outside_srgb_are_told_by_their_values() -> None:
    """A CIELAB color that sRGB lacks comes out below 0 or above 1, and finite."""
    srgb = srgb_from_lab(torch.tensor([50.0, -120.0, 100.0]).reshape(3, 1, 1))
    assert srgb.isfinite().all()
    assert srgb.min() < 0


def test_branches_of_the_lightness_curve_meet() -> None:
    """The line and the cube root agree where one takes over from the other."""
    assert pytest.approx(8) == KAPPA * EPSILON
    assert pytest.approx(8) == 116 * EPSILON ** (1 / 3) - 16
