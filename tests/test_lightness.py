from fractions import Fraction

import numpy as np
import pytest
from probed import frame_format

from vidcolor.color.lightness import (
    brighten,
    from_log,
    from_network,
    lightness_at,
    lightness_of,
    network_size,
    to_network,
)
from vidcolor.frame import FrameFormat

ONE = 1 << 16
UPRIGHT = (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
CLOCKWISE = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
COUNTER = (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30)
HALF_TURN = (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30)
MIRRORED = (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)


@pytest.mark.quick
@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_log_codes_become_codes_of_light(depth: int, full_range: bool) -> None:
    """By the Cineon curve: 95 is black, 685 white, 470 the gray card of 18 percent."""
    black, white = (0, 2**depth - 1) if full_range else (16 * 2 ** (depth - 8), 235 << (depth - 8))
    film = frame_format(4, 1, depth=depth, full_range=full_range)
    codes = black + np.array([[95, 470, 685, 900]]) / 1023 * (white - black)
    luma = np.rint(codes).astype(np.uint8 if depth == 8 else np.uint16)
    shown = (from_log(luma, film).astype(float) - black) / (white - black)
    assert shown.shape == luma.shape
    gray = 1.055 * 0.1832 ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(shown, [[0, gray, 1, 1]], atol=0.02 if depth == 8 else 0.004)


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 14, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_lightness_of_known_grays(depth: int, full_range: bool) -> None:
    """Black is L* 0, white 100, and the gray halfway 53.39 (sRGB 0.5) at every depth and range."""
    black, white = (0, 2**depth - 1) if full_range else (16 * 2 ** (depth - 8), 235 << (depth - 8))
    codes = np.array([[black, (black + white) / 2, white]])
    film = frame_format(3, 1, depth=depth, full_range=full_range)
    luma = np.rint(codes).astype(np.uint8 if depth == 8 else np.uint16)
    got = lightness_of(luma, film)
    assert got.dtype == np.float32
    assert got[0] == pytest.approx([0, 53.39, 100], abs=0.25)


def test_codes_beyond_black_and_white_are_clipped() -> None:
    """Footroom is black and headroom white."""
    luma = np.array([[0, 15, 236, 255]], np.uint8)
    assert lightness_of(luma, frame_format(4, 1)).tolist() == [[0, 0, 100, 100]]


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        (frame_format(1920, 1080), (448, 256)),
        (frame_format(720, 576, sample_aspect_ratio=Fraction(16, 15)), (352, 256)),
        (frame_format(1440, 1080, sample_aspect_ratio=Fraction(4, 3)), (448, 256)),
        (frame_format(1920, 1080, display_matrix=CLOCKWISE), (256, 448)),
        (frame_format(1920, 1080, display_matrix=HALF_TURN), (448, 256)),
        (frame_format(100, 100), (256, 256)),
        (frame_format(8000, 100), (1024, 256)),
        (frame_format(2, 2000), (256, 1024)),
    ],
)
def test_network_size_is_the_shape_shown(film: FrameFormat, expected: tuple[int, int]) -> None:
    """Aspect is that on screen, sides are multiples of 32, and extremes are squeezed."""
    assert network_size(film, 256) == expected


def test_small_render_size_stays_valid() -> None:
    """A render size below the smallest multiple is raised to it."""
    assert network_size(frame_format(640, 480), 10) == (32, 32)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        (None, [[0, 80], [160, 240]]),
        (UPRIGHT, [[0, 80], [160, 240]]),
        (CLOCKWISE, [[160, 0], [240, 80]]),
        (COUNTER, [[80, 240], [0, 160]]),
        (HALF_TURN, [[240, 160], [80, 0]]),
        (MIRRORED, [[80, 0], [240, 160]]),
    ],
)
def test_the_network_sees_the_picture_upright(
    matrix: tuple[int, ...] | None, shown: list[list[int]]
) -> None:
    """Each quarter of the picture is where FFmpeg's display matrix shows it, and goes back."""
    stored = np.array([[0, 80], [160, 240]], np.uint8).repeat(32, 0).repeat(48, 1)
    film = frame_format(96, 64, display_matrix=matrix, full_range=True)
    size = network_size(film, 64)
    seen = to_network(stored, film, size)
    assert seen.shape == size[::-1]
    corners = seen[16::32, 24::48] if seen.shape[1] > 64 else seen[24::48, 16::32]
    expected = lightness_of(np.array(shown, np.uint8), frame_format(2, 2, full_range=True))
    assert corners == pytest.approx(expected)
    back = from_network(np.stack([seen, seen + 1]), film)
    assert back.shape == (2, 64, 96)
    assert back[0] == pytest.approx(lightness_at(stored, film, 96, 64))


