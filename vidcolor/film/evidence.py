"""What hints and references say of a film's shots, found by reading each once more before coloring.

A first pass over luma finds the shots that have any. Each is read by itself when its turn comes,
so that its first frames know what is said of a later one.
"""

import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from vidcolor.color.decode import decode_prediction
from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import FINER, EvidenceOf, ShotEvidence, Told, merge
from vidcolor.directing.hints import OBSERVATIONS, told_by
from vidcolor.directing.matching import least_observations
from vidcolor.directing.pictures import ColorPicture, read_picture
from vidcolor.directing.placed import Anchor, PlacedHint, PlacedReference, anchor_facts
from vidcolor.directing.references import told_by_painting, told_by_reference
from vidcolor.directing.script import digest_of
from vidcolor.errors import SettingError
from vidcolor.frame import Frame, Map, Numbered, Seen
from vidcolor.models.features import find_features
from vidcolor.models.named import Load, load_named
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, suited
from vidcolor.pipeline.choices import Choices
from vidcolor.settings import RENDER_SIZE, Settings
from vidcolor.shot import Shot
from vidcolor.shots.pieces import MARGINS_SECONDS, Piece, StrayedError, find_pieces, read_pieces
from vidcolor.shots.seeing import see_frames
from vidcolor.writing.mixed_frames import as_written
from vidcolor.writing.plan import Job


class _AnchoredShot(NamedTuple):
    """A shot and its hints and references, by the number of their frame."""

    piece: Piece
    anchors: Mapping[int, Sequence[Anchor]]


def find_evidence(
    frames: Generator[Frame, None, None] | Iterator[Frame],
    job: Job,
    model: Model,
    settings: Settings,
    direction: Direction,
    load: Load = load_named,
) -> EvidenceOf:
    """What gives the evidence of each shot, once all shots with hints or references are known.

    Args:
        frames: The film's frames, read as far as the last shot with any; closed at the end.
        job: The film.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
        load: Gives the models that it names.

    Raises:
        SettingError: The whole film is read and has not one of the frames.
    """
    pieces: list[Piece] = []
    anchors = direction.anchors
    missing = set(range(len(anchors)))
    if missing:
        for piece in find_pieces(frames, sys.maxsize):
            found = anchors_of(piece, job, direction)
            if found:
                pieces.append(piece)
                missing -= {number for number, _ in _placed(piece, job, direction)}
            if not missing:
                break
        if isinstance(frames, Generator):
            frames.close()
    is_whole = settings.start_seconds == 0 and settings.duration_seconds is None
    for number in sorted(missing) if is_whole else ():
        raise SettingError(
            f"{_place_of(anchors[number])}: frame {_text_of(anchors[number])} is none of "
            f"{job.source.path.name}. Correct it."
        )
    return evidence_of(pieces, job, model, settings, direction, load)


def evidence_of(
    pieces: Iterable[Piece],
    job: Job,
    model: Model,
    settings: Settings,
    direction: Direction,
    load: Load = load_named,
) -> EvidenceOf:
    """What gives the evidence of each of some shots; None for a shot without any.

    Args:
        pieces: The shots.
        job: The film.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
        load: Gives the models that it names.
    """
    choices = Choices(model, suited(settings, model), direction, load)
    anchored = {
        piece.shot.number: _AnchoredShot(piece, found)
        for piece in pieces
        if (found := anchors_of(piece, job, direction))
    }

    def gather(shot: Shot) -> ShotEvidence | None:
        found = anchored.get(shot.number)
        if found is None:
            return None
        return _gather(found, job, choices.model_of(shot), choices.settings_of(shot))

    return gather


def evidence_of_frames(
    frames: Sequence[Numbered],
    model: Model,
    settings: Settings,
    direction: Direction,
    others: Sequence[Numbered] = (),
) -> EvidenceOf:
    """What gives the evidence of some frames that are colored without the rest of their shot.

    Their own hints and references count, and those of other frames of the shot as far as the way
    from there can be found at once: in the film they come frame by frame. Where that fails likeness
    to a reference's frame counts, as in the film.

    Args:
        frames: One frame at least, in the order shown, one after the other.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
        others: Frames of the shot of which anything is said, in the order shown.
    """
    first, last = frames[0].frame.index, frames[-1].frame.index
    before = [one for one in others if one.frame.index < first]
    known = [*before, *frames, *(one for one in others if one.frame.index > last)]
    anchors: dict[int, list[Anchor]] = {}
    near = []  # as if they followed each other
    for number, one in enumerate(known, first - len(before)):
        near.append(one._replace(frame=replace(one.frame, index=number)))
        if found := list(anchors_at(one.frame, direction)):
            anchors[number] = found
    choices = Choices(model, suited(settings, model), direction)

    def gather(shot: Shot) -> ShotEvidence | None:
        if not anchors:
            return None
        references: dict[PlacedReference, float] = {}
        return ShotEvidence(
            _seen(near, choices.settings_of(shot)),
            partial(_anchor, anchors, choices.model_of(shot), references),
            max(anchors),
            finer=_finer(_listed(anchors)),
            references=references,
        )

    return gather


def anchors_at(frame: Frame, direction: Direction) -> Iterator[Anchor]:
    """The hints and anchored references of a frame."""
    times = direction.times_of(frame)
    for one in direction.anchors:
        if one.span is not None and one.span.holds(frame.index, *times):
            yield one


