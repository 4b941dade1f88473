from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from vidcolor.frame import Seen
from vidcolor.settings import TemporalSettings
from vidcolor.shot import Shot
from vidcolor.temporal.keyframes import LEAST_TRUST, MOST_APART, Span, find_spans

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


def spans(
    pictures: list[np.ndarray], settings: TemporalSettings = AUTO, part: int = 0
) -> list[Span]:
    """The spans of a shot of these pictures."""
    return list(find_spans(seen(pictures), settings, part=part))


def asked(
    pictures: list[np.ndarray], settings: TemporalSettings = AUTO, part: int = 0
) -> list[bool]:
    """Whether each picture of a shot is a keyframe."""
    found = spans(pictures, settings, part)
    return [is_last for one in found for is_last in [False] * len(one.between) + [True]]


def panned(step: int, frames: int) -> list[np.ndarray]:
    """A picture that goes by, so many pixels a frame."""
    wide = texture(width=4 * W + step * frames)
    return [np.ascontiguousarray(wide[:, step * t :][:, : 4 * W]) for t in range(frames)]


def test_a_still_picture_is_asked_about_seldom() -> None:
    """Its first frame is, its last, and one in so many: light and grain do not count."""
    rng = np.random.default_rng(1)
    still = [
        (texture() * np.float32(0.9 if t % 2 else 1) + rng.normal(0, 2, (4 * H, 4 * W))).astype(
            np.float32
        )
        for t in range(MOST_APART + 5)
    ]
    last = len(still) - 1
    assert asked(still) == [t in (0, MOST_APART, last) for t in range(len(still))]


@pytest.mark.parametrize("every", [1, 2, 5])
def test_every_so_manieth_frame(every: int) -> None:
    """A number is kept to, whatever the picture does; a shot's last frame is a keyframe as well."""
    changing = [texture(seed) for seed in range(12)]
    settings = TemporalSettings(every=every)
    assert asked(changing, settings) == [t % every == 0 or t == 11 for t in range(12)]


def test_a_part_ends_with_a_keyframe() -> None:
    """So that a run which goes on there needs to know of no other."""
    settings = TemporalSettings(every=3)
    still = [texture()] * 9
    ends = [number for number, is_keyframe in enumerate(asked(still, settings, 5)) if is_keyframe]
    assert ends == [0, 3, 4, 7, 8]


def test_what_comes_and_goes_is_asked_about() -> None:
    """What neither keyframe shows makes one; what the next one shows too, does not."""
    new = texture()
    new[40:190, 60:260] = 100 - new[40:190, 60:260]
    assert asked([texture(), new, texture(), texture()]) == [True, True, False, True]
    assert asked([texture(), texture(), new, new]) == [True, False, False, True]


def test_what_moves_is_followed() -> None:
    """A slow pan is explained, and its edge from the keyframe after; not without motion."""
    assert sum(asked(panned(1, 8))) == 2
    strong = [np.clip(4 * picture - 300, 0, 100) for picture in panned(10, 8)]
    assert sum(asked(strong)) <= 3
    assert all(asked(strong, TemporalSettings(motion=False)))


def test_ways_lead_to_both_keyframes() -> None:
    """In a pan they are as long as it went, and trusted but for the edge on the one side."""
    (_, span) = spans(panned(4, 6))
    assert len(span.between) == 4
    inside = np.s_[8:-8, 12:-12]
    for place, one in enumerate(span.between, 1):
        assert one.share == pytest.approx(place / 5)
        assert np.median(one.back.displacement[0][inside]) == pytest.approx(place, abs=0.1)
        assert np.median(one.forth.displacement[0][inside]) == pytest.approx(place - 5, abs=0.1)
        assert (one.back.trust[inside] > LEAST_TRUST).all()
        assert (one.back.trust[:, -1] < LEAST_TRUST).mean() > 0.9
        assert (one.forth.trust[:, 0] < LEAST_TRUST).mean() > 0.9
    assert span.back is not None
    assert np.median(span.back.displacement[0][inside]) == pytest.approx(5, abs=0.1)


def test_without_smoothing_all_are_asked_about() -> None:
    """There is no past that could explain a frame, and nobody needs to know its motion."""
    found = spans([texture()] * 3, TemporalSettings(smoothing=0))
    assert [(len(one.between), one.back) for one in found] == [(0, None)] * 3
    frames = seen([texture()] * 9)
    frames[4] = frames[4]._replace(smoothing=0.0)
    mixed = list(find_spans(frames, AUTO))
    assert [one.length for one in mixed] == [1, 3, 1, 4]
    assert [one.back is None for one in mixed] == [True, False, True, False]
