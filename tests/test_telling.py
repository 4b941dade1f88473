from dataclasses import replace
from pathlib import Path

import pytest

from vidcolor.cli.output import MOST_CHECKS, print_result
from vidcolor.film.colorize import Result
from vidcolor.reading.reader import Damage
from vidcolor.reels.result import ReelResult
from vidcolor.report.checks import DoubtfulShot, Finding


def remark(shot: int) -> DoubtfulShot:
    """One of two reasons, the first seen 62.98 s after the film's beginning."""
    seen = Finding(reason="skin hues glow", figure="skin", value=0.1, frame=1870, seconds=62.98)
    unsure = Finding(reason="unsure", figure="confidence", value=0.1, frame=1900, seconds=64)
    return DoubtfulShot(
        shot=shot,
        seconds=60.0,
        reasons=["skin hues glow", "unsure"],
        frame=1870,
        frame_seconds=62.98,
        findings=[seen, unsure],
    )


def told(remarks: list[DoubtfulShot], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines below that of the film itself."""
    path = Path("film.colorized.mkv")
    result = Result(path=path, frames=9, shots=3, seconds=1.0, losses=Damage(), remarks=remarks)
    outcome = ReelResult(source=Path("film.mkv"), state="done", result=result)
    print_result(outcome, quiet=False)
    return capsys.readouterr().out.splitlines()[1:]


def test_a_remark_names_the_frame_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    """Shots count from 1, frames from 0, and the time is that which a player shows there."""
    line = "  check shot 3 at 0:01:02 (frame 1870): skin hues glow, unsure"
    assert told([remark(2)], capsys) == [line]
    answered = replace(remark(2), is_directed=True)
    assert told([answered], capsys) == [f"{line}; the color script directs it"]


def test_many_remarks_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """The rest stands in the sidecar."""
    lines = told([remark(number) for number in range(MOST_CHECKS + 3)], capsys)
    assert len(lines) == MOST_CHECKS + 1
    assert lines[-1] == "  and 3 more, listed in film.colorized.json"
