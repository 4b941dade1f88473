"""Colorize photographs; each is reported as it ends."""

from collections.abc import Sequence

from tqdm import tqdm

from vidcolor.cli.command_line import COMMAND_LINE
from vidcolor.cli.options import CHECKS, ENCODING, OPTIONS, PART, SEQUENCES
from vidcolor.cli.output import MANY, say, warn
from vidcolor.cli.request import Request
from vidcolor.errors import OutputError
from vidcolor.models.zoo import find_model
from vidcolor.photos.colorize import Photo, PhotoResult, colorize_photos, photo_target
from vidcolor.photos.find import FoundPhoto

DONE, FAILED = 0, 1

OF_FILMS = (SEQUENCES, PART, ENCODING, CHECKS)
"""Groups of options that do nothing to photographs."""


def colorize_photographs(request: Request, found: Sequence[FoundPhoto]) -> int:
    """Colorize photographs and report each; the exit code.

    Args:
        request: What the command line asks for.
        found: The photographs among its inputs.

    Raises:
        OutputError: What is asked for is not for photographs.
    """
    _refuse_film_options(request, found)
    if not request.quiet:
        _warn_of_no_effect(request, found)
    photos = [_plan(request, one) for one in found]
    if request.dry_run:
        for photo in photos:
            say(f"{photo.path}: would become {photo.target}")
        return DONE
    model = find_model(request.settings.model)
    failed = []
    with _bar(len(photos), quiet=request.quiet) as bar:
        for result in colorize_photos(photos, model, request.settings):
            _print_result(result, quiet=request.quiet)
            bar.update()
            if result.error is not None:
                failed.append(str(result.error))
    if failed and len(photos) >= MANY and not request.quiet:
        warn(f"{len(failed)} of {len(photos)} photographs failed:")
        for error in failed:
            warn(f"  {error}")
    return FAILED if failed else DONE


def _refuse_film_options(request: Request, found: Sequence[FoundPhoto]) -> None:
    first = found[0].path
    for name, is_given in (("--bagit", request.bagit), ("--engine ray", request.engine == "ray")):
        if is_given:
            raise OutputError(f"{first}: is a photograph, and {name} is for films; leave it out")
    if request.film_path is not None and len(found) > 1:
        raise OutputError(f"{request.film_path}: holds one photograph; for several name a folder")


def _warn_of_no_effect(request: Request, found: Sequence[FoundPhoto]) -> None:
    """Say which options of the command line are for films, if no films are named."""
    if len(found) < len(request.inputs):
        return
    names = [
        option.name
        for option in OPTIONS
        if request.origins.get(option.field) == COMMAND_LINE
        and (option.group in OF_FILMS or option.field.startswith("settings.temporal."))
    ]
    if names:
        warn(f"{', '.join(names)}: no effect on photographs, which have no time and no codec")


def _plan(request: Request, found: FoundPhoto) -> Photo:
    """What a photograph becomes."""
    if request.film_path is not None:
        return Photo(found.path, request.film_path)
    place = None if request.folder is None else request.folder / found.subfolder
    return Photo(found.path, photo_target(found.path, place), folder_comes=place is not None)


def _bar(count: int, *, quiet: bool) -> "tqdm[None]":
    """A progress bar; hidden for one photograph, or where nobody watches."""
    hidden = True if quiet or count < MANY else None
    return tqdm(
        total=count, desc="photographs", unit=" photographs", disable=hidden, dynamic_ncols=True,
        leave=False,
    )  # fmt: skip


def _print_result(result: PhotoResult, *, quiet: bool) -> None:
    """One line of how a photograph ended, and one for each thing that is left out."""
    if result.error is not None:
        warn(str(result.error))
        return
    for note in result.notes:
        warn(f"{result.source}: {note}")
    if not quiet:
        is_made = result.state == "done"
        size = f"{result.path}: {result.width}x{result.height}"
        say(size if is_made else f"{result.source}: is done already: {result.path}")
