"""What a person says of the colors of one shot's frames, carried from frame to frame, and used.

An *anchor* is a frame of which something is said: colors at places, and how much each counts. From
there both are carried through the shot along motion, forward as the frames come and then backward,
along motion that was kept in a file; what is known of each frame is kept in another. So memory does
not grow with the shot. Nothing crosses a cut.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np

from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.directing.placed import PlacedReference
from vidcolor.directing.script import Look
from vidcolor.directing.track import Track, small_lightness
from vidcolor.files import write_error
from vidcolor.frame import Map, Motion, Seen
from vidcolor.models.named import Load, load_named
from vidcolor.shot import Shot
from vidcolor.temporal.motion import find_motion

LEAST_OBSERVATIONS = 0.05
"""What counts less is nothing."""

FINER = 2
"""Places of the map, each way, for which a reference has one color: twice as sharp as the net."""

_NEARLY_NOTHING = 1e-4
"""Observations that colors without any have, so that those beside them are not mixed with gray."""

_STORED = np.dtype(np.float16)


class Told(NamedTuple):
    """What is said of one frame.

    Attributes:
        ab: a* and b*, (2, f h, f w), for each place of the map or `f` = `FINER` times finer.
        observations: How many frames' worth of predictions that counts, (h, w); 0 where nothing is
            said.
    """

    ab: Map
    observations: Map

    @property
    def finer(self) -> int:
        """How many colors there are for each place, each way."""
        return int(self.ab.shape[1] // self.observations.shape[0])

    @property
    def is_whole(self) -> bool:
        """Whether something is said of all of the frame."""
        return bool(self.observations.all())

    @property
    def coarse_ab(self) -> Map:
        """a* and b* at each place of the map, (2, h, w)."""
        return self.ab if self.finer == 1 else _shrunk(self.ab, self.finer)

    @property
    def share(self) -> Map:
        """How much of the frame's colors a person decides, (h, w) in [0, 1)."""
        return np.asarray(self.observations / (1 + self.observations), np.float32)


class Matching(NamedTuple):
    """A reference that a frame is matched with.

    Attributes:
        reference: The reference.
        least: How many frames' worth of predictions a match is at least, if the reference is a
            frame of the same shot; 0 for another photograph, of which little may be found.
    """

    reference: PlacedReference
    least: float = 0.0


AnchorOf = Callable[[Seen], Told | None]
"""What a person says of a frame itself; None for nothing."""


