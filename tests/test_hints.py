"""Hints: where they lie, how far they reach, how they go through a shot, and what comes out."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding, decode_annealed_mean
from vidcolor.color.under_luma import under_luma
from vidcolor.directing.direction import direct
from vidcolor.directing.evidence import ShotEvidence, Told, hold, merge
from vidcolor.directing.hints import ab_of, hint_mask, shown_area, told_by
from vidcolor.directing.placed import FilmFacts
from vidcolor.directing.pool import pool
from vidcolor.directing.read_script import parse_script
from vidcolor.directing.script import ColorScript, Hint
from vidcolor.directing.spread import find_costs, spread
from vidcolor.directing.track import Track
from vidcolor.errors import SettingError
from vidcolor.frame import Frame, FrameFormat, Matrix, Motion, Prediction, Seen
from vidcolor.shot import ActiveArea, Shot

FILM = FilmFacts("film.mp4", Fraction(25), seconds=4.0)
PICTURE = FrameFormat(
    width=128,
    height=64,
    depth=8,
    log2_chroma_width=1,
    log2_chroma_height=1,
    matrix=Matrix.BT709,
    full_range=False,
)
SIZE = (16, 32)
AT = Hint(frame="0", color="#b02020", at=(0.25, 0.5))


def test_hints_are_read_with_their_lines() -> None:
    """All shapes; the frame in any unit."""
    text = """
