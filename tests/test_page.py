import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import cv2
import numpy as np
import pytest
import torch
from browser import Page
from clips import SAMPLE
from page_dump import SIZES, random_histogram, strongest

from vidcolor import FrameDump, ModelSettings, Settings, TemporalSettings, replay_frames
from vidcolor.color.bins import BIN_CENTERS
from vidcolor.color.lab import srgb_from_lab
from vidcolor.dump.page import histogram_script, write_page

FULL = (1734, 1735, 1736, 1740, 1741)  # frames with all bins of both stages; a cut before 1740
FEW = 1801  # a frame with 8 bins a pixel
TWO = 1900  # a frame of two pixels with one certain bin each
BARE = 1950  # a frame with no histogram
BINS_KEPT = 8
VIEWS = ["luma.png", "net-top-bin.png", "net-entropy.png", "final.png"]


def bin_at(a: float, b: float) -> int:
    """The number of the bin with that center."""
    return int((torch.tensor([a, b]) == BIN_CENTERS).all(1).nonzero())


def write_frame(folder: Path, number: int, scripts: dict[str, str], **facts: Any) -> dict[str, Any]:
    """A frame's pictures and scripts, and its line."""
    views = facts.pop("views", VIEWS)
    own = folder / f"{number:06}"
    own.mkdir(parents=True)
    rng = np.random.default_rng(number)
    for i, view in enumerate(views):
        picture = rng.integers(0, 256, (7, 11, 3) if i % 2 else (60, 80, 3), np.uint8)
        assert cv2.imwrite(str(own / view), picture)
    for stage, script in scripts.items():
        (own / f"{stage}.js").write_text(script, encoding="utf-8")
    return {
        "frame": number,
        "folder": own.name,
        "seconds": number / 24,
        "pts": number,
        "shot": 3 if number < 1740 else 4,
        "cut_difference": 1.25,
        "cut_ratio": 0.875,
        "aspect": 1.375,
        "views": views,
        "histograms": [f"{stage}.js" for stage in scripts],
        "figures": {"net": {"entropy_bits": 3.14159}},
        "times": {"net": 0.0123, "smooth": 0.004},
    } | facts


def write_dump(folder: Path) -> None:
    """A dump of all kinds of frames."""
    frames = []
    for number in FULL:
        scripts = {
            stage: histogram_script(
                number, stage, bins=None, probabilities=random_histogram(number, stage)
            )
            for stage in SIZES
        }
        frames.append(write_frame(folder, number, scripts))
    histogram = random_histogram(FEW, "net")
    bins = strongest(histogram, BINS_KEPT)
    few = np.take_along_axis(histogram, bins.astype(np.int64), 0)
    script = histogram_script(FEW, "net", bins=bins, probabilities=few)
    frames.append(write_frame(folder, FEW, {"net": script}))
    two_bins = np.array([bin_at(-60, -20), bin_at(60, 60)], np.uint16).reshape(1, 1, 2)
    script = histogram_script(
        TWO, "net", bins=two_bins, probabilities=np.ones((1, 1, 2), np.float16)
    )
    frames.append(write_frame(folder, TWO, {"net": script}))
    frames.append(write_frame(folder, BARE, {}, views=["luma.png", "flow-warped-ab.png"]))
    write_page(folder, {"film": "film.mp4", "model": "lite", "vidcolor": "0.1.0"}, frames)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a dump of all kinds of frames."""
    folder = tmp_path_factory.mktemp("dump")
    write_dump(folder)
    return folder / "index.html"


@pytest.fixture
def page(driver: Any, index: Path) -> Iterator[Page]:
    """The page, just opened; whatever a test does, no script may fail."""
    page = Page(driver, index)
    page.errors()
    page.open()
    yield page
    assert page.errors() == []


@pytest.mark.parametrize(("column", "row"), [(0, 0), (4, 2), (7, 5)])
def test_the_pointer_reads_its_map_pixel(page: Page, column: int, row: int) -> None:
    """Bins, centers and percent are those of exactly the pixel pointed at; sum and entropy too."""
    page.point((column + 0.5) / 11, (row + 0.5) / 7, panel=3)
    page.await_pixel(column, row, SIZES["net"])
    histogram = random_histogram(1734, "net")[:, row, column]
    page.assert_shows(histogram)
    assert len(page.listed()) == 10
    shares = histogram[histogram > 0].astype(np.float64)
    assert page.stated("sum") == pytest.approx(100 * shares.sum(), abs=6e-4)
    assert page.stated("entropy") == pytest.approx(-(shares @ np.log2(shares)), abs=6e-4)


def test_the_last_column_and_row_are_reached(page: Page) -> None:
    """One pixel of the screen before the lower right corner lies the map's last, as beyond."""
    box = page.all(".box")[0].size
    page.point(1 - 1 / box["width"], 1 - 1 / box["height"])
    page.await_pixel(10, 6, SIZES["net"])
    page.assert_shows(random_histogram(1734, "net")[:, 6, 10])
    page.open("#x=1&y=1")  # a corner that no pointer gives
    page.await_pixel(10, 6, SIZES["net"])


