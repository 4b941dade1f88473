"""What a setting may hold, read from the annotation of its field. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real
from os import PathLike
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from vidcolor.errors import SettingError


@dataclass(frozen=True, slots=True)
class Between:
    """The range of a number; both ends are allowed."""

    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.least:.9g} to {self.most:.9g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a field of a settings class may hold.

    Attributes:
        kind: Its type, if it is not one of a few words alone.
        limits: Its range; None for no limits.
        choices: The words that it may be.
        is_optional: Whether it may be None.
    """

    kind: type | None = None
    limits: Between | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False

    def __str__(self) -> str:
        words = (*(() if self.limits is None else (str(self.limits),)), *self.choices)
        if not words and self.kind is not None:
            return _KINDS.get(self.kind, f"a {self.kind.__name__}")
        return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)

    def allows(self, value: object) -> bool:
        """Whether a value is one of the choices, or of the kind and inside the range."""
        if (value is None and self.is_optional) or value in self.choices:
            return True
        if self.kind is None or not _is_of(value, self.kind):
            return False
        limits = self.limits
        return limits is None or limits.least <= value <= limits.most  # type: ignore[operator]


_KINDS = {bool: "True or False", str: "a text"}


def _is_of(value: object, kind: type) -> bool:
    """Whether a value may stand where one of a type is expected: whole numbers for numbers."""
    if kind in {int, float, Fraction}:
        wanted = Integral if kind is int else Real
        return isinstance(value, wanted) and not isinstance(value, bool)
    return isinstance(value, str | PathLike if kind is str else kind)


def rules_of(settings: type) -> dict[str, Rule]:
    """The rule of each field of a dataclass, read from its annotations once."""
    if settings not in _RULES:
        hints = get_type_hints(settings, include_extras=True)
        _RULES[settings] = {name: _read_rule(hint) for name, hint in hints.items()}
    return _RULES[settings]


_RULES: dict[type, dict[str, Rule]] = {}


def _read_rule(hint: Any) -> Rule:
    kind: type | None = None
    limits, is_optional, choices = None, False, ()
    for part in _union_parts(hint):
        if part is NoneType:
            is_optional = True
        elif get_origin(part) is Literal:
            choices = get_args(part)
        elif get_origin(part) is Annotated:
            kind, limits = get_args(part)
        else:
            kind = get_origin(part) or part
    return Rule(kind=kind, limits=limits, choices=choices, is_optional=is_optional)


def _union_parts(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            yield from _union_parts(part)
    else:
        yield hint


class Checked:
    """Settings that refuse a value out of range, wherever they are made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, rule in rules_of(type(self)).items():
            value = getattr(self, name)
            if not rule.allows(value):
                raise SettingError(f"{name}: {value!r} is not allowed; choose {rule}")
