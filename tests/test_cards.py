from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import SAMPLE, write_film

from vidcolor import colorize_video
from vidcolor.color.lightness import brighten, to_network
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.shots.seeing import RISE_FRAMES, SCENE_FRAMES, CardWatch, is_card

H, W = 256, 352
FONTS = cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX


def card(
    lines: list[str],
    ground: float,
    ink: float,
    *,
    font: int = cv2.FONT_HERSHEY_COMPLEX,
    framed: bool = False,
    vignette: float = 0,
    seed: int = 0,
) -> np.ndarray:
    """L* of a grainy title card, as scanned."""
    letters = np.zeros((H, W), np.uint8)
    for number, line in enumerate(lines):
        (width, height), _ = cv2.getTextSize(line, font, 0.8, 2)
        place = ((W - width) // 2, H // 2 + (number - len(lines) // 2) * 2 * height)
        cv2.putText(letters, line, place, font, 0.8, 255, 2, cv2.LINE_AA)
    if framed:
        cv2.rectangle(letters, (20, 20), (W - 20, H - 20), 255, 3)
    y, x = np.mgrid[-1 : 1 : H * 1j, -1 : 1 : W * 1j]
    share = letters / np.float32(255)
    clean = (ground - vignette * np.hypot(x, y)) * (1 - share) + ink * share
    grain = np.random.default_rng(seed).normal(0, 4, (H, W))
    return np.clip(cv2.GaussianBlur(clean + grain, (0, 0), 0.8), 0, 100).astype(np.float32)


WORDS = ["The next morning", "the troop set out", "for the canyon"]


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize(("ground", "ink"), [(6, 88), (35, 90), (85, 15), (60, 10)])
def test_words_on_an_even_ground_are_a_card(font: int, ground: float, ink: float) -> None:
    """White on black, on gray, and black on white, in thin letters and in bold ones."""
    assert is_card(brighten(card(WORDS, ground, ink, font=font))[0])


def test_frames_uneven_grounds_and_leader_are_cards() -> None:
    """A frame around the words, a ground that darkens to its corners, rings with a cross hair."""
    assert is_card(card(WORDS, 8, 80, framed=True))
    assert is_card(brighten(card(WORDS, 24, 75, vignette=12))[0])
    leader = card(["8"], 50, 20)
    for radius in (90, 75):
        cv2.circle(leader, (W // 2, H // 2), radius, 20, 3)
    cv2.line(leader, (W // 2, 0), (W // 2, H), 20, 2)
    cv2.line(leader, (0, H // 2), (W, H // 2), 20, 2)
    assert is_card(leader)


@pytest.mark.parametrize("level", [20, 60, 95])
def test_blank_film_is_a_card(level: float) -> None:
    """Nothing but grain."""
    assert is_card(card([], level, 0))


def scene(seed: int = 3) -> np.ndarray:
    """A soft picture of many tones."""
    noise = np.random.default_rng(seed).uniform(0, 100, (12, 16)).astype(np.float32)
    return np.clip(cv2.resize(noise, (W, H), interpolation=cv2.INTER_CUBIC), 0, 100)


def test_scenes_are_no_cards() -> None:
    """Film of people, soft pictures, words laid over a scene, an even sky with a hill or people."""
    source = probe(SAMPLE)
    for frame in list(read_frames(source, Damage()))[::20]:
        seen = to_network(frame.luma, frame.picture, (W, H))
        assert not is_card(brighten(seen)[0])
    assert not is_card(scene())
    letters = card(WORDS, 0, 90) > 60
    assert not is_card(np.where(letters, np.float32(90), scene()))
    sky = card([], 70, 0)
    hill = cv2.circle(sky.copy(), (W // 2, H + 20), 120, 30, -1)
    assert not is_card(hill)
    people = sky.copy()
    for number in range(12):
        cv2.line(people, (20 + 28 * number, 120), (26 + 28 * number, 160), 58 - 5 * number, 6)
    assert not is_card(people)


def shares(pictures: list[np.ndarray]) -> list[float]:
    """The share of color that each picture of a shot gets."""
    watch = CardWatch()
    return [watch.color_share(picture, brighten(picture)[0]) for picture in pictures]


def test_a_scene_has_color_from_its_first_frame_to_its_last() -> None:
    """Also where it ends in something blank."""
    assert shares([scene()] * 3 + [card([], 60, 0)] * 5) == [1] * 8


def test_a_card_has_none_as_long_as_it_stays() -> None:
    """A scratch over some frames does not color it."""
    scratched = card(WORDS, 8, 80)
    scratched[:, 60:110] = 95
    assert not is_card(scratched)
    whole = [card(WORDS, 8, 80, seed=seed) for seed in range(4)]
    assert shares([*whole, *[scratched] * SCENE_FRAMES, *whole]) == [0] * (8 + SCENE_FRAMES)


def test_a_scene_that_follows_in_the_shot_comes_up() -> None:
    """Not at once, not in a jump, and to its full color."""
    found = shares([card(WORDS, 8, 80)] * 2 + [scene()] * 20)
    assert found[: 2 + SCENE_FRAMES] == [0] * (2 + SCENE_FRAMES)
    assert max(np.diff(found)) == pytest.approx(1 / RISE_FRAMES)
    assert found[-1] == 1


def test_what_fades_in_is_told_apart() -> None:
    """A card that fades in has no color when it can be seen, nor going out; a scene always has."""
    grain = np.random.default_rng(1).normal(0, 1.5, (H, W)).astype(np.float32)
    ways = np.linspace(0, 1, 25)
    title, picture = (
        shares([np.clip(whole * np.float32(way) + grain, 0, 100) for way in ways])
        for whole in (card(WORDS, 8, 80), scene())
    )
    assert title[7:] == [0] * 18
    assert shares([np.float32(way) * card(WORDS, 8, 80) for way in ways[:4:-1]]) == [0] * 20
    assert picture == [1] * 25


@pytest.mark.parametrize("blank", [True, False])
def test_a_card_in_a_film_is_written_without_color(tmp_path: Path, *, blank: bool) -> None:
    """Its chroma is neutral, that of a film of people is not."""
    words = np.rint(16 + card(WORDS, 35, 90) * 2.19).astype(np.uint8)
    film = write_film(tmp_path / "title.mkv", [words] * 6) if blank else SAMPLE
    settings = Settings(
        model=ModelSettings(device="cpu"),
        output=OutputSettings(lossless=True, overwrite=True),
        duration_seconds=Fraction(1, 4),
    )
    result = colorize_video(film, tmp_path / "out.mkv", settings)
    with av.open(str(result.path)) as container:
        planes = [frame.to_ndarray()[frame.height :] for frame in container.decode(video=0)]
    assert bool((abs(np.array(planes).astype(int) - 128) > 1).any()) != blank