def test_each_side_of_a_pixels_edge_is_its_own(page: Page) -> None:
    """Three pixels of the screen left and right of a map pixel's edge two columns are read."""
    width = page.all(".box")[0].size["width"]
    for column, x in ((4, 5 / 11 - 3 / width), (5, 5 / 11 + 3 / width)):
        page.point(x, 0.5)
        page.await_pixel(column, 3, SIZES["net"])
        page.assert_shows(random_histogram(1734, "net")[:, 3, column])


def test_another_stage_shows_its_own_map(page: Page) -> None:
    """The button of a stage changes the array and the size of the map at the same place."""
    page.point(0.99, 0.01)
    page.await_pixel(10, 0, SIZES["net"])
    page.all("#stages button[data-stage=smooth]")[0].click()
    page.await_pixel(12, 0, SIZES["smooth"])
    page.assert_shows(random_histogram(1734, "smooth")[:, 0, 12])


def test_an_arrow_key_steps_to_the_next_frame(page: Page) -> None:
    """Right shows the next frame's facts, pictures and histogram at the same place."""
    page.point(0.5, 0.5)
    page.await_pixel(5, 3, SIZES["net"])
    page.press("\ue014")  # right
    page.await_text("#frame-facts", "Frame 1735 · 0:01:12.291")
    page.await_pixel(5, 3, SIZES["net"])
    page.assert_shows(random_histogram(1735, "net")[:, 3, 5])
    sources = [image.get_attribute("src") for image in page.all(".box img")]
    assert sources == [(page.index.parent / "001735" / view).as_uri() for view in VIEWS]


def test_shots_are_jumped_between(page: Page) -> None:
    """A bracket goes to the first dumped frame of the next shot, or of the one before."""
    page.press("]")
    page.await_text("#frame-facts", "Frame 1740")
    page.press("\ue014")
    page.press("[")
    page.await_text("#frame-facts", "Frame 1734")


def test_the_slider_steps_once_for_a_key(page: Page) -> None:
    """An arrow key on the slider is not counted a second time by the page."""
    page.run("document.querySelector('#slider').focus()")
    page.press("\ue014")
    page.await_text("#frame-facts", "Frame 1735")


def test_a_click_pins_the_crosshair(page: Page) -> None:
    """A pinned crosshair stays in all panels as the pointer moves on, until the next click."""
    page.point(0.25, 0.75, click=True)
    page.point(0.9, 0.1, panel=2)
    page.await_pixel(2, 5, SIZES["net"])
    lines = page.run(
        "return [...document.querySelectorAll('.box')].map(box => parseFloat("
        "getComputedStyle(box, '::before').left) / box.clientWidth)"
    )
    assert lines == pytest.approx([0.25] * len(VIEWS), abs=0.01)
    page.point(0.9, 0.1, panel=2, click=True)
    page.await_pixel(9, 0, SIZES["net"])


def test_shift_and_arrows_move_by_map_pixels(page: Page) -> None:
    """Without a pointer each map pixel can be read."""
    page.open("#frame=1734&x=0.5&y=0.5")
    page.await_pixel(5, 3, SIZES["net"])
    page.press("\ue008", "\ue014")  # shift, right
    page.press("\ue008", "\ue013")  # shift, up
    page.await_pixel(6, 2, SIZES["net"])
    page.assert_shows(random_histogram(1734, "net")[:, 2, 6])


def test_a_dump_of_the_strongest_bins_shows_those(page: Page) -> None:
    """All of 8 stored bins are listed in order, and their sum is less than 1."""
    page.open(f"#frame={FEW}&x=0.3&y=0.3")
    page.await_pixel(3, 2, SIZES["net"])
    histogram = random_histogram(FEW, "net")[:, 2, 3]
    page.assert_shows(histogram)
    assert len(page.listed()) == BINS_KEPT
    expected = np.sort(histogram)[-BINS_KEPT:].astype(np.float64).sum()
    assert page.stated("sum") == pytest.approx(100 * expected, abs=6e-4)
    assert expected < 0.9


