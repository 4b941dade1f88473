"""What the studio's page sends, checked: numbers, places, shapes, names of settings."""

import json
import math
from collections.abc import Mapping
from typing import Any

from vidcolor.errors import SettingError
from vidcolor.studio.script_file import Shape, Shots, text_of
from vidcolor.web.server import Request

MOST_POINTS = 500
"""Of a stroke."""

DECIMALS = 4
"""Of places in a script: a ten-thousandth of a frame is less than a pixel."""

_LENGTHS = {"at": 2, "box": 4}


def object_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request has as its body."""
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise SettingError("the request is no JSON") from error
    if not isinstance(given, dict):
        raise SettingError("the request is no object")
    return given


def number_of(query: Mapping[str, str], name: str, missing: int) -> int:
    """A whole number of an address."""
    text = query.get(name, str(missing))
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004
        raise SettingError(f"{name}: {text!r} is no number")
    return int(text)


def share_of(query: Mapping[str, str], name: str) -> float:
    """A fraction of an address, in [0, 1]."""
    try:
        value = float(query.get(name, ""))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise SettingError(f"{name}: give a fraction of the picture, from 0 to 1")
    return value


def shots_of(given: object, what: str = "shots", least: int = 1) -> Shots | None:
    """First and last shot, counted from 1, or frame, from 0; None if none are given."""
    if given is None:
        return None
    match given:
        case [int(first), int(last)] if least <= first <= last < 10**9:
            return first, last
    raise SettingError(f"{what}: give the first and the last, counted from {least}")


def reference_place(query: Mapping[str, str]) -> dict[str, object]:
    """Where a reference holds, as the script says it; see `ScriptFile.add_reference`."""
    if "frame" in query:
        return {"frame": number_of(query, "frame", 0)}
    if "frames" in query:
        first, _, last = query["frames"].partition("-")
        ends = number_of({"frames": first}, "frames", 0), number_of({"frames": last}, "frames", 0)
        return {"frames": text_of([shots_of(list(ends), "frames", 0) or ends])}
    if "first" in query:
        first_shot = number_of(query, "first", 1)
        shots = shots_of([first_shot, number_of(query, "last", first_shot)])
        return {"shots": text_of([shots or (1, 1)])}
    return {}


def shape_of(given: Mapping[str, object]) -> Shape:
    """Where a hint is: `at`, `stroke` or `box`; see `vidcolor.directing.script.Hint`."""
    for name, length in _LENGTHS.items():
        if name in given:
            return name, _numbers(name, given[name], length)
    stroke = given.get("stroke")
    if isinstance(stroke, list) and len(stroke) <= MOST_POINTS:
        return "stroke", [_numbers("stroke", point, _LENGTHS["at"]) for point in stroke]
    raise SettingError(f"hint: give a place, or a stroke of at most {MOST_POINTS} points")


def _numbers(name: str, given: object, length: int) -> list[float]:
    if not isinstance(given, list) or len(given) != length:
        raise SettingError(f"{name}: give {length} numbers")
    if not all(isinstance(one, int | float) and 0 <= one <= 1 for one in given):
        raise SettingError(f"{name}: lies outside the frame")
    return [round(float(one), DECIMALS) for one in given]
