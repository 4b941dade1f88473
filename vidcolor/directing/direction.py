"""A color script on its film: what holds for each frame."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import NamedTuple

from vidcolor.directing.overlap import refuse_meeting
from vidcolor.directing.places import Place, parse_frames, parse_shots
from vidcolor.directing.script import PLAIN, ColorScript, Hint, Look, Range, digest_of
from vidcolor.errors import SettingError, SourceError
from vidcolor.frame import Frame
from vidcolor.shot import Shot
from vidcolor.spans import Span

TOLERANCE_SECONDS = Fraction(1)
"""By which a film may be longer than its header says."""


class FilmFacts(NamedTuple):
    """What must be known of a film to place a script on it.

    Attributes:
        name: What errors call it.
        rate: Frames a second.
        first_seconds: When its first frame comes by its own clock.
        timecode: Of its first frame; None for 00:00:00:00.
        seconds: How long it is by its header; None if that says nothing.
        is_part: Whether it is begun later than at its first frame.
    """

    name: str
    rate: Fraction
    first_seconds: Fraction = Fraction(0)
    timecode: str | None = None
    seconds: float | None = None
    is_part: bool = False


_Spanned = tuple[str, tuple[Span, ...]]
"""Where something is written, and the frames that it names."""


class _Placed(NamedTuple):
    """A range with the spans and the shots where it holds; both None for all of the film."""

    part: Range
    spans: tuple[Span, ...] | None
    shots: tuple[Place, ...] | None

    def holds(self, shot: int, frame: int, begin: Fraction, end: Fraction) -> bool:
        if self.spans is not None:
            return any(span.holds(frame, begin, end) for span in self.spans)
        if self.shots is not None:
            return any(place.first <= shot + 1 <= place.last for place in self.shots)
        return True


class PlacedHint(NamedTuple):
    """A hint, and the frame that it was put on."""

    hint: Hint
    span: Span


@dataclass(frozen=True, slots=True)
class Direction:
    """What a color script says of each frame of one film.

    Attributes:
        script: The script; None for none.
        film: The film.
        placed: Its ranges.
        hints: Its hints.
    """

    script: ColorScript | None = None
    film: FilmFacts = field(default_factory=lambda: FilmFacts("", Fraction(25)))
    placed: tuple[_Placed, ...] = ()
    hints: tuple[PlacedHint, ...] = ()

    def look_of(self, frame: Frame, shot: Shot) -> Look:
        """What holds for a frame."""
        if not self.placed:
            return PLAIN
        begin = frame.pts * frame.time_base - self.film.first_seconds
        end = begin + (frame.duration * frame.time_base or 1 / self.film.rate)
        return self.look(shot.number, frame.index, begin, end)

    def look(self, shot: int, frame: int, begin: Fraction, end: Fraction) -> Look:
        """What holds for a frame; see `look_of`.

        Args:
            shot: Number of its shot, from 0.
            frame: Its number, from 0.
            begin: When it comes on screen, in seconds after the film's first frame.
            end: When the next one comes.
        """
        settings: dict[str, object] = {}
        for one in self.placed:
            if one.holds(shot, frame, begin, end):
                settings |= one.part.settings
        if not settings:
            return PLAIN
        if settings.pop("color", True) is False:
            return Look(is_colored=False)
        return Look(**settings)  # type: ignore[arg-type]

    @property
    def identity(self) -> str | None:
        """What decides the film's bytes, as a SHA-256; None if nothing does."""
        if not self.placed and not self.hints:
            return None
        facts = [_facts_of(one) for one in self.placed]
        return digest_of(facts + [hint_facts(one) for one in self.hints])

    def facts(self) -> dict[str, object] | None:
        """What the sidecar tells of the script; None if there is none."""
        if self.script is None:
            return None
        ranges = [
            {"at": one.part.place or None, "frames": one.part.frames, "shots": one.part.shots}
            | one.part.settings
            for one in self.placed
        ]
        hints = [
            {"at": one.hint.place or None, "frame": one.hint.frame, "sha256": hint_digest(one)}
            for one in self.hints
        ]
        return {
            "path": self.script.path or None,
            "sha256": self.script.sha256 or None,
            "ranges": ranges,
            "hints": hints,
        }

    def refuse_other(self, sha256: str) -> None:
        """Raise if the script was written for a film of another SHA-256.

        Raises:
            SettingError: It was.
        """
        wanted = self.script and self.script.film_sha256
        if self.script is not None and wanted not in {None, sha256}:
            raise SettingError(
                f"{self.script.name}: was written for another film (its sha256 is not that of "
                f"{self.film.name}). Name that film's script, or remove the line."
            )


NO_DIRECTION = Direction()
"""No color script."""


