from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import (
    CLIPS,
    FORMATS,
    REFUSED,
    SAMPLE,
    Plane,
    each_clip,
    needs_clips,
    write_film,
)
from numpy.typing import NDArray

from vidcolor.film.colorize import colorize_video
from vidcolor.frame import Frame
from vidcolor.models.zoo import find_model
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.shot import ActiveArea, Shot
from vidcolor.shots.cuts import number_frames
from vidcolor.shots.pieces import find_pieces
from vidcolor.shots.settling import JUDGED_FRAMES

HEIGHT, WIDTH = 240, 320
FRAMES = 8
SETTINGS = Settings(model=ModelSettings(render_size=128, device="cpu"))

Box = Callable[[Plane], Plane]


def coaches(count: int = FRAMES) -> list[Plane]:
    """Real pictures of 320 x 240."""
    frames = islice(read_frames(probe(SAMPLE), Damage()), count)
    return [frame.luma for frame in frames]


def padded(top: int, bottom: int, left: int, right: int, level: int = 16) -> Box:
    """Puts bars round a picture."""
    borders = (top, bottom, left, right, cv2.BORDER_CONSTANT, None, level)
    return lambda luma: np.asarray(cv2.copyMakeBorder(luma, *borders), np.uint8)


def soft(luma: Plane) -> Plane:
    """A letterbox whose edges are blurred."""
    boxed = padded(40, 40, 0, 0)(luma)
    blurred = cv2.GaussianBlur(boxed, (0, 0), 2)
    mixed = boxed.copy()
    for edge in (40, 40 + HEIGHT):
        mixed[edge - 6 : edge + 6] = blurred[edge - 6 : edge + 6]
    return mixed


def dirty(luma: Plane) -> Plane:
    """Gray bars with grain."""
    boxed = padded(32, 36, 56, 56, 40)(luma)
    noise = np.random.default_rng(int(luma[0, 0])).normal(0, 2, boxed.shape)
    noise[32 : 32 + HEIGHT, 56 : 56 + WIDTH] = 0
    return np.asarray(np.clip(boxed + noise, 0, 255), np.uint8)


def gate(luma: Plane) -> Plane:
    """The rounded gate of a small-gauge film."""
    mask = np.zeros(luma.shape, np.uint8)
    radius = 20
    cv2.rectangle(mask, (radius, 0), (WIDTH - radius, HEIGHT), 255, -1)
    cv2.rectangle(mask, (0, radius), (WIDTH, HEIGHT - radius), 255, -1)
    for x in (radius, WIDTH - radius):
        for y in (radius, HEIGHT - radius):
            cv2.circle(mask, (x, y), radius, 255, -1)
    rounded = np.where(mask > 0, luma, 20).astype(np.uint8)
    return padded(20, 24, 36, 44, 20)(rounded)


BOXES = {
    "letterbox": (padded(60, 60, 0, 0), (60, 0)),
    "pillarbox": (padded(0, 0, 80, 80), (0, 80)),
    "windowbox": (padded(80, 80, 120, 120), (80, 120)),
    "soft": (soft, (40, 0)),
    "dirty": (dirty, (32, 56)),
    "gate": (gate, (20, 36)),
}


def frames_of(path: Path, pictures: list[Plane]) -> Iterator[Frame]:
    """Decoded frames of a film of these pictures."""
    film = write_film(path, pictures, codec="ffv1", pixel_format="yuv420p")
    return read_frames(probe(film), Damage())


def shots_of(path: Path, pictures: list[Plane]) -> list[tuple[int, Shot]]:
    """Where each shot begins, and what is known of it."""
    found: list[tuple[int, Shot]] = []
    for one in number_frames(frames_of(path / "film.mkv", pictures)):
        if not found or found[-1][1] != one.shot:
            found.append((one.frame.index, one.shot))
    return found


def lab(luma: Plane, cb: Plane, cr: Plane) -> NDArray[np.float32]:
    """The colors of a frame, (H, W, 3) L*, a* and b*."""
    size = luma.shape[::-1]
    chroma = [cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in (cr, cb)]
    bgr = cv2.cvtColor(np.dstack([luma, *chroma]), cv2.COLOR_YCrCb2BGR)
    return np.asarray(cv2.cvtColor(bgr.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), np.float32)


