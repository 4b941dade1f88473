"""Which frames of a shot are keyframes, on which the network runs, and which motion explains.

What a frame shows was in the keyframe before it, or will be in the one after: its colors are there.
A shot is read a few frames ahead, and the next keyframe is the farthest between which and the last
one every frame is explained by the two together.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from vidcolor.frame import Map, Mapped, Motion, Prediction, Seen
from vidcolor.settings import TemporalSettings
from vidcolor.temporal.motion import Step, with_motions
from vidcolor.temporal.ways import follow

Ask = Callable[[Iterable[Seen]], Generator[Mapped, None, None]]
"""Runs the network on frames, and gives each back with its prediction, in order."""

MOST_APART, MOST_APART_IF_SLOW = 12, 48
"""Most frames from a keyframe to the next with `auto`; and of a network that takes seconds. Over
fourteen clips the network then sees 20 % of the frames, and colors are as good as with all.
"""

LEAST_TRUST = 0.3
"""A pixel is explained if it can be traced to one of the two keyframes with this trust."""

MOST_LOST = 0.1
"""Share of pixels that may be unexplained: a hand that comes into the picture is more."""


class Between(NamedTuple):
    """A frame that the network does not see.

    Attributes:
        seen: The frame.
        back: From its pixels to the keyframe before.
        forth: From its pixels to the keyframe after.
        share: How far on the way from one to the other it lies, in (0, 1).
    """

    seen: Seen
    back: Motion
    forth: Motion
    share: float


class Span(NamedTuple):
    """A keyframe, and the frames between the one before and it.

    Attributes:
        between: These frames, in the order shown.
        keyframe: The keyframe.
        back: From its pixels to the keyframe before; None for a shot's first, and without
            smoothing.
        forth: From the pixels of the keyframe before to this one; None likewise.
    """

    between: tuple[Between, ...]
    keyframe: Seen
    back: Motion | None = None
    forth: Motion | None = None

    @property
    def length(self) -> int:
        """How many frames it has."""
        return len(self.between) + 1


def most_apart(settings: TemporalSettings, *, is_slow: bool = False) -> int:
    """Most frames from a keyframe to the next: so many of a shot are read ahead.

    Args:
        settings: How often the network runs.
        is_slow: Whether it takes long for each frame.
    """
    if settings.every != "auto":
        return settings.every
    return MOST_APART_IF_SLOW if is_slow else MOST_APART


def find_spans(
    frames: Iterable[Seen],
    settings: TemporalSettings,
    *,
    part: int = 0,
    before: Map | None = None,
    is_slow: bool = False,
) -> Generator[Span, None, None]:
    """Cut a shot into spans, each of which ends with a keyframe.

    The shot's first and last frames are keyframes, and so is the last of each of its parts.

    Args:
        frames: The shot's frames in the order shown.
        settings: How often the network runs. Without smoothing it sees every frame.
        part: How many frames a part has; 0 if the shot has none.
        before: The exposed picture of the keyframe before the first, (H, W); None if there is none.
        is_slow: Whether the network takes long for each frame.
    """
    most = most_apart(settings, is_slow=is_slow)
    window: deque[tuple[Seen, Step]] = deque()
    count = 0
    with closing(with_motions(frames, settings, before)) as moved:
        for seen, step in moved:
            count += 1
            ends_part = part > 0 and count % part == 0
            if step is None:
                while window:
                    yield _span([window.popleft() for _ in range(_reach(window, settings))])
                yield Span((), seen)
                continue
            window.append((seen, step))
            while len(window) == most or (ends_part and window):
                yield _span([window.popleft() for _ in range(_reach(window, settings))])
        while window:
            yield _span([window.popleft() for _ in range(_reach(window, settings))])


def _reach(window: Iterable[tuple[Seen, Step]], settings: TemporalSettings) -> int:
    """How many frames the next span has of those that come."""
    steps = [step for _, step in window]
    if settings.every != "auto":
        return len(steps)
    back = [way.trust for way in _ways_back(steps)]
    for last in range(len(steps) - 1, 0, -1):
        forth: Motion | None = None
        for number in range(last - 1, -1, -1):
            forth = follow(steps[number + 1].forth, forth)
            if _lost(np.maximum(back[number], forth.trust)) > MOST_LOST:
                break
        else:
            return last + 1
    return 1


def _lost(trust: Map) -> float:
    """Share of pixels that cannot be traced."""
    return float((trust < LEAST_TRUST).mean())


def _ways_back(steps: Sequence[Step]) -> list[Motion]:
    """From each of some frames to the keyframe before them."""
    first = steps[0].back
    return list(
        accumulate(
            (one.back for one in steps[1:]), lambda way, one: follow(one, way), initial=first
        )
    )


def _span(frames: Sequence[tuple[Seen, Step]]) -> Span:
    """The span of these frames."""
    steps = [step for _, step in frames]
    back = _ways_back(steps)
    forth: list[Motion] = []  # from the keyframe before, and from each between
    for step in reversed(steps):
        forth.insert(0, follow(step.forth, forth[0] if forth else None))
    between = (
        Between(seen, back[place], forth[place + 1], (place + 1) / len(frames))
        for place, (seen, _) in enumerate(frames[:-1])
    )
    return Span(tuple(between), frames[-1][0], back[-1], forth[0])


def ask_keyframes(
    spans: Iterable[Span], ask: Ask
) -> Generator[tuple[Span, Prediction], None, None]:
    """Yield each span with what the network says of its keyframe.

    Args:
        spans: The shot's spans.
        ask: The network; it gives back the frames that it is given, in their order.
    """
    waiting: deque[Span] = deque()

    def keyframes() -> Iterator[Seen]:
        for span in spans:
            waiting.append(span)
            yield span.keyframe

    with closing(ask(keyframes())) as answers:
        for answer in answers:
            span = waiting.popleft()
            trace = span.keyframe.trace
            if trace is not None:
                trace.note(spared=False)
                trace.add_prediction("net", answer.prediction, answer.prediction.seconds)
            yield span, replace(answer.prediction, motion=span.back)
