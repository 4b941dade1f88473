"""What a film's colors did over its time, in figures small enough to keep."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidcolor.report.checks import Flaws, measure_flaws

Map = NDArray[np.float32]

MEAN_WEIGHT = 0.37
"""Of the mean color's distance from grey in colorfulness M1 (Hasler and Suesstrunk 2003)."""


# Figure of a shot, the frame's that it comes from, and -1 where the least is the worst.
_PEAKS = (
    ("colorfulness", "colorfulness", 1),
    ("confidence", "confidence", -1),
    ("limited_share", "gamut_limited_share", 1),
    ("flicker", "change", 1),
    *((name, name, 1) for name in Flaws._fields),
)


class FrameFigures(NamedTuple):
    """The figures of one frame.

    Attributes:
        seconds: Time of the frame since the film's first frame.
        shot: Number of its shot, from 0.
        returns_to: Number of the shot whose colors its shot began with, if any.
        mean_a: Mean of a*.
        mean_b: Mean of b*.
        colorfulness: M1 of the map.
        confidence: How sure the model is of its colors, in [0, 1].
        gamut_limited_share: How much of its chroma the gamut limits, in [0, 1].
        change: Mean distance in ab to the frame before; None for a shot's first frame.
        work_seconds: Time that passed since the frame before.
        glare, skin, patch, jump, contrast: See `Flaws`; None where they are not known, as of frames
            that an earlier version colored.
        kept: `color` or `tint` where the frame has that of its source; None where it is colorized.
        tint: The shot's mean Cb and Cr in the source, in 8-bit codes from neutral; None for one in
            color, and where that is not known.
        active: First row, end, first column and end of its picture inside bars; None for no bars.
        captions: Its closed captions in hexadecimal digits, if they go into a file beside the film.
        directed: Digest of what a color script sets for it; None for nothing.
        overlay: Share of the picture that has a color of its own in the source, as of a subtitle;
            None for nothing.
    """

    seconds: float
    shot: int
    returns_to: int | None
    mean_a: float
    mean_b: float
    colorfulness: float
    confidence: float
    gamut_limited_share: float
    change: float | None
    work_seconds: float
    glare: float | None = None
    skin: float | None = None
    patch: float | None = None
    jump: float | None = None
    contrast: float | None = None
    kept: str | None = None
    tint: Sequence[float] | None = None
    active: Sequence[int] | None = None
    captions: str | None = None
    directed: str | None = None
    overlay: float | None = None


class SourceFacts(NamedTuple):
    """Facts on a shot's source; see `FrameFigures`."""

    kept: str | None = None
    tint: Sequence[float] | None = None
    active: Sequence[int] | None = None
    overlay: float | None = None


@dataclass(slots=True)
class _Sums:
    """Sums over the frames of one second of film, or of one shot."""

    frames: int = 0
    a: float = 0.0
    b: float = 0.0
    colorfulness: float = 0.0
    confidence: float = 0.0
    gamut_limited_share: float = 0.0
    flicker: float = 0.0
    frames_compared: int = 0
    work_seconds: float = 0.0

    def add(self, figures: FrameFigures) -> None:
        """Take in a frame."""
        self.frames += 1
        self.a += figures.mean_a
        self.b += figures.mean_b
        self.colorfulness += figures.colorfulness
        self.confidence += figures.confidence
        self.gamut_limited_share += figures.gamut_limited_share
        if figures.change is not None:
            self.flicker += figures.change
            self.frames_compared += 1
        self.work_seconds += figures.work_seconds

    def means(self) -> dict[str, float | None]:
        """The means over the frames; None where there is no figure."""
        return {
            "mean_a": _ratio(self.a, self.frames),
            "mean_b": _ratio(self.b, self.frames),
            "colorfulness": _ratio(self.colorfulness, self.frames),
            "confidence": _ratio(self.confidence, self.frames),
            "limited_share": _ratio(self.gamut_limited_share, self.frames),
            "flicker": _ratio(self.flicker, self.frames_compared),
        }


class _Peak(NamedTuple):
    """The frame of a shot that has most of a figure."""

    value: float
    frame: int
    seconds: float


