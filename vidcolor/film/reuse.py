"""Only what changed: a film's shots taken over from the film that an earlier run made.

After a change to a color script most shots stay as they were. Those are copied, packet by packet,
from the earlier film, and the others are colored one by one, as other machines do it: so the
result has the bytes of a run from scratch.
"""

import logging
import sys
from array import array
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from vidcolor.directing.evidence import Directed
from vidcolor.errors import OutputError
from vidcolor.files import files_of, shots_path
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.coloring import (
    FilmRun,
    ShotKeeper,
    color_here,
    read_job,
    recalled_memory,
)
from vidcolor.film.evidence import anchors_digest, anchors_of, evidence_of
from vidcolor.film.kept_colors import ColorCache, ColorKeeper, find_cache, shot_key
from vidcolor.film.kept_shots import KeptPart, PacketTimes, read_head, read_kept, write_kept
from vidcolor.film.matching import find_matches
from vidcolor.film.provenance import Provenance
from vidcolor.film.source_digest import refuse_changed
from vidcolor.frame import Colored, Numbered
from vidcolor.pipeline.finish import keeps_color
from vidcolor.pipeline.regrade import KeptShot
from vidcolor.pipeline.run import Past, colorize_shots, grade_shots
from vidcolor.pipeline.trace import NO_TRACE
from vidcolor.reading.reader import Damage
from vidcolor.report.sidecar import fixity_of
from vidcolor.report.timeline import directed_digest
from vidcolor.shot import Shot
from vidcolor.shots.pieces import MARGINS_SECONDS, Piece, StrayedError, find_pieces, read_pieces
from vidcolor.writing.coded_shots import can_take_over, read_coded
from vidcolor.writing.mixed_frames import as_written
from vidcolor.writing.muxer import reorder_depth
from vidcolor.writing.sequence_writer import PictureWriter
from vidcolor.writing.shot_encoder import Encoded

_LOG = logging.getLogger(__name__)


class ShotPlan(NamedTuple):
    """What is done with a shot.

    Attributes:
        piece: The shot.
        reason: Why it is colored; empty if it is taken over.
        key: Of its decoded colors; None if it keeps those of the source.
        is_kept: Whether its decoded colors are kept, and are graded anew.
    """

    piece: Piece
    reason: str
    key: str | None = None
    is_kept: bool = False

    @property
    def way(self) -> str:
        """How its frames come to be: `taken` over, `graded` or `colored`."""
        if not self.reason:
            return "taken"
        return "graded" if self.is_kept else "colored"


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
    pieces: Sequence[Piece],
    film: Path | None,
    provenance: Provenance,
    cache: ColorCache | None = None,
) -> list[ShotPlan]:
    """What is done with each shot of a film.

    Args:
        pieces: All shots.
        film: The earlier film, by `find_earlier`; None for none.
        provenance: What makes the film.
        cache: Keeps decoded colors; None for none.
    """
    reasons = _find_reasons(pieces, film, provenance)
    keys = _find_keys(pieces, provenance)
    graded = {
        number
        for number, key in keys.items()
        if reasons[number] and cache is not None and cache.holds(key)
    }
    for piece in reversed(pieces):
        before, number = piece.shot.returns_to, piece.shot.number
        if before is not None and reasons[number] and number not in graded:
            reasons[before] = reasons[before] or f"shot {number + 1} begins with its colors"
            graded.discard(before)
    return [
        ShotPlan(piece, reason, keys.get(number), number in graded)
        for number, (piece, reason) in enumerate(zip(pieces, reasons, strict=True))
    ]


def _find_reasons(pieces: Sequence[Piece], film: Path | None, provenance: Provenance) -> list[str]:
    """Why each shot is colored, as far as it is known from those before it; see `ShotPlan`."""
    if film is None:
        return ["the existing film was made with other settings"] * len(pieces)
    kept = read_kept(film)
    reasons: list[str] = []
    for piece in pieces:
        _, parts = next(kept, (0, iter(())))
        reasons.append(_reason(piece, parts, provenance))
        before = piece.shot.returns_to
        if not reasons[-1] and before is not None and reasons[before]:
            reasons[-1] = f"it returns to shot {before + 1}"
    return reasons


