"""Only what changed: a film's shots taken over from the film that an earlier run made.

After a change to a color script most shots stay as they were. Those are copied, packet by packet,
from the earlier film, and the others are colored one by one, as other machines do it: so the
result has the bytes of a run from scratch.
"""

import logging
import sys
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import Directed
from vidcolor.errors import OutputError
from vidcolor.files import files_of
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.coloring import (
    FilmRun,
    ShotKeeper,
    color_here,
    read_job,
    recalled_memory,
)
from vidcolor.film.evidence import anchors_digest, anchors_of, evidence_of
from vidcolor.film.kept_shots import KeptPart, read_head, read_kept
from vidcolor.film.matching import find_matches
from vidcolor.film.provenance import Provenance
from vidcolor.film.source_digest import refuse_changed
from vidcolor.pipeline.finish import keeps_color
from vidcolor.pipeline.run import Past, colorize_shots
from vidcolor.pipeline.trace import NO_TRACE
from vidcolor.reading.reader import Damage
from vidcolor.report.sidecar import fixity_of
from vidcolor.report.timeline import directed_digest
from vidcolor.settings import Settings
from vidcolor.shots.pieces import MARGINS_SECONDS, Piece, StrayedError, find_pieces, read_pieces
from vidcolor.writing.coded_shots import can_take_over, read_coded
from vidcolor.writing.mixed_frames import as_written
from vidcolor.writing.muxer import reorder_depth
from vidcolor.writing.plan import Job
from vidcolor.writing.sequence_writer import PictureWriter
from vidcolor.writing.shot_encoder import Encoded

_LOG = logging.getLogger(__name__)


class ShotPlan(NamedTuple):
    """What is done with a shot.

    Attributes:
        piece: The shot.
        reason: Why it is colored; empty if it is taken over.
    """

    piece: Piece
    reason: str


def find_earlier(provenance: Provenance) -> Path | None:
    """The film at a film's target if its shots may be taken over; None if they may not.

    It was made of the same source by the same model with the same settings, but for the color
    script, and not a byte of it has changed since.
    """
    film, encoding = provenance.job.encoding.path, provenance.job.encoding
    if encoding.is_sequence or not can_take_over(encoding.codec, encoding.container):
        return None
    head = read_head(film)
    if head is None or head["made_of"] != provenance.base() or not film.is_file():
        return None
    try:
        is_whole = fixity_of(*files_of(film))["messageDigest"] == head["film"]
    except OutputError:
        return None
    return film if is_whole else None


def plan_shots(
    pieces: Sequence[Piece], film: Path, job: Job, settings: Settings, direction: Direction
) -> list[ShotPlan]:
    """What is done with each shot of a film.

    Args:
        pieces: All shots.
        film: The earlier film, by `find_earlier`.
        job: The film.
        settings: All settings.
        direction: What a color script says of it.
    """
    kept = read_kept(film)
    reasons: list[str] = []
    for piece in pieces:
        _, parts = next(kept, (0, iter(())))
        reasons.append(_reason(piece, parts, job, settings, direction))
        before = piece.shot.returns_to
        if not reasons[-1] and before is not None and reasons[before]:
            reasons[-1] = f"it returns to shot {before + 1}"
    for piece in reversed(pieces):
        before, number = piece.shot.returns_to, piece.shot.number
        if reasons[number] and before is not None and not reasons[before]:
            reasons[before] = f"shot {number + 1} begins with its colors"
    return [ShotPlan(*pair) for pair in zip(pieces, reasons, strict=True)]


def _reason(
    piece: Piece, kept: Iterator[KeptPart], job: Job, settings: Settings, direction: Direction
) -> str:
    """Why a shot is colored, as far as it is known from itself."""
    frames = 0
    shots: set[tuple[int, int | None]] = set()

    def looks() -> Iterator[str | None]:
        nonlocal frames
        for part in kept:
            frames += len(part.figures)
            shots.add((part.shot, part.figures[0].returns_to))
            yield from (one.directed for one in part.figures)

    before = directed_digest(looks())
    if frames != piece.frames or shots != {(piece.shot.number, piece.shot.returns_to)}:
        return "its frames have changed"
    if before != directed_digest(_directed(piece, job, settings, direction)):
        return "its part of the color script has changed"
    return ""


def _directed(
    piece: Piece, job: Job, settings: Settings, direction: Direction
) -> Iterator[str | None]:
    """For each frame of a shot the digest of what is said of it; see `Guess.directed`."""
    if keeps_color(piece.shot, settings.color):
        yield from [None] * piece.frames
        return
    evidence = anchors_digest(anchors_of(piece, job, direction))
    base, film = job.source.time_base, direction.film
    for offset, (time, duration) in enumerate(zip(piece.times, piece.durations, strict=True)):
        begin = int(time) * base - film.first_seconds
        end = begin + (int(duration) * base or 1 / film.rate)
        at = (piece.shot.number, piece.first_frame + offset, begin, end)
        yield direction.digest_of(direction.look(*at), direction.references_at(*at), evidence)


