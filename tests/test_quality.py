import math
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray

from vidcolor.report.checks import Flaws, find_doubtful_shots, measure_flaws
from vidcolor.report.timeline import Timeline

USUAL_PEAKS = {
    name: {"value": value, "frame": 7, "seconds": 0.3}
    for name, value in {
        "glare": 0.0, "skin": 0.001, "patch": 0.002, "jump": 0.01, "contrast": 20.0,
        "colorfulness": 14.0, "confidence": 0.4, "flicker": 0.9, "limited_share": 0.02,
    }.items()
}  # fmt: skip
USUAL = {
    "frames": 50, "first_frame": 0, "start_seconds": 0.0, "confidence": 0.42, "colorfulness": 12.0,
    "limited_share": 0.01, "flicker": 0.6, "mean_a": 1.0, "mean_b": 2.0, "peaks": USUAL_PEAKS,
}  # fmt: skip


def film(**unusual: object) -> list[dict]:
    """Nine usual shots and, in their midst, one that is not."""
    shots = [
        USUAL | {"number": number, "first_frame": 50 * number, "start_seconds": 2.0 * number}
        for number in range(10)
    ]
    shots[4] |= unusual
    return shots


def peaking(**values: float) -> dict:
    """A shot's peaks, some of them in its frame 231."""
    worst = {
        name: {"value": value, "frame": 231, "seconds": 9.24} for name, value in values.items()
    }
    return USUAL_PEAKS | worst


def test_usual_shots_are_not_named() -> None:
    """A film like any other comes to an empty list, and so does one without shots."""
    assert find_doubtful_shots(film()) == []
    assert find_doubtful_shots([]) == []


@pytest.mark.parametrize(
    ("unusual", "reasons"),
    [
        ({"confidence": 0.3}, ["unsure of its colors"]),
        ({"flicker": 2.4}, ["colors change from frame to frame"]),
        ({"limited_share": 0.2}, ["colors stronger than its light allows"]),
        ({"colorfulness": 1.0}, ["nearly without color"]),
        ({"colorfulness": 40.0}, ["far more colorful than the rest"]),
        ({"confidence": 0.2, "flicker": 3.0},
         ["colors change from frame to frame", "unsure of its colors"]),
    ],
)  # fmt: skip
def test_what_is_unusual_is_named(unusual: dict, reasons: list[str]) -> None:
    """The shot, where it begins, and every reason."""
    (remark,) = find_doubtful_shots(film(**unusual))
    assert (remark.shot, remark.seconds, remark.reasons) == (4, 8.0, reasons)


def test_a_gray_shot_in_a_gray_film_is_usual() -> None:
    """What is not colorful is compared with the film that it is in."""
    shots = [shot | {"colorfulness": 2.0} for shot in film()]
    shots[4]["colorfulness"] = 0.1
    assert [remark.shot for remark in find_doubtful_shots(shots)] == [0]  # for the whole film


@pytest.mark.parametrize(
    ("figure", "value", "reason"),
    [
        ("glare", 0.01, "colors glow as in no photograph"),
        ("skin", 0.004, "skin hues glow"),
        ("patch", 0.005, "patches of color stand out"),
        ("jump", 0.02, "places flicker that do not move"),
    ],
)
def test_the_frame_that_shows_it_is_named(figure: str, value: float, reason: str) -> None:
    """A flaw of one frame names its shot, and that frame by number and time."""
    (remark,) = find_doubtful_shots(film(peaks=peaking(**{figure: value})))
    assert (remark.shot, remark.seconds, remark.reasons) == (4, 8.0, [reason])
    assert (remark.frame, remark.frame_seconds) == (231, 9.24)
    (finding,) = remark.findings
    assert (finding.figure, finding.value, finding.frame) == (figure, value, 231)


def test_what_is_seen_most_comes_first() -> None:
    """The frame told is that of glowing skin, where a shot is unsure of itself as well."""
    (remark,) = find_doubtful_shots(film(peaks=peaking(skin=0.1), confidence=0.1))
    assert not remark.is_directed
    (directed,) = find_doubtful_shots(film(confidence=0.1, directed="a digest"))
    assert directed.is_directed
    assert remark.reasons == ["skin hues glow", "unsure of its colors"]
    assert [finding.frame for finding in remark.findings] == [231, 7]
    assert remark.frame == 231


def test_a_film_that_is_gray_throughout_is_named_once() -> None:
    """All shots are pale; the one with the most to see stands for them."""
    shots = [shot | {"colorfulness": 3.0} for shot in film(peaks=peaking(contrast=30.0))]
    (remark,) = find_doubtful_shots(shots)
    assert (remark.shot, remark.frame) == (4, 231)
    assert remark.reasons == ["the whole film is nearly without color"]


@pytest.mark.parametrize("colorful", [2, 9])
def test_a_film_with_some_color_is_not_gray_throughout(colorful: int) -> None:
    """Two shots of ten in color are more than a tenth of the film."""
    shots = [shot | {"colorfulness": 9.0 if shot["number"] < colorful else 3.0} for shot in film()]
    assert find_doubtful_shots(shots) == []


def test_blank_pictures_may_be_gray() -> None:
    """Black frames say nothing of a film's colors, alone or among others."""
    blank = {"colorfulness": 0.1, "peaks": peaking(contrast=1.0)}
    assert find_doubtful_shots([shot | blank for shot in film()]) == []
    assert find_doubtful_shots(film(**blank)) == []


