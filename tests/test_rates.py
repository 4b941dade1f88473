from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from vidcolor.reading.rates import FEWEST_FRAMES, RateFinder
from vidcolor.timecode import parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("18", Fraction(18)), ("24.0", Fraction(24)), ("24.00", Fraction(24)),
        ("16.5", Fraction(33, 2)), ("50/3", Fraction(50, 3)), ("1.00", Fraction(1)),
        ("23.976", Fraction(24000, 1001)), ("23.98", Fraction(24000, 1001)),
        ("23.976024", Fraction(24000, 1001)), ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)), ("24000/1001", Fraction(24000, 1001)),
        ("23.9", Fraction(239, 10)), ("23.97", Fraction(2397, 100)), ("0.5", Fraction(1, 2)),
    ],
)  # fmt: skip
def test_rates_are_exact(text: str, rate: Fraction) -> None:
    """Television's rates, which people round, are whole numbers times 1000/1001."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["0", "-3", "abc", "1e9", "1001", "1/0", "nan", "inf", "", "24,5", "1.00000001"]
)
def test_nonsense_is_told(text: str) -> None:
    """What is no number, not above 0, or faster than any film is no rate."""
    with pytest.raises(ValueError, match=r"is not a frame rate; write 18, 23\.976 or 24000/1001"):
        parse_rate(text)


def test_frames_that_lie_hours_apart_have_a_rate() -> None:
    """A rate near 0 is none of 0, by which lengths are divided."""
    film: Any = SimpleNamespace(frame_rate=Fraction(25), time_base=Fraction(1, 90000))
    finder = RateFinder(film)
    for number in range(FEWEST_FRAMES):
        finder.add(number * 90000 * 3601 + number % 2)
    assert 0 < finder.average() < Fraction(1, 3000)
