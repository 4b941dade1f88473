import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from vidcolor.training.log import append_record, plot_records, read_records, truncate_records


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    """Lines come back in order; a log that does not exist yet is empty."""
    log = tmp_path / "log.jsonl"
    assert read_records(log) == []
    append_record(log, {"step": 1, "loss": 2.5})
    append_record(log, {"step": 2, "loss": 2.25})
    assert read_records(log) == [{"step": 1, "loss": 2.5}, {"step": 2, "loss": 2.25}]


def test_later_lines_are_dropped(tmp_path: Path) -> None:
    """Lines up to the step stay, that step's own included."""
    log = tmp_path / "log.jsonl"
    for step in (1, 2, 3):
        append_record(log, {"step": step})
    truncate_records(log, 2)
    assert [record["step"] for record in read_records(log)] == [1, 2]


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_figures_are_drawn(tmp_path: Path) -> None:
    """A log of losses and validations becomes a PNG picture."""
    log = tmp_path / "log.jsonl"
    append_record(log, {"step": 1, "pictures": 2, "loss": 2.5})
    append_record(log, {"step": 2, "pictures": 4, "loss": 2.4})
    append_record(log, {"step": 2, "pictures": 4, "ciede2000@1.0": 9.5})
    plot_records(log, tmp_path / "training.png")
    assert (tmp_path / "training.png").read_bytes()[1:4] == b"PNG"


def test_without_matplotlib_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plot is drawn, and nothing fails."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plot_records(tmp_path / "log.jsonl", tmp_path / "training.png")
    assert not (tmp_path / "training.png").exists()
