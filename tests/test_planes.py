from fractions import Fraction

import numpy as np
import pytest

from vidcolor.color.lightness import network_size, to_network
from vidcolor.color.planes import chroma_planes
from vidcolor.frame import Frame, Matrix, Picture

QUARTER_TURN = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)


def frame(width: int, height: int, **fields: object) -> Frame:
    """A frame of a soft gray picture."""
    given = {"log2_chroma_width": 1, "log2_chroma_height": 1, "depth": 8, "full_range": False}
    film = Picture(width=width, height=height, matrix=Matrix.BT709, **(given | fields))  # type: ignore[arg-type]
    ramp = np.linspace(60, 190, width * height).reshape(height, width) * 2 ** (film.depth - 8)
    luma = ramp.astype(np.uint8 if film.depth == 8 else np.uint16)
    return Frame(index=0, luma=luma, pts=0, duration=1, time_base=Fraction(1, 25), picture=film)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("subsampling", [(0, 0), (1, 0), (1, 1), (2, 0), (2, 2)])
def test_planes_have_the_films_format(depth: int, subsampling: tuple[int, int]) -> None:
    """Cb and Cr have the chroma planes' size and the luma's sample type; luma is not touched."""
    columns, rows = subsampling
    one = frame(101, 67, depth=depth, log2_chroma_width=columns, log2_chroma_height=rows)
    before = one.luma.copy()
    lightness = to_network(one.luma, one.picture, network_size(one.picture, 64))
    h, w = lightness.shape
    planes = chroma_planes(one, np.full((2, h // 4, w // 4), 30, np.float32), lightness)
    for plane in planes:
        assert plane.shape == (one.picture.chroma_height, one.picture.chroma_width)
        assert plane.dtype == one.luma.dtype
    assert planes[1].min() > 1 << (depth - 1)  # a* of 30 is reddish
    assert np.array_equal(one.luma, before)


def test_a_turned_film_is_colored_where_it_is_shown() -> None:
    """Red at the top of the shown picture lands on the side of the stored one that is up."""
    one = frame(128, 96, display_matrix=QUARTER_TURN)
    lightness = to_network(one.luma, one.picture, network_size(one.picture, 96))
    h, w = lightness.shape
    ab = np.zeros((2, h // 4, w // 4), np.float32)
    ab[0, : h // 16] = 40  # shown on top: a clockwise quarter turn brings the stored left up
    _, cr = chroma_planes(one, ab, lightness)
    assert cr[:, :8].min() > 135
    assert np.all(cr[:, 32:] == 128)
