"""A reel in work: what is done of it, kept beside its target so that any end can be gone on from.

One SQLite file holds the encoded picture, shot by shot, with all that later shots and the film's
figures need of it. A shot counts when it is whole; SQLite sees to that at any kill. Its lock tells
other runs that the reel is taken, and goes with the process that holds it.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any, Self

from vidcolor.errors import DiskFullError, OutputError, ReelTakenError
from vidcolor.files import pictures_path, pieces_path, tell_differences, work_path
from vidcolor.report.timeline import FrameFigures
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.memory import ShotEnding, write_ending
from vidcolor.writing.shot_encoder import Encoded

MOST_OPEN_BYTES = 32 << 20
"""Of a shot that is not whole, before they are written down."""

_FORMAT = 1  # raised when what is kept changes its meaning; other work is begun anew
_GONE = "gone"  # the identity of work that its owner is about to delete
_RETRY_SECONDS = 0.05
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_SETTINGS = (
    "PRAGMA page_size = 65536",  # packets are large
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 256",
)
_TABLES = """
CREATE TABLE made_of (identity TEXT NOT NULL, losses TEXT);
CREATE TABLE shots (
    number INTEGER PRIMARY KEY, frames INTEGER NOT NULL, reordered INTEGER NOT NULL);
CREATE TABLE packets (
    shot INTEGER, number INTEGER, pts INTEGER, duration INTEGER, is_key INTEGER, data BLOB,
    PRIMARY KEY (shot, number));
CREATE TABLE frames (
    shot INTEGER, number INTEGER, figures TEXT NOT NULL, PRIMARY KEY (shot, number)) WITHOUT ROWID;
