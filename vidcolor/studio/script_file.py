"""The color script beside a film, changed table by table; its comments survive."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import RLock
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

from vidcolor.directing.places import parse_shots
from vidcolor.directing.read_script import parse_script
from vidcolor.directing.script import PLACES, ColorScript, Point
from vidcolor.errors import SettingError
from vidcolor.files import write_whole

MOST_STEPS = 200
"""Changes that can be undone."""

Shots = tuple[int, int]
"""First and last shot, counted from 1 as a script counts them."""


class ScriptFile:
    """A color script that a page changes and that a text editor may change, too.

    A script that is wrong is not used: what held before goes on to hold, until it is mended.

    Args:
        path: Where it lies, or will lie after the first change.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()
        self._text = ""
        self._script = ColorScript()
        self._undo: list[str] = []
        self._redo: list[str] = []
        self.error: str | None = None

    @property
    def script(self) -> ColorScript:
        """The last script that was right."""
        return self._script

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back."""
        return bool(self._redo)

    def refresh(self) -> None:
        """Take in what was changed from outside."""
        with self._lock:
            try:
                text = self.path.read_bytes().decode("utf-8-sig")
            except FileNotFoundError:
                text = ""
            except (OSError, UnicodeDecodeError) as error:
                self.error = f"{self.path}: cannot be read ({error}). Check the file."
                return
            if text != self._text:
                self._take(text)

    def set_look(self, shots: Shots | None, settings: Mapping[str, object]) -> None:
        """Change what holds for shots, and keep it on disk.

        Args:
            shots: Which; None for the whole film.
            settings: Values by the names of a range's keys; None takes a setting away.

        Raises:
            SettingError: A value is out of its range, or the script was wrong before.
            OutputError: The script cannot be written.
        """

        def change(tables: AoT) -> None:
            for table in _tables_for(tables, shots):
                for name, value in settings.items():
                    if value is None:
                        table.pop(name, None)
                    else:
                        table[name] = value
            _drop_empty(tables)

        self._change("range", change)

    def set_hint(self, frame: int, at: Point, color: str, radius: float | None = None) -> None:
        """Say the color of a thing; a hint at the very same place is changed.

        Args:
            frame: Number of the frame.
            at: Where in it, across and down, in fractions of the frame as it is shown.
            color: `#rrggbb` or `neutral`.
            radius: As a fraction of the frame's height; None for the usual one.

        Raises:
            As `set_look`.
        """

        def change(tables: AoT) -> None:
            for table in tables:
                if table.get("frame") in {frame, str(frame)} and table.get("at") == list(at):
                    break
            else:
                table = _add(tables, {"frame": frame, "at": list(at)})
            table["color"] = color
            if radius is not None:
                table["radius"] = radius

        self._change("hint", change)

    def remove_hint(self, number: int) -> None:
        """Take a hint away, by its number in the script, from 0; nothing if there is no such.

        Raises:
            As `set_look`.
        """

        def change(tables: AoT) -> None:
            if number < len(tables):
                del tables[number]

        self._change("hint", change)

    def _change(self, name: str, change: Callable[[AoT], None]) -> None:
        """Change the tables of a name, and keep that on disk."""
        with self._lock:
            self.refresh()
            if self.error is not None:
                raise SettingError(self.error)
            document = tomlkit.parse(self._text)
            tables = document.get(name)
            if not isinstance(tables, AoT):
                tables = tomlkit.aot()
                document[name] = tables
            change(tables)
            if not tables:
                del document[name]
            self._write(tomlkit.dumps(document))

    def undo(self) -> None:
        """Take the last change back, if there is one."""
        self._step(self._undo, self._redo)

    def redo(self) -> None:
        """Make the change again that was taken back last, if there is one."""
        self._step(self._redo, self._undo)

    def look_of(self, shot: int | None) -> dict[str, object]:
        """What the ranges say of a shot, or of the whole film for None, as set there alone."""
        found: dict[str, object] = {}
        for part in self._script.ranges:
            if part.frames is None and _holds(part.shots, shot):
                found |= part.settings
        return found

    def shots_with_a_look(self) -> list[Shots]:
        """The shots that ranges name."""
        texts = (part.shots for part in self._script.ranges if part.shots is not None)
        return [shots for text in texts for shots in _parse(text)]

    def _step(self, source: list[str], other: list[str]) -> None:
        with self._lock:
            if not source:
                return
            text = source.pop()
            other.append(self._text)
            write_whole(self.path, text.encode())
            self._use(text)

    def _take(self, text: str) -> None:
        """Go on with another text, which can be undone."""
        self._undo = [*self._undo[1 - MOST_STEPS :], self._text]
        self._redo.clear()
        self._use(text)

    def _write(self, text: str) -> None:
        """Keep a text on disk if it is a script; the one before can be had back."""
        parse_script(text.encode(), self.path)
        if text == self._text:
            return
        write_whole(self.path, text.encode())
        self._take(text)

    def _use(self, text: str) -> None:
        self._text = text
        try:
            self._script = parse_script(text.encode(), self.path)
        except SettingError as error:
            self.error = str(error)
        else:
            self.error = None


def _tables_for(tables: AoT, shots: Shots | None) -> list[Table]:
    """The tables that hold for just these shots, made where they are missing.

    A table that names other shots as well is split: what is left of it keeps its settings.
    """
    if shots is None:
        found = [table for table in tables if not any(name in table for name in PLACES)]
        return found[:1] or [_add(tables, {})]
    wanted, missing = [], [shots]
    for table in list(tables):
        if "shots" not in table:
            continue
        inside, outside = _split(_parse(str(table["shots"])), shots)
        if not inside:
            continue
        missing = _without(missing, inside)
        if not outside:
            wanted.append(table)
            continue
        settings = {name: value for name, value in table.items() if name != "shots"}
        table["shots"] = _text(outside)
        wanted.append(_add(tables, {"shots": _text(inside)} | settings))
    if missing:
        wanted.append(_add(tables, {"shots": _text(missing)}))
    return wanted


def _add(tables: AoT, values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for name, value in values.items():
        table[name] = value
    tables.append(table)
    added: Table = tables[-1]
    return added


def _drop_empty(tables: AoT) -> None:
    for number in reversed(range(len(tables))):
        if not any(name not in PLACES for name in tables[number]):
            del tables[number]


def _parse(text: str) -> list[Shots]:
    return [(int(place.first), int(place.last)) for place in parse_shots(text)]


def _text(shots: Iterable[Shots]) -> str:
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in shots)


def _holds(text: str | None, shot: int | None) -> bool:
    """Whether a range names a shot; for None whether it names none, so that all the film is its."""
    if text is None or shot is None:
        return text is None and shot is None
    return any(first <= shot <= last for first, last in _parse(text))


def _split(places: Iterable[Shots], wanted: Shots) -> tuple[list[Shots], list[Shots]]:
    """The parts of some shots that lie within others, and those that do not."""
    inside: list[Shots] = []
    outside: list[Shots] = []
    for first, last in places:
        common = (max(first, wanted[0]), min(last, wanted[1]))
        if common[0] > common[1]:
            outside.append((first, last))
            continue
        inside.append(common)
        outside += [part for part in ((first, common[0] - 1), (common[1] + 1, last)) if _is(part)]
    return inside, outside


def _without(places: list[Shots], taken: Iterable[Shots]) -> list[Shots]:
    for one in taken:
        places = _split(places, one)[1]
    return places


def _is(shots: Shots) -> bool:
    return shots[0] <= shots[1]
