"""Color scripts read from TOML files; each fault is one line with the file and the line."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vidcolor.directing.overlap import refuse_contradictions
from vidcolor.directing.places import parse_frames, parse_shots
from vidcolor.directing.script import (
    FULL_TURN,
    LEAST_POINTS,
    PLACES,
    ColorScript,
    Hint,
    HueMap,
    Range,
    Reference,
)
from vidcolor.directing.toml_lines import Place, find_lines, line_of_error
from vidcolor.errors import SettingError
from vidcolor.files import is_folder

SUFFIX = ".colors.toml"

MOST_BYTES = 16 << 20
"""Of a script: beyond, it is some other file."""

TABLES: dict[str, tuple[str, ...]] = {
    "film": ("sha256", "marked"),
    "range": tuple(one.name for one in fields(Range) if one.name != "place"),
    "hint": tuple(one.name for one in fields(Hint) if one.name != "place"),
    "reference": tuple(one.name for one in fields(Reference) if one.name != "place"),
}
HUE_KEYS = ("from", "to", "saturation")

_SHA256 = re.compile("[0-9a-f]{64}")
_HUES = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*")


def find_script(place: Path, film: Path) -> Path | None:
    """The script of a film, of a file or a folder of scripts; None if the folder has none for it.

    Args:
        place: A script, or a folder of scripts, one `<film's stem>.colors.toml` each.
        film: The film.
    """
    if not is_folder(place):
        return place
    path = place / f"{film.stem}{SUFFIX}"
    return path if path.exists() else None


def read_script(path: Path) -> ColorScript:
    """Read a color script.

    Raises:
        SettingError: It cannot be read, or something in it is wrong; file and line are named.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingError(f"{path}: cannot be read ({reason}). Check its name.") from error
    if len(data) > MOST_BYTES:
        raise SettingError(f"{path}: is too large for a color script. Name a TOML file.")
    return parse_script(data, path)


def parse_script(data: bytes, path: Path) -> ColorScript:
    """The color script that a file's bytes are; see `read_script`."""
    try:
        text = data.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        fault = "is no text in UTF-8. Save it as UTF-8, or name another file."
        raise _Faults(path, {}).at(data.count(b"\n", 0, error.start) + 1, fault) from error
    except tomllib.TOMLDecodeError as error:
        line, reason = line_of_error(str(error), text)
        fault = f"is no TOML ({reason}). Mend this line: ranges, times and colors stand in quotes."
        raise _Faults(path, {}).at(line, fault) from error
    except (RecursionError, ValueError) as error:  # brackets in brackets, a number of many digits
        lengths = [len(line) for line in text.split("\n")]
        line = lengths.index(max(lengths)) + 1
        raise _Faults(path, {}).at(line, "is too long to be read. Mend this line.") from error
    faults = _Faults(path, find_lines(text))
    for name in tables:
        if name not in TABLES:
            raise faults.unknown(("", 0, name), name, tuple(TABLES), (name, 0, ""))
    script = ColorScript(
        ranges=tuple(
            _read_range(table, number, faults)
            for number, table in enumerate(_tables(tables, "range", faults))
        ),
        hints=tuple(
            _read_hint(table, number, faults)
            for number, table in enumerate(_tables(tables, "hint", faults))
        ),
        references=tuple(
            _read_reference(table, number, faults)
            for number, table in enumerate(_tables(tables, "reference", faults))
        ),
        **_read_film(tables.get("film", {}), faults),
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    refuse_contradictions(script)
    return script


class _Faults:
    """Makes errors that name file and line."""

    def __init__(self, path: Path, lines: Mapping[Place, int]) -> None:
        self._path, self._lines = path, lines

    def line(self, *places: Place) -> int | None:
        """The line of the first place that is known."""
        return next((self._lines[place] for place in places if place in self._lines), None)

    def at(self, line: int | None, fault: str) -> SettingError:
        """An error of a line."""
        return SettingError(f"{self.name(line)}: {fault}")

    def name(self, line: int | None) -> str:
        """A place for errors."""
        return str(self._path) if line is None else f"{self._path}:{line}"

    def of(self, table: str, number: int, key: str, fault: str) -> SettingError:
        """An error of a key of a table."""
        found = self.line((table, number, key), (table, number, ""), ("", 0, table))
        return self.at(self.first(table) if found is None else found, fault)

    def first(self, table: str) -> int | None:
        """The first line that stands in a table of a name, or in one inside it."""
        named = (line for (one, *_), line in self._lines.items() if one.split(".")[0] == table)
        return min(named, default=None)

    def unknown(
        self, place: Place, name: str, known: tuple[str, ...], *others: Place
    ) -> SettingError:
        """An error of a name that means nothing."""
        near = get_close_matches(name, known, 1)
        remedy = f"Did you mean {near[0]}?" if near else f"Use {', '.join(known)}."
        return self.at(self.line(place, *others), f"{name} means nothing here. {remedy}")


def _read_film(table: object, faults: _Faults) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise faults.of("film", 0, "", "film is no table. Write [film] above sha256 = ...")
    for key in table:
        if key not in TABLES["film"]:
            raise faults.unknown(("film", 0, key), key, TABLES["film"])
    marked = table.get("marked")
    try:
        marked = None if marked is None else _read_shots(marked)
    except (ValueError, TypeError) as error:
        raise faults.of("film", 0, "marked", f"marked: {error}") from error
    sha256 = table.get("sha256")
    if sha256 is not None:
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256.lower()):
            fault = "sha256 is no SHA-256. Write 64 hexadecimal digits."
            raise faults.of("film", 0, "sha256", fault)
        sha256 = sha256.lower()
    place = faults.name(faults.line(("film", 0, "sha256"), ("film", 0, "")))
    return {"film_sha256": sha256, "marked": marked, "film_place": place}


