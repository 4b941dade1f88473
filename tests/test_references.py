"""References and painted hints: pictures that a script names, and what comes of them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from test_hints import PICTURE, SIZE, seen_frame, two_halves

from vidcolor.color.lab import srgb_from_lab
from vidcolor.color.under_luma import under_luma
from vidcolor.directing import pictures
from vidcolor.directing.direction import direct
from vidcolor.directing.evidence import (
    FINER,
    DirectedShot,
    Matching,
    ShotEvidence,
    Told,
    hold,
    merge,
)
from vidcolor.directing.hints import ab_of
from vidcolor.directing.matching import OBSERVATIONS, least_observations, match, prepare
from vidcolor.directing.pictures import read_picture
from vidcolor.directing.placed import FilmFacts, PlacedReference, anchor_digest
from vidcolor.directing.read_script import parse_script
from vidcolor.directing.references import told_by_painting, told_by_reference
from vidcolor.directing.script import ColorScript, Reference
from vidcolor.errors import SettingError
from vidcolor.frame import Seen

pytestmark = pytest.mark.quick

FILM = FilmFacts("film.mp4", Fraction(25), seconds=4.0, picture=PICTURE)


def write_lab(path: Path, lab: np.ndarray, alpha: np.ndarray | None = None) -> Path:
    """A PNG of L*, a* and b*, (3, H, W)."""
    rgb = srgb_from_lab(torch.from_numpy(lab.astype(np.float32))).clamp(0, 1)
    codes = (255 * rgb).round().byte().movedim(0, -1).numpy()[..., ::-1]
    if alpha is not None:
        codes = np.concatenate([codes, alpha[..., None]], axis=-1)
    cv2.imwrite(str(path), np.ascontiguousarray(codes))
    return path


def colorful(height: int = 64, width: int = 128) -> np.ndarray:
    """L*, a* and b* of a picture that is red on its left and blue on its right."""
    lab = np.zeros((3, height, width), np.float32)
    lab[0] = 50
    lab[1, :, : width // 2], lab[2, :, width // 2 :] = 30, -30
    return lab


def placed(text: str, folder: Path, film: FilmFacts = FILM):  # noqa: ANN201
    """A script of a folder on its film."""
    return direct(parse_script(text.encode(), folder / "f.toml"), film)


def test_references_are_placed_by_their_names_or_their_keys(tmp_path: Path) -> None:
    """A folder of numbered pictures, one with a frame, free ones with a place or without."""
    (tmp_path / "references").mkdir()
    for number in (17, 4):
        write_lab(tmp_path / "references" / f"ref_{number:06d}.png", colorful())
    write_lab(tmp_path / "IMG_0001.png", colorful(90, 90))
    write_lab(tmp_path / "still.png", colorful())
    direction = placed(
        """
