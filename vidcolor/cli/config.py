"""Settings kept in files: read as TOML, turned into words of the command line, checked like these.

A file names options by their long names without dashes: `saturation = 0.8`, `lossless = true`. They
may stand in a table `[vidcolor]`, beside tables of other programs. Standard library only.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vidcolor.cli.options import COLOR, ENCODING, FILM, MODEL, OPTIONS, REFERENCE, STUDY, Option
from vidcolor.errors import SettingError, SourceError
from vidcolor.files import is_file, is_folder
from vidcolor.report.sidecar import plain_items, read_sidecar

_TAKEN_OVER = (COLOR, MODEL, REFERENCE, ENCODING, STUDY)
"""Groups of options that `--like` takes from a sidecar; the part and the checks are of one run."""

_OF_A_MACHINE = ("settings.model.device", "settings.model.batch_size", "settings.input.hwaccel")

LIKE = tuple(
    option
    for option in OPTIONS
    if option.group in _TAKEN_OVER
    and option.field.startswith("settings.")
    and option.field not in _OF_A_MACHINE
)
"""Options that `--like` takes over."""

FILE_NAME = "vidcolor.toml"
"""Of a file beside the films."""

VARIABLE = "VIDCOLOR_CONFIG"
"""Environment variable that names a file."""

TABLE = "vidcolor"

NOT_KEPT = (
    "inputs",
    "output",
    "settings_file",
    "like",
    "show_config",
    "doctor",
    "models",
    "status",
    "status_format",
    "list_shots",
    "script_new",
    "suggest",
    "plot",
)
"""Fields that a file cannot fill: they belong to one run."""

_KEYS: dict[str, Option] = {
    option.name.removeprefix("--"): option
    for option in OPTIONS
    if option.name != FILM and option.field not in NOT_KEPT
}


def config_files(named: Path | None, inputs: Sequence[Path]) -> list[Path]:
    """The files whose settings hold, those that go before others last.

    Args:
        named: The one that the command line names.
        inputs: Films, folders and photographs; a `vidcolor.toml` beside the first holds for all.
    """
    files = []
    if from_variable := os.environ.get(VARIABLE):
        files.append(Path(from_variable))
    if inputs:
        first = inputs[0]
        beside = (first if is_folder(first) else first.parent) / FILE_NAME
        if is_file(beside) and _holds_table(beside):
            files.append(beside)
    return [*files, *([named] if named is not None else [])]


def read_config(path: Path) -> list[str]:
    """The settings of a file as words of a command line.

    Raises:
        SettingError: It cannot be read, is no TOML, or names no option of ours.
    """
    return [word for key, value in _read_table(path).items() for word in _words(path, key, value)]


def read_like(path: Path) -> list[str]:
    """The settings of a film made earlier, by its sidecar, as words of a command line.

    Raises:
        SettingError: It is no sidecar.
    """
    try:
        facts = read_sidecar(path)
    except SourceError as error:
        raise SettingError(str(error)) from error
    words: list[str] = []
    for option in LIKE:
        value: Any = facts
        for name in option.field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        plain = plain_items({"usual": option.usual})["usual"]
        if value is not None and value != plain:
            words += _words(path, option.name, _as_written(option, value))
    return words


def _as_written(option: Option, value: object) -> object:
    """A sidecar's value as a file of settings has it: on or off, or a swatch as one text."""
    if option.is_switch:
        return value != option.usual
    if not option.is_repeated or not isinstance(value, list):
        return value
    sides = ([",".join(f"{number:g}" for number in side) for side in one] for one in value)
    return ["=".join(one) for one in sides]


def _holds_table(path: Path) -> bool:
    """Whether a file that nobody named is meant for this program."""
    try:
        return TABLE in tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return True  # what is wrong with it is told when it is read


def _read_table(path: Path) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror}); check its name") from error
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise SettingError(
            f"{path}: is no TOML ({reason}); write lines as saturation = 0.8"
        ) from error
    table = found.get(TABLE, found)
    if not isinstance(table, dict):
        raise SettingError(f"{path}: {TABLE} is no table; write [{TABLE}] above the settings")
    return table


def _words(path: Path, key: str, value: object) -> Iterator[str]:
    option = _KEYS.get(key.removeprefix("--"))
    if option is None:
        raise SettingError(f"{path}: {key} is no option{suggestion(key, _KEYS)}")
    if option.is_switch:
        if not isinstance(value, bool):
            raise SettingError(f"{path}: {key} is on or off; write true or false")
        yield from [option.name] * value
        return
    values = value if isinstance(value, list) and option.is_repeated else [value]
    for one in values:
        if isinstance(one, bool) or not isinstance(one, str | int | float):
            raise SettingError(
                f"{path}: {key}: the value is not valid; write it as on the command line"
            )
        yield f"{option.name}={one}"


def suggestion(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """What a mistyped word may have meant, as the end of a sentence."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""
