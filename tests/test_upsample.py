import cv2
import numpy as np
import pytest
import torch
from probed import frame_format

from vidcolor.color.planes import mean_at_chroma
from vidcolor.color.upsample import spline_ab, upsample_ab
from vidcolor.frame import ChromaLocation, FrameFormat

WIDTH, HEIGHT = 512, 256


def picture(location: ChromaLocation = ChromaLocation.LEFT) -> FrameFormat:
    """A 4:2:0 film."""
    return frame_format(WIDTH, HEIGHT, (1, 1), full_range=True, chroma_location=location)


def shrunk(full: np.ndarray, factor: int) -> np.ndarray:
    """A map of the full picture averaged over squares."""
    size = (full.shape[1] // factor, full.shape[0] // factor)
    return cv2.resize(full.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def upsampled(lightness: np.ndarray, ab: np.ndarray, film: FrameFormat) -> np.ndarray:
    """What comes out for a full-size picture whose small map, 8 times smaller, is perfect."""
    guide = mean_at_chroma(lightness.astype(np.float32), film)
    small = np.stack([shrunk(channel, 8) for channel in ab])
    seen = shrunk(lightness, 2)
    return upsample_ab(small, seen, torch.from_numpy(guide), film).numpy()


def step_at(column: int) -> np.ndarray:
    """A vertical step edge, 0 before `column` and 1 from there."""
    return np.tile((np.arange(WIDTH) >= column).astype(np.float32), (HEIGHT, 1))


@pytest.mark.parametrize("column", [200, 202, 204, 206])
def test_an_edge_of_color_follows_the_edge_of_lightness(column: int) -> None:
    """Where color changes with lightness, the enlarged edge is far sharper than bilinear's."""
    film = picture()
    step = step_at(column)
    ab = upsampled(30 + 40 * step, np.stack([50 * step, -20 * step]), film)
    truth = mean_at_chroma(50 * step, film)
    bilinear = cv2.resize(shrunk(50 * step, 8), (WIDTH // 2, HEIGHT // 2))
    assert np.abs(ab[0] - truth).mean() < 0.5 * np.abs(bilinear - truth).mean()


@pytest.mark.parametrize(
    ("location", "shift"),
    [
        (ChromaLocation.UNSPECIFIED, 0),
        (ChromaLocation.LEFT, 0),
        (ChromaLocation.TOP_LEFT, 0),
        (ChromaLocation.CENTER, 0.5),
        (ChromaLocation.TOP, 0.5),
    ],
)
def test_color_is_not_shifted_against_luma(location: ChromaLocation, shift: float) -> None:
    """A soft edge of color crosses its middle at luma's place, to a twentieth of a sample."""
    soft = np.tile(1 / (1 + np.exp(-(np.arange(WIDTH) - 250.3) / 12)), (HEIGHT, 1))
    ab = upsampled(20 + 60 * soft, np.stack([40 * soft, 40 * soft]), picture(location))
    at = np.arange(WIDTH // 2) * 2 + shift
    crossing = np.interp(20, ab[0, 64], at)
    assert crossing == pytest.approx(250.3, abs=0.05)


def test_lightness_alone_makes_no_color() -> None:
    """Texture, grain and edges of lightness under one flat color leave it flat."""
    rng = np.random.default_rng(0)
    lightness = 30 + 40 * step_at(201) + rng.normal(0, 8, (HEIGHT, WIDTH))
    flat = np.stack([np.full((HEIGHT, WIDTH), 25.0), np.full((HEIGHT, WIDTH), -12.0)])
    ab = upsampled(lightness, flat, picture())
    assert np.abs(ab[0] - 25).max() < 1e-3
    assert np.abs(ab[1] + 12).max() < 1e-3


def test_no_color_stays_no_color() -> None:
    """A map of zeros comes out as zeros, exactly."""
    lightness = np.random.default_rng(0).uniform(0, 100, (HEIGHT, WIDTH))
    ab = upsampled(lightness, np.zeros((2, HEIGHT, WIDTH)), picture())
    assert np.all(ab == 0)


def test_texture_hardly_moves_a_change_of_color() -> None:
    """Over a slow change of color, blotches that the color does not share add almost nothing."""
    rng = np.random.default_rng(0)
    slow = np.tile(np.linspace(-30, 30, WIDTH), (HEIGHT, 1))
    blotches = 10 * cv2.GaussianBlur(rng.normal(0, 6, (HEIGHT, WIDTH)), (0, 0), 3)
    ab = upsampled(50 + blotches, np.stack([slow, slow]), picture())
    plain = upsampled(np.full((HEIGHT, WIDTH), 50.0), np.stack([slow, slow]), picture())
    assert np.sqrt(((ab - plain) ** 2).mean()) < 0.03


def test_no_halos() -> None:
    """Highlights beside an edge get no color that the map does not have nearby."""
    step = step_at(200)
    lightness = 30 + 30 * step
    lightness[::3, 204] = 100
    lightness[::3, 196] = 0
    ab = upsampled(lightness, np.stack([50 * step, 50 * step]), picture())
    assert ab.min() >= 0
    assert ab.max() <= 50


@pytest.mark.parametrize(
    "location", [ChromaLocation.LEFT, ChromaLocation.CENTER, ChromaLocation.TOP_LEFT]
)
def test_a_spline_reads_smooth_colors_where_the_chroma_lies(location: ChromaLocation) -> None:
    """A wave of color, known at an eighth of the size, comes out right at the chroma sites."""
    film = picture(location)

    def wave(step: int) -> np.ndarray:
        """In the middle of squares of so many pixels a side."""
        rows, columns = np.indices((HEIGHT // step, WIDTH // step)) * step + step / 2
        sine, cosine = np.sin(2 * np.pi * columns / 128), np.cos(2 * np.pi * rows / 128)
        return (40 * sine * cosine).astype(np.float32)

    truth = mean_at_chroma(wave(1), film)
    found = spline_ab(np.stack([wave(8), -wave(8)]), film).numpy()
    assert found.shape == (2, *truth.shape)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(found[0] - truth)[inner].max() < 0.4
    np.testing.assert_allclose(found[1], -found[0], atol=1e-4)


def test_a_spline_knows_no_edges() -> None:
    """Whatever the lightness, an edge of color stays as soft as the small map has it."""
    film = picture()
    step = step_at(204)
    soft = spline_ab(np.stack([shrunk(50 * step, 8)] * 2), film)[0].numpy()
    sharp = upsampled(30 + 40 * step, np.stack([50 * step] * 2), film)[0]
    between = [int(((one > 5) & (one < 45))[64].sum()) for one in (soft, sharp)]
    assert between[0] > 2 * between[1]
