"""The SQLite file of a checkpoint: its lock, its tables, their checksums, its errors.

SQLite guarantees complete transactions however a run ends, but checks no byte that the disk
returns. So each row has a checksum of its values.
"""

import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar
from zlib import crc32

from vidcolor.errors import DiskFullError, OutputError, ReelTakenError
from vidcolor.files import (
    describe_differences,
    find_write_fault,
    make_private,
    pictures_path,
    pieces_path,
    work_path,
    write_error,
)

_T = TypeVar("_T")

FORMAT = 5
"""Raised when a column changes its meaning; checkpoints of another format are started over."""

GONE = "gone"
"""The identity of a checkpoint that its owner deletes: who can lock such a file may take it."""

DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)

_TRIES = 8
"""Runs that lock a file at one instant, or only look at it, keep each other out for a moment."""

_LONGEST_PAUSE = 0.05
"""Seconds between two tries at most; how many is random, so that such runs fall out of step."""

_SETTINGS = (
    "PRAGMA page_size = 65536",  # packets are large
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 256",
)
_TABLES = """
CREATE TABLE made_of (identity TEXT NOT NULL, losses TEXT, shots INTEGER, crc INTEGER);
CREATE TABLE shots (
    number INTEGER PRIMARY KEY, frames INTEGER NOT NULL, reordered INTEGER NOT NULL,
    ending INTEGER, crc INTEGER NOT NULL);
CREATE TABLE packets (
    shot INTEGER, number INTEGER, pts INTEGER, duration INTEGER, is_key INTEGER, data BLOB,
    crc INTEGER NOT NULL, PRIMARY KEY (shot, number));
CREATE TABLE frames (
    shot INTEGER, number INTEGER, figures TEXT NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (shot, number)) WITHOUT ROWID;
CREATE TABLE endings (shot INTEGER PRIMARY KEY, data BLOB, crc INTEGER NOT NULL);
CREATE TABLE open_shot (
    shot INTEGER PRIMARY KEY, frames INTEGER NOT NULL, reordered INTEGER NOT NULL, state BLOB,
    crc INTEGER NOT NULL);
"""
_OF_UNFINISHED = "shot NOT IN (SELECT number FROM shots)"


class OpenShot(NamedTuple):
    """What is kept of the shot that is not finished.

    Attributes:
        shot: Its number.
        frames: How many of its frames are finished, those of whole parts.
        reordered: The greatest `reorder_depth` of its parts.
    """

    shot: int
    frames: int
    reordered: int


class Damaged(Exception):  # noqa: N818 - never seen by a user
    """The disk returns other bytes of a shot than were written.

    Args:
        shot: Its number.
    """

    def __init__(self, shot: int) -> None:
        super().__init__(f"shot {shot}")
        self.shot = shot


def checksum(*values: object) -> int:
    """A checksum over numbers, texts and bytes in their order, 32 bits."""
    crc = 0
    for value in values:
        data = value if isinstance(value, bytes) else f"{value!r};".encode()
        crc = crc32(data, crc)
    return crc


def open_locked(path: Path) -> sqlite3.Connection:
    """The database at `path`, locked against other processes for as long as it is open.

    Of processes that begin at one instant, one gets it.

    Raises:
        OutputError: It is a symbolic link.
        sqlite3.Error: It cannot be opened, or another process keeps it locked.
    """
    return _tried(lambda: _open_locked(path))


def _open_locked(path: Path) -> sqlite3.Connection:
    make_private(path)
    database = sqlite3.connect(path, timeout=0, check_same_thread=False)
    database.text_factory = _decoded
    try:
        for setting in _SETTINGS:
            database.execute(setting)
        database.execute("BEGIN IMMEDIATE")
        database.commit()
    except BaseException:
        database.close()
        raise
    return database


def _tried(ask: Callable[[], _T]) -> _T:
    """What `ask` returns, as soon as no other process holds the file; an error if one keeps it."""
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except sqlite3.Error as error:
            if not _is_busy(error):
                raise
        time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - no secret
    return ask()


def _is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds the file."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF == sqlite3.SQLITE_BUSY


def _decoded(text: bytes) -> str:
    """A text, even one that is damaged, which its checksum shows."""
    return text.decode(errors="surrogateescape")


def read_identity(database: sqlite3.Connection) -> str | None:
    """What the work in a database was begun with; None if there is none."""
    is_there = "SELECT 1 FROM sqlite_master WHERE name = 'made_of'"
    if database.execute(is_there).fetchone() is None:
        return None
    found = database.execute("SELECT identity FROM made_of").fetchone()
    return None if found is None else str(found[0])


