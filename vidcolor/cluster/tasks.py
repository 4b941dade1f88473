"""The tasks of a machine: find a film's shots, or color some of them. Nothing here knows Ray."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

from vidcolor.cluster.store import Store
from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.directing.evidence import Directed, EvidenceOf
from vidcolor.errors import ClusterError, SourceGoneError
from vidcolor.files import work_path
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.coloring import Begun, Listener, ShotKeeper, read_job, recalled_memory
from vidcolor.film.evidence import evidence_of, find_evidence
from vidcolor.film.matching import find_matches
from vidcolor.film.provenance import versions
from vidcolor.film.source_digest import (
    SourceDigest,
    find_stamp,
    refuse_changed,
    size_and_mtime,
)
from vidcolor.models.named import Load, load_named
from vidcolor.models.zoo import Model
from vidcolor.pipeline.run import Past, colorize_shots
from vidcolor.reading.reader import Damage
from vidcolor.settings import Settings
from vidcolor.shots.pieces import MARGINS_SECONDS, Piece, StrayedError, find_pieces, read_pieces
from vidcolor.writing.mixed_frames import as_written
from vidcolor.writing.plan import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """A film whose shots other machines color.

    Attributes:
        job: The film and how it is written; its path is the same on all machines.
        settings: All settings.
        digest: The film by its content.
        store: URL of the folder for colored shots.
        versions: Versions of the programs that decide the bytes, by name.
        part_frames: How many frames a part of a shot has.
        direction: What a color script says of the frames.
    """

    job: Job
    settings: Settings
    digest: SourceDigest
    store: str
    versions: Mapping[str, str]
    part_frames: int
    direction: Direction = NO_DIRECTION


class Ended(NamedTuple):
    """How some shots ended, for those that return to them or go on.

    Attributes:
        endings: That of each whole shot, by number.
        begun: What the last one goes on with, if more parts of it come.
    """

    endings: dict[int, bytes]
    begun: Begun | None = None


def find_shots(order: ClusterJob) -> Iterator[Piece | Damage]:
    """Yield a film's shots and parts as they are found, then the damage of the source.

    Raises:
        VidcolorError: It cannot be read here, or has changed.
    """
    _refuse_difference(order)
    losses = Damage()
    frames = read_job(order.job, order.settings, losses)
    source = order.job.source
    # Files may have other numbers on this machine.
    digest = order.digest._replace(stamp=find_stamp(source.files))
    with closing(refuse_changed(frames, source, digest)) as seen:
        yield from find_pieces(seen, order.part_frames)
    yield losses


class Models(NamedTuple):
    """What predicts.

    Attributes:
        film: The film's model.
        load: Gives those that a color script names.
    """

    film: Model
    load: Load = load_named


def color_shots(
    order: ClusterJob, models: Models, pieces: Sequence[Piece], before: Ended
) -> tuple[str, Ended]:
    """Color consecutive shots or parts, and put them into the store.

    Args:
        order: The film.
        models: What predicts.
        pieces: The shots and parts.
        before: How earlier shots ended; at least those that these return to, and that which the
            first piece goes on with.

    Returns:
        The name of the file in the store, and how these shots ended.

    Raises:
        VidcolorError: They cannot be colored, or the film has changed.
    """
    _refuse_difference(order)
    wanted = {piece.shot.returns_to for piece in pieces}
    recalled = {shot: data for shot, data in before.endings.items() if shot in wanted}
    before = Ended(recalled, None if pieces[0].begins_shot else before.begun)
    for margin in MARGINS_SECONDS:
        with TemporaryDirectory(prefix="vidcolor-") as folder:
            target = Path(folder, "shots")
            try:
                ended = _color(order, models, pieces, before, target, margin)
            except StrayedError:
                if margin is None:
                    raise
                continue
            name = f"{pieces[0].first_frame:08d}-{uuid4().hex}"
            Store(order.store).put(work_path(target), name)
            return name, ended
    raise AssertionError("the last margin is None")


def _color(
    order: ClusterJob,
    models: Models,
    pieces: Sequence[Piece],
    before: Ended,
    target: Path,
    margin: int | None,
) -> Ended:
    """Color shots into a checkpoint of their own; how they ended."""
    job, settings, model = order.job, order.settings, models.film
    source = as_written(job.source, job.encoding)
    frames = read_pieces(source, pieces, margin, settings.input.hwaccel)
    with Checkpoint(target, {}) as checkpoint:
        memory = recalled_memory(checkpoint, sorted(before.endings.items()), model.device)
        begun, ends_shot = before.begun, pieces[-1].ends_shot
        past = Past(pieces[0].first_frame, memory, begun and begun.state)
        evidence = _evidence(order, models, pieces)
        directed = Directed(order.direction, evidence, find_matches(model), models.load)
        shots = colorize_shots(frames, past, model, settings, directed)
        with closing(shots) as colored:
            keeper = ShotKeeper(job, settings, checkpoint, begun=begun)
            keeper.keep(colored, Listener(), goes_on=not ends_shot)
        endings = dict(checkpoint.endings())
        if not ends_shot:
            endings.pop(pieces[-1].shot.number, None)  # it is none yet
        return Ended(endings, Begun.of(checkpoint))


def _evidence(order: ClusterJob, models: Models, pieces: Sequence[Piece]) -> EvidenceOf:
    """What gives the evidence of some shots."""
    told = order.job, models.film, order.settings, order.direction, models.load
    if all(piece.begins_shot and piece.ends_shot for piece in pieces):
        return evidence_of(pieces, *told)
    # A hint may lie in another part of the shot, which only a pass through the film finds.
    return find_evidence(read_job(order.job, order.settings, Damage()), *told)


def _refuse_difference(order: ClusterJob) -> None:
    """Raise if this machine has other versions, or not the same film."""
    here, host = versions(), platform.node()
    for name, version in order.versions.items():
        if here[name] != version:
            raise ClusterError(
                f"{host}: has {name} {here[name]}, but the head has {version}; "
                "install the same version on all machines"
            )
    source = order.job.source
    try:
        is_same = size_and_mtime(source.files) == order.digest[:2]
    except SourceGoneError:
        is_same = False
    if not is_same:
        raise ClusterError(
            f"{source.path}: does not exist on {host}, or is a different file; "
            "all machines must see the films under the same paths"
        )
