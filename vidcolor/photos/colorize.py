"""Photographs in color: planned, colored in batches, written whole or not at all."""

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from vidcolor.directing.direction import Direction, direct
from vidcolor.directing.placed import FilmFacts
from vidcolor.directing.script import ColorScript
from vidcolor.errors import AlreadyColorError, OutputError, VidcolorError
from vidcolor.files import check_target, make_folder, write_whole
from vidcolor.film.matching import find_matches
from vidcolor.film.provenance import versions
from vidcolor.film.still import color_still
from vidcolor.frame import Colored, Frame, Numbered
from vidcolor.models.zoo import Model, find_model, suited
from vidcolor.photos.find import MADE
from vidcolor.photos.photograph import KINDS, Photograph
from vidcolor.photos.read import read_photograph
from vidcolor.photos.statement import Statement
from vidcolor.photos.write import Target, encode, fit_target
from vidcolor.pipeline.run import colorize_stills
from vidcolor.report.sidecar import plain_items
from vidcolor.settings import Settings
from vidcolor.shot import Shot
from vidcolor.version import __version__

PIXELS_AT_ONCE = 50_000_000
"""Of the photographs that are in memory together, unless one alone has more."""

PhotoState = Literal["done", "already done", "failed"]


class Photo(NamedTuple):
    """A photograph to be colorized.

    Attributes:
        path: Its file.
        target: The file that it becomes.
        folder_comes: Whether a missing folder of it is made.
    """

    path: Path
    target: Path
    folder_comes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoResult:
    """How one photograph ended.

    Attributes:
        source: Its file.
        path: The file that it became, or would have.
        state: Whether that is there, made by this run or an earlier one.
        width: Pixels a row; 0 if it was not made.
        height: Rows.
        notes: What of the source the file cannot hold.
        error: Why it failed; None if it did not.
    """

    source: Path
    path: Path
    state: PhotoState = "done"
    width: int = 0
    height: int = 0
    notes: Sequence[str] = ()
    error: VidcolorError | None = None


class _Read(NamedTuple):
    """A photograph on its way."""

    photo: Photo
    target: Target
    frame: Frame
    statement: Statement
    direction: Direction


def photo_target(source: Path, folder: Path | None = None) -> Path:
    """Where a photograph in color goes: photo.colorized.jpg for photo.jpg."""
    return (folder or source.parent) / f"{source.stem}{MADE}{source.suffix}"


def colorize_photo(
    source: str | Path,
    output: str | Path | None = None,
    settings: Settings | None = None,
    *,
    model: Model | None = None,
    script: ColorScript | None = None,
) -> PhotoResult:
    """Colorize one photograph.

    PNG, TIFF and lossless WebP have the luma of the source, code for code; a JPEG is compressed
    once more, with its own table for luma. Size, orientation, color profile, Exif, XMP and what
    else the file holds are kept, and it says that its color is synthetic.

    Args:
        source: A black-and-white JPEG, PNG, TIFF or WebP.
        output: The file in color; its suffix says of which kind. None for `photo.colorized.*`.
        settings: All settings; None for the defaults. Those of film alone have no effect.
        model: What predicts, loaded before; None to load the settings' one.
        script: What is known of its colors; the photograph is frame 0 of shot 1.

    Raises:
        VidcolorError: It cannot be colorized; nothing is left under the output's name.
    """
    settings = settings or Settings()
    path = Path(source)
    photo = Photo(path, photo_target(path) if output is None else Path(output))
    check_kind(photo)
    check_target(photo.target, path, overwrite=settings.output.overwrite)
    results = colorize_photos([photo], model or find_model(settings.model), settings, script)
    result = next(results)
    if result.error is not None:
        raise result.error
    return result


def check_kind(photo: Photo) -> None:
    """Raise if the name of a photograph in color is of no kind that is written.

    Raises:
        OutputError: It is not.
    """
    if photo.target.suffix.lower() not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise OutputError(
            f"{photo.target}: is not a name for a photograph; end it with one of {known}"
        )


def colorize_photos(
    photos: Iterable[Photo], model: Model, settings: Settings, script: ColorScript | None = None
) -> Generator[PhotoResult, None, None]:
    """Colorize photographs, and yield how each ended; one that fails does not stop the others.

    A file that was made before, of the same photograph with the same settings, is left as it is.
    As many are in memory at once as have `PIXELS_AT_ONCE`.

    Args:
        photos: What to colorize, into what.
        model: What predicts.
        settings: All settings.
        script: What is known of their colors; each is frame 0 of shot 1.
    """
    settings = suited(settings, model)
    waiting: list[_Read] = []
    pixels = 0
    taken: dict[Path, Path] = {}
    for photo in photos:
        found = _plan(photo, model, settings, taken, script)
        if isinstance(found, PhotoResult):
            yield found
            continue
        size = found.frame.luma.size
        if waiting and pixels + size > PIXELS_AT_ONCE:
            yield from _finish(waiting, model, settings)
            waiting, pixels = [], 0
        waiting.append(found)
        pixels += size
    yield from _finish(waiting, model, settings)


