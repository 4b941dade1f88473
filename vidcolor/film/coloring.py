"""The frames of one film, colored, encoded and kept in the work on it, shot by shot."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from time import perf_counter

import torch

from vidcolor.color.lightness import display_turn
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.provenance import SourceDigest, refuse_changed
from vidcolor.film.tracing import tracing
from vidcolor.frame import Colored, Frame, FrameFormat, Plane
from vidcolor.models.zoo import Model
from vidcolor.pipeline.run import Past, colorize_frames, keeps_color
from vidcolor.pipeline.trace import NO_TRACE, Trace
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.report.timeline import SourceFacts, Timeline
from vidcolor.settings import Settings
from vidcolor.shot import Shot
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.memory import ShotMemory, read_ending
from vidcolor.writing.muxer import reorder_depth
from vidcolor.writing.plan import Job
from vidcolor.writing.sequence_writer import PictureWriter
from vidcolor.writing.shot_encoder import Encoded, ShotEncoder

Progress = Callable[[int, int], None]


class Listener:
    """Is told of a film as it is made.

    Args:
        progress: Called after each frame, or some, with how many are done and the last one's shot.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress

    def on_frame(self, done: int, shot: int) -> None:
        """Take in how many frames are done, the last of them of this shot."""
        if self._progress is not None:
            self._progress(done, shot)

    def on_shot(self, number: int, frames: int) -> None:
        """Take in that a shot is whole, one of an earlier run also."""

    def on_film(self, frames: int, seconds: float, losses: str) -> None:
        """Take in that the film is there, and what its source lost, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRun:
    """One film on its way, from where an earlier run of it ended.

    Attributes:
        job: The film and how it is written.
        model: What predicts.
        settings: All settings.
        origin: The film by its content.
        engine: Colors its shots.
        watcher: Is told of it.
        trace: Gets what the stages make of the frames that it chooses.
    """

    job: Job
    model: Model
    settings: Settings
    origin: SourceDigest
    engine: "Engine"
    watcher: Listener
    trace: Trace = NO_TRACE


Engine = Callable[[FilmRun, Checkpoint, PictureWriter | None], Damage]
"""Colors all shots of a film that are not whole, into the work on it and, of one that becomes
pictures, into these; what it gives back is what the source lost."""


def color_here(run: FilmRun, work: Checkpoint, pictures: PictureWriter | None) -> Damage:
    """Color a film's shots in this process, one after the other."""
    job, settings = run.job, run.settings
    losses = Damage()
    frames = refuse_changed(read_job(job, settings, losses), job.source, run.origin)
    memory = recalled_memory(work, work.endings(), run.model.device)
    past = Past(work.frames_done, memory)
    with tracing(run.trace, job, run.model, settings):
        colored = colorize_frames(frames, run.model, settings, run.trace, past=past)
        with closing(colored):
            ShotKeeper(job, settings, work, pictures).keep(colored, run.watcher)
    return losses


