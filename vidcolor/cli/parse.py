"""Numbers of the command line; what cannot be read is bad usage."""

import argparse
import re
from collections.abc import Callable
from math import nan
from typing import Literal, TypeVar

from vidcolor.timecode import Timecode

T = TypeVar("T")


def parse_timecode(text: str) -> str:
    """The text of a timecode.

    Raises:
        ValueError: It is none.
    """
    if Timecode.parse(text) is None:
        raise ValueError(f"{text!r} is not a timecode; write HH:MM:SS:FF, or HH:MM:SS;FF")
    return text


_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """A number of bytes, such as 4G.

    Raises:
        ValueError: It is none.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a size; write 4G, 800M or a number of bytes")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def as_usage_error(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse`, with its ValueError as bad usage."""

    def parse_or_refuse(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_or_refuse


def parse_spot(text: str) -> tuple[str, tuple[float, float]]:
    """The frame and the point of `1734@0.41,0.32`; a point in fractions of the frame."""
    frame, at, point = text.partition("@")
    parts = point.split(",")
    try:
        x, y = map(float, parts)
    except ValueError:
        x = y = nan
    if not frame.strip() or not at or not (0 <= x <= 1 and 0 <= y <= 1):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no place; write FRAME@X,Y with fractions of the frame from 0 to 1"
        )
    return frame.strip(), (x, y)


def number(least: float, most: float) -> Callable[[str], float]:
    """A parser of numbers from `least` to `most`."""

    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = nan
        if not least <= found <= most:
            limits = f"{least:.9g} to {most:.9g}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {limits}")
        return found

    return parse


def parse_every(text: str) -> int | Literal["auto"]:
    """A whole number from 1 to 100, or `auto`."""
    return "auto" if text == "auto" else whole_number(1, 100)(text)


def whole_number(least: float, most: float) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""
    parse_number = number(least, most)

    def parse(text: str) -> int:
        found = parse_number(text)
        if not found.is_integer():
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
        return int(found)

    return parse
