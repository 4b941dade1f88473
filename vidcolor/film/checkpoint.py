"""The checkpoint of a film: its finished shots, kept next to the output until it is complete.

One SQLite file holds the encoded frames, shot by shot, with all that later shots and the film's
statistics need. A shot counts only when it is finished, and of the last one each part that is:
SQLite guarantees that, however a run ends.
Its lock shows other runs that the film is taken, and ends with the process that holds it.
"""

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any, Self

from vidcolor.errors import OutputError
from vidcolor.files import work_path
from vidcolor.film.checkpoint_damage import find_damaged_shot, forget_endings, has_endings_for
from vidcolor.film.checkpoint_file import (
    DAMAGED,
    FORMAT,
    GONE,
    Damaged,
    OpenShot,
    checkpoint_error,
    checksum,
    describe_changes,
    drop_shots,
    drop_unfinished,
    ending_checksum,
    find_open_shot,
    is_taken,
    make_tables,
    open_locked,
    read_identity,
    read_losses,
    read_open_state,
    remove_pictures,
    unlink_files,
)
from vidcolor.report.timeline import FrameFigures
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.memory import ShotEnding, write_ending
from vidcolor.writing.shot_encoder import Encoded

MOST_OPEN_BYTES = 32 << 20
"""Size of an unfinished shot's packets from which they are written to disk."""

_RETRY_SECONDS = 0.05


