"""A color script on its film: what holds for each frame."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from vidcolor.directing.overlap import refuse_meeting
from vidcolor.directing.placed import (
    TOLERANCE_SECONDS,
    Anchor,
    FilmFacts,
    Held,
    PlacedHint,
    PlacedReference,
    anchor_digest,
    anchor_facts,
    find_held,
    held_facts,
    place_hints,
    place_references,
)
from vidcolor.directing.places import Place
from vidcolor.directing.script import OF_SHOTS, PLAIN, ColorScript, Look, Range, digest_of
from vidcolor.errors import SettingError, VidcolorError
from vidcolor.frame import Frame
from vidcolor.models.named import name_model
from vidcolor.settings import ModelSettings, NamedModel, RefineMethod
from vidcolor.shot import Shot
from vidcolor.spans import Span

_Spanned = tuple[str, tuple[Span, ...]]
"""Where something is written, and the frames that it names."""


class PlacedRange(NamedTuple):
    """A range, where it holds, and the model that it names."""

    part: Range
    held: Held
    model: NamedModel | None = None

    @property
    def settings(self) -> dict[str, object]:
        """What it sets for a `Look`, by name."""
        named = {} if self.model is None else {"model": self.model}
        return self.part.settings | named


@dataclass(frozen=True, slots=True)
class Direction:
    """What a color script says of each frame of one film.

    Attributes:
        script: The script; None for none.
        film: The film.
        placed: Its ranges.
        hints: Its hints.
        references: Its references.
    """

    script: ColorScript | None = None
    film: FilmFacts = field(default_factory=lambda: FilmFacts("", Fraction(25)))
    placed: tuple[PlacedRange, ...] = ()
    hints: tuple[PlacedHint, ...] = ()
    references: tuple[PlacedReference, ...] = ()

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """What is said of single frames: hints and anchored references."""
        return (*self.hints, *(one for one in self.references if one.span is not None))

    @property
    def free_references(self) -> tuple[PlacedReference, ...]:
        """The references that show something else of the kind."""
        return tuple(one for one in self.references if one.span is None)

    def look_of(self, frame: Frame, shot: Shot) -> Look:
        """What holds for a frame."""
        if not self.placed:
            return PLAIN
        return self.look(shot.number, frame.index, *self.times_of(frame))

    def look_of_shot(self, shot: int) -> Look:
        """What holds for all of a shot, by its number from 0: what ranges of frames set is none."""
        return _joined(one for one in self.placed if _holds_shot(one, shot))

    @property
    def models(self) -> tuple[NamedModel, ...]:
        """The models that its ranges name, each once."""
        return tuple(dict.fromkeys(one.model for one in self.placed if one.model is not None))

    @property
    def sets_smoothing(self) -> bool:
        """Whether any frames have a smoothing of their own."""
        return any(one.part.smoothing is not None for one in self.placed)

    def references_of(self, frame: Frame, shot: Shot) -> tuple[PlacedReference, ...]:
        """The free references that hold for a frame."""
        if not self.free_references:
            return ()
        return self.references_at(shot.number, frame.index, *self.times_of(frame))

    def references_at(
        self, shot: int, frame: int, begin: Fraction, end: Fraction
    ) -> tuple[PlacedReference, ...]:
        """The free references that hold for a frame; see `look`."""
        free = self.free_references
        return tuple(one for one in free if one.held.holds(shot, frame, begin, end))

    def absent_shots(self, count: int) -> Iterator[str]:
        """A line for each place in the script that names shots which the film does not have.

        Args:
            count: How many it has.
        """
        held = [(one.part.place, one.held) for one in self.placed]
        held += [(one.reference.place, one.held) for one in self.references]
        for place, one in held:
            if any(shots.last > count for shots in one.shots or ()):
                has = "1 shot" if count == 1 else f"{count} shots"
                yield (
                    f"{place or 'color script'}: names a shot that {self.film.name} does not "
                    f"have, which has {has}. Correct the number; --list-shots prints them."
                )

    @staticmethod
    def digest_of(
        look: Look, references: Sequence[PlacedReference], evidence: str | None
    ) -> str | None:
        """What tells all that is said of a frame from other words; None for nothing.

        Args:
            look: What holds for it.
            references: The free references that do.
            evidence: What tells the hints and anchored references of its shot; None for none.
        """
        facts = [] if evidence is None else [evidence]
        facts += [anchor_digest(one) for one in references]
        return digest_of([look.digest, *facts]) if facts else look.digest

    def times_of(self, frame: Frame) -> tuple[Fraction, Fraction]:
        """When a frame comes on screen, in seconds after the film's first, and when the next."""
        begin = frame.pts * frame.time_base - self.film.first_seconds
        return begin, begin + (frame.duration * frame.time_base or 1 / self.film.rate)

    def look(self, shot: int, frame: int, begin: Fraction, end: Fraction) -> Look:
        """What holds for a frame; see `look_of`.

        Args:
            shot: Number of its shot, from 0.
            frame: Its number, from 0.
            begin: When it comes on screen, in seconds after the film's first frame.
            end: When the next one comes.
        """
        return _joined(one for one in self.placed if one.held.holds(shot, frame, begin, end))

    @property
    def identity(self) -> str | None:
        """What decides the film's bytes, as a SHA-256; None if nothing does."""
        if not self.placed and not self.hints and not self.references:
            return None
        facts = [_facts_of(one) for one in self.placed]
        facts += [anchor_facts(one) for one in self.hints]
        return digest_of(facts + [anchor_facts(one) for one in self.references])

    def facts(self) -> dict[str, object] | None:
        """What the sidecar tells of the script; None if there is none."""
        if self.script is None:
            return None
        ranges = [
            {"at": one.part.place or None, "frames": one.part.frames, "shots": one.part.shots}
            | one.part.settings
            | ({} if one.model is None else {"model_sha256": one.model.sha256})
            for one in self.placed
        ]
        hints = [
            {"at": one.hint.place or None, "frame": one.hint.frame, "sha256": anchor_digest(one)}
            | ({} if one.path is None else {"picture": one.path, "picture_sha256": one.sha256})
            for one in self.hints
        ]
        references = [
            {
                "at": one.reference.place or None,
                "frame": one.span and one.span.text,
                "picture": one.path,
                "picture_sha256": one.sha256,
                "sha256": anchor_digest(one),
            }
            for one in self.references
        ]
        return {
            "path": self.script.path or None,
            "sha256": self.script.sha256 or None,
            "ranges": ranges,
            "hints": hints,
            "references": references,
        }

    def claim(self) -> dict[str, object]:
        """What content credentials state of the script beside `identity`; nothing without one."""
        if self.script is None:
            return {}
        of_file = {"color_script_sha256": self.script.sha256} if self.script.sha256 else {}
        models = [one.sha256 for one in self.models]
        return {
            **of_file,
            **({"models": models} if models else {}),
            "hints": [anchor_digest(one) for one in self.hints],
            "references": [anchor_digest(one) for one in self.references],
        }

    def refuse_other(self, sha256: str) -> None:
        """Raise if the script was written for a film of another SHA-256.

        Raises:
            SettingError: It was.
        """
        wanted = self.script and self.script.film_sha256
        if self.script is not None and wanted not in {None, sha256}:
            raise SettingError(
                f"{self.script.film_place or self.script.name}: the script was written for "
                f"another film (its sha256 is not that of "
                f"{self.film.name}). Name that film's script, or remove the line."
            )

    def refuse_unsure(self, method: RefineMethod, *, has_histograms: bool) -> None:
        """Raise if a shot is to be refined by what its network does not give.

        Args:
            method: How shots are refined of which the script says nothing.
            has_histograms: Whether the film's model gives histograms.

        Raises:
            SettingError: It is.
        """
        whole = [one for one in self.placed if one.held.spans is None]
        places = [place for one in whole for place in one.held.shots or ()]
        # What ranges say together changes at their ends alone.
        ends = {0, *(int(one.first) - 1 for one in places), *(int(one.last) for one in places)}
        for shot in sorted(ends):
            holding = [one for one in whole if _holds_shot(one, shot)]
            look = _joined(holding)
            sure = has_histograms if look.model is None else look.model.has_histograms
            if (look.refine or method) == "scribble" and not sure and (look.refine or look.model):
                *_, last = (one for one in holding if one.settings.keys() & set(OF_SHOTS))
                raise SettingError(
                    f"{last.part.place or 'color script'}: refine: scribble needs a model that "
                    'states its confidence. Write "flood", or name another model.'
                )


