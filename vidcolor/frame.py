"""The values that pass between the stages, from FrameFormat and Frame to Colored."""

from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.shot import ActiveArea, CardState, Shot, ShotState, Ungraded

Plane = NDArray[np.uint8] | NDArray[np.uint16]
Map = NDArray[np.float32]
Record = dict[str, NDArray[Any]]
"""What a step made on the way to its result, by name: filled in for who asks, else not made."""


INTERLACED_ORDERS = (2, 3, 4, 5)  # of AVFieldOrder
# BB and BT: programs and muxers give TB and BT to woven film whose top or bottom field is shown
# first, other than FFmpeg's comments say.
BOTTOM_FIELD_FIRST_ORDERS = (3, 5)

CPU = torch.device("cpu")

SIDE_MULTIPLE = 32
"""Sides of the picture that a net sees are multiples of this: encoders halve them five times."""

MAP_STRIDE = 4
"""Pixels of that picture, each way, that share one prediction."""


class Matrix(IntEnum):
    """Matrix coefficients by their code point in ITU-T H.273 (07/2024), table 4."""

    BT709 = 1
    FCC = 4
    BT470BG = 5
    SMPTE170M = 6
    SMPTE240M = 7
    BT2020_NCL = 9
    BT2020_CL = 10


class ChromaLocation(IntEnum):
    """Where a chroma sample lies among its luma samples, in FFmpeg's numbering (AVChromaLocation).

    H.273 numbers them one lower; UNSPECIFIED is treated as LEFT, the default of H.264 and H.265.
    """

    UNSPECIFIED = 0
    LEFT = 1
    CENTER = 2
    TOP_LEFT = 3
    TOP = 4
    BOTTOM_LEFT = 5
    BOTTOM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """What all frames of a film have in common.

    Attributes:
        width: Luma samples a row.
        height: Luma rows.
        depth: Bits of a sample, 8 to 16.
        log2_chroma_width: Chroma columns are width / 2 ** this, rounded up.
        log2_chroma_height: Chroma rows are height / 2 ** this, rounded up.
        matrix: Matrix coefficients that the chroma is written with.
        full_range: Luma codes span the whole depth (0 is black), else 16 to 235 scaled to it.
        primaries: Code point of H.273 table 2; 2 is unspecified.
        transfer: Code point of H.273 table 3; 2 is unspecified.
        chroma_location: Where the samples of the new chroma lie.
        sample_aspect_ratio: Width to height of one sample.
        field_order: FFmpeg's AVFieldOrder: 0 unknown, 1 progressive, 2 top first, 3 bottom first.
        display_matrix: The nine integers that turn the picture when shown; None for upright.
    """

    width: int
    height: int
    depth: int
    log2_chroma_width: int
    log2_chroma_height: int
    matrix: Matrix
    full_range: bool
    primaries: int = 2
    transfer: int = 2
    chroma_location: ChromaLocation = ChromaLocation.UNSPECIFIED
    sample_aspect_ratio: Fraction = Fraction(1)
    field_order: int = 0
    display_matrix: tuple[int, ...] | None = None

    @property
    def is_interlaced(self) -> bool:
        """Whether its frames are marked as woven of two fields."""
        return self.field_order in INTERLACED_ORDERS

    @property
    def is_bottom_first(self) -> bool:
        """Whether the bottom one of a frame's two fields is marked as shown first."""
        return self.field_order in BOTTOM_FIELD_FIRST_ORDERS

    @property
    def chroma_width(self) -> int:
        """Chroma samples a row."""
        return -(-self.width >> self.log2_chroma_width)

    @property
    def chroma_height(self) -> int:
        """Chroma rows."""
        return -(-self.height >> self.log2_chroma_height)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded frame of a film.

    Attributes:
        index: Number of the frame, from 0, in the order shown.
        luma: The coded Y' plane as decoded, (height, width), uint8 for 8 bits, else uint16.
        pts: Time shown, in units of `time_base`.
        duration: Time on screen, in units of `time_base`; 0 where the source does not say.
        time_base: Seconds a unit.
        picture: What all frames of the film have in common.
        top_field_first: For an interlaced frame, which field is shown first; None if progressive.
        chroma: The frame's own Cb and Cr as decoded, each (Hc, Wc) in the source's subsampling;
            None if it has none, or if it is not needed.
        captions: Closed captions that come with it (ATSC A/53 part 4, 6.2.3: three bytes each).
    """

    index: int
    luma: Plane
    pts: int
    duration: int
    time_base: Fraction
    picture: FrameFormat
    top_field_first: bool | None = None
    chroma: tuple[Plane, Plane] | None = None
    captions: bytes = b""

    def __post_init__(self) -> None:
        expected = (self.picture.height, self.picture.width)
        if self.luma.shape != expected:
            raise ValueError(f"luma of {self.luma.shape} in a picture of {expected}")

    def __repr__(self) -> str:
        return f"Frame({self.index}, luma={self.luma.shape} {self.luma.dtype}, pts={self.pts})"

    @property
    def seconds(self) -> float:
        """Time shown, in seconds: for people and logs only."""
        return float(self.pts * self.time_base)

    @property
    def nbytes(self) -> int:
        """What its planes take in memory, in bytes."""
        return self.luma.nbytes + sum(plane.nbytes for plane in self.chroma or ())

    def cropped(self, active: ActiveArea | None) -> "Frame":
        """A frame that shows this part alone; itself for None."""
        if active is None:
            return self
        picture = replace(self.picture, width=active.width, height=active.height)
        luma = self.luma[active.top : active.bottom, active.left : active.right]
        whole = self.luma.shape
        return replace(
            self,
            luma=cast(Plane, np.ascontiguousarray(luma)),
            picture=picture,
            chroma=self.chroma
            and (_part(self.chroma[0], active, whole), _part(self.chroma[1], active, whole)),
        )


def _part(plane: Plane, active: ActiveArea, whole: tuple[int, ...]) -> Plane:
    """What lies in a part of a frame, given its luma rows and columns, of a plane of any size."""
    rows, columns = plane.shape
    top, bottom = (edge * rows // whole[0] for edge in active[:2])
    left, right = (edge * columns // whole[1] for edge in active[2:])
    return plane[top : max(top + 1, bottom), left : max(left + 1, right)]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """How a picture moved against the frame before, or a shot's first against the one behind.

    Attributes:
        displacement: From each pixel to where it was, x and y in pixels of the map, (2, h, w).
        trust: How far that is true and the pixel looks as it did, (h, w) in [0, 1].
    """

    displacement: NDArray[np.float32]
    trust: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The network's answer for one frame: for each pixel, how likely each bin of the ab plane is.

    Attributes:
        map: (bins, h, w), summing to 1 over the bins; in float16 they change no color by
            more than 0.1 in ab, and half the memory goes through the processor. Of a network that
            gives colors at once they are a* and b*, (2, h, w) float32: smoothing is the same.
        lightness: (H, W) float32 in [0, 100], the picture that the network saw; H = 4 h, W = 4 w.
        seconds: Time that predicting it took, its share of the batch's.
        predicted: Its map before smoothing; None if it was not smoothed or not predicted.
        weight: (h, w) float32 above 0, how many frames' worth of predictions it is a mean of; None
            if it was not smoothed.
        motion: How the others were moved here; None for a frame that has none.
        observations: (h, w), how many frames' worth of predictions a person's own word in it is;
            None if there is none.
    """

    map: torch.Tensor
    lightness: NDArray[np.float32]
    seconds: float = 0.0
    predicted: torch.Tensor | None = None
    weight: NDArray[np.float32] | None = None
    motion: Motion | None = None
    observations: NDArray[np.float32] | None = None

    @property
    def past_share(self) -> NDArray[np.float32] | None:
        """(h, w) in [0, 1], how much of it comes from other frames; None if it was not smoothed."""
        if self.weight is None or self.predicted is None:
            return None if self.weight is None else np.ones_like(self.weight)
        own = 1 if self.observations is None else 1 + self.observations
        return np.asarray(1 - own / self.weight, np.float32)

    def __repr__(self) -> str:
        return f"Prediction({tuple(self.map.shape)} of {self.lightness.shape})"


