"""What a setting may hold, read from the annotation of its field. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass
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
        return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)

    def allows(self, value: object) -> bool:
        """Whether a value is one of the choices or inside the range, if there are any."""
        if (value is None and self.is_optional) or value in self.choices:
            return True
        if self.limits is None:
            return not self.choices
        return isinstance(value, int | float) and self.limits.least <= value <= self.limits.most


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