def colored(path: Path, pictures: list[Plane]) -> list[tuple[Plane, Plane, Plane]]:
    """Luma and new chroma of each frame."""
    colors = colorize_frames(frames_of(path, pictures), find_model(SETTINGS.model), SETTINGS)
    return [(one.frame.luma, one.chroma.cb, one.chroma.cr) for one in colors]


@pytest.mark.parametrize("kind", BOXES)
def test_bars_change_no_color(tmp_path: Path, kind: str) -> None:
    """The picture has the colors that it has alone, and what lies around it has none."""
    box, (top, left) = BOXES[kind]
    pictures = coaches()
    alone = colored(tmp_path / "alone.mkv", [gated(kind, luma) for luma in pictures])
    boxed = colored(tmp_path / "boxed.mkv", [box(luma) for luma in pictures])
    distances = []
    for one, other in zip(alone, boxed, strict=True):
        inside = lab(*other)[top : top + HEIGHT, left : left + WIDTH]
        distances.append(np.linalg.norm((inside - lab(*one))[..., 1:], axis=-1).mean())
        for plane in other[1:]:
            around = plane.astype(int) - 128
            rows = slice(max(0, top // 2 - 2), (top + HEIGHT) // 2 + 2)
            around[rows, max(0, left // 2 - 2) : (left + WIDTH) // 2 + 2] = 0
            assert not around.any()
    assert np.mean(distances) < 1
    assert np.mean([np.abs(one[1].astype(int) - 128).mean() for one in boxed]) > 1


def gated(kind: str, luma: Plane) -> Plane:
    """The picture alone, with the corners that its gate leaves."""
    return gate(luma)[20 : 20 + HEIGHT, 36 : 36 + WIDTH] if kind == "gate" else luma


def test_luma_is_untouched(tmp_path: Path) -> None:
    """Bars or none, luma goes out as it came in."""
    box, _ = BOXES["windowbox"]
    pictures = [box(luma) for luma in coaches(4)]
    film = write_film(tmp_path / "film.mkv", pictures, codec="ffv1", pixel_format="yuv420p")
    settings = replace(SETTINGS, output=OutputSettings(lossless=True))
    written = colorize_video(film, settings=settings).path
    read = [frame.luma for frame in read_frames(probe(written), Damage())]
    assert all((one == other).all() for one, other in zip(read, pictures, strict=True))


def in_the_dark(x: int, level: float = 200) -> Plane:
    """A lit face, soft at its edge, in a black room, with grain."""
    face = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(face, (x, 120), (60, 80), 0, 0, 360, level, -1)
    noise = np.random.default_rng(x).normal(0, 2, face.shape)
    lit = cv2.GaussianBlur(face, (0, 0), 4) + 18 + noise
    return np.asarray(np.clip(lit, 16, 235), np.uint8)


def night(_: int) -> Plane:
    """Lit ground under a black sky, and a lamp."""
    luma = np.full((HEIGHT, WIDTH), 17, np.uint8)
    luma[150:] = coaches(1)[0][150:]
    cv2.circle(luma, (250, 60), 4, 235, -1)
    return luma


@pytest.mark.parametrize("picture", [in_the_dark, night])
def test_the_dark_is_no_bar(tmp_path: Path, picture: Callable[[int], Plane]) -> None:
    """A face in the dark and a night sky belong to the picture."""
    shots = shots_of(tmp_path, [picture(140 + 4 * step) for step in range(16)])
    assert {shot.active for _, shot in shots} == {None}


def test_a_fade_in_is_no_bar(tmp_path: Path) -> None:
    """A picture that comes up from black shows nothing of bars on its way."""
    pictures = coaches(24)
    shares = np.linspace(0, 1, 24) ** 2
    faded = [
        np.asarray(np.rint(16 + (luma - 16.0) * share).clip(16, 235), np.uint8)
        for luma, share in zip(pictures, shares, strict=True)
    ]
    assert {shot.active for _, shot in shots_of(tmp_path, faded)} == {None}


def test_bars_of_a_film_that_fades_in(tmp_path: Path) -> None:
    """They are found as soon as there is light, and a dark shot later keeps them."""
    box, _ = BOXES["letterbox"]
    shares = [*np.linspace(0, 1, 12) ** 2, *[1.0] * 12]
    bright = [
        box(np.asarray(np.rint(16 + (luma - 16.0).clip(0) * share), np.uint8))
        for luma, share in zip(coaches(24), shares, strict=True)
    ]
    dark = [box(np.asarray(16 + in_the_dark(150 + 4 * n) // 40, np.uint8)) for n in range(12)]
    shots = shots_of(tmp_path, bright + dark)
    area = ActiveArea(60, 60 + HEIGHT, 0, WIDTH)
    assert shots[-1][1].active == area
    assert [shot.active for start, shot in shots if start >= 12] == [area] * len(
        [start for start, _ in shots if start >= 12]
    )
    assert any(shot.active == area and start < 24 for start, shot in shots)


def test_bars_that_end(tmp_path: Path) -> None:
    """Where the picture grows into its bars inside a shot, another one begins; subtitles do not."""
    pictures = [cv2.resize(luma, (WIDTH, 360)) for luma in coaches(40)]
    boxed = []
    for index, luma in enumerate(pictures):
        frame = luma.copy()
        bar = max(0, 60 - 4 * max(0, index - 20))
        frame[:bar] = 16
        frame[360 - bar :] = 16
        if 12 < index < 18:
            cv2.putText(frame, "some words said", (60, 345), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 235, 2)
        boxed.append(frame)
    shots = shots_of(tmp_path, boxed)
    assert shots[0] == (0, Shot(0, None, ActiveArea(60, 300, 0, WIDTH)))
    starts = [start for start, _ in shots]
    assert all(start == 0 or start > 20 for start in starts)
    assert shots[-1][1].active is None
    assert [shot.number for _, shot in shots] == list(range(len(shots)))


def test_frames_are_held_for_a_while_only(tmp_path: Path) -> None:
    """However long a shot, no more than its first frames wait."""
    taken = 0

    def counted() -> Iterator[Frame]:
        nonlocal taken
        for frame in frames_of(tmp_path / "film.mkv", [BOXES["gate"][0](p) for p in coaches(40)]):
            taken += 1
            yield frame

    given = 0
    for _ in number_frames(counted()):
        given += 1
        assert taken - given < JUDGED_FRAMES + 4
    assert given == taken == 40


def test_machines_see_the_same_bars(tmp_path: Path) -> None:
    """The first pass of a cluster finds the shots that a run on one machine finds."""
    box, _ = BOXES["pillarbox"]
    wide = [cv2.resize(luma, (480, HEIGHT)) for luma in coaches(10)]
    pictures = [*map(box, coaches(10)), *[255 - luma for luma in wide], *map(box, coaches(10))]
    shots = [shot for _, shot in shots_of(tmp_path, pictures)]
    pieces = list(find_pieces(frames_of(tmp_path / "film.mkv", pictures), 1000))
    assert [piece.shot for piece in pieces] == shots
    area = ActiveArea(0, HEIGHT, 80, 80 + WIDTH)
    assert [shot.active for shot in shots] == [area, None, area]
    assert shots[2].returns_to == 0


def test_each_of_our_clips_is_one_shot_and_the_letterbox_alone_has_bars() -> None:
    """Of whatever codec, depth, range, rate and damage, the film of 1899 is told to be the same."""
    shots = {}
    for path in sorted(FORMATS.glob("*.*")):
        if path.name not in REFUSED:
            numbered = number_frames(read_frames(probe(path), Damage()))
            shots[path.name] = {one.shot for one in numbered}
    assert len(shots) > 25
    (boxed,) = shots.pop("letterbox.mp4")
    assert boxed.active == ActiveArea(24, 96, 0, 160)  # 26 to 94, and what coding has blurred
    assert {name: found for name, found in shots.items() if found != {Shot(0, None)}} == {}


@needs_clips
@each_clip(sorted(path.name for path in CLIPS.glob("colour/*")))
def test_real_films_without_bars(clip: str) -> None:
    """Of the clips in color none has bars."""
    frames = islice(read_frames(probe(CLIPS / "colour" / clip), Damage()), 150)
    assert {one.shot.active for one in number_frames(frames)} == {None}
