import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Timer
from time import monotonic

import numpy as np
import pytest
import torch
from clips import small_disk
from forking import end, fork, forked

from vidcolor.errors import DiskFullError, OutputError, ReelTakenError
from vidcolor.files import work_path
from vidcolor.film import checkpoint, checkpoint_file
from vidcolor.film.checkpoint import MOST_OPEN_BYTES, Checkpoint
from vidcolor.film.checkpoint_damage import find_damaged_shot
from vidcolor.film.checkpoint_file import Damaged, checksum, is_taken, is_whole
from vidcolor.frame import Prediction
from vidcolor.report.timeline import FrameFigures, Timeline
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.gain import ChromaGain
from vidcolor.temporal.memory import ShotEnding, read_ending, write_ending
from vidcolor.writing.shot_encoder import Encoded

IDENTITY = {"film": "1a2b", "settings": {"saturation": 1.0, "every": "auto"}}
FIGURES = FrameFigures(
    0.04, 0, None, 1 / 3, -2.5, 8.125, 0.4, 0.1, None, 0.01, 0.02, 0.0, 0.125, None, 21.5
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The film that is worked on."""
    return tmp_path / "film.mkv"


def packet(number: int, size: int = 10) -> Encoded:
    """A packet that no other is like."""
    return Encoded(bytes([number]) * size, 3 * number - 7, 3, number == 0)


def ending(seed: int) -> ShotEnding:
    """What a shot may end with."""
    rng = np.random.default_rng(seed)
    histogram = Prediction(
        map=torch.from_numpy(rng.random((5, 2, 3), np.float32)).half(),
        lightness=rng.random((8, 12), np.float32),
        weight=rng.random((2, 3), np.float32),
    )
    return ShotEnding(histogram, ChromaGain(*rng.random(2)))


@contextmanager
def looked_at(path: Path, seconds: float) -> Iterator[None]:
    """A file that another run reads for a moment."""
    database = sqlite3.connect(path, check_same_thread=False)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("SELECT * FROM sqlite_master").fetchall()
    timer = Timer(seconds, database.close)
    timer.start()
    yield
    timer.join()


def add_shot(work: Checkpoint, shot: int, packets: int = 2) -> None:
    """A whole shot."""
    first = work.frames_done
    for number in range(packets):
        work.add_packet(shot, number, packet(number))
        work.add_frame(shot, first + number, FIGURES._replace(shot=shot))
    work.end_shot(shot, packets, shot)


def test_whole_shots_are_there_again(target: Path) -> None:
    """Packets, figures and counts come back as they were, those of an unfinished shot do not."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        add_shot(work, 1, 3)
        work.add_packet(2, 0, packet(9, MOST_OPEN_BYTES + 1))  # so many that they are written down
        work.add_frame(2, 20, FIGURES)
    with Checkpoint(target, IDENTITY) as work:
        assert (work.shots_done, work.frames_done, work.reordered) == (2, 5, 1)
        assert list(work.packets()) == [packet(n) for n in (0, 1, 0, 1, 2)]
        assert list(work.figures()) == [FIGURES._replace(shot=s) for s in (0, 0, 1, 1, 1)]
        assert (work.changed, work.losses) == ("", None)
        add_shot(work, 2)


def add_parts(work: Checkpoint, shot: int, packets: int, state: bytes = b"state") -> None:
    """More of a shot that is not finished, and a packet behind that is no part yet."""
    begun = 0 if work.open_shot is None else work.open_shot.frames
    first = work.frames_done
    for number in range(packets):
        work.add_packet(shot, begun + number, packet(begun + number))
        work.add_frame(shot, first + number, FIGURES._replace(shot=shot))
    work.end_part(shot, begun + packets, 2, state)
    work.add_packet(shot, begun + packets, packet(99))
    work.add_frame(shot, first + packets, FIGURES)


def test_parts_of_a_shot_are_there_again(target: Path) -> None:
    """Those that are finished, to the last; when the shot is, nothing tells that it had any."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        add_parts(work, 1, 3)
        assert (work.shots_done, work.frames_done) == (1, 5)
    with Checkpoint(target, IDENTITY) as work:
        assert (work.shots_done, work.frames_done, work.open_shot) == (1, 5, (1, 3, 2))
        assert work.open_state() == b"state"
        add_parts(work, 1, 2, b"later")
    with Checkpoint(target, IDENTITY) as work:
        assert (work.frames_done, work.open_shot) == (7, (1, 5, 2))
        assert work.open_state() == b"later"
        assert list(work.packets()) == [packet(0), packet(1)]  # of whole shots
        work.end_shot(1, 5, 3)
    with Checkpoint(target, IDENTITY) as work:
        assert (work.shots_done, work.frames_done, work.reordered) == (2, 7, 3)
        assert (work.open_shot, work.open_state()) == (None, None)
        assert list(work.packets()) == [packet(n) for n in (0, 1, 0, 1, 2, 3, 4)]
        assert len(list(work.figures())) == 7


def test_a_film_of_one_shot_keeps_its_parts(target: Path) -> None:
    """A checkpoint without a whole shot stays if there is a part."""
    with Checkpoint(target, IDENTITY) as work:
        add_parts(work, 0, 2)
    with Checkpoint(target, IDENTITY) as work:
        assert work.frames_done == 2
        work.restart()
        assert (work.frames_done, work.open_shot, work.open_state()) == (0, None, None)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("packets", "data", b"\1"),
        ("frames", "figures", "{}"),
        ("open_shot", "state", b"stats"),
        ("open_shot", "frames", 2),
    ],
)
def test_a_damaged_part_takes_no_whole_shot_along(
    target: Path, table: str, column: str, value: object
) -> None:
    """Its shot alone is colored again, however many go before it."""
    shots = REMEMBERED_SHOTS + 2
    with Checkpoint(target, IDENTITY) as work:
        for shot in range(shots):
            add_shot(work, shot)
        add_parts(work, shots, 3)
    with sqlite3.connect(work_path(target)) as database:
        query = f"UPDATE {table} SET {column} = ? WHERE shot = ?"  # noqa: S608 - ours
        database.execute(query, (value, shots))
    database.close()
    with Checkpoint(target, IDENTITY) as work:
        assert (work.damaged, work.shots_done, work.frames_done) == (shots, shots, 2 * shots)
        assert work.open_shot is None


def test_parts_of_another_checkpoint_follow_those_of_this_one(target: Path) -> None:
    """A machine's parts are numbered as in the shot; those of a whole one end it."""
    other, kept = target.with_name("other"), list[int]()
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        for end, whole in ((3, False), (5, True)):
            with Checkpoint(other, {}) as there:
                begun = 0 if work.open_shot is None else work.open_shot.frames
                for number in range(begun, end):
                    there.add_packet(1, number, packet(number))
                    there.add_frame(1, 2 + number, FIGURES._replace(shot=1))
                there.keep_ending(1, ending(end))
                there.end_shot(1, end, 1) if whole else there.end_part(1, end, 1, b"state")
            work.adopt(work_path(other), lambda one, index: (kept.append(index), one)[1])
            work_path(other).unlink()
            assert kept == list(range(2, 2 + end))
        assert (work.shots_done, work.frames_done, work.open_shot) == (2, 7, None)
        assert [shot for shot, _ in work.endings()] == [1]
    with Checkpoint(target, IDENTITY) as work:
        assert work.damaged is None
        assert list(work.packets()) == [packet(n) for n in (0, 1, 0, 1, 2, 3, 4)]


def test_endings_come_back_bit_for_bit(target: Path) -> None:
    """What later shots may return to is exact, and no more of it is kept than they may need."""
    with Checkpoint(target, IDENTITY) as work:
        for shot in range(REMEMBERED_SHOTS + 5):
            work.keep_ending(shot, ending(shot))
            add_shot(work, shot)
        work.keep_ending(REMEMBERED_SHOTS + 5, ending(1))  # of a shot that is never whole
        work.keep_ending(0, ShotEnding(None, ChromaGain()))
    with Checkpoint(target, IDENTITY) as work:
        found = {shot: read_ending(data) for shot, data in work.endings()}
    assert list(found) == list(range(5, REMEMBERED_SHOTS + 5))
    for shot, (histogram, strength) in found.items():
        expected = ending(shot)
        assert strength.sums == expected.strength.sums
        assert torch.equal(histogram.map, expected.histogram.map)
        assert histogram.map.dtype == torch.float16
        np.testing.assert_array_equal(histogram.lightness, expected.histogram.lightness)
        np.testing.assert_array_equal(histogram.weight, expected.histogram.weight)


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        (IDENTITY | {"film": "ff"}, "film 1a2b, now ff"),
        ({"film": "1a2b", "settings": {"saturation": 1.5, "every": "auto"}},
         "saturation 1.0, now 1.5"),
    ],
)  # fmt: skip
def test_other_work_is_begun_anew(target: Path, identity: dict, told: str) -> None:
    """What was begun with another film or other settings is thrown away, and that is told."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        work.end_film({})
    with Checkpoint(target, identity) as work:
        assert work.changed == f"settings have changed ({told})"
        assert (work.shots_done, work.losses, list(work.packets())) == (0, None, [])


def test_a_restart_begins_with_nothing(target: Path) -> None:
    """All of it can be thrown away by hand as well."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        work.end_film({"frames": 1})
        work.restart()
        assert (work.shots_done, work.frames_done, work.losses) == (0, 0, None)
        assert not [*work.packets(), *work.figures()]


