import numpy as np
import pytest
import torch
from probed import frame_format

from vidcolor.color import ycbcr
from vidcolor.color.planes import range_at_chroma
from vidcolor.color.ycbcr import luma_range
from vidcolor.frame import FrameFormat, Matrix

# ITU-R BT.709-6 item 3.2, BT.601-7 section 2.5.1, BT.2020-2 table 4; H.273 table 4 for the rest.
KR_KG_KB = {
    Matrix.BT709: (0.2126, 0.7152, 0.0722),
    Matrix.FCC: (0.30, 0.59, 0.11),
    Matrix.BT470BG: (0.299, 0.587, 0.114),
    Matrix.SMPTE170M: (0.299, 0.587, 0.114),
    Matrix.SMPTE240M: (0.212, 0.701, 0.087),
    Matrix.BT2020_NCL: (0.2627, 0.6780, 0.0593),
    Matrix.BT2020_CL: (0.2627, 0.6780, 0.0593),
}
# x, y, z of BT.709's red, green and blue; XYZ of D65 (ITU-R BT.709-6, items 1.3 and 1.4).
CORNERS = np.array([[0.64, 0.30, 0.15], [0.33, 0.60, 0.06], [0.03, 0.10, 0.79]])
WHITE = np.array([0.3127, 0.3290, 0.3583]) / 0.3290
XYZ_FROM_RGB = CORNERS @ np.diag(np.linalg.solve(CORNERS, WHITE))


def chroma_codes(
    ab: np.ndarray,
    lightness: np.ndarray,
    extremes: tuple[np.ndarray, np.ndarray],
    film: FrameFormat,
) -> tuple[np.ndarray, np.ndarray]:
    """The codes of arrays."""
    maps = (torch.from_numpy(one) for one in (ab, lightness))
    return ycbcr.chroma_codes(*maps, tuple(map(torch.from_numpy, extremes)), film)


def rgb_of(lightness: float, a: float, b: float) -> np.ndarray:
    """Gamma-coded sRGB of one CIELAB color, mirrored at zero; scalar float64 throughout."""
    y = (lightness + 16) / 116
    roots = (y + a / 500, y, y - b / 200)
    ratios = [f**3 if f > 6 / 29 else (f - 4 / 29) * 3 * (6 / 29) ** 2 for f in roots]
    linear = np.linalg.solve(XYZ_FROM_RGB, WHITE * ratios)
    sizes = np.abs(linear)
    coded = [12.92 * s if s <= 0.0031308 else 1.055 * s ** (1 / 2.4) - 0.055 for s in sizes]
    return np.sign(linear) * coded


def chroma_of(
    color: tuple[float, float, float], extremes: tuple[float, float], film: FrameFormat
) -> tuple[float, float]:
    """Unrounded Cb and Cr codes of one color whose luma spans `extremes` in [0, 1]."""
    kr, kg, kb = KR_KG_KB[film.matrix]
    rgb = rgb_of(*color)
    over = rgb - np.dot((kr, kg, kb), rgb)
    limits = [1.0]
    for difference in over:
        if difference > 0:
            limits.append(max(0, 1 - extremes[1]) / difference)
        if difference < 0:
            limits.append(max(0, extremes[0]) / -difference)
    span = 2**film.depth - 1 if film.full_range else 224 * 2 ** (film.depth - 8)
    neutral = 2 ** (film.depth - 1)
    top = 2**film.depth - 1
    cb, cr = over[2] / (2 * (1 - kb)), over[0] / (2 * (1 - kr))
    return tuple(float(np.clip(neutral + span * min(limits) * c, 0, top)) for c in (cb, cr))


@pytest.mark.parametrize("matrix", KR_KG_KB)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("depth", "error"), [(8, 0.501), (10, 0.501), (12, 0.51), (16, 0.75)])
def test_codes_match_the_formula_in_float64(
    matrix: Matrix, full_range: bool, depth: int, error: float
) -> None:
    """Random colors, gamut limit included, get the codes of an independent scalar formula."""
    rng = np.random.default_rng(int(matrix) + depth)
    count = 60
    film = frame_format(count, 1, matrix=matrix, full_range=full_range, depth=depth)
    black, white = luma_range(depth, full_range)
    dtype = np.uint8 if depth == 8 else np.uint16
    codes = np.sort(rng.integers(black, white + 1, (2, count)), axis=0).astype(dtype)
    lightness = rng.uniform(0, 100, (1, count)).astype(np.float32)
    ab = rng.uniform(-110, 110, (2, 1, count)).astype(np.float32)
    got = np.stack(chroma_codes(ab, lightness, (codes[:1], codes[1:]), film))[:, 0]
    assert got.dtype == dtype
    extremes = (codes.astype(np.float64) - black) / (white - black)
    colors = zip(lightness[0], ab[0, 0], ab[1, 0], strict=True)
    expected = [
        chroma_of(tuple(map(float, color)), tuple(extremes[:, i]), film)
        for i, color in enumerate(colors)
    ]
    assert np.abs(got.T - np.array(expected)).max() <= error


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_every_shade_without_color_is_exactly_neutral(depth: int, full_range: bool) -> None:
    """With a* = b* = 0, Cb and Cr are 2^(depth - 1) for every luma code, black to white."""
    film = frame_format(1 << depth, 1, depth=depth, full_range=full_range)
    luma = np.arange(1 << depth)[None].astype(np.uint8 if depth == 8 else np.uint16)
    lightness = np.linspace(0, 100, 1 << depth, dtype=np.float32)[None]
    ab = np.zeros((2, 1, 1 << depth), np.float32)
    for plane in chroma_codes(ab, lightness, (luma, luma), film):
        assert np.all(plane == 1 << (depth - 1))


