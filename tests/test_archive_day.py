import signal
from pathlib import Path

import pytest
from archive_day import Day, spend
from forking import fork
from make_archive import LARGE

THINGS = (
    "color/color.mkv", "color/half.mkv", "junk/readme.txt", "scans/gap/g_%04d.png",
    "names/100%.mkv", "names/映画.mkv", "stems/tape.avi", "stems/tape.mp4",
    LARGE,
)  # fmt: skip


@pytest.mark.slow
def test_a_small_day_in_an_archives_life(tmp_path: Path) -> None:
    """Stopped, killed, short of room and resumed: nothing is lost, and the bag is valid."""
    day = Day(tmp_path, THINGS, fork)
    spend(day, (signal.SIGTERM, signal.SIGKILL), films=1)
    assert day.faults == []
    assert [code for _, code, _, _ in day.rows] == [143, -9, 1, 1, 1, 1]
    assert day.count() == 6