[[hint]]
frame = 17
at = [0.41, 0.32]
color = "#7a1f1f"
[[hint]]
frame = "1.5s"
stroke = [[0.1, 0.1], [0.2, 0.3]]
radius = 0.05
color = "neutral"
[[hint]]
frame = "00:00:01:05"
box = [0.1, 0.2, 0.3, 0.4]
color = "#00FF00"
"""
    script = parse_script(text.encode(), Path("f.toml"))
    direction = direct(script, FILM)
    assert [one.hint.place for one in direction.hints] == ["f.toml:2", "f.toml:6", "f.toml:11"]
    assert [float(one.span.first) for one in direction.hints] == [17, 1.5, 1.22]
    assert script.hints[0] == replace(AT, frame="17", color="#7a1f1f", at=(0.41, 0.32))
    assert direction.identity
    assert direction.identity != direct(replace(script, hints=script.hints[:2]), FILM).identity
    facts = direction.facts()
    assert facts
    assert len({one["sha256"] for one in facts["hints"]}) == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("lines", "line", "told"),
    [
        ("frame = 1\nat = [0.1, 0.2]", 1, "the hint has no color"),
        ('frame = 1\ncolor = "#123456"', 1, "a hint has one of at, stroke, box, polygon"),
        ('frame = 1\ncolor = "red"\nat = [0.1, 0.2]', 3, "'red' is no color"),
        ('frame = 1\ncolor = "#123456"\nat = [0.1, 1.2]', 4, "at: lies outside the frame"),
        ('frame = 1\ncolor = "#123456"\nat = [0.1]', 4, "[0.1] is no point"),
        ('frame = 1\ncolor = "#123456"\nbox = [0.1, 0.2, 0.95, 0.1]', 4, "lies outside the frame"),
        ('frame = "1-5"\ncolor = "#123456"\nat = [0.1, 0.2]', 2, "is more than one frame"),
        ('frame = 1\ncolour = "#123456"\nat = [0.1, 0.2]', 3, "Did you mean color?"),
        ('frame = 1\ncolor = "#123456"\npolygon = [[0, 0], [1, 1]]', 4, "has too few points"),
        ('frame = 999\ncolor = "#123456"\nat = [0.1, 0.2]', 1, "lie beyond the end of film.mp4"),
    ],
)
def test_a_fault_of_a_hint_is_one_line(lines: str, line: int, told: str) -> None:
    """File and line, what is wrong, what to do."""
    with pytest.raises(SettingError) as caught:
        direct(parse_script(f"[[hint]]\n{lines}".encode(), Path("f.toml")), FILM)
    assert str(caught.value).startswith(f"f.toml:{line}: ")
    assert told in str(caught.value)
    with pytest.raises(SettingError, match="a hint has one of"):
        Hint(frame="1", color="neutral")


def test_a_hint_lies_where_it_was_put() -> None:
    """Points as discs of their radius, lines, filled areas, in fractions of the frame."""
    mask = hint_mask(AT, PICTURE, None, SIZE)
    assert mask[7:9, 7:9].all()
    assert mask.sum() < 9
    box = Hint(frame="0", color="neutral", box=(0.5, 0.25, 0.25, 0.5))
    filled = np.zeros(SIZE, bool)
    filled[4:12, 16:24] = True
    assert np.array_equal(hint_mask(box, PICTURE, None, SIZE), filled)
    stroke = Hint(frame="0", color="neutral", stroke=((0.1, 0.5), (0.9, 0.5)), radius=0.02)
    assert hint_mask(stroke, PICTURE, None, SIZE)[7:9, 4:28].any(0).all()


def test_bars_and_turns_are_taken_off() -> None:
    """Fractions are those of the frame as shown; the map is that of the picture inside bars."""
    active = ActiveArea(top=8, bottom=56, left=32, right=128)
    assert shown_area(PICTURE, active) == (0.25, 0.125, 0.75, 0.75)
    assert not hint_mask(replace(AT, at=(0.1, 0.5)), PICTURE, active, SIZE).any()
    middle = hint_mask(replace(AT, at=(0.625, 0.5)), PICTURE, active, SIZE)
    assert middle[7:9, 15:17].all()
    turned = replace(PICTURE, display_matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30))
    left, top, width, height = shown_area(turned, active)
    assert (width, height) == (0.75, 0.75)
    assert (left, top) == (0.125, 0.25)


def two_halves() -> np.ndarray:
    """L* of a picture that is dark on its left and light on its right."""
    lightness = np.full(SIZE, 30, np.float32)
    lightness[:, 16:] = 70
    return lightness


def test_color_fills_a_thing_and_stops_at_its_edge() -> None:
    """Lightness alone, and features alone where lightness is even, hold it; two hints share."""
    lightness = two_halves()
    seeds = [np.zeros(SIZE, bool), np.zeros(SIZE, bool)]
    seeds[0][8, 3], seeds[1][8, 28] = True, True
    for costs in (
        find_costs(lightness, np.zeros((1, *SIZE), np.float32)),
        find_costs(np.full(SIZE, 50, np.float32), (lightness[None] - 50) / 4),
    ):
        one = spread(costs, seeds[:1], [False])[0]
        assert one[8, 3] == 1
        assert one[:, :16].min() > 0.5
        assert one[:, 16:].max() < 0.2
        both = spread(costs, seeds, [False, False])
        assert both.sum(0).max() <= 1 + 1e-6
        assert (both[0] > both[1])[:, :16].all()
        assert (both[1] > both[0])[:, 16:].all()
    hard = spread(costs, seeds, [True, False])
    assert np.array_equal(hard[0] > 0, seeds[0])


def still(**changes: float) -> Motion:
    """Motion of so many places right, trusted so far."""
    displacement = np.zeros((2, *SIZE), np.float32)
    displacement[0] = changes.get("x", 0.0)
    return Motion(displacement, np.full(SIZE, changes.get("trust", 1.0), np.float32))


def test_a_track_follows_and_takes_back_what_was_hidden() -> None:
    """Long ways blur nothing; what looks unlike is not trusted, and trusted again when it fits."""
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.uniform(0, 100, SIZE).astype(np.float32), (0, 0), 1)
    whole = seen_frame(0, picture).brightened
    track = Track.begin(whole)
    mark = np.zeros((1, *SIZE), np.float32)
    mark[0, 8, 4] = 1
    for step in range(1, 21):
        moved = np.float32([[1, 0, 2 * step], [0, 1, 0]])
        now = cv2.warpAffine(whole, moved, whole.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        track = track.follow(still(x=-0.5), now)
    found = track.look_up(mark)[0]
    assert found[8, 14] > 0.95
    assert track.trust[8, 14] > 0.9
    covered = np.abs(np.indices(whole.shape)[1] - 56) < 16
    hidden = track.follow(still(trust=0.0), now + 60 * covered)
    assert hidden.trust[8, 14] < 0.1
    shown = hidden.follow(still(trust=0.0), now)
    assert shown.trust[8, 14] > 0.7
    drifted = replace(track, x=track.x + 1)
    assert np.median(drifted.follow(still(), now).x - drifted.x) == pytest.approx(0, abs=0.1)
    sought = replace(drifted, is_sought=True).follow(still(), now)
    assert np.median(sought.x - drifted.x) == pytest.approx(-1, abs=0.1)


def seen_frame(index: int, lightness: np.ndarray, share: float = 1.0) -> Seen:
    """A frame whose picture the network sees so."""
    whole = cv2.resize(lightness, (SIZE[1] * 4, SIZE[0] * 4), interpolation=cv2.INTER_CUBIC)
    frame = Frame(index, np.zeros((64, 128), np.uint8), index, 1, Fraction(1, 25), PICTURE)
    return Seen(frame, Shot(0, None), whole, whole, share)


def test_evidence_goes_both_ways_and_never_beyond_its_shot() -> None:
    """A hint in the middle of a shot colors its first frame and its last, where its thing is."""
    rng = np.random.default_rng(1)
    wide = cv2.GaussianBlur(rng.uniform(0, 100, (16, 64)).astype(np.float32), (0, 0), 1.5)
    frames = [seen_frame(100 + n, np.ascontiguousarray(wide[:, n : n + 32])) for n in range(9)]
    said = Told(np.zeros((2, *SIZE), np.float32), np.zeros(SIZE, np.float32))
    said.ab[0, 8, 16], said.observations[7:10, 15:18] = 40, 50
    said.ab[0, 7:10, 15:18] = 40
    evidence = ShotEvidence(
        iter(frames), lambda seen: said if seen.frame.index == 104 else None, last_anchor=104
    )
    try:
        for number, column in ((100, 20), (104, 16), (108, 12)):
            told = evidence.at(number)
            assert told is not None
            place = np.unravel_index(told.observations.argmax(), SIZE)
            assert abs(place[1] - column) <= 1, number
            assert told.observations[place] > 25
            assert told.ab[0][place] == pytest.approx(40, abs=1)
        assert evidence.at(104).observations[8, 16] == 50  # type: ignore[union-attr]
        assert evidence.at(99) is None
        assert evidence.at(109) is None
    finally:
        evidence.close()


def test_what_is_said_comes_out_however_it_is_decoded() -> None:
    """Where much is said the wish, where nothing is said the net's color to the bit."""
    ab = np.random.default_rng(0).normal(0, 20, (2, *SIZE)).astype(np.float32)
    told = Told(np.full((2, *SIZE), 55, np.float32), np.zeros(SIZE, np.float32))
    told.observations[4:8] = 50
    held = hold(ab, told)
    assert np.array_equal(held[:, 8:], ab[:, 8:])
    assert np.abs(held[:, 4:8] - 55).max() < 2.5
    assert hold(ab, None) is ab
    both = merge([told, Told(0 * told.ab, told.observations)])
    assert both.ab[0, 5, 5] == 27.5
    assert both.observations[5, 5] == 100


