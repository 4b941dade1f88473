"""What is done before torch is loaded, which takes seconds: outputs are checked, a line is shown.

Standard library only. What can be told only with the film open is checked when it is planned.
"""

import sys
from pathlib import Path

from vidcolor.cli.command_line import COMMAND_LINE
from vidcolor.cli.output import warn
from vidcolor.cli.request import STREAM, Request
from vidcolor.errors import OutputError
from vidcolor.files import check_folder, check_target, work_path, write_error
from vidcolor.reading.sequence_names import SequenceNames


def output_faults(request: Request) -> list[str]:
    """Why nothing can be written where `-o` says, a line each; empty if it can."""
    try:
        if request.film_path is not None:
            _check_file(request.film_path, request)
        if request.folder is not None:
            check_folder(request.folder, folder_comes=True)
    except OutputError as error:
        return [str(error)]
    except OSError as error:  # a folder on the way may not be searched
        place = request.film_path or request.folder or Path()
        return [str(write_error(place, error))]
    return []


def _check_file(target: Path, request: Request) -> None:
    if target == STREAM:
        return
    if SequenceNames.parse(target) is not None or work_path(target).exists():
        return  # theirs is a folder that appears; a film that is whole may lack its last files
    overwrite = request.settings.output.overwrite
    check_target(target, request.inputs[0], overwrite=overwrite)


def announce(request: Request) -> None:
    """Say which files options come from, and on a terminal that the work begins."""
    if request.quiet:
        return
    for origin in sorted(set(request.origins.values()) - {COMMAND_LINE}):
        if not origin.startswith("--"):  # a style was typed
            warn(f"options are taken from {origin}")
    if not sys.stderr.isatty():
        return
    first, *others = request.inputs
    more = f" and {len(others)} more" if others else ""
    warn(f"{first}{more}: starting")