def test_losses_are_kept_with_a_whole_film(target: Path) -> None:
    """A film whose shots are all there says so; its name is then its own."""
    assert not is_whole(target)
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        assert work.losses is None
        work.end_film({"packets": 2, "missing_seconds": 0.5})
    assert is_whole(target)
    with Checkpoint(target, IDENTITY) as work:
        assert work.losses == {"packets": 2, "missing_seconds": 0.5}


def test_frames_of_an_earlier_version_are_gone_on_with(target: Path) -> None:
    """What was not measured then is not known; all else is as it was."""
    known = {name: FIGURES._asdict()[name] for name in FrameFigures._fields[:10]}
    with Checkpoint(target, IDENTITY) as work:
        values = (0, 0, json.dumps(known))
        work._execute("INSERT INTO frames VALUES (?, ?, ?, ?)", (*values, checksum(*values)))
        work.add_packet(0, 0, packet(0))
        work.end_shot(0, 1, 0)
    with Checkpoint(target, IDENTITY) as work:
        (found,) = work.figures()
        assert work.shots_done == 1
    assert found == FIGURES._replace(glare=None, skin=None, patch=None, jump=None, contrast=None)
    (shot,) = Timeline([found]).shots()
    assert set(shot["peaks"]) == {"colorfulness", "confidence", "limited_share"}