def merge(parts: Sequence[Told]) -> Told:
    """All that is said of one frame: means, and how much they count together."""
    observations = np.sum([part.observations for part in parts], 0)
    finer = max(part.finer for part in parts)
    counted = [_enlarged(part.observations + _NEARLY_NOTHING, finer) for part in parts]
    colors = [_enlarged(part.ab, finer // part.finer) for part in parts]
    weighted = [one * count for one, count in zip(colors, counted, strict=True)]
    ab = np.sum(weighted, 0) / np.sum(counted, 0)
    return Told(np.asarray(ab, np.float32), np.asarray(observations, np.float32))


def _enlarged(maps: Map, times: int) -> Map:
    """Maps, (..., h, w), in which each place is so many, each way."""
    return maps if times == 1 else np.repeat(np.repeat(maps, times, -2), times, -1)


def _shrunk(maps: Map, times: int) -> Map:
    """Means over squares of so many places a side, (n, h, w)."""
    count, rows, columns = maps.shape
    squares = maps.reshape(count, rows // times, times, columns // times, times)
    return np.asarray(squares.mean((2, 4)), np.float32)


class ShotEvidence:
    """What is known of each frame of one shot from what a person says of some.

    Args:
        frames: The shot's frames in the order shown.
        anchor_of: What is said of a frame itself.
        last_anchor: Number of the last frame of which anything is said.
        folder: Where its files lie; None for the system's own place.
        digest: What tells what is said from other words.
        finer: The greatest of what is said; see `Told`.
        references: The shot's own, which are matched with its frames as well, since where motion
            does not lead to them likeness may; and how much a match counts at least. `anchor_of`
            may add to it.

    Attributes:
        digest: As above.
        references: As above.

    Raises:
        OutputError: The disk does not take them.
    """

    def __init__(
        self,
        frames: Iterable[Seen],
        anchor_of: AnchorOf,
        last_anchor: int,
        *,
        folder: Path | None = None,
        digest: str = "",
        finer: int = 1,
        references: Mapping[PlacedReference, float] = MappingProxyType({}),
    ) -> None:
        self.references: Mapping[PlacedReference, float] = references
        self.digest: str = digest
        self._finer = finer
        self._first = 0
        self._ab, self._observations = _Planes(folder), _Planes(folder)
        motions, pictures = _Planes(folder), _Planes(folder)  # x, y and trust; what they belong to
        try:
            anchors = self._go_forward(frames, anchor_of, last_anchor, (motions, pictures))
            self._go_backward(anchors, motions, pictures)
        except BaseException:
            self.close()
            raise
        finally:
            motions.close()
            pictures.close()

    def at(self, frame: int) -> Told | None:
        """What is known of frame `frame` of the film; None for nothing."""
        told = self._read(frame - self._first)
        # Where some frames have finer colors all do: a shot's maps have one size.
        is_empty = told is None or (told.finer == 1 and not told.observations.any())
        return None if is_empty else told

    def close(self) -> None:
        """Delete its files."""
        self._ab.close()
        self._observations.close()

    def _read(self, number: int) -> Told | None:
        observations, ab = self._observations.read(number), self._ab.read(number)
        return None if observations is None or ab is None else Told(ab, observations)

    def _go_forward(
        self,
        frames: Iterable[Seen],
        anchor_of: AnchorOf,
        last_anchor: int,
        kept: tuple["_Planes", "_Planes"],
    ) -> dict[int, tuple[Track, Told]]:
        """Carry what is said to later frames; the anchors, each by its place in the shot."""
        anchors: dict[int, tuple[Track, Told]] = {}
        carried: list[tuple[Track, Told]] = []
        before: Seen | None = None
        for number, seen in enumerate(frames):
            if before is None:
                self._first = seen.frame.index
            else:
                carried = _followed(carried, seen, before)
                if seen.frame.index <= last_anchor:
                    motion = _motion(before, seen)
                    known = np.stack([*motion.displacement, motion.trust])
                    for planes, one in zip(kept, (known, before.brightened), strict=True):
                        planes.write(number - 1, one)
            if (said := anchor_of(seen)) is not None:
                anchors[number] = Track.begin(seen.brightened, is_sought=said.is_whole), said
                carried.append(anchors[number])
            self._keep(number, carried, small_lightness(seen.brightened).shape)
            before = seen
        return anchors

    def _go_backward(
        self, anchors: dict[int, tuple[Track, Told]], motions: "_Planes", pictures: "_Planes"
    ) -> None:
        """Carry what is said to earlier frames."""
        carried: list[tuple[Track, Told]] = []
        for number in range(max(anchors, default=0) - 1, -1, -1):
            if number + 1 in anchors:
                carried.append(anchors[number + 1])
            planes, picture = motions.read(number), pictures.read(number)
            if planes is None or picture is None:
                break
            motion = Motion(planes[:2], planes[2])
            carried = [(track.follow(motion, picture), said) for track, said in carried]
            self._keep(number, carried, motion.trust.shape)

    def _keep(
        self, number: int, carried: Sequence[tuple[Track, Told]], size: tuple[int, ...]
    ) -> None:
        """Add what was carried to a frame to what is known of it."""
        parts = [part for track, said in carried if (part := _moved(track, said)) is not None]
        known = self._read(number)
        if known is not None and known.observations.any():
            parts.append(known)
        if not parts:
            rows, columns = size
            nothing = np.zeros((2, self._finer * rows, self._finer * columns), np.float32)
            parts.append(Told(nothing, np.zeros((rows, columns), np.float32)))
        told = merge(parts)
        self._ab.write(number, told.ab)
        self._observations.write(number, told.observations)


EvidenceOf = Callable[[Shot], ShotEvidence | None]
"""Gives what is known of a shot's frames; None for nothing. The caller closes it."""


def no_evidence(_: Shot) -> None:
    """Nothing is said of any shot."""


def no_match(_seen: Seen, _references: Sequence[Matching]) -> None:
    """Nothing looks like a reference."""


MatchOf = Callable[[Seen, Sequence[Matching]], Told | None]
"""Gives what some references say of a frame that looks like them."""


class Directed(NamedTuple):
    """What a color script says of a film.

    Attributes:
        direction: Its ranges.
        evidence_of: Gives what its hints and anchored references say of a shot.
        match_of: Gives what its free references say of a frame.
        load: Gives the models that it names.
    """

    direction: Direction = NO_DIRECTION
    evidence_of: EvidenceOf = no_evidence
    match_of: MatchOf = no_match
    load: Load = load_named


class DirectedShot(NamedTuple):
    """What a color script says of a shot; see `Directed`."""

    direction: Direction = NO_DIRECTION
    evidence: ShotEvidence | None = None
    match_of: MatchOf = no_match

    @property
    def says_anything(self) -> bool:
        """Whether it says anything that is pooled with predictions."""
        return self.evidence is not None or bool(self.direction.free_references)

    def references_of(self, seen: Seen) -> list[Matching]:
        """The references that a frame is matched with."""
        own = {} if self.evidence is None else self.evidence.references
        free = self.direction.references_of(seen.frame, seen.shot)
        return [*map(Matching, free), *(Matching(*pair) for pair in own.items())]

    def said_of(self, seen: Seen) -> Told | None:
        """All that is pooled with the prediction of a frame; None for nothing."""
        held = self.held_of(seen)
        references = self.references_of(seen)
        matched = self.match_of(seen, references) if references else None
        parts = [one for one in (held, matched) if one is not None]
        return merge(parts) if len(parts) > 1 else next(iter(parts), None)

    def held_of(self, seen: Seen) -> Told | None:
        """What holds for a frame as it is said, however its prediction is decoded."""
        return None if self.evidence is None else self.evidence.at(seen.frame.index)

    def digest_of(self, seen: Seen, look: Look) -> str | None:
        """What tells all that is said of a frame from other words; None for nothing."""
        references = self.direction.references_of(seen.frame, seen.shot)
        evidence = None if self.evidence is None else self.evidence.digest
        return self.direction.digest_of(look, references, evidence)


UNDIRECTED, UNDIRECTED_SHOT = Directed(), DirectedShot()
"""No color script."""


def hold(ab: Map, told: Told | None) -> Map:
    """Decoded colors where a person has said them: as said, however a histogram is decoded.

    Args:
        ab: (2, h, w) a* and b*, at the map's size or at another.
        told: What is said of the frame; None for nothing.

    Returns:
        At the larger one of both sizes.
    """
    if told is None:
        return ab
    rows, columns = (max(sides) for sides in zip(ab.shape[1:], told.ab.shape[1:], strict=True))
    ab, said, share = (_at_size(one, (columns, rows)) for one in (ab, told.ab, told.share[None]))
    return np.asarray(ab + share * (said - ab), np.float32)


def _at_size(maps: Map, size: tuple[int, int]) -> Map:
    if maps.shape[:0:-1] == size:
        return maps
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in maps])


def _moved(track: Track, said: Told) -> Told | None:
    """What is said of a frame at the places of another; None if nothing is left of it."""
    observations = track.look_up(said.observations[None])[0] * track.trust
    observations[observations < LEAST_OBSERVATIONS] = 0
    if not observations.any():
        return None
    counted = _enlarged(said.observations, said.finer)
    *ab, total = track.look_up(np.concatenate([said.ab * counted, counted[None]]), said.finer)
    return Told(np.asarray(np.stack(ab) / np.maximum(total, 1e-6), np.float32), observations)


def _followed(
    carried: list[tuple[Track, Told]], seen: Seen, before: Seen
) -> list[tuple[Track, Told]]:
    if not carried:
        return []
    motion = _motion(seen, before)
    return [(track.follow(motion, seen.brightened), said) for track, said in carried]


def _motion(now: Seen, other: Seen) -> Motion:
    """From the places of one frame to where they are in another."""
    size = small_lightness(now.brightened).shape[::-1]
    return find_motion(now.brightened, other.brightened, (size[0], size[1]))


class _Planes:
    """Maps of frames, all of one shape, in a file without a name."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._shape: tuple[int, ...] = ()
        self._length = 0
        try:
            self._file = TemporaryFile(dir=folder, prefix=".vidcolor-")  # noqa: SIM115 - see close
        except OSError as error:
            raise write_error(folder or Path(), error) from error

    def write(self, number: int, planes: Map) -> None:
        """Keep those of a frame, in the place of what was kept before."""
        self._shape = planes.shape
        data = planes.astype(_STORED).tobytes()
        try:
            self._file.seek(number * len(data))
            self._file.write(data)
        except OSError as error:
            raise write_error(self._folder or Path(), error) from error
        self._length = max(self._length, number + 1)

    def read(self, number: int) -> Map | None:
        """Those of a frame; None if none were kept."""
        if not 0 <= number < self._length:
            return None
        size = int(np.prod(self._shape)) * _STORED.itemsize
        self._file.seek(number * size)
        data = np.frombuffer(self._file.read(size), _STORED)
        return data.reshape(self._shape).astype(np.float32)

    def close(self) -> None:
        """Delete the file."""
        with suppress(OSError):
            self._file.close()