@dataclass(slots=True)
class _Directed:
    """A digest of what a color script sets for the frames of one shot."""

    digest: str = ""
    is_directed: bool = False

    def add(self, look: str | None) -> None:
        """Take in the next frame's."""
        self.is_directed |= look is not None
        self.digest = sha256(f"{self.digest};{look or ''}".encode()).hexdigest()

    def facts(self) -> dict[str, str]:
        """`directed`, if something is set."""
        return {"directed": self.digest} if self.is_directed else {}


def directed_digest(looks: Iterable[str | None]) -> str | None:
    """A digest of what a color script sets for the frames of a shot; None if it sets nothing.

    Args:
        looks: A digest of what it sets for each; None for nothing.
    """
    directed = _Directed()
    for look in looks:
        directed.add(look)
    return directed.facts().get("directed")


@dataclass(slots=True)
class _Shot:
    number: int
    returns_to: int | None
    first_frame: int
    start_seconds: float
    source: SourceFacts
    sums: _Sums = field(default_factory=_Sums)
    directed: _Directed = field(default_factory=_Directed)
    peaks: dict[str, _Peak] = field(default_factory=dict)

    def add(self, figures: FrameFigures, frame: int) -> None:
        """Take in frame `frame` of the film."""
        self.sums.add(figures)
        self.directed.add(figures.directed)
        for name, attribute, sign in _PEAKS:
            value = getattr(figures, attribute)
            if value is None or not math.isfinite(value):
                continue
            peak = self.peaks.get(name)
            if peak is None or sign * value > sign * peak.value:
                self.peaks[name] = _Peak(value, frame, figures.seconds)


