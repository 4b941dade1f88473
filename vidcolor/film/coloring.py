"""The frames of one film, colored, encoded and kept in its checkpoint, shot by shot."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import torch

from vidcolor.color.lightness import display_turn
from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import Directed, EvidenceOf, no_evidence
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.checkpoint_file import OpenShot
from vidcolor.film.evidence import find_evidence
from vidcolor.film.kept_colors import ColorCache, ColorKeeper
from vidcolor.film.matching import find_matches
from vidcolor.film.provenance import Provenance
from vidcolor.film.source_digest import SourceDigest, refuse_changed
from vidcolor.film.tracing import tracing
from vidcolor.frame import Colored, Frame, FrameFormat, Map, Plane
from vidcolor.memory import frames_ahead, usable_memory
from vidcolor.models.zoo import Model
from vidcolor.pipeline.finish import keeps_color
from vidcolor.pipeline.parts import read_state, write_state
from vidcolor.pipeline.run import Past, colorize_frames
from vidcolor.pipeline.trace import NO_TRACE, Trace
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.report.timeline import SourceFacts, Timeline
from vidcolor.settings import Settings
from vidcolor.shot import Shot, ShotState
from vidcolor.shots.cuts import REMEMBERED_SHOTS
from vidcolor.temporal.memory import ShotMemory, read_ending
from vidcolor.threads import run_ahead
from vidcolor.writing.mixed_frames import as_written
from vidcolor.writing.muxer import reorder_depth
from vidcolor.writing.plan import Job
from vidcolor.writing.sequence_writer import PictureWriter
from vidcolor.writing.shot_encoder import Encoded, ShotEncoder

FRAMES_CODED_AHEAD = 8
"""Frames that wait while the checkpoint writes a shot's end to the disk."""

Progress = Callable[[int, int], None]


class Listener:
    """Called as a film is made.

    Args:
        progress: Called after each frame, or after several, with how many are done and the shot of
            the last one.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress

    def on_frame(self, done: int, shot: int) -> None:
        """`done` frames are finished, the last of them in this shot."""
        if self._progress is not None:
            self._progress(done, shot)

    def on_shot(self, number: int, frames: int) -> None:
        """A shot is finished, perhaps by an earlier run."""

    def on_film(self, frames: int, seconds: float, losses: str) -> None:
        """The film has its name; `losses` says what was damaged in its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRun:
    """One film to colorize, perhaps resumed.

    Attributes:
        provenance: What makes it: the film and how it is written, model, settings, color script.
        engine: Colors its shots.
        listener: Called as the film is made.
        trace: Gets what the stages make of the frames that it chooses.
        cache: Keeps decoded colors for later runs; None for none.
        takes_over: Whether shots or their colors may be taken over from an earlier run.
        earlier: Its film, if shots may be; None if only their colors may be.
    """

    provenance: Provenance
    engine: "Engine"
    listener: Listener
    trace: Trace = NO_TRACE
    cache: ColorCache | None = None
    takes_over: bool = False
    earlier: Path | None = None

    @property
    def job(self) -> Job:
        """The film and how it is written."""
        return self.provenance.job

    @property
    def model(self) -> Model:
        """What predicts."""
        return self.provenance.model

    @property
    def settings(self) -> Settings:
        """All settings."""
        return self.provenance.settings

    @property
    def digest(self) -> SourceDigest:
        """The film by its content."""
        return self.provenance.digest

    @property
    def direction(self) -> Direction:
        """What a color script says of the frames."""
        return self.provenance.direction


Engine = Callable[[FilmRun, Checkpoint, PictureWriter | None], Damage]
"""Colors the unfinished shots of a film into its checkpoint and, for an image sequence, into its
images; gives what was damaged in the source."""