def direct(script: ColorScript | None, film: FilmFacts) -> Direction:
    """Place a color script on a film.

    Raises:
        SettingError: A range lies beyond the film's end, or has no place in it.
    """
    if script is None:
        return NO_DIRECTION
    # Those of the whole film come first, and so give way.
    ranges = sorted(script.ranges, key=lambda part: part.is_for_all, reverse=True)
    placed = tuple(_place(part, film, script) for part in ranges if part.settings)
    refuse_meeting(script, [(one.part, _by_time(one, film.rate)) for one in placed])
    hints = tuple(PlacedHint(hint, _span_of(hint, film)) for hint in script.hints)
    spanned = [(one.part.place, one.spans or ()) for one in placed]
    spanned += [(one.hint.place, (one.span,)) for one in hints]
    if film.is_part:
        _refuse_counted(placed, spanned, script)
    elif film.seconds is not None:
        _refuse_beyond(spanned, film, script)
    return Direction(script, film, placed, hints)


def _place(part: Range, film: FilmFacts, script: ColorScript) -> _Placed:
    shots = None if part.shots is None else parse_shots(part.shots)
    if part.frames is None:
        return _Placed(part, None, shots)
    name = f"{part.place or script.name}: frames"
    try:
        spans = parse_frames(part.frames).resolve(film.rate, film.timecode, name)
    except SourceError as error:
        raise SettingError(str(error)) from error
    return _Placed(part, spans, None)


def _span_of(hint: Hint, film: FilmFacts) -> Span:
    """The one frame of a hint.

    Raises:
        SettingError: It is none of the film.
    """
    name = f"{hint.place or 'hint'}: frame"
    try:
        (span,) = parse_frames(hint.frame).resolve(film.rate, film.timecode, name)
    except (SourceError, ValueError) as error:
        raise SettingError(str(error)) from error
    return span


def _by_time(one: _Placed, rate: Fraction) -> tuple[Place, ...] | None:
    """Where a range holds, frames taken as times of a constant rate so that both compare."""
    if one.spans is None:
        return one.shots
    return tuple(_timed(one.spans, rate))


def _timed(spans: Iterable[Span], rate: Fraction) -> Iterator[Place]:
    for span in spans:
        # A frame's middle stands for it: neighbors in other units do not meet by rounding.
        half, unit = (Fraction(1, 2), 1 / rate) if span.unit == "frames" else (Fraction(0), 1)
        yield Place("seconds", (span.first + half) * unit, (span.last + half) * unit)


def _refuse_counted(
    placed: Iterable[_Placed], spanned: Iterable[_Spanned], script: ColorScript
) -> None:
    """Raise if anything counts frames or shots, as those of a part of a film are not known."""
    counting = [one.part.place for one in placed if one.shots is not None]
    counting += [name for name, spans in spanned if any(s.unit == "frames" for s in spans)]
    if counting:
        raise SettingError(
            f"{counting[0] or script.name}: counts frames or shots from the film's beginning, "
            "which --start leaves out. Write seconds or timecodes."
        )


def _refuse_beyond(spanned: Iterable[_Spanned], film: FilmFacts, script: ColorScript) -> None:
    """Raise if anything begins or ends beyond the film's end."""
    length = Fraction(film.seconds or 0)
    ends = {
        "frames": (length + TOLERANCE_SECONDS) * film.rate,
        "seconds": length + TOLERANCE_SECONDS,
    }
    for place, spans in spanned:
        for span in spans:
            if span.last >= ends[span.unit]:
                frames = round(length * film.rate)
                raise SettingError(
                    f"{place or script.name}: frames {span.text} lie beyond the end of "
                    f"{film.name}, which has about {frames} frames in {float(length):.2f} s. "
                    "Correct the range."
                )


def hint_digest(one: PlacedHint) -> str:
    """A SHA-256 of what a hint says."""
    return digest_of(hint_facts(one))


def hint_facts(one: PlacedHint) -> dict[str, object]:
    """What a hint says, however it is written."""
    hint, span = one
    facts: dict[str, object] = {
        "frame": [span.unit, str(span.first)],
        "color": hint.color.lower(),
        "points": [[float(x), float(y)] for x, y in hint.points],
        "is_area": hint.is_area,
    }
    return facts if hint.is_area else facts | {"radius": float(hint.radius)}


def _facts_of(one: _Placed) -> dict[str, object]:
    """Where a range holds and what it sets, however it is written."""
    spans = one.spans and [[s.unit, str(s.first), str(s.last)] for s in one.spans]
    shots = one.shots and [[str(p.first), str(p.last)] for p in one.shots]
    plain = asdict(one.part)
    settings = {name: plain[name] if name == "hue" else v for name, v in one.part.settings.items()}
    return {"spans": spans, "shots": shots, "settings": settings}
