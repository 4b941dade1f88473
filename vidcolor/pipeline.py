"""The order of the stages, and nothing else: one film in, the same film in color out."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vidcolor import __version__
from vidcolor.color.bins import decode_annealed_mean
from vidcolor.color.lightness import network_size, to_network
from vidcolor.color.planes import chroma_planes
from vidcolor.errors import VidcolorError
from vidcolor.frame import Frame, Plane
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import Model, load_model
from vidcolor.settings import Settings
from vidcolor.temporal import smooth_histograms
from vidcolor.threads import run_ahead
from vidcolor.video.plan import Job, plan_video
from vidcolor.video.reader import Losses, read_frames
from vidcolor.video.shots import number_shots, small_luma
from vidcolor.video.writer import FilmWriter

T = TypeVar("T")
Map = NDArray[np.float32]
Chroma = tuple[Plane, Plane]
Prepared = tuple[Frame, Map]
Progress = Callable[[int, int], None]

FRAMES_READ_AHEAD = 16
FRAMES_COLORED_AHEAD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one film.

    Attributes:
        path: The colorized film.
        frames: How many frames it has.
        shots: How many shots were found.
        seconds: How long it took.
        losses: What was damaged in the source; its text is empty if nothing was.
    """

    path: Path
    frames: int
    shots: int
    seconds: float
    losses: Losses


def colorize_video(
    source: str | Path,
    output: str | Path | None = None,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
) -> Result:
    """Colorize one film.

    Args:
        source: A black-and-white film in any container and codec that FFmpeg decodes.
        output: The colorized film; None for `film.colorized.*` beside it.
        settings: All settings; None for the defaults.
        progress: Called after each frame with the number of frames done and the shot's number.

    Raises:
        VidcolorError: The film cannot be colorized; nothing is left under the output's name.
    """
    settings = settings or Settings()
    job = plan_video(Path(source), Path(output) if output is not None else None, settings)
    return colorize_job(
        job, load_model(settings.model.name, settings.model.device), settings, progress
    )


def colorize_job(
    job: Job, model: Model, settings: Settings, progress: Progress | None = None
) -> Result:
    """Colorize one planned film; see `colorize_video`."""
    began = perf_counter()
    losses = Losses()
    done, shot = 0, -1
    colored = colorize_frames(_frames(job, settings, losses), model, settings)
    with closing(colored), _writer(job, model, settings) as writer:
        for frame, chroma, shot in colored:
            writer.write(frame, chroma)
            done += 1
            if progress is not None:
                progress(done, shot)
    return Result(
        path=job.encoding.path,
        frames=done,
        shots=shot + 1,
        seconds=perf_counter() - began,
        losses=losses,
    )


def colorize_frames(
    frames: Iterator[Frame], model: Model, settings: Settings
) -> Generator[tuple[Frame, Chroma, int], None, None]:
    """Yield each frame of a film with its new chroma and the number of its shot.

    Three threads work at once: one decodes and prepares, one infers, the caller's finishes.
    """
    prepared = _named("reading", _prepare(frames, settings))
    ahead = run_ahead(number_shots(prepared), FRAMES_READ_AHEAD)
    inferred = run_ahead(_named("inference", _infer(ahead, model, settings)), FRAMES_COLORED_AHEAD)
    with closing(inferred):
        yield from _named("coloring", _finish(inferred, settings))


def colorize_shot(
    frames: Iterable[Prepared], model: Model, settings: Settings
) -> Iterator[tuple[Frame, Map, Map]]:
    """Yield each frame of one shot with its small ab map and the lightness that it came from.

    All that is remembered from frame to frame begins and ends here.
    """
    waiting: deque[Frame] = deque()

    def lightness() -> Iterator[Map]:
        for frame, seen in frames:
            waiting.append(frame)
            yield seen

    predicted = predict_histograms(lightness(), model, settings.model.batch_size)
    with closing(predicted):
        for histogram in smooth_histograms(predicted, settings.temporal):
            vividness = settings.color.vividness
            ab = decode_annealed_mean(histogram.probabilities, vividness, model.decoding)
            yield waiting.popleft(), ab.cpu().numpy(), histogram.lightness


def _frames(job: Job, settings: Settings, losses: Losses) -> Iterator[Frame]:
    """The film's frames, as pictures with the chroma planes that will be written."""
    return read_frames(
        replace(job.source, picture=job.encoding.picture),
        losses,
        start_seconds=settings.start_seconds,
        duration_seconds=settings.duration_seconds,
    )


def _prepare(
    frames: Iterator[Frame], settings: Settings
) -> Iterator[tuple[Prepared, NDArray[np.uint8]]]:
    """Each frame with its lightness at network size, and its small luma to find cuts in."""
    for frame in frames:
        picture = frame.picture
        seen = to_network(frame.luma, picture, network_size(picture, settings.model.render_size))
        yield (frame, seen), small_luma(frame.luma, picture.depth)


def _infer(
    numbered: Generator[tuple[Prepared, int], None, None], model: Model, settings: Settings
) -> Iterator[tuple[Frame, Map, Map, int]]:
    """Shot by shot, each frame with its small ab map, its lightness and its shot's number."""
    with closing(numbered):
        for shot, members in groupby(numbered, key=lambda item: item[1]):
            for frame, ab, lightness in colorize_shot((m for m, _ in members), model, settings):
                yield frame, ab, lightness, shot


def _finish(
    inferred: Iterable[tuple[Frame, Map, Map, int]], settings: Settings
) -> Iterator[tuple[Frame, Chroma, int]]:
    """Each frame with its chroma planes and its shot's number."""
    for frame, ab, lightness, shot in inferred:
        yield frame, chroma_planes(frame, ab * settings.color.saturation, lightness), shot


def _named(stage: str, items: Iterable[T]) -> Iterator[T]:
    """`items`, with an unforeseen error made one that tells the stage and the frame."""
    count = 0
    try:
        for item in items:
            yield item
            count += 1
    except VidcolorError:
        raise
    except Exception as error:
        raise VidcolorError(f"{stage} failed at frame {count}: {error!r}") from error


def _writer(job: Job, model: Model, settings: Settings) -> FilmWriter:
    color = settings.color
    made_by = (
        f"color made by vidcolor {__version__}, model {model.name} {model.sha256[:12]}, "
        f"vividness {color.vividness:g}, saturation {color.saturation:g}, "
        f"smoothing {settings.temporal.smoothing:g}"
    )
    shift = settings.start_seconds
    if settings.start_seconds or settings.duration_seconds is not None:
        shift += job.source.first_pts * job.source.time_base
    return FilmWriter(
        job.source,
        job.encoding,
        made_by=made_by,
        shift_seconds=Fraction(shift),
        duration_seconds=settings.duration_seconds,
    )
