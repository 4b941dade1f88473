"""The desk: single frames of a film, read and colored as they are asked for."""

from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import MatchOf
from vidcolor.errors import SourceError
from vidcolor.film.matching import find_matches
from vidcolor.film.still import color_still
from vidcolor.frame import Frame, Mapped, Numbered
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, suited
from vidcolor.preview.stills import Picture, find_doubts, show_color, show_gray, shrink
from vidcolor.preview.suggest import Suggestion, place_inside, suggest_at
from vidcolor.reading.reader import read_frames_from
from vidcolor.reading.source import Source
from vidcolor.settings import Settings
from vidcolor.shot import ActiveArea, Shot
from vidcolor.shots.seeing import see_frames
from vidcolor.studio.strip import Strip
from vidcolor.studio.turns import THUMBNAIL_SECONDS, Turns

KEPT_FRAMES = 16
KEPT_VIEWS = 32
KEPT_PREDICTIONS = 8

MOST_ANCHORED = 4
"""Other frames of a shot whose hints and references are carried to the one in view."""

SUGGESTIONS = 5

THUMBNAIL_SIDE = 240
"""Pictures of no more pixels a side wait for those that are looked at."""

READ_ON = 48
"""Frames that the next one wanted may lie behind the last one read, not to seek anew."""

T = TypeVar("T")


class Kept(Generic[T]):
    """The values that were used last.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made if it is not kept; one is made at a time."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return self._values[key]


class Wanted(NamedTuple):
    """What colors are wanted.

    Attributes:
        settings: All settings.
        direction: What the color script says of the frames.
        version: Differs where the others do.
    """

    settings: Settings
    direction: Direction
    version: str


class View(NamedTuple):
    """A frame in color.

    Attributes:
        picture: R', G' and B', (H, W, 3), upright, its pixels square.
        doubts: Why its colors are worth a look, a phrase each.
    """

    picture: Picture
    doubts: tuple[str, ...]


class Desk:
    """Gives frames of one film by their numbers.

    Args:
        source: The film.
        strip: Knows when its frames are shown.
        model: Gives what predicts; waits until it is loaded.
        turns: Says what is made first.
        still: The photograph that it is; None for a film.
    """

    def __init__(
        self,
        source: Source,
        strip: Strip,
        model: Callable[[], Model],
        turns: Turns,
        still: Frame | None = None,
    ) -> None:
        # Chroma as fine as luma: a picture to look at needs no subsampling.
        fine = replace(source.picture, log2_chroma_width=0, log2_chroma_height=0)
        self._source = replace(source, picture=fine)
        self._strip, self._model, self._turns, self._still = strip, model, turns, still
        self._reader = _Reader(self._source, strip)
        self._frames: Kept[Frame] = Kept(KEPT_FRAMES)
        self._views: Kept[View] = Kept(KEPT_VIEWS)
        self._mapped: Kept[Mapped] = Kept(KEPT_PREDICTIONS)
        self._matches: MatchOf | None = None

    def close(self) -> None:
        """Close the film."""
        self._reader.close()

    def frame(self, number: int) -> Frame:
        """A frame as it was decoded.

        Raises:
            SourceError: There is no such frame, or it is not found yet.
        """
        if self._still is not None and number == 0:
            return self._still
        return self._frames.get(number, lambda: self._reader.read(number))

    def gray(self, number: int, side: int) -> Picture:
        """A frame in black and white; see `color`."""
        with self._turn(side):
            return show_gray(_shrunk(self.frame(number), side))

    def color(self, number: int, wanted: Wanted, side: int) -> View:
        """A frame in color.

        It is colored by itself, with what is said of its shot: in the film its colors are smoothed
        over time as well.

        Args:
            number: Of the frame.
            wanted: What colors are wanted.
            side: Pixels that its longer side is shrunk to; it is never enlarged.

        Raises:
            VidcolorError: There is no such frame, or it cannot be colored.
        """
        key = (number, wanted.version, side)
        self._model()  # while it is loaded nobody needs to give way
        with self._turn(side):
            return self._views.get(key, lambda: self._color(number, wanted, side))

    def suggest(self, number: int, x: float, y: float, settings: Settings) -> list[Suggestion]:
        """The likeliest colors of a place of a frame; see `suggest_at`.

        Args:
            number: Of the frame.
            x: From the left of the picture as it is shown, as a fraction of its width.
            y: From its top, as a fraction of its height.
            settings: All settings.
        """
        model = self._model()
        with self._turns.go_first():
            seen, prediction, *_ = self._mapped.get(
                number, lambda: self._predict(number, model, settings)
            )
        place = place_inside(seen.shot.active, self._source.picture, x, y)
        return suggest_at(prediction, seen.lightness, model.decoding, place, SUGGESTIONS)

    def _turn(self, side: int) -> AbstractContextManager[None]:
        """For a picture of this size: a thumbnail waits, what is larger is waited for."""
        if side > THUMBNAIL_SIDE:
            return self._turns.go_first()
        self._turns.give_way(THUMBNAIL_SECONDS)
        return nullcontext()

    def _color(self, number: int, wanted: Wanted, side: int) -> View:
        numbered, model = self._numbered(number, side), self._model()
        others = [self._numbered(one, side) for one in self._anchored(numbered, wanted)]
        if self._matches is None:  # references stay prepared
            self._matches = find_matches(model, wanted.settings)
        settings, direction = wanted.settings, wanted.direction
        one = color_still(numbered, model, settings, direction, self._matches, others)
        (doubts,) = find_doubts([one])
        return View(show_color(one), doubts)

    def _anchored(self, numbered: Numbered, wanted: Wanted) -> list[int]:
        """Frames of a frame's shot of which anything is said, the nearest ones, in order."""
        index, found = numbered.frame.index, self._strip.shot_of(numbered.frame.index)
        if found is None:
            return []
        told = {
            number
            for one in wanted.direction.anchors
            if one.span is not None
            for number in self._strip.frames_of(one.span, found)
        }
        return sorted(sorted(told - {index}, key=lambda one: abs(one - index))[:MOST_ANCHORED])

    def _predict(self, number: int, model: Model, settings: Settings) -> Mapped:
        size = suited(settings, model).model.render_size or model.render_size
        numbered = self._numbered(number, max(self._source_shape))
        seen = see_frames([numbered], size, negative=settings.color.negative)
        with closing(predict_frames(seen, model, 1)) as mapped:
            return next(mapped)

    def _numbered(self, number: int, side: int) -> Numbered:
        frame, found = _shrunk(self.frame(number), side), self._strip.shot_of(number)
        if found is None:
            return Numbered(frame, Shot(0, None), None)
        active = _scaled(found.shot.active, self._source_shape, frame)
        return Numbered(frame, found.shot._replace(returns_to=None, active=active), None)

    @property
    def _source_shape(self) -> tuple[int, int]:
        return self._source.picture.height, self._source.picture.width


