"""The color script: what a person says of a film's colors. Standard library only."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Annotated

from vidcolor.errors import SettingError
from vidcolor.rules import Between, Checked
from vidcolor.settings import NamedModel, RefineMethod

MOST_SHIFT = 60.0
"""Of `temperature` and `tint`, in a* and b* of white."""

FULL_TURN = 360.0

NEUTRAL = "neutral"
COLOR = re.compile(f"#[0-9A-Fa-f]{{6}}|{NEUTRAL}")

LEAST_POINTS = {"at": 1, "stroke": 2, "box": 4, "polygon": 3}
"""Of the shapes of hints."""

SHAPES = (*LEAST_POINTS, "picture")

PLACES = ("frames", "shots")
"""Fields of a range that say where it holds."""

OF_SHOTS = ("refine", "model")
"""Fields of a range that hold for whole shots: inside one, each frame goes on with those before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HueMap(Checked):
    """Colors of some hues that become others.

    Hues are angles in the plane of a* and b*: 0 is pink red, 90 yellow, 180 green, 270 blue.

    Attributes:
        first: First hue of those that change, in degrees.
        last: Last of them; less than `first` for a part of the circle that holds 0.
        to_first: What the first becomes.
        to_last: What the last becomes.
        saturation: Factor on the chroma of colors that change.
    """

    first: Annotated[float, Between(0, FULL_TURN)]
    last: Annotated[float, Between(0, FULL_TURN)]
    to_first: Annotated[float, Between(-FULL_TURN, FULL_TURN)]
    to_last: Annotated[float, Between(-FULL_TURN, 2 * FULL_TURN)]
    saturation: Annotated[float, Between(0, 3)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Checked):
    """Settings of a part of a film; None leaves what holds for the whole film.

    Attributes:
        frames: Which frames, as in `--dump-frames`: `1700-1740,57.8s,10:00:12:05`; None for all.
        shots: Which shots, counted from 1 as the program prints them: `12-15,20`.
        color: Whether it gets color; False leaves it black and white.
        saturation: In place of the film's saturation.
        vividness: In place of the film's vividness.
        temperature: Added to b* of white, less of darker things: above 0 warmer, below 0 cooler.
        tint: Added to a* of white, less of darker things: above 0 to magenta, below 0 to green.
        hue: Hues that become others.
        smoothing: In place of the film's smoothing: 0 colors each frame on its own.
        refine: In place of the film's way to refine colors; not beside `frames`.
        model: In place of the film's network, a name or a file as in `ModelSettings`, which may lie
            beside the script; not beside `frames`.
        place: Where it is written, for errors: file and line.
    """

    frames: str | None = None
    shots: str | None = None
    color: bool | None = None
    saturation: Annotated[float, Between(0, 3)] | None = None
    vividness: Annotated[float, Between(0, 3)] | None = None
    temperature: Annotated[float, Between(-MOST_SHIFT, MOST_SHIFT)] | None = None
    tint: Annotated[float, Between(-MOST_SHIFT, MOST_SHIFT)] | None = None
    hue: tuple[HueMap, ...] | None = None
    smoothing: Annotated[float, Between(0, 0.999)] | None = None
    refine: RefineMethod | None = None
    model: str | None = None
    place: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        super(Range, self).__post_init__()  # a class with slots is made anew: no bare super()
        if self.frames is not None and self.shots is not None:
            raise SettingError("frames and shots: a range has one of them; write two ranges")
        for name in OF_SHOTS if self.frames is not None else ():
            if getattr(self, name) is not None:
                raise SettingError(
                    f"{name}: holds for whole shots. Write shots in place of frames."
                )

    @property
    def settings(self) -> dict[str, object]:
        """What it sets, by name."""
        names = (one.name for one in fields(self) if one.name not in (*PLACES, "place"))
        found = {name: getattr(self, name) for name in names}
        return {
            name: float(value) if type(value) is int else value  # 2 and 2.0 are one setting
            for name, value in found.items()
            if value is not None
        }

    @property
    def is_for_all(self) -> bool:
        """Whether it holds for the whole film."""
        return self.frames is None and self.shots is None


