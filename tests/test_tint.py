from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import CLIPS, FORMATS, SAMPLE, Plane, each_clip, needs_clips, picture_frame, write_film
from photographs import panned

from vidcolor.color.hues import COLOR_VARIATION, find_hues, look_at
from vidcolor.reading.source import probe
from vidcolor.reading.tint import hues_of, is_color

IN_COLOR = {
    "colour/airshow_dissolve_fade.mp4": True,  # weak colors
    "colour/asl_book.mkv": True,
    "colour/autumn_deer_cuts.mp4": True,  # black between its pictures
    "colour/bikes_amsterdam_cuts.mp4": True,  # a muted grade
    "colour/face_makeup.mp4": True,
    "colour/goldeneye_cuts_vfr.mp4": True,
    "archive/abomb_1950s_army.mp4": False,
    "archive/edison_1899_coaches.mpg": False,  # faintly greenish
    "formats/made-sepia-tint.mp4": False,
    "formats/made-gray-h264.mp4": False,
    "formats/made-gray10-ffv1.mkv": False,
    "formats/made-letterbox.mp4": False,
    "formats/made-one-frame.mp4": False,
    "formats/made-mpeg2-ps-ntsc-telecine-sar32x27.mpg": True,
    "formats/real-anamorphic-sar1024x765.mp4": True,
}
WIDTH, HEIGHT = 320, 240


def scene(seed: int, low: float = 20, high: float = 230) -> np.ndarray:
    """A soft random picture of these codes, as floats."""
    noise = np.random.default_rng(seed).uniform(low, high, (6, 9)).astype(np.float32)
    return cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(low, high)


def coded(*planes: np.ndarray) -> tuple[Plane, ...]:
    """The planes as 8-bit codes of 4:4:4."""
    return tuple(np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in planes)


def neutral(seed: int = 1) -> tuple[Plane, ...]:
    """A picture without color."""
    return coded(scene(seed), np.full((HEIGHT, WIDTH), 128), np.full((HEIGHT, WIDTH), 128))


def noisy(seed: int = 1) -> tuple[Plane, ...]:
    """A picture without color whose chroma is noise, as of an old video tape."""
    rng = np.random.default_rng(seed)
    return coded(scene(1), *(128 + rng.normal(0, 4, (HEIGHT, WIDTH)) for _ in range(2)))


def sepia(seed: int = 1) -> tuple[Plane, ...]:
    """A toned picture: grays are brown in the middle and neutral at both ends."""
    luma = scene(seed)
    tone = 60 * (luma / 255) * (1 - luma / 255)
    return coded(luma, 128 - tone, 128 + 1.5 * tone)


def dyed(seed: int = 1) -> tuple[Plane, ...]:
    """A tinted picture: all of it blue."""
    return coded(scene(seed), np.full((HEIGHT, WIDTH), 160), np.full((HEIGHT, WIDTH), 110))


def colorful(seed: int = 1) -> tuple[Plane, ...]:
    """A picture whose colors have nothing to do with its luma; dull ones."""
    return coded(scene(seed), scene(seed + 1, 118, 138), scene(seed + 2, 118, 138))


def film(path: Path, *pictures: tuple[Plane, ...]) -> Path:
    """A film of these pictures without loss."""
    return write_film(path / "film.mkv", pictures, pixel_format="yuv444p")


@pytest.mark.parametrize(
    ("picture", "expected"),
    [(neutral, False), (noisy, False), (sepia, False), (dyed, False), (colorful, True)],
)
def test_a_tint_is_no_color(tmp_path: Path, picture: type, expected: bool) -> None:
    """Neutral, noisy, toned and dyed film is black and white; two hues in one gray are color."""
    path = film(tmp_path, *(picture(seed) if picture is noisy else picture() for seed in range(6)))
    assert is_color(probe(path)) is expected


def test_a_tint_of_few_bits_is_no_color() -> None:
    """Coarse steps leave a tint uneven, but of one hue."""
    assert not is_color(probe(FORMATS / "sepia.mp4"))