def _find_keys(pieces: Iterable[Piece], provenance: Provenance) -> dict[int, str]:
    """What the decoded colors of each shot depend on; none of those that keep the source's."""
    keys: dict[int, str] = {}
    for piece in pieces:
        shot = piece.shot
        if not keeps_color(shot, provenance.settings.color):
            before = None if shot.returns_to is None else keys.get(shot.returns_to)
            said = _directed(piece, provenance, is_graded=False)
            keys[shot.number] = shot_key(shot, piece.first_frame, said, before)
    return keys


def _reason(piece: Piece, kept: Iterator[KeptPart], provenance: Provenance) -> str:
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
    if before != directed_digest(_directed(piece, provenance)):
        return "its part of the color script has changed"
    return ""


def _directed(
    piece: Piece, provenance: Provenance, *, is_graded: bool = True
) -> Iterator[str | None]:
    """For each frame of a shot the digest of what is said of it; see `Guess.directed`.

    Args:
        piece: The shot.
        provenance: What makes the film.
        is_graded: Whether what is done to decoded colors counts as well.
    """
    if keeps_color(piece.shot, provenance.settings.color):
        yield from [None] * piece.frames
        return
    job, direction = provenance.job, provenance.direction
    evidence = anchors_digest(anchors_of(piece, job, direction))
    base, film = job.source.time_base, direction.film
    for offset, (time, duration) in enumerate(zip(piece.times, piece.durations, strict=True)):
        begin = int(time) * base - film.first_seconds
        end = begin + (int(duration) * base or 1 / film.rate)
        at = (piece.shot.number, piece.first_frame + offset, begin, end)
        look = direction.look(*at)
        if not is_graded:
            look = look.before_grading
        yield direction.digest_of(look, direction.references_at(*at), evidence)


def with_earlier(run: FilmRun) -> FilmRun:
    """The run with the earlier film whose shots, or their colors, it takes over, if any.

    Dumped frames must be made, and other machines have their own ways.
    """
    if run.trace is not NO_TRACE or run.engine is not color_here:
        return run
    film = find_earlier(run.provenance)
    if film is None and (run.cache is None or not run.cache.is_whole):
        return run
    return replace(run, engine=_color_changed, takes_over=True, earlier=film)


def keep_shots(run: FilmRun, checkpoint: Checkpoint, times: PacketTimes, sha256: str) -> None:
    """Keep what a later run with another color script needs to take shots over.

    Args:
        run: What made the film.
        checkpoint: Its shots.
        times: Of its packets.
        sha256: Of its file.
    """
    if run.cache is not None:
        run.cache.end_film()
    encoding = run.job.encoding
    film = encoding.path
    if encoding.is_sequence or not can_take_over(encoding.codec, encoding.container):
        return
    if run.direction.script is None and not shots_path(film).exists():
        return
    write_kept(film, sha256, run.provenance.base(), times, checkpoint.figures())


def _color_changed(run: FilmRun, checkpoint: Checkpoint, _pictures: PictureWriter | None) -> Damage:
    """Color the shots of a film that change, and take the others over; see `Engine`."""
    losses = Damage()
    job, settings = run.job, run.settings
    if checkpoint.open_shot is not None:
        checkpoint.restart(checkpoint.shots_done)
    frames = refuse_changed(read_job(job, settings, losses), job.source, run.digest)
    pieces = list(find_pieces(frames, sys.maxsize))
    plan = plan_shots(pieces, run.earlier, run.provenance, run.cache)
    changed = sum(bool(one.reason) for one in plan)
    _LOG.info(
        "%s: coloring %d of %d shots; the others are copied from the existing film",
        *(job.source.path, changed, len(plan)),
    )
    if graded := sum(one.way == "graded" for one in plan):
        _LOG.info("%s: %d of them without the network: colors are kept", job.source.path, graded)
    _Maker(run, checkpoint, plan).make()
    return losses


