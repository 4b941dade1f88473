from fractions import Fraction

import numpy as np
import pytest
from probed import frame_format

from vidcolor.color.rgb import full_luma, rgb_picture
from vidcolor.color.ycbcr import KR_KB
from vidcolor.frame import FrameFormat, Matrix


def picture(depth: int, matrix: Matrix, *, full_range: bool) -> FrameFormat:
    """Of 64 x 64 pixels, each with chroma of its own."""
    return frame_format(
        64, 64, depth=depth, matrix=matrix, full_range=full_range, sample_aspect_ratio=Fraction(1)
    )


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("depth", "wanted"), [(8, 8), (8, 10), (10, 10), (12, 12), (10, 16)])
@pytest.mark.parametrize("matrix", [Matrix.BT709, Matrix.SMPTE170M, Matrix.BT2020_NCL])
def test_luma_can_be_read_again(
    matrix: Matrix, depth: int, wanted: int, *, full_range: bool
) -> None:
    """Whatever the chroma, even out of gamut, the luma of R'G'B' rounds to the full-range code.

    It does so with room to spare: with each color rounded by itself it might be off by one half.
    """
    made = picture(depth, matrix, full_range=full_range)
    rng = np.random.default_rng(depth)
    kind = np.uint8 if depth == 8 else np.uint16
    luma, cb, cr = rng.integers(0, 1 << depth, (3, 64, 64)).astype(kind)
    rgb = rgb_picture(luma, (cb, cr), made, wanted).astype(np.float64)
    kr, kb = KR_KB[matrix]
    found = rgb @ np.array([kr, 1 - kr - kb, kb])
    assert (
        np.abs(found - full_luma(luma, made, wanted)).max() <= (1 - kr - kb) / 2 + 0.02
    )  # float32 at 16 bits


@pytest.mark.parametrize(("depth", "wanted"), [(8, 8), (10, 10), (8, 16)])
def test_no_two_codes_become_one(depth: int, wanted: int) -> None:
    """From black to white each code of limited range keeps one of its own; others are cut off."""
    codes = np.arange(1 << depth, dtype=np.uint8 if depth == 8 else np.uint16)
    made = full_luma(codes, picture(depth, Matrix.BT709, full_range=False), wanted)
    black, white = 16 << (depth - 8), 235 << (depth - 8)
    assert len(set(made[black : white + 1].tolist())) == white - black + 1
    assert set(made[: black + 1].tolist()) == {0}
    assert set(made[white:].tolist()) == {(1 << wanted) - 1}


def test_colors_are_those_of_the_matrix() -> None:
    """A saturated color in gamut is what BT.709's own equations make of it."""
    made = picture(8, Matrix.BT709, full_range=False)
    planes = (np.full((64, 64), code, np.uint8) for code in (63, 102, 240))  # red, as in BT.709
    luma, cb, cr = planes
    rgb = rgb_picture(luma, (cb, cr), made, 8)
    assert np.abs(rgb[0, 0].astype(int) - (255, 0, 0)).max() <= 2


def test_neutral_chroma_is_neutral() -> None:
    """Without color all three are the luma's own code."""
    made = picture(8, Matrix.SMPTE170M, full_range=True)
    luma = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    even = np.full((64, 64), 128, np.uint8)
    rgb = rgb_picture(luma, (even, even), made, 8)
    np.testing.assert_array_equal(rgb, np.stack([luma] * 3, axis=-1))