def anchors_of(piece: Piece, job: Job, direction: Direction) -> dict[int, list[Anchor]]:
    """The hints and anchored references of a shot by the number of their frame."""
    found: dict[int, list[Anchor]] = {}
    for number, frame in _placed(piece, job, direction):
        found.setdefault(frame, []).append(direction.anchors[number])
    return found


def anchors_digest(anchors: Mapping[int, Sequence[Anchor]]) -> str | None:
    """What tells what is said of a shot's frames from other words; None for nothing."""
    return digest_of([anchor_facts(one) for one in _listed(anchors)]) if anchors else None


def _listed(anchors: Mapping[int, Sequence[Anchor]]) -> list[Anchor]:
    return [one for said in anchors.values() for one in said]


def _placed(piece: Piece, job: Job, direction: Direction) -> Iterator[tuple[int, int]]:
    """The number of each hint or reference that lies in a shot, and that of its frame."""
    film, base = direction.film, job.source.time_base
    for number, one in enumerate(direction.anchors):
        for offset, (time, duration) in enumerate(zip(piece.times, piece.durations, strict=True)):
            begin = int(time) * base - film.first_seconds
            end = begin + (int(duration) * base or 1 / film.rate)
            frame = piece.first_frame + offset
            if one.span is not None and one.span.holds(frame, begin, end):
                yield number, frame
                break


def _gather(shot: _AnchoredShot, job: Job, model: Model, settings: Settings) -> ShotEvidence:
    """Read a shot, and carry what is said of some of its frames to all of its frames."""
    source = as_written(job.source, job.encoding)
    folder = job.encoding.path.parent
    anchors = _listed(shot.anchors)
    references: dict[PlacedReference, float] = {}
    anchor_of = partial(_anchor, shot.anchors, model, references)
    for margin in MARGINS_SECONDS:
        numbered = read_pieces(source, [shot.piece], margin, settings.input.hwaccel)
        try:
            with closing(numbered):
                return ShotEvidence(
                    _seen(numbered, settings),
                    anchor_of,
                    last_anchor=max(shot.anchors),
                    folder=folder if folder.is_dir() else None,
                    digest=anchors_digest(shot.anchors) or "",
                    finer=_finer(anchors),
                    references=references,
                )
        except StrayedError:
            if margin is None:
                raise
    raise AssertionError("the last margin is None")


def _seen(numbered: Iterable[Numbered], settings: Settings) -> Iterator[Seen]:
    """Frames as the network sees them."""
    return see_frames(
        numbered,
        settings.model.render_size or RENDER_SIZE,
        negative=settings.color.negative,
        logarithmic=settings.color.log_to_lightness,
    )


def _anchor(
    anchors: Mapping[int, Sequence[Anchor]],
    model: Model,
    matched: dict[PlacedReference, float],
    seen: Seen,
) -> Told | None:
    """What is said of a frame itself: by hints, and where they say nothing by references.

    Args:
        anchors: What is said, by number of frame.
        model: What predicts.
        matched: Gets how much a match with each reference counts; see `least_observations`.
        seen: The frame.
    """
    found = anchors.get(seen.frame.index)
    if found is None:
        return None
    by_hints = _told_by_hints([one for one in found if isinstance(one, PlacedHint)], model, seen)
    by_references = []
    for one in found:
        if isinstance(one, PlacedReference):
            told = told_by_reference(_picture_of(one), seen, one.reference.strength)
            matched[one] = least_observations(told.coarse_ab, _predicted(seen, model))
            by_references.append(told)
    if by_hints and by_references:
        left = 1 - (by_hints.observations / OBSERVATIONS).clip(0, 1)
        by_references = [
            one._replace(observations=one.observations * left) for one in by_references
        ]
    parts = [*([by_hints] if by_hints else []), *by_references]
    return merge(parts) if parts else None


def _predicted(seen: Seen, model: Model) -> Map:
    """What the net makes of a frame, (2, h, w) a* and b* at the map's size."""
    (mapped,) = predict_frames([seen], model, batch_size=1)
    likely = decode_prediction(mapped.prediction.map, model.decoding, vividness=0.0)
    return np.asarray(likely.ab.float().cpu().numpy(), np.float32)


def _told_by_hints(hints: Sequence[PlacedHint], model: Model, seen: Seen) -> Told | None:
    def features_of(one: Seen) -> Map:
        return find_features(one, model)

    drawn = [one.hint for one in hints if one.path is None]
    parts = [told_by(drawn, seen, features_of)] if drawn else []
    for one in hints:
        if one.path is not None:
            painted = told_by_painting(_picture_of(one), seen, features_of)
            if painted is None:
                raise SettingError(
                    f"{_place_of(one)}: {one.path}: all paint lies on the bars around the "
                    "picture. Paint inside them."
                )
            parts.append(painted)
    return merge(parts) if parts else None


def _picture_of(one: Anchor) -> ColorPicture:
    if one.path is None:
        raise ValueError("has no picture")
    return read_picture(one.path, _place_of(one), one.sha256)


def _finer(anchors: Iterable[Anchor]) -> int:
    """How fine the colors are that are said."""
    return FINER if any(isinstance(one, PlacedReference) for one in anchors) else 1


def _place_of(one: Anchor) -> str:
    """What errors call it."""
    if isinstance(one, PlacedHint):
        return one.hint.place or "hint"
    return one.reference.place or "reference"


def _text_of(one: Anchor) -> str:
    return "" if one.span is None else one.span.text
