"""The command line read: arguments in, a request out; bad usage ends the program with one line."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from vidcolor.cli.config import LIKE, config_files, read_config, read_like, suggestion
from vidcolor.cli.options import FILM, GENERAL, GROUPS, OFTEN_WANTED, OPTIONS, Option
from vidcolor.cli.parse import number, whole_number
from vidcolor.cli.request import STREAM, Request, filled
from vidcolor.errors import SettingError
from vidcolor.files import PHOTO_SUFFIXES, WRITTEN_SUFFIXES, is_file, is_folder
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.settings import STYLES
from vidcolor.version import __version__

COMMAND_LINE = "command line"

_DESCRIPTION = """\
Colorize black-and-white film and photographs. Only color is added: luma,
sound, subtitles and times stay as they are."""

_EXAMPLES = """\
examples:
  vidcolor film.mp4                   one film: film.colorized.mp4
  vidcolor archive/ -r -o out/        all films of a folder; run again to resume
  vidcolor film.mp4 --preview         a contact sheet, in seconds
  vidcolor photo.jpg                  a photograph: photo.colorized.jpg

--help-all shows all options. Colors are a plausible guess, not history."""

_BY_NAME = {option.name: option for option in OPTIONS}


class Parser(argparse.ArgumentParser):
    """Reports bad usage in one line, without the usage of every option before it.

    Attributes:
        origin: What stands before the fault: the file that it is in.
    """

    origin = ""

    def error(self, message: str) -> NoReturn:
        """Print `message` and exit with 2."""
        unknown = message.removeprefix("unrecognized arguments: ").split()
        if unknown and message.startswith("unrecognized"):
            typed = unknown[0].partition("=")[0]
            message = f"{typed} is no option{suggestion(typed, list(_BY_NAME))}"
        self.exit(2, f"{self.prog}: {self.origin}{message}; see {self.prog} --help\n")


class _HelpAll(argparse.Action):
    """Prints the help of every option and exits."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        make_parser(shows_all=True).print_help()
        parser.exit()


def read_request(arguments: Sequence[str] | None = None) -> Request:
    """What a command line asks for.

    Args:
        arguments: Its words; None for those of this process.

    Raises:
        SystemExit: Help was asked for (0), or the usage is bad (2).
    """
    parser = make_parser()
    given = vars(parser.parse_args(arguments))
    given, origins = _with_style(*_with_files(parser, given))
    given = _without_overruled(given, origins)
    origins = {name: origin for name, origin in origins.items() if name in given}
    for option in OPTIONS:
        _check_company(parser, option, given)
    values = {name: _frozen(value) for name, value in given.items()}
    request = filled(Request(), values | {"origins": origins})
    if not (request.inputs or request.is_report):
        parser.error("name a film to colorize")
    if STREAM in request.inputs and request.output is None:
        parser.error("- needs -o PATH, or -o - for standard output")
    if request.dump is not None and _is_many(request):
        parser.error("--dump takes one film at a time")
    if request.bagit and not _names_folder(request):
        parser.error("--bagit makes a folder of films a bag; name the folder with -o DIR")
    if request.grid and (len(request.inputs) > 1 or _takes_folders(request)):
        parser.error("--grid takes one film or photograph at a time")
    return _with_destination(parser, request)