def color_here(run: FilmRun, checkpoint: Checkpoint, pictures: PictureWriter | None) -> Damage:
    """Color a film's shots in this process, one after the other."""
    job, settings = run.job, run.settings
    losses = Damage()
    frames = refuse_changed(read_job(job, settings, losses), job.source, run.digest)
    memory = recalled_memory(checkpoint, checkpoint.endings(), run.model.device)
    begun = Begun.of(checkpoint)
    past = Past(checkpoint.frames_done, memory, begun and begun.state)
    evidence_of: EvidenceOf = no_evidence
    if run.direction.anchors:
        first_pass = read_job(job, settings, Damage())
        evidence_of = find_evidence(first_pass, job, run.model, settings, run.direction)
    with tracing(run.trace, job, run.model, settings, run.direction):
        colored = colorize_frames(
            frames,
            run.model,
            settings,
            run.trace,
            past=past,
            directed=Directed(run.direction, evidence_of, find_matches(run.model)),
        )
        number = None if begun is None else begun.kept.shot
        kept = ColorKeeper(run.cache, {}, number)
        with closing(colored), closing(kept):
            keeper = ShotKeeper(job, settings, checkpoint, pictures, begun, kept)
            keeper.keep(colored, run.listener)
    return losses


class Begun(NamedTuple):
    """A shot of which some parts are finished.

    Attributes:
        kept: How much of it.
        state: What its next frame goes on with.
    """

    kept: OpenShot
    state: ShotState

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Begun | None":
        """The one of a checkpoint; None if its next frame is a shot's first.

        Raises:
            Damaged: It is not as it was kept.
        """
        data = checkpoint.open_state()
        if checkpoint.open_shot is None or data is None:
            return None
        return cls(checkpoint.open_shot, read_state(data))


class ShotKeeper:
    """Encodes frames and keeps them in a checkpoint, where finished shots and parts of them count.

    Args:
        job: The film and how it is written.
        settings: All settings.
        checkpoint: Where shots are kept, those of earlier runs as well.
        pictures: Where the images of a sequence are kept; None for a film in one file.
        begun: The shot that the frames go on with; None if they begin one.
        colors: Keeps decoded colors for later runs; None for none.
    """

    def __init__(
        self,
        job: Job,
        settings: Settings,
        checkpoint: Checkpoint,
        pictures: PictureWriter | None = None,
        begun: Begun | None = None,
        colors: ColorKeeper | None = None,
    ) -> None:
        self._colors = colors or ColorKeeper(None, {})
        self._source = job.source
        self._color = settings.color
        self._is_compared = settings.output.compare
        shift_seconds = job.shift_seconds(settings)
        self._encoder = ShotEncoder(job.source, job.encoding, shift_seconds=shift_seconds)
        self._checkpoint = checkpoint
        self._pictures = pictures
        self._captions_beside = job.encoding.captions == "beside"
        self._number: int | None = None
        self._frames = self._reordered = 0  # of the shot's finished parts
        self._before: tuple[int, Map, Map] | None = None
        if begun is not None:
            self._number, self._frames, self._reordered = begun.kept
            self._before = begun.state.shown and (begun.kept.shot, *begun.state.shown)
        self._memory = usable_memory(settings.memory_limit)
        self._times: list[int] = []  # of the part's packets
        self._state: ShotState | None = None  # after the frame before, if it ends a part

    def keep(
        self, colored: Iterator[Colored], listener: Listener, *, goes_on: bool = False
    ) -> None:
        """Encode frames and report each.

        Args:
            colored: The frames.
            listener: Hears of them.
            goes_on: Whether the last shot has more frames; else it ends with these.
        """
        timeline = Timeline(self._checkpoint.figures(), self._before)
        coded = run_ahead(self._coded(colored, goes_on=goes_on), self._depth, name="encode")
        with closing(coded):
            for packets, one, seconds, ends_shot in coded:
                if one is None:
                    self._end(packets, is_shot=ends_shot)
                else:
                    self._number = one.shot.number
                    self._add_packets(self._number, packets)
                    self._add(one, timeline, seconds)
                    listener.on_frame(timeline.frames, self._number)

    def _depth(self, one: "_Coded") -> int:
        """How many frames may wait for the checkpoint while the encoder goes on."""
        if one.colored is None:
            return 1
        return frames_ahead(FRAMES_CODED_AHEAD, one.colored.nbytes, self._memory)

    def _coded(
        self, colored: Iterator[Colored], *, goes_on: bool
    ) -> Generator["_Coded", None, None]:
        """What the encoder makes of frames, by a thread of its own; see `keep`."""
        number, ends_part = self._number, False
        for one in colored:
            ends_shot = one.shot.number != number
            if ends_shot or ends_part:
                yield _Coded(list(self._encoder.end_part()), ends_shot=ends_shot)
            number, ends_part = one.shot.number, one.state is not None
            chroma = one.chroma[:2]
            if self._is_compared:
                chroma = half_neutral(chroma, one.frame.picture)
            began = perf_counter()
            packets = list(self._encoder.encode(one.frame, chroma))
            yield _Coded(packets, one, perf_counter() - began)
        yield _Coded(list(self._encoder.end_part()), ends_shot=not goes_on)

    def _add(self, one: Colored, timeline: Timeline, seconds: float) -> None:
        """Keep what is known of a frame."""
        frame, shot = one.frame, one.shot
        self._state = one.state and one.state._replace(shown=(one.ab, one.lightness))
        self._colors.add(one)
        if one.trace is not None:
            one.trace.close(encode=seconds)
        first = self._source.first_pts * self._source.time_base
        figures = timeline.add(
            one.ab,
            seconds=float(frame.pts * frame.time_base - first),
            shot=shot.number,
            confidence=one.confidence,
            gamut_limited_share=one.chroma.gamut_limited_share,
            returns_to=shot.returns_to,
            lightness=one.lightness,
            source=self._facts(shot),
            directed=one.directed,
        )
        if self._captions_beside and frame.captions:
            figures = figures._replace(captions=frame.captions.hex())
        self._checkpoint.add_frame(shot.number, frame.index, figures)

    def _facts(self, shot: Shot) -> SourceFacts:
        """What the timeline notes of a shot's source."""
        kept = tint = overlay = None
        if shot.color is not None:
            tint = None if shot.color.is_color else (shot.color.cb, shot.color.cr)
            if keeps_color(shot, self._color):
                kept = "color" if shot.color.is_color else "tint"
            overlay = shot.color.overlay or None
        return SourceFacts(kept, tint, shot.active, overlay)

    def _end(self, packets: Sequence[Encoded], *, is_shot: bool) -> None:
        """Keep what there is of the shot, so that another run can go on from here.

        Args:
            packets: The last ones.
            is_shot: Whether all of it is there.
        """
        if is_shot:
            self._colors.end_shot()
        if is_shot and self._number is None:
            return
        if self._number is None or not (is_shot or self._state is not None):
            raise ValueError("the frame before does not end a part")
        self._add_packets(self._number, packets)
        self._frames += len(self._times)
        self._reordered = max(self._reordered, reorder_depth(self._times))
        self._times.clear()
        if is_shot:
            self._checkpoint.end_shot(self._number, self._frames, self._reordered)
            self._number = None
            self._frames = self._reordered = 0
        elif self._state is not None:
            state = write_state(self._state)
            self._checkpoint.end_part(self._number, self._frames, self._reordered, state)
        self._state = None

    def _add_packets(self, shot: int, packets: Sequence[Encoded]) -> None:
        for packet in packets:
            kept, count = packet, len(self._times)
            if self._pictures is not None:
                kept = self._pictures.keep(packet, self._checkpoint.frames_done + count)
            self._checkpoint.add_packet(shot, self._frames + count, kept)
            self._times.append(packet.pts)


