"""`--report`: pages and tables for people."""

import csv
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from cli_runs import names, run
from clips import soft_shot, write_film
from PIL import Image

from vidcolor.report.page import html_page

pytestmark = pytest.mark.usefixtures("quiet_surroundings")

PICTURE = re.compile(r'<img alt="(\w+)" src="data:image/jpeg;base64,([^"]+)">')


def pictures(page: str) -> list[tuple[str, np.ndarray]]:
    """The pictures of a page with their names."""
    return [
        (name, np.asarray(Image.open(BytesIO(b64decode(data))), np.int16))
        for name, data in PICTURE.findall(page)
    ]


def test_a_batch_has_pages_with_its_shots_before_and_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each shot's own picture, without and with color; names are text, not markup."""
    shots = [soft_shot(seed, 12) for seed in (0, 1)]
    write_film(Path("<b>&.mkv"), shots[0] + shots[1])
    write_film(Path("two.mkv"), shots[0])
    Path("none.mkv").write_bytes(b"none")
    assert run("<b>&.mkv", "two.mkv", "none.mkv", "-o", "out/", "--report", "--force") == 1
    page = Path("out/<b>&.colorized.html").read_text()
    assert "<b>&.mkv" not in page
    assert "&lt;b&gt;&amp;.mkv" in page
    seen = pictures(page)
    assert [name for name, _ in seen] == ["before", "after"] * 2
    for name, picture in seen:
        spread = np.ptp(picture, axis=2).mean()
        assert (spread < 1) if name == "before" else (spread > 1), name
        assert picture.shape == (213, 320, 3)
    for luma, (_, before) in zip((shots[0][6], shots[1][6]), seen[::2], strict=True):
        small = np.asarray(Image.fromarray(luma).resize((320, 213)), float)
        assert np.corrcoef(small.ravel(), before[..., 0].ravel())[0, 1] > 0.9
    rows = list(csv.DictReader(Path("out/<b>&.colorized.csv").read_text().splitlines()))
    assert [row["first_frame"] for row in rows] == ["0", "12"]

    batch = Path("out/vidcolor-report.html").read_text()
    assert batch.index("none.mkv") < batch.index("two.mkv")
    assert 'href="%3Cb%3E%26.colorized.html"' in batch
    rows = list(csv.DictReader(Path("out/vidcolor-report.csv").read_text().splitlines()))
    table = {row["reel"]: row for row in rows}
    assert (table["two.mkv"]["state"], table["none.mkv"]["state"]) == ("done", "failed")
    assert len(table["two.mkv"]["sha256"]) == 64

    before = names()
    assert run("two.mkv", "-o", "alone.mkv", "--report") == 0
    made = {"alone.mkv", "alone.json", "alone.html", "alone.csv"}
    assert names() - before == made
    Path("alone.mkv").unlink()
    Path("alone.json").unlink()
    capsys.readouterr()
    assert run("two.mkv", "-o", "alone.mkv", "--report") == 1
    assert "alone.html: exists already" in capsys.readouterr().err


@pytest.mark.quick
def test_what_is_told_is_no_markup() -> None:
    """In titles, too."""
    assert "<title>&lt;script&gt;</title>" in html_page("<script>", [])
