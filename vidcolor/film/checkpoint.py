"""The checkpoint of a film: its finished shots, kept next to the output until it is complete.

One SQLite file holds the encoded frames, shot by shot, with all that later shots and the film's
statistics need. A shot counts only when it is finished: SQLite guarantees that, however a run ends.
Its lock shows other runs that the film is taken, and ends with the process that holds it.
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
from vidcolor.files import describe_differences, pictures_path, pieces_path, work_path
from vidcolor.report.timeline import FrameFigures
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.memory import ShotEnding, write_ending
from vidcolor.writing.shot_encoder import Encoded

MOST_OPEN_BYTES = 32 << 20
"""Size of an unfinished shot's packets from which they are written to disk."""

_FORMAT = (
    1  # raised when a column changes its meaning; checkpoints of another format are started over
)
_GONE = "gone"  # the identity of a checkpoint that its owner is about to delete
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
    """Whether all shots of the film at `target` were finished, so that such a file is its own.

    Raises:
        ReelTakenError: Another run is working on the film.
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
    """Whether a run is working on the film at `target` right now."""
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
    """Delete the checkpoint of the film at `target`, unless a run is working on it."""
    if work_path(target).exists():
        with suppress(OutputError):
            Checkpoint(target, {}).remove()


class Checkpoint:
    """The finished shots of one film, locked by this process until it is closed.

    Args:
        target: The output.
        identity: Everything that decides its bytes, by name. A checkpoint with another identity
            is started over.
        on_shot: Called with the number and the frames of each finished shot, those found first.

    Attributes:
        changed: Why the checkpoint that was found is started over; empty if it is not.
        frames_done: Frames of the finished shots.
        shots_done: Number of finished shots.
        losses: What was damaged in the source, by name, once all shots are finished; None before.

    Raises:
        ReelTakenError: Another run is working on the film.
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
        self.changed = ""
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
        """Delete all shots and start over with the first."""
        for table in ("shots", "packets", "frames", "endings"):
            self._execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
        self._remove_pictures()
        self._execute("UPDATE made_of SET losses = NULL")
        self._commit()
        self._look()

    def add_frame(self, shot: int, number: int, figures: FrameFigures) -> None:
        """Keep the statistics of frame `number` of the film."""
        values = (shot, number, json.dumps(figures._asdict()))
        self._execute("INSERT INTO frames VALUES (?, ?, ?)", values)

    def add_packet(self, shot: int, number: int, packet: Encoded) -> None:
        """Keep packet `number` of a shot, in decoding order."""
        values = (shot, number, packet.pts, packet.duration, packet.is_key, packet.data)
        self._execute("INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?)", values)
        self._open_bytes += len(packet.data)
        if self._open_bytes > MOST_OPEN_BYTES:
            self._commit()

    def keep_ending(self, shot: int, ending: ShotEnding) -> None:
        """Keep how a shot ended; may be called by any thread."""
        if (data := write_ending(ending)) is not None:
            self._execute("INSERT OR REPLACE INTO endings VALUES (?, ?)", (shot, data))

    def endings(self) -> Iterator[tuple[int, bytes]]:
        """Number and ending of the last finished shots, in order, for `read_ending`."""
        yield from self._rows("SELECT shot, data FROM endings ORDER BY shot")

    def adopt(self, path: Path, keep: Callable[[Encoded, int], Encoded] | None = None) -> None:
        """Take over the shots of another checkpoint, which follow those of this one.

        Args:
            path: Its file, closed.
            keep: Makes each packet another one, given the number of its frame; None for no change.

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
        """Mark a shot as finished: it need not be colored again.

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
        """Mark all shots as finished: a file of the output's name is this run's from now on."""
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
        """The statistics of the frames, in order."""
        for (text,) in self._rows("SELECT figures FROM frames ORDER BY shot, number"):
            yield FrameFigures(**json.loads(text))

    def close(self) -> None:
        """Release the lock; a checkpoint without a finished shot is deleted."""
        with suppress(sqlite3.Error):
            self._database.rollback()
        if self.shots_done:
            self._database.close()
        elif not self._is_removed:
            self.remove()

    def remove(self) -> None:
        """Release the lock and delete the checkpoint."""
        with suppress(sqlite3.Error):
            # For a run that opens the file in the moment between closing and deleting.
            self._database.execute("UPDATE made_of SET identity = ?", (_GONE,))
            self._database.commit()
        self._database.close()
        if not self._is_removed:  # a file there afterwards is another run's
            self._unlink()
        self._is_removed = True

    def _take(self, wanted: str) -> sqlite3.Connection:
        """The database, locked, of the identity wanted and without unfinished shots."""
        while True:
            before = self._file_number()
            try:
                database = _lock(self._path)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode not in _DAMAGED:
                    raise
                self._unlink()
                self.changed = "the checkpoint is damaged"
                continue
            if before in {None, self._file_number()} and self._adopt(database, wanted):
                return database
            database.close()
            sleep(_RETRY_SECONDS)

    def _adopt(self, database: sqlite3.Connection, wanted: str) -> bool:
        """Make a database this run's; False if it is about to be deleted."""
        found = None
        try:
            found = _read_identity(database)
            if found == _GONE:
                return False
            if found != wanted:
                self.changed = self.changed or _describe_changes(found, wanted)
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
        """Count the finished shots and frames."""
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
        return ReelTakenError(f"{target}: another run is working on it; let it finish")
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(target.parent)
    return OutputError(
        f"{work_path(target)}: finished shots cannot be kept ({error}); "
        "delete this file, or choose another -o"
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
    """The identity in a database; None if there is none."""
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


def _describe_changes(found: str | None, wanted: str) -> str:
    """Why a checkpoint cannot be resumed, as a phrase; empty for a new one."""
    if found is None:
        return ""
    (found_format, before), (_, now) = json.loads(found), json.loads(wanted)
    if found_format != _FORMAT:
        return "the checkpoint is of another version of vidcolor"
    return f"settings have changed ({', '.join(describe_differences(before, now))})"
