import numpy as np
import pytest

from vidcolor.temporal.gain import MOST_GAIN, ChromaGain


def colors(strength: float, seed: int = 0) -> np.ndarray:
    """Random ab colors of a strength."""
    return (strength * np.random.default_rng(seed).normal(size=(2, 30, 40))).astype(np.float32)


def test_colors_that_lose_nothing_gain_nothing() -> None:
    """Where smoothing changes nothing, the gain is 1; it is never less."""
    strength = ChromaGain()
    for _ in range(50):
        assert strength.gain(colors(10), colors(10)) == 1
    assert ChromaGain().gain(colors(8), colors(10)) == 1


def test_the_gain_comes_slowly() -> None:
    """A steady loss is made good after seconds, with no jump on the way."""
    strength = ChromaGain()
    gains = [strength.gain(colors(10), colors(9)) for _ in range(300)]
    assert gains[0] < 1.03
    assert np.abs(np.diff(gains)).max() < 0.02
    assert gains == sorted(gains)
    assert gains[-1] == pytest.approx(10 / 9, rel=1e-3)


def test_there_is_a_most() -> None:
    """Colors that vanish in the mean are not blown up."""
    strength = ChromaGain()
    assert max(strength.gain(colors(30), colors(3)) for _ in range(300)) == MOST_GAIN


def test_no_color_is_no_trouble() -> None:
    """Black and white throughout has a gain of 1."""
    assert ChromaGain().gain(colors(0), colors(0)) == 1


def test_maps_may_differ_in_size() -> None:
    """A part of the pixels tells the same."""
    ab = colors(10)
    assert ChromaGain().gain(ab[:, ::2, ::2], ab) == pytest.approx(1, abs=0.01)


def test_a_keyframe_speaks_for_the_frames_before_it() -> None:
    """Its colors count as often as if each of them had them."""
    once, often = ChromaGain(), ChromaGain()
    once.gain(colors(12), colors(10))
    often.gain(colors(12), colors(10))
    for _ in range(5):
        wanted = often.gain(colors(11), colors(9))
    assert once.gain(colors(11), colors(9), frames=5) == pytest.approx(wanted)
    assert once.now == pytest.approx(wanted)
