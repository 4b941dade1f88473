import math

import pytest
import torch

from vidcolor.evaluation.metrics import ciede2000, colorfulness_m3, delta_ab, psnr

# G. Sharma, W. Wu, E. N. Dalal, 2005, table 1.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0011), 7.2195),
    ((50, -0.0010, 2.4900), (50, 0.0009, -2.4900), 4.8045),
    ((50, -0.0010, 2.4900), (50, 0.0011, -2.4900), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "expected"), SHARMA)
def test_ciede2000_equals_the_published_pairs(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    """Each pair of the paper's table has the difference printed there, to its four digits."""
    pixels = [torch.tensor(c, dtype=torch.float64).reshape(3, 1, 1) for c in (one, other)]
    assert float(ciede2000(*pixels)) == pytest.approx(expected, abs=5e-5)


def test_equal_colors_do_not_differ() -> None:
    """A picture's difference to itself is 0 in every pixel, grey ones included, in float32 too."""
    lab = torch.tensor([[0.0, 50, 100], [0, 30, -40], [0, -20, 60]]).reshape(3, 1, 3)
    assert ciede2000(lab, lab).tolist() == [[0, 0, 0]]


def test_delta_ab_is_the_distance_in_the_plane() -> None:
    """Three and four make five."""
    ab = torch.tensor([3.0, 4.0]).reshape(2, 1, 1)
    assert delta_ab(ab, torch.zeros(2, 1, 1)).item() == 5


def test_psnr_of_a_tenth_off_is_20_db() -> None:
    """A constant error of a tenth of the range is 20 dB, in each picture for itself."""
    truth = torch.zeros(2, 3, 2, 2)
    found = torch.stack([truth[0] + 0.1, truth[0] + 0.01])
    torch.testing.assert_close(psnr(found, truth), torch.tensor([20.0, 40.0]))


def test_grey_has_no_colorfulness() -> None:
    """Pictures of equal red, green and blue score 0, whatever their levels."""
    assert colorfulness_m3(torch.rand(1, 1, 4, 4).expand(1, 3, 4, 4)).item() == pytest.approx(0)


def test_colorfulness_of_half_red_half_green() -> None:
    """The formula by hand: rg is 255 or -255, yb 127.5 throughout."""
    picture = torch.zeros(1, 3, 1, 2)
    picture[0, 0, 0, 0] = picture[0, 1, 0, 1] = 1
    assert colorfulness_m3(picture).item() == pytest.approx(255 + 0.3 * 127.5)
    assert math.isfinite(colorfulness_m3(torch.ones(1, 3, 1, 1)).item())
