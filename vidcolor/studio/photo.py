"""A photograph in the studio: a film of one frame."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidcolor.directing.read_script import read_script
from vidcolor.errors import OutputError
from vidcolor.files import PHOTO_SUFFIXES, is_file
from vidcolor.film.colorize import Result
from vidcolor.frame import Frame
from vidcolor.photos.colorize import colorize_photo
from vidcolor.photos.read import read_photograph
from vidcolor.reading.reader import Damage
from vidcolor.reading.source import Source
from vidcolor.settings import Settings


def is_photo(path: Path) -> bool:
    """Whether a file is a photograph by its name."""
    return path.suffix.lower() in PHOTO_SUFFIXES and is_file(path)


def open_photo(path: Path, settings: Settings) -> tuple[Source, Frame]:
    """A photograph as a film, and the frame that this has.

    Raises:
        SourceError: It cannot be read.
    """
    photograph = read_photograph(path, settings.memory_limit)
    picture = photograph.format(0)
    source = Source(
        path=path,
        container="",
        codec="",
        stream_index=0,
        picture=picture,
        pixel_format="",
        has_chroma=False,
        time_base=Fraction(1),
        frame_rate=Fraction(1),
        first_pts=0,
        picture_seconds=None,
        duration_seconds=None,
    )
    return source, Frame(0, photograph.luma, 0, 0, Fraction(1), picture)


def render_photo(source: Path, output: Path, settings: Settings, **given: Any) -> Result:
    """A photograph colorized, told as a film is; see `colorize_video`."""
    path = settings.color_script
    script = given["script"] if path is None else read_script(Path(path))
    made = colorize_photo(
        source, output, replace(settings, color_script=None), model=given["model"], script=script
    )
    if made.state != "done":
        raise OutputError(f"{output.name} is there already, made with the same settings")
    return Result(path=made.path, frames=1, shots=1, seconds=0, losses=Damage(), notes=made.notes)
