"""Which frames of a shot are keyframes, on which the network runs, and which motion explains.

Where everything in a frame was in the frame before, its colors were too. What cannot be traced back
to the last frame that the network saw adds up frame by frame, until the next keyframe.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.frame import Mapped, Motion, Prediction, Propagated, Seen
from vidcolor.settings import TemporalSettings
from vidcolor.shot import KeyframeState
from vidcolor.temporal.motion import with_motions

A = TypeVar("A", Prediction, Propagated)
Map = NDArray[np.float32]

Ask = Callable[[Iterable[Seen]], Generator[Mapped, None, None]]
"""Runs the network on frames, and gives each back with its prediction, in order."""

MOST_SPARED = 3
"""Most frames between two keyframes with `auto`: colors must not go stale."""

LEAST_TRUST = 0.5
"""A pixel is explained if it can be traced back to the last keyframe with this trust."""

MOST_LOST = 0.02
"""Share of pixels that may be unexplained: a hand that comes into the picture is more."""


class Choice(NamedTuple):
    """Whether the network runs on a frame.

    Attributes:
        is_keyframe: Whether it is.
        motion: How the picture moved against the frame before; None for a shot's first, and where
            nobody needs it.
        state: What the next choice takes from this one and those before.
    """

    is_keyframe: bool
    motion: Motion | None
    state: KeyframeState = KeyframeState()

    @property
    def spared_by(self) -> Motion | None:
        """The motion that explains the frame; None for a keyframe."""
        return None if self.is_keyframe else self.motion


class Begun(NamedTuple):
    """What the frames before some of a shot leave to them.

    Attributes:
        past: The smoothed prediction of the last one.
        keyframe: Where the last keyframe was.
    """

    past: Prediction
    keyframe: KeyframeState


def ask_keyframes(
    frames: Iterable[Seen], ask: Ask, settings: TemporalSettings, begun: Begun | None = None
) -> Generator[tuple[tuple[Seen, KeyframeState], Prediction | Propagated], None, None]:
    """Yield each frame of one shot with its prediction, or the motion that explains it.

    Args:
        frames: The shot's frames in the order shown.
        ask: The network; it gives back the frames that it is given, in their order.
        settings: How often it runs.
        begun: What earlier frames of the shot leave to these; None if there are none.

    Yields:
        The frame and where its keyframe was, and the answer.
    """
    waiting: deque[tuple[Seen, Choice]] = deque()  # chosen, and not answered yet

    def keyframes() -> Iterator[Seen]:
        sparing = KeyframeChooser(settings, None if begun is None else begun.keyframe)
        before = None if begun is None else begun.past.lightness
        with closing(with_motions(frames, settings, before)) as moved:
            for seen, motion in moved:
                choice = sparing.choose(motion)
                waiting.append((seen, choice))
                if choice.is_keyframe:
                    yield seen

    with closing(ask(keyframes())) as answers:
        for answer in answers:
            yield from _spared(waiting)
            seen, choice = waiting.popleft()
            yield _shown(seen, choice, replace(answer.prediction, motion=choice.motion))
        yield from _spared(waiting)


def _spared(
    waiting: deque[tuple[Seen, Choice]],
) -> Iterator[tuple[tuple[Seen, KeyframeState], Propagated]]:
    """The first frames that wait, as long as they are spared."""
    while waiting and (motion := waiting[0][1].spared_by) is not None:
        seen, choice = waiting.popleft()
        yield _shown(seen, choice, Propagated(seen.brightened, motion))


def _shown(seen: Seen, choice: Choice, answer: A) -> tuple[tuple[Seen, KeyframeState], A]:
    """A frame with its answer, which its trace gets, or that there is none of its own."""
    if seen.trace is not None:
        seen.trace.note(spared=isinstance(answer, Propagated))
        if isinstance(answer, Prediction):
            seen.trace.add_prediction("net", answer, answer.seconds)
    return (seen, choice.state), answer


class KeyframeChooser:
    """Chooses among the frames of one shot.

    Args:
        settings: How often the network runs.
        begun: Where the last keyframe was before them; None if they are the shot's first.
    """

    def __init__(self, settings: TemporalSettings, begun: KeyframeState | None = None) -> None:
        self._settings = settings
        # Trust in the way back to the last keyframe, (h, w), and how many frames it is long.
        self._trust, self._spared = begun or KeyframeState()

    def choose(self, motion: Motion | None) -> Choice:
        """Choose for the next frame.

        Args:
            motion: How it moved against the one before, as `with_motions` tells it: None for the
                shot's first, and without smoothing.
        """
        if motion is None:
            return Choice(is_keyframe=True, motion=None)
        is_keyframe = self._must_ask(motion)
        self._spared = 0 if is_keyframe else self._spared + 1
        if is_keyframe:
            self._trust = None
        return Choice(is_keyframe, motion, KeyframeState(self._trust, self._spared))

    def _must_ask(self, motion: Motion) -> bool:
        every = self._settings.every
        if every != "auto":
            return self._spared + 1 >= every
        if self._spared == MOST_SPARED:
            return True
        trust = motion.trust
        if self._trust is not None:
            rows, columns = np.indices(trust.shape, np.float32)
            x, y = motion.displacement[0] + columns, motion.displacement[1] + rows
            trust = trust * cv2.remap(self._trust, x, y, cv2.INTER_LINEAR)
        self._trust = trust
        return float((trust < LEAST_TRUST).mean()) > MOST_LOST