def with_earlier(run: FilmRun) -> FilmRun:
    """The run with the earlier film whose shots it takes over, if there is one.

    Dumped frames must be made, and other machines have their own ways.
    """
    if run.trace is not NO_TRACE or run.engine is not color_here:
        return run
    film = find_earlier(run.provenance)
    return run if film is None else replace(run, engine=_color_changed, earlier=film)


def _color_changed(run: FilmRun, checkpoint: Checkpoint, _pictures: PictureWriter | None) -> Damage:
    """Color the shots of a film that change, and take the others over; see `Engine`."""
    losses = Damage()
    job, settings, film = run.job, run.settings, run.earlier
    if film is None:
        raise ValueError("there is no earlier film")
    if checkpoint.open_shot is not None:
        checkpoint.restart(checkpoint.shots_done)
    frames = refuse_changed(read_job(job, settings, losses), job.source, run.digest)
    pieces = list(find_pieces(frames, sys.maxsize))
    plan = plan_shots(pieces, film, job, settings, run.direction)
    changed = sum(bool(one.reason) for one in plan)
    _LOG.info(
        "%s: coloring %d of %d shots; the others are copied from the existing film",
        *(job.source.path, changed, len(plan)),
    )
    _Maker(run, checkpoint, film, pieces).make(plan)
    return losses


class _Maker:
    """Fills a checkpoint with shots, colored or taken over."""

    def __init__(
        self, run: FilmRun, checkpoint: Checkpoint, film: Path, pieces: Sequence[Piece]
    ) -> None:
        self._run, self._checkpoint, self._film = run, checkpoint, film
        self._memory = recalled_memory(checkpoint, checkpoint.endings(), run.model.device)
        evidence = evidence_of(pieces, run.job, run.model, run.settings, run.direction)
        matches = find_matches(run.model, run.settings)
        self._directed = Directed(run.direction, evidence, matches)

    def make(self, plan: Sequence[ShotPlan]) -> None:
        """Go through the shots in order, behind those that an earlier run finished."""
        done = self._checkpoint.shots_done
        kept = read_kept(self._film)
        coded = read_coded(self._film, self._run.job.encoding.codec)
        with closing(coded):  # type: ignore[type-var]
            for is_new, members in groupby(plan, key=lambda one: bool(one.reason)):
                group = list(members)
                wanted = [one.piece for one in group if one.piece.shot.number >= done]
                if is_new and wanted:
                    self._color(wanted)
                for one, (_, parts) in zip(group, kept, strict=False):
                    packets = islice(coded, one.piece.frames)
                    if is_new or one.piece.shot.number < done:
                        deque(packets, maxlen=0)
                    else:
                        self._take(one.piece, parts, packets)

    def _color(self, pieces: Sequence[Piece]) -> None:
        """Color shots that follow each other."""
        job, settings = self._run.job, self._run.settings
        source = as_written(job.source, job.encoding)
        first = pieces[0].shot.number
        for margin in MARGINS_SECONDS:
            numbered = read_pieces(source, pieces, margin, settings.input.hwaccel)
            past = Past(pieces[0].first_frame, self._memory)
            shots = colorize_shots(numbered, past, self._run.model, settings, self._directed)
            try:
                with closing(shots) as colored:
                    keeper = ShotKeeper(job, settings, self._checkpoint)
                    keeper.keep(colored, self._run.listener)
            except StrayedError:
                if margin is None:
                    raise
                self._checkpoint.restart(first)
            else:
                return

    def _take(self, piece: Piece, parts: Iterator[KeptPart], packets: Iterator[bytes]) -> None:
        """Take a shot over."""
        number, times = piece.shot.number, array("q")
        for part in parts:
            for pts, duration, is_key, figures in zip(*part[1:], strict=True):
                packet = Encoded(next(packets), pts, duration, bool(is_key))
                self._checkpoint.add_packet(number, len(times), packet)
                frame = piece.first_frame + len(times)
                self._checkpoint.add_frame(number, frame, figures)
                times.append(pts)
        self._checkpoint.end_shot(number, piece.frames, reorder_depth(times))
        self._run.listener.on_frame(piece.first_frame + piece.frames, number)


def describe_reuse(provenance: Provenance) -> tuple[str, ...]:
    """Which shots a run would color and why, a line each; empty if it would color all.

    Raises:
        VidcolorError: The film cannot be read.
    """
    film = find_earlier(provenance)
    if film is None:
        return ()
    job, settings, direction = provenance.job, provenance.settings, provenance.direction
    pieces = list(find_pieces(read_job(job, settings, Damage()), sys.maxsize))
    plan = plan_shots(pieces, film, job, settings, direction)
    changed = [one for one in plan if one.reason]
    return (
        f"{len(changed)} of {len(plan)} shots; the others are copied from the existing film",
        *(f"shot {one.piece.shot.number + 1}: {one.reason}" for one in changed),
    )
