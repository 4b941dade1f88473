import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import soft_shot, write_film

from vidcolor import colorize_video
from vidcolor.cli.command_line import read_request
from vidcolor.cli.main import main
from vidcolor.color.decode import AB_UNIT
from vidcolor.color.lab import lab_from_srgb
from vidcolor.errors import ModelError
from vidcolor.models.transfer import Transfer, read_reference
from vidcolor.models.zoo import find_model
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import (
    ModelSettings,
    OutputSettings,
    Rectangle,
    Settings,
    Swatch,
    parse_swatch,
)

RED, BLUE = (0.9, 0.3, 0.2), (0.1, 0.2, 0.5)
WHOLE = Rectangle(0, 0, 100, 100)


def halves(left: tuple[float, ...], right: tuple[float, ...], side: int = 64) -> torch.Tensor:
    """Lab of a picture of two colors, (3, side, side)."""
    srgb = torch.empty(3, side, side)
    srgb[:, :, : side // 2] = torch.tensor(left)[:, None, None]
    srgb[:, :, side // 2 :] = torch.tensor(right)[:, None, None]
    return lab_from_srgb(srgb)


def ab_of(srgb: tuple[float, ...]) -> torch.Tensor:
    """a* and b* of one color."""
    return lab_from_srgb(torch.tensor(srgb)[:, None, None])[1:, 0, 0]


def colored(net: Transfer, lightness: torch.Tensor) -> torch.Tensor:
    """The colors of one picture of L*, (2, h, w)."""
    return AB_UNIT * net(lightness[None, None] / 50 - 1)[0]


@pytest.mark.parametrize("method", ["welsh", "global"])
def test_light_and_dark_find_their_colors(method: str) -> None:
    """What is light has the reference's light color, wherever it lies and however light it is."""
    net = Transfer(halves(RED, BLUE), method)
    film = torch.full((64, 96), 20.0)
    film[:32] = 35  # lighter than the rest, though darker than the reference's light part
    ab = colored(net, film)
    torch.testing.assert_close(ab[:, 3, 5], ab_of(RED), atol=1e-2, rtol=0)
    torch.testing.assert_close(ab[:, 12, 20], ab_of(BLUE), atol=1e-2, rtol=0)


def test_texture_tells_what_lightness_does_not() -> None:
    """Two halves with the same range of lightness: the rough one takes the rough one's color."""
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(30, 70, 96)[:, None].expand(96, 48)
    rough = ramp + 8 * torch.randn(96, 48, generator=generator)
    lab = torch.empty(3, 96, 96)
    lab[0] = torch.cat([rough, ramp], 1)
    lab[1:, :, :48], lab[1:, :, 48:] = 30.0, -30.0
    ab = colored(Transfer(lab, "welsh"), torch.cat([ramp, rough], 1))
    assert ab[0, :, :11].mean() < -25
    assert ab[0, :, 13:].mean() > 25


def test_global_colors_are_means() -> None:
    """Each lightness has the mean color of the reference's pixels of that lightness, by NumPy."""
    generator = torch.Generator().manual_seed(1)
    lab = torch.rand(3, 80, 80, generator=generator)
    lab *= 100
    film = lab[0]
    ab = colored(Transfer(lab, "global"), film.repeat_interleave(4, 0).repeat_interleave(4, 1))
    level = lab[0].round()
    for row, column in ((3, 7), (40, 41)):
        near = (level - level[row, column]).abs() <= 3
        expected = lab[1:, near].mean(1)
        torch.testing.assert_close(ab[:, row, column], expected, atol=0.02, rtol=0)


@pytest.mark.parametrize("film_range", [(0, 100), (20, 90)])
def test_global_colors_leave_no_gap(film_range: tuple[int, int]) -> None:
    """A lightness that the reference lacks has the color of the nearest that it has."""
    film = torch.linspace(*film_range, 64).round()[:, None].expand(64, 64)
    ab = colored(Transfer(halves(RED, BLUE), "global"), film)
    middle = film[::4].mean()
    for row in range(16):
        expected = ab_of(RED if film[4 * row : 4 * row + 4].mean() > middle else BLUE)
        torch.testing.assert_close(ab[:, row, 3], expected, atol=1e-2, rtol=0)


def test_texture_is_remapped_with_contrast() -> None:
    """In a film of less contrast, what is rough there is as smooth as the reference's smooth."""
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(30, 70, 96)[:, None].expand(96, 48)
    noise = torch.randn(96, 48, generator=generator)
    lab = torch.empty(3, 96, 96)
    lab[0] = torch.cat([ramp + 8 * noise, ramp + 2 * noise], 1)
    lab[1:, :, :48], lab[1:, :, 48:] = 30.0, -30.0
    ab = colored(Transfer(lab, "welsh"), 50 + 0.4 * (lab[0] - 50))
    assert ab[0, :, :11].mean() > 25
    assert ab[0, :, 13:].mean() < -25


def test_swatches_have_lightness_of_their_own() -> None:
    """Light and dark are told apart by what is in a swatch; elsewhere, by what is like it."""
    film = torch.full((64, 64), 95.0)
    film[:32, :32], film[:32, 32:] = 30, 20
    film[48:, :32], film[48:, 32:] = 20, 30
    swatch = Swatch(Rectangle(0, 0, 100, 50), WHOLE)
    ab = colored(Transfer(halves(RED, BLUE), "welsh", (swatch,)), film)
    for row, column, color in ((1, 3, RED), (1, 12, BLUE), (15, 3, BLUE), (15, 12, RED)):
        torch.testing.assert_close(ab[:, row, column], ab_of(color), atol=1e-2, rtol=0)


def test_later_swatches_lie_over_earlier_ones() -> None:
    """Where two overlap, the later one's color is seen."""
    left, right = Rectangle(0, 0, 50, 100), Rectangle(50, 0, 50, 100)
    swatches = (Swatch(WHOLE, left), Swatch(Rectangle(0, 50, 100, 50), right))
    ab = colored(Transfer(halves(RED, BLUE), "welsh", swatches), torch.full((64, 64), 50.0))
    torch.testing.assert_close(ab[:, 3, 3], ab_of(RED), atol=1e-2, rtol=0)
    torch.testing.assert_close(ab[:, 12, 3], ab_of(BLUE), atol=1e-2, rtol=0)


def test_swatches_go_before_lightness() -> None:
    """Dark takes the light part's color where a swatch says so, and with it what looks alike."""
    swatches = (
        Swatch(Rectangle(0, 0, 100, 25), Rectangle(50, 0, 50, 100)),
        Swatch(Rectangle(0, 75, 100, 25), Rectangle(0, 0, 50, 100)),
    )
    film = torch.full((64, 64), 70.0)
    film[32:] = 20
    ab = colored(Transfer(halves(RED, BLUE), "welsh", swatches), film)
    torch.testing.assert_close(ab[:, 6, 8], ab_of(BLUE), atol=1e-2, rtol=0)  # outside its swatch
    torch.testing.assert_close(ab[:, 10, 8], ab_of(RED), atol=1e-2, rtol=0)


def test_the_same_each_time() -> None:
    """Samples are drawn alike whatever else was drawn, and pictures do not mind each other."""
    lab = torch.rand(3, 50, 70, generator=torch.Generator().manual_seed(0)) * 60
    film = torch.rand(2, 1, 32, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    first = Transfer(lab, "welsh")(film)
    torch.rand(5)
    again = Transfer(lab, "welsh")
    assert torch.equal(first, again(film))
    assert torch.equal(first[1:], again(film[1:]))


def write_picture(path: Path, srgb: tuple[float, ...] = RED) -> Path:
    """A color picture."""
    picture = np.full((40, 60, 3), srgb[::-1]) * 255
    picture[:20] //= 2
    cv2.imwrite(str(path), picture.astype(np.uint8))
    return path


def test_a_film_takes_over_colors(tmp_path: Path) -> None:
    """Through the whole program: verified luma, red all over, and the sidecar tells of whom."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 6))
    reference = write_picture(tmp_path / "red.png")
    settings = Settings(
        model=ModelSettings(render_size=64, reference=str(reference)),
        output=OutputSettings(lossless=True, verify=True),
    )
    result = colorize_video(film, tmp_path / "out.mkv", settings)
    assert str(result.verification) == "6 frames, luma equal, times equal"
    told = read_sidecar(tmp_path / "out.json")
    assert told["model"]["name"] == "welsh, red.png"
    assert told["model"]["sha256"] == read_reference(reference)[1]
    assert min(told["timeline"]["mean_a"]) > 15


def test_options_become_settings() -> None:
    """Repeated swatches are kept in order."""
    request = read_request(
        ["f.mkv", "--reference", "r.png", "--swatch", "0,0,50,50=10,20,30,40", "--swatch",
         "50,50,50,50=0,0,100,100"]
    )  # fmt: skip
    model = request.settings.model
    assert (model.reference, model.transfer) == ("r.png", "welsh")
    second = Swatch(Rectangle(50, 50, 50, 50), WHOLE)
    assert model.swatches == (parse_swatch("0,0,50,50=10,20,30,40"), second)


@pytest.mark.parametrize(
    ("rectangle", "expected"),
    [
        (WHOLE, (slice(0, 40), slice(0, 60))),
        (Rectangle(50, 25, 50, 50), (slice(10, 30), slice(30, 60))),
        (Rectangle(99.9, 0, 0.1, 0.1), (slice(0, 1), slice(59, 60))),
    ],
)
def test_rectangles_are_cut_in_percent(rectangle: Rectangle, expected: tuple[slice, slice]) -> None:
    """Never of no pixel."""
    assert rectangle.slices(40, 60) == expected


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--transfer", "global"], "--transfer needs --reference PICTURE"),
        (["--swatch", "0,0,9,9=0,0,9,9"], "--swatch needs --reference PICTURE"),
        (["--reference", "r.png", "--model", "eccv16"], "--reference and --model cannot be"),
        (
            ["--reference", "r.png", "--transfer", "global", "--swatch", "0,0,9,9=0,0,9,9"],
            "--swatch and --transfer global cannot be combined",
        ),
        (["--reference", "r.png", "--swatch", "0,0,9,9"], "is not a swatch; write FILM=REFERENCE"),
        (["--reference", "r.png", "--swatch", "0,0,9,9=0,0,0,9"], "lies outside the picture"),
        (["--reference", "r.png", "--swatch", "60,0,50,9=0,0,9,9"], "60,0,50,9 lies outside"),
    ],
)
def test_bad_usage(capsys: pytest.CaptureFixture[str], options: list[str], told: str) -> None:
    """Each is told in words before anything is read."""
    with pytest.raises(SystemExit) as ended:
        main(["film.mkv", *options])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such reference picture"), (b"", "not a picture"), (b"text", "not a picture")],
)
def test_bad_references(tmp_path: Path, content: bytes | None, told: str) -> None:
    """One line that names the file."""
    path = tmp_path / "r.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"r\.png: {told}") as caught:
        find_model(ModelSettings(reference=str(path)))
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_reference(tmp_path: Path) -> None:
    """It is there, so the line says why it cannot be read."""
    with pytest.raises(ModelError, match=r"cannot be read \(.+\); name another --reference"):
        read_reference(tmp_path)


def test_a_reference_larger_than_can_be_decoded(tmp_path: Path) -> None:
    """A PNG that claims 200,000 pixels a side is refused by its header."""
    header = struct.pack(">IIBBBBB", 200_000, 200_000, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(9))), (b"IEND", b"")
    path = tmp_path / "r.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ))  # fmt: skip
    with pytest.raises(ModelError, match=r"r\.png: has more pixels than the 100 million"):
        read_reference(path)


def test_a_spot_of_color_is_enough(tmp_path: Path) -> None:
    """A grey picture with one red thing has a color to take over, for a swatch."""
    picture = np.full((100, 100, 3), 120, np.uint8)
    picture[40:54, 40:54] = 60, 60, 150
    path = tmp_path / "r.png"
    cv2.imwrite(str(path), picture)
    assert read_reference(path)[0][1].max() > 30


def test_a_grey_reference_has_nothing_to_give(tmp_path: Path) -> None:
    """It is refused, as nothing would be colored."""
    with pytest.raises(ModelError, match=r"r\.png: is black and white"):
        read_reference(write_picture(tmp_path / "r.png", (0.5, 0.5, 0.5)))
