"""The desk: single frames of a film, read and colored as they are asked for."""

from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from itertools import islice
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import EvidenceOf, MatchOf, no_evidence
from vidcolor.film.evidence import evidence_of_frames
from vidcolor.film.matching import find_matches
from vidcolor.film.still import color_piece, color_still
from vidcolor.frame import Colored, Frame, Mapped, Numbered
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, suited
from vidcolor.preview.stills import Picture, find_doubts, show_color, show_gray, shrink
from vidcolor.preview.suggest import Suggestion, place_inside, suggest_at
from vidcolor.reading.source import Source
from vidcolor.settings import Settings
from vidcolor.shot import ActiveArea, Shot
from vidcolor.shots.seeing import see_frames
from vidcolor.studio.frame_reader import FrameReader
from vidcolor.studio.player import Player
from vidcolor.studio.strip import Strip
from vidcolor.studio.turns import THUMBNAIL_SECONDS, Turns

KEPT_FRAMES = 16
KEPT_VIEWS = 32
KEPT_PREDICTIONS = 8

MOST_ANCHORED = 4
"""Other frames of a shot whose hints and references are carried to the one in view."""

MOST_PLAYED = 150
"""Frames of a piece in a shot of which anything is said; the next piece goes on from there."""

SUGGESTIONS = 5

THUMBNAIL_SIDE = 240
"""Pictures of no more pixels a side wait for those that are looked at."""

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
        self._reader = FrameReader(self._source, strip)
        self._frames: Kept[Frame] = Kept(KEPT_FRAMES)
        self._views: Kept[View] = Kept(KEPT_VIEWS)
        self._mapped: Kept[Mapped] = Kept(KEPT_PREDICTIONS)
        self._matches: MatchOf | None = None
        self._player = Player()

    def close(self) -> None:
        """Close the film."""
        self._player.close()
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
        if side > THUMBNAIL_SIDE:
            self._player.close()
        with self._turn(side):
            return self._views.get(key, lambda: self._color(number, wanted, side))

    def play(self, number: int, wanted: Wanted, side: int) -> Picture:
        """A frame of a shot that is played: its colors are smoothed over time, as in the film.

        A piece begins with the frame that is asked for first; see `color`.
        """
        self._model()
        with self._turns.go_first():
            return show_color(
                self._player.frame(
                    number, (wanted.version, side), lambda first: self._play(first, wanted, side)
                )
            )

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
        others = self._anchored([numbered], wanted, side)
        settings, direction = wanted.settings, wanted.direction
        one = color_still(numbered, model, settings, direction, self._match_of(), others)
        (doubts,) = find_doubts([one])
        return View(show_color(one), doubts)

    def _play(self, first: int, wanted: Wanted, side: int) -> Generator[Colored, None, None]:
        """Frames from one on in color, up to the end of their shot."""
        found = self._strip.shot_of(first)
        last = first if found is None else found.last
        evidence_of: EvidenceOf = no_evidence
        settings, direction, model = wanted.settings, wanted.direction, self._model()
        with closing(FrameReader(self._source, self._strip)) as reader:
            frames = (
                self._place(reader.read(number), number, side) for number in range(first, last + 1)
            )
            if self._told(first, wanted):
                kept = list(islice(frames, MOST_PLAYED))
                others = self._anchored(kept, wanted, side)
                evidence_of = evidence_of_frames(kept, model, settings, direction, others)
                frames = (one for one in kept)
            match_of = self._match_of()
            yield from color_piece(frames, model, settings, direction, match_of, evidence_of)

    def _match_of(self) -> MatchOf:
        if self._matches is None:  # references stay prepared
            self._matches = find_matches(self._model())
        return self._matches

    def _told(self, number: int, wanted: Wanted) -> set[int]:
        """Frames of a frame's shot of which anything is said."""
        found = self._strip.shot_of(number)
        return {
            one
            for anchor in wanted.direction.anchors
            if anchor.span is not None and found is not None
            for one in self._strip.frames_of(anchor.span, found)
        }

    def _anchored(self, frames: Sequence[Numbered], wanted: Wanted, side: int) -> list[Numbered]:
        """Others of the shot of which anything is said, those nearest to frames, in order."""
        first, last = frames[0].frame.index, frames[-1].frame.index
        told = [one for one in self._told(first, wanted) if not first <= one <= last]
        near = sorted(told, key=lambda one: max(first - one, one - last))[:MOST_ANCHORED]
        return [self._numbered(one, side) for one in sorted(near)]

    def _predict(self, number: int, model: Model, settings: Settings) -> Mapped:
        size = suited(settings, model).model.render_size or model.render_size
        numbered = self._numbered(number, max(self._source_shape))
        seen = see_frames([numbered], size, negative=settings.color.negative)
        with closing(predict_frames(seen, model, 1)) as mapped:
            return next(mapped)

    def _numbered(self, number: int, side: int) -> Numbered:
        return self._place(self.frame(number), number, side)

    def _place(self, whole: Frame, number: int, side: int) -> Numbered:
        frame, found = _shrunk(whole, side), self._strip.shot_of(number)
        if found is None:
            return Numbered(frame, Shot(0, None), None)
        active = _scaled(found.shot.active, self._source_shape, frame)
        return Numbered(frame, found.shot._replace(returns_to=None, active=active), None)

    @property
    def _source_shape(self) -> tuple[int, int]:
        return self._source.picture.height, self._source.picture.width


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
