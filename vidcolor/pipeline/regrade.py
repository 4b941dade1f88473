"""Frames whose decoded colors are kept from an earlier run: graded anew, without the network."""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from vidcolor.directing.direction import Direction
from vidcolor.frame import Guess, Map, Seen
from vidcolor.models.zoo import Model
from vidcolor.pipeline.parts import part_frames
from vidcolor.pipeline.shot import grade_frame
from vidcolor.settings import ColorSettings
from vidcolor.shot import Shot, ShotState, Ungraded


class KeptShot(NamedTuple):
    """What an earlier run found for a shot, which holds still.

    Attributes:
        evidence: What tells the hints and anchored references of it; None for none.
        frames: For each frame its decoded colors, (2, h, w) a* and b*, and the confidence.
    """

    evidence: str | None
    frames: Generator[tuple[Map, float], None, None]


KeptOf = Callable[[Shot], KeptShot]


def grade_kept(
    seen: Iterable[Seen], kept_of: KeptOf, model: Model, color: ColorSettings, direction: Direction
) -> Generator[Guess, None, None]:
    """Yield each frame of some shots with the colors that are wanted of it now.

    Args:
        seen: The frames.
        kept_of: Gives what is kept of a shot.
        model: Decides where the parts of a shot end.
        color: What the user sets for the film.
        direction: What a color script says of it.
    """
    for shot, members in groupby(seen, key=attrgetter("shot")):
        evidence, kept = kept_of(shot)
        with closing(kept):
            for count, (one, (ab, confidence)) in enumerate(zip(members, kept, strict=True), 1):
                look = direction.look_of(one.frame, shot)
                references = direction.references_of(one.frame, shot)
                said = direction.digest_of(look.before_grading, references, evidence)
                directed = direction.digest_of(look, references, evidence)
                ungraded = Ungraded(ab, said)
                guess = grade_frame(one, ungraded, look, color, confidence, directed=directed)
                if count % part_frames(one.frame.picture, model) == 0:
                    guess = guess._replace(state=ShotState(cards=one.cards))
                yield guess
