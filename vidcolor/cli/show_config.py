"""`--show-config`: the options in effect, as a file that gives them again."""

import json
from operator import attrgetter

from vidcolor.cli.config import NOT_KEPT
from vidcolor.cli.options import FILM, OPTIONS, Option
from vidcolor.cli.output import say
from vidcolor.cli.request import Request


def print_config(request: Request) -> int:
    """Print each option that has a value, with where it comes from; the exit code."""
    lines = ["[vidcolor]"]
    for option in OPTIONS:
        if option.name == FILM or option.field in NOT_KEPT:
            continue
        value = attrgetter(option.field)(request)
        line = f"{option.name.removeprefix('--')} = {_written(option, value)}"
        if option.field in request.origins:
            lines.append(f"{line}  # {request.origins[option.field]}")
        elif value is not None and value != ():
            lines.append(f"# {line}  # default")
    say(*lines)
    return 0


def _written(option: Option, value: object) -> str:
    """A value as TOML has it; JSON's texts and numbers are TOML's too."""
    if option.is_switch:
        return json.dumps(value != option.usual)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, tuple) and not option.is_repeated:
        return json.dumps(",".join(map(str, value)))
    if isinstance(value, tuple):
        return json.dumps([str(one) for one in value])
    return json.dumps(str(value), ensure_ascii=False)
