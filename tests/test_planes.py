from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from vidcolor.color import planes, siting
from vidcolor.color.lightness import lightness_of, network_size, to_network
from vidcolor.color.planes import chroma_planes
from vidcolor.color.upsample import spline_ab
from vidcolor.frame import ChromaLocation, Frame, FrameFormat, Matrix, Plane, Record

QUARTER_TURN = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)


def frame(width: int, height: int, **fields: object) -> Frame:
    """A frame of a soft gray picture."""
    given = {"log2_chroma_width": 1, "log2_chroma_height": 1, "depth": 8, "full_range": False}
    film = FrameFormat(width=width, height=height, matrix=Matrix.BT709, **(given | fields))  # type: ignore[arg-type]
    ramp = np.linspace(60, 190, width * height).reshape(height, width) * 2 ** (film.depth - 8)
    luma = ramp.astype(np.uint8 if film.depth == 8 else np.uint16)
    return Frame(index=0, luma=luma, pts=0, duration=1, time_base=Fraction(1, 25), picture=film)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("subsampling", [(0, 0), (1, 0), (1, 1), (2, 0), (2, 2)])
def test_planes_have_the_films_format(depth: int, subsampling: tuple[int, int]) -> None:
    """Cb and Cr have the chroma planes' size and the luma's sample type; luma is not touched."""
    columns, rows = subsampling
    one = frame(101, 67, depth=depth, log2_chroma_width=columns, log2_chroma_height=rows)
    before = one.luma.copy()
    lightness = to_network(one.luma, one.picture, network_size(one.picture, 64))
    h, w = lightness.shape
    planes = chroma_planes(one, np.full((2, h // 4, w // 4), 30, np.float32), lightness)[:2]
    for plane in planes:
        assert plane.shape == (one.picture.chroma_height, one.picture.chroma_width)
        assert plane.dtype == one.luma.dtype
    assert planes[1].min() > 1 << (depth - 1)  # a* of 30 is reddish
    assert np.array_equal(one.luma, before)


def test_a_turned_film_is_colored_where_it_is_shown() -> None:
    """Red at the top of the shown picture lands on the side of the stored one that is up."""
    one = frame(128, 96, display_matrix=QUARTER_TURN)
    lightness = to_network(one.luma, one.picture, network_size(one.picture, 96))
    h, w = lightness.shape
    ab = np.zeros((2, h // 4, w // 4), np.float32)
    ab[0, : h // 16] = 40  # shown on top: a clockwise quarter turn brings the stored left up
    cr = chroma_planes(one, ab, lightness).cr
    assert cr[:, :8].min() > 135
    assert np.all(cr[:, 32:] == 128)


def interlaced(one: Frame, other: Frame, *, top_first: bool = True) -> Frame:
    """A frame whose top field is one picture's and whose bottom field is another's."""
    luma = one.luma.copy()
    luma[1::2] = other.luma[1::2]
    return replace(one, luma=luma, top_field_first=top_first)


def textured(height: int, seed: int, **fields: object) -> Frame:
    """A frame with detail everywhere."""
    one = frame(96, height, **fields)
    luma = np.random.default_rng(seed).integers(30, 220, one.luma.shape)
    return replace(one, luma=(luma * 2 ** (one.picture.depth - 8)).astype(one.luma.dtype))


def colored(one: Frame, record: Record | None = None) -> tuple[Plane, Plane]:
    """The planes of a frame whose ab follows its lightness."""
    lightness = np.random.default_rng(1).uniform(20, 80, (64, 96)).astype(np.float32)
    ab = np.stack([lightness[::4, ::4] - 50, 50 - lightness[::4, ::4]])
    return chroma_planes(one, ab, lightness, record)[:2]


@pytest.mark.parametrize("height", [64, 66, 67])
@pytest.mark.parametrize("fields", [{}, {"depth": 10}, {"log2_chroma_height": 2}])
def test_a_field_takes_nothing_from_the_other(height: int, fields: dict[str, object]) -> None:
    """Chroma lines of the top field stay as they are whatever the bottom field shows."""
    one, other = textured(height, 2, **fields), textured(height, 3, **fields)
    still, moved = (colored(interlaced(one, two)) for two in (one, other))
    for plane, changed in zip(still, moved, strict=True):
        assert plane.shape == (one.picture.chroma_height, one.picture.chroma_width)
        np.testing.assert_array_equal(plane[0::2], changed[0::2])
        assert (plane[1::2] != changed[1::2]).mean() > 0.2


def test_a_field_is_colored_like_a_picture_of_its_lines() -> None:
    """Each field's chroma is that of a progressive picture of half the height."""
    whole = interlaced(textured(64, 2), textured(64, 3), top_first=False)
    planes = colored(whole)
    for first in (0, 1):
        half = replace(
            whole,
            luma=whole.luma[first::2],
            picture=replace(whole.picture, height=32),
            top_field_first=None,
        )
        for plane, expected in zip(planes, colored(half), strict=True):
            np.testing.assert_array_equal(plane[first::2], expected)


def test_full_chroma_knows_no_fields() -> None:
    """With as many lines of chroma as of luma each stands for its own anyway."""
    one = textured(64, 2, log2_chroma_height=0)
    for plane, expected in zip(
        colored(replace(one, top_field_first=True)), colored(one), strict=True
    ):
        np.testing.assert_array_equal(plane, expected)


def test_what_is_recorded_of_fields_is_whole() -> None:
    """Maps of both fields lie line by line as the planes do."""
    one = interlaced(textured(66, 2), textured(66, 3))
    record: Record = {}
    cb, _ = colored(one, record)
    assert record["ab"].shape == (2, *cb.shape)
    assert record["gamut_share"].shape == record["cb_unlimited"].shape == cb.shape
    limited = record["gamut_share"] < 1
    np.testing.assert_array_equal(record["cb_unlimited"][~limited], cb[~limited])


def test_a_single_line_has_no_fields() -> None:
    """It is a picture of its own."""
    one = textured(1, 2)
    assert colored(replace(one, top_field_first=True))[0].shape == (1, 48)


@pytest.mark.parametrize("top_first", [None, True])
@pytest.mark.parametrize(("ab", "code", "least", "most"), [
    (0, 120, 0, 0),  # nothing to limit
    (8, 120, 0, 0),  # room enough
    (60, 230, 1, 1),  # hardly any room below white
])  # fmt: skip
def test_what_the_gamut_takes_is_told(
    top_first: bool | None, ab: float, code: int, least: float, most: float
) -> None:
    """How much of the chroma has less color than it should."""
    one = frame(96, 64)
    one = replace(one, luma=np.full_like(one.luma, code), top_field_first=top_first)
    lightness = np.full((64, 96), 100 * (code - 16) / 219, np.float32)
    chroma = chroma_planes(one, np.full((2, 16, 24), ab, np.float32), lightness)
    assert least <= chroma.gamut_limited_share <= most


def test_the_share_that_is_told_is_that_of_all_samples() -> None:
    """A part of them is looked at, and stands for the whole."""
    one = textured(512, 3)
    record: Record = {}
    lightness = np.random.default_rng(1).uniform(20, 80, (64, 96)).astype(np.float32)
    ab = np.stack([lightness[::4, ::4] - 30, 60 - lightness[::4, ::4]])
    chroma = chroma_planes(one, ab, lightness, record)
    changed = (chroma.cb != record["cb_unlimited"]) | (chroma.cr != record["cr_unlimited"])
    assert 0.1 < changed.mean() < 0.9
    assert chroma.gamut_limited_share == pytest.approx(changed.mean(), abs=0.08)


@pytest.mark.parametrize("top_field_first", [None, True])
def test_colors_are_enlarged_as_asked(*, top_field_first: bool | None) -> None:
    """A spline gives other planes than the guided way, for fields as well."""
    one = replace(textured(64, 3), top_field_first=top_field_first)
    lightness = np.random.default_rng(1).uniform(20, 80, (64, 96)).astype(np.float32)
    ab = np.stack([lightness[::4, ::4] - 50, 50 - lightness[::4, ::4]])
    record: Record = {}
    spline = chroma_planes(one, ab, lightness, record, upsample="spline")
    guided = chroma_planes(one, ab, lightness)
    assert not np.array_equal(spline.cb, guided.cb)
    if top_field_first is None:
        np.testing.assert_array_equal(record["ab"], spline_ab(ab, one.picture).numpy())


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("subsampling", [(0, 0), (1, 0), (1, 1), (2, 2)])
@pytest.mark.parametrize("top_field_first", [None, False])
def test_a_gpu_would_give_the_same_planes(
    monkeypatch: pytest.MonkeyPatch,
    depth: int,
    subsampling: tuple[int, int],
    *,
    top_field_first: bool | None,
) -> None:
    """What runs on a GPU, here on a CPU's tensors, gives the same codes but for rounding."""
    columns, rows = subsampling
    one = textured(70, 5, depth=depth, log2_chroma_width=columns, log2_chroma_height=rows)
    one = replace(one, top_field_first=top_field_first)
    expected = colored(one)
    calls = []

    def look(luma: Plane, picture: FrameFormat, device: torch.device) -> object:
        calls.append(picture)
        return planes.look_on_gpu(luma, picture, device)

    monkeypatch.setattr(planes, "look_at_luma", look)
    monkeypatch.setattr(siting, "STRIP_SAMPLES", 1 << 30)
    found = colored(one)
    assert calls
    for plane, other in zip(found, expected, strict=True):
        assert plane.dtype == other.dtype
        assert np.abs(plane.astype(int) - other.astype(int)).max() <= 2 ** max(0, depth - 15)
        assert (plane != other).mean() < 0.01 * 2 ** max(0, depth - 10)


@pytest.mark.parametrize("subsampling", [(1, 1), (1, 0), (0, 0), (2, 2)])
@pytest.mark.parametrize("location", list(ChromaLocation))
def test_luma_looked_at_in_strips_is_what_it_is_whole(
    monkeypatch: pytest.MonkeyPatch, subsampling: tuple[int, int], location: ChromaLocation
) -> None:
    """Where a strip ends the rows beyond it count, bit for bit."""
    columns, rows = subsampling
    one = textured(71, 5, log2_chroma_width=columns, log2_chroma_height=rows)
    picture = replace(one.picture, chroma_location=location)
    monkeypatch.setattr(siting, "STRIP_SAMPLES", 3 * picture.chroma_width)
    assert len(list(siting.chroma_strips(picture))) > 5
    guide, extremes = planes.look_at_luma(one.luma, picture, torch.device("cpu"))
    whole = planes.mean_at_chroma(lightness_of(one.luma, picture), picture)
    np.testing.assert_array_equal(guide, whole)
    for found, expected in zip(extremes, planes.range_at_chroma(one.luma, picture), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_gpu_would_stand_codes_that_no_depth_has() -> None:
    """Codes of damaged film above the depth's last one are as light as that one."""
    one = textured(64, 5, depth=10)
    luma = one.luma.copy()
    luma[3:9, 5:40] = 5000
    expected = planes.look_at_luma(luma, one.picture, torch.device("cpu"))
    found = planes.look_on_gpu(luma, one.picture, torch.device("cpu"))
    torch.testing.assert_close(found[0], expected[0])
    for code, other in zip(found[1], expected[1], strict=True):
        torch.testing.assert_close(code, other.float())