def test_the_strongest_bin_is_painted_in_its_color(page: Page) -> None:
    """On the canvas the strongest bin's place has its color at L* 65, which before it had not."""
    blank = page.canvas()
    page.point(0.5, 0.5)
    page.await_pixel(5, 3, SIZES["net"])
    top = int(random_histogram(1734, "net")[:, 3, 5].argmax())
    a, b = BIN_CENTERS[top].tolist()
    x, y = (round(place) for place in page.run(f"return placeOf({a}, {b})"))
    lab = torch.tensor([65, a, b]).reshape(3, 1, 1)
    expected = srgb_from_lab(lab).clamp(0, 1).mul(255).flatten().tolist()
    assert page.canvas()[y, x].tolist() == pytest.approx(expected, abs=1)
    assert blank[y, x].tolist() != pytest.approx(expected, abs=20)


def test_a_lies_to_the_right_and_b_up(page: Page) -> None:
    """Of two certain histograms, the orange one is painted right of and above the cyan one."""
    centers = []
    blank = page.canvas().astype(int)
    for x in (0.25, 0.75):
        page.open(f"#frame={TWO}&x={x}&y=0.5")
        page.await_text("#reading", f"map pixel ({int(2 * x)}, 0) of 2 \u00d7 1")
        painted = np.abs(page.canvas() - blank).max(-1) > 0
        centers.append(np.argwhere(painted).mean(0))
        assert painted.sum() == pytest.approx(15 * 15, abs=32)  # one cell
    (cyan_y, cyan_x), (orange_y, orange_x) = centers
    assert orange_x - cyan_x == pytest.approx(120 * 1.5, abs=1)
    assert cyan_y - orange_y == pytest.approx(80 * 1.5, abs=1)


def test_a_link_restores_what_was_shown(page: Page) -> None:
    """Frame, place and stage come back from the address, pinned."""
    page.open("#frame=1741&x=0.4&y=0.61&stage=smooth")
    page.await_pixel(5, 3, SIZES["smooth"])
    page.await_text("#frame-facts", "Frame 1741")
    page.assert_shows(random_histogram(1741, "smooth")[:, 3, 5])
    page.point(0.9, 0.9)
    page.await_pixel(5, 3, SIZES["smooth"])


def test_the_address_follows_what_is_shown(page: Page) -> None:
    """After pointing, stepping and changing the stage the address is a link to just that."""
    from selenium.webdriver.support.ui import WebDriverWait

    page.press("\ue014")
    page.press("s")
    page.point(0.2, 0.7, click=True)
    WebDriverWait(page.driver, 10).until(lambda driver: "stage=smooth" in driver.current_url)
    link = parse_qs(page.driver.current_url.partition("#")[2])
    assert (link["frame"], link["stage"]) == (["1735"], ["smooth"])
    assert [float(link["x"][0]), float(link["y"][0])] == pytest.approx([0.2, 0.7], abs=0.01)


def test_a_new_link_in_an_open_page_is_followed(page: Page) -> None:
    """Changing the address by hand goes there without loading the page again."""
    page.run("location.hash = '#frame=1736&x=0.5&y=0.5'")
    page.await_text("#frame-facts", "Frame 1736")
    page.await_pixel(5, 3, SIZES["net"])
    page.assert_shows(random_histogram(1736, "net")[:, 3, 5])


def test_a_frame_without_histograms_says_so(page: Page) -> None:
    """Its place can be pointed at, and nothing is listed or left over from another frame."""
    page.open("#frame=1734&x=0.5&y=0.5")
    page.await_pixel(5, 3, SIZES["net"])
    page.run(f"location.hash = '#frame={BARE}&x=0.5&y=0.5'")
    page.await_text("#reading", "No histogram was dumped for this frame.")
    assert page.all("#strongest table") == []


def test_panels_are_those_of_the_frame(page: Page) -> None:
    """Panels and captions come from each frame's own list, whatever stages there are."""
    captions = [button.text for button in page.all("figcaption button")]
    assert captions == ["luma", "net: top bin", "net: entropy", "final"]
    page.open(f"#frame={BARE}")
    captions = [button.text for button in page.all("figcaption button")]
    assert captions == ["luma", "flow: warped ab"]