class Timeline:
    """Figures of a film as it goes by: a row for each second of film, a row for each shot.

    One frame's map is kept and a few numbers for each second and each shot, however many frames
    they have.

    Args:
        past: Frames whose figures are known, from an earlier run.
        before: Number of the shot that the next frame goes on with, and the frame before it there
            as `add` took it: its ab and its lightness; None if a shot begins.
        clock: Seconds that only grow; the first row's work begins when the timeline is made.
    """

    def __init__(
        self,
        past: Iterable[FrameFigures] = (),
        before: tuple[int, Map, Map] | None = None,
        *,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._clock = clock
        self._told = clock()
        self._rows: dict[int, _Sums] = {}
        self._shots: list[_Shot] = []
        self._count = 0
        self._before: Map | None = None
        self._lightness_before: Map | None = None
        self._shot_before: int | None = None
        if before is not None:
            self._shot_before, ab, lightness = before
            self._before, self._lightness_before = ab.reshape(2, -1), lightness.ravel()
        for figures in past:
            self._take(figures)

    def add(  # noqa: PLR0913 - a frame has many figures
        self,
        ab: Map,
        *,
        seconds: float,
        shot: int,
        confidence: float,
        gamut_limited_share: float = 0.0,
        returns_to: int | None = None,
        lightness: Map | None = None,
        source: SourceFacts = SourceFacts(),  # noqa: B008 - immutable
        directed: str | None = None,
    ) -> FrameFigures:
        """Take in the next frame, in the order shown; its figures.

        Args:
            ab: (2, h, w) a* and b*, of one size throughout a shot. It is copied.
            seconds: Time of the frame since the film's first frame.
            shot: Number of its shot, from 0.
            confidence: How sure the model is of its colors, in [0, 1].
            gamut_limited_share: How much of its chroma the gamut limits, in [0, 1].
            returns_to: Number of the shot whose colors its shot began with, if any.
            lightness: (h, w) L* in [0, 100]; without it flaws are not looked for. It is kept, and
                must not be changed afterwards.
            source: Facts on its shot's source.
            directed: Digest of what a color script sets for it; None for nothing.
        """
        if self._shot_before != shot:
            self._before = self._lightness_before = None
        self._shot_before = shot
        flat = np.array(ab, np.float32).reshape(2, -1)  # (2, h * w)
        distances = change = None
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite becomes None
            mean = flat.mean(1)  # (2,)
            colorful = _colorfulness_m1(flat, mean)
            if self._before is not None:
                distances = np.sqrt(np.square(flat - self._before).sum(0))  # faster than hypot
                change = float(distances.mean())
            flaws = None
            if lightness is not None:
                flaws = measure_flaws(flat, lightness.ravel(), distances, self._lightness_before)
                self._lightness_before = lightness.ravel()
        self._before = flat
        now = self._clock()
        figures = FrameFigures(
            seconds=seconds,
            shot=shot,
            returns_to=returns_to,
            mean_a=float(mean[0]),
            mean_b=float(mean[1]),
            colorfulness=colorful,
            confidence=confidence,
            gamut_limited_share=gamut_limited_share,
            change=change,
            work_seconds=now - self._told,
            **({} if flaws is None else flaws._asdict()),
            **source._asdict(),
            directed=directed,
        )
        self._told = now
        self._take(figures)
        return figures

    def _take(self, figures: FrameFigures) -> None:
        if not self._shots or self._shots[-1].number != figures.shot:
            source = SourceFacts(figures.kept, figures.tint, figures.active, figures.overlay)
            shot = _Shot(figures.shot, figures.returns_to, self._count, figures.seconds, source)
            self._shots.append(shot)
        self._rows.setdefault(math.floor(figures.seconds), _Sums()).add(figures)
        self._shots[-1].add(figures, self._count)
        self._count += 1

    @property
    def frames(self) -> int:
        """How many frames were taken in."""
        return self._count

    def shots(self) -> list[dict[str, object]]:
        """The shots of `figures`."""
        return [_shot_facts(shot) for shot in self._shots]

    def figures(self) -> dict[str, object]:
        """Everything taken in so far, as values that JSON has; None where there is no figure.

        Returns:
            `frames`: how many there are.
            `shots`: for each its `number`, that of the shot that it `returns_to` or None, its
            `first_frame` counted from 0 here, its `start_seconds`, its `frames`, what it has of
            its source (`kept`, `tint`, `active`, `overlay` of `FrameFigures`), if a color script
            sets something for its frames a digest of that (`directed`), the means below over all
            of them, and `peaks`: by name of figure, those of `Flaws` among them, the
            `value`, the number (`frame`) and the time (`seconds`) of the frame that has most of it,
            or least `confidence`.
            `timeline`: columns of equal length, a row for each `second` of film that has frames,
            numbered from 0, with its count of `frames`. Means over these frames are `mean_a`,
            `mean_b`, `colorfulness` (M1 of the map), `confidence`, `limited_share` (how much of
            the chroma the gamut limits) and `flicker`: the mean distance in ab to the same pixel
            of the frame before in the same shot. The picture's own motion counts as flicker too;
            a shot's first frame has none. `frames_per_second` is the speed of the work: the row's
            frames over the time spent on them.
        """
        seconds = sorted(self._rows)
        rows = [self._rows[second] for second in seconds]
        columns: dict[str, object] = {"second": seconds, "frames": [row.frames for row in rows]}
        means = [row.means() for row in rows]
        columns |= {name: [each[name] for each in means] for name in _Sums().means()}
        columns["frames_per_second"] = [_ratio(row.frames, row.work_seconds) for row in rows]
        return {"frames": self._count, "shots": self.shots(), "timeline": columns}


def _shot_facts(shot: _Shot) -> dict[str, object]:
    return {
        "number": shot.number,
        "returns_to": shot.returns_to,
        "first_frame": shot.first_frame,
        "start_seconds": shot.start_seconds,
        "frames": shot.sums.frames,
        **shot.directed.facts(),
        **shot.source._asdict(),
        **shot.sums.means(),
        "peaks": {name: _peak_facts(peak) for name, peak in shot.peaks.items()},
    }


def _peak_facts(peak: _Peak) -> dict[str, object]:
    return peak._asdict() | {"value": _ratio(peak.value, 1)}


def _colorfulness_m1(flat: Map, mean: Map) -> float:
    """Colorfulness M1 of (2, n) a* and b* around (2,): spread, and a share of being off grey.

    D. Hasler, S. Suesstrunk, "Measuring colourfulness in natural images", 2003.
    """
    variances = np.square(flat - mean[:, None]).mean(1)  # (2,)
    return math.sqrt(variances.sum()) + MEAN_WEIGHT * math.hypot(*mean)


def _ratio(total: float, count: float) -> float | None:
    """`total` / `count` to six digits, which is more than the figures are good for."""
    if not count or not math.isfinite(total):
        return None
    return float(f"{total / count:.6g}")