def discard_work(target: Path) -> None:
    """Delete the checkpoint of the film at `target`, unless a run is working on it."""
    # In this order: where its owner removes it meanwhile, an empty one must not take its place.
    if not is_taken(target) and work_path(target).exists():
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
        damaged: The first shot with a wrong checksum, colored again as are those after it, if any.
        frames_done: Frames of the finished shots, and of the finished parts of the next one.
        shots_done: Number of finished shots.
        open_shot: What is kept of the shot that is not finished; None if no part of it is.
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
        self._is_going = self._is_removed = False
        self.changed: str = ""
        self.damaged: int | None = None
        self.shots_done: int = 0
        self.frames_done: int = 0
        self.open_shot: OpenShot | None = None
        self.losses: dict[str, Any] | None = None
        try:
            self._database = self._take(json.dumps([FORMAT, identity], sort_keys=True))
            self._look()
            if self.damaged is not None:
                self.drop_damaged(self.damaged)
            for shot in self._database.execute("SELECT number, frames FROM shots ORDER BY number"):
                on_shot(*shot)
        except sqlite3.Error as error:
            raise checkpoint_error(self._target, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def drop_damaged(self, shot: int) -> None:
        """Delete a damaged shot and those after it; all if one of them returns to one forgotten."""
        with self._explained():
            is_recalled = has_endings_for(self._database, shot, self.shots_done)
        self.damaged = shot if is_recalled else 0
        self.restart(self.damaged)

    def restart(self, shot: int = 0) -> None:
        """Delete the shots from one on."""
        with self._explained():
            drop_shots(self._database, shot)
            forget_endings(self._database)
        self._commit()
        if shot == 0:
            remove_pictures(self._target)
        self._look()

    def add_frame(self, shot: int, number: int, figures: FrameFigures) -> None:
        """Keep the statistics of frame `number` of the film."""
        values = (shot, number, json.dumps(figures._asdict()))
        self._execute("INSERT INTO frames VALUES (?, ?, ?, ?)", (*values, checksum(*values)))

    def add_packet(self, shot: int, number: int, packet: Encoded) -> None:
        """Keep packet `number` of a shot, in decoding order."""
        values = (shot, number, packet.pts, packet.duration, int(packet.is_key), packet.data)
        query = "INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._execute(query, (*values, checksum(*values)))
        self._open_bytes += len(packet.data)
        if self._open_bytes > MOST_OPEN_BYTES:
            self._commit()

    def keep_ending(self, shot: int, ending: ShotEnding) -> None:
        """Keep how a shot ended; may be called by any thread."""
        if (data := write_ending(ending)) is not None:
            query = "INSERT OR REPLACE INTO endings VALUES (?, ?, ?)"
            self._execute(query, (shot, data, checksum(shot, data)))

    def endings(self) -> Iterator[tuple[int, bytes]]:
        """Number and ending of the last finished shots, in order, for `read_ending`.

        Raises:
            Damaged: The checksum of one is wrong.
        """
        for shot, data, crc in self._rows("SELECT shot, data, crc FROM endings ORDER BY shot"):
            if crc != checksum(shot, data):
                raise Damaged(shot)
            yield shot, data

    def adopt(self, path: Path, keep: Callable[[Encoded, int], Encoded] | None = None) -> None:
        """Take over the shots and parts of another checkpoint, which follow those of this one.

        Args:
            path: Its file, closed.
            keep: Makes each packet another one, given the number of its frame; None for no change.

        Raises:
            OutputError: It cannot be read, or is not what was written.
        """
        self._execute("ATTACH DATABASE ? AS other", (str(path),))
        try:
            whole = self._rows("SELECT number, frames, reordered FROM other.shots ORDER BY number")
            for number, frames, reordered in list(whole):
                self._adopt_shot(number, ("frames", "endings"), keep)
                self.end_shot(number, frames, reordered)
            query = "SELECT shot, frames, reordered, state FROM other.open_shot"
            for number, *part in list(self._rows(query)):
                self._adopt_shot(number, ("frames",), keep)
                self.end_part(number, *part)
        except Damaged as damaged:
            raise OutputError(f"{path}: came damaged ({damaged}); run again") from damaged
        finally:
            self._database.rollback()
            self._execute("DETACH DATABASE other")

    def _adopt_shot(
        self, shot: int, tables: Sequence[str], keep: Callable[[Encoded, int], Encoded] | None
    ) -> None:
        """Take over the packets of a shot in another checkpoint, and its rows of some tables."""
        for table in tables:
            query = f"INSERT INTO {table} SELECT * FROM other.{table} WHERE shot = ?"  # noqa: S608
            self._execute(query, (shot,))
        begun = 0 if self.open_shot is None else self.open_shot.frames
        for count, packet in enumerate(self._packets("other.packets", shot)):
            kept = packet if keep is None else keep(packet, self.frames_done + count)
            self.add_packet(shot, begun + count, kept)

    def end_part(self, shot: int, frames: int, reordered: int, state: bytes) -> None:
        """Mark frames of a shot as finished: they need not be colored again.

        Args:
            shot: The number of the last whole one plus 1.
            frames: How many of its frames are finished.
            reordered: The greatest `reorder_depth` of the parts that they are.
            state: What the next frame goes on with, by `write_state`.
        """
        values = (shot, frames, reordered, state)
        query = "REPLACE INTO open_shot VALUES (?, ?, ?, ?, ?)"
        self._execute(query, (*values, checksum(*values)))
        self._commit()
        self._look()

    def end_shot(self, shot: int, frames: int, reordered: int) -> None:
        """Mark a shot as finished: it need not be colored again.

        Args:
            shot: Its number, that of the shot before plus 1.
            frames: How many frames it has.
            reordered: See `reorder_depth`.
        """
        with self._explained():
            ending = ending_checksum(self._database, shot)
        values = (shot, frames, reordered, ending)
        self._execute("INSERT INTO shots VALUES (?, ?, ?, ?, ?)", (*values, checksum(*values)))
        self._execute("DELETE FROM endings WHERE shot <= ?", (shot - REMEMBERED_SHOTS,))
        self._execute("DELETE FROM open_shot")
        self._commit()
        self._look()
        self._on_shot(shot, frames)

    def end_film(self, losses: Mapping[str, object]) -> None:
        """Mark all shots as finished: a file of the output's name is this run's from now on."""
        told = (json.dumps(losses), self.shots_done)
        query = "UPDATE made_of SET losses = ?, shots = ?, crc = ?"
        self._execute(query, (*told, checksum(*told)))
        self._commit()
        self._look()

    def open_state(self) -> bytes | None:
        """What the shot that is not finished goes on with; see `read_open_state`."""
        with self._explained():
            return read_open_state(self._database)

    def packets(self) -> Generator[Encoded, None, None]:
        """The packets of all shots, in order.

        Raises:
            Damaged: The checksum of one is wrong.
        """
        for (number,) in list(self._rows("SELECT number FROM shots ORDER BY number")):
            yield from self._packets("packets", number)

    def shot_of(self, frame: int) -> int:
        """The number of the whole shot that has a frame, counted from the film's first."""
        end = 0
        for number, frames in self._rows("SELECT number, frames FROM shots ORDER BY number"):
            end += frames
            if frame < end:
                return int(number)
        raise IndexError(f"frame {frame} of {end}")

    @property
    def reordered(self) -> int:
        """The greatest of the shots' own; see `end_shot`."""
        return int(self._execute("SELECT coalesce(max(reordered), 0) FROM shots").fetchone()[0])

    def figures(self) -> Iterator[FrameFigures]:
        """The statistics of the frames, in order.

        Raises:
            Damaged: The checksum of one is wrong.
        """
        query = "SELECT shot, number, figures, crc FROM frames ORDER BY shot, number"
        for *values, crc in self._rows(query):
            if crc != checksum(*values):
                raise Damaged(values[0])
            yield FrameFigures(**json.loads(values[-1]))

    def close(self) -> None:
        """Release the lock; a checkpoint without a finished shot or part is deleted."""
        with suppress(sqlite3.Error):
            self._database.rollback()
        if self.frames_done and not self._is_going:
            self._database.close()
        elif not self._is_removed:
            self.remove()

    def remove(self) -> None:
        """Delete the checkpoint and release the lock.

        The file goes while it is locked, so that whoever can lock it knows that nobody is about to
        delete it, and that its owner was stopped if it says that it is gone.
        """
        self._is_going = True
        with suppress(sqlite3.Error):
            self._database.execute("UPDATE made_of SET identity = ?", (GONE,))
            self._database.commit()
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # in the file itself
        if not self._is_removed:  # a file there afterwards is another run's
            try:
                unlink_files(self._target)
            except PermissionError:  # Windows deletes nothing that is open, by others either
                self._database.close()
                with suppress(OSError):
                    unlink_files(self._target)
        self._database.close()
        self._is_removed = True

    def _take(self, wanted: str) -> sqlite3.Connection:
        """The database, locked, of the identity wanted and without unfinished shots."""
        while True:
            before = self._file_number()
            try:
                database = open_locked(self._path)
                # Else its owner has just deleted it.
                if before in {None, self._file_number()}:
                    self._adopt(database, wanted)
                    return database
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF not in DAMAGED:
                    raise
                unlink_files(self._target)
                self.changed = "the checkpoint is damaged"
                continue
            database.close()
            sleep(_RETRY_SECONDS)

    def _adopt(self, database: sqlite3.Connection, wanted: str) -> None:
        """Make a database this run's."""
        found = None
        try:
            found = read_identity(database)
            if found != wanted:
                self.changed = self.changed or describe_changes(found, wanted)
                make_tables(database, wanted)
                remove_pictures(self._target)
            drop_unfinished(database)
            database.commit()
            self.damaged = find_damaged_shot(database)
        except BaseException:
            database.close()
            if found != wanted:
                unlink_files(self._target)
            raise

    def _look(self) -> None:
        """Count the finished shots and frames."""
        counts = self._execute("SELECT count(*), coalesce(sum(frames), 0) FROM shots")
        self.shots_done, self.frames_done = counts.fetchone()
        with self._explained():
            losses = read_losses(self._database)
            self.open_shot = find_open_shot(self._database)
        self.frames_done += 0 if self.open_shot is None else self.open_shot.frames
        self.losses = None if losses is None else json.loads(losses)

    def _execute(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        with self._explained():
            return self._database.execute(query, values)

    def _packets(self, table: str, shot: int) -> Generator[Encoded, None, None]:
        columns = "shot, number, pts, duration, is_key, data, crc"
        query = f"SELECT {columns} FROM {table} WHERE shot = ? ORDER BY number"  # noqa: S608 - ours
        with closing(self._rows(query, (shot,))) as rows:
            for *values, crc in rows:
                if crc != checksum(*values):
                    raise Damaged(shot)
                _, _, pts, duration, is_key, data = values
                yield Encoded(data, pts, duration, bool(is_key))

    def _rows(
        self, query: str, values: tuple[object, ...] = ()
    ) -> Generator[tuple[Any, ...], None, None]:
        try:
            # A cursor itself would be closed at a Ctrl-C, when its database is closed already.
            yield from map(tuple, self._execute(query, values))
        except sqlite3.Error as error:
            raise checkpoint_error(self._target, error) from error

    def _commit(self) -> None:
        with self._explained():
            self._database.commit()
        self._open_bytes = 0

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """One thread at a time; SQLite's errors become one line."""
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise checkpoint_error(self._target, error) from error

    def _file_number(self) -> int | None:
        return self._path.stat().st_ino if self._path.exists() else None
