"""`--list-shots` and `--script-new`: the shots of films, by a pass over luma alone."""

from collections.abc import Iterable
from pathlib import Path

from vidcolor.cli.output import say, warn
from vidcolor.cli.request import Request
from vidcolor.directing.new_script import new_script
from vidcolor.directing.read_script import SUFFIX
from vidcolor.directing.shot_list import (
    EDL_SUFFIX,
    Clock,
    ListedShot,
    clock_of,
    csv_text,
    edl_text,
    list_shots,
    table_text,
)
from vidcolor.errors import OutputError, VidcolorError
from vidcolor.files import make_folder, write_whole
from vidcolor.film.source_digest import digest_source
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source, probe
from vidcolor.reading.survey import survey
from vidcolor.reels.find import Reel, find_reels
from vidcolor.words import counted

DONE, FAILED = 0, 1


def show_shots(request: Request) -> int:
    """List the shots of each film, or write a color script for it; the exit code."""
    failed = False
    for reel in find_reels(request.inputs, recursive=request.recursive):
        try:
            if not isinstance(reel, Reel):
                raise reel
            _show(request, reel)
        except VidcolorError as error:
            warn(str(error))
            failed = True
    return FAILED if failed else DONE


def _show(request: Request, reel: Reel) -> None:
    source = survey(
        probe(reel.path, request.settings.input, memory_limit=request.settings.memory_limit)
    )
    clock = clock_of(source)
    target = _target(request, reel, source)
    if target is not None and target.exists() and not request.settings.output.overwrite:
        raise OutputError(f"{target}: exists already. Use --overwrite or another -o.")
    shots = list(list_shots(read_frames(source, Damage()), source))
    if target is None:
        say(f"{reel.path}: {counted(len(shots), 'shot')}", *table_text(shots, clock).splitlines())
        return
    make_folder(target.parent)
    write_whole(target, _text(request, source, shots, clock, target).encode())
    if not request.quiet:
        say(f"{target}: {counted(len(shots), 'shot')}")


def _text(
    request: Request, source: Source, shots: Iterable[ListedShot], clock: Clock, target: Path
) -> str:
    """What is written of a film's shots."""
    if request.script_new:
        sha256 = digest_source(source.files, source.access).sha256
        return new_script(shots, clock, source.path.name, sha256)
    if target.suffix.lower() == EDL_SUFFIX:
        return edl_text(shots, clock, source.path.name)
    return csv_text(shots, clock)


def _target(request: Request, reel: Reel, source: Source) -> Path | None:
    """The file that is written; None for a list on the terminal."""
    if request.film_path is not None:
        return request.film_path
    folder = None if request.folder is None else request.folder / reel.subfolder
    if request.script_new:
        return (folder or source.title.parent) / f"{source.title.stem}{SUFFIX}"
    return None if folder is None else folder / f"{source.title.stem}.shots.csv"
