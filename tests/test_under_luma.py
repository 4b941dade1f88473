"""Wanted colors come out under a film's luma, hue and all."""

import pytest
import torch

from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.color.under_luma import under_luma
from vidcolor.color.ycbcr import KR_KB, chroma_codes, chroma_span
from vidcolor.frame import FrameFormat, Matrix

pytestmark = pytest.mark.quick

COLORS = ((223, 57, 66), (30, 60, 200), (20, 120, 40), (240, 220, 60), (128, 128, 128), (9, 2, 30))


@pytest.mark.parametrize("matrix", [Matrix.BT709, Matrix.SMPTE170M])
def test_a_color_of_the_films_luma_has_its_own_chroma(matrix: Matrix) -> None:
    """To a code; asked for as it is, a red is off by several."""
    picture = FrameFormat(
        width=12,
        height=2,
        depth=8,
        log2_chroma_width=1,
        log2_chroma_height=1,
        matrix=matrix,
        full_range=True,
    )
    rgb = torch.tensor(COLORS).T[:, None] / 255  # (3, 1, n)
    kr, kb = KR_KB[matrix]
    luma = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    lightness = lightness_from_luma(luma)
    whole = 128 + chroma_span(picture) * torch.stack(
        [(rgb[2] - luma) / (2 - 2 * kb), (rgb[0] - luma) / (2 - 2 * kr)]
    )
    ab = lab_from_srgb(rgb)[1:]
    found, plain = (
        torch.stack(
            [
                torch.from_numpy(codes).float()
                for codes in chroma_codes(one, lightness, (255 * luma, 255 * luma), picture)
            ]
        )
        for one in (under_luma(ab, lightness, picture), ab)
    )
    assert (found - whole).abs().max() < 1.2
    assert (plain - whole).abs().max() > 6