def test_boxes_have_the_films_aspect(page: Page) -> None:
    """Every box is as wide as the film is for its height, also an enlarged one."""
    page.all("figcaption button")[1].click()
    boxes = [box.size for box in page.all(".box")]
    ratios = [box["width"] / box["height"] for box in boxes]
    assert ratios == pytest.approx([1.375] * len(VIEWS), abs=0.01)
    assert boxes[1]["width"] > 2 * boxes[0]["width"]


def test_figures_and_times_are_listed(page: Page) -> None:
    """Each stage has a row with its time in milliseconds and its figures."""
    rows = page.text("#figures").splitlines()
    assert rows[1:] == ["net 12.3 ms entropy bits 3.142", "smooth 4.0 ms"]


def test_only_a_few_frames_stay_in_memory(page: Page) -> None:
    """Of five frames read, four are kept, and the first is read right again."""
    for number in (*FULL, FULL[0]):
        page.run(f"location.hash = '#frame={number}&x=0.5&y=0.5'")
        page.await_text("#frame-facts", f"Frame {number}")
        page.await_pixel(5, 3, SIZES["net"])
        page.assert_shows(random_histogram(number, "net")[:, 3, 5])
    assert page.run("return [...kept.keys()]") == [*FULL[2:], FULL[0]]


def test_a_missing_script_is_told(page: Page, tmp_path: Path) -> None:
    """The page says which file it cannot read."""
    line = write_frame(tmp_path, 7, {"net": ""}) | {"histograms": ["lost.js"]}
    write_page(tmp_path, {}, [line])
    page.open("#x=0.5&y=0.5", tmp_path / "index.html")
    page.await_text("#reading", "lost.js cannot be read.")
    (error,) = page.errors()
    assert "ERR_FILE_NOT_FOUND" in error


def test_odd_names_do_no_harm(page: Page, tmp_path: Path) -> None:
    """Markup, quotes, umlauts and what means something in an address are only text."""
    film = "</script><b id=x>\"'&amp; Käthe <!--\u2028.mp4"
    folder = tmp_path / 'Käthe\'s "dump" #1 100%'
    script = histogram_script(5, 'a"#%<', bins=None, probabilities=random_histogram(5, "net"))
    views = ['net-</script>"#%ü.png'.replace("/", ""), "luma.png"]
    line = write_frame(folder, 5, {'a"#%<': script}, views=views, figures={film: {film: film}})
    write_page(folder, {"film": film, "settings": {film: [film]}}, [line])
    page.open("#x=0.5&y=0.5", folder / "index.html")
    page.await_pixel(5, 3, SIZES["net"])
    page.assert_shows(random_histogram(5, "net")[:, 3, 5])
    assert page.run("return document.querySelector('#film').textContent") == film
    assert page.all("#x") == []
    widths = page.run("return [...document.images].map(image => image.naturalWidth)")
    assert widths == [80, 11]


def test_a_dump_of_no_frames_says_so(page: Page, tmp_path: Path) -> None:
    """The page opens all the same."""
    write_page(tmp_path, {"film": "film.mp4"}, [])
    page.open(index=tmp_path / "index.html")
    assert page.text("main").startswith("No frame was dumped")


def test_a_real_dump_is_read_under_the_pointer(driver: Any, tmp_path: Path) -> None:
    """The page of a dumped film shows the probabilities that its npz files hold.

    Every other frame, 57 too, has none of the network's, and it is told so.
    """
    model = ModelSettings(render_size=128)
    settings = Settings(model=model, temporal=TemporalSettings(every=2))
    replay_frames(SAMPLE, FrameDump(tmp_path / "look", "57-58"), settings)
    page = Page(driver, tmp_path / "look" / "index.html")
    page.open("#frame=57")
    for number in (57, 58):
        page.await_text("#frame-facts", f"Frame {number}")
        assert ("network was not asked" in page.text("#frame-facts")) == (number == 57)
        for stage in ("smooth",) if number == 57 else ("net", "smooth"):
            with np.load(tmp_path / "look" / f"{number:06}" / f"{stage}.npz") as arrays:
                histogram = arrays["probabilities"]
            page.run(f"document.querySelector('[data-stage={stage}]').click()")
            page.point(0.31, 0.72, panel=1)  # to whole pixels of the screen
            page.await_text("#reading", "map pixel (")
            column, row = map(int, re.findall(r"\d+", page.text("#reading"))[:2])
            assert abs(column - 0.31 * histogram.shape[2]) < 2
            assert abs(row - 0.72 * histogram.shape[1]) < 2
            page.assert_shows(histogram[:, row, column])
        page.press("\ue014")  # the right arrow key
    assert page.errors() == []