def make_tables(database: sqlite3.Connection, identity: str) -> None:
    """Make the tables of new work in place of all that a database holds."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (name,) in database.execute(query).fetchall():
        database.execute(f"DROP TABLE {name}")
    for statement in _TABLES.split(";"):
        database.execute(statement)
    database.execute("INSERT INTO made_of VALUES (?, NULL, NULL, NULL)", (identity,))


def drop_unfinished(database: sqlite3.Connection) -> None:
    """Delete what there is of shots and parts that are not whole."""
    shot, frames, _ = find_open_shot(database) or OpenShot(-1, 0, 0)
    (before,) = database.execute("SELECT coalesce(sum(frames), 0) FROM shots").fetchone()
    for table, end in (("packets", frames), ("frames", before + frames), ("endings", 0)):
        kept = f"NOT (shot = {shot} AND number < {end})" if end else "1"
        database.execute(f"DELETE FROM {table} WHERE {_OF_UNFINISHED} AND {kept}")  # noqa: S608


def drop_shots(database: sqlite3.Connection, first: int) -> None:
    """Delete the shots from one on."""
    numbers = {"shots": "number", "packets": "shot", "frames": "shot", "endings": "shot"}
    for table, number in (numbers | {"open_shot": "shot"}).items():
        # Without a condition SQLite looks up no row: those whose numbers are damaged go as well.
        behind = f" WHERE {number} >= {first:d}" if first else ""
        database.execute(f"DELETE FROM {table}{behind}")  # noqa: S608 - ours
    database.execute("UPDATE made_of SET losses = NULL")


def find_open_shot(database: sqlite3.Connection) -> OpenShot | None:
    """The shot of which parts are kept, if there is one."""
    query = f"SELECT shot, frames, reordered FROM open_shot WHERE {_OF_UNFINISHED}"  # noqa: S608
    found = database.execute(query).fetchone()
    return None if found is None else OpenShot(*found)


def read_open_state(database: sqlite3.Connection) -> bytes | None:
    """What the shot that is not finished goes on with; None if no part of it is kept.

    Raises:
        Damaged: It is not as it was kept.
    """
    found = database.execute("SELECT shot, frames, reordered, state, crc FROM open_shot").fetchone()
    if found is None:
        return None
    if found[-1] != checksum(*found[:-1]):
        raise Damaged(found[0])
    return bytes(found[3])


def read_losses(database: sqlite3.Connection) -> str | None:
    """What the source lost, as JSON, if all of its shots are there; None before."""
    losses, shots, crc = database.execute("SELECT losses, shots, crc FROM made_of").fetchone()
    (found,) = database.execute("SELECT count(*) FROM shots").fetchone()
    is_right = losses is not None and found == shots and crc == checksum(losses, shots)
    return str(losses) if is_right else None


def ending_checksum(database: sqlite3.Connection, shot: int) -> int | None:
    """The checksum of a shot's ending; None if none is kept, -1 if it is not what it was."""
    query = "SELECT shot, data, crc FROM endings WHERE shot = ?"
    found = database.execute(query, (shot,)).fetchone()
    if found is None:
        return None
    return int(found[2]) if found[2] == checksum(*found[:2]) else -1


def checkpoint_error(target: Path, error: sqlite3.Error) -> OutputError:
    """`error` as one line that names the file, the true cause and what to do."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    path = work_path(target)
    if code == sqlite3.SQLITE_BUSY:
        return ReelTakenError(f"{target}: another run is working on it; let it finish")
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(target.parent)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return OutputError(
            f"{target}: another run writes to {path.name}, whose lock this disk or share does not "
            f"honour; let one run work on a film (if none does, delete {path.name})"
        )
    if code in DAMAGED:
        return OutputError(f"{path}: the checkpoint is damaged ({error}); run again to start over")
    fault = None
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
        # SQLite keeps the system's reason to itself.
        fault = find_write_fault(path.with_name(f"{path.name}-wal"))
    if fault is not None:
        return write_error(path, fault)
    return OutputError(
        f"{path}: the checkpoint cannot be kept ({error}); "
        "check the disk or share, then run again, or choose another -o"
    )


def remove_pictures(target: Path) -> None:
    """Delete the pictures that belong to the work on a film."""
    for folder in (pictures_path(target), pieces_path(target)):
        shutil.rmtree(folder, ignore_errors=True)


def unlink_files(target: Path) -> None:
    """Delete the file of the work on a film, and what lies beside it."""
    remove_pictures(target)
    path = work_path(target)
    for ending in ("-wal", "-shm", ""):
        path.with_name(path.name + ending).unlink(missing_ok=True)


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
        with closing(open_locked(path)) as database:
            identity = read_identity(database)
            if identity == GONE:
                unlink_files(target)  # its owner was stopped at that
            return is_known(identity) and read_losses(database) is not None
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in DAMAGED:
            return False
        raise checkpoint_error(target, error) from error


def is_taken(target: Path) -> bool:
    """Whether a run is working on the film at `target` right now."""
    path = work_path(target)
    if not path.exists():
        return False
    try:
        _tried(lambda: _look_into(path))
    except sqlite3.Error as error:
        return _is_busy(error)
    return False


def _look_into(path: Path) -> None:
    place = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(place, uri=True, timeout=0)) as database:
        database.execute("SELECT 1 FROM made_of")


def is_known(identity: str | None) -> bool:
    """Whether work was kept by a program that keeps it as this one does."""
    return identity is not None and _parsed(identity) is not None


def describe_changes(found: str | None, wanted: str) -> str:
    """Why a checkpoint cannot be resumed, as a phrase; empty for a new one."""
    if found is None or found == GONE:
        return ""
    before, now = _parsed(found), _parsed(wanted)
    if before is None or now is None:
        return "the checkpoint is of another version of vidcolor, or damaged"
    return f"settings have changed ({', '.join(describe_differences(before, now))})"


def _parsed(identity: str) -> Mapping[str, object] | None:
    """What work was begun with; None of another format."""
    try:
        kept_format, told = json.loads(identity)
    except (ValueError, TypeError):
        return None
    return told if kept_format == FORMAT and isinstance(told, dict) else None
