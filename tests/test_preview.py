from pathlib import Path

import av
import numpy as np
import pytest
from clips import Plane, soft_shot, write_film
from PIL import Image

from vidcolor.cli.main import main
from vidcolor.film.coloring import half_neutral
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.preview.sample import FRAMES_READ_THROUGH, sample_frames
from vidcolor.preview.sheet import GAP, TEXT_HEIGHT, TILE_WIDTH
from vidcolor.reading import reader
from vidcolor.reading.source import probe

SHOTS = 5
SMALL = ("--render-size", "64")


def film(path: Path, frames: int, shots: int = SHOTS, **options: int) -> Path:
    """A film of so many shots, unlike each other."""
    pictures: list[Plane] = []
    for seed in range(shots):
        pictures += soft_shot(seed, frames)
    return write_film(path, pictures, **options)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of five short shots."""
    return film(tmp_path_factory.mktemp("films") / "film.mkv", 12)


def test_each_shot_of_a_short_film_is_shown_once(short: Path) -> None:
    """Though most of its frames were looked at."""
    frames = sample_frames(probe(short), 12)
    assert [frame.index // 12 for frame in frames] == list(range(SHOTS))


def test_frames_of_a_long_film_are_found_by_seeking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each shot is found, and a film four times as long takes no more frames decoded."""
    read = 0
    whole = reader._decode

    def counted(*given):  # noqa: ANN002, ANN202
        nonlocal read
        for frame in whole(*given):
            read += 1
            yield frame

    monkeypatch.setattr(reader, "_decode", counted)
    counts = []
    for factor in (1, 4):
        length = factor * (FRAMES_READ_THROUGH // SHOTS + 10)
        shots = [picture for seed in range(SHOTS) for picture in soft_shot(seed, 1) * length]
        source = probe(write_film(tmp_path / f"{factor}.mkv", shots))
        assert (source.frames_expected() or 0) > FRAMES_READ_THROUGH
        read = 0
        frames = sample_frames(source, 8)
        counts.append(read)
        assert len(frames) == SHOTS
        assert [frame.pts for frame in frames] == sorted(frame.pts for frame in frames)
    assert counts[1] <= counts[0] + 16


def test_the_sheet_shows_frames_before_and_after(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Black and white above, the same luma in color below; no film is written."""
    sheet = tmp_path / "sheet.png"
    assert main([str(short), "--preview", "-o", str(sheet), *SMALL]) == 0
    assert f"{sheet}: {SHOTS} frames" in capsys.readouterr().out
    image = Image.open(sheet)
    image.load()
    ycc = np.asarray(image.convert("YCbCr")).astype(int)
    width, height = probe(short).picture.width, probe(short).picture.height
    tall = round(TILE_WIDTH * height / width)
    top, left = GAP + TEXT_HEIGHT, GAP
    before = ycc[top : top + tall, left : left + TILE_WIDTH]
    after = ycc[top + tall : top + 2 * tall, left : left + TILE_WIDTH]
    assert np.abs(before[..., 1:] - 128).max() <= 1
    assert np.abs(after[..., 1:] - 128).max() > 5
    assert np.abs(before[..., 0] - after[..., 0]).mean() < 1.5
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_sheet_is_not_overwritten_and_is_the_same_again(
    short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the film, unless that is taken."""
    made = short.with_suffix(".preview.jpg")
    assert main([str(short), "--preview", *SMALL]) == 0
    first = made.read_bytes()
    assert b"synthetic color, made by vidcolor" in first
    assert main([str(short), "--preview", *SMALL]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([str(short), "--preview", "--overwrite", *SMALL]) == 0
    assert made.read_bytes() == first


def test_a_grid_shows_one_frame_under_all_settings(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns of the first option, rows of the second; without saturation there is no color."""
    made = tmp_path / "grid.png"
    words = ["--grid", "saturation=0,1.5,3", "--grid", "vividness=0,2", "-o", str(made)]
    assert main([str(short), *words, *SMALL]) == 0
    assert "6 settings" in capsys.readouterr().out
    image = Image.open(made)
    image.load()
    picture = probe(short).picture
    tall = round(TILE_WIDTH * picture.height / picture.width)
    assert image.width == 3 * (TILE_WIDTH + GAP) + GAP
    ycc = np.asarray(image.convert("YCbCr")).astype(int)
    strengths = []
    for column in range(3):
        left = GAP + column * (TILE_WIDTH + GAP)
        tile = ycc[GAP + TEXT_HEIGHT :, left : left + TILE_WIDTH][:tall]
        strengths.append(np.abs(tile[..., 1:] - 128).mean())
    assert strengths[0] < 0.5
    assert strengths[0] < strengths[1] < strengths[2]


def test_a_grid_of_a_photograph(tmp_path: Path) -> None:
    """Goes as well."""
    photo = tmp_path / "a.jpg"
    Image.fromarray(soft_shot(1, 1)[0]).save(photo)
    assert main([str(photo), "--grid", "saturation=0.5,1", *SMALL]) == 0
    assert (tmp_path / "a.grid.jpg").is_file()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--grid", "saturation"], 2, "write NAME=A,B,C; NAME is one of batch-size"),
        (["--grid", "crf=1,2"], 2, "write NAME=A,B,C"),
        (["--grid", "saturation=1,x"], 2, "'x' is no number from 0 to 3"),
        (["--grid", "refine=flood,x"], 2, "'x' is none of none, flood, scribble"),
        (["--grid", "saturation=1", "--preview"], 2, "cannot be combined"),
        (["--preview", "-o", "sheet.tif"], 1, "end it with .jpg or .png"),
        (["--preview", "--chroma-only", "--compare"], 2, "cannot be combined"),
    ],
)
def test_what_cannot_be_shown_is_told(
    short: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    """In one line, with the exit code of bad usage."""
    try:
        found: object = main([str(short), *words])
    except SystemExit as error:
        found = error.code
    assert found == code
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_photograph_gets_no_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line says what does."""
    photo = tmp_path / "a.jpg"
    Image.fromarray(soft_shot(1, 1)[0]).save(photo)
    assert main([str(photo), "--preview"]) == 1
    assert "--preview is for films, --grid for both" in capsys.readouterr().err


def test_half_of_a_compared_film_stays_black_and_white(short: Path, tmp_path: Path) -> None:
    """The right half is that of the whole film; luma is the source's all over."""
    for name, words in (("half", ["--compare"]), ("whole", [])):
        made = tmp_path / f"{name}.mkv"
        assert main([str(short), "--lossless", *words, "-o", str(made), *SMALL]) == 0
    planes = {}
    for name in ("half", "whole"):
        with av.open(str(tmp_path / f"{name}.mkv")) as opened:
            planes[name] = [frame.to_ndarray(format="yuv444p") for frame in opened.decode(video=0)]
    width = planes["half"][0].shape[2]
    for half, whole in zip(planes["half"], planes["whole"], strict=True):
        assert np.array_equal(half[0], whole[0])
        assert np.all(half[1:, :, : width // 2 - 8] == 128)
        assert np.array_equal(half[1:, :, width // 2 + 8 :], whole[1:, :, width // 2 + 8 :])
    assert np.abs(planes["whole"][0][1:].astype(int) - 128).max() > 5


def test_a_compared_film_has_a_name_of_its_own(short: Path) -> None:
    """So that it stands in nobody's way."""
    assert main([str(short), "--compare", *SMALL]) == 0
    assert short.with_suffix(".compare.mkv").is_file()
    assert not short.with_suffix(".colorized.mkv").exists()


TURNS = {None: "left", (0, 1, -1, 0): "bottom", (0, -1, 1, 0): "top", (-1, 0, 0, -1): "right"}


@pytest.mark.parametrize(("turn", "side"), TURNS.items())
def test_the_left_half_is_the_one_shown_on_the_left(
    turn: tuple[int, int, int, int] | None, side: str
) -> None:
    """Of a film that is turned when shown, too."""
    matrix = None
    if turn is not None:
        a, b, c, d = (part << 16 for part in turn)
        matrix = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    picture = FrameFormat(
        width=8, height=6, depth=10, log2_chroma_width=0, log2_chroma_height=0,
        matrix=Matrix.BT709, full_range=False, display_matrix=matrix,
    )  # fmt: skip
    plane = np.zeros((6, 8), np.uint16)
    cb, _ = half_neutral((plane, plane), picture)
    neutral = {"left": cb[:, :4], "right": cb[:, 4:], "top": cb[:3], "bottom": cb[3:]}
    assert np.all(neutral[side] == 512)
    assert (cb == 512).sum() == 24
    assert not plane.any()
