"""What a batch tells while it runs and afterwards: a log, a table, its state for programs."""

import csv
import io
import json
import sys
from datetime import datetime
from pathlib import Path

import pytest
from cli_runs import film, run

from vidcolor.cli import progress
from vidcolor.cli.main import main
from vidcolor.cli.progress import BatchClock
from vidcolor.files import cell_text
from vidcolor.reels.find import Reel

pytestmark = pytest.mark.usefixtures("quiet_surroundings")


def test_a_batch_is_logged_summed_up_and_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two films and one that is none: events with times, a table, a state for programs."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    film("a.mkv")
    film("=b.mkv", frames=2)
    Path("c.mkv").write_bytes(b"no film")
    words = ["a.mkv", "=b.mkv", "c.mkv", "-o", "out/", "--log", "run.log", "--log-format", "json"]
    assert run(*words) == 1
    out, err = capsys.readouterr()
    table = [line.split() for line in out.splitlines() if line.startswith(("a.mkv", "all"))]
    assert table[0][:3] == ["a.mkv", "done", "3"]
    assert table[1][:6] == ["all", "2", "of", "3", "done", "5"]
    events = [json.loads(line) for line in Path("run.log").read_text().splitlines()]
    assert all(datetime.fromisoformat(event["time"]).tzinfo for event in events)
    assert [events[0]["event"], events[-1]["event"]] == ["run-begins", "run-ends"]
    ends = {event["source"]: event for event in events if event["event"] == "reel-ends"}
    assert (ends["a.mkv"]["state"], ends["a.mkv"]["frames"]) == ("done", 3)
    assert ends["c.mkv"]["text"] == "c.mkv: failed, reel 3 of 3"
    assert "cannot be opened" in ends["c.mkv"]["error"]
    told = [event["text"] for event in events if event["event"] == "warning"]
    assert told == [line.removeprefix("vidcolor: ") for line in err.splitlines()]

    assert main(["--status", "out", "--format", "json"]) == 0
    entries = {Path(entry["path"]).name: entry for entry in json.loads(capsys.readouterr().out)}
    assert (entries["a.mkv"]["state"], entries["c.mkv"]["state"]) == ("done", "failed")
    assert main(["--status", "out", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    states = {Path(row["path"]).name: row["state"] for row in rows}
    assert states == {"a.mkv": "done", "=b.mkv": "done", "c.mkv": "failed"}


def test_a_log_for_people_has_a_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    """It is appended to; one that cannot be written is told before the work."""
    for _ in range(2):
        assert main(["none.mkv", "film.mkv", "-o", "out/", "--log", "run.log"]) == 1
    lines = Path("run.log").read_text().splitlines()
    assert len([line for line in lines if " run-begins none.mkv, film.mkv" in line]) == 2
    film()
    capsys.readouterr()
    assert main(["film.mkv", "--log", "none/run.log"]) == 1
    told = (
        "vidcolor: none/run.log: cannot be written (No such file or directory); name another --log"
    )
    assert capsys.readouterr().err == f"{told}\n"


def test_the_time_left_is_by_the_bytes_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of reels that were made; what was done before says nothing of the speed."""
    for name, size in (("a", 100), ("b", 300), ("c", 100)):
        Path(name).write_bytes(bytes(size))
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    clock = BatchClock([Reel(path=Path(name)) for name in "abc"])
    clock.end(Path("a"), is_made=False)
    assert clock.text() == "reel 1 of 3"
    now[0] = 600.0
    clock.end(Path("b"), is_made=True)
    assert clock.text() == "reel 2 of 3, about 0:03:20 left"
    clock.end(Path("c"), is_made=True)
    assert clock.text() == "reel 3 of 3"


@pytest.mark.quick
@pytest.mark.parametrize(
    ("value", "cell"), [("=1+1", "'=1+1"), ("@x", "'@x"), (-3, "-3"), (None, ""), ("a", "a")]
)
def test_a_cell_is_no_formula(value: object, cell: str) -> None:
    """Spreadsheets run what begins like one."""
    assert cell_text(value) == cell
