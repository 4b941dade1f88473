"""A film or photograph looked at before it is colorized: a contact sheet, a grid of settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from math import floor
from pathlib import Path

from vidcolor.errors import SourceError
from vidcolor.files import PHOTO_SUFFIXES, check_target
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model, find_model, suited
from vidcolor.photos.read import read_photograph
from vidcolor.photos.statement import Statement
from vidcolor.preview.sample import richest_frame, sample_frames
from vidcolor.preview.sheet import Tile, check_sheet_name, draw_sheet, write_sheet
from vidcolor.preview.stills import color_frames
from vidcolor.reading.part import settle_part
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, Settings
from vidcolor.version import __version__

FRAMES = 12
"""On a contact sheet, at most."""

COLUMNS = 4

_TRIED = 4  # frames among which the one with most detail is shown in a grid


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewResult:
    """What came of a preview.

    Attributes:
        path: The sheet.
        frames: How many frames it shows.
        doubtful: How many of them have colors that are worth a look.
    """

    path: Path
    frames: int
    doubtful: int = 0


def preview_video(
    source: str | Path,
    output: str | Path | None = None,
    settings: Settings | None = None,
    *,
    model: Model | None = None,
) -> PreviewResult:
    """Write a contact sheet of a film: some frames, black and white above, in color below.

    The frames are spread over the film and unlike each other; they are found by seeking, so that a
    long film takes no longer than a short one. Each is colored by itself.

    Args:
        source: The film.
        output: A JPEG or PNG; None for `film.preview.jpg` beside the film.
        settings: All settings; None for the defaults.
        model: What predicts, loaded before; None to load the settings' one.

    Raises:
        VidcolorError: The film cannot be read, or the sheet not be written.
    """
    settings = settings or Settings()
    film = probe(Path(source), settings.input, memory_limit=settings.memory_limit)
    path = _checked(film.path, film.title, output, ".preview.jpg", settings)
    frames = sample_frames(film, FRAMES)
    model = model or find_model(settings.model)
    first = film.first_pts * film.time_base
    stills = color_frames(frames, model, suited(settings, model))
    tiles = []
    for still in stills:
        seconds = max(0, floor(still.frame.pts * still.frame.time_base - first))
        words = (str(timedelta(seconds=seconds)), *still.doubts)
        tiles.append(Tile((still.before, still.after), ", ".join(words), bool(still.doubts)))
    sheet = draw_sheet(_title(film.path, model), tiles, min(COLUMNS, len(tiles)))
    write_sheet(path, sheet, _statement(model))
    return PreviewResult(
        path=path, frames=len(tiles), doubtful=sum(bool(still.doubts) for still in stills)
    )


def preview_settings(
    source: str | Path,
    variants: Mapping[str, Settings],
    output: str | Path | None = None,
    *,
    columns: int | None = None,
) -> PreviewResult:
    """Write one frame of a film, or a photograph, in color under several settings.

    Args:
        source: The film or photograph.
        variants: Settings by the line that stands below their picture; at least one. The first
            one's `start_seconds`, if not 0, says which frame; else it is one with much detail.
        output: A JPEG or PNG; None for `film.grid.jpg` beside the film.
        columns: How many make a row; None for as many as look well.

    Raises:
        VidcolorError: The source cannot be read, or the picture not be written.
        ValueError: There are no variants.
    """
    if not variants:
        raise ValueError("no settings to show")
    first = next(iter(variants.values()))
    path = Path(source)
    target = _checked(path, path, output, ".grid.jpg", first)
    frame = _one_frame(path, first)
    models: dict[ModelSettings, Model] = {}
    tiles: list[Tile] = []
    for label, settings in variants.items():
        if settings.model not in models:
            models[settings.model] = find_model(settings.model)
        model = models[settings.model]
        (still,) = color_frames([frame], model, suited(settings, model))
        tiles.append(Tile((still.after,), label))
    sheet = draw_sheet(_title(path, *models.values()), tiles, columns or _columns(len(tiles)))
    write_sheet(target, sheet, _statement(*models.values()))
    return PreviewResult(path=target, frames=len(tiles))


def _checked(
    source: Path, title: Path, output: str | Path | None, suffix: str, settings: Settings
) -> Path:
    """Where a sheet goes, if it may be written there."""
    path = title.with_name(f"{title.stem}{suffix}") if output is None else Path(output)
    check_sheet_name(path)
    check_target(path, source, overwrite=settings.output.overwrite)
    return path


def _one_frame(path: Path, settings: Settings) -> Frame:
    """The frame of a film that is shown in a grid, or a photograph."""
    if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
        photograph = read_photograph(path)
        return Frame(0, photograph.luma, 0, 0, Fraction(1), photograph.format(0))
    film = probe(path, settings.input, memory_limit=settings.memory_limit)
    settings = settle_part(settings, film)
    if not settings.start_seconds:
        return richest_frame(sample_frames(film, _TRIED))
    frames = read_frames(film, Damage(), start_seconds=settings.start_seconds)
    frame = next(frames, None)
    if frame is None:
        raise SourceError(f"{path}: has no frame there; choose another --start")
    return frame


def _columns(count: int) -> int:
    return min(COLUMNS, count) if count > COLUMNS else count


def _title(path: Path, *models: Model) -> str:
    return f"{path.name}: synthetic color by vidcolor {__version__}, {_names(models)}"


def _names(models: Sequence[Model]) -> str:
    return ", ".join(Path(model.name).name for model in models)


def _statement(*models: Model) -> Statement:
    return Statement(
        f"synthetic color, made by vidcolor {__version__}, model {_names(models)}", __version__
    )
