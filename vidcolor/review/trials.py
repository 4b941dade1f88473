"""Which pictures one person sees, in which order and on which side."""

from dataclasses import dataclass
from random import Random

PRACTICE = 4
"""Trials at the beginning that reveal the answer and do not count; of few pictures a quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One question.

    Attributes:
        picture: Name of the pair that it is about.
        shows: See `Answer`.
        is_practice: Whether it counts not.
    """

    picture: str
    shows: str
    is_practice: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is shown, from left to right."""
        if self.shows in {"real", "colorized"}:
            return (self.shows,)
        return ("colorized", "real") if self.shows == "left" else ("real", "colorized")


def draw_trials(names: list[str], *, seed: int, count: int, singles: bool) -> list[Trial]:
    """The trials of one person: each picture once at most, half of them on each side.

    Args:
        names: Of the pictures.
        seed: Of the person; the same gives the same trials.
        count: How many count, at most. Before them come those to practise, with other pictures.
        singles: Show one picture at a time, in place of pairs.
    """
    chance = Random(seed)  # noqa: S311 - no secret
    order = chance.sample(names, len(names))
    practice = min(PRACTICE, len(names) // 4)
    words = ("real", "colorized") if singles else ("left", "right")
    counted = order[practice:][:count]
    sides = [words[index % 2] for index in range(len(counted))]
    chance.shuffle(sides)
    return [
        Trial(picture=name, shows=chance.choice(words), is_practice=True)
        for name in order[:practice]
    ] + [
        Trial(picture=name, shows=side, is_practice=False)
        for name, side in zip(counted, sides, strict=True)
    ]