def _tables(found: Mapping[str, object], name: str, faults: _Faults) -> list[Mapping[str, Any]]:
    """The tables of one name."""
    tables = found.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        fault = f"{name} is no list of tables. Write [[{name}]] above its settings."
        raise faults.of(name, 0, "", fault)
    return tables


def _read_hint(table: Mapping[str, Any], number: int, faults: _Faults) -> Hint:
    values = _read_values("hint", table, number, faults)
    for key in ("frame", "color") if "picture" not in values else ():
        if key not in values:
            raise faults.of("hint", number, "", f"the hint has no {key}. Add one.")
    place = faults.name(faults.line(("hint", number, "")))
    try:
        return Hint(**values, place=place)
    except SettingError as error:
        key = str(error).partition(":")[0]
        raise faults.of("hint", number, key, str(error)) from error


def _read_reference(table: Mapping[str, Any], number: int, faults: _Faults) -> Reference:
    values = _read_values("reference", table, number, faults)
    if "picture" not in values:
        raise faults.of("reference", number, "", "the reference has no picture. Add one.")
    place = faults.name(faults.line(("reference", number, "")))
    try:
        return Reference(**values, place=place)
    except SettingError as error:
        key = str(error).partition(":")[0].partition(" ")[0]
        raise faults.of("reference", number, key, str(error)) from error


def _read_values(
    kind: str, table: Mapping[str, Any], number: int, faults: _Faults
) -> dict[str, Any]:
    """The values of a table of hints or references."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in TABLES[kind]:
            raise faults.unknown((kind, number, key), key, TABLES[kind], (kind, number, ""))
        try:
            values[key] = _HINT_READERS[key](value)
        except (ValueError, TypeError) as error:
            raise faults.of(kind, number, key, f"{key}: {error}") from error
    return values


def _read_range(table: Mapping[str, Any], number: int, faults: _Faults) -> Range:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in TABLES["range"]:
            raise faults.unknown(
                ("range", number, key), key, TABLES["range"], ("range", number, "")
            )
        try:
            values[key] = _READERS.get(key, _read_number)(value)
            Range(**{key: values[key]})
        except (ValueError, TypeError) as error:
            reason = str(error).removeprefix(f"{key}: ")
            raise faults.of("range", number, key, f"{key}: {reason}") from error
    place = faults.name(faults.line(("range", number, "")))
    try:
        return Range(**values, place=place)
    except SettingError as error:
        key = str(error).partition(":")[0]
        raise faults.of("range", number, key if key in table else "shots", str(error)) from error


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{_shown(value)} is no number. Write one, without quotes.")
    return float(value)


def _read_switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(
            f"{_shown(value)} is neither true nor false. Write one of them, without quotes."
        )
    return value


def _read_name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{_shown(value)} is no name. Write it in quotes.")
    return value


def _read_frames(value: object) -> str:
    text = _text(value)
    parse_frames(text)
    return text


def _read_shots(value: object) -> str:
    text = _text(value)
    parse_shots(text)
    return text


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{_shown(value)} is no whole number and no text. Write it in quotes.")
    return str(value)


def _shown(value: object) -> str:
    """A value as TOML has it, or nearly."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date | time) else repr(value)