class _Maker:
    """Fills a checkpoint with shots, colored or taken over."""

    def __init__(self, run: FilmRun, checkpoint: Checkpoint, plan: Sequence[ShotPlan]) -> None:
        self._run, self._checkpoint, self._plan = run, checkpoint, plan
        self._memory = recalled_memory(checkpoint, checkpoint.endings(), run.model.device)
        pieces = [one.piece for one in plan]
        evidence = evidence_of(pieces, run.job, run.model, run.settings, run.direction)
        self._directed = Directed(run.direction, evidence, find_matches(run.model))
        self._keys = {one.piece.shot.number: one.key for one in plan if one.key is not None}

    def make(self) -> None:
        """Go through the shots in order, behind those that an earlier run finished."""
        done = self._checkpoint.shots_done
        film, codec = self._run.earlier, self._run.job.encoding.codec
        kept = iter(()) if film is None else read_kept(film)
        coded = iter(()) if film is None else read_coded(film, codec)
        with closing(coded) if isinstance(coded, Generator) else nullcontext():
            for way, members in groupby(self._plan, key=attrgetter("way")):
                group = list(members)
                wanted = [one.piece for one in group if one.piece.shot.number >= done]
                if way != "taken" and wanted:
                    self._color(wanted, is_kept=way == "graded")
                for one, (_, parts) in zip(group, kept, strict=False):
                    packets = islice(coded, one.piece.frames)
                    if way != "taken" or one.piece.shot.number < done:
                        deque(packets, maxlen=0)
                    else:
                        self._take(one.piece, parts, packets)

    def _color(self, pieces: Sequence[Piece], *, is_kept: bool) -> None:
        """Color shots that follow each other, or grade their kept colors."""
        job, settings = self._run.job, self._run.settings
        source = as_written(job.source, job.encoding)
        first = pieces[0].shot.number
        colors = ColorKeeper(None if is_kept else self._run.cache, self._keys)
        for margin in MARGINS_SECONDS:
            numbered = read_pieces(source, pieces, margin, settings.input.hwaccel)
            shots = self._colored(numbered, pieces[0].first_frame, is_kept=is_kept)
            try:
                with closing(shots) as colored, closing(colors):
                    keeper = ShotKeeper(job, settings, self._checkpoint, colors=colors)
                    keeper.keep(colored, self._run.listener)
            except StrayedError:
                if margin is None:
                    raise
                self._checkpoint.restart(first)
            else:
                return

    def _colored(
        self, numbered: Iterable[Numbered], first_frame: int, *, is_kept: bool
    ) -> Generator[Colored, None, None]:
        """The frames of some shots in color."""
        model, settings = self._run.model, self._run.settings
        if is_kept:
            return grade_shots(numbered, self._kept_of, model, settings, self._run.direction)
        past = Past(first_frame, self._memory)
        return colorize_shots(numbered, past, model, settings, self._directed)

    def _kept_of(self, shot: Shot) -> KeptShot:
        """The decoded colors of a shot that are kept."""
        if self._run.cache is None:
            raise ValueError("nothing is kept")
        piece = self._plan[shot.number].piece
        anchors = anchors_of(piece, self._run.job, self._run.direction)
        return KeptShot(anchors_digest(anchors), self._run.cache.read(self._keys[shot.number]))

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
    film, cache = find_earlier(provenance), find_cache(provenance)
    if film is None and (cache is None or not cache.is_whole):
        return ()
    job, settings = provenance.job, provenance.settings
    pieces = list(find_pieces(read_job(job, settings, Damage()), sys.maxsize))
    plan = plan_shots(pieces, film, provenance, cache)
    changed = [one for one in plan if one.reason]
    network = {"graded": "; without the network, as its colors are kept"}
    return (
        f"{len(changed)} of {len(plan)} shots; the others are copied from the existing film",
        *(
            f"shot {one.piece.shot.number + 1}: {one.reason}{network.get(one.way, '')}"
            for one in changed
        ),
    )
