"""Chosen frames of a film gone through once more, as they were when the whole film was."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from vidcolor.directing.evidence import Directed
from vidcolor.dump.sink import FrameDump
from vidcolor.film.coloring import Progress, read_job
from vidcolor.film.directed import find_direction
from vidcolor.film.evidence import find_evidence
from vidcolor.film.matching import find_matches
from vidcolor.film.tracing import tracing
from vidcolor.models.zoo import Model, find_model, suited
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.reader import Damage
from vidcolor.settings import Settings
from vidcolor.shot import Shot
from vidcolor.shots.cuts import number_frames
from vidcolor.writing.plan import Job, plan_video


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of going through some frames once more.

    Attributes:
        frames: How many were dumped.
        colorized: How many were colorized for them, all of their shots before them included.
        seconds: How long it took.
    """

    frames: int
    colorized: int
    seconds: float


def replay_frames(
    source: str | Path,
    dump: FrameDump,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
) -> Replay:
    """Dump chosen frames of a film without writing a film.

    What a frame becomes depends on those before it in its shot, on the shot's first few and on the
    shot that it returns to, and on no other. So cuts are looked for first, from the film's
    beginning to behind the last frame chosen; then each shot with a chosen frame is colorized until
    that is known. The arrays are bit for bit those of a run through the whole film with the same
    settings on the same machine.

    Args:
        source: The film.
        dump: Chooses the frames, and gets what the stages make of them.
        settings: All settings; None for the defaults. Those of the output only decide what chroma
            planes are made.
        progress: Called after each frame colorized with their count and the shot's number.

    Raises:
        VidcolorError: The film cannot be colorized, or the dump not written.
    """
    settings = settings or Settings()
    job = plan_video(Path(source), None, settings)
    model = find_model(settings.model)
    return replay_job(job, model, suited(job.settings, model), dump, progress)


def replay_job(
    job: Job, model: Model, settings: Settings, dump: FrameDump, progress: Progress | None = None
) -> Replay:
    """Dump chosen frames of a planned film; see `replay_frames`."""
    began = perf_counter()
    count = 0
    direction = find_direction(job, settings)
    with tracing(dump, job, model, settings, direction):
        last_by_shot = _find_frames(job, settings, dump)
        end = max(last_by_shot.values(), default=-1)
        frames = read_job(job, settings, Damage())
        evidence = find_evidence(read_job(job, settings, Damage()), job, model, settings, direction)
        colored = colorize_frames(
            frames,
            model,
            settings,
            dump,
            last_by_shot,
            directed=Directed(direction, evidence, find_matches(model)),
        )
        with closing(colored):
            for one in colored:
                if one.trace is not None:
                    one.trace.close()
                count += 1
                if progress is not None:
                    progress(count, one.shot.number)
                if one.frame.index >= end:
                    break
    return Replay(frames=dump.count, colorized=count, seconds=perf_counter() - began)


def _find_frames(job: Job, settings: Settings, dump: FrameDump) -> dict[int, int]:
    """For each shot that is needed for the chosen frames the number of the last one in it."""
    last_by_shot: dict[int, int] = {}
    ends: dict[Shot, int] = {}
    frames = dump.watch(read_job(job, settings, Damage()))
    for frame, shot, _ in number_frames(frames):
        ends[shot] = frame.index
        if dump.wants(frame):
            last_by_shot[shot.number] = frame.index
        if dump.is_over(frame):
            break
    dump.refuse_missed()
    whole: set[int | None] = set()
    for shot in reversed(ends):  # a shot returns to one before it
        if shot.number in whole:
            last_by_shot[shot.number] = ends[shot]
        if shot.number in last_by_shot:
            whole.add(shot.returns_to)
    return last_by_shot