@pytest.mark.parametrize("vividness", [0.0, 1.0])
def test_pooling_counts_a_color_as_observations_and_leaves_the_rest(vividness: float) -> None:
    """A rare color wins against a common one that the net is sure of; weight 0 changes no bit."""
    rng = np.random.default_rng(0)
    rarity = torch.from_numpy(np.exp(rng.normal(0, 1, BIN_COUNT)).astype(np.float32))
    decoding = Decoding(rebalancing_weight=rarity)
    rows = torch.from_numpy(rng.dirichlet(np.full(BIN_COUNT, 0.02), SIZE).astype(np.float32))
    prediction = Prediction(rows.half().movedim(-1, 0), np.zeros((64, 128), np.float32))
    told = Told(np.zeros((2, *SIZE), np.float32), np.zeros(SIZE, np.float32))
    told.ab[0], told.ab[1], told.observations[:4] = 43, 27, 50
    pooled = pool(prediction, told, decoding, vividness)
    assert torch.equal(pooled.map[:, 4:], prediction.map[:, 4:])
    assert pooled.map.float().sum(0) == pytest.approx(1, abs=2e-3)
    ab = decode_annealed_mean(pooled.map, vividness, decoding).ab[:, :4].numpy()
    assert np.abs(ab - np.array([43, 27])[:, None, None]).max() < 4
    assert pool(prediction, None, decoding, vividness) is prediction
    regressor = Prediction(torch.zeros(3, *SIZE), np.zeros((64, 128), np.float32))
    assert pool(regressor, told, None, 0).map[0, 0, 0] == pytest.approx(43, rel=0.03)


def test_colors_are_those_of_srgb_and_a_dark_frame_has_them_too() -> None:
    """`#rrggbb` by its a* and b*, `neutral` none; what darkens all colors is made up for."""
    assert ab_of("neutral").tolist() == [0, 0]
    assert ab_of("#ff0000") == pytest.approx([80.1, 67.2], abs=0.2)
    lightness = two_halves()

    def features(_: Seen) -> np.ndarray:
        return np.zeros((1, *SIZE), np.float32)

    bright, dark = (told_by([AT], seen_frame(0, lightness, s), features) for s in (1.0, 0.5))
    wish = torch.from_numpy(np.tile(ab_of("#b02020")[:, None, None], SIZE))
    exact = under_luma(wish, torch.full(SIZE, 30.0), PICTURE)[:, 0, 0].numpy()
    assert bright.ab[:, 8, 8] == pytest.approx(exact, abs=0.05)
    assert dark.ab[:, 8, 8] == pytest.approx(2 * exact, abs=0.1)
    assert bright.observations[8, 8] == pytest.approx(50)


def test_identity_does_not_depend_on_how_a_hint_is_written() -> None:
    """A box and the polygon of its corners are one hint; lines of the file do not count."""
    box = Hint(frame="3", color="#ABCDEF", box=(0.25, 0.25, 0.5, 0.5), place="a:1")
    corners = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    polygon = Hint(frame="3", color="#abcdef", polygon=corners, place="b:7")
    assert (
        direct(ColorScript(hints=(box,)), FILM).identity
        == direct(ColorScript(hints=(polygon,)), FILM).identity
    )
