"""What people answered, in one SQLite file: written down at once, each answer only once."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock
from typing import NamedTuple, Self

from vidcolor.errors import OutputError, SourceError

NAME = "answers.sqlite"

_WAIT_SECONDS = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS test (facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS participants (
    id TEXT PRIMARY KEY, seed INTEGER NOT NULL, began TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    participant TEXT, number INTEGER, picture TEXT NOT NULL, shows TEXT NOT NULL,
    is_practice INTEGER NOT NULL, said TEXT, seconds REAL, is_spoiled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (participant, number));
"""


class Answer(NamedTuple):
    """What one person said of one picture or pair.

    Attributes:
        participant: Who.
        picture: Its name.
        shows: What was shown: `real`, `colorized`, or for a pair which side the colorized one was
            on, `left` or `right`.
        said: What was said to be colorized: the same words.
    """

    participant: str
    picture: str
    shows: str
    said: str


class Store:
    """The answers to one test.

    Args:
        folder: Where the file lies; made if it is missing.
        facts: What the test is: people who see other things must not be counted with these. None
            to read only.

    Raises:
        OutputError: The file cannot be written, or holds answers to another test.
        SourceError: It is to be read and is not there.
    """

    def __init__(self, folder: Path, facts: Mapping[str, object] | None = None) -> None:
        self._path = folder / NAME
        self._lock = Lock()
        if facts is None and not self._path.exists():
            raise SourceError(f"{self._path}: no answers there; name the folder of a test")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                self._path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(_TABLES)
            self._adopt(facts)
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(
                f"{self._path}: cannot be used ({error}); name another folder"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def facts(self) -> dict[str, object]:
        """What the test is."""
        row = self._database.execute("SELECT facts FROM test").fetchone()
        return {} if row is None else json.loads(row[0])

    def admit(self) -> str:
        """A new participant's name, which reveals nothing."""
        name = token_urlsafe(12)
        with self._writing() as database:
            database.execute(
                "INSERT INTO participants SELECT ?, count(*), datetime('now') FROM participants",
                (name,),
            )
        return name

    def seed_of(self, participant: str) -> int | None:
        """Which draw of the trials is the participant's; None if there is no such."""
        query = "SELECT seed FROM participants WHERE id = ?"
        row = self._database.execute(query, (participant,)).fetchone()
        return None if row is None else int(row[0])

    def show(
        self, participant: str, number: int, *, picture: str, shows: str, is_practice: bool
    ) -> bool:
        """Note that a trial is shown; False if it was before, and must not be shown again."""
        with self._writing() as database:
            done = database.execute(
                "INSERT OR IGNORE INTO trials (participant, number, picture, shows, is_practice) "
                "VALUES (?, ?, ?, ?, ?)",
                (participant, number, picture, shows, is_practice),
            )
            if done.rowcount == 0:
                database.execute(
                    "UPDATE trials SET is_spoiled = 1 "
                    "WHERE participant = ? AND number = ? AND said IS NULL",
                    (participant, number),
                )
        return done.rowcount == 1

    def answer(self, participant: str, number: int, said: str, seconds: float) -> str | None:
        """Note an answer; what was shown, or None if the trial is not open."""
        with self._writing() as database:
            done = database.execute(
                "UPDATE trials SET said = ?, seconds = ? WHERE participant = ? AND number = ? "
                "AND said IS NULL AND NOT is_spoiled",
                (said, seconds, participant, number),
            )
            if done.rowcount == 0:
                return None
            query = "SELECT shows FROM trials WHERE participant = ? AND number = ?"
            return str(database.execute(query, (participant, number)).fetchone()[0])

    def next_number(self, participant: str) -> int:
        """Of the participant's next trial, from 0; one that was seen and not answered is over."""
        query = "SELECT coalesce(max(number), -1) + 1 FROM trials WHERE participant = ?"
        return int(self._database.execute(query, (participant,)).fetchone()[0])

    def answers(self) -> list[Answer]:
        """All that count: not of practice, in the order given."""
        query = (
            "SELECT participant, picture, shows, said FROM trials "
            "WHERE said IS NOT NULL AND NOT is_practice ORDER BY rowid"
        )
        return [Answer(*row) for row in self._database.execute(query)]

    def _adopt(self, facts: Mapping[str, object] | None) -> None:
        if facts is None:
            return
        text = json.dumps(facts, sort_keys=True)
        with self._writing() as database:
            found = database.execute("SELECT facts FROM test").fetchone()
            if found is None:
                database.execute("INSERT INTO test VALUES (?)", (text,))
            elif found[0] != text:
                raise OutputError(
                    f"{self._path}: holds answers to another test; name another folder"
                )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
