"""The color script beside a film, changed table by table; its comments survive."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import RLock
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Table

from vidcolor.directing.places import parse_shots
from vidcolor.directing.read_script import parse_script
from vidcolor.directing.script import PLACES, ColorScript
from vidcolor.errors import SettingError
from vidcolor.files import write_whole

MOST_STEPS = 200
"""Changes that can be undone."""

Shots = tuple[int, int]
"""First and last shot, counted from 1 as a script counts them."""

Shape = tuple[str, list[Any]]
"""A field of a hint that says where it is, `at`, `stroke` or `box`, and its numbers."""


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

    def set_look(
        self,
        shots: Shots | None,
        settings: Mapping[str, object],
        *,
        frames: Shots | None = None,
    ) -> None:
        """Change what holds for shots or frames, and keep it on disk.

        Args:
            shots: Which; None for the whole film.
            settings: Values by the names of a range's keys; None takes a setting away.
            frames: In place of shots: first and last frame, from 0.

        Raises:
            SettingError: A value is out of its range, or the script was wrong before.
            OutputError: The script cannot be written.
        """

        def change(tables: AoT) -> None:
            found = _tables_for(tables, shots) if frames is None else [_table_at(tables, frames)]
            for table in found:
                for name, value in settings.items():
                    if value is None:
                        table.pop(name, None)
                    else:
                        table[name] = value
            _drop_empty(tables)

        self._change("range", change)

    def set_hint(self, frame: int, shape: Shape, color: str, radius: float | None = None) -> None:
        """Say the color of a thing; a hint of the very same shape is changed.

        Args:
            frame: Number of the frame.
            shape: Where in it.
            color: `#rrggbb` or `neutral`.
            radius: As a fraction of the frame's height; None for the usual one.

        Raises:
            As `set_look`.
        """
        name, values = shape

        def change(tables: AoT) -> None:
            for table in tables:
                if table.get("frame") in {frame, str(frame)} and table.get(name) == values:
                    break
            else:
                table = _add(tables, {"frame": frame, name: values})
            table["color"] = color
            if radius is not None:
                table["radius"] = radius

        self._change("hint", change)

    def add_reference(self, picture: str, place: Mapping[str, object]) -> None:
        """Have colors taken from a picture.

        Args:
            picture: Its name, beside the script.
            place: `frame` or `shots` by name; nothing for all of the film.

        Raises:
            As `set_look`.
        """

        def change(tables: AoT) -> None:
            values = {"picture": picture, **place}
            if values not in [table.unwrap() for table in tables]:
                _add(tables, values)

        self._change("reference", change)

    def remove(self, kind: str, number: int) -> None:
        """Take a hint or a reference away; nothing if there is no such.

        Args:
            kind: `hint` or `reference`.
            number: Its number in the script, from 0.

        Raises:
            As `set_look`.
        """

        def change(tables: AoT) -> None:
            if number < len(tables):
                del tables[number]

        self._change(kind, change)

    def _change(self, name: str, change: Callable[[AoT], None]) -> None:
        """Change the tables of a name, and keep that on disk."""

        def change_tables(document: TOMLDocument) -> None:
            tables = document.get(name)
            if not isinstance(tables, AoT):
                tables = tomlkit.aot()
                document[name] = tables
            change(tables)
            if not tables:
                del document[name]

        self._edit(change_tables)

    def _edit(self, change: Callable[[TOMLDocument], None]) -> None:
        """Change the script, and keep that on disk."""
        with self._lock:
            self.refresh()
            if self.error is not None:
                raise SettingError(self.error)
            document = tomlkit.parse(self._text)
            change(document)
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

    def look_at(self, frames: Shots) -> dict[str, object]:
        """What the range of just these frames says; nothing if there is none."""
        text = text_of([frames])
        return next((dict(one.settings) for one in self._script.ranges if one.frames == text), {})

    def is_marked(self, shot: int) -> bool:
        """Whether a person marked a shot, counted from 1."""
        return self._script.marked is not None and _holds(self._script.marked, shot)

    def mark(self, shot: int, *, is_marked: bool) -> None:
        """Mark a shot, counted from 1, or take its mark away.

        Raises:
            As `set_look`.
        """

        def change(document: TOMLDocument) -> None:
            film = document.setdefault("film", tomlkit.table())
            marked = _without(_parse(str(film.pop("marked", ""))), [(shot, shot)])
            if is_marked:
                marked = _joined([*marked, (shot, shot)])
            if marked:
                film["marked"] = text_of(marked)
            if not film:
                del document["film"]

        self._edit(change)

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
        table["shots"] = text_of(outside)
        wanted.append(_add(tables, {"shots": text_of(inside)} | settings))
    if missing:
        wanted.append(_add(tables, {"shots": text_of(missing)}))
    return wanted


def _table_at(tables: AoT, frames: Shots) -> Table:
    """The table that holds for just these frames, made if it is missing."""
    text = text_of([frames])
    found: Table | None = next((one for one in tables if str(one.get("frames")) == text), None)
    return _add(tables, {"frames": text}) if found is None else found


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


def _joined(places: Iterable[Shots]) -> list[Shots]:
    """Places in order, those that follow each other as one."""
    found: list[Shots] = []
    for first, last in sorted(places):
        if found and found[-1][1] == first - 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def _parse(text: str) -> list[Shots]:
    if not text:
        return []
    return [(int(place.first), int(place.last)) for place in parse_shots(text)]


def text_of(shots: Iterable[Shots]) -> str:
    """Shots or frames as a script writes them: `2-3,7`."""
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