[[reference]]
picture = "references"
[[reference]]
picture = "still.png"
frame = "00:00:01:00"
strength = 2
[[reference]]
picture = "IMG_0001.png"
[[reference]]
picture = "IMG_0001.png"
shots = 2
""",
        tmp_path,
    )
    anchored = [one for one in direction.references if one.span is not None]
    assert [float(one.span.first) for one in anchored if one.span] == [4, 17, 1.02]
    assert [one.reference.place for one in anchored] == [f"{tmp_path}/f.toml:2"] * 2 + [
        f"{tmp_path}/f.toml:4"
    ]
    first, second = direction.free_references
    assert first.held.holds(0, 0, Fraction(0), Fraction(1))
    assert not second.held.holds(0, 0, Fraction(0), Fraction(1))
    assert second.held.holds(1, 0, Fraction(0), Fraction(1))
    assert len({anchor_digest(one) for one in direction.references}) == 5
    claim = direction.claim()
    assert claim["references"] == [anchor_digest(one) for one in direction.references]
    assert (claim["color_script_sha256"], claim["hints"]) == (direction.script.sha256, [])
    facts = direction.facts()
    assert facts
    assert len(facts["references"]) == 5  # type: ignore[arg-type]
    other = placed('[[reference]]\npicture = "IMG_0001.png"', tmp_path)
    assert direction.identity != other.identity
    write_lab(tmp_path / "IMG_0001.png", colorful(90, 91))
    assert placed('[[reference]]\npicture = "IMG_0001.png"', tmp_path).identity != other.identity


def _gray(path: Path) -> None:
    write_lab(path, colorful() * np.array([1, 0, 0], np.float32)[:, None, None])


def _square(path: Path) -> None:
    write_lab(path, colorful(64, 64))


def _clear(path: Path) -> None:
    write_lab(path, colorful(), np.zeros((64, 128), np.uint8))


def _opaque(path: Path) -> None:
    write_lab(path, colorful())


def _small(path: Path) -> None:
    write_lab(path, colorful(32, 64), np.full((32, 64), 255, np.uint8))


def _profile(path: Path) -> None:
    write_lab(path, colorful())
    Image.open(path).save(path, icc_profile=b"of no color space")


def _text(path: Path) -> None:
    path.write_text("no picture")


@pytest.mark.parametrize(
    ("lines", "make", "line", "told"),
    [
        ('picture = "p.png"\nframe = 3', None, 1, "no such file. Check its name."),
        ('picture = "p.png"\nframe = 3', _gray, 1, "is gray"),
        ('picture = "p.png"\nframe = 3', _square, 1, "is 1.00 times as wide as high, and the fr"),
        ('picture = "p.png"\nframe = 3', _text, 1, "cannot be read as a picture"),
        ('picture = "p.png"\nframe = 3', _profile, 1, "its color profile cannot be read"),
        ('picture = "p.png"\nframe = 999', colorful, 1, "lie beyond the end of film.mp4"),
        ('picture = "p.png"\nframe = 3\nshots = 4', None, 3, "frame and shots: a reference has"),
        ("frame = 3", None, 1, "the reference has no picture"),
        ('picture = "p.png"\nstrength = 9', None, 3, "strength: 9.0 is not allowed"),
        ('pictures = "p.png"', None, 2, "Did you mean picture?"),
        ('picture = "."', None, 1, "has no pictures named by their frame"),
    ],
)
def test_a_fault_of_a_reference_is_one_line(
    tmp_path: Path, lines: str, make: Callable | None, line: int, told: str
) -> None:
    """File and line, what is wrong, what to do."""
    if make is colorful:
        write_lab(tmp_path / "p.png", colorful())
    elif make is not None:
        make(tmp_path / "p.png")
    with pytest.raises(SettingError) as caught:
        placed(f"[[reference]]\n{lines}", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/f.toml:{line}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "make", "told"),
    [
        ('picture = "film_3.png"', _clear, "is transparent everywhere"),
        ('picture = "film_3.png"', _opaque, "is painted everywhere. Leave it transparent"),
        ('picture = "film_3.png"', _small, "has 64 x 32 pixels, and the frame has 128 x 64"),
        ('picture = "film.png"', _small, "does not say which frame it shows"),
        ('picture = "film_3.png"\ncolor = "neutral"', _small, "a picture has colors of its own"),
    ],
)
def test_a_fault_of_a_painted_hint_is_one_line(
    tmp_path: Path, lines: str, make: Callable, told: str
) -> None:
    """As of references; the size must be the frame's, since people paint on the frame."""
    for name in ("film_3.png", "film.png"):
        make(tmp_path / name)
    with pytest.raises(SettingError) as caught:
        placed(f"[[hint]]\n{lines}", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/f.toml:")
    assert told in str(caught.value)


def test_huge_and_changed_pictures_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before they are decoded; what was checked must be what is used."""
    path = write_lab(tmp_path / "p.png", colorful())
    kept = read_picture(path, "f:1")
    assert kept.size == (128, 64)
    assert read_picture(path, "f:1", kept.sha256).sha256 == kept.sha256
    write_lab(path, colorful(66))
    with pytest.raises(SettingError, match=r"f:1: .*has changed"):
        read_picture(path, "f:1", kept.sha256)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    with pytest.raises(SettingError, match="has 128 x 66 pixels, more than"):
        read_picture(path, "f:1")


def test_an_anchored_reference_is_exact_at_its_frame_and_follows_motion(tmp_path: Path) -> None:
    """Twice as fine as the map, both ways; strength 0 says nothing."""
    rng = np.random.default_rng(1)
    wide = cv2.GaussianBlur(rng.uniform(0, 100, (16, 64)).astype(np.float32), (0, 0), 1.5)
    frames = [seen_frame(n, np.ascontiguousarray(wide[:, n : n + 32])) for n in range(9)]
    lab = colorful()
    lab[0] = cv2.resize(wide[:, 4:36], (128, 64))
    picture = read_picture(write_lab(tmp_path / "ref_4.png", lab), "f:1")
    said = told_by_reference(picture, frames[4], 1.0)
    assert said.finer == FINER
    evidence = ShotEvidence(
        iter(frames), lambda s: said if s.frame.index == 4 else None, 4, finer=FINER
    )
    try:
        at_its_frame = evidence.at(4)
        assert at_its_frame is not None
        assert np.abs(at_its_frame.ab - said.ab).max() < 0.05
        net = np.zeros((2, *SIZE), np.float32)
        held = hold(net, at_its_frame)
        assert held.shape == (2, FINER * SIZE[0], FINER * SIZE[1])
        assert np.abs(held - said.ab).max() < 0.2
        for number in (0, 8):
            told = evidence.at(number)
            assert told is not None
            edge = FINER * (16 + 4 - number)  # where red becomes blue
            assert np.median(told.ab[0, :, edge - 6 : edge - 2]) > 25
            assert np.median(told.ab[0, :, edge + 2 : edge + 6]) < 5
    finally:
        evidence.close()
    assert not told_by_reference(picture, frames[4], 0.0).observations.any()


def test_fine_and_coarse_words_are_merged() -> None:
    """A hint beside a reference: means, at the finer size; what counts nothing mixes nothing."""
    fine = Told(np.full((2, 8, 8), 10, np.float32), np.ones((4, 4), np.float32))
    coarse = Told(np.full((2, 4, 4), 30, np.float32), np.zeros((4, 4), np.float32))
    coarse.observations[:2] = 3
    both = merge([fine, coarse])
    assert both.ab.shape == (2, 8, 8)
    assert both.ab[0, 0, 0] == pytest.approx(25, abs=0.01)
    assert both.ab[0, 7, 7] == pytest.approx(10, abs=0.01)
    assert both.coarse_ab[:, 0, 0] == pytest.approx([25, 25], abs=0.01)


def test_what_is_painted_fills_its_thing() -> None:
    """Two dabs, one in each half: each half has its color, whatever lies between is shared."""
    lightness = two_halves()
    lab, alpha = np.zeros((3, 64, 128), np.float32), np.zeros((64, 128), np.float32)
    lab[0] = 50
    for columns, color in ((slice(8, 16), "#b02020"), (slice(112, 120), "#2030b0")):
        lab[1:, 28:36, columns] = ab_of(color)[:, None, None]
        alpha[28:36, columns] = 1
    picture = pictures.ColorPicture(lab, alpha, (128, 64), "", "PNG")

    def features(_: Seen) -> np.ndarray:
        return np.zeros((1, *SIZE), np.float32)

    told = told_by_painting(picture, seen_frame(0, lightness), features)
    assert told is not None
    for columns, color, level in ((slice(14), "#b02020", 30.0), (slice(18, 32), "#2030b0", 70.0)):
        wish = torch.from_numpy(np.tile(ab_of(color)[:, None, None], SIZE))
        exact = under_luma(wish, torch.full(SIZE, level), PICTURE).numpy()[:, 2:14, columns]
        assert np.abs(told.ab[:, 2:14, columns] - exact).max() < 1
    assert told.observations[8, 2:4] == pytest.approx(50, rel=0.05)
    assert told.observations.min() > 5
    assert told_by_painting(replace_alpha(picture, 0), seen_frame(0, lightness), features) is None


def test_a_color_profile_says_what_the_codes_mean(tmp_path: Path) -> None:
    """Of sRGB nothing changes; with its red and its green exchanged, what was red is green."""
    path = write_lab(tmp_path / "still.png", colorful())
    plain = read_picture(path, "here").lab
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (srgb.count(b"rXYZ"), srgb.count(b"gXYZ")) == (1, 1)
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    for profile, red in ((srgb, True), (swapped, False)):
        Image.open(path).save(path, icc_profile=profile)
        lab = read_picture(path, "here").lab
        left = np.s_[1, :, : lab.shape[2] // 2]
        assert np.allclose(lab[left], plain[left], atol=1.0) == red
        assert (lab[left].mean() > 20) == red
        assert (lab[left].mean() < -20) != red


def replace_alpha(picture: pictures.ColorPicture, alpha: float) -> pictures.ColorPicture:
    """The picture, painted so everywhere."""
    return picture._replace(alpha=np.full_like(picture.alpha, alpha))


def levels_of(rng: np.random.Generator) -> list[np.ndarray]:
    """Features at strides 4 to 32 of a picture of the map's size."""
    coarse = rng.normal(0, 1, (96, 4, 8)).astype(np.float32)
    return [
        np.stack([cv2.resize(one, (32 // n, 16 // n), interpolation=cv2.INTER_CUBIC) for one in f])
        for n, f in ((1, coarse), (2, coarse[:64]), (4, coarse[:32]))
    ]


def test_what_looks_alike_gets_a_references_colors_and_nothing_else_does() -> None:
    """The mirrored picture gets mirrored colors; another scene, or other lightness, gets none."""
    rng = np.random.default_rng(3)
    levels, lab = levels_of(rng), colorful(16, 32)
    lab[0] = cv2.resize(rng.uniform(20, 80, (4, 8)).astype(np.float32), (32, 16))
    reference = prepare(levels, lab)
    mirrored = [np.ascontiguousarray(one[:, :, ::-1]) for one in levels]
    own = np.ascontiguousarray(lab[0, :, ::-1])
    told = match(reference, mirrored, own, 1.0)
    assert told.ab[0, :, 18:].mean() > 25
    assert told.ab[0, :, :14].mean() < 5
    assert told.observations.mean() > 0.6 * OBSERVATIONS
    assert match(reference, mirrored, own, 0.5).observations.mean() == pytest.approx(
        told.observations.mean() / 2, rel=1e-3
    )
    for others, lightness in ((levels_of(np.random.default_rng(4)), own), (mirrored, own + 60)):
        assert match(reference, others, lightness, 1.0).observations.max() < 0.1 * OBSERVATIONS
    # A frame of the same shot needs no proof that it shows the same.
    assert np.all(match(reference, levels_of(rng), own + 60, 0.5, 4.0).observations == 2.0)
    same = match(reference, mirrored, own, 1.0, 4.0)
    assert np.array_equal(same.ab, told.ab)


def test_a_frame_of_the_shot_counts_by_how_far_the_net_is_off(tmp_path: Path) -> None:
    """Where the net is off by more than a match is, and by no more than a sure match counts."""
    wanted = np.full((2, 4, 6), 10.0, np.float32)
    assert least_observations(wanted, wanted) == 0
    assert least_observations(wanted, np.stack([wanted[0], wanted[1] - 20])) == 3
    assert least_observations(wanted, wanted + 5) == 0
    assert least_observations(10 * wanted, wanted) == OBSERVATIONS
    path = write_lab(tmp_path / "still.png", colorful())
    own = placed(f'\n[[reference]]\npicture = "{path.name}"\nframe = 0', tmp_path).references[0]

    def anchor(one: Seen) -> Told | None:
        found[own] = 3.0
        return told_by_reference(read_picture(path, "here"), one, 1.0)

    found: dict[PlacedReference, float] = {}
    seen = seen_frame(0, two_halves())
    with closing(ShotEvidence([seen], anchor, 0, finer=FINER, references=found)) as evidence:
        assert DirectedShot(evidence=evidence).references_of(seen) == [Matching(own, 3.0)]


def test_a_reference_made_in_python_is_one_as_written(tmp_path: Path) -> None:
    """The same picture at the same frame is the same, whatever line it stands on."""
    path = write_lab(tmp_path / "still.png", colorful())
    written = placed('\n[[reference]]\npicture = "still.png"\nframe = 3', tmp_path)
    made = direct(ColorScript(references=(Reference(picture=str(path), frame="3"),)), FILM)
    assert written.identity == made.identity
    stronger = replace(made.references[0].reference, strength=2.0)
    assert direct(ColorScript(references=(stronger,)), FILM).identity != made.identity