CREATE TABLE endings (shot INTEGER PRIMARY KEY, data BLOB);
"""
_OF_UNFINISHED = "shot NOT IN (SELECT number FROM shots)"


def is_whole(target: Path) -> bool:
    """Whether the work on `target` had come so far that a file of this name is its own.

    Raises:
        ReelTakenError: Another run has the reel in work.
        OutputError: The file cannot be read.
    """
    path = work_path(target)
    if not path.exists():
        return False
    try:
        with closing(_lock(path)) as database:
            if _read_identity(database) is None:
                return False
            return database.execute("SELECT losses FROM made_of").fetchone()[0] is not None
    except sqlite3.Error as error:
        if error.sqlite_errorcode in _DAMAGED:
            return False
        raise _explained(target, error) from error


def is_taken(target: Path) -> bool:
    """Whether a run has the film at `target` in work right now."""
    path = work_path(target)
    if not path.exists():
        return False
    place = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=0)) as database:
            database.execute("SELECT 1 FROM made_of")
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


def discard_work(target: Path) -> None:
    """Delete the work on the film at `target`, unless a run has it in work."""
    if work_path(target).exists():
        with suppress(OutputError):
            Checkpoint(target, {}).remove()


class Checkpoint:
    """The work on one reel, taken by this process until it is closed.

    Args:
        target: The film that it comes to.
        identity: Everything that decides its bytes, by name. Work that was begun with another one
            is thrown away.
        on_shot: Told the number and the frames of each shot that is whole, those found first.

    Attributes:
        changed: What differs from the work that was found, a phrase each; empty if nothing does.
        frames_done: How many frames the whole shots have.
        shots_done: How many shots are whole.
        losses: What was damaged in the source, by name, once all of it is in; None before.

    Raises:
        ReelTakenError: Another run has the reel in work.
        OutputError: The file cannot be written.
    """

    def __init__(
        self,
        target: Path,
        identity: Mapping[str, object],
        on_shot: Callable[[int, int], None] = lambda _shot, _frames: None,
    ) -> None:
        self._target = target
        self._path = work_path(target)
        self._lock = Lock()
        self._on_shot = on_shot
        self._open_bytes = 0
        self._is_removed = False
        self.changed: list[str] = []
        self.shots_done = self.frames_done = 0
        self.losses: dict[str, Any] | None = None
        try:
            self._database = self._take(json.dumps([_FORMAT, identity], sort_keys=True))
            self._look()
            for shot in self._database.execute("SELECT number, frames FROM shots ORDER BY number"):
                on_shot(*shot)
        except sqlite3.Error as error:
            raise _explained(self._target, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def restart(self) -> None:
        """Throw away what is there and begin with the first shot."""
        for table in ("shots", "packets", "frames", "endings"):
            self._execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
        self._remove_pictures()
        self._execute("UPDATE made_of SET losses = NULL")
        self._commit()
        self._look()

    def add_frame(self, shot: int, number: int, figures: FrameFigures) -> None:
        """Keep the figures of frame `number` of the film."""
        values = (shot, number, json.dumps(figures._asdict()))
        self._execute("INSERT INTO frames VALUES (?, ?, ?)", values)

    def add_packet(self, shot: int, number: int, packet: Encoded) -> None:
        """Keep packet `number` of a shot, counted as decoders want them."""
        values = (shot, number, packet.pts, packet.duration, packet.is_key, packet.data)
        self._execute("INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?)", values)
        self._open_bytes += len(packet.data)
        if self._open_bytes > MOST_OPEN_BYTES:
            self._commit()

    def keep_ending(self, shot: int, ending: ShotEnding) -> None:
        """Keep how a shot ended; any thread may say so."""
        if (data := write_ending(ending)) is not None:
            self._execute("INSERT OR REPLACE INTO endings VALUES (?, ?)", (shot, data))

    def endings(self) -> Iterator[tuple[int, bytes]]:
        """How the last whole shots ended, in their order, for `read_ending`."""
        yield from self._rows("SELECT shot, data FROM endings ORDER BY shot")

    def adopt(self, path: Path, keep: Callable[[Encoded, int], Encoded] | None = None) -> None:
        """Take over the shots of another work, which follow on those that are whole.

        Args:
            path: Its file; nobody has it open.
            keep: What becomes of each packet, told the number of its frame; None to leave it.

        Raises:
            OutputError: It cannot be read.
        """
        self._execute("ATTACH DATABASE ? AS other", (str(path),))
        try:
            whole = self._rows("SELECT number, frames, reordered FROM other.shots ORDER BY number")
            for number, frames, reordered in list(whole):
                for table in ("frames", "endings"):
                    query = f"INSERT INTO {table} SELECT * FROM other.{table} WHERE shot = ?"  # noqa: S608
                    self._execute(query, (number,))
                for count, packet in enumerate(self._packets("other.packets", number)):
                    kept = packet if keep is None else keep(packet, self.frames_done + count)
                    self.add_packet(number, count, kept)
                self.end_shot(number, frames, reordered)
        finally:
            self._database.rollback()
            self._execute("DETACH DATABASE other")

    def end_shot(self, shot: int, frames: int, reordered: int) -> None:
        """Say that a shot is whole: from here on it need not be done again.

        Args:
            shot: Its number, that of the shot before plus 1.
            frames: How many frames it has.
            reordered: See `reorder_depth`.
        """
        self._execute("INSERT INTO shots VALUES (?, ?, ?)", (shot, frames, reordered))
        self._execute("DELETE FROM endings WHERE shot <= ?", (shot - REMEMBERED_SHOTS,))
        self._commit()
        self._look()
        self._on_shot(shot, frames)

    def end_film(self, losses: Mapping[str, object]) -> None:
        """Say that all shots are whole: what stands under the target's name is this work's."""
        self._execute("UPDATE made_of SET losses = ?", (json.dumps(losses),))
        self._commit()
        self._look()

    def packets(self) -> Generator[Encoded, None, None]:
        """The packets of all shots, in order."""
        for (number,) in list(self._rows("SELECT number FROM shots ORDER BY number")):
            yield from self._packets("packets", number)

    @property
    def reordered(self) -> int:
        """The greatest of the shots' own; see `end_shot`."""
        return int(self._execute("SELECT coalesce(max(reordered), 0) FROM shots").fetchone()[0])

    def figures(self) -> Iterator[FrameFigures]:
        """The figures of the frames, in order."""
        for (text,) in self._rows("SELECT figures FROM frames ORDER BY shot, number"):
            yield FrameFigures(**json.loads(text))

    def close(self) -> None:
        """Let go of the reel; work without a whole shot is not worth keeping."""
        with suppress(sqlite3.Error):
            self._database.rollback()
        if self.shots_done:
            self._database.close()
        elif not self._is_removed:
            self.remove()

    def remove(self) -> None:
        """Let go of the reel and delete the work."""
        with suppress(sqlite3.Error):
            # For a run that takes the file in the moment between its closing and its end.
            self._database.execute("UPDATE made_of SET identity = ?", (_GONE,))
            self._database.commit()
        self._database.close()
        if not self._is_removed:  # what stands there afterwards is another run's
            self._unlink()
        self._is_removed = True

    def _take(self, wanted: str) -> sqlite3.Connection:
        """The database, locked, its work of the identity wanted and without an unfinished shot."""
        while True:
            before = self._file_number()
            try:
                database = _lock(self._path)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode not in _DAMAGED:
                    raise
                self._unlink()
                self.changed = ["the file is damaged"]
                continue
            if before in {None, self._file_number()} and self._adopt(database, wanted):
                return database
            database.close()
            sleep(_RETRY_SECONDS)

    def _adopt(self, database: sqlite3.Connection, wanted: str) -> bool:
        """Make the work in a database this run's; False if it is about to be deleted."""
        found = None
        try:
            found = _read_identity(database)
            if found == _GONE:
                return False
            if found != wanted:
                self.changed = self.changed or _tell_changes(found, wanted)
                _make_tables(database, wanted)
                self._remove_pictures()
            for table in ("packets", "frames", "endings"):
                database.execute(f"DELETE FROM {table} WHERE {_OF_UNFINISHED}")  # noqa: S608
            database.commit()
        except BaseException:
            database.close()
            if found != wanted:
                self._unlink()
            raise
        return True

    def _look(self) -> None:
        """Read how far the work has come."""
        query = "SELECT count(*), coalesce(sum(frames), 0) FROM shots"
        self.shots_done, self.frames_done = self._execute(query).fetchone()
        (losses,) = self._execute("SELECT losses FROM made_of").fetchone()
        self.losses = losses and json.loads(losses)

    def _execute(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        try:
            with self._lock:
                return self._database.execute(query, values)
        except sqlite3.Error as error:
            raise _explained(self._target, error) from error

    def _packets(self, table: str, shot: int) -> Generator[Encoded, None, None]:
        query = f"SELECT data, pts, duration, is_key FROM {table} WHERE shot = ? ORDER BY number"  # noqa: S608
        with closing(self._rows(query, (shot,))) as rows:
            for data, pts, duration, is_key in rows:
                yield Encoded(data, pts, duration, bool(is_key))

    def _rows(
        self, query: str, values: tuple[object, ...] = ()
    ) -> Generator[tuple[Any, ...], None, None]:
        try:
            yield from self._execute(query, values)
        except sqlite3.Error as error:
            raise _explained(self._target, error) from error

    def _commit(self) -> None:
        try:
            with self._lock:
                self._database.commit()
        except sqlite3.Error as error:
            raise _explained(self._target, error) from error
        self._open_bytes = 0

    def _file_number(self) -> int | None:
        return self._path.stat().st_ino if self._path.exists() else None

    def _remove_pictures(self) -> None:
        for folder in (pictures_path(self._target), pieces_path(self._target)):
            shutil.rmtree(folder, ignore_errors=True)

    def _unlink(self) -> None:
        self._remove_pictures()
        for ending in ("-wal", "-shm", ""):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


def _explained(target: Path, error: sqlite3.Error) -> OutputError:
    """`error` as one line that names the file and what to do."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_BUSY:
        return ReelTakenError(f"{target}: another run has it in work; let it finish")
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(target.parent)
    return OutputError(
        f"{work_path(target)}: what is done of the film cannot be kept ({error}); "
        "delete it, or choose another -o"
    )


def _lock(path: Path) -> sqlite3.Connection:
    """The database at `path`, locked against other processes for as long as it is open."""
    database = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        for setting in _SETTINGS:
            database.execute(setting)
        database.execute("BEGIN IMMEDIATE")
        database.commit()
    except BaseException:
        database.close()
        raise
    return database


def _read_identity(database: sqlite3.Connection) -> str | None:
    """What the work in a database was begun with; None if there is none."""
    is_there = "SELECT 1 FROM sqlite_master WHERE name = 'made_of'"
    if database.execute(is_there).fetchone() is None:
        return None
    found = database.execute("SELECT identity FROM made_of").fetchone()
    return None if found is None else str(found[0])


def _make_tables(database: sqlite3.Connection, identity: str) -> None:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (name,) in database.execute(query).fetchall():
        database.execute(f"DROP TABLE {name}")
    for statement in _TABLES.split(";"):
        database.execute(statement)
    database.execute("INSERT INTO made_of VALUES (?, NULL)", (identity,))


def _tell_changes(found: str | None, wanted: str) -> list[str]:
    """What is not as it was when the work was begun, a phrase each."""
    if found is None:
        return []
    (found_format, before), (_, now) = json.loads(found), json.loads(wanted)
    if found_format != _FORMAT:
        return ["kept by another version of vidcolor"]
    return list(tell_differences(before, now))
