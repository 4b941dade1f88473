"""What a dump is told of the film whose frames will come, and when it is closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from vidcolor import __version__
from vidcolor.color.lightness import network_size
from vidcolor.dump.sink import Film, FrameDump
from vidcolor.models.lite import OUTPUT_STRIDE
from vidcolor.models.zoo import Model
from vidcolor.settings import Settings
from vidcolor.video.plan import Job


@contextmanager
def begun(dump: FrameDump | None, job: Job, model: Model, settings: Settings) -> Iterator[None]:
    """Have a dump, if there is one, ready for a film's frames and closed at the end."""
    if dump is None:
        yield
        return
    source, picture = job.source, job.encoding.picture
    render_size = settings.model.render_size or model.render_size
    width, height = network_size(picture, render_size)
    film = Film(
        path=source.path,
        files=source.files,
        picture=picture,
        frame_rate=source.frame_rate,
        first_seconds=source.first_pts * source.time_base,
        frames=source.frames_expected(settings.start_seconds, settings.duration_seconds),
        end_seconds=source.duration_seconds,
        timecode=source.timecode,
        map_size=(width // OUTPUT_STRIDE, height // OUTPUT_STRIDE),
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
    if source.series is not None:
        made_of["input"] = asdict(settings.input)
    dump.begin(film, made_of)
    try:
        yield
    finally:
        dump.close()
