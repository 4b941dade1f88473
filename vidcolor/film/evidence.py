"""What hints say of the shots of a film: found before a shot is colored, by reading it once more.

A first pass over luma finds the shots that have hints. Each is read by itself when its turn comes,
so that its first frames know what is said of a later one.
"""

import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

from vidcolor.directing.direction import Direction, PlacedHint, hint_facts
from vidcolor.directing.evidence import EvidenceOf, ShotEvidence, Told
from vidcolor.directing.hints import told_by
from vidcolor.directing.script import digest_of
from vidcolor.errors import SettingError
from vidcolor.frame import Frame, Map, Numbered, Seen
from vidcolor.models.features import find_features
from vidcolor.models.zoo import Model, suited
from vidcolor.settings import RENDER_SIZE, Settings
from vidcolor.shot import Shot
from vidcolor.shots.pieces import MARGINS_SECONDS, Piece, StrayedError, find_pieces, read_pieces
from vidcolor.shots.seeing import see_frames
from vidcolor.writing.mixed_frames import as_written
from vidcolor.writing.plan import Job


class _HintedShot(NamedTuple):
    """A shot and its hints, by the number of their frame."""

    piece: Piece
    hints: Mapping[int, Sequence[PlacedHint]]


def find_evidence(
    frames: Generator[Frame, None, None] | Iterator[Frame],
    job: Job,
    model: Model,
    settings: Settings,
    direction: Direction,
) -> EvidenceOf:
    """What gives the evidence of each shot, once all shots with hints are known.

    Args:
        frames: The film's frames, read as far as the last shot with a hint; closed at the end.
        job: The film.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.

    Raises:
        SettingError: The whole film is read and has no frame of a hint.
    """
    pieces: list[Piece] = []
    missing = set(range(len(direction.hints)))
    if missing:
        for piece in find_pieces(frames, sys.maxsize):
            found = _hints_of(piece, job, direction)
            if found:
                pieces.append(piece)
                missing -= {number for number, _ in _placed(piece, job, direction)}
            if not missing:
                break
        if isinstance(frames, Generator):
            frames.close()
    is_whole = settings.start_seconds == 0 and settings.duration_seconds is None
    for number in sorted(missing) if is_whole else ():
        hint = direction.hints[number].hint
        raise SettingError(
            f"{hint.place or 'hint'}: frame {hint.frame} is none of {job.source.path.name}. "
            "Correct it."
        )
    return evidence_of(pieces, job, model, settings, direction)


def evidence_of(
    pieces: Iterable[Piece], job: Job, model: Model, settings: Settings, direction: Direction
) -> EvidenceOf:
    """What gives the evidence of each of some shots; None for a shot without hints.

    Args:
        pieces: The shots.
        job: The film.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
    """
    settings = suited(settings, model)
    hinted = {
        piece.shot.number: _HintedShot(piece, found)
        for piece in pieces
        if (found := _hints_of(piece, job, direction))
    }

    def gather(shot: Shot) -> ShotEvidence | None:
        found = hinted.get(shot.number)
        return None if found is None else _gather(found, job, model, settings)

    return gather


def evidence_of_frame(
    numbered: Numbered, model: Model, settings: Settings, direction: Direction
) -> EvidenceOf:
    """What gives the evidence of a frame that is colored by itself: its own hints.

    Args:
        numbered: The frame.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
    """
    frame, film = numbered.frame, direction.film
    begin = frame.pts * frame.time_base - film.first_seconds
    end = begin + (frame.duration * frame.time_base or 1 / film.rate)
    hints = [one for one in direction.hints if one.span.holds(frame.index, begin, end)]
    settings = suited(settings, model)

    def gather(_: Shot) -> ShotEvidence | None:
        if not hints:
            return None
        seen = _seen([numbered], settings)
        return ShotEvidence(seen, partial(_anchor, {frame.index: hints}, model), frame.index)

    return gather


def _hints_of(piece: Piece, job: Job, direction: Direction) -> dict[int, list[PlacedHint]]:
    """The hints of a shot by the number of their frame."""
    found: dict[int, list[PlacedHint]] = {}
    for number, frame in _placed(piece, job, direction):
        found.setdefault(frame, []).append(direction.hints[number])
    return found


def _placed(piece: Piece, job: Job, direction: Direction) -> Iterator[tuple[int, int]]:
    """The number of each hint that lies in a shot, and that of its frame."""
    film, base = direction.film, job.source.time_base
    for number, one in enumerate(direction.hints):
        for offset, (time, duration) in enumerate(zip(piece.times, piece.durations, strict=True)):
            begin = int(time) * base - film.first_seconds
            end = begin + (int(duration) * base or 1 / film.rate)
            frame = piece.first_frame + offset
            if one.span.holds(frame, begin, end):
                yield number, frame
                break


def _gather(shot: _HintedShot, job: Job, model: Model, settings: Settings) -> ShotEvidence:
    """Read a shot, and carry what its hints say to all of its frames."""
    source = as_written(job.source, job.encoding)
    folder = job.encoding.path.parent
    digest = digest_of([hint_facts(one) for hints in shot.hints.values() for one in hints])
    anchor_of = partial(_anchor, shot.hints, model)
    for margin in MARGINS_SECONDS:
        numbered = read_pieces(source, [shot.piece], margin, settings.input.hwaccel)
        try:
            with closing(numbered):
                return ShotEvidence(
                    _seen(numbered, settings),
                    anchor_of,
                    last_anchor=max(shot.hints),
                    folder=folder if folder.is_dir() else None,
                    digest=digest,
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


def _anchor(hints: Mapping[int, Sequence[PlacedHint]], model: Model, seen: Seen) -> Told | None:
    """What is said of a frame itself."""
    found = hints.get(seen.frame.index)
    if found is None:
        return None

    def features_of(one: Seen) -> Map:
        return find_features(one, model)

    return told_by([one.hint for one in found], seen, features_of)