def test_work_without_a_whole_shot_is_not_kept(target: Path) -> None:
    """Nothing lies about that nobody can go on from; nor when the film is done."""
    with Checkpoint(target, IDENTITY) as work:
        work.add_packet(0, 0, packet(0))
        assert work_path(target).exists()
    assert list(target.parent.iterdir()) == []
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
    assert list(target.parent.iterdir()) == [work_path(target)]
    with Checkpoint(target, IDENTITY) as work:
        work.remove()
        work_path(target).write_text("of another run")  # which may take it at once
    assert work_path(target).read_text() == "of another run"


def add_large_shot(work: Checkpoint) -> None:
    """One of 64 MB."""
    for number in range(64):
        work.add_packet(1, number, packet(number, 1 << 20))
        work.add_frame(1, work.frames_done + number, FIGURES)
    work.end_shot(1, 64, 0)


def hold(stay: Callable[[], None], target: Path) -> None:
    """Keep one shot on `target`, and the film in work."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        stay()


def die_in_the_middle(target: Path) -> None:
    """Keep one shot, write the next down by half, and die."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        for number in range(40):
            work.add_packet(1, number, packet(number, MOST_OPEN_BYTES // 16))
        os.kill(os.getpid(), signal.SIGKILL)


def test_two_runs_do_not_take_the_same_reel(target: Path) -> None:
    """As long as one process has it, others are told; when that one is killed it is free."""
    with forked(hold, target) as other:
        for attempt in (lambda: Checkpoint(target, IDENTITY), lambda: is_whole(target)):
            with pytest.raises(ReelTakenError, match=r"film\.mkv: another run is working on it"):
                attempt()
        other.kill()
    with Checkpoint(target, IDENTITY) as work:
        assert work.shots_done == 1


def test_a_run_that_no_lock_kept_out_is_noticed(target: Path) -> None:
    """Where a share honours no locks, the second of two runs ends, and the film is the first's."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        work.add_packet(1, 0, packet(0))
        with pytest.raises(OutputError, match=r"another run writes to \.film\.mkv\.work, whose"):
            work.add_packet(1, 0, packet(0))


def test_a_kill_in_the_middle_of_writing_hurts_nothing(target: Path) -> None:
    """Killed with a half shot written down, the shots before it are whole and it is gone."""
    assert end(fork(die_in_the_middle, target)) == -signal.SIGKILL
    with Checkpoint(target, IDENTITY) as work:
        assert (work.shots_done, len(list(work.packets()))) == (1, 2)
        add_shot(work, 1)
        assert len(list(work.packets())) == 4


def test_a_full_disk_keeps_the_whole_shots(tmp_path: Path) -> None:
    """It is told in one line; with room again the work goes on."""
    with small_disk(tmp_path, "3m") as disk:
        target = disk / "film.mkv"
        with Checkpoint(target, IDENTITY) as work:
            add_shot(work, 0)
            with pytest.raises(DiskFullError, match="disk: the disk is full; make room"):
                add_large_shot(work)
        with Checkpoint(target, IDENTITY) as work:
            assert (work.shots_done, len(list(work.packets()))) == (1, 2)


def test_a_file_that_is_no_work_is_begun_anew(target: Path) -> None:
    """What is no database at all is thrown away, and that is told."""
    work_path(target).write_bytes(b"no database" * 1000)
    with Checkpoint(target, IDENTITY) as work:
        assert (work.changed, work.shots_done) == ("the checkpoint is damaged", 0)
        add_shot(work, 0)
    with Checkpoint(target, IDENTITY) as work:
        assert (work.changed, work.shots_done) == ("", 1)


def kept_shots(target: Path, shots: int) -> list[list[Encoded]]:
    """The packets of each shot of some work, whose pages are as full as those of a film."""
    with Checkpoint(target, IDENTITY) as work:
        for shot in range(shots):
            work.keep_ending(shot, ending(shot))
            for number in range(4):
                work.add_packet(shot, number, packet(4 * shot + number, 40_000))
                work.add_frame(shot, 4 * shot + number, FIGURES._replace(shot=shot))
            work.end_shot(shot, 4, 0)
        work.end_film({"packets": 0})
    return [[packet(4 * shot + n, 40_000) for n in range(4)] for shot in range(shots)]


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_are_found(target: Path, seed: int) -> None:
    """Of a file that the disk gives back otherwise only what is as it was is gone on with."""
    shots = kept_shots(target, 6)
    data = bytearray(work_path(target).read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(100, len(data), 1 + seed % 4):  # past the database's own head
        data[place] ^= 1 << int(rng.integers(8))
    work_path(target).write_bytes(data)
    with Checkpoint(target, IDENTITY) as work:
        done = work.shots_done
        assert list(work.packets()) == [one for shot in shots[:done] for one in shot]
        assert [one.shot for one in work.figures()] == [s for s in range(done) for _ in range(4)]
        endings = dict(work.endings())
        assert endings == {shot: write_ending(ending(shot)) for shot in range(done)}
        assert work.losses == ({"packets": 0} if done == 6 else None)
        is_told = work.damaged is not None or bool(work.changed)
        assert is_told == (done < 6)


def test_the_first_damaged_shot_is_done_anew_and_those_behind_it(target: Path) -> None:
    """One changed bit in the third shot leaves the first two."""
    shots = kept_shots(target, 4)
    data = bytearray(work_path(target).read_bytes())
    data[data.index(shots[2][0].data) + 20_000] ^= 1
    work_path(target).write_bytes(data)
    with Checkpoint(target, IDENTITY) as work:
        assert (work.damaged, work.shots_done, work.frames_done) == (2, 2, 8)
        assert list(work.packets()) == shots[0] + shots[1]


def test_rows_that_no_look_up_finds_start_a_film_over(target: Path) -> None:
    """Else they would come back with each attempt, as rows of shots that are not there."""
    kept_shots(target, 3)
    with sqlite3.connect(work_path(target)) as database:
        database.execute("INSERT INTO frames VALUES (-1, 7, '{}', 0)")
    database.close()
    with Checkpoint(target, IDENTITY) as work:
        work._execute("INSERT INTO frames VALUES (-1, 7, '{}', 0)")
        assert find_damaged_shot(work._database) == 0
        work.drop_damaged(0)
        assert (list(work.figures()), work.frames_done) == ([], 0)


def test_damage_that_comes_later_is_found_when_it_is_read(target: Path) -> None:
    """Bytes are compared with their checksums whenever they are read, not once alone."""
    kept_shots(target, 3)
    with Checkpoint(target, IDENTITY) as work:
        work._execute("UPDATE packets SET pts = pts + 1 WHERE shot = 1 AND number = 2")
        work._execute("UPDATE frames SET figures = '{}' WHERE shot = 2")
        work._execute("UPDATE endings SET data = x'00' WHERE shot = 0")
        for rows, shot in ((work.packets(), 1), (work.figures(), 2), (work.endings(), 0)):
            with pytest.raises(Damaged) as found:
                list(rows)
            assert found.value.shot == shot
        work.drop_damaged(1)
        assert (work.shots_done, work.losses) == (1, None)


@pytest.mark.parametrize(
    ("damaged", "returns_to", "kept"),
    [(27, None, 27), (27, 26, 27), (27, 6, 27), (27, 4, 0), (4, None, 4), (5, 4, 0), (29, 4, 29)],
)
def test_shots_are_kept_unless_one_behind_them_goes_on_with_a_forgotten_one(
    target: Path, damaged: int, returns_to: int | None, kept: int
) -> None:
    """Of 30 shots the endings of the last 24 are there; shot 28 may return to an earlier one."""
    with Checkpoint(target, IDENTITY) as work:
        for shot in range(30):
            work.keep_ending(shot, ending(shot))
            figures = FIGURES._replace(shot=shot, returns_to=returns_to if shot == 28 else None)
            work.add_packet(shot, 0, packet(shot))
            work.add_frame(shot, shot, figures)
            work.end_shot(shot, 1, 0)
    with sqlite3.connect(work_path(target)) as database:
        database.execute("UPDATE packets SET pts = 9 WHERE shot = ?", (damaged,))
    database.close()
    with Checkpoint(target, IDENTITY) as work:
        assert (work.damaged, work.shots_done) == (kept, kept)
        assert [shot for shot, _ in work.endings()] == list(range(6, kept))
    if kept:
        with Checkpoint(target, IDENTITY) as work:  # what is left is right
            assert (work.damaged, work.shots_done) == (None, kept)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where no file can be made, the line names it."""
    with pytest.raises(OutputError, match=r"nowhere.*cannot be written \(No such"):
        Checkpoint(tmp_path / "nowhere" / "film.mkv", IDENTITY)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("stop", ["SIGKILL", "SIGTERM"])
def test_work_whose_owner_was_stopped_while_it_went_is_free(target: Path, stop: str) -> None:
    """Stopped at any line between a film's name and the end of its work, the next run takes it."""
    lines = 0
    while True:
        child = os.fork()
        if child == 0:
            os._exit(remove_until(target, lines, getattr(signal, stop)))
        _, status = os.waitpid(child, 0)
        began = monotonic()
        with Checkpoint(target, IDENTITY) as work:
            if work.shots_done == 0:
                add_shot(work, 0)
            assert work.changed == ""
            assert list(work.packets()) == [packet(0), packet(1)]
            work.remove()
        assert monotonic() - began < 10
        assert list(target.parent.iterdir()) == []
        if status == 0:
            break
        lines += 1
    assert lines > 10


def remove_until(target: Path, lines: int, stop: signal.Signals) -> int:
    """Remove some work, and get a signal after so many lines of that; 0 if there are fewer."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    files = {checkpoint.__file__, checkpoint_file.__file__}
    count = 0

    def trace(frame, event, _):  # noqa: ANN001, ANN202
        nonlocal count
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            if count == lines:
                os.kill(os.getpid(), stop)
            count += 1
        return trace

    try:
        with Checkpoint(target, IDENTITY) as work:
            add_shot(work, 0)
            sys.settrace(trace)
            work.remove()
            sys.settrace(None)
    except KeyboardInterrupt:
        return 1
    return int(count > lines)


def test_work_that_another_run_begins_meanwhile_is_left_alone(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes between the end of a file and that of its lock keeps what it writes."""
    others: list[Checkpoint] = []
    unlink_files = checkpoint.unlink_files

    def and_another_comes(target: Path) -> None:
        unlink_files(target)
        monkeypatch.undo()
        others.append(Checkpoint(target, IDENTITY))
        add_shot(others[0], 0)

    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        monkeypatch.setattr(checkpoint, "unlink_files", and_another_comes)
        work.remove()
    add_shot(others[0], 1)
    others[0].close()
    with Checkpoint(target, IDENTITY) as work:
        assert work.shots_done == 2


def test_a_file_that_may_not_grow_keeps_the_whole_shots(target: Path) -> None:
    """SQLite says only `disk I/O error`; the true cause is told, and nothing is deleted."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, hard))
        try:
            with pytest.raises(OutputError, match=r"film\.mkv\.work: .* a limit \(ulimit -f\)"):
                add_large_shot(work)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Checkpoint(target, IDENTITY) as work:
        assert (work.shots_done, work.damaged, work.changed) == (1, None, "")
        add_large_shot(work)
    with Checkpoint(target, IDENTITY) as work:
        assert work.shots_done == 2


def test_work_of_another_format_is_begun_anew(target: Path) -> None:
    """What another version of the program kept is not guessed at."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
    with sqlite3.connect(work_path(target)) as database:
        database.execute("UPDATE made_of SET identity = '[0, {}]'")
    database.close()
    with Checkpoint(target, IDENTITY) as work:
        assert work.changed == "the checkpoint is of another version of vidcolor, or damaged"


def test_fractions_and_paths_are_no_trouble(target: Path) -> None:
    """An identity may hold what settings hold."""
    with Checkpoint(target, {"start": str(Fraction(1, 3)), "path": str(target)}) as work:
        assert work.changed == ""


def test_a_run_that_only_looks_keeps_no_other_out(target: Path) -> None:
    """Of two runs that want a film at one instant, one gets it."""
    with Checkpoint(target, IDENTITY) as work:
        add_shot(work, 0)
        assert is_taken(target)
    with looked_at(work_path(target), 0.01):
        assert not is_taken(target)
    with looked_at(work_path(target), 0.01), Checkpoint(target, IDENTITY) as work:
        assert work.shots_done == 1
