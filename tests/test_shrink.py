import cv2
import numpy as np
import pytest

from vidcolor.color.shrink import shrunk

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((640, 480), (128, 96)),  # halved once
        ((3840, 2160), (448, 256)),  # twice
        ((641, 480), (128, 96)),  # odd: not at all
        ((512, 64), (128, 64)),  # one side alone is large
        ((30, 20), (30, 20)),
    ],
)
def test_a_shrunken_picture_has_the_means_of_areas(
    size: tuple[int, int], wanted: tuple[int, int], depth: int
) -> None:
    """Within a code for each halving's rounding, of a picture without sharp edges."""
    y, x = np.mgrid[: size[1], : size[0]]
    wave = 0.5 + 0.2 * np.sin(x * 9 / size[0]) + 0.2 * np.cos(y * 7 / size[1])
    plane = np.rint(wave * ((1 << depth) - 1)).astype(np.uint8 if depth == 8 else np.uint16)
    whole = cv2.resize(plane.astype(np.float64), wanted, interpolation=cv2.INTER_AREA)
    found = shrunk(plane, *wanted)
    assert found.shape == wanted[::-1]
    assert found.dtype == plane.dtype
    step = (1 << depth) * 0.4 * 9 / 2 / wanted[0]  # half a pixel's slope at most
    np.testing.assert_allclose(found, whole, atol=1.5 + 0.1 * step)


@pytest.mark.parametrize("code", [0, 16, 235, 1023])
def test_an_even_picture_stays_as_it_is(code: int) -> None:
    """Halving does not lift black, nor lower white."""
    plane = np.full((2160, 3840), code, np.uint8 if code < 256 else np.uint16)
    assert (shrunk(plane, 448, 256) == code).all()