NO_DIRECTION = Direction()
"""No color script."""


def direct(
    script: ColorScript | None,
    film: FilmFacts,
    settings: ModelSettings = ModelSettings(),  # noqa: B008 - immutable
) -> Direction:
    """Place a color script on a film.

    Args:
        script: The script; None for none.
        film: The film.
        settings: Of its model; those that the script names are loaded likewise.

    Raises:
        SettingError: A range lies beyond the film's end, or has no place in it, or names no model.
    """
    if script is None:
        return NO_DIRECTION
    # Those of the whole film come first, and so give way.
    ranges = sorted(script.ranges, key=lambda part: part.is_for_all, reverse=True)
    placed = tuple(
        PlacedRange(
            part,
            find_held(part, film, f"{part.place or script.name}: frames"),
            _model_of(part, script, settings),
        )
        for part in ranges
        if part.settings
    )
    refuse_meeting(script, [(one.part, _by_time(one, film.rate)) for one in placed])
    direction = Direction(
        script,
        film,
        placed,
        tuple(place_hints(script, film)),
        tuple(place_references(script, film)),
    )
    spanned = [(one.part.place, one.held.spans or ()) for one in placed]
    spanned += [(one.hint.place, (one.span,)) for one in direction.hints]
    spanned += [(one.reference.place, one.held.spans or ()) for one in direction.references]
    if film.is_part:
        _refuse_counted(direction, spanned, script)
    elif film.seconds is not None:
        _refuse_beyond(spanned, film, script)
    return direction


