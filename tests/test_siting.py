import numpy as np
import pytest
import torch
from probed import frame_format

from vidcolor.color.planes import (
    extremes_at_chroma,
    mean_at_chroma,
    range_at_chroma,
    seen_at_chroma,
)
from vidcolor.color.siting import chroma_origin, chroma_strips
from vidcolor.color.upsample import columns_at_chroma, rows_at_chroma
from vidcolor.frame import ChromaLocation, FrameFormat

# (log2 width, log2 height): 4:4:4, 4:2:2, 4:2:0, 4:1:1, 4:1:0, 4:4:0
SUBSAMPLINGS = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 2), (0, 1)]
LOCATIONS = list(ChromaLocation)


def picture(
    width: int, height: int, subsampling: tuple[int, int], location: ChromaLocation
) -> FrameFormat:
    """An 8-bit film of the given chroma grid."""
    return frame_format(width, height, subsampling, full_range=True, chroma_location=location)


def positions(film: FrameFormat) -> tuple[np.ndarray, np.ndarray]:
    """Where the chroma samples lie, in luma samples, written out from H.273 figure 1."""
    x, y = 1 << film.log2_chroma_width, 1 << film.log2_chroma_height
    left = film.chroma_location in {
        ChromaLocation.UNSPECIFIED,
        ChromaLocation.LEFT,
        ChromaLocation.TOP_LEFT,
        ChromaLocation.BOTTOM_LEFT,
    }
    row = {
        ChromaLocation.TOP_LEFT: 0,
        ChromaLocation.TOP: 0,
        ChromaLocation.BOTTOM_LEFT: y - 1,
        ChromaLocation.BOTTOM: y - 1,
    }.get(film.chroma_location, (y - 1) / 2)
    at_x = np.arange(film.chroma_width) * x + (0 if left else (x - 1) / 2)
    return at_x, np.arange(film.chroma_height) * y + row


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("location", LOCATIONS)
def test_lightness_is_seen_from_the_chroma_sample(
    subsampling: tuple[int, int], location: ChromaLocation
) -> None:
    """The mean of a ramp round a chroma sample is the ramp's value there: no shift at all."""
    film = picture(48, 32, subsampling, location)
    rows, columns = np.indices((32, 48)).astype(np.float32)
    at_x, at_y = positions(film)
    inside = (slice(1, -1), slice(1, -1))
    seen_x = mean_at_chroma(columns, film)
    seen_y = mean_at_chroma(rows, film)
    assert seen_x.shape == (film.chroma_height, film.chroma_width)
    assert seen_x[inside] == pytest.approx(np.tile(at_x[1:-1], (len(at_y) - 2, 1)), abs=1e-4)
    assert pytest.approx(np.tile(at_y[1:-1], (len(at_x) - 2, 1)), abs=1e-4) == seen_y[inside].T


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("location", LOCATIONS)
def test_small_maps_are_read_at_the_chroma_sample(
    subsampling: tuple[int, int], location: ChromaLocation
) -> None:
    """A ramp on a map eight times smaller comes out as the ramp's value at each chroma sample."""
    film = picture(96, 64, subsampling, location)
    rows, columns = np.indices((8, 12)) * 8 + 3.5  # centres of the map's samples
    ramps = np.stack([columns, rows]).astype(np.float32)
    wide = columns_at_chroma(torch.from_numpy(ramps), film)
    strips = [rows_at_chroma(wide, film, s) for s in chroma_strips(film)]
    seen = torch.cat(strips).movedim(1, 0).numpy()
    at_x, at_y = positions(film)
    inner_x, inner_y = (at_x > 4) & (at_x < 91), (at_y > 4) & (at_y < 59)
    assert seen[0][0, inner_x] == pytest.approx(at_x[inner_x], abs=1e-4)
    assert seen[1][inner_y, 0] == pytest.approx(at_y[inner_y], abs=1e-4)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("location", LOCATIONS)
def test_odd_sizes_and_flat_fields(subsampling: tuple[int, int], location: ChromaLocation) -> None:
    """A flat field of odd size stays flat up to its edges."""
    film = picture(29, 17, subsampling, location)
    shape = (film.chroma_height, film.chroma_width)
    seen = mean_at_chroma(np.full((17, 29), 42, np.float32), film)
    assert seen.shape == shape
    assert np.all(seen == 42)
    wide = columns_at_chroma(torch.full((1, 2, 3), 42.0), film)
    read = rows_at_chroma(wide, film, slice(0, shape[0]))
    torch.testing.assert_close(read, torch.full_like(read, 42), atol=1e-5, rtol=0)
    assert wide.shape == (2, 1, shape[1])


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_range_is_that_of_the_block(subsampling: tuple[int, int]) -> None:
    """The least and greatest luma are those of each chroma sample's own block, cut at the edge."""
    film = picture(27, 19, subsampling, ChromaLocation.LEFT)
    luma = np.random.default_rng(0).integers(0, 256, (19, 27)).astype(np.uint8)
    least, greatest = range_at_chroma(luma, film)
    x, y = 1 << subsampling[0], 1 << subsampling[1]
    for row in range(film.chroma_height):
        for column in range(film.chroma_width):
            block = luma[row * y : (row + 1) * y, column * x : (column + 1) * x]
            assert (least[row, column], greatest[row, column]) == (block.min(), block.max())


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("size", [(48, 32), (29, 17)])
def test_a_gpu_would_see_the_same(
    subsampling: tuple[int, int], location: ChromaLocation, size: tuple[int, int]
) -> None:
    """What torch makes of luma, on whatever device, is what OpenCV makes of it."""
    film = picture(*size, subsampling, location)
    luma = np.random.default_rng(1).integers(0, 256, size[::-1]).astype(np.uint8)
    seen = seen_at_chroma(torch.from_numpy(luma).float(), film)
    np.testing.assert_allclose(seen, mean_at_chroma(luma.astype(np.float32), film), atol=1e-4)
    extremes = extremes_at_chroma(torch.from_numpy(luma), film)
    for found, expected in zip(extremes, range_at_chroma(luma, film), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_strips_cover_the_planes_once() -> None:
    """The strips of a tall and of a very wide picture are all its rows, in order."""
    for width, height in ((64, 4000), (70000, 6)):
        film = picture(width, height, (1, 1), ChromaLocation.LEFT)
        rows = [row for s in chroma_strips(film) for row in range(s.start, s.stop)]
        assert rows == list(range(film.chroma_height))
        whole = slice(0, film.chroma_height)
        assert list(chroma_strips(film, torch.device("meta"))) == [whole]


def test_unspecified_is_left() -> None:
    """Films that do not say where chroma lies have it left, as H.264 and H.265 infer."""
    film = picture(8, 8, (1, 1), ChromaLocation.UNSPECIFIED)
    assert chroma_origin(film) == (0, 0.5)