@pytest.mark.parametrize(
    ("turn", "strengths", "expected"),
    [(0.0, (18, 28), False), (0.5, (18, 28), True), (0.0, (4, 42), True)],
)
def test_hues_vary_or_only_their_strength(
    turn: float, strengths: tuple[float, float], *, expected: bool
) -> None:
    """Chroma that luma does not explain is color, unless it is of one hue and about as strong."""
    strength, angle = scene(7, *strengths), 2.0 + turn * (scene(8, 0, 2) - 1)
    planes = coded(scene(1), 128 + strength * np.cos(angle), 128 + strength * np.sin(angle))
    found = find_hues([look_at(planes, 8)] * 5)
    assert found is not None
    assert (found.variation > COLOR_VARIATION) is expected


@pytest.mark.parametrize(
    ("color", "gray", "expected"), [(5, 55, False), (30, 30, False), (55, 5, True), (60, 0, True)]
)
def test_a_part_in_color_makes_no_color_film(
    tmp_path: Path, color: int, gray: int, expected: bool
) -> None:
    """Nearly all of a film must be in color: what is in part can be colorized in part."""
    path = film(tmp_path, *[colorful()] * color, *[neutral()] * gray)
    assert is_color(probe(path)) is expected


def test_a_color_film_may_begin_in_black(tmp_path: Path) -> None:
    """Black at the beginning does not hide the colors that follow."""
    black = coded(*(np.full((HEIGHT, WIDTH), code) for code in (16, 128, 128)))
    assert is_color(probe(film(tmp_path, *[black] * 8, *[colorful()] * 8)))


def test_color_in_black_and_white_says_nothing(tmp_path: Path) -> None:
    """Chroma of samples nearly black or white is not looked at."""
    _, cb, cr = colorful()
    dark = (np.full_like(cb, 16), cb, cr)
    light = (np.full_like(cb, 240), cb, cr)
    assert not is_color(probe(film(tmp_path, dark, light, dark, light)))


def test_a_film_without_chroma_is_black_and_white(tmp_path: Path) -> None:
    """Luma alone needs no look at its frames."""
    luma = [neutral(seed)[0] for seed in range(3)]
    assert not is_color(probe(write_film(tmp_path / "film.mkv", luma, pixel_format="gray")))


def test_the_sample_reel_is_black_and_white() -> None:
    """The reel of 1899 is taken as it is."""
    assert not is_color(probe(SAMPLE))


def test_variation_is_the_distance_from_the_tint() -> None:
    """Of two hues 20 codes apart it is about half of that: the strongest places are left out."""
    luma = scene(3)
    cr = np.full((HEIGHT, WIDTH), 118.0)
    for row, column in np.argwhere(np.random.default_rng(4).random((6, 8)) < 0.5) * 40:
        cr[row : row + 40, column : column + 40] = 138
    frame = picture_frame(coded(luma, np.full((HEIGHT, WIDTH), 128), cr), "yuv444p")
    hues = hues_of([frame] * 3)
    assert hues is not None
    assert hues.variation == pytest.approx(9, rel=0.15)
    assert (hues.cb, hues.cr) == pytest.approx((0, cr.mean() - 128), abs=0.1)


@pytest.mark.parametrize(
    ("name", "saturation"), [("astronaut.png", 1), ("astronaut.png", 0.3), ("rocket.jpg", 0.8)]
)
def test_photographs(tmp_path: Path, name: str, saturation: float) -> None:
    """Real pictures are in color, weak colors too; without their colors they are not."""
    colored, gray = (panned(name, 32, saturation=share)[:8] for share in (saturation, 0))
    assert is_color(probe(film(tmp_path, *colored)))
    assert not is_color(probe(film(tmp_path, *gray)))


@pytest.mark.parametrize(
    "name", ["telecine.mpg", "letterbox.mp4", "one-frame.mp4", "gray-8bit.mp4", "hevc-10bit.mp4"]
)
def test_black_and_white_of_any_format(name: str) -> None:
    """Without chroma, with neutral chroma, of one frame, with fields of two frames."""
    assert not is_color(probe(FORMATS / name))


@needs_clips
@each_clip(IN_COLOR)
def test_real_films(clip: str) -> None:
    """Real films, weakly colored and toned ones among them, are told apart."""
    assert is_color(probe(CLIPS / clip)) is IN_COLOR[clip]
