import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from page_dump import random_histogram, strongest

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT
from vidcolor.dump.page import histogram_script, write_page


def decoded(script: str) -> dict[str, Any]:
    """What a histogram's script hands to the page."""
    found = re.fullmatch(r"vidcolorHistogram\((.*)\);\n", script)
    assert found is not None
    return json.loads(found[1])


def test_scripts_hold_histograms_pixel_by_pixel() -> None:
    """The bytes are little-endian float16 of (h, w, 313)."""
    histogram = random_histogram(3, "smooth")
    record = decoded(histogram_script(3, "smooth", bins=None, probabilities=histogram))
    stored = np.frombuffer(b64decode(record.pop("probabilities")), "<f2").reshape(5, 13, BIN_COUNT)
    np.testing.assert_array_equal(stored, histogram.transpose(1, 2, 0))
    expected = {"frame": 3, "stage": "smooth", "width": 13, "height": 5, "count": 313, "bins": None}
    assert record == expected


def test_scripts_hold_the_bins_beside_their_probabilities() -> None:
    """With fewer bins their numbers are little-endian uint16 of (h, w, K)."""
    histogram = random_histogram(3, "net")
    bins = strongest(histogram, 5)
    few = np.take_along_axis(histogram, bins.astype(np.int64), 0)
    record = decoded(histogram_script(3, "net", bins=bins, probabilities=few))
    stored = np.frombuffer(b64decode(record["bins"]), "<u2").reshape(7, 11, 5)
    np.testing.assert_array_equal(stored, bins.transpose(1, 2, 0))
    stored = np.frombuffer(b64decode(record["probabilities"]), "<f2").reshape(7, 11, 5)
    np.testing.assert_array_equal(stored, few.transpose(1, 2, 0))
    assert record["count"] == 5


@pytest.mark.parametrize(
    ("bins", "shape", "told"),
    [
        (None, (312, 2, 2), r"\(312, 2, 2\); expected \(313, 2, 2\)"),
        (None, (313, 2), r"\(313, 2\)"),
        (np.zeros((5, 2, 2), np.uint16), (4, 2, 2), r"\(4, 2, 2\); expected \(5, 2, 2\)"),
        (np.full((5, 2, 2), 313, np.uint16), (5, 2, 2), "bin 313; there are 313"),
    ],
)
def test_histograms_must_fit(
    bins: NDArray[np.uint16] | None, shape: tuple[int, ...], told: str
) -> None:
    """Wrong shapes and bins that do not exist are refused."""
    with pytest.raises(ValueError, match=told):
        histogram_script(1, "net", bins=bins, probabilities=np.zeros(shape, np.float16))


def test_what_is_written_is_safe_in_a_script(tmp_path: Path) -> None:
    """`frames.js` is plain ASCII without an opening angle bracket, and holds the data unchanged."""
    facts = {"film": "</script><!-- \u2028\u2029 ü \udcff"}
    write_page(tmp_path, facts, [{"frame": 1}])
    text = (tmp_path / "frames.js").read_text(encoding="ascii")
    assert "<" not in text
    data = json.loads(text.removeprefix("var vidcolorDump = ").removesuffix(";\n"))
    assert data == {"facts": facts, "bins": BIN_CENTERS.tolist(), "frames": [{"frame": 1}]}


def test_a_page_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be written leaves the page before as it was."""
    write_page(tmp_path, {}, [{"frame": 1}])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert {path.name for path in before} == {"index.html", "frames.js"}
    with pytest.raises(TypeError):
        write_page(tmp_path, {}, [{"frame": object()}])
    (tmp_path / "frames.js.part").mkdir()  # in the way of what is written first
    with pytest.raises(OSError, match=r"frames\.js\.part"):
        write_page(tmp_path, {}, [{"frame": 2}])
    assert {path: path.read_bytes() for path in before} == before