def _plan(
    photo: Photo,
    model: Model,
    settings: Settings,
    taken: dict[Path, Path],
    script: ColorScript | None,
) -> _Read | PhotoResult:
    """A photograph that was read, or why it will not be colorized."""
    try:
        return _read(photo, model, settings, taken, script)
    except VidcolorError as error:
        return PhotoResult(source=photo.path, path=photo.target, state="failed", error=error)


def _read(
    photo: Photo,
    model: Model,
    settings: Settings,
    taken: dict[Path, Path],
    script: ColorScript | None,
) -> _Read | PhotoResult:
    check_kind(photo)
    earlier = taken.setdefault(photo.target.absolute(), photo.path)
    if earlier != photo.path:
        raise OutputError(
            f"{photo.path}: its output {photo.target} is also the output of {earlier}; "
            "colorize them into different folders"
        )
    photograph = read_photograph(photo.path, settings.memory_limit)
    if photograph.is_color and not settings.force:
        raise AlreadyColorError(
            f"{photo.path}: is in color already; --force keeps its luma and replaces its colors"
        )
    direction = direct(script, photo_facts(photograph), settings.model)
    statement = make_statement(photograph.sha256, model, settings, direction.identity)
    if _is_made(photo.target, statement) and not settings.output.overwrite:
        return PhotoResult(source=photo.path, path=photo.target, state="already done")
    check_target(
        photo.target,
        photo.path,
        overwrite=settings.output.overwrite,
        folder_comes=photo.folder_comes,
    )
    target = fit_target(photograph, KINDS[photo.target.suffix.lower()])
    frame = Frame(
        index=0,
        luma=target.photograph.luma,
        pts=0,
        duration=0,
        time_base=Fraction(1),
        picture=target.photograph.format(target.log2_subsampling),
    )
    return _Read(photo, target, frame, statement, direction)


def photo_facts(photograph: Photograph) -> FilmFacts:
    """What must be known of a photograph to place a color script on it."""
    return FilmFacts(photograph.path.name, Fraction(1), picture=photograph.format(0))


def make_statement(
    digest: str, model: Model, settings: Settings, directed: str | None = None
) -> Statement:
    """What a photograph in color says of itself.

    Args:
        digest: SHA-256 of the source.
        model: What predicted.
        settings: All settings.
        directed: What tells a color script from others; None for none.
    """
    color = settings.color
    decisive = {
        **versions(),
        "weights": model.sha256,
        "device": str(model.device),
        "settings": plain_items(
            {
                "model": asdict(settings.model),
                "color": asdict(color),
                "refine": asdict(settings.refine),
            }
        ),
    }
    if directed is not None:
        decisive["color_script"] = directed
    made_with = sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    text = (
        f"synthetic color, made by vidcolor {__version__}, "
        f"model {Path(model.name).name} {model.sha256[:12]}, vividness {color.vividness:g}, "
        f"saturation {color.saturation:g}, settings {made_with[:12]}, source SHA-256 {digest}"
    )
    return Statement(text, __version__)


def _is_made(target: Path, statement: Statement) -> bool:
    """Whether a file was made with the same statement before: it got its name when it was whole."""
    try:
        return target.is_file() and statement.is_in(target.read_bytes())
    except OSError:
        return False


def _colored(
    waiting: Sequence[_Read], model: Model, settings: Settings
) -> Generator[Colored, None, None]:
    if not any(one.direction.script for one in waiting):
        yield from colorize_stills([one.frame for one in waiting], model, settings)
        return
    match_of = find_matches(model)  # a reference of several photographs is prepared once
    for one in waiting:
        yield color_still(
            Numbered(one.frame, Shot(0, None), None), model, settings, one.direction, match_of
        )


def _finish(waiting: Sequence[_Read], model: Model, settings: Settings) -> Iterator[PhotoResult]:
    """Color and write some photographs that were read."""
    colored = _colored(waiting, model, settings)
    for number, read in enumerate(waiting):
        photo, (height, width) = read.photo, read.frame.luma.shape
        try:
            one = next(colored)
        except VidcolorError as error:
            yield PhotoResult(source=photo.path, path=photo.target, state="failed", error=error)
            yield from _finish(waiting[number + 1 :], model, settings)
            return
        found = PhotoResult(
            source=photo.path,
            path=photo.target,
            width=width,
            height=height,
            notes=read.target.notes,
        )
        try:
            data = encode(read.target, read.frame, one.chroma[:2], read.statement)
            if photo.folder_comes:
                make_folder(photo.target.parent)
            write_whole(photo.target, data)
        except VidcolorError as error:
            found = PhotoResult(source=photo.path, path=photo.target, state="failed", error=error)
        yield found
