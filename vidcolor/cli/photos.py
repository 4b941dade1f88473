"""What the program does with photographs."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from vidcolor.cli.output import MANY, say, warn
from vidcolor.photos.find import FoundPhoto
from vidcolor.settings import Settings

if TYPE_CHECKING:  # the command line must not wait for torch before it can help
    from vidcolor.photos.colorize import Photo, PhotoResult


def colorize_photographs(
    options: argparse.Namespace,
    found: Sequence[FoundPhoto],
    output: Path | None,
    folder: Path | None,
    settings: Settings,
) -> list[str]:
    """Colorize photographs, telling of each; gives what failed, a line each."""
    from vidcolor.models.zoo import find_model
    from vidcolor.photos.colorize import colorize_photos

    photos = [_photo(one, output, folder) for one in found]
    model = find_model(settings.model)
    if options.dry_run:
        for photo in photos:
            say(f"{photo.path}: would become {photo.target}, by {model.name} on {model.device}")
        return []
    failed = []
    hidden = True if options.quiet or len(photos) < MANY else None
    with tqdm(
        total=len(photos), desc="photographs", unit=" photographs", disable=hidden,
        dynamic_ncols=True, leave=False,
    ) as bar:  # fmt: skip
        for result in colorize_photos(photos, model, settings):
            _tell(result, quiet=options.quiet)
            bar.update()
            if result.error is not None:
                failed.append(str(result.error))
    return failed


def _photo(found: FoundPhoto, output: Path | None, folder: Path | None) -> "Photo":
    from vidcolor.photos.colorize import Photo, photo_target

    if output is not None:
        return Photo(found.path, output)
    place = None if folder is None else folder / found.subfolder
    return Photo(found.path, photo_target(found.path, place), folder_comes=folder is not None)


def _tell(result: "PhotoResult", *, quiet: bool) -> None:
    """One line of how a photograph ended, and one for each thing that is left out."""
    if result.error is not None:
        warn(str(result.error))
        return
    for note in result.notes:
        warn(f"{result.source}: {note}")
    if quiet:
        return
    if result.state == "already done":
        say(f"{result.source}: is done already: {result.path}")
        return
    say(f"{result.path}: {result.width}x{result.height}")
