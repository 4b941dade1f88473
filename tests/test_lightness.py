from fractions import Fraction

import numpy as np
import pytest

from vidcolor.color.lightness import (
    from_network,
    lightness_at,
    lightness_of,
    network_size,
    to_network,
)
from vidcolor.frame import Matrix, Picture

ONE = 1 << 16
UPRIGHT = (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
CLOCKWISE = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
COUNTER = (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30)
HALF_TURN = (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30)
MIRRORED = (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)


def picture(width: int, height: int, **fields: object) -> Picture:
    """A film without subsampling, at 8 bits unless said otherwise."""
    given = {"log2_chroma_width": 0, "log2_chroma_height": 0, "depth": 8, "full_range": False}
    given |= {"matrix": Matrix.BT709, **fields}
    return Picture(width=width, height=height, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 14, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_lightness_of_known_grays(depth: int, full_range: bool) -> None:
    """Black is L* 0, white 100, and the gray halfway 53.39 (sRGB 0.5) at every depth and range."""
    black, white = (0, 2**depth - 1) if full_range else (16 * 2 ** (depth - 8), 235 << (depth - 8))
    codes = np.array([[black, (black + white) / 2, white]])
    film = picture(3, 1, depth=depth, full_range=full_range)
    luma = np.rint(codes).astype(np.uint8 if depth == 8 else np.uint16)
    got = lightness_of(luma, film)
    assert got.dtype == np.float32
    assert got[0] == pytest.approx([0, 53.39, 100], abs=0.25)


def test_codes_beyond_black_and_white_are_clipped() -> None:
    """Footroom is black and headroom white."""
    luma = np.array([[0, 15, 236, 255]], np.uint8)
    assert lightness_of(luma, picture(4, 1)).tolist() == [[0, 0, 100, 100]]


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        (picture(1920, 1080), (448, 256)),
        (picture(720, 576, sample_aspect_ratio=Fraction(16, 15)), (352, 256)),
        (picture(1440, 1080, sample_aspect_ratio=Fraction(4, 3)), (448, 256)),
        (picture(1920, 1080, display_matrix=CLOCKWISE), (256, 448)),
        (picture(1920, 1080, display_matrix=HALF_TURN), (448, 256)),
        (picture(100, 100), (256, 256)),
        (picture(8000, 100), (1024, 256)),
        (picture(2, 2000), (256, 1024)),
    ],
)
def test_network_size_is_the_shape_shown(film: Picture, expected: tuple[int, int]) -> None:
    """Aspect is that on screen, sides are multiples of 32, and extremes are squeezed."""
    assert network_size(film, 256) == expected


def test_small_render_size_stays_valid() -> None:
    """A render size below the smallest multiple is raised to it."""
    assert network_size(picture(640, 480), 10) == (32, 32)


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
    film = picture(96, 64, display_matrix=matrix, full_range=True)
    size = network_size(film, 64)
    seen = to_network(stored, film, size)
    assert seen.shape == size[::-1]
    corners = seen[16::32, 24::48] if seen.shape[1] > 64 else seen[24::48, 16::32]
    expected = lightness_of(np.array(shown, np.uint8), picture(2, 2, full_range=True))
    assert corners == pytest.approx(expected)
    back = from_network(np.stack([seen, seen + 1]), film)
    assert back.shape == (2, 64, 96)
    assert back[0] == pytest.approx(lightness_at(stored, film, 96, 64))


def test_shrinking_averages() -> None:
    """A fine checkerboard shrinks to its mean, not to one of its colors."""
    board = (np.indices((64, 64)).sum(0) % 2 * 200 + 20).astype(np.uint8)
    film = picture(64, 64, full_range=True)
    flat = lightness_at(board, film, 16, 16)
    assert np.ptp(flat) == 0
    assert flat[0, 0] == lightness_of(np.full((1, 1), 120, np.uint8), film)[0, 0]


def test_one_side_may_shrink_while_the_other_grows() -> None:
    """Stripes along the growing side average away on the shrinking one."""
    stripes = np.tile(np.array([200, 20, 20, 20], np.uint8), (8, 16))
    film = picture(64, 8, full_range=True)
    flat = lightness_at(stripes, film, 16, 16)
    assert flat.shape == (16, 16)
    assert np.all(flat == lightness_of(np.full((1, 1), 65, np.uint8), film))


def test_deep_luma_is_resized_at_its_own_depth() -> None:
    """A 16-bit ramp stays finer than 8 bits after shrinking."""
    ramp = np.linspace(0, 65535, 4096).astype(np.uint16)[None].repeat(4, 0)
    film = picture(4096, 4, depth=16, full_range=True)
    assert len(np.unique(lightness_at(ramp, film, 1024, 1))) == 1024
