import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vidcolor.temporal.motion import find_motion

Map = NDArray[np.float32]
HEIGHT, WIDTH = 128, 192
SIZE = WIDTH // 4, HEIGHT // 4


def ground(seed: int = 0) -> Map:
    """A soft texture larger than the picture."""
    noise = np.random.default_rng(seed).uniform(-300, 400, (HEIGHT + 64, WIDTH + 64))
    return np.clip(cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 4), 5, 95)


def view(texture: Map, x: int, y: int) -> Map:
    """The picture of the texture from a place."""
    return np.ascontiguousarray(texture[32 + y : 32 + y + HEIGHT, 32 + x : 32 + x + WIDTH])


@pytest.mark.parametrize(("x", "y"), [(0, 0), (4, 0), (-6, 3), (10, -8), (16, 0)])
def test_a_pan_is_found(x: int, y: int) -> None:
    """Where each pixel was, in pixels of the map: a quarter of the camera's own way."""
    motion = find_motion(view(ground(), x, y), view(ground(), 0, 0), SIZE)
    assert motion.displacement.shape == (2, HEIGHT // 4, WIDTH // 4)
    inner = motion.displacement[:, 5:-5, 5:-5]
    np.testing.assert_allclose(np.median(inner, axis=(1, 2)), (x / 4, y / 4), atol=0.12)
    assert np.median(motion.trust[5:-5, 5:-5]) > 0.9


def test_nothing_moves_where_nothing_is_followed() -> None:
    """Without following, displacement is 0, and trust falls where the picture changed."""
    motion = find_motion(view(ground(), 6, 0), view(ground(), 0, 0), SIZE, follow=False)
    assert not motion.displacement.any()
    assert motion.trust.mean() < 0.8
    still = find_motion(view(ground(), 0, 0), view(ground(), 0, 0), SIZE, follow=False)
    np.testing.assert_allclose(still.trust, 1, atol=1e-6)


@pytest.mark.parametrize("light", [-15.0, 20.0])
def test_light_that_changes_all_over_is_no_change(light: float) -> None:
    """A brighter or darker frame is trusted, and nothing seems to move."""
    before = np.clip(ground(), 25, 70)
    now = view(before + np.float32(light), 3, 0)
    motion = find_motion(now, view(before, 0, 0), SIZE)
    assert np.median(motion.trust) > 0.9
    np.testing.assert_allclose(np.median(motion.displacement[0]), 0.75, atol=0.1)


def test_another_picture_is_not_trusted() -> None:
    """Where nothing comes back or looks alike, there is no past."""
    motion = find_motion(view(ground(1), 0, 0), view(ground(0), 0, 0), SIZE)
    assert motion.trust.mean() < 0.25


def test_what_was_covered_is_not_trusted() -> None:
    """Behind a thing that moves on the ground comes into sight that has no past; the rest has."""
    thing = ground(2)[:60, :60]
    pictures = []
    for left in (40, 48):
        picture = view(ground(0), 0, 0)
        picture[30:90, left : left + 60] = thing
        pictures.append(picture)
    motion = find_motion(pictures[1], pictures[0], SIZE)
    uncovered = motion.trust[10:20, 10:12]  # map pixels of columns 40 to 48
    assert uncovered.mean() < 0.4
    assert motion.trust[:, 32:].mean() > 0.9
    assert np.median(motion.displacement[0, 12:18, 16:24]) < -1
    assert abs(np.median(motion.displacement[0, :, 32:])) < 0.1


@pytest.mark.parametrize("shape", [(48, 64), (64, 64), (32, 32), (64, 256), (128, 32)])
def test_small_pictures_have_motion_too(shape: tuple[int, int]) -> None:
    """Whatever the size and shape, displacement and trust are numbers of the map's size."""
    rng = np.random.default_rng(3)
    pictures = rng.uniform(0, 100, (2, *shape)).astype(np.float32)
    motion = find_motion(*pictures, (shape[1] // 4, shape[0] // 4))
    assert motion.trust.shape == (shape[0] // 4, shape[1] // 4)
    assert np.isfinite(motion.displacement).all()
    assert motion.trust.min() >= 0
    assert motion.trust.max() <= 1


def test_the_same_pictures_have_the_same_motion() -> None:
    """Twice is bit for bit once."""
    now, before = view(ground(), 5, 2), view(ground(), 0, 0)
    one, other = (find_motion(now, before, SIZE) for _ in range(2))
    np.testing.assert_array_equal(one.displacement, other.displacement)
    np.testing.assert_array_equal(one.trust, other.trust)