def _read_hues(value: object) -> tuple[HueMap, ...]:
    maps = value if isinstance(value, list) else [value]
    return tuple(_read_hue(one) for one in maps)


def _read_hue(value: object) -> HueMap:
    if not isinstance(value, dict) or "from" not in value or "to" not in value:
        raise TypeError('a map has from and to. Write { from = "290-330", to = 30 }.')
    for key in value:
        if key not in HUE_KEYS:
            raise ValueError(f"{key} means nothing here. Use {', '.join(HUE_KEYS)}.")
    first, last = _hues(value["from"])
    width = (last - first) % FULL_TURN
    to = value["to"]
    if isinstance(to, str):
        to_first, to_last = _hues(to)
        if to_last < to_first:
            to_last += FULL_TURN
    else:
        middle = _read_number(to)
        if not -FULL_TURN <= middle <= FULL_TURN:
            raise ValueError(f"to: {to} leaves the circle. Hues are degrees from 0 to 360.")
        to_first, to_last = middle - width / 2, middle + width / 2
    return HueMap(
        first=first,
        last=last,
        to_first=to_first,
        to_last=to_last,
        saturation=_read_number(value.get("saturation", 1.0)),
    )


def _hues(value: object) -> tuple[float, float]:
    """First and last of a part of the circle of hues."""
    found = _HUES.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is no range of hues. Write degrees, as in "290-330".')
    first, last = float(found[1]), float(found[2])
    if not 0 <= min(first, last) <= max(first, last) <= FULL_TURN:
        raise ValueError(f"{value!r} leaves the circle. Hues are degrees from 0 to 360.")
    return first, last


def _read_frame(value: object) -> str:
    text = _text(value)
    spans = parse_frames(text).spans
    if len(spans) != 1 or spans[0].first != spans[0].last:
        raise ValueError(f"{text!r} is more than one frame. Write one.")
    return text


def _read_point(value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != len(("across", "down")):
        raise TypeError(f"{value!r} is no point. Write [0.41, 0.32].")
    return tuple(map(_read_number, value))


def _read_points(value: object) -> tuple[tuple[float, ...], ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list of points. Write [[0.41, 0.32], [0.5, 0.4]].")
    return tuple(map(_read_point, value))


def _read_box(value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != LEAST_POINTS["box"]:
        raise TypeError(f"{value!r} is no box. Write [left, top, width, height].")
    return tuple(map(_read_number, value))


def _read_color(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r} is no color. Write "#7a1f1f" or "neutral".')
    return value


def _read_path(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r} is no file. Write "references/ref_001734.png".')
    return value


_HINT_READERS: dict[str, Callable[[object], object]] = {
    "frame": _read_frame,
    "color": _read_color,
    "at": _read_point,
    "stroke": _read_points,
    "box": _read_box,
    "polygon": _read_points,
    "radius": _read_number,
    "picture": _read_path,
    "frames": _read_frames,
    "shots": _read_shots,
    "strength": _read_number,
}
"""Of hints and references."""

_READERS = dict.fromkeys(PLACES, _read_frames) | {
    "shots": _read_shots,
    "color": _read_switch,
    "hue": _read_hues,
    "refine": _read_name,
    "model": _read_name,
}
