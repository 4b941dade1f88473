import pytest

from vidcolor.report.checks import find_remarkable

USUAL = {
    "frames": 50, "start_seconds": 0.0, "confidence": 0.42, "colorfulness": 12.0,
    "limited_share": 0.01, "flicker": 0.6, "mean_a": 1.0, "mean_b": 2.0,
}  # fmt: skip


def film(**unusual: object) -> list[dict]:
    """Nine usual shots and, in their midst, one that is not."""
    shots = [USUAL | {"number": number, "start_seconds": 2.0 * number} for number in range(10)]
    shots[4] |= unusual
    return shots


def test_usual_shots_are_not_named() -> None:
    """A film like any other comes to an empty list, and so does one without shots."""
    assert find_remarkable(film()) == []
    assert find_remarkable([]) == []


@pytest.mark.parametrize(
    ("unusual", "reasons"),
    [
        ({"confidence": 0.3}, ["unsure of its colors"]),
        ({"flicker": 2.4}, ["colors change from frame to frame"]),
        ({"limited_share": 0.2}, ["colors stronger than its light allows"]),
        ({"colorfulness": 1.0}, ["nearly without color"]),
        ({"colorfulness": 40.0}, ["far more colorful than the rest"]),
        ({"confidence": 0.2, "flicker": 3.0},
         ["unsure of its colors", "colors change from frame to frame"]),
    ],
)  # fmt: skip
def test_what_is_unusual_is_named(unusual: dict, reasons: list[str]) -> None:
    """The shot, where it begins, and every reason."""
    (remark,) = find_remarkable(film(**unusual))
    assert (remark.shot, remark.seconds, remark.reasons) == (4, 8.0, reasons)


def test_a_gray_shot_in_a_gray_film_is_usual() -> None:
    """What is not colorful is compared with the film that it is in."""
    shots = [shot | {"colorfulness": 2.0} for shot in film()]
    shots[4]["colorfulness"] = 0.1
    assert find_remarkable(shots) == []


def test_figures_that_are_missing_say_nothing() -> None:
    """A shot of one frame has no flicker; one of two is too short to look at."""
    assert find_remarkable(film(flicker=None, confidence=None)) == []
    assert find_remarkable(film(frames=2, confidence=0.1)) == []