class FrameTrace(Protocol):
    """Takes what the stages make of one frame, to show or keep it."""

    def note(self, **facts: float | None) -> None:
        """Take single facts by name."""

    def add(self, stage: str, arrays: Record, seconds: float | None = None) -> None:
        """Take what a stage made.

        Args:
            stage: Its name.
            arrays: What it made, by name.
            seconds: How long it took, if that is known.
        """

    def add_prediction(
        self, stage: str, prediction: Prediction, seconds: float, gain: float = 1.0
    ) -> None:
        """Take a prediction, whose colors will be multiplied with `gain`; see `add`."""

    def decode_by(self, decode: Any) -> None:
        """Decode predictions to come in this way, as of `Trace.begin`."""

    def close(self, **seconds: float) -> None:
        """Take the times of the steps after, by name: no more comes."""


def to_device(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array as a tensor on a device; on the CPU both share their memory.

    To an NVIDIA GPU it goes through page-locked memory, which the GPU reads by itself while the
    processor goes on (CUDA C++ Programming Guide, "Page-Locked Host Memory").
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Chroma(NamedTuple):
    """The color of a frame as it is written.

    Attributes:
        cb: Codes, (Hc, Wc).
        cr: The same.
        gamut_limited_share: How many of them are nearer to neutral than the color, since the luma
            that they lie over leaves no more room in the gamut; in [0, 1].
    """

    cb: Plane
    cr: Plane
    gamut_limited_share: float


class CutScore(NamedTuple):
    """How much a frame looks like the first of a shot; a hard cut needs both to be large.

    Attributes:
        difference: How unlike the frame before it is, in percent: 0 alike, 100 nothing alike, 200
            its negative.
        ratio: The same, over the mean of it in the `WINDOW` frames on each side.
    """

    difference: float
    ratio: float


class Numbered(NamedTuple):
    """A frame, its shot, and how much it looks like the shot's first; None if that is not asked."""

    frame: Frame
    shot: Shot
    cut: CutScore | None


class Seen(NamedTuple):
    """A frame as the network sees it.

    Attributes:
        frame: The frame.
        shot: Its shot.
        lightness: L* at the network's size, (H, W).
        brightened: The same, lightened where the film is dark.
        color_share: What its colors are to be multiplied with, in [0, 1]: a dark picture has weaker
            ones than the lightened one, a card none.
        trace: Takes what the stages make of it; None if that is not wanted.
        cards: What the shot has shown up to it.
        smoothing: In place of the film's, see `TemporalSettings`; None for that.
    """

    frame: Frame
    shot: Shot
    lightness: Map
    brightened: Map
    color_share: float
    trace: FrameTrace | None = None
    cards: CardState = CardState()
    smoothing: float | None = None


class Mapped(NamedTuple):
    """A frame with its prediction.

    Attributes:
        seen: The frame.
        prediction: What the network says of it.
    """

    seen: Seen
    prediction: Prediction


class Guess(NamedTuple):
    """What is known of a frame's colors at the size of the model's map.

    Attributes:
        seen: The frame.
        ab: a* and b* as they are wanted, (2, h, w).
        confidence: 1 where one bin has all probability, 0 where all have alike; the map's mean.
        directed: Digest of what a color script sets for the frame; None for nothing.
        state: What the next frame takes from it and those before, if it ends a part of its shot.
        ungraded: The colors that the wanted ones are made of; None if they are the source's own.
    """

    seen: Seen
    ab: Map
    confidence: float
    directed: str | None = None
    state: ShotState | None = None
    ungraded: Ungraded | None = None


class Colored(NamedTuple):
    """A frame with its color.

    Attributes:
        frame: The frame.
        chroma: What is to be written.
        ab: The small map that they come from, (2, h, w).
        lightness: L* of the picture at that map's size, (h, w).
        confidence: How sure the model is of it, in [0, 1].
        shot: Its shot.
        trace: As in `Seen`; whoever takes the frame closes it.
        directed: As in `Guess`.
        state: As in `Guess`.
        ungraded: As in `Guess`.
    """

    frame: Frame
    chroma: Chroma
    ab: Map
    lightness: Map
    confidence: float
    shot: Shot
    trace: FrameTrace | None = None
    directed: str | None = None
    state: ShotState | None = None
    ungraded: Ungraded | None = None

    @property
    def nbytes(self) -> int:
        """What its planes take in memory, in bytes."""
        return self.frame.nbytes + sum(plane.nbytes for plane in self.chroma[:2])