def test_shots_of_an_earlier_version_are_judged_by_what_is_known() -> None:
    """Their frames have no flaws told; the shot's beginning stands for the frame."""
    shots = [shot | {"peaks": {}} for shot in film(flicker=2.4)]
    (remark,) = find_doubtful_shots(shots)
    assert remark.reasons == ["colors change from frame to frame"]
    assert (remark.frame, remark.frame_seconds) == (200, 8.0)
    assert remark.findings[0].value is None
    assert (
        find_doubtful_shots([shot | {"colorfulness": 3.0, "flicker": 0.1} for shot in shots]) == []
    )


def test_figures_that_are_missing_say_nothing() -> None:
    """A shot of one frame has no flicker; one of two is too short to look at."""
    assert find_doubtful_shots(film(flicker=None, confidence=None)) == []
    assert find_doubtful_shots(film(frames=2, confidence=0.1)) == []


Map = NDArray[np.float32]
SIZE = 100  # places in a picture


def picture(lightness: float, chroma: float, degrees: float) -> tuple[Map, Map]:
    """(2, SIZE) ab and (SIZE,) L*, all alike."""
    hue = math.radians(degrees)
    ab = np.array([[chroma * math.cos(hue)], [chroma * math.sin(hue)]], np.float32)
    return np.repeat(ab, SIZE, 1), np.full(SIZE, lightness, np.float32)


def measured(ab: Map, lightness: Map) -> Flaws:
    """The flaws of a first frame."""
    flaws = measure_flaws(ab, lightness, None, None)
    assert flaws is not None
    return flaws


@pytest.mark.parametrize(
    ("lightness", "degrees", "most"),
    [
        (55, 25, 83), (55, 45, 99), (55, 200, 34), (75, 250, 45), (5, 310, 51), (95, 355, 12),
    ],
)  # fmt: skip
def test_glare_is_chroma_that_photographs_do_not_have(
    lightness: float, degrees: float, most: float
) -> None:
    """Red may be stronger than cyan, and nothing may be strong in white; 10 more is glare."""
    limit = max(most + 10, 30)
    assert measured(*picture(lightness, limit - 0.5, degrees)).glare == 0
    assert measured(*picture(lightness, limit + 0.5, degrees)).glare == 1


def test_glare_is_a_share_of_the_picture() -> None:
    """Three places of a hundred."""
    ab, lightness = picture(55, 5, 200)
    ab[0, :3] = -60
    assert measured(ab, lightness).glare == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("lightness", "chroma", "degrees", "expected"),
    [
        (60, 40, 50, 0), (60, 65, 50, 1), (60, 65, 80, 0), (60, 65, 5, 0), (60, 65, 350, 0),
        (30, 65, 50, 0), (95, 65, 50, 0),
    ],
)  # fmt: skip
def test_skin_glows(lightness: float, chroma: float, degrees: float, expected: float) -> None:
    """Skin's chroma is 40 at most; other hues and lightnesses are not skin."""
    assert measured(*picture(lightness, chroma, degrees)).skin == expected


def test_a_patch_is_far_from_an_even_picture() -> None:
    """A red spot on gray counts, the same spot among as many colors does not."""
    ab, lightness = picture(50, 2, 90)
    ab[:, :4] = [[50], [20]]
    assert measured(ab, lightness).patch == pytest.approx(0.04)
    ab[:, 40:70] = [[-15], [0]]
    assert measured(ab, lightness).patch == 0


def test_a_patch_as_large_as_the_picture_is_none() -> None:
    """A picture that is red all over has its usual color."""
    assert measured(*picture(50, 60, 30)).patch == 0


def test_flicker_is_a_change_where_nothing_moves() -> None:
    """Of ten places whose color jumps, four keep their lightness."""
    ab, lightness = picture(50, 10, 90)
    change, before = np.zeros(SIZE, np.float32), lightness.copy()
    change[:10], before[4:10] = 20, 60
    change[50:60] = 10  # less than anybody sees in so small a place
    flaws = measure_flaws(ab, lightness, change, before)
    assert flaws is not None
    assert flaws.jump == pytest.approx(0.04)
    assert measured(ab, lightness).jump is None


def test_contrast_tells_a_blank_picture() -> None:
    """Two halves of L* 20 and 60 are 20 from their mean."""
    ab, lightness = picture(20, 0, 0)
    lightness[: SIZE // 2] = 60
    assert measured(ab, lightness).contrast == pytest.approx(20)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 3e38])
def test_colors_that_are_no_numbers_have_no_flaws(broken: float) -> None:
    """They are no reason to stop."""
    ab, lightness = picture(50, 10, 90)
    ab[:, 3:5] = broken
    with np.errstate(over="ignore"):
        assert measure_flaws(ab, lightness, None, None) is None


def test_a_glowing_spot_is_found_in_a_film() -> None:
    """From maps to the remark: the one frame of sixty with a neon spot is told."""
    rng = np.random.default_rng(3)
    usual = rng.normal(6, 4, (2, 64, 88)).astype(np.float32)
    lightness = rng.uniform(50, 80, (64, 88)).astype(np.float32)
    timeline = Timeline(clock=count().__next__)
    for number in range(60):
        ab = usual.copy()
        if number == 41:
            ab[:, 20:26, 30:36] = [[[70]], [[40]]]
        timeline.add(
            ab, seconds=number / 24, shot=number // 30, confidence=0.4, lightness=lightness
        )
    (remark,) = find_doubtful_shots(timeline.shots())
    assert (remark.shot, remark.frame) == (1, 41)
    assert remark.frame_seconds == pytest.approx(41 / 24)
    assert remark.reasons[0] == "skin hues glow"
