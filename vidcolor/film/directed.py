"""The color script of a film that is about to be colorized, placed on it."""

import logging
from pathlib import Path

from vidcolor.directing.direction import Direction, direct
from vidcolor.directing.placed import FilmFacts
from vidcolor.directing.read_script import SUFFIX, find_script, read_script
from vidcolor.directing.script import ColorScript
from vidcolor.reading.source import Source
from vidcolor.settings import Settings
from vidcolor.writing.plan import Job

_LOG = logging.getLogger(__name__)


def find_direction(job: Job, settings: Settings, script: ColorScript | None = None) -> Direction:
    """What a color script says of a planned film.

    Args:
        job: The film.
        settings: Name a script, or a folder of scripts.
        script: One made in Python, which goes before.

    Raises:
        SettingError: The script is wrong, or does not fit the film.
    """
    source = job.source
    if script is None and settings.color_script is not None:
        path = script_path(settings, source.title)
        if path is None:
            _LOG.info("%s: has no %s%s", source.path, source.title.stem, SUFFIX)
        else:
            script = read_script(path)
    return direct(script, film_facts(source, settings), settings.model)


def film_facts(source: Source, settings: Settings) -> FilmFacts:
    """What must be known of a film to place a script on it."""
    return FilmFacts(
        name=source.path.name,
        rate=source.frame_rate,
        first_seconds=source.first_pts * source.time_base,
        timecode=source.timecode,
        seconds=source.duration_seconds,
        is_part=settings.start_seconds > 0,
        picture=source.picture,
    )


def script_path(settings: Settings, film: Path) -> Path | None:
    """The file of a film's color script; None for none."""
    if settings.color_script is None:
        return None
    return find_script(Path(settings.color_script), film)