class _Reader:
    """Reads frames by their numbers; of neighbors the second needs no seeking."""

    def __init__(self, source: Source, strip: Strip) -> None:
        self._source, self._strip, self._lock = source, strip, Lock()
        self._open: Generator[Frame, None, None] | None = None
        self._next = 0

    def close(self) -> None:
        with self._lock:
            self._end()

    def read(self, number: int) -> Frame:
        pts = self._strip.pts_of(number)
        if pts is None:
            known = self._strip.frames
            raise SourceError(f"frame {number} is not known; {known} frames are found so far")
        with self._lock:
            if self._open is None or not self._next <= number < self._next + READ_ON:
                self._end()
                self._seek(number, pts)
            found = self._find(number, pts)
            if found is None:  # the file breaks where it is sought in: read it from its beginning
                self._end()
                first = self._strip.pts_of(0) or 0
                self._open = read_frames_from(self._source, (0, first), seek_pts=None)
                found = self._find(number, pts)
        if found is None:
            raise SourceError(f"frame {number} cannot be read again; has the film changed?")
        return found

    def _seek(self, number: int, pts: int) -> None:
        seek_pts = pts if self._source.clock.can_seek else None
        wanted = (number, pts) if seek_pts is not None else (0, self._strip.pts_of(0) or 0)
        self._open = read_frames_from(self._source, wanted, seek_pts=seek_pts)

    def _find(self, number: int, pts: int) -> Frame | None:
        """Read on up to a frame; None if it does not come."""
        for frame in self._open or ():
            self._next = frame.index + 1
            if frame.index == number:
                return frame if frame.pts == pts else None
            if frame.index > number:
                return None
        return None

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None


def _shrunk(frame: Frame, side: int) -> Frame:
    """A frame whose longer side has so many pixels at most."""
    return frame if max(frame.luma.shape) <= side else shrink(frame, side)


def _scaled(active: ActiveArea | None, shape: tuple[int, int], frame: Frame) -> ActiveArea | None:
    """The part of a shrunk frame that shows the picture."""
    if active is None:
        return None
    rows, columns = frame.luma.shape
    top, bottom = -(-active.top * rows // shape[0]), active.bottom * rows // shape[0]
    left, right = -(-active.left * columns // shape[1]), active.right * columns // shape[1]
    return ActiveArea(top, bottom, left, right) if top < bottom and left < right else None