def _with_files(parser: Parser, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What is given, in files of settings as well, and where each comes from."""
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for path in config_files(given.get("settings_file"), given.get("inputs", ())):
        found = _read_words(parser, path, read_config)
        merged |= found
        origins |= dict.fromkeys(found, str(path))
    if like := given.get("like"):
        found = _read_words(parser, like, read_like)
        taken = {option.field for option in LIKE}
        merged = {name: value for name, value in merged.items() if name not in taken} | found
        origins |= dict.fromkeys(found, str(like))
    merged |= given
    origins |= dict.fromkeys(given, COMMAND_LINE)
    return merged, {name: origin for name, origin in origins.items() if name in merged}


def _read_words(parser: Parser, path: Path, read: Callable[[Path], list[str]]) -> dict[str, Any]:
    """What a file says in place of the command line, by the fields of options."""
    parser.origin = f"{path}: "
    try:
        found = vars(parser.parse_args(read(path)))
    except SettingError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    parser.origin = ""
    found.pop("inputs", None)
    return found


def _with_style(
    given: dict[str, Any], origins: dict[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What is given, with the colors of the style that is, where they are not given themselves."""
    style = given.get("style")
    if style is None:
        return given, origins
    look = {
        f"settings.color.{name}": getattr(STYLES[style], name)
        for name in ("vividness", "saturation")
    }
    return look | given, dict.fromkeys(look, f"--style {style}") | origins


def _without_overruled(given: Mapping[str, Any], origins: Mapping[str, str]) -> dict[str, Any]:
    """What is given, but what files say that the command line excludes."""
    overruled = set()
    for option in OPTIONS:
        for other in option.excludes:
            pair = {option.field, _BY_NAME[other.partition(" ")[0]].field}
            typed = {name for name in pair if origins.get(name) == COMMAND_LINE}
            if len(typed) == 1:
                overruled |= pair - typed
    return {
        name: value
        for name, value in given.items()
        if name not in overruled or origins[name] == COMMAND_LINE
    }


def make_parser(*, shows_all: bool = False) -> Parser:
    """The parser of all options; what is not given is absent from its namespace.

    Args:
        shows_all: Show every option in the help, not only those that are often wanted.
    """
    parser = Parser(
        prog="vidcolor",
        usage="vidcolor [options] FILM ...",
        description=_DESCRIPTION,
        epilog="Colors are a plausible guess, not history." if shows_all else _EXAMPLES,
        formatter_class=argparse.HelpFormatter
        if shows_all
        else argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--help-all", action=_HelpAll, nargs=0, default=argparse.SUPPRESS,
        help="show all options and exit",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"vidcolor {__version__}")
    for title in GROUPS:
        is_apart = shows_all and title != GENERAL
        group = parser.add_argument_group(title) if is_apart else parser
        for option in OPTIONS:
            if option.group == title:
                is_hidden = not shows_all and option.name not in OFTEN_WANTED
                _add_option(group, option, is_hidden=is_hidden)
    return parser


def _add_option(group: argparse._ActionsContainer, option: Option, *, is_hidden: bool) -> None:
    text = option.help_text().replace("%", "%%")
    common: dict[str, Any] = {
        "default": argparse.SUPPRESS,
        "help": argparse.SUPPRESS if is_hidden else text,
    }
    if option.name == FILM:
        group.add_argument(option.field, nargs="*", type=Path, metavar=option.metavar, **common)
        return
    rule = option.rule
    if option.is_switch:
        common |= {"action": "store_const", "const": not option.usual}
    elif rule.choices and option.parse is None:
        common |= {"choices": rule.choices}
    else:
        common |= {"type": parse_of(option), "metavar": option.metavar}
        if option.is_repeated:
            common["action"] = "append"
    names = [option.short, option.name] if option.short else [option.name]
    group.add_argument(*names, dest=option.field, **common)


def parse_of(option: Option) -> Any:
    """What makes a value of an option's text, raising if it is none."""
    limits = option.rule.limits
    if option.parse is not None or limits is None:
        return option.parse or str
    parse = whole_number if option.rule.kind is int else number
    return parse(limits.least, limits.most)


def _check_company(parser: Parser, option: Option, given: Mapping[str, object]) -> None:
    """End with bad usage if an option lacks one that it needs, or has one that it excludes."""
    if option.field not in given:
        return
    for other in option.needs:
        name, _, value = other.partition(" ")
        needed = _BY_NAME[name]
        found = given.get(needed.field)
        if found is None or (value and found != value):
            word = "" if value or not needed.metavar else f" {needed.metavar}"
            parser.error(f"{option.name} needs {other}{word}")
    for other in option.excludes:
        name, _, value = other.partition(" ")
        excluded = _BY_NAME[name]
        found = given.get(excluded.field, excluded.usual)
        if found == value if value else found not in (excluded.usual, []):
            parser.error(f"{option.name} and {other} cannot be combined; leave one out")


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _with_destination(parser: Parser, request: Request) -> Request:
    """The request with the output file or the output folder that `-o` names; one at most."""
    output = request.output
    if output is None:
        return request
    path = Path(output)
    if path == STREAM:
        if _is_many(request):
            parser.error("-o - holds one film; for several name a folder")
        return replace(request, film_path=path)
    many = len(request.inputs) > 1 or (_takes_folders(request) and not _is_film(path))
    if not (request.bagit or many or is_folder(path) or output.endswith(("/", "\\"))):
        return replace(request, film_path=path)
    if SequenceNames.parse(path) is not None:
        parser.error(f"-o {output}: holds one film; for several name a folder, and --codec")
    if is_file(path):
        parser.error(f"-o {output}: is a file; for several films name a folder")
    is_named = path.suffix.lower() in {*WRITTEN_SUFFIXES, *PHOTO_SUFFIXES} and not is_folder(path)
    if many and is_named and not output.endswith(("/", "\\")):
        parser.error(f"-o {output}: is the name of one file; for several inputs name a folder")
    return replace(request, folder=path)


def _is_film(output: Path) -> bool:
    """Whether a -o names a film, in a file or an image sequence, unless a folder has that name."""
    return output.suffix.lower() in WRITTEN_SUFFIXES or SequenceNames.parse(output) is not None


def _names_folder(request: Request) -> bool:
    output = None if request.output is None else Path(request.output)
    return output is not None and (not _is_film(output) or is_folder(output))


def _is_many(request: Request) -> bool:
    return len(request.inputs) > 1 or _takes_folders(request)


def _takes_folders(request: Request) -> bool:
    return any(is_folder(path) for path in request.inputs)