def _model_of(part: Range, script: ColorScript, settings: ModelSettings) -> NamedModel | None:
    """The model that a range names."""
    if part.model is None:
        return None
    folder = Path(script.path).parent if script.path else Path()
    try:
        return name_model(part.model, folder, settings)
    except VidcolorError as error:
        raise SettingError(f"{part.place or script.name}: model: {error}") from error


def _joined(holding: Iterable[PlacedRange]) -> Look:
    """What ranges that hold for one frame set together."""
    settings: dict[str, object] = {}
    for one in holding:
        settings |= one.settings
    if not settings:
        return PLAIN
    if settings.pop("color", True) is False:
        return Look(is_colored=False)
    return Look(**settings)  # type: ignore[arg-type]


def _holds_shot(one: PlacedRange, shot: int) -> bool:
    """Whether a range holds for all of a shot."""
    return one.held.spans is None and one.held.holds(shot, 0, Fraction(0), Fraction(0))


def _by_time(one: PlacedRange, rate: Fraction) -> tuple[Place, ...] | None:
    """Where a range holds, frames taken as times of a constant rate so that both compare."""
    if one.held.spans is None:
        return one.held.shots
    return tuple(_timed(one.held.spans, rate))


def _timed(spans: Iterable[Span], rate: Fraction) -> Iterator[Place]:
    for span in spans:
        # A frame's middle stands for it: neighbors in other units do not meet by rounding.
        half, unit = (Fraction(1, 2), 1 / rate) if span.unit == "frames" else (Fraction(0), 1)
        yield Place("seconds", (span.first + half) * unit, (span.last + half) * unit)


def _refuse_counted(direction: Direction, spanned: Iterable[_Spanned], script: ColorScript) -> None:
    """Raise if anything counts frames or shots, as those of a part of a film are not known."""
    counting = [one.part.place for one in direction.placed if one.held.shots is not None]
    counting += [one.reference.place for one in direction.references if one.held.shots is not None]
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


def _facts_of(one: PlacedRange) -> dict[str, object]:
    """Where a range holds and what it sets, however it is written."""
    plain = asdict(one.part)
    settings = {name: plain[name] if name == "hue" else v for name, v in one.part.settings.items()}
    if one.model is not None:
        settings["model"] = one.model.sha256  # wherever it lies
    return held_facts(one.held) | {"settings": settings}