class _Coded(NamedTuple):
    """What the encoder gives as it takes a frame in; or, without a frame, at the end of a part.

    Attributes:
        packets: Those of earlier frames, mostly.
        colored: The frame.
        seconds: How long it took.
        ends_shot: Whether the part is the shot's last.
    """

    packets: list[Encoded]
    colored: Colored | None = None
    seconds: float = 0.0
    ends_shot: bool = False


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
    checkpoint: Checkpoint, endings: Iterable[tuple[int, bytes]], device: torch.device
) -> ShotMemory:
    """The memory of some shots, with which shots that return to them begin.

    Args:
        checkpoint: Keeps the endings to come.
        endings: Number of each shot and its ending as `Checkpoint.endings` gives it.
        device: Where the model computes.
    """
    memory = ShotMemory(REMEMBERED_SHOTS, also=checkpoint.keep_ending)
    for shot, data in endings:
        memory.restore(shot, read_ending(data).on(device))
    return memory


def read_job(job: Job, settings: Settings, losses: Damage) -> Iterator[Frame]:
    """The frames of a planned film, with the chroma planes that will be written."""
    return read_frames(
        as_written(job.source, job.encoding),
        losses,
        start_seconds=settings.start_seconds,
        duration_seconds=settings.duration_seconds,
        hwaccel=settings.input.hwaccel,
    )
