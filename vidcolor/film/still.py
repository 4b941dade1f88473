"""One frame colored by itself, as a color script directs it."""

from collections.abc import Sequence
from contextlib import closing

from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import Directed, MatchOf
from vidcolor.film.evidence import evidence_of_frame
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
        others: See `evidence_of_frame`.
    """
    evidence = evidence_of_frame(numbered, model, settings, direction, others)
    directed = Directed(direction, evidence, match_of)
    past = Past(0, ShotMemory(1))
    with closing(colorize_shots([numbered], past, model, settings, directed)) as colored:
        return next(colored)
