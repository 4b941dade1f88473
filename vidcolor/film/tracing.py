"""The film that a trace gets frames of, and when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from vidcolor.color.lightness import network_size
from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.frame import MAP_STRIDE
from vidcolor.models.zoo import Model
from vidcolor.pipeline.decoder import Decoder
from vidcolor.pipeline.trace import NO_TRACE, Trace, TracedFilm
from vidcolor.settings import Settings
from vidcolor.version import __version__
from vidcolor.writing.plan import Job


@contextmanager
def tracing(
    trace: Trace, job: Job, model: Model, settings: Settings, direction: Direction = NO_DIRECTION
) -> Iterator[None]:
    """Begin a trace for a film's frames, and end it with them."""
    if trace is NO_TRACE:
        yield
        return
    source, picture = job.source, job.encoding.picture
    render_size = settings.model.render_size or model.render_size
    width, height = network_size(picture, render_size)
    film = TracedFilm(
        path=source.path,
        files=source.files,
        picture=picture,
        frame_rate=source.frame_rate,
        first_seconds=source.first_pts * source.time_base,
        frames=source.frames_expected(settings.start_seconds, settings.duration_seconds),
        end_seconds=source.duration_seconds,
        timecode=source.timecode,
        map_size=(width // MAP_STRIDE, height // MAP_STRIDE),
    )
    made_of = {
        "vidcolor": __version__,
        "model": f"{Path(model.name).stem} {model.sha256[:12]}",
        "render_size": render_size,
        "color": asdict(settings.color),
        "temporal": asdict(settings.temporal),
        "refine": asdict(settings.refine),
        "start_seconds": settings.start_seconds,
        "duration_seconds": settings.duration_seconds,
        "picture": asdict(picture),
    }
    if direction.identity is not None:
        made_of["color_script"] = direction.identity
    if source.sequence is not None:
        made_of["input"] = asdict(settings.input)
    trace.begin(film, made_of, Decoder(model.decoding, settings.color))
    try:
        yield
    finally:
        trace.end()
