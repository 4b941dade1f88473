from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from clips import held_elsewhere, soft_shot, write_film

from vidcolor import ModelSettings, OutputSettings, Settings, colorize_reels, plan_reels
from vidcolor.reels.ledger import read_ledger

FAST = Settings(
    model=ModelSettings(device="cpu", render_size=64, batch_size=4),
    output=OutputSettings(lossless=True),
)


@pytest.fixture
def reels(tmp_path: Path) -> Path:
    """A folder with two films, between them one that cannot be read."""
    folder = tmp_path / "reels"
    folder.mkdir()
    for name in ("a.mkv", "c.mkv"):
        write_film(folder / name, soft_shot(ord(name[0]), 6))
    (folder / "b.mkv").write_bytes(b"no film")
    return folder


def test_a_batch_without_the_command_line(reels: Path, tmp_path: Path) -> None:
    """Each reel says how it ended; what is done is left alone by the next run."""
    out, heard = tmp_path / "out", list[int]()
    results = list(
        colorize_reels([reels], out, FAST, listen=lambda _: lambda n, _: heard.append(n))
    )
    states = {one.source.name: one.state for one in results}
    assert states == {"a.mkv": "done", "b.mkv": "failed", "c.mkv": "done"}
    assert [one.error is None for one in results] == [True, False, True]
    assert [one.result.path for one in results if one.result] == [
        out / f"{name}.colorized.mkv" for name in "ac"
    ]
    assert heard == [1, 2, 3, 4, 5, 6] * 2
    again = [one.state for one in colorize_reels([reels], out, FAST)]
    assert again == ["already done", "failed", "already done"]


def test_a_plan_writes_nothing_and_holds(reels: Path, tmp_path: Path) -> None:
    """Each reel's state and output are those that the run then has; what is done is not planned."""
    out = tmp_path / "out"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    planned = list(plan_reels([reels, tmp_path / "none"], out, FAST))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert [one.state for one in planned] == ["to colorize", "failed", "to colorize", "failed"]
    assert "no such file" in str(planned.pop().error)
    done = list(colorize_reels([reels], out, FAST))
    assert [one.result and one.result.path for one in done] == [one.output for one in planned]
    assert [one.result and one.result.frames for one in done] == [one.frames for one in planned]
    again = list(plan_reels([reels], out, FAST))
    assert [one.state for one in again] == ["already done", "failed", "already done"]
    assert [one.output for one in again] == [one.output for one in planned]
    checked = replace(FAST, output=replace(FAST.output, verify=True))
    states = [one.state for one in plan_reels([reels], out, checked)]
    assert states == ["to verify", "failed", "to verify"]


def test_a_plan_keeps_films_of_one_stem_apart(tmp_path: Path) -> None:
    """Their outputs are planned under the names that they then get."""
    for name in ("tape.mkv", "tape.mp4"):
        write_film(tmp_path / name, soft_shot(1, 2))
    planned = [one.output for one in plan_reels([tmp_path], None, FAST)]
    done = [one.result and one.result.path for one in colorize_reels([tmp_path], None, FAST)]
    assert planned == done
    assert None not in planned


def test_a_plan_says_what_another_run_has(reels: Path, tmp_path: Path) -> None:
    """It is left to that run; a film of a bag would lie in its payload."""
    out = tmp_path / "out"
    (sealed,) = plan_reels([reels / "a.mkv"], out, FAST, bag=True)
    assert sealed.output == out / "data" / "a.colorized.mkv"
    out.mkdir()
    with held_elsewhere(out / "a.colorized.mkv"):
        (held,) = plan_reels([reels / "a.mkv"], out, FAST)
    assert (held.state, held.output, held.error) == ("left to another run", None, None)


def test_what_is_no_reel_is_a_result(tmp_path: Path) -> None:
    """A folder without films fails under its own name."""
    (one,) = colorize_reels([tmp_path], None, FAST)
    assert (one.source, one.state) == (tmp_path, "failed")
    assert "holds no film" in str(one.error)


def test_a_caller_that_stops_lets_go_of_all(reels: Path, tmp_path: Path) -> None:
    """What was done stays, and another run goes on."""
    with closing(colorize_reels([reels], tmp_path / "out", FAST)) as results:
        assert next(results).state == "done"
    assert [entry.state for entry in read_ledger(tmp_path / "out")] == [
        "done",
        "waiting",
        "waiting",
    ]
    states = [one.state for one in colorize_reels([reels], tmp_path / "out", FAST)]
    assert states == ["already done", "failed", "done"]


def test_a_bag_needs_a_folder() -> None:
    """There is no other place for what declares it."""
    with pytest.raises(ValueError, match="needs a folder"):
        next(colorize_reels([], bag=True))
    with pytest.raises(ValueError, match="needs a folder"):
        next(plan_reels([], bag=True))
