"""What the stages show of their work; without a trace nothing is made for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import torch

from vidcolor.color.bins import Decoded
from vidcolor.frame import Chroma, Frame, FrameFormat, FrameTrace, Prediction, Record
from vidcolor.refine.refined import Refined

Decode = Callable[[torch.Tensor, float], Decoded]
"""Makes a prediction, (C, h, w), colors with a gain, as the film gets them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedFilm:
    """What is known of a film before its first frame comes.

    Attributes:
        path: Where it lies.
        files: The files that it lies in, if it is no single one.
        picture: Geometry and color of its frames, with the chroma planes that are made.
        frame_rate: Frames a second.
        first_seconds: Time of its first frame by its own clock.
        frames: How many frames will come, as its header leads to expect.
        end_seconds: When the last of them ends, in seconds after the film's first frame.
        timecode: Of its first frame, if it states one.
        map_size: Width and height of the predictions.
    """

    path: Path
    picture: FrameFormat
    frame_rate: Fraction
    first_seconds: Fraction
    frames: int | None
    end_seconds: float | None
    timecode: str | None
    map_size: tuple[int, int]
    files: tuple[Path, ...] = ()


class Trace(Protocol):
    """Chooses frames of a film, and takes what the stages make of them."""

    def begin(self, film: TracedFilm, made_of: Mapping[str, object], decode: Decode) -> None:
        """Get ready for a film's frames.

        Args:
            film: What must be known of it.
            made_of: What decides about its colors, beside the film itself: equal facts, equal
                arrays.
            decode: Makes predictions colors.
        """

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Give frames on as they come, and choose among them."""

    def open(self, frame: Frame) -> FrameTrace | None:
        """Begin with a frame that `watch` has given; None if it is not chosen."""

    def end(self) -> None:
        """No more frames come; those that are not closed are forgotten."""

    def refuse_missed(self) -> None:
        """Raise if frames were chosen that the film, as seen by now, has not."""


class _NoTrace:
    """Chooses no frame."""

    def begin(self, film: TracedFilm, made_of: Mapping[str, object], decode: Decode) -> None:
        pass

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        return frames

    def open(self, _frame: Frame) -> FrameTrace | None:
        return None

    def end(self) -> None:
        pass

    def refuse_missed(self) -> None:
        pass


NO_TRACE: Final[Trace] = _NoTrace()


def show_smoothed(
    trace: FrameTrace,
    prediction: Prediction,
    refined: Refined | None,
    seconds: float,
    *,
    gain: float,
) -> None:
    """Show a smoothed prediction, how its past was moved, and the regions of its refinement.

    Args:
        trace: Of the frame.
        prediction: The prediction; its motion may be None.
        refined: What refinement made of it, if anything.
        seconds: How long it all took.
        gain: Of its colors.
    """
    if prediction.motion is not None:
        motion = prediction.motion
        trace.add("flow", {"displacement": motion.displacement, "trust": motion.trust})
    trace.add_prediction("smooth", prediction, seconds, gain=gain)
    if refined is not None:
        trace.add("regions", refined.record)


def show_chroma(trace: FrameTrace, chroma: Chroma, record: Record, seconds: float) -> None:
    """Show the chroma planes of a frame, and what was made on the way to them."""
    planes: Record = {"cb": chroma.cb, "cr": chroma.cr}
    trace.add("chroma", record | planes, seconds)
    trace.add("final", planes)
