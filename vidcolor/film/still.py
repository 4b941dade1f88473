"""One frame, or a piece of a shot, colored by itself, as a color script directs it."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing

from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import Directed, EvidenceOf, MatchOf
from vidcolor.film.evidence import evidence_of_frames
from vidcolor.frame import Colored, Numbered
from vidcolor.models.zoo import Model
from vidcolor.pipeline.run import Past, colorize_shots
from vidcolor.settings import Settings
from vidcolor.temporal.memory import ShotMemory


def color_still(
    numbered: Numbered,
    model: Model,
    settings: Settings,
    direction: Direction,
    match_of: MatchOf,
    others: Sequence[Numbered] = (),
) -> Colored:
    """A frame in color; in a film its colors are smoothed over time as well.

    Args:
        numbered: The frame.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
        match_of: Gives what free references say; see `find_matches`.
        others: See `evidence_of_frames`.
    """
    evidence_of = evidence_of_frames([numbered], model, settings, direction, others)
    piece = color_piece([numbered], model, settings, direction, match_of, evidence_of)
    with closing(piece) as colored:
        return next(colored)


def color_piece(
    frames: Iterable[Numbered],
    model: Model,
    settings: Settings,
    direction: Direction,
    match_of: MatchOf,
    evidence_of: EvidenceOf,
) -> Generator[Colored, None, None]:
    """Yield each of some frames in color, smoothed over time as in a film that begins with them.

    Args:
        frames: Frames of one shot, one after the other.
        model: What predicts.
        settings: All settings.
        direction: What a color script says of the film.
        match_of: See `color_still`.
        evidence_of: What is known of the frames from hints and references; see
            `evidence_of_frames`.
    """
    directed = Directed(direction, evidence_of, match_of)
    past = Past(0, ShotMemory(1))
    with closing(colorize_shots(frames, past, model, settings, directed)) as colored:
        yield from colored
