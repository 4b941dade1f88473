"""How sure a mean over pictures is, if the pictures come from few sources.

Pictures of one source are alike: one photographer, one camera, one light. So sources are drawn
again with replacement, each with all of its pictures, not pictures: A. C. Davison, D. V. Hinkley,
"Bootstrap Methods and their Application", 1997, section 3.8. Intervals are percentiles: B. Efron,
R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
"""

from collections.abc import Mapping, Sequence
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
COVERED = 0.95
"""Share of the draws that an interval holds."""

Counts = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean and its interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Give as many digits as matter for figures in percent and in ab units."""
        digits = 2 if max(abs(part) for part in self) >= 1 else 3
        mean, low, high = (f"{part:.{digits}f}" for part in self)
        return f"{mean} [{low}, {high}]"


Estimates = dict[str, Estimate]
Row = Mapping[str, float]


def draw_sources(sources: Sequence[str], seed: int = 0, draws: int = DRAWS) -> Counts:
    """How often each picture is there in each draw of as many sources as there are.

    Args:
        sources: Of each picture; all different to draw pictures.
        seed: The same gives the same draws, so that two models are compared on the same pictures.
        draws: How many.

    Returns:
        (draws, pictures).
    """
    _, numbers = np.unique(np.asarray(sources), return_inverse=True)
    count = int(numbers.max()) + 1
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=draws)
    return np.asarray(drawn[:, numbers], np.float64)


def estimate_mean(values: Sequence[float], counts: Counts) -> Estimate | None:
    """The mean over pictures, and between which values `COVERED` of its draws lie.

    Of a difference of two models give picture by picture the one's figure less the other's.

    Args:
        values: Of each picture; NaN where there is none, which leaves the picture out.
        counts: Of `draw_sources`, (draws, pictures).

    Returns:
        None if no picture has a value.
    """
    figures = np.asarray(values, np.float64)
    known = np.isfinite(figures)
    if not known.any():
        return None
    figures, counts = figures[known], counts[:, known]
    totals = counts.sum(1)
    means = (counts @ figures)[totals > 0] / totals[totals > 0]
    tail = (1 - COVERED) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(float(figures.mean()), float(low), float(high))


def estimate_figures(rows: Sequence[Row], names: Sequence[str], counts: Counts) -> Estimates:
    """Mean and interval of each named figure that any picture has.

    Args:
        rows: Figures of each picture.
        names: Of the figures wanted.
        counts: Of `draw_sources`, (draws, pictures).
    """
    found = {name: estimate_mean([row.get(name, nan) for row in rows], counts) for name in names}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def estimate_differences(
    ones: Sequence[Row], others: Sequence[Row], names: Sequence[str], counts: Counts
) -> Estimates:
    """How much more the others' figures are than the ones', picture by picture.

    Args:
        ones: Figures of each picture in one model's colors.
        others: The same pictures' in another's.
        names: Of the figures wanted.
        counts: Of `draw_sources`, (draws, pictures).
    """
    differences = [
        {name: other.get(name, nan) - one.get(name, nan) for name in names}
        for one, other in zip(ones, others, strict=True)
    ]
    return estimate_figures(differences, names, counts)
