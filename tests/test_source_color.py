import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import Plane, write_film
from numpy.typing import NDArray

from vidcolor.dump.sink import FrameDump
from vidcolor.film.colorize import Result, colorize_video
from vidcolor.models.zoo import find_model
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.pixels import plane_view
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.report.source_lines import describe_source, name_tint
from vidcolor.settings import ColorSettings, ModelSettings, OutputSettings, Settings
from vidcolor.shots.cuts import number_frames
from vidcolor.shots.pieces import find_pieces

WIDTH, HEIGHT, FRAMES = 160, 120, 6
SETTINGS = Settings(
    model=ModelSettings(render_size=64, device="cpu"), output=OutputSettings(lossless=True)
)
Planes = tuple[Plane, ...]
SUBSAMPLED = {"yuv420p": (2, 2), "yuv422p": (2, 1), "yuv444p": (1, 1), "yuv420p10le": (2, 2)}


def soft(seed: int, low: float, high: float, shift: int = 0) -> NDArray[np.float32]:
    """A soft random picture of these codes, moved to the right."""
    noise = np.random.default_rng(seed).uniform(low, high, (6, 8)).astype(np.float32)
    whole = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(low, high)
    return np.roll(whole, shift, axis=1)


def planes(
    luma: NDArray[np.float32], cb: object, cr: object, pixel_format: str = "yuv420p"
) -> Planes:
    """Codes of a picture, its chroma given in 8-bit codes of luma's size."""
    across, down = SUBSAMPLED[pixel_format]
    deep = pixel_format.endswith("10le")
    small = (WIDTH // across, HEIGHT // down)
    parts = [np.broadcast_to(np.asarray(part, np.float32), luma.shape) for part in (cb, cr)]
    shrunk = [cv2.resize(part, small, interpolation=cv2.INTER_AREA) for part in parts]
    scale, dtype = (4, np.uint16) if deep else (1, np.uint8)
    return tuple(np.rint(part * scale).astype(dtype) for part in (luma, *shrunk))


def gray_shot(seed: int, pixel_format: str = "yuv420p") -> list[Planes]:
    """A black-and-white shot."""
    return [planes(soft(seed, 30, 220, n), 128, 128, pixel_format) for n in range(FRAMES)]


def color_shot(seed: int, pixel_format: str = "yuv420p") -> list[Planes]:
    """A shot whose things have colors of their own."""
    return [
        planes(
            soft(seed, 30, 220, n),
            soft(seed + 50, 100, 156, n),
            soft(seed + 60, 100, 156, n),
            pixel_format,
        )
        for n in range(FRAMES)
    ]


def tinted_shot(seed: int, cb: float, cr: float) -> list[Planes]:
    """A black-and-white shot under one tint."""
    return [planes(soft(seed, 30, 220, n), 128 + cb, 128 + cr) for n in range(FRAMES)]


def chroma_of(path: Path) -> NDArray[np.float64]:
    """Cb and Cr of each frame at luma's size, (frames, 2, H, W), from neutral in 8-bit codes."""
    size = (WIDTH, HEIGHT)
    with av.open(str(path)) as container:
        frames = [
            [cv2.resize(plane_view(frame, n), size, None, 0, 0, cv2.INTER_NEAREST) for n in (1, 2)]
            for frame in container.decode(video=0)
        ]
    return np.array(frames, float) - 128


def shots_of(result: Result) -> list[dict[str, object]]:
    """What the sidecar tells of the shots."""
    facts = json.loads(result.path.with_suffix(".json").read_text(encoding="utf-8"))
    shots: list[dict[str, object]] = facts["shots"]
    return shots


@pytest.mark.parametrize("pixel_format", SUBSAMPLED)
def test_a_shot_in_color_keeps_its_codes(tmp_path: Path, pixel_format: str) -> None:
    """Each format: shots in color go out code by code, those between them get color."""
    pictures = [
        *gray_shot(1, pixel_format), *color_shot(2, pixel_format), *gray_shot(3, pixel_format)
    ]  # fmt: skip
    film = write_film(tmp_path / "film.mkv", pictures, pixel_format=pixel_format)
    result = colorize_video(film, settings=SETTINGS)
    with av.open(str(result.path)) as container:
        frames = list(container.decode(video=0))
    assert frames[0].format.name == pixel_format
    dtype = np.uint16 if pixel_format.endswith("le") else np.uint8
    for index, (frame, wanted) in enumerate(zip(frames, pictures, strict=True)):
        for number, plane in enumerate(frame.planes):
            rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
            is_same = (rows[:, : plane.width] == wanted[number]).all()
            assert is_same or (number and not FRAMES <= index < 2 * FRAMES)
    assert np.abs(chroma_of(result.path)[:FRAMES]).mean() > 1
    assert [shot["kept"] for shot in shots_of(result)] == [None, "color", None]
    assert result.source_color == [
        "1 shot is in color already and kept (at 0:00:00), 2 others are colorized"
    ]


def test_another_subsampling_keeps_the_colors(tmp_path: Path) -> None:
    """Where the result has other chroma planes, the colors are the same as nearly as they can."""
    pictures = [*gray_shot(1), *color_shot(2)]
    film = write_film(tmp_path / "film.mkv", pictures)
    output = replace(SETTINGS.output, chroma="444")
    result = colorize_video(film, settings=replace(SETTINGS, output=output))
    distance = np.abs(chroma_of(result.path) - chroma_of(film))[FRAMES:]
    assert distance.mean() < 1


def test_rgb_keeps_its_colors(tmp_path: Path) -> None:
    """Numbered pictures in RGB keep their colors to a code or two."""
    folder = tmp_path / "reel"
    folder.mkdir()
    for index, picture in enumerate([*gray_shot(1, "yuv444p"), *color_shot(2, "yuv444p")]):
        bgr = cv2.cvtColor(np.dstack([picture[0], picture[2], picture[1]]), cv2.COLOR_YCrCb2BGR)
        cv2.imwrite(str(folder / f"{index:04d}.png"), bgr)
    settings = replace(SETTINGS, output=OutputSettings())
    settings = replace(settings, input=replace(settings.input, fps=Fraction(24)))
    colorize_video(folder / "%04d.png", tmp_path / "new" / "%04d.png", settings)
    for index in (FRAMES, FRAMES + 5):
        pair = [cv2.imread(str(d / f"{index:04d}.png")) for d in (folder, tmp_path / "new")]
        assert np.abs(np.diff(np.array(pair, int), axis=0)).max() <= 2
    first = cv2.imread(str(tmp_path / "new" / "0003.png")).astype(int)
    assert np.ptp(first, axis=2).mean() > 1


def test_force_replaces_all(tmp_path: Path) -> None:
    """With force no shot is looked at."""
    film = write_film(tmp_path / "film.mkv", [*gray_shot(1), *color_shot(2)])
    result = colorize_video(film, settings=replace(SETTINGS, force=True))
    assert [shot["kept"] for shot in shots_of(result)] == [None, None]
    assert np.abs(chroma_of(result.path) - chroma_of(film))[FRAMES:].mean() > 3
    assert result.source_color == []


def test_a_stopped_film_keeps_the_same_color(tmp_path: Path) -> None:
    """Gone on with behind its color shot, a film has the bytes of an unbroken run."""
    pictures = [*gray_shot(1), *color_shot(2), *gray_shot(3), *color_shot(4)]
    film = write_film(tmp_path / "film.mkv", pictures)
    whole = colorize_video(film, tmp_path / "whole.mkv", SETTINGS)

    def stop(done: int, _shot: int) -> None:
        if done == 2 * FRAMES + 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        colorize_video(film, tmp_path / "broken.mkv", SETTINGS, progress=stop)
    broken = colorize_video(film, tmp_path / "broken.mkv", SETTINGS)
    assert broken.path.read_bytes() == whole.path.read_bytes()
    kept = [shot["kept"] for shot in shots_of(broken)]
    assert kept == [None, "color", None, "color"] == [s["kept"] for s in shots_of(whole)]


def test_machines_find_the_same_color(tmp_path: Path) -> None:
    """The first pass of a cluster tells of each shot what a run on one machine finds."""
    pictures = [*gray_shot(1), *color_shot(2), *tinted_shot(3, 20, -12)]
    source = replace(probe(write_film(tmp_path / "film.mkv", pictures)), reads_chroma=True)
    found = [one.shot for one in number_frames(read_frames(source, Damage()))]
    assert [piece.shot for piece in find_pieces(read_frames(source, Damage()), 1000)] == list(
        dict.fromkeys(found)
    )
    colors = [shot.color for shot in dict.fromkeys(found)]
    assert [color and color[:2] for color in colors] == [
        (False, False), (True, False), (False, True)
    ]  # fmt: skip


def test_color_that_comes_up_in_a_shot(tmp_path: Path) -> None:
    """Where a gray picture becomes one in color without a cut, another shot begins."""
    shares = [*[0.0] * 16, *np.linspace(0, 1, 8), *[1.0] * 16]
    pictures = [
        planes(
            soft(1, 30, 220, n),
            128 + share * (soft(51, 100, 156, n) - 128),
            128 + share * (soft(61, 100, 156, n) - 128),
        )
        for n, share in enumerate(shares)
    ]
    result = colorize_video(write_film(tmp_path / "film.mkv", pictures), settings=SETTINGS)
    assert [shot["kept"] for shot in shots_of(result)] == [None, "color"]
    first = shots_of(result)[1]["first_frame"]
    assert isinstance(first, int)
    assert 16 < first < 32
    kept = chroma_of(result.path)[first:] - chroma_of(tmp_path / "film.mkv")[first:]
    assert not kept.any()


TINTS = [(0.0, 0.0), (25.0, -15.0), (-22.0, 16.0)]


def test_tints_are_told(tmp_path: Path) -> None:
    """Each shot's tint stands in the sidecar, and a line says which there are."""
    pictures = [one for seed, tint in enumerate(TINTS) for one in tinted_shot(seed, *tint)]
    film = write_film(tmp_path / "film.mkv", pictures)
    result = colorize_video(film, settings=SETTINGS)
    assert [shot["tint"] for shot in shots_of(result)] == [
        pytest.approx(tint, abs=0.6) for tint in TINTS
    ]
    assert result.source_color == [
        "tinted or toned: 2 of 3 shots (blue, amber), colorized; see --tint"
    ]
    assert np.abs(chroma_of(result.path)[FRAMES : 2 * FRAMES].mean((0, 2, 3)) - TINTS[1]).max() > 10


def test_colored_words_keep_their_color(tmp_path: Path) -> None:
    """A yellow line of words on black and white: the film is colorized but for them; it is told."""
    pictures = []
    for n in range(FRAMES):
        luma, cb, cr = (
            soft(1, 30, 220, n),
            np.full((HEIGHT, WIDTH), 128.0),
            np.full((HEIGHT, WIDTH), 128.0),
        )
        words = np.s_[HEIGHT * 3 // 4 : HEIGHT * 7 // 8, WIDTH // 4 : WIDTH * 3 // 4]
        luma[words], cb[words], cr[words] = 200, 50, 140
        pictures.append(planes(luma, cb, cr))
    film = write_film(tmp_path / "film.mkv", pictures)
    result = colorize_video(film, settings=SETTINGS)
    (line,) = result.source_color
    assert line.startswith("1 shot is black and white but for a subtitle or logo, up to ")
    own, made = chroma_of(film), chroma_of(result.path)
    is_words = np.hypot(own[:, 0], own[:, 1]) > 40
    assert is_words.mean() == pytest.approx(1 / 16, abs=0.01)
    assert not (made - own).transpose(0, 2, 3, 1)[is_words].any()
    assert np.abs(made).transpose(0, 2, 3, 1)[~is_words].mean() > 1
    assert shots_of(result)[0]["overlay"] == pytest.approx(1 / 16, abs=0.02)


def test_a_tint_is_kept_or_mixed(tmp_path: Path) -> None:
    """Kept, tinted shots are as they were; mixed, both tint and color can be seen."""
    pictures = [one for seed, tint in enumerate(TINTS) for one in tinted_shot(seed, *tint)]
    film = write_film(tmp_path / "film.mkv", pictures)
    own = chroma_of(film)
    settings = replace(SETTINGS, color=ColorSettings(tint="keep"))
    result = colorize_video(film, tmp_path / "kept.mkv", settings)
    assert not (chroma_of(result.path) - own)[FRAMES:].any()
    assert np.abs(chroma_of(result.path)[:FRAMES]).mean() > 1
    assert [shot["kept"] for shot in shots_of(result)] == [None, "tint", "tint"]
    assert result.source_color == ["tinted or toned: 2 of 3 shots (blue, amber), kept"]
    settings = replace(SETTINGS, color=ColorSettings(tint="mix"))
    mixed = chroma_of(colorize_video(film, tmp_path / "mixed.mkv", settings).path)
    for number in (1, 2):
        shot = mixed[number * FRAMES : (number + 1) * FRAMES]
        assert (np.array(TINTS[number]) * shot.mean((0, 2, 3)) > 0).all()
        assert (np.abs(shot.mean((0, 2, 3))) > np.abs(TINTS[number]) / 2).all()
        assert shot.std((2, 3)).mean() > 0.5


@pytest.mark.parametrize(
    ("chroma", "name"),
    [((25, -15), "blue"), ((-22, 16), "amber"), ((-10.6, 6.5), "brown"), ((-12, 40), "red"),
     ((-20, -25), "green"), ((20, 30), "magenta"), ((10, -30), "cyan"), ((-40, 4), "yellow")],
)  # fmt: skip
def test_tints_have_names(chroma: tuple[float, float], name: str) -> None:
    """As catalogs of film call them."""
    assert name_tint(*chroma) == name


def test_a_neutral_film_is_not_told_of() -> None:
    """No color, no tint: no line; an earlier version's shots tell nothing."""
    shots = [{"kept": None, "tint": (-3.0, -1.0), "start_seconds": 0.0}, {"start_seconds": 1.0}]
    assert describe_source(shots) == []


def test_kept_frames_can_be_dumped(tmp_path: Path) -> None:
    """A dump shows the chroma of a frame that keeps it, and of one inside bars."""
    boxed = [
        tuple(
            cv2.copyMakeBorder(plane, edge, edge, 0, 0, cv2.BORDER_CONSTANT, None, code)
            for plane, edge, code in zip(picture, (24, 12, 12), (16, 128, 128), strict=True)
        )
        for picture in [*gray_shot(1), *color_shot(2)]
    ]
    film = write_film(tmp_path / "film.mkv", boxed)
    dump = FrameDump(tmp_path / "dump", f"3,{FRAMES + 3}")
    result = colorize_video(film, settings=SETTINGS, dump=dump)
    assert dump.count == 2
    assert [shot["kept"] for shot in shots_of(result)] == [None, "color"]
    assert [shot["active"] for shot in shots_of(result)] == [[24, 24 + HEIGHT, 0, WIDTH]] * 2
    folders = sorted(path for path in (tmp_path / "dump").iterdir() if path.is_dir())
    for folder in folders:
        arrays = np.load(folder / "chroma.npz")
        assert arrays["cb"].shape == (HEIGHT // 2 + 24, WIDTH // 2)


def test_a_negative_has_the_colors_of_its_positive(tmp_path: Path) -> None:
    """Told that it is one, the network sees the positive; luma stays that of the negative."""
    positive = [soft(1, 20, 230, n) for n in range(6)]
    films = [
        write_film(tmp_path / f"{name}.mkv", [planes(luma, 128, 128) for luma in pictures])
        for name, pictures in (
            ("positive", positive),
            ("negative", [251 - np.rint(luma) for luma in positive]),
        )
    ]
    model = find_model(SETTINGS.model)
    settings = replace(SETTINGS, color=ColorSettings(negative=True))
    shown, inverted, unaware = (
        [one.ab for one in colorize_frames(read_frames(probe(film), Damage()), model, chosen)]
        for film, chosen in zip([*films, films[1]], (SETTINGS, settings, SETTINGS), strict=True)
    )
    for one, other, wrong in zip(shown, inverted, unaware, strict=True):
        np.testing.assert_allclose(one, other, atol=0.2)
        assert np.abs(one - wrong).mean() > 0.5
    output = colorize_video(films[1], settings=settings).path
    pairs = zip(
        read_frames(probe(output), Damage()), read_frames(probe(films[1]), Damage()), strict=True
    )
    assert all((one.luma == other.luma).all() for one, other in pairs)


def test_log_codes_have_the_colors_of_their_light(tmp_path: Path) -> None:
    """Told that codes are printing density, the network sees light; luma stays logarithmic."""
    light = np.linspace(0.02, 0.9, 101)
    shown = 1.055 * light ** (1 / 2.4) - 0.055
    density = np.log10(light * (1 - 10 ** (-590 / 300)) + 10 ** (-590 / 300)) * 300 + 685
    pictures = [soft(1, 60, 220, n) for n in range(3)]
    films = [
        write_film(tmp_path / f"{name}.mkv", [planes(luma, 128, 128) for luma in lumas])
        for name, lumas in (
            ("shown", pictures),
            ("log", [16 + 219 * np.interp((luma - 16) / 219, shown, density / 1023)
                     for luma in pictures]),
        )
    ]  # fmt: skip
    model = find_model(SETTINGS.model)
    told = replace(SETTINGS, color=ColorSettings(log_to_lightness=True))
    right, ours, unaware = (
        [one.ab for one in colorize_frames(read_frames(probe(film), Damage()), model, chosen)]
        for film, chosen in zip([*films, films[1]], (SETTINGS, told, SETTINGS), strict=True)
    )
    for one, other, wrong in zip(right, ours, unaware, strict=True):
        assert np.abs(one - other).mean() < 0.25 * np.abs(one - wrong).mean()
