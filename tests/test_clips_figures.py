from dataclasses import replace
from functools import cache
from math import log
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clip_figures import ALONE, COLORED, color_clip, evaluate_clips, read_truth
from clips import Plane, write_film
from scipy.spatial.distance import jensenshannon

from vidcolor import colorize_video
from vidcolor.color.lab import lab_from_srgb, srgb_from_lab
from vidcolor.color.ycbcr import chroma_codes
from vidcolor.errors import SourceError
from vidcolor.evaluation.clips import (
    SHORT_SIDE,
    TRUTH,
    ColoredFrame,
    count_ab,
    jensen_shannon,
    measure_clip,
    scale_luma,
    srgb_from_planes,
)
from vidcolor.evaluation.photos import Figures
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.models.zoo import Model, load_model
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, OutputSettings, Settings

HEIGHT, WIDTH = 64, 96
SETTINGS = Settings(
    model=ModelSettings(device="cpu", render_size=64, batch_size=2),
    output=OutputSettings(lossless=True),
    force=True,
)


def soft_noise(seed: int, width: int = WIDTH, *, cell: int = 8) -> np.ndarray:
    """A smooth random map, (64, width) in [0, 1]."""
    noise = np.random.default_rng(seed).random((HEIGHT // cell, width // cell), np.float32)
    return cv2.resize(noise, (width, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def colored(luma: np.ndarray, ab: np.ndarray) -> torch.Tensor:
    """A picture (3, H, W) of that luma, roughly, and exactly those a* and b*, (2, H, W)."""
    lab = torch.from_numpy(np.stack([40 + 20 * luma, *ab]).astype(np.float32))
    return srgb_from_lab(lab)


def frames_of(
    lumas: list[np.ndarray], abs_: list[np.ndarray], shots: list[int] | None = None
) -> list[ColoredFrame]:
    """Frames with one coloring."""
    return [
        ColoredFrame(
            shot=shots[index] if shots else 0,
            luma=torch.from_numpy(luma)[None],
            colors={"colored": colored(luma, ab)},
        )
        for index, (luma, ab) in enumerate(zip(lumas, abs_, strict=True))
    ]


def figures_of(*args: list) -> Figures:
    """Figures of that one coloring."""
    return measure_clip(frames_of(*args))["colored"]


def color_map(seed: int, width: int = WIDTH) -> np.ndarray:
    """Soft colors, (2, 64, width) in [-20, 20]."""
    return np.stack([40 * soft_noise(seed + step, width) - 20 for step in (100, 200)])


def test_a_still_is_steady() -> None:
    """Where nothing changes, neither the distribution of colors nor any color does."""
    figures = figures_of([soft_noise(0)] * 5, [color_map(0)] * 5)
    assert figures["cdc"] == 0
    assert figures["warp_error"] < 0.02


def test_divergence_equals_scipys() -> None:
    """It is the square of the distance that SciPy gives, and log 2 where nothing is shared."""
    one, other = np.random.default_rng(0).dirichlet(np.ones(256), (2, 3))
    assert jensen_shannon(one, other) == pytest.approx(jensenshannon(one, other, axis=1) ** 2)
    assert jensen_shannon(np.array([1.0, 0, 0]), np.array([0, 0.5, 0.5])) == pytest.approx(log(2))


def test_cdc_of_colors_that_alternate() -> None:
    """Red and green in turn share no level of red and green at 1, all at 2 and 4 frames apart."""
    red, green = (torch.zeros(3, HEIGHT, WIDTH) for _ in range(2))
    red[0] = green[1] = 1
    luma = torch.from_numpy(soft_noise(0))[None]
    frames = [ColoredFrame(shot=0, luma=luma, colors={"x": c}) for c in [red, green] * 3]
    figures = measure_clip(frames)["x"]
    assert figures["cdc"] == pytest.approx(log(2) * 2 / 3 / 3)
    assert figures["cdc_ab"] == pytest.approx(log(2) / 3)


def test_ab_is_counted_in_whole_units() -> None:
    """Grey falls into the middle of both axes; the shares of all levels sum to 1."""
    grey = count_ab(torch.full((3, 8, 8), 0.5))
    assert grey.shape == (2, 256)
    assert grey[:, 128].tolist() == [1, 1]
    red = torch.zeros(3, 8, 8)
    red[0] = 1
    counts = count_ab(torch.cat([red, torch.full((3, 8, 24), 0.5)], dim=2))
    assert counts[:, 128].tolist() == [0.75, 0.75]
    assert (counts[0, 128 + 80], counts[1, 128 + 67]) == (0.25, 0.25)
    np.testing.assert_allclose(counts.sum(1), 1)


def test_colors_that_flicker_err_by_their_difference() -> None:
    """Where luma stands still, the warp error is the distance from one frame's ab to the next."""
    ab = color_map(0)
    flickering = [ab + np.array([3.0, 4.0])[:, None, None] * (index % 2) for index in range(6)]
    figures = figures_of([soft_noise(0)] * 6, flickering)
    assert figures["warp_error"] == pytest.approx(5, abs=0.02)
    assert figures["cdc"] > 0.001
    assert figures["cdc_ab"] > figures["cdc"]


def test_colors_may_move_with_the_picture() -> None:
    """Colors that ride on a moving picture hardly err, those that stay behind it do."""
    wide, wide_ab, step = soft_noise(0, 240), color_map(0, 240), 4
    starts = range(0, 8 * step, step)
    lumas = [np.ascontiguousarray(wide[:, start : start + WIDTH]) for start in starts]
    riding = [wide_ab[..., start : start + WIDTH] for start in starts]
    error = figures_of(lumas, riding)["warp_error"]
    assert error < 0.2
    assert figures_of(lumas, [riding[0]] * 8)["warp_error"] > 10 * error


def test_one_color_everywhere_cannot_err() -> None:
    """A slow pan over one color has no warp error, not at the borders that it crosses either."""
    wide = cv2.resize(soft_noise(0, 240), (4 * 240, HEIGHT), interpolation=cv2.INTER_CUBIC)
    lumas = [
        np.ascontiguousarray(wide[:, 2 * step :: 4][:, :WIDTH]) for step in range(6)
    ]  # half a pixel a frame
    red = np.full((2, HEIGHT, WIDTH), 30, np.float32)
    assert figures_of(lumas, [red] * 6)["warp_error"] < 0.01


def test_what_comes_into_sight_is_hardly_compared() -> None:
    """Where a red patch moves on, the picture it uncovers has no past to differ from."""
    luma, patch, step = soft_noise(0), soft_noise(9, 32), 12
    lumas, colors = [], []
    for left in range(4, 4 + 5 * step, step):
        lumas.append(luma.copy())
        colors.append(np.zeros((2, HEIGHT, WIDTH), np.float32))
        lumas[-1][:, left : left + 32] = patch
        colors[-1][0, :, left : left + 32] = 60
    if_all_were_compared = 60 * step / WIDTH
    assert figures_of(lumas, colors)["warp_error"] < if_all_were_compared / 5


def test_frames_are_not_compared_across_a_cut() -> None:
    """Two stills are steady as two shots and unsteady as one."""
    lumas = [soft_noise(0)] * 5 + [soft_noise(1)] * 5
    colors = [color_map(0)] * 5 + [color_map(1)] * 5
    apart, together = (figures_of(lumas, colors, s) for s in ([0] * 5 + [1] * 5, [0] * 10))
    assert apart["cdc"] == 0 < together["cdc"]
    assert apart["warp_error"] < 0.02 < together["warp_error"]


def test_a_clip_needs_five_frames_of_a_shot() -> None:
    """With shots of four, CDC is not defined, and that is said."""
    with pytest.raises(SourceError, match="no shot has 5 frames"):
        figures_of([soft_noise(0)] * 8, [color_map(0)] * 8, [0] * 4 + [1] * 4)


def test_the_truth_has_no_error() -> None:
    """Its own colors are told as such, and it is as steady and as strong as itself."""
    plain = frames_of([soft_noise(0)] * 5, [color_map(seed) for seed in range(5)])
    frames = [replace(f, colors={TRUTH: f.colors["colored"], **f.colors}) for f in plain]
    figures = measure_clip(frames)["colored"]
    assert figures["ciede2000"] < 1e-3
    assert figures["delta_ab"] == 0
    assert figures["psnr"] == pytest.approx(10 * np.log10(12 * 255**2), abs=0.01)
    for name in ("colorfulness", "cdc", "cdc_ab", "warp_error"):
        assert figures[name] == figures[f"truth_{name}"] > 0


def test_grey_is_off_by_the_truths_chroma() -> None:
    """Without color the distance in ab is the truth's own from neutral."""
    plain = frames_of([soft_noise(0)] * 5, [color_map(0)] * 5)
    frames = [
        replace(f, colors={TRUTH: f.colors["colored"], "grey": f.luma.expand(3, -1, -1)})
        for f in plain
    ]
    figures = measure_clip(frames)["grey"]
    assert figures["delta_ab"] == pytest.approx(np.hypot(*color_map(0)).mean(), rel=1e-3)
    assert figures["colorfulness"] == pytest.approx(0, abs=0.01)
    assert figures["warp_error"] < 0.01 < figures["ciede2000"]


@pytest.mark.parametrize(
    ("matrix", "primaries", "depth", "full_range"),
    [
        (Matrix.BT709, 1, 8, False),
        (Matrix.SMPTE170M, 6, 8, True),
        (Matrix.BT2020_NCL, 9, 10, False),
        (Matrix.BT709, 2, 16, True),
    ],
)
def test_codes_are_read_as_they_are_written(
    matrix: Matrix, primaries: int, depth: int, *, full_range: bool
) -> None:
    """The colors of written chroma codes are those that went in, but for rounding."""
    picture = FrameFormat(
        width=WIDTH, height=HEIGHT, depth=depth, log2_chroma_width=0, log2_chroma_height=0,
        matrix=matrix, primaries=primaries, full_range=full_range,
    )  # fmt: skip
    lightness, ab = 50 + 10 * soft_noise(0), color_map(0)
    codes = np.full((HEIGHT, WIDTH), round(0.45 * (1 << depth)))
    luma: Plane = codes.astype(np.uint8 if depth == 8 else np.uint16)
    tensors = [torch.from_numpy(one) for one in (ab, lightness, luma)]
    chroma = chroma_codes(*tensors[:2], (tensors[2], tensors[2]), picture)
    shown = lab_from_srgb(srgb_from_planes(scale_luma(luma, picture), chroma, picture))
    # A luma that is not quite the lightness's changes ab a little; a wrong matrix far more.
    assert np.abs(shown[1:].numpy() - ab).mean() < 1.3


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "bgr0"])
def test_the_truth_is_the_films_own_color(tmp_path: Path, pixel_format: str) -> None:
    """Each frame's truth is the color that was written, whatever its planes are."""
    colors = [(200, 40, 60), (30, 160, 90), (70, 60, 220)]
    pictures = [
        tuple(np.full((HEIGHT, WIDTH), c, np.uint8) for c in (g, b, r)) for r, g, b in colors
    ]
    path = write_film(
        tmp_path / "film.mkv", pictures, pixel_format=pixel_format, planar="gbrp",
    )  # fmt: skip
    truths = list(read_truth(probe(path)))
    assert len(truths) == 3
    for truth, color in zip(truths, colors, strict=True):
        wanted = (torch.tensor(color) / 255)[:, None, None].expand(3, HEIGHT, WIDTH)
        torch.testing.assert_close(truth, wanted, atol=0.02, rtol=0)


@cache
def lite() -> Model:
    """The model that ships, loaded once."""
    return load_model("lite", "cpu")


def color_film(path: Path, pixel_format: str = "yuv420p") -> Path:
    """Six frames of a soft picture in soft colors, the luma moving."""
    luma = (40 + 150 * soft_noise(0)).astype(np.uint8)
    chroma = tuple((128 + 2 * part[::2, ::2]).astype(np.uint8) for part in color_map(0))
    pictures = [(np.roll(luma, 3 * step, axis=1), *chroma) for step in range(6)]
    return write_film(path, pictures, pixel_format=pixel_format, planar="yuv420p")


@pytest.mark.parametrize("pixel_format", ["yuv420p", "bgr0"])
def test_the_colors_measured_are_those_written(tmp_path: Path, pixel_format: str) -> None:
    """A clip's colors are, to the bit, those of the file that the program makes of it."""
    source = color_film(tmp_path / "film.mkv", pixel_format)
    output = colorize_video(source, tmp_path / "out.mkv", SETTINGS).path
    measured = [frame.colors["colored"] for frame in color_clip(source, lite(), SETTINGS, None)]
    assert len(measured) == 6
    for found, written in zip(measured, read_truth(probe(output)), strict=True):
        assert torch.equal(found, written)


def test_a_color_film_has_a_truth_and_a_black_and_white_one_has_none(tmp_path: Path) -> None:
    """Grey and the given colors are always there, and no more frames than wanted come."""
    grey = write_film(tmp_path / "grey.mkv", [(255 * soft_noise(0)).astype(np.uint8)] * 6)
    for path, labels in (
        (color_film(tmp_path / "film.mkv"), {COLORED, ALONE, "grey", TRUTH}),
        (grey, {COLORED, ALONE, "grey"}),
    ):
        frames = list(color_clip(path, lite(), SETTINGS, 5))
        assert len(frames) == 5
        assert all(frame.colors.keys() == labels for frame in frames)


def test_large_films_are_measured_small() -> None:
    """The short side becomes the one measured at, by area; the shape is kept."""
    picture = FrameFormat(
        width=4 * SHORT_SIDE, height=2 * SHORT_SIDE, depth=8, log2_chroma_width=1,
        log2_chroma_height=1, matrix=Matrix.BT709, full_range=True,
    )  # fmt: skip
    stripes = np.tile(np.array([0, 255], np.uint8), (picture.height, picture.width // 2))
    expected = torch.full((1, SHORT_SIDE, 2 * SHORT_SIDE), 0.5)
    torch.testing.assert_close(scale_luma(stripes, picture), expected)


def test_the_table_has_a_row_for_each_clip_and_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures that need a truth are dashes for a film without; color films are averaged apart."""
    grey = write_film(tmp_path / "grey.mkv", [(255 * soft_noise(0)).astype(np.uint8)] * 5)
    color = color_film(tmp_path / "film.mkv")
    found = evaluate_clips([color, grey], 5, "lite", "cpu")
    _, alone_row, film_row, _, grey_row, *mean_rows = capsys.readouterr().out.splitlines()
    assert alone_row.startswith("film.mkv frame by frame ")
    assert film_row.startswith("film.mkv colored ")
    assert film_row.count("/") == 5
    assert grey_row.split()[:5] == ["grey.mkv", COLORED, "-", "-", "-"]
    labels = [row.split("  ")[0] for row in mean_rows]
    assert labels == list(found["means"])
    assert labels[0] == "mean of 1 in color: frame by frame"
    assert labels[-1] == "mean of 1 in black and white: grey"
