"""Hints and references of a color script, each on its frames of one film."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from vidcolor.color.lightness import display_turn, shown_aspect
from vidcolor.directing.pictures import (
    ColorPicture,
    frame_in_name,
    pictures_in,
    read_picture,
    refuse_gray,
)
from vidcolor.directing.places import Place, parse_frames, parse_shots
from vidcolor.directing.script import ColorScript, Hint, Reference, digest_of
from vidcolor.errors import SettingError, SourceError
from vidcolor.frame import FrameFormat
from vidcolor.spans import Span

TOLERANCE_SECONDS = Fraction(1)
"""By which a film may be longer than its header says."""

MOST_STRETCH = 1.03
"""How much a reference's shape may differ from the frame's: programs round sides."""


class FilmFacts(NamedTuple):
    """What must be known of a film to place a script on it.

    Attributes:
        name: What errors call it.
        rate: Frames a second.
        first_seconds: When its first frame comes by its own clock.
        timecode: Of its first frame; None for 00:00:00:00.
        seconds: How long it is by its header; None if that says nothing.
        is_part: Whether it is begun later than at its first frame.
        picture: Its frames' size and shape; None if that is not known.
    """

    name: str
    rate: Fraction
    first_seconds: Fraction = Fraction(0)
    timecode: str | None = None
    seconds: float | None = None
    is_part: bool = False
    picture: FrameFormat | None = None


class Held(NamedTuple):
    """Where something holds: in spans or in shots; both None for all of the film."""

    spans: tuple[Span, ...] | None
    shots: tuple[Place, ...] | None

    def holds(self, shot: int, frame: int, begin: Fraction, end: Fraction) -> bool:
        """Whether it holds for a frame; see `Direction.look`."""
        if self.spans is not None:
            return any(span.holds(frame, begin, end) for span in self.spans)
        if self.shots is not None:
            return any(place.first <= shot + 1 <= place.last for place in self.shots)
        return True


class PlacedHint(NamedTuple):
    """A hint, and the frame that it was put on.

    Attributes:
        hint: The hint.
        span: Its frame.
        path: The picture that it is painted in; None for none.
        sha256: Of that file; empty for none.
    """

    hint: Hint
    span: Span
    path: Path | None = None
    sha256: str = ""


class PlacedReference(NamedTuple):
    """A reference and where it holds.

    Attributes:
        reference: The reference.
        span: Its frame; None for a free one.
        held: Where a free one holds.
        path: The picture.
        sha256: Of that file.
    """

    reference: Reference
    span: Span | None
    held: Held
    path: Path
    sha256: str


Anchor = PlacedHint | PlacedReference
"""What is said of one frame; of references those that are anchored."""


def place_hints(script: ColorScript, film: FilmFacts) -> Iterator[PlacedHint]:
    """The hints of a script, each on its frame; those of a folder one by one.

    Raises:
        SettingError: A frame is none of the film, or a picture cannot be used.
    """
    for hint in script.hints:
        if hint.picture is None:
            yield PlacedHint(hint, _span_of(hint.frame, hint.place or "hint", film))
            continue
        for path in _files(hint.picture, script, hint.place or "hint"):
            one = replace(hint, frame=hint.frame or _frame_of(path, hint.place))
            span = _span_of(one.frame, hint.place or "hint", film)
            picture = read_picture(path, hint.place or "hint")
            if not picture.alpha.any():
                raise SettingError(
                    f"{hint.place or 'hint'}: {path}: is transparent everywhere. Paint on it."
                )
            _refuse_other_size(picture, path, hint.place, film)
            if picture.alpha.all():
                raise SettingError(
                    f"{hint.place or 'hint'}: {path}: is painted everywhere. Leave it transparent "
                    "where nothing is said, or name it as a [[reference]]."
                )
            yield PlacedHint(one, span, path, picture.sha256)


def place_references(script: ColorScript, film: FilmFacts) -> Iterator[PlacedReference]:
    """The references of a script, each where it holds; those of a folder one by one.

    Raises:
        SettingError: As `place_hints`.
    """
    for reference in script.references:
        place = reference.place or "reference"
        for path in _files(reference.picture, script, place):
            picture = read_picture(path, place)
            refuse_gray(picture, path, place)
            frame = reference.frame
            if frame is None and reference.frames is None and reference.shots is None:
                number = frame_in_name(path) if path.stem.startswith("ref_") else None
                frame = None if number is None else str(number)
            if frame is None:
                held = find_held(reference, film, f"{place}: frames")
                yield PlacedReference(reference, None, held, path, picture.sha256)
                continue
            _refuse_other_shape(picture, path, place, film)
            span = _span_of(frame, place, film)
            yield PlacedReference(reference, span, Held((span,), None), path, picture.sha256)


def find_held(part: object, film: FilmFacts, name: str) -> Held:
    """Where a range or a reference holds.

    Args:
        part: Has `frames` and `shots`.
        film: The film.
        name: What errors call it.

    Raises:
        SettingError: The film has no such frames.
    """
    frames, shots = getattr(part, "frames", None), getattr(part, "shots", None)
    if frames is None:
        return Held(None, None if shots is None else parse_shots(shots))
    try:
        return Held(parse_frames(frames).resolve(film.rate, film.timecode, name), None)
    except SourceError as error:
        raise SettingError(str(error)) from error


def anchor_facts(one: Anchor) -> dict[str, object]:
    """What a hint or a reference says, however it is written."""
    if isinstance(one, PlacedReference):
        return _reference_facts(one)
    facts: dict[str, object] = {"frame": [one.span.unit, str(one.span.first)]}
    if one.path is not None:
        return facts | {"picture": one.sha256}
    hint = one.hint
    facts |= {
        "color": hint.color.lower(),
        "points": [[float(x), float(y)] for x, y in hint.points],
        "is_area": hint.is_area,
    }
    return facts if hint.is_area else facts | {"radius": float(hint.radius)}


def _reference_facts(one: PlacedReference) -> dict[str, object]:
    facts: dict[str, object] = {"picture": one.sha256, "strength": float(one.reference.strength)}
    if one.span is not None:
        return facts | {"frame": [one.span.unit, str(one.span.first)]}
    return facts | held_facts(one.held)


def held_facts(held: Held) -> dict[str, object]:
    """Where something holds, however it is written."""
    return {
        "spans": held.spans and [[s.unit, str(s.first), str(s.last)] for s in held.spans],
        "shots": held.shots and [[str(p.first), str(p.last)] for p in held.shots],
    }


def anchor_digest(one: Anchor) -> str:
    """A SHA-256 of what a hint or a reference says."""
    return digest_of(anchor_facts(one))


def _files(picture: str, script: ColorScript, place: str) -> list[Path]:
    """The file of a name, beside the script, or the files of a folder of that name."""
    path = Path(script.path).parent / picture if script.path else Path(picture)
    return pictures_in(path, place) if path.is_dir() else [path]


def _frame_of(path: Path, place: str) -> str:
    number = frame_in_name(path)
    if number is None:
        raise SettingError(
            f"{place or 'hint'}: {path}: does not say which frame it shows. "
            "Add frame, or name it film_001734.png."
        )
    return str(number)


def _span_of(frame: str, place: str, film: FilmFacts) -> Span:
    """The one frame that a text means.

    Raises:
        SettingError: It is none of the film.
    """
    try:
        (span,) = parse_frames(frame).resolve(film.rate, film.timecode, f"{place}: frame")
    except (SourceError, ValueError) as error:
        raise SettingError(str(error)) from error
    return span


def _refuse_other_size(picture: ColorPicture, path: Path, place: str, film: FilmFacts) -> None:
    """Raise if a painted picture has not the frame's size, as stored or as shown."""
    if film.picture is None:
        return
    stored = film.picture.width, film.picture.height
    height = stored[1]
    shown = round(stored[0] * float(film.picture.sample_aspect_ratio)), height
    sizes = {stored, shown, (stored[0], round(stored[0] * height / max(1, shown[0])))}
    if display_turn(film.picture)[0]:
        sizes = {(high, wide) for wide, high in sizes}
    if picture.size not in sizes:
        wide, high = picture.size
        wanted = " or ".join(f"{one} x {other}" for one, other in sorted(sizes))
        raise SettingError(
            f"{place or 'hint'}: {path}: has {wide} x {high} pixels, and the frame has {wanted}. "
            "Paint on the frame itself."
        )


def _refuse_other_shape(picture: ColorPicture, path: Path, place: str, film: FilmFacts) -> None:
    """Raise if a picture of a frame has another shape than it, as stored or as shown."""
    if film.picture is None:
        return
    wide, high = picture.size
    shown = shown_aspect(film.picture)
    stored = film.picture.width / film.picture.height
    if display_turn(film.picture)[0]:
        stored = 1 / stored
    off = min(max(wide / high / one, one * high / wide) for one in (shown, stored))
    if off > MOST_STRETCH:
        raise SettingError(
            f"{place}: {path}: is {wide / high:.2f} times as wide as high, and the frame "
            f"{shown:.2f} times. Color the frame itself, in its own shape."
        )
