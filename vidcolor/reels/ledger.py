"""The record of an output folder: which reels are done, with what, and which failed.

The ledger is an SQLite database that any number of runs may write to at once. It also holds how far
unfinished reels are. Whether a run is working on a reel right now is known from the lock on its
checkpoint, which a killed run cannot leave behind.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self, TypeVar

from vidcolor.errors import DiskFullError, LedgerError, OutputError, SourceError, VidcolorError
from vidcolor.files import (
    describe_differences,
    files_of,
    find_write_fault,
    is_file,
    is_write_fault,
    work_path,
    write_error,
)
from vidcolor.film.checkpoint_file import is_taken
from vidcolor.film.source_digest import (
    SourceDigest,
    digest_source,
    find_stamp,
    size_and_mtime,
)
from vidcolor.reading.source import Source
from vidcolor.words import spelled

T = TypeVar("T")

NAME = "vidcolor-ledger.sqlite"
VERSION = 1
WAIT_SECONDS = 30.0
"""How long to wait for another run that is writing; each writes for a moment only."""

_RETRY_SECONDS = 0.05
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}

_TABLES = """
CREATE TABLE reels (
    path TEXT PRIMARY KEY, state TEXT NOT NULL, size INTEGER, mtime_ns INTEGER, sha256 TEXT,
    settings_hash TEXT, identity TEXT, output TEXT, output_size INTEGER, output_mtime_ns INTEGER,
    begun TEXT, ended TEXT, seconds REAL, frames INTEGER, error TEXT, stamp TEXT, losses TEXT);
