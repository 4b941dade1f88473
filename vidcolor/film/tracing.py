"""The film that a trace gets frames of, and when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from vidcolor.color.lightness import network_size
from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.film.provenance import dump_facts
from vidcolor.frame import MAP_STRIDE
from vidcolor.models.zoo import Model
from vidcolor.pipeline.decoder import Decoder
from vidcolor.pipeline.trace import NO_TRACE, Trace, TracedFilm
from vidcolor.settings import Settings
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
    made_of = dump_facts(job, model, settings, render_size, direction)
    trace.begin(film, made_of, Decoder(model.decoding, settings.color))
    try:
        yield
    finally:
        trace.end()