class ShotKeeper:
    """Encodes the frames of whole shots into a work, where a shot counts when it is whole.

    Args:
        job: The film and how it is written.
        settings: All settings.
        work: Where shots are kept, those of before as well.
        pictures: Where the pictures are kept of a film that becomes some.
    """

    def __init__(
        self, job: Job, settings: Settings, work: Checkpoint, pictures: PictureWriter | None = None
    ) -> None:
        self._source = job.source
        self._color = settings.color
        self._is_compared = settings.output.compare
        shift_seconds = job.shift_seconds(settings)
        self._encoder = ShotEncoder(job.source, job.encoding, shift_seconds=shift_seconds)
        self._work = work
        self._pictures = pictures
        self._captions_beside = job.encoding.captions == "beside"
        self._number: int | None = None
        self._frames = 0
        self._times: list[int] = []

    def keep(self, colored: Iterator[Colored], watcher: Listener) -> None:
        """Encode frames, and tell of each; when they end, so does their last shot."""
        first = self._source.first_pts * self._source.time_base
        timeline = Timeline(self._work.figures())
        for one in colored:
            frame, shot = one.frame, one.shot
            before = perf_counter()
            self._add(one)
            if one.trace is not None:
                one.trace.close(encode=perf_counter() - before)
            figures = timeline.add(
                one.ab,
                seconds=float(frame.pts * frame.time_base - first),
                shot=shot.number,
                confidence=one.confidence,
                gamut_limited_share=one.chroma.gamut_limited_share,
                returns_to=shot.returns_to,
                lightness=one.lightness,
                source=self._facts(shot),
            )
            if self._captions_beside and frame.captions:
                figures = figures._replace(captions=frame.captions.hex())
            self._work.add_frame(shot.number, frame.index, figures)
            watcher.on_frame(timeline.frames, shot.number)
        self._end_shot()

    def _facts(self, shot: Shot) -> SourceFacts:
        """What is told of a shot's source."""
        kept = tint = None
        if shot.color is not None:
            tint = None if shot.color.is_color else (shot.color.cb, shot.color.cr)
            if keeps_color(shot, self._color):
                kept = "color" if shot.color.is_color else "tint"
        return SourceFacts(kept, tint, shot.active)

    def _add(self, one: Colored) -> None:
        if one.shot.number != self._number:
            self._end_shot()
            self._number = one.shot.number
        self._frames += 1
        chroma = one.chroma[:2]
        if self._is_compared:
            chroma = half_neutral(chroma, one.frame.picture)
        self._add_packets(one.shot.number, self._encoder.encode(one.frame, chroma))

    def _end_shot(self) -> None:
        if self._number is not None:
            self._add_packets(self._number, self._encoder.end_shot())
            self._work.end_shot(self._number, self._frames, reorder_depth(self._times))
        self._number, self._frames = None, 0
        self._times.clear()

    def _add_packets(self, shot: int, packets: Iterator[Encoded]) -> None:
        for packet in packets:
            kept, count = packet, len(self._times)
            if self._pictures is not None:
                kept = self._pictures.keep(packet, self._work.frames_done + count)
            self._work.add_packet(shot, count, kept)
            self._times.append(packet.pts)


def half_neutral(chroma: tuple[Plane, Plane], picture: FrameFormat) -> tuple[Plane, Plane]:
    """Chroma planes without color in the half of the picture that is shown on the left.

    Args:
        chroma: Cb and Cr, each (Hc, Wc).
        picture: Says how the picture is turned when shown, and how chroma is coded.
    """
    transposed, mirrored, _ = display_turn(picture)
    halved = []
    for plane in chroma:
        changed = plane.copy()
        side = plane.shape[0 if transposed else 1]
        part = slice(side // 2, None) if mirrored else slice(None, side // 2)
        changed[part if transposed else (slice(None), part)] = 1 << (picture.depth - 1)
        halved.append(changed)
    return halved[0], halved[1]


def recalled_memory(
    work: Checkpoint, endings: Iterable[tuple[int, bytes]], device: torch.device
) -> ShotMemory:
    """How some shots ended, to begin others with, whose endings are kept in a work.

    Args:
        work: Keeps the endings to come.
        endings: Number of each shot and its ending as `Checkpoint.endings` gives it.
        device: Where the model computes.
    """
    memory = ShotMemory(REMEMBERED_SHOTS, also=work.keep_ending)
    for shot, data in endings:
        memory.restore(shot, read_ending(data).on(device))
    return memory


def read_job(job: Job, settings: Settings, losses: Damage) -> Iterator[Frame]:
    """The frames of a planned film, as pictures with the chroma planes that will be written."""
    return read_frames(
        replace(job.source, picture=job.encoding.picture),
        losses,
        start_seconds=settings.start_seconds,
        duration_seconds=settings.duration_seconds,
        hwaccel=settings.input.hwaccel,
    )
