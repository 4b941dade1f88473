"""The rate of a film by the times of its packets: on average, and exact behind rounded times."""

from dataclasses import dataclass
from fractions import Fraction
from math import inf

from vidcolor.reading.clock import ExactRate
from vidcolor.reading.source import Source
from vidcolor.timecode import NTSC

USUAL_RATES = [Fraction(rate) for rate in (16, 18, 20, 24, 25, 30, 48, 50, 60)]
USUAL_RATES += [rate * NTSC for rate in (24, 30, 48, 60)]
# A film whose frames come clearly slower than its header says has other frames than it says.
SLOWER_SHARE = 0.99
SNAP_SHARE = 0.002
FEWEST_FRAMES = 3
# Of the unit that a container rounds times to; more where it cuts them off.
ROUNDING = 0.5 + 1e-6


@dataclass(slots=True)
class _Candidate:
    """A rate, and where in a unit the film's first frame must lie if all frames keep it."""

    rate: Fraction
    step: Fraction
    low: float = -inf
    high: float = inf
    first: int = 0
    last: int = 0
    _step: float = 0.0

    def __post_init__(self) -> None:
        self._step = float(self.step)

    def add(self, offset: int) -> None:
        """Take in a frame's time after the first one, in the container's unit."""
        number = round(offset / self._step)
        off = offset - number * self._step
        self.low, self.high = max(self.low, off - ROUNDING), min(self.high, off + ROUNDING)
        self.first, self.last = min(self.first, number), max(self.last, number)


class RateFinder:
    """Takes in the times of a film's frames in any order.

    Args:
        source: What its header says of it.
    """

    def __init__(self, source: Source) -> None:
        self._stated, self._unit = source.frame_rate, source.time_base
        rates = dict.fromkeys([source.frame_rate, *USUAL_RATES])
        self._candidates = [_Candidate(rate, 1 / rate / self._unit) for rate in rates]
        self._origin: int | None = None
        self._ends = (0, 0)
        self._count = 0

    def add(self, pts: int | None) -> None:
        """Take in a frame."""
        if pts is None:
            return
        if self._origin is None:
            self._origin = pts
            self._ends = (pts, pts)
        self._count += 1
        self._ends = (min(self._ends[0], pts), max(self._ends[1], pts))
        for one in self._candidates:
            one.add(pts - self._origin)
        self._candidates = [one for one in self._candidates if one.low <= one.high]

    def average(self) -> Fraction:
        """The stated rate, or the measured one where frames come clearly slower."""
        length = (self._ends[1] - self._ends[0]) * self._unit
        if self._count < FEWEST_FRAMES or not length:
            return self._stated
        constant = self.constant()
        if constant is not None:
            return constant
        measured = (self._count - 1) / length
        if measured >= SLOWER_SHARE * self._stated:
            return self._stated
        nearest = min(USUAL_RATES, key=lambda rate: abs(rate - measured))
        is_near = abs(nearest - measured) < SNAP_SHARE * measured
        # Of a rate that is near 0, as where a few frames lie hours apart, the limit is 0.
        return nearest if is_near else measured.limit_denominator(1001) or measured

    def constant(self) -> Fraction | None:
        """The rate that all frames keep; None where they keep none, or some are left out."""
        kept = [one for one in self._candidates if one.last - one.first + 1 == self._count]
        return kept[0].rate if kept and self._count >= FEWEST_FRAMES else None

    def exact(self) -> ExactRate | None:
        """The rate that all times are rounded from; None where there is none, or no rounding."""
        rate = self.constant()
        found = next((one for one in self._candidates if one.rate == rate), None)
        if found is None or self._origin is None or found.step.denominator == 1:
            return None
        # Eighths of a unit keep the numbers of the time base small.
        off = min(max(0.0, found.low), found.high)
        origin = self._origin + Fraction(round(off * 8), 8)
        return ExactRate(rate=found.rate, origin_seconds=origin * self._unit, rounded=self._unit)
