"""What of a checkpoint is not as it was written, and from where a film can be colored again."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from vidcolor.film.checkpoint_file import (
    Damaged,
    checksum,
    ending_checksum,
    find_open_shot,
    read_open_state,
)
from vidcolor.shots.cuts import REMEMBERED_SHOTS


def find_damaged_shot(database: sqlite3.Connection) -> int | None:
    """The first shot that is not as it was kept, whole or not; None if all are.

    Raises:
        sqlite3.DatabaseError: The file's own order is lost.
    """
    rows = database.execute("SELECT number, frames, reordered, ending, crc FROM shots ORDER BY 1")
    shots = rows.fetchall()
    first_frame = 0
    for wanted, (number, frames, reordered, ending, crc) in enumerate(shots):
        is_right = number == wanted and crc == checksum(number, frames, reordered, ending)
        if not is_right or not _is_whole(database, number, first_frame, frames):
            return wanted
        if number >= len(shots) - REMEMBERED_SHOTS and ending_checksum(database, number) != ending:
            return wanted
        first_frame += frames
    if not _is_open_right(database, len(shots), first_frame):
        return len(shots)
    return 0 if _has_strays(database, first_frame) else None


def _has_strays(database: sqlite3.Connection, whole: int) -> bool:
    """Whether there are rows that no look-up finds, of so many frames in whole shots.

    A damaged number makes the order of rows a lie by which SQLite looks them up.
    """
    part = find_open_shot(database)
    frames = whole + (part.frames if part else 0)
    (found,) = database.execute("SELECT count(*) FROM (SELECT 1 FROM frames)").fetchone()
    return int(found) != frames


def _is_open_right(database: sqlite3.Connection, shot: int, first_frame: int) -> bool:
    """Whether what is kept of the shot that is not finished is that, and is what it was."""
    found = find_open_shot(database)
    if found is None:
        return True
    try:
        read_open_state(database)
    except Damaged:
        return False
    return found.shot == shot and _is_whole(database, shot, first_frame, found.frames)


def _is_whole(database: sqlite3.Connection, shot: int, first_frame: int, frames: int) -> bool:
    """Whether a shot has so many packets and frames, each as it was written."""
    packets = database.execute(
        "SELECT shot, number, pts, duration, is_key, data, crc FROM packets "
        "WHERE shot = ? ORDER BY number", (shot,)
    )  # fmt: skip
    figures = database.execute(
        "SELECT shot, number, figures, crc FROM frames WHERE shot = ? ORDER BY number", (shot,)
    )
    return _are_right(packets, range(frames)) and _are_right(
        figures, range(first_frame, first_frame + frames)
    )


def _are_right(rows: Iterable[Sequence[Any]], numbers: range) -> bool:
    """Whether rows have these numbers in their second column, and each its checksum at its end."""
    found = []
    for row in rows:
        if row[-1] != checksum(*row[:-1]):
            return False
        found.append(row[1])
    return found == list(numbers)


def has_endings_for(database: sqlite3.Connection, first: int, shots: int) -> bool:
    """Whether shots may be colored again from `first` on: what they go on with is kept.

    Args:
        database: Where their figures say which earlier shot each returns to.
        first: The first of them.
        shots: How many are whole. Those behind may return to each of the last `REMEMBERED_SHOTS`.
    """
    kept = {number for (number,) in database.execute("SELECT shot FROM endings")}
    if kept.issuperset(range(max(0, first - REMEMBERED_SHOTS), first)):
        return True
    begun = dict(database.execute("SELECT number, ending FROM shots WHERE number < ?", (first,)))
    behind = range(max(0, shots - REMEMBERED_SHOTS), first)
    if any(begun.get(shot) is not None and shot not in kept for shot in behind):
        return False
    told = set()
    query = "SELECT shot, number, figures, crc FROM frames WHERE shot >= ? AND shot < ?"
    for *values, crc in database.execute(query, (first, shots)):
        if crc != checksum(*values):
            return False
        earlier = json.loads(values[-1]).get("returns_to")
        if earlier is not None and earlier < first and earlier not in kept:
            return False
        told.add(values[0])
    return told == set(range(first, shots))


def forget_endings(database: sqlite3.Connection) -> None:
    """Note of the last whole shots whose ending is no longer kept that they have none."""
    query = (
        "SELECT number, frames, reordered FROM shots WHERE ending IS NOT NULL AND "
        "number >= (SELECT count(*) FROM shots) - ? AND number NOT IN (SELECT shot FROM endings)"
    )
    for shot in database.execute(query, (REMEMBERED_SHOTS,)).fetchall():
        values = (checksum(*shot, None), shot[0])
        database.execute("UPDATE shots SET ending = NULL, crc = ? WHERE number = ?", values)
