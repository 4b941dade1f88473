"""What a person says of the colors of one shot's frames, carried from frame to frame, and used.

An *anchor* is a frame of which something is said: colors at places, and how much each counts. From
there both are carried through the shot along motion, forward as the frames come and then backward,
along motion that was kept in a file; what is known of each frame is kept in another. So memory does
not grow with the shot. Nothing crosses a cut.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import cv2
import numpy as np

from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.directing.track import Track, small_lightness
from vidcolor.files import write_error
from vidcolor.frame import Map, Motion, Seen
from vidcolor.shot import Shot
from vidcolor.temporal.motion import find_motion

LEAST_OBSERVATIONS = 0.05
"""What counts less is nothing."""

_STORED = np.dtype(np.float16)
_TOLD_PLANES = 3  # a*, b* and observations
_MOTION_PLANES = 4  # x, y, trust and the frame's lightness


class Told(NamedTuple):
    """What is said of one frame.

    Attributes:
        ab: a* and b* at each place, (2, h, w).
        observations: How many frames' worth of predictions that counts, (h, w); 0 where nothing is
            said.
    """

    ab: Map
    observations: Map

    @property
    def share(self) -> Map:
        """How much of the frame's colors a person decides, (h, w) in [0, 1)."""
        return np.asarray(self.observations / (1 + self.observations), np.float32)


AnchorOf = Callable[[Seen], Told | None]
"""What a person says of a frame itself; None for nothing."""


def merge(parts: Sequence[Told]) -> Told:
    """All that is said of one frame: means, and how much they count together."""
    observations = np.sum([part.observations for part in parts], 0)
    ab = np.sum([part.ab * part.observations for part in parts], 0)
    return Told(
        np.asarray(ab / np.maximum(observations, 1e-6), np.float32),
        np.asarray(observations, np.float32),
    )


class ShotEvidence:
    """What is known of each frame of one shot from what a person says of some.

    Args:
        frames: The shot's frames in the order shown.
        anchor_of: What is said of a frame itself.
        last_anchor: Number of the last frame of which anything is said.
        folder: Where its files lie; None for the system's own place.
        digest: What tells what is said from other words.

    Attributes:
        digest: As above.

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
    ) -> None:
        self.digest: str = digest
        self._first = 0
        self._told = _Planes(_TOLD_PLANES, folder)
        motions = _Planes(_MOTION_PLANES, folder)
        try:
            anchors = self._go_forward(frames, anchor_of, last_anchor, motions)
            self._go_backward(anchors, motions)
        except BaseException:
            self.close()
            raise
        finally:
            motions.close()

    def at(self, frame: int) -> Told | None:
        """What is known of frame `frame` of the film; None for nothing."""
        planes = self._told.read(frame - self._first)
        if planes is None or not planes[2].any():
            return None
        return Told(planes[:2], planes[2])

    def close(self) -> None:
        """Delete its files."""
        self._told.close()

    def _go_forward(
        self, frames: Iterable[Seen], anchor_of: AnchorOf, last_anchor: int, motions: "_Planes"
    ) -> dict[int, tuple[Track, Told]]:
        """Carry what is said to later frames; the anchors, each by its place in the shot."""
        anchors: dict[int, tuple[Track, Told]] = {}
        carried: list[tuple[Track, Told]] = []
        before: Seen | None = None
        for number, seen in enumerate(frames):
            lightness = small_lightness(seen.brightened)
            if before is None:
                self._first = seen.frame.index
            else:
                carried = _followed(carried, seen, before, lightness)
                if seen.frame.index <= last_anchor:
                    motion = _motion(before, seen)
                    known = [*motion.displacement, motion.trust, small_lightness(before.brightened)]
                    motions.write(number - 1, np.stack(known))
            if (said := anchor_of(seen)) is not None:
                anchors[number] = Track.begin(lightness), said
                carried.append(anchors[number])
            self._keep(number, carried, lightness.shape)
            before = seen
        return anchors

    def _go_backward(self, anchors: dict[int, tuple[Track, Told]], motions: "_Planes") -> None:
        """Carry what is said to earlier frames."""
        carried: list[tuple[Track, Told]] = []
        for number in range(max(anchors, default=0) - 1, -1, -1):
            if number + 1 in anchors:
                carried.append(anchors[number + 1])
            planes = motions.read(number)
            if planes is None:
                break
            motion, lightness = Motion(planes[:2], planes[2]), planes[3]
            carried = [(track.follow(motion, lightness), said) for track, said in carried]
            self._keep(number, carried, lightness.shape)

    def _keep(
        self, number: int, carried: Sequence[tuple[Track, Told]], size: tuple[int, ...]
    ) -> None:
        """Add what was carried to a frame to what is known of it."""
        parts = [part for track, said in carried if (part := _moved(track, said)) is not None]
        known = self._told.read(number)
        if known is not None:
            parts.append(Told(known[:2], known[2]))
        if not parts:
            self._told.write(number, np.zeros((_TOLD_PLANES, *size), np.float32))
            return
        told = merge(parts)
        self._told.write(number, np.concatenate([told.ab, told.observations[None]]))


EvidenceOf = Callable[[Shot], ShotEvidence | None]
"""Gives what is known of a shot's frames; None for nothing. The caller closes it."""


