from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from av.filter import Graph
from clips import picture_frame
from probed import frame_format

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT
from vidcolor.color.lab import lab_from_srgb
from vidcolor.color.lightness import lightness_of, network_size, to_network
from vidcolor.dump.views import (
    BIN_LIGHTNESS,
    FASTEST_PIXELS,
    MARK_BGR,
    ab_view,
    bin_view,
    chroma_view,
    final_view,
    flow_view,
    heat_view,
    label_view,
    lightness_view,
    limited_view,
    luma_view,
    upright,
)
from vidcolor.frame import ChromaLocation, FrameFormat, Matrix, Plane

DEPTHS = [8, 9, 10, 12, 14, 16]
GRIDS = {"444": (0, 0), "440": (0, 1), "422": (1, 0), "420": (1, 1), "411": (2, 0), "410": (2, 2)}
# FFmpeg's names, in the scale filter's option in_color_matrix.
MATRICES = {
    Matrix.BT709: "bt709",
    Matrix.FCC: "fcc",
    Matrix.BT470BG: "bt470",
    Matrix.SMPTE170M: "smpte170m",
    Matrix.SMPTE240M: "smpte240m",
    Matrix.BT2020_NCL: "bt2020",
}
# The scale filter's in_h_chr_pos and in_v_chr_pos: a 256th of a luma sample each, for 4:2:0.
PLACES = {
    ChromaLocation.UNSPECIFIED: (0, 128),
    ChromaLocation.LEFT: (0, 128),
    ChromaLocation.CENTER: (128, 128),
    ChromaLocation.TOP_LEFT: (0, 0),
    ChromaLocation.TOP: (128, 0),
    ChromaLocation.BOTTOM_LEFT: (0, 256),
    ChromaLocation.BOTTOM: (128, 256),
}
ONE = 1 << 16
TURNS = {
    "none": None,
    "upright": (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30),
    "clockwise": (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30),
    "counterclockwise": (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30),
    "half a turn": (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30),
    "mirrored": (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30),
    "upside down": (ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30),
    "transposed": (0, ONE, 0, ONE, 0, 0, 0, 0, 1 << 30),
    "transposed the other way": (0, -ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30),
}


def picture(width: int, height: int, grid: str = "444", **fields: object) -> FrameFormat:
    """An 8-bit film in BT.709, limited range, unless said otherwise."""
    return frame_format(width, height, GRIDS[grid], **fields)


def black_and_white(film: FrameFormat) -> tuple[int, int]:
    """The two luma codes, written out from H.273."""
    if film.full_range:
        return 0, 2**film.depth - 1
    return 16 * 2 ** (film.depth - 8), 235 * 2 ** (film.depth - 8)


def noise(film: FrameFormat, *, chroma: int = 60, seed: int = 0) -> tuple[Plane, Plane, Plane]:
    """Y' of all codes in range, and Cb and Cr up to `chroma` 8-bit codes beside neutral."""
    rng = np.random.default_rng(seed)
    kind = np.uint8 if film.depth == 8 else np.uint16
    black, white = black_and_white(film)
    luma = rng.integers(black, white + 1, (film.height, film.width)).astype(kind)
    scale, size = 1 << film.depth - 8, (film.chroma_height, film.chroma_width)
    low, high = (128 - chroma) * scale, (128 + chroma) * scale
    cb, cr = (rng.integers(low, high + 1, size).astype(kind) for _ in range(2))
    return luma, cb, cr


