"""Where a film cuts from one shot to the next, found on small pictures of its luma.

The cuts are those of PySceneDetect's `AdaptiveDetector`: the mean difference between two pictures
must be large, and large against that of the frames around it, so that fast motion is no cut. A
detector's cut is dropped where the picture of before comes back within a frame or two: that is a
flash, a blank frame or a splice inside one shot.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice, pairwise
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from vidcolor.frame import Plane

T = TypeVar("T")
SmallLuma = NDArray[np.uint8]

SMALL_SIDE = 128
"""Long side of the pictures compared, in pixels: grain is averaged away, content stays."""

MIN_DIFFERENCE = 15.0
"""Mean difference of a cut, in 8-bit codes. Flicker stays below, real cuts measured 29 up."""

MIN_RATIO = 3.0
"""How many times the mean difference of the frames around it a cut must have."""

WINDOW = 2
"""Frames on each side that a cut's difference is held against; cuts are heard of that late."""

FLASH_FRAMES = 2
"""Longest run of strange frames, in frames, after which the old picture may come back uncut."""

RETURN_SHARE = 0.5
"""A picture is back if it differs from the old one by less than this share of the jump."""

_LEAST_MEAN, _GREATEST_RATIO = 1e-5, 255.0  # the detector's own, where nothing moves
_COUNTING = Fraction(25)  # The detector wants a frame rate; we only count frames with it.


class CutScore(NamedTuple):
    """How much a frame looks like the first of a shot; a cut needs both to be large.

    Attributes:
        difference: Mean difference to the frame before, in 8-bit codes.
        ratio: The same, over the mean of it in the `WINDOW` frames on each side.
    """

    difference: float
    ratio: float


def small_luma(luma: Plane, depth: int) -> SmallLuma:
    """Give the small 8-bit picture that cuts are looked for in.

    Args:
        luma: Y' codes, (H, W).
        depth: Bits of a code, 8 to 16.

    Returns:
        Y' codes at 8 bits, (h, w), the longer side at most `SMALL_SIDE` pixels.
    """
    height, width = luma.shape
    share = min(1.0, SMALL_SIDE / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    return np.right_shift(small, depth - 8, dtype=luma.dtype).astype(np.uint8)


def number_shots(frames: Iterable[tuple[T, SmallLuma]]) -> Iterator[tuple[T, int, CutScore]]:
    """Number the shots of a film as it streams by.

    Times are not looked at, so the frame rate may vary. At most `WINDOW` + 1 items are held, and a
    film that ends early or has one frame still gives out every item once.

    Args:
        frames: Pairs of anything and its `small_luma`, all of one shape, in the order shown.

    Yields:
        The same things in the same order, each with the number of its shot, from 0, and with how
        much it looked like a cut.
    """
    cuts = _Cuts()
    before: deque[SmallLuma] = deque(maxlen=FLASH_FRAMES + 1)
    waiting: deque[tuple[T, SmallLuma]] = deque()
    number = 0
    for item, picture in _followed(frames, waiting, cuts):
        after = [picture, *(seen for _, seen in islice(waiting, FLASH_FRAMES))]
        if cuts.pop() and _part(before, after):
            number += 1
        score = _score(list(before), after)
        before.append(picture)
        yield item, number, score


def _followed(
    frames: Iterable[tuple[T, SmallLuma]], waiting: deque[tuple[T, SmallLuma]], cuts: "_Cuts"
) -> Iterator[tuple[T, SmallLuma]]:
    """Give each frame once `WINDOW` frames behind it have been seen; those stay in `waiting`."""
    picture = None
    for item, picture in frames:
        cuts.push(picture)
        waiting.append((item, picture))
        if len(waiting) > WINDOW:
            yield waiting.popleft()
    if picture is not None:
        cuts.push_last(picture)
    while waiting:
        yield waiting.popleft()


def _part(before: Iterable[SmallLuma], after: list[SmallLuma]) -> bool:
    """Say whether the pictures before a cut and after it stay apart."""
    differences = np.array([[cv2.norm(a, b, cv2.NORM_L1) for b in after] for a in before])
    return bool(differences.min() > RETURN_SHARE * differences[-1, 0])


def _score(before: list[SmallLuma], after: list[SmallLuma]) -> CutScore:
    """How much the first picture of `after` looks like a cut, by the detector's arithmetic.

    As for the detector, a film stands still before its first frame and after its last one.
    """
    steps = {
        index: cv2.norm(one, other, cv2.NORM_L1) / one.size
        for index, (one, other) in enumerate(pairwise([*before, *after]), 1 - len(before))
    }
    difference = steps.get(0, 0.0)
    around = [steps.get(index, 0.0) for index in range(-WINDOW, WINDOW + 1) if index]
    mean = sum(around) / len(around)
    return CutScore(difference, min(difference / max(mean, _LEAST_MEAN), _GREATEST_RATIO))


class _Cuts:
    """A detector's answers, one a frame, in step with the film: is this frame the first of a shot?

    The detector needs `WINDOW` frames on both sides of a cut, so the first and the last picture
    are shown to it more often than they come.
    """

    def __init__(self) -> None:
        self._detector = AdaptiveDetector(
            adaptive_threshold=MIN_RATIO,
            min_scene_len=1,
            window_width=WINDOW,
            min_content_val=MIN_DIFFERENCE,
            luma_only=True,
        )
        self._shown = 0
        self._given = 0
        self._found: set[int] = set()

    def push(self, picture: SmallLuma) -> None:
        """Show the next frame of the film."""
        for _ in range(1 if self._shown else 1 + WINDOW):
            self._show(picture)

    def push_last(self, picture: SmallLuma) -> None:
        """Say that the film has ended with this picture."""
        for _ in range(WINDOW):
            self._show(picture)

    def pop(self) -> bool:
        """Answer for the next frame, in order; `WINDOW` frames behind it must have been shown."""
        index = self._given
        self._given += 1
        is_cut = index in self._found
        self._found.discard(index)
        return is_cut

    def _show(self, picture: SmallLuma) -> None:
        time = FrameTimecode(self._shown, fps=_COUNTING)
        self._shown += 1
        found = self._detector.process_frame(time, cv2.merge([picture] * 3))
        self._found.update(cut.frame_num - WINDOW for cut in found)