Point = tuple[float, float]
"""Across and down, in fractions of the frame as it is shown, bars and all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint(Checked):
    """The color of a thing, told at a place in one frame; see `Range` for `place`.

    It has one of `at`, `stroke`, `box`, `polygon` and `picture`. From points, strokes and what is
    painted color spreads over what looks alike; boxes and polygons are filled, and nothing else.
    Through the shot it goes along motion, both ways.

    Attributes:
        frame: The frame: 1734, 57.8s, 1:30.5 or a timecode; empty if the picture's name states it.
        color: `#7a1f1f`, of which hue and chroma count, or `neutral`; empty for a picture.
        at: A point.
        stroke: Points of a line.
        box: Left, top, width and height.
        polygon: Its corners, three at least.
        picture: A picture of the frame, of its size, transparent but where it is painted, or a
            folder of such pictures, `film_001734.png` each.
        radius: Of points and strokes, as a fraction of the frame's height.
    """

    frame: str = ""
    color: str = ""
    at: Point | None = None
    stroke: tuple[Point, ...] | None = None
    box: tuple[float, float, float, float] | None = None
    polygon: tuple[Point, ...] | None = None
    picture: str | None = None
    radius: Annotated[float, Between(0.001, 0.5)] = 0.02
    place: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        super(Hint, self).__post_init__()
        shapes = [name for name in SHAPES if getattr(self, name) is not None]
        if len(shapes) != 1:
            raise SettingError(f"a hint has one of {', '.join(SHAPES)}. Write one of them.")
        if self.picture is not None:
            self._check_painted(self.picture)
        else:
            self._check_drawn(shapes[0])

    def _check_painted(self, picture: str) -> None:
        if not picture:
            raise SettingError("picture: names no file. Name one.")
        if self.color:
            raise SettingError("color: a picture has colors of its own. Remove color.")

    def _check_drawn(self, shape: str) -> None:
        if not self.frame:
            raise SettingError("frame: the hint has none. Add one.")
        if not COLOR.fullmatch(self.color):
            raise SettingError(f'color: {self.color!r} is no color. Write "#7a1f1f" or "neutral".')
        if len(self.points) < LEAST_POINTS[shape]:
            raise SettingError(f"{shape}: has too few points. Add more.")
        if self.box is not None and min(self.box[2:]) <= 0:
            raise SettingError("box: has no width or no height. Write both above 0.")
        if not all(0 <= number <= 1 for point in self.points for number in point):
            raise SettingError(
                f"{shape}: lies outside the frame. Write fractions of its width and height, "
                "from 0 to 1."
            )

    @property
    def is_area(self) -> bool:
        """Whether it is filled and does not spread."""
        return self.box is not None or self.polygon is not None

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of a line, or the corners of an area."""
        if self.at is not None:
            return (self.at,)
        if self.box is not None:
            left, top, width, height = self.box
            right, bottom = left + width, top + height
            return (left, top), (right, top), (right, bottom), (left, bottom)
        return self.stroke or self.polygon or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Checked):
    """A picture whose colors a film takes over; see `Range` for `place`.

    *Anchored* by a frame it shows this very frame, colored by hand: it is exact there and goes
    along motion, both ways. *Free* it shows something else of the kind: what looks alike gets its
    colors, and where nothing does the net's own color stays.

    Attributes:
        picture: The file, in color; for anchored ones also a folder of them, `ref_001734.png` each.
        frame: The frame that it shows; None for a free one, or if the name states it.
        frames: Where a free one holds, as in `Range`.
        shots: Where a free one holds, as in `Range`; None, like `frames`, for all of the film.
        strength: Factor on how much it counts.
    """

    picture: str
    frame: str | None = None
    frames: str | None = None
    shots: str | None = None
    strength: Annotated[float, Between(0, 4)] = 1.0
    place: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        super(Reference, self).__post_init__()
        if not self.picture:
            raise SettingError("picture: names no file. Name one.")
        given = [name for name in ("frame", "frames", "shots") if getattr(self, name) is not None]
        if len(given) > 1:
            raise SettingError(f"{' and '.join(given)}: a reference has one of them. Keep one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorScript:
    """What a person says of one film's colors.

    Attributes:
        ranges: Settings of parts of the film.
        hints: Colors of things in it.
        references: Pictures whose colors it takes over.
        film_sha256: SHA-256 of the film that it was written for; None for any film.
        marked: Shots that a person wants to come back to, as in `Range`; they change no color.
        film_place: Where `film_sha256` is written, for errors: file and line.
        path: The file that it was read from, as text; empty for one made in Python.
        sha256: Of that file; empty for one made in Python.
    """

    ranges: tuple[Range, ...] = ()
    hints: tuple[Hint, ...] = ()
    references: tuple[Reference, ...] = ()
    film_sha256: str | None = None
    marked: str | None = field(default=None, compare=False)
    film_place: str = field(default="", compare=False)
    path: str = field(default="", compare=False)
    sha256: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.path or "color script"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a color script sets for one frame; see `Range`.

    Attributes:
        is_colored: Whether the frame gets color at all.
    """

    is_colored: bool = True
    saturation: float | None = None
    vividness: float | None = None
    temperature: float = 0.0
    tint: float = 0.0
    hue: tuple[HueMap, ...] = ()
    smoothing: float | None = None
    refine: RefineMethod | None = None
    model: NamedModel | None = None

    @property
    def digest(self) -> str | None:
        """What tells it from others; None for one that sets nothing."""
        if self == PLAIN:
            return None
        facts = asdict(replace(self, model=None))
        return digest_of(facts | {"model": self.model and self.model.sha256})

    @property
    def before_grading(self) -> "Look":
        """What decides the decoded colors: the rest is done to them."""
        return Look(
            vividness=self.vividness,
            smoothing=self.smoothing,
            refine=self.refine,
            model=self.model,
        )


PLAIN = Look()
"""The look of frames of which no script says anything."""


def digest_of(facts: object) -> str:
    """A SHA-256 of values that JSON has."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
