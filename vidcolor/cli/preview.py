"""`--preview` and `--grid`: what films will look like, before any is made."""

from argparse import ArgumentTypeError
from itertools import product
from time import perf_counter

from vidcolor.cli.command_line import parse_of
from vidcolor.cli.options import OPTIONS, Option
from vidcolor.cli.output import say, warn
from vidcolor.cli.request import Request, filled
from vidcolor.errors import SettingError, VidcolorError
from vidcolor.files import make_folder
from vidcolor.models.zoo import Model, find_model
from vidcolor.photos.find import is_photo
from vidcolor.preview.preview import PreviewResult, preview_settings, preview_video
from vidcolor.reels.find import Reel, UnfoundError, find_reels
from vidcolor.settings import Settings
from vidcolor.words import counted

DONE, FAILED, BAD_USAGE = 0, 1, 2

TRIED = ("settings.color.", "settings.model.", "settings.refine.")
"""Where settings stand that a grid can show: they change a single frame."""

Variant = tuple[str, dict[str, object]]


def preview(request: Request) -> int:
    """Write a sheet of each film, or a grid of one, and report each; the exit code."""
    if not request.grid:
        return _write_sheets(request)
    try:
        axes = [_read_axis(text) for text in request.grid]
    except SettingError as error:
        warn(str(error))
        return BAD_USAGE
    return _write_grid(request, axes)


def _write_sheets(request: Request) -> int:
    photos = [path for path in request.inputs if is_photo(path)]
    for path in photos:
        warn(f"{path}: is a photograph; --preview is for films, --grid for both")
    films = [path for path in request.inputs if path not in photos]
    found = find_reels(films, recursive=request.recursive)
    model = find_model(request.settings.model) if found else None
    failed = len(photos)
    for reel in found:
        began = perf_counter()
        try:
            result = _write_sheet(request, reel, model)
        except VidcolorError as error:
            warn(str(error))
            failed += 1
            continue
        if not request.quiet:
            doubtful = f", {result.doubtful} worth a look" if result.doubtful else ""
            seconds = perf_counter() - began
            say(f"{result.path}: {counted(result.frames, 'frame')}{doubtful}, {seconds:.1f} s")
    return FAILED if failed else DONE


def _write_sheet(request: Request, reel: Reel | UnfoundError, model: Model | None) -> PreviewResult:
    if isinstance(reel, UnfoundError):
        raise reel
    output = request.film_path
    if request.folder is not None:
        output = request.folder / reel.subfolder / f"{reel.path.stem}.preview.jpg"
        make_folder(output.parent)
    return preview_video(reel.path, output, request.settings, model=model)


def _write_grid(request: Request, axes: list[list[Variant]]) -> int:
    """One frame under all that some axes combine to."""
    variants: dict[str, Settings] = {}
    for chosen in product(*reversed(axes)):  # the first axis runs along the rows
        values = {name: value for _, fields in chosen for name, value in fields.items()}
        label = ", ".join(text for text, _ in reversed(chosen))
        variants[label] = filled(request, values).settings
    columns = len(axes[0]) if len(axes) > 1 else None
    output = request.film_path
    if request.folder is not None:
        output = request.folder / f"{request.inputs[0].stem}.grid.jpg"
        make_folder(request.folder)
    result = preview_settings(request.inputs[0], variants, output, columns=columns)
    if not request.quiet:
        say(f"{result.path}: {result.frames} settings")
    return DONE


def _read_axis(text: str) -> list[Variant]:
    """The labels and fields of a text such as `saturation=0.6,1,1.4`.

    Raises:
        SettingError: It is no such text.
    """
    name, _, values = text.partition("=")
    option = _option(name.removeprefix("--"), text)
    variants: list[Variant] = []
    for value in values.split(","):
        try:
            parsed = _parse(option, value)
        except (ValueError, ArgumentTypeError) as error:
            raise SettingError(f"--grid {text}: {error}") from error
        variants.append((f"{option.name.removeprefix('--')} {value}", {option.field: parsed}))
    return variants


def _option(name: str, text: str) -> Option:
    known = {
        option.name.removeprefix("--"): option
        for option in OPTIONS
        if option.field.startswith(TRIED) and not option.is_switch and not option.is_repeated
    }
    if name not in known or "=" not in text:
        raise SettingError(
            f"--grid {text}: write NAME=A,B,C; NAME is one of {', '.join(sorted(known))}"
        )
    return known[name]


def _parse(option: Option, value: str) -> object:
    choices = option.rule.choices
    if choices and option.parse is None and value not in choices:
        raise ValueError(f"{value!r} is none of {', '.join(choices)}")
    return value if choices and option.parse is None else parse_of(option)(value)