def shown_by_ffmpeg(planes: tuple[Plane, ...], film: FrameFormat, grid: str) -> np.ndarray:
    """The frame in 8-bit BGR by FFmpeg's own conversion, at its most exact."""
    deep = f"{film.depth}le" if film.depth > 8 else ""
    frame = picture_frame(planes, f"yuv{grid}p{deep}")
    x, y = PLACES[film.chroma_location] if grid == "420" else (0, 0)
    options = (
        "flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp"
        f":in_color_matrix={MATRICES[film.matrix]}:in_range={'pc' if film.full_range else 'tv'}"
        f":in_h_chr_pos={x}:in_v_chr_pos={y}"
    )
    graph = Graph()
    entry = graph.add_buffer(
        width=film.width, height=film.height, format=frame.format, time_base=Fraction(1, 25)
    )
    scale, form = graph.add("scale", options), graph.add("format", "bgr24")
    graph.link_nodes(entry, scale, form, graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull().to_ndarray()


def apart(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference of two 8-bit pictures."""
    assert one.dtype == other.dtype == np.uint8
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("full_range", [False, True])
def test_luma_spans_all_of_8_bits(depth: int, full_range: bool) -> None:
    """Black is 0, white 255 and the middle 127 or 128, in any range at any depth; no code wraps."""
    film = picture(5, 1, depth=depth, full_range=full_range)
    black, white = black_and_white(film)
    codes = [0, black, (black + white) // 2, white, 2**depth - 1]
    view = luma_view(np.array([codes], np.uint8 if depth == 8 else np.uint16), film)
    assert view.dtype == np.uint8
    assert view[0, [0, 1, 3, 4]].tolist() == [0, 0, 255, 255]
    assert view[0, 2] in {127, 128}


def test_lightness_looks_like_the_film() -> None:
    """The lightness of each luma code is shown as the gray that the luma itself is shown as."""
    film = picture(256, 1)
    luma = np.arange(256, dtype=np.uint8)[None]
    view = lightness_view(lightness_of(luma, film))
    assert view.flags.c_contiguous
    assert np.array_equal(view, luma_view(luma, film))


def test_heat_rises_from_violet_to_yellow() -> None:
    """Viridis' ends are at the ends given, beyond them nothing changes, and brightness only rises.

    The ends are those of the published table: (68, 1, 84) and (253, 231, 37).
    """
    view = heat_view(np.linspace(-1, 7, 401)[None], 1, 5)[0]
    assert view[:101, ::-1].tolist() == [[68, 1, 84]] * 101
    assert apart(view[300:, ::-1], np.array([[253, 231, 37]] * 101, np.uint8)) <= 1
    gray = view[100:301] @ np.array([0.114, 0.587, 0.299])
    assert np.all(np.diff(gray) >= -0.5)
    assert len(np.unique(view[100:301], axis=0)) > 190


def test_what_is_not_a_number_stands_out() -> None:
    """A hole in a map has a color far from any that a number can have, infinite ones included."""
    numbers = np.append(np.linspace(0, 1, 1000), [np.inf, -np.inf])[None].astype(np.float32)
    known = heat_view(numbers, 0, 1)
    hole = heat_view(np.array([[0.5, np.nan]], np.float32), 0, 1)
    assert tuple(hole[0, 1]) == MARK_BGR
    assert apart(hole[:, :1], heat_view(np.array([[0.5]]), 0, 1)) == 0
    assert np.linalg.norm(known - np.array(MARK_BGR, float), axis=-1).min() > 100
    assert np.array_equal(known[0, -2:], known[0, [-3, 0]])


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (0, np.nan)])
def test_heat_without_a_range_is_refused(low: float, high: float) -> None:
    """Two ends that leave no room between them are an error that names both."""
    with pytest.raises(ValueError, match=f"{low} to {high}"):
        heat_view(np.zeros((2, 2)), low, high)


def test_ab_is_shown_in_its_own_colors() -> None:
    """Colors of sRGB come back from their L*, a* and b*, as OpenCV converts them too."""
    rng = np.random.default_rng(1)
    bgr = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    rgb = torch.from_numpy(bgr[..., ::-1].copy()).movedim(-1, 0)
    lab = lab_from_srgb(rgb.double() / 255).float().numpy()
    view = ab_view(lab[1:], lab[0])
    assert view.flags.c_contiguous
    assert apart(view, bgr) == 0
    cv_view = cv2.cvtColor(np.ascontiguousarray(np.moveaxis(lab, 0, -1)), cv2.COLOR_Lab2BGR)
    assert apart(view, np.rint(cv_view * 255).astype(np.uint8)) <= 1


def test_ab_is_enlarged_from_edge_to_edge() -> None:
    """A ramp of b* stays one over the whole picture, centered, and runs from blue to yellow."""
    b = np.array([[-40, -20, 20, 40]], np.float32).repeat(3, axis=0)
    view = ab_view(np.stack([0 * b, b]), np.full((12, 16), 60, np.float32)).astype(int)
    assert view.shape == (12, 16, 3)
    blueness = view[..., 0] - view[..., 2]
    assert np.all(np.diff(blueness, axis=1) <= 0)
    assert np.all(blueness == blueness[0])
    neutral = ab_view(np.zeros((2, 1, 1), np.float32), np.full((1, 2), 60, np.float32))
    middle = (view[0, 7] + view[0, 8]) / 2
    assert middle == pytest.approx(neutral[0, 0].astype(float), abs=1.5)


def test_colors_out_of_gamut_are_clipped() -> None:
    """A red stronger than sRGB's is full red, not wrapped round to black."""
    view = ab_view(np.array([[[100]], [[80]]], np.float32), np.full((1, 1), 55, np.float32))
    assert view[0, 0].tolist()[1:] == [0, 255]


def test_a_color_that_is_not_a_number_is_marked() -> None:
    """A network gone wrong shows as magenta where it did, and elsewhere the colors stay."""
    ab = np.zeros((2, 4, 4), np.float32)
    ab[1, 1, 2] = np.nan
    view = ab_view(ab, np.full((4, 4), 50, np.float32))
    marked = np.all(view == MARK_BGR, axis=-1)
    assert np.argwhere(marked).tolist() == [[1, 2]]
    assert np.all(view[~marked] == 119)


def test_bins_look_like_their_centers() -> None:
    """Red, green, yellow and blue lean the way of a* and b*; L* is right wherever sRGB reaches."""
    numbers = np.arange(BIN_COUNT, dtype=np.uint16)[None]
    view = bin_view(numbers)
    lab = cv2.cvtColor(view.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)[0]
    centers = BIN_CENTERS.numpy()
    for axis in range(2):
        strong = np.abs(centers[:, axis]) >= 20
        assert np.all(np.sign(lab[strong, 1 + axis]) == np.sign(centers[strong, axis]))
    inside = np.all((view[0] > 0) & (view[0] < 255), axis=-1)
    assert inside.sum() > 80
    expected = np.column_stack([np.full(BIN_COUNT, BIN_LIGHTNESS), centers])
    assert lab[inside] == pytest.approx(expected[inside], abs=1)


def test_bins_within_srgb_can_be_told_apart() -> None:
    """All bins up to a chroma of 60 differ from each other by more than rounding would do."""
    near = np.flatnonzero(BIN_CENTERS.norm(dim=1).numpy() <= 60)
    colors = bin_view(near[None].astype(np.uint16))[0].astype(int)
    apart_by = np.abs(colors[:, None] - colors).max(-1)
    assert len(near) > 100
    assert apart_by[~np.eye(len(near), dtype=bool)].min() >= 3


def test_bins_keep_their_places() -> None:
    """Each sample has its own bin's color, and a number that no bin has is an error."""
    tile = np.array([[0, 312, 7], [150, 7, 0]], np.uint16)
    one_row = bin_view(np.arange(BIN_COUNT, dtype=np.uint16)[None])[0]
    assert np.array_equal(bin_view(tile), one_row[tile])
    with pytest.raises(IndexError):
        bin_view(np.array([[BIN_COUNT]], np.uint16))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("full_range", [False, True])
def test_neutral_chroma_is_gray(depth: int, full_range: bool) -> None:
    """Cb and Cr at 2^(depth - 1) give the middle gray, all three channels alike."""
    film = picture(6, 4, "420", depth=depth, full_range=full_range)
    plane = np.full((2, 3), 1 << depth - 1, np.uint8 if depth == 8 else np.uint16)
    assert np.all(chroma_view(plane, plane, film) == 128)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(("depth", "full_range"), [(8, False), (8, True), (10, False)])
def test_chroma_is_shown_by_the_films_matrix(matrix: Matrix, depth: int, full_range: bool) -> None:
    """Chroma alone looks as FFmpeg shows it over the luma code halfway, within 2 of 255."""
    film = picture(64, 48, depth=depth, full_range=full_range, matrix=matrix)
    _, cb, cr = noise(film)
    half = np.full_like(cb, np.rint(sum(black_and_white(film)) / 2))
    assert apart(chroma_view(cb, cr, film), shown_by_ffmpeg((half, cb, cr), film, "444")) <= 2


def test_only_limited_chroma_is_marked() -> None:
    """Luma's blocks under a share below 1 have color, all others are the luma's gray."""
    film = picture(21, 15, "420")
    luma = noise(film)[0]
    share = np.ones((8, 11), np.float32)
    share[0, 0], share[3, 5], share[7, 10] = 0, np.nextafter(np.float32(1), 0), 0.5
    view = limited_view(luma, share, film)
    assert view.shape == (15, 21, 3)
    marked = np.zeros((15, 21), bool)
    marked[:2, :2] = marked[6:8, 10:12] = marked[14, 20] = True
    assert np.array_equal(np.ptp(view, axis=-1) > 0, marked)
    assert np.array_equal(view[~marked], luma_view(luma, film)[~marked][:, None].repeat(3, 1))


@pytest.mark.parametrize("code", [16, 126, 235])
def test_the_mark_grows_as_the_share_falls(code: int) -> None:
    """On black, gray and white the mark is plain to see at once and gets all the stronger."""
    film = picture(6, 1)
    share = np.array([[1, 0.999, 0.75, 0.5, 0.25, 0]], np.float32)
    view = limited_view(np.full((1, 6), code, np.uint8), share, film)[0].astype(float)
    assert view[-1].tolist() == list(MARK_BGR)
    left = np.abs(view - np.array(MARK_BGR)).sum(-1)
    assert np.all(np.diff(left) < -20)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("grid", ["444", "422", "420"])
def test_the_frame_looks_as_ffmpeg_shows_it(
    matrix: Matrix, full_range: bool, depth: int, grid: str
) -> None:
    """Noise in all three planes gives FFmpeg's colors within 1 of 255, clipped ones included."""
    film = picture(96, 64, grid, depth=depth, full_range=full_range, matrix=matrix)
    planes = noise(film)
    view = final_view(*planes, film)
    assert (view == 0).any()
    assert (view == 255).any()
    assert apart(view, shown_by_ffmpeg(planes, film, grid)) <= 1


@pytest.mark.parametrize("location", ChromaLocation)
def test_chroma_is_enlarged_from_where_it_lies(location: ChromaLocation) -> None:
    """Each siting of 4:2:0 agrees with FFmpeg's at that position, within 1 of 255."""
    film = picture(96, 64, "420", chroma_location=location)
    planes = noise(film)
    assert apart(final_view(*planes, film), shown_by_ffmpeg(planes, film, "420")) <= 1


@pytest.mark.parametrize("grid", ["440", "411", "410"])
def test_other_chroma_grids_are_enlarged_linearly(grid: str) -> None:
    """A ramp of Cr as seen from the chroma samples is that ramp again at luma's samples."""
    film = picture(64, 48, grid, depth=16, full_range=True)
    columns, rows = 1 << film.log2_chroma_width, 1 << film.log2_chroma_height
    x, y = np.meshgrid(np.arange(film.chroma_width), np.arange(film.chroma_height))
    red = 300 * (x * columns) + 200 * (y * rows + (rows - 1) / 2)
    plane = (32768 + red).astype(np.uint16)
    luma = np.full((48, 64), 20000, np.uint16)
    view = final_view(luma, np.full_like(plane, 32768), plane, film)[..., 2]
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    expected = (20000 + 2 * (1 - 0.2126) * (300 * x + 200 * y)) / 257
    inner = np.s_[rows:-rows, columns:-columns]
    assert view[inner] == pytest.approx(np.minimum(expected, 255)[inner], abs=0.6)


@pytest.mark.parametrize("grid", ["444", "422", "420"])
@pytest.mark.parametrize("depth", [8, 10])
def test_odd_sizes_keep_their_chroma_in_place(grid: str, depth: int) -> None:
    """A film of odd sides looks as FFmpeg shows the film one sample larger, but for that sample.

    Both have the same chroma planes. FFmpeg's picture of the odd film is no reference, as it
    stretches the chroma plane to luma's size.
    """
    whole = picture(98, 66, grid, depth=depth)
    film = picture(97, 65, grid, depth=depth)
    luma, cb, cr = noise(whole)
    expected = shown_by_ffmpeg((luma, cb, cr), whole, grid)[:65, :97]
    own = np.s_[: film.chroma_height, : film.chroma_width]
    view = final_view(luma[:65, :97], cb[own], cr[own], film)
    assert view.shape == (65, 97, 3)
    assert apart(view, expected) <= 1


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("of", [luma_view, lambda luma, film: final_view(luma, luma, luma, film)])
def test_views_are_turned_as_the_network_sees_the_film(
    turn: str, of: Callable[[Plane, FrameFormat], np.ndarray]
) -> None:
    """Gray or in color, the samples lie where `to_network` has them; a turn leaves none out."""
    film = picture(96, 64, full_range=True, display_matrix=TURNS[turn])
    stored = np.arange(96 * 64, dtype=np.uint32).reshape(64, 96)
    luma = (stored % 251).astype(np.uint8)
    seen = to_network(luma, film, network_size(film, 64))
    view = upright(of(luma, film), film)
    assert view.flags.c_contiguous
    index = upright(stored, film)
    assert np.array_equal(seen, lightness_of(luma, film).ravel()[index])
    assert np.array_equal(view, of(luma, film).reshape(64 * 96, *view.shape[2:])[index])


def test_flow_is_a_color_wheel() -> None:
    """Still is white; right is red, down green, left cyan, up violet; fast is full."""
    displacement = np.zeros((2, 1, 6), np.float32)
    displacement[:, 0, 1:5] = [[-9, 0, 9, 0], [0, -9, 0, 9]]  # to where things were
    displacement[0, 0, 5] = -FASTEST_PIXELS / 2
    view = flow_view(displacement)[0].tolist()
    assert view[0] == [255, 255, 255]
    assert view[1] == [0, 0, 255]
    assert view[2] == [0, 255, 127]
    assert view[3] == [255, 255, 0]
    assert view[4] == [255, 0, 128]
    assert view[5] == [128, 128, 255]


def test_regions_have_colors_of_their_own() -> None:
    """Each number has its color in every frame, neighbors differ much, and 0 is black."""
    view = label_view(np.arange(200, dtype=np.int32).reshape(10, 20))
    assert view[0, 0].tolist() == [0, 0, 0]
    assert len(np.unique(view.reshape(-1, 3), axis=0)) == 200
    steps = np.abs(np.diff(view.reshape(-1, 3)[1:].astype(int), axis=0)).max(1)
    assert steps.min() > 60
    np.testing.assert_array_equal(label_view(np.array([[7]]))[0, 0], view[0, 7])
    assert label_view(np.array([[True, False]]))[0].any(1).tolist() == [True, False]