def test_shrinking_averages() -> None:
    """A fine checkerboard shrinks to its mean, not to one of its colors."""
    board = (np.indices((64, 64)).sum(0) % 2 * 200 + 20).astype(np.uint8)
    film = frame_format(64, 64, full_range=True)
    flat = lightness_at(board, film, 16, 16)
    assert np.ptp(flat) == 0
    assert flat[0, 0] == lightness_of(np.full((1, 1), 120, np.uint8), film)[0, 0]


def test_one_side_may_shrink_while_the_other_grows() -> None:
    """Stripes along the growing side average away on the shrinking one."""
    stripes = np.tile(np.array([200, 20, 20, 20], np.uint8), (8, 16))
    film = frame_format(64, 8, full_range=True)
    flat = lightness_at(stripes, film, 16, 16)
    assert flat.shape == (16, 16)
    assert np.all(flat == lightness_of(np.full((1, 1), 65, np.uint8), film))


def test_deep_luma_is_resized_at_its_own_depth() -> None:
    """A 16-bit ramp stays finer than 8 bits after shrinking."""
    ramp = np.linspace(0, 65535, 4096).astype(np.uint16)[None].repeat(4, 0)
    film = frame_format(4096, 4, depth=16, full_range=True)
    assert len(np.unique(lightness_at(ramp, film, 1024, 1))) == 1024


def dimmed(lightness: np.ndarray, light: float) -> np.ndarray:
    """L* after all light is multiplied, by the standard's own formulas in float64."""
    lab = np.stack([lightness, 0 * lightness, 0 * lightness], axis=-1).astype(np.float64)
    y = np.where(lab[..., 0] > 8, ((lab[..., 0] + 16) / 116) ** 3, lab[..., 0] * 27 / 24389)
    y = y * light
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27).astype(np.float32)


def scene() -> np.ndarray:
    """A picture of all lightnesses up to 64 that holds black."""
    return np.linspace(0, 64, 64 * 96, dtype=np.float32).reshape(64, 96)


@pytest.mark.parametrize("light", [0.5, 0.2, 0.05])
def test_a_dark_picture_is_shown_as_if_exposed_enough(light: float) -> None:
    """A faded picture comes out as it was, and the share is that of its colors."""
    picture = scene()
    brightened, share = brighten(dimmed(picture, light))
    whole, share_of_whole = brighten(picture)
    np.testing.assert_allclose(brightened, whole, atol=0.5)
    assert share == pytest.approx(share_of_whole * light ** (1 / 3), rel=0.01)
    assert brightened[0, 0] == 0


def test_what_is_light_enough_stays() -> None:
    """No picture with white in it is touched, and none is ever darkened."""
    picture = np.linspace(0, 100, 64 * 96, dtype=np.float32).reshape(64, 96)
    brightened, share = brighten(picture)
    assert brightened is picture
    assert share == 1


def test_specks_do_not_count_as_white() -> None:
    """A dark frame with a few white specks is still dark."""
    picture = dimmed(scene(), 0.2)
    specks = picture.copy()
    specks[5:7, 8:10] = 100
    np.testing.assert_allclose(brighten(specks)[1], brighten(picture)[1], rtol=0.02)


def test_black_is_no_picture() -> None:
    """Black stays black, and next to black is not blown up without limit."""
    black = np.zeros((64, 96), np.float32)
    brightened, share = brighten(black)
    assert not brightened.any()
    assert 0 < share < 0.3
    assert brighten(black + np.float32(0.2))[0].max() < 30