CREATE TABLE shots (
    path TEXT, number INTEGER, frames INTEGER NOT NULL, ended TEXT NOT NULL,
    PRIMARY KEY (path, number)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One reel in the ledger.

    Attributes:
        path: The reel.
        state: `waiting`, `in work`, `stopped`, `done` or `failed`.
        shots: Number of finished shots.
        frames: Frames of the finished shots.
        seconds: How long it took; None before it is done.
        output: The film; None before it is known.
        error: Why it failed; empty if it did not.
    """

    path: Path
    state: str
    shots: int
    frames: int
    seconds: float | None
    output: Path | None
    error: str


class Ledger:
    """The ledger of a folder of outputs, made if it is missing.

    Args:
        folder: Where the outputs go.
        is_read_only: Whether it is only read; then it may lie where nothing may be written.

    Raises:
        LedgerError: It cannot be used; the text says why.
    """

    def __init__(self, folder: Path, *, is_read_only: bool = False) -> None:
        self.folder = folder
        self._path = folder / NAME
        self._is_kept = True
        try:
            self._open("", self._begin)
        except sqlite3.Error as error:
            if not is_read_only or error.sqlite_errorcode & 0xFF not in _UNWRITABLE:
                raise self._explained(error) from error
            self._open_read_only()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def expect(self, paths: Iterable[Path]) -> None:
        """Enter reels that will be colorized; known reels stay as they are."""
        for path in paths:
            query = "INSERT OR IGNORE INTO reels (path, state) VALUES (?, 'waiting')"
            self._execute(query, (_key(path),))

    def digest_source(self, source: Source, entry: Path) -> SourceDigest:
        """The digest of a reel, which is read only if one of its files was changed or replaced.

        Args:
            source: The film.
            entry: What the ledger calls the reel.

        Raises:
            SourceError: It cannot be read.
        """
        stamp = find_stamp(source.files)
        query = "SELECT size, mtime_ns, sha256 FROM reels WHERE path = ? AND stamp = ?"
        row = self._execute(query, (_key(entry), stamp)).fetchone()
        if row and row[2]:
            size, mtime_ns, sha256 = row
            return SourceDigest(size, mtime_ns, sha256, stamp)
        origin = digest_source(source.files, source.access)
        if not self._is_kept:
            return origin
        query = "UPDATE reels SET size = ?, mtime_ns = ?, sha256 = ?, stamp = ? WHERE path = ?"
        self._execute(query, (*origin, _key(entry)))
        return origin

    def find_done(self, identity: Mapping[str, object]) -> Path | None:
        """The film that an earlier run made of the same source and settings, if it is unchanged."""
        query = (
            "SELECT output, output_size, output_mtime_ns FROM reels "
            "WHERE state = 'done' AND settings_hash = ?"
        )
        for output, *found in self._execute(query, (_hash(identity),)):
            if self._is_unchanged(output, *found):
                return self.folder / os.fsdecode(output)
        return None

    def find_place(self, path: Path) -> Path | None:
        """The folder of a reel's film, finished or not; None if it has none."""
        query = "SELECT output FROM reels WHERE path = ? AND output IS NOT NULL"
        for (output,) in self._execute(query, (_key(path),)):
            film = self.folder / os.fsdecode(output)
            if film.exists() or work_path(film).exists():
                return film.parent
        return None

    def move_films(self, payload: Path) -> None:
        """Enter the films that were moved, from where they lay, to the same place in `payload`."""
        rows = self._execute("SELECT path, output FROM reels WHERE output IS NOT NULL").fetchall()
        for path, output in rows:
            name = Path(os.fsdecode(output))
            is_moved = not (self.folder / name).exists() and (payload / name).exists()
            if is_moved:
                query = "UPDATE reels SET output = ? WHERE path = ?"
                self._execute(query, (self._name(payload / name), path))

    def find_changes(self, output: Path, identity: Mapping[str, object]) -> list[str]:
        """What differs from the settings of the film under this name, a phrase each."""
        query = "SELECT identity FROM reels WHERE output = ? AND state IN ('done', 'in work')"
        for (before,) in self._execute(query, (self._name(output),)):
            return list(describe_differences(json.loads(before), _plain(identity)))
        return []

    def begin(self, path: Path, output: Path, identity: Mapping[str, object]) -> None:
        """Enter that work on a reel has begun."""
        query = (
            "UPDATE reels SET state = 'in work', begun = ?, ended = NULL, seconds = NULL, "
            "frames = NULL, error = NULL, settings_hash = ?, identity = ?, output = ? "
            "WHERE path = ?"
        )
        text = json.dumps(_plain(identity))
        values = (_now(), _hash(identity), text, self._name(output), _key(path))
        self._execute(query, values)

    def add_shot(self, path: Path, number: int, frames: int) -> None:
        """Enter a finished shot, and that no later one is finished."""
        self._execute("DELETE FROM shots WHERE path = ? AND number > ?", (_key(path), number))
        values = (_key(path), number, frames, _now())
        self._execute("INSERT OR REPLACE INTO shots VALUES (?, ?, ?, ?)", values)

    def end(self, path: Path, output: Path, frames: int, seconds: float, losses: str = "") -> None:
        """Enter that a reel is done, and what was damaged in its source, if anything."""
        query = (
            "UPDATE reels SET state = 'done', ended = ?, frames = ?, seconds = ?, error = NULL, "
            "losses = ?, output_size = ?, output_mtime_ns = ? WHERE path = ?"
        )
        found = size_and_mtime(files_of(output))
        self._execute(query, (_now(), frames, seconds, losses, *found, _key(path)))

    def fail(self, path: Path, error: VidcolorError) -> None:
        """Say why a reel failed; a film that was made before and is still so stays done."""
        if self._is_whole(path):
            return
        query = "UPDATE reels SET state = 'failed', ended = ?, error = ? WHERE path = ?"
        text = spelled(str(error))
        self._execute(query, (_now(), text, _key(path)))

    def _is_whole(self, path: Path) -> bool:
        """Whether a reel's film is done, and as it was then."""
        query = (
            "SELECT output, output_size, output_mtime_ns FROM reels "
            "WHERE state = 'done' AND path = ?"
        )
        return any(
            self._is_unchanged(output, *found)
            for output, *found in self._execute(query, (_key(path),))
        )

    def _is_unchanged(self, output: str | bytes, size: int, mtime_ns: int) -> bool:
        film = self.folder / os.fsdecode(output)
        return film.exists() and size_and_mtime(files_of(film)) == (size, mtime_ns)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all other runs from writing to the ledger, for a moment."""
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._execute("COMMIT")

    def entries(self) -> list[Entry]:
        """All reels, in the order in which they were entered."""
        query = (
            "SELECT reels.path, state, count(number), coalesce(sum(shots.frames), 0), seconds, "
            "output, error FROM reels LEFT JOIN shots ON reels.path = shots.path "
            "GROUP BY reels.rowid ORDER BY reels.rowid"
        )
        return [self._entry(*row) for row in self._execute(query).fetchall()]

    def _entry(self, path: str | bytes, state: str, shots: int, frames: int, *row: Any) -> Entry:
        seconds, output, error = row
        film = None if output is None else self.folder / os.fsdecode(output)
        if state == "in work" and not (film and is_taken(film)):
            state = "stopped"
        return Entry(
            path=Path(os.fsdecode(path)),
            state=state,
            shots=shots,
            frames=frames,
            seconds=seconds,
            output=film,
            error=error or "",
        )

    def _open(self, how: str, begin: Callable[[], object]) -> None:
        """Open the database, `how` being the query of its URI."""
        self._database = sqlite3.connect(
            f"{self._path.absolute().as_uri()}{how}", uri=True,
            timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        try:
            _patiently(begin)
        except BaseException:
            self._database.close()
            raise

    def _open_read_only(self) -> None:
        """Open it where nothing may be written, not even the files that SQLite keeps beside it."""
        self._is_kept = False
        try:
            try:
                self._open("?mode=ro", self._refuse_newer)
            except sqlite3.Error:  # what another run writes at this moment is not seen
                self._open("?immutable=1", self._refuse_newer)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _refuse_newer(self) -> int:
        """The ledger's version; raises if this program does not know it."""
        version = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise LedgerError(
                f"{self._path}: was written by a newer vidcolor (ledger {version}, this one knows "
                f"{VERSION}); use that one, or another -o"
            )
        return version

    def _begin(self) -> None:
        """Make the tables if they are missing; refuse a ledger of a newer version."""
        self._database.rollback()  # what an attempt before this one began
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("BEGIN IMMEDIATE")
        if self._refuse_newer() == 0:
            for statement in _TABLES.split(";"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {VERSION}")
        known = {row[1] for row in self._database.execute("PRAGMA table_info(reels)")}
        for column in sorted({"stamp", "losses"} - known):  # of a ledger that is older than they
            self._database.execute(f"ALTER TABLE reels ADD COLUMN {column} TEXT")
        self._database.execute("COMMIT")

    def _execute(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        try:
            return _patiently(lambda: self._database.execute(query, values))
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _name(self, output: Path) -> str | bytes:
        """An output as it lies in the folder, which may be moved."""
        return _stored(output.absolute().relative_to(self.folder.absolute()).as_posix())

    def _explained(self, error: sqlite3.Error) -> OutputError:
        """`error` as one line that names the file and what to do."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return DiskFullError(self.folder)
        if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
            fault = find_write_fault(self._path.with_name(f"{NAME}-wal"))
            if fault is not None and is_write_fault(fault):
                return LedgerError(str(write_error(self._path, fault)))
        reason = {
            sqlite3.SQLITE_BUSY: "is locked by another program; close that and run again",
            sqlite3.SQLITE_NOTADB: "is not a ledger, or damaged; move it away and run again",
            sqlite3.SQLITE_CORRUPT: "is damaged; move it away and run again",
            sqlite3.SQLITE_READONLY: "may not be written to; choose another folder with -o",
            sqlite3.SQLITE_CANTOPEN: "cannot be opened; choose another folder with -o",
        }.get(code, f"cannot be used ({error}); choose another folder with -o")
        return LedgerError(f"{self._path}: {reason}")


def read_ledger(folder: Path) -> list[Entry]:
    """All reels in the ledger of a folder.

    Raises:
        SourceError: There is none.
        LedgerError: It cannot be used.
    """
    if not is_file(folder / NAME):
        raise SourceError(f"{folder}: holds no {NAME}; name the output folder of an earlier run")
    with Ledger(folder, is_read_only=True) as ledger:
        return ledger.entries()


def _patiently(action: Callable[[], T]) -> T:
    """The result of an action on the database, once no other run blocks it.

    SQLite waits for those who write, but not for one who opens the log of changes or, as the last
    to go, clears it away (its documentation, "Write-Ahead Logging", 9).
    """
    began = monotonic()
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or monotonic() - began > WAIT_SECONDS:
                raise
        sleep(_RETRY_SECONDS)


def _key(path: Path) -> str | bytes:
    """A reel in the database."""
    return _stored(str(path.absolute()))


def _stored(name: str) -> str | bytes:
    """A name as the database takes it: the bytes of one that is no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name


def _plain(identity: Mapping[str, object]) -> dict[str, object]:
    """A copy as JSON would give it back."""
    plain: dict[str, object] = json.loads(json.dumps(identity))
    return plain


def _hash(identity: Mapping[str, object]) -> str:
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