def no_evidence(_: Shot) -> None:
    """Nothing is said of any shot."""


class Directed(NamedTuple):
    """What a color script says of a film.

    Attributes:
        direction: Its ranges.
        evidence_of: Gives what its hints say of a shot.
    """

    direction: Direction = NO_DIRECTION
    evidence_of: EvidenceOf = no_evidence


class DirectedShot(NamedTuple):
    """What a color script says of a shot: its ranges, and what is known by its hints."""

    direction: Direction = NO_DIRECTION
    evidence: ShotEvidence | None = None


UNDIRECTED, UNDIRECTED_SHOT = Directed(), DirectedShot()
"""No color script."""


def hold(ab: Map, told: Told | None) -> Map:
    """Decoded colors where a person has said them: as said, however a histogram is decoded.

    Args:
        ab: (2, h, w) a* and b*, at the map's size or at another.
        told: What is said of the frame; None for nothing.
    """
    if told is None:
        return ab
    planes = np.stack([*told.ab, told.share])
    if ab.shape[1:] != planes.shape[1:]:
        size = ab.shape[:0:-1]
        planes = np.stack([cv2.resize(p, size, interpolation=cv2.INTER_LINEAR) for p in planes])
    return np.asarray(ab + planes[2] * (planes[:2] - ab), np.float32)


def _moved(track: Track, said: Told) -> Told | None:
    """What is said of a frame at the places of another; None if nothing is left of it."""
    weighted = np.concatenate([said.ab * said.observations, said.observations[None]])
    found = track.look_up(weighted)
    observations = found[2] * track.trust
    observations[observations < LEAST_OBSERVATIONS] = 0
    if not observations.any():
        return None
    return Told(np.asarray(found[:2] / np.maximum(found[2], 1e-6), np.float32), observations)


def _followed(
    carried: list[tuple[Track, Told]], seen: Seen, before: Seen, lightness: Map
) -> list[tuple[Track, Told]]:
    if not carried:
        return []
    motion = _motion(seen, before)
    return [(track.follow(motion, lightness), said) for track, said in carried]


def _motion(now: Seen, other: Seen) -> Motion:
    """From the places of one frame to where they are in another."""
    size = small_lightness(now.brightened).shape[::-1]
    return find_motion(now.brightened, other.brightened, (size[0], size[1]))


class _Planes:
    """Maps of frames, some each, in a file without a name."""

    def __init__(self, count: int, folder: Path | None) -> None:
        self._count, self._folder = count, folder
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