@pytest.mark.parametrize("code", [0, 10, 16, 235, 255])
def test_black_bars_and_whites_stay_neutral(code: int) -> None:
    """Luma at or beyond black and white leaves no room for color, whatever the map says."""
    film = frame_format(8, 8)
    luma = np.full((8, 8), code, np.uint8)
    ab = np.full((2, 8, 8), 60, np.float32)
    lightness = np.full((8, 8), 50, np.float32)
    for plane in chroma_codes(ab, lightness, (luma, luma), film):
        assert np.all(plane == 128)


@pytest.mark.parametrize("matrix", KR_KG_KB)
def test_no_luma_sample_is_pushed_out_of_rgb(matrix: Matrix) -> None:
    """Wild luma under strong color decodes to R'G'B' in [0, 1], but for the chroma's rounding."""
    rng = np.random.default_rng(3)
    film = frame_format(64, 64, matrix=matrix, log2_chroma_width=1, log2_chroma_height=1, depth=10)
    luma = rng.integers(64, 941, (64, 64)).astype(np.uint16)
    lightness = rng.uniform(0, 100, (32, 32)).astype(np.float32)
    ab = rng.uniform(-110, 110, (2, 32, 32)).astype(np.float32)
    cb, cr = chroma_codes(ab, lightness, range_at_chroma(luma, film), film)
    assert np.abs(cb.astype(int) - 512).max() > 50
    y = (luma - 64.0) / 876
    blue, red = (np.kron(c - 512.0, np.ones((2, 2))) / 896 for c in (cb, cr))
    kr, kg, kb = KR_KG_KB[matrix]
    r, b = y + 2 * (1 - kr) * red, y + 2 * (1 - kb) * blue
    g = (y - kr * r - kb * b) / kg
    rounding = 0.5 / 896 * 2 * 1.01
    for channel in (r, g, b):
        assert channel.min() >= -rounding
        assert channel.max() <= 1 + rounding


def test_colors_go_the_right_way() -> None:
    """Red raises Cr, blue raises Cb, and yellow lowers it."""
    film = frame_format(3, 1)
    ab = np.array([[[60, 10, -5]], [[40, -50, 60]]], np.float32)
    half = np.full((1, 3), 120, np.uint8)
    cb, cr = chroma_codes(ab, np.full((1, 3), 50, np.float32), (half, half), film)
    assert cr[0, 0] > 160
    assert cb[0, 1] > 150
    assert cb[0, 2] < 100


def test_wide_primaries_need_less_chroma() -> None:
    """The same color is nearer to gray in BT.2020 primaries, which reach further."""
    ab = np.array([[[50]], [[30]]], np.float32)
    half = np.full((1, 1), 120, np.uint8)
    crs = [
        chroma_codes(ab, np.full((1, 1), 50, np.float32), (half, half), film)[1][0, 0]
        for film in (frame_format(1, 1, primaries=9), frame_format(1, 1, primaries=1))
    ]
    assert 128 < crs[0] < crs[1]


def test_strips_make_one_picture() -> None:
    """A picture taller than one strip has its rows where they belong."""
    film = frame_format(3000, 40)
    ramp = np.linspace(-40, 40, 40, dtype=np.float32)[:, None].repeat(3000, axis=1)
    luma = np.full((40, 3000), 120, np.uint8)
    least, greatest = luma.copy(), luma.copy()
    least[30:], greatest[:5] = 16, 235
    fifty = np.full((40, 3000), 50, np.float32)
    cb, _ = chroma_codes(np.stack([0 * ramp, ramp]), fifty, (least, greatest), film)
    assert np.all(cb[:5] == 128)
    assert np.all(cb[30:] == 128)
    assert np.all(np.diff(cb[5:30].astype(int), axis=0) <= 0)
    assert cb[5, 0] > 140
    assert cb[29, 0] < 120
