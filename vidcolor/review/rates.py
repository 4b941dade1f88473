"""How often people were fooled, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from vidcolor.review.store import Answer

CONFIDENCE = 0.95
FEWEST_PARTICIPANTS = 3
"""From this many on people are resampled: answers of one person are more alike than by chance."""

_RESAMPLES = 10_000
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its interval.

    Attributes:
        share: In [0, 1].
        low: Lower end of the interval.
        high: Upper end.
        answers: How many answers it is of.
        participants: How many people gave them.
    """

    share: float
    low: float
    high: float
    answers: int
    participants: int

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} ({self.low:.1%} to {self.high:.1%}), "
            f"{self.answers} answers of {self.participants}"
        )


def fooling_rate(answers: Sequence[Answer]) -> Rate | None:
    """How often a colorized picture was taken for real; None without an answer.

    Of pairs that is how often the real one was said to be colorized: 50 % is all that can be
    expected, and is perfect (Zhang et al. 2016, arXiv:1603.08511, section 4.1). Of singles, how
    often a colorized one was said to be real. The interval is E. B. Wilson's (1927), and from
    `FEWEST_PARTICIPANTS` people on the wider of that and of a bootstrap over people.

    Args:
        answers: Of one kind.
    """
    return _rate([(a.participant, a.said != a.shows) for a in answers if a.shows != "real"])


def recognition_rate(answers: Sequence[Answer]) -> Rate | None:
    """Of singles, how often a real picture was said to be real; None without an answer."""
    return _rate([(a.participant, a.said == a.shows) for a in answers if a.shows == "real"])


def _rate(marks: Sequence[tuple[str, bool]]) -> Rate | None:
    if not marks:
        return None
    count, hits = len(marks), sum(mark for _, mark in marks)
    interval = binomtest(hits, count).proportion_ci(CONFIDENCE, method="wilson")
    low, high = float(interval.low), float(interval.high)
    people = sorted({who for who, _ in marks})
    if len(people) >= FEWEST_PARTICIPANTS:
        own = np.array([_tally(marks, who) for who in people])  # (people, 2)
        drawn = np.random.default_rng(_SEED).integers(0, len(people), (_RESAMPLES, len(people)))
        sums = own[drawn].sum(1)
        tail = (1 - CONFIDENCE) / 2
        ends = np.quantile(sums[:, 0] / sums[:, 1], [tail, 1 - tail])
        low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    return Rate(share=hits / count, low=low, high=high, answers=count, participants=len(people))


def _tally(marks: Sequence[tuple[str, bool]], who: str) -> tuple[int, int]:
    own = [mark for participant, mark in marks if participant == who]
    return sum(own), len(own)
