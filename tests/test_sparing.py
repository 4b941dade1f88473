from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from vidcolor.frame import Seen
from vidcolor.settings import TemporalSettings
from vidcolor.shot import Shot
from vidcolor.temporal.keyframes import MOST_SPARED, KeyframeChooser
from vidcolor.temporal.motion import with_motions

W, H = 88, 64
AUTO = TemporalSettings(every="auto")


def texture(seed: int = 0, width: int = 4 * W) -> np.ndarray:
    """A soft lightness picture with detail everywhere."""
    noise = np.random.default_rng(seed).uniform(-200, 300, (4 * H, width)).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 4) + 50, 0, 100)


def seen(pictures: list[np.ndarray]) -> list[Seen]:
    """The frames of a shot that look so to the network."""
    shot = Shot(0, None)
    return [Seen(Mock(), shot, picture, np.asarray(picture), 1.0) for picture in pictures]


def asked(pictures: list[np.ndarray], settings: TemporalSettings = AUTO) -> list[bool]:
    """Whether the network is asked about each picture of a shot."""
    sparing = KeyframeChooser(settings)
    moved = with_motions(seen(pictures), settings)
    return [sparing.choose(motion).is_keyframe for _, motion in moved]


def test_a_still_picture_is_asked_about_seldom() -> None:
    """Its first frame is, and then one in every few: light and grain do not count."""
    rng = np.random.default_rng(1)
    still = [
        (texture() * np.float32(0.9 if t % 2 else 1) + rng.normal(0, 2, (4 * H, 4 * W))).astype(
            np.float32
        )
        for t in range(13)
    ]
    assert asked(still) == [t % (MOST_SPARED + 1) == 0 for t in range(13)]


@pytest.mark.parametrize("every", [1, 2, 5])
def test_every_so_manieth_frame(every: int) -> None:
    """A number is kept to, whatever the picture does."""
    changing = [texture(seed) for seed in range(11)]
    settings = TemporalSettings(every=every)
    assert asked(changing, settings) == [t % every == 0 for t in range(11)]


def test_what_comes_into_the_picture_is_asked_about() -> None:
    """A new thing is, as soon as it is there; one of a pixel or two is not."""
    new, small = texture(), texture()
    new[60:130, 90:180] = 100 - new[60:130, 90:180]
    small[60:68, 90:98] = 0
    assert asked([texture(), texture(), new, new]) == [True, False, True, False]
    assert asked([texture(), texture(), small]) == [True, False, False]


def test_what_moves_is_followed() -> None:
    """A slow pan is explained but for its edge, until that is too much; not without motion."""
    wide = texture(width=4 * W + 80)
    slow, fast = (
        [np.ascontiguousarray(wide[:, s * t : s * t + 4 * W]) for t in range(8)] for s in (1, 10)
    )
    assert sum(asked(slow)) < 4
    assert all(asked(fast, TemporalSettings(motion=False)))


def test_small_losses_add_up() -> None:
    """What each frame loses is too little to ask, what two lose is not."""
    pictures = [texture()]
    for t in range(2):
        picture = pictures[-1].copy()
        picture[30 + 100 * t : 46 + 100 * t, 90:106] = 50 * t + 25
        pictures.append(picture)
    assert asked(pictures) == [True, False, True]


def test_without_smoothing_all_are_asked_about() -> None:
    """There is no past that could explain a frame, and nobody needs to know its motion."""
    settings = TemporalSettings(smoothing=0)
    sparing = KeyframeChooser(settings)
    moved = with_motions(seen([texture()] * 3), settings)
    choices = [sparing.choose(motion) for _, motion in moved]
    assert all(choice.is_keyframe and choice.motion is None for choice in choices)
