from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np
import pytest
from animation import (
    animation,
    decode,
    natural_picture,
    random_histogram,
    refine_flood,
    refine_scribble,
)

from vidcolor.frame import Prediction
from vidcolor.refine.refined import Decode, Refined


class Refine(Protocol):
    """Either way to refine."""

    def __call__(  # noqa: D102
        self, histograms: Iterable[Prediction], decode: Decode, *, memory: float = ...
    ) -> Iterator[Refined]: ...


def change(maps: list[np.ndarray]) -> float:
    """Mean change of color from a frame to the next, after the first six."""
    steps = [np.hypot(*(after - before)).mean() for before, after in pairwise(maps[6:])]
    return float(np.mean(steps))


@pytest.mark.parametrize(("refine", "share"), [(refine_flood, 0.05), (refine_scribble, 0.1)])
def test_a_still_picture_holds_still(refine: Refine, share: float) -> None:
    """Under new grain and new random histograms each frame, colors change by a small share."""
    rng = np.random.default_rng(2)
    still = natural_picture()
    shot = [
        random_histogram((still + rng.normal(0, 2, still.shape)).clip(0, 100), seed)
        for seed in range(12)
    ]
    fresh = change([decode(one.map).numpy() for one in shot])
    assert change([frame.ab for frame in refine(shot, decode)]) < share * fresh


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_one_comes_out_as_each_goes_in(refine: Refine) -> None:
    """There is no look-ahead; the histogram is handed on, and what came out stays as it was."""
    asked = []

    def shot() -> Iterator[Prediction]:
        for one in animation(3):
            asked.append(one)
            yield one

    kept = []
    for t, frame in enumerate(refine(shot(), decode)):
        assert len(asked) == t + 1
        assert frame.histogram is asked[t]
        kept.append((frame.ab, frame.ab.copy()))
    assert len(kept) == 3
    assert all(np.array_equal(now, then) for now, then in kept)


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_the_same_shot_gives_the_same_bytes(refine: Refine) -> None:
    """Nothing is left over from a shot before: a second run is equal bit for bit."""
    first, second = (list(refine(animation(4, 2), decode)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.ab.tobytes() == other.ab.tobytes()
        for name, value in one.record.items():
            np.testing.assert_array_equal(value, other.record[name])


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_a_shot_may_be_empty(refine: Refine) -> None:
    """No frames in, none out."""
    assert list(refine([], decode)) == []


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_without_memory_every_frame_is_the_first(refine: Refine) -> None:
    """With memory 0 a frame's colors are those that it has alone."""
    shot = list(animation(3))
    for one, frame in zip(shot, refine(shot, decode, memory=0), strict=True):
        [alone] = refine([one], decode)
        np.testing.assert_allclose(frame.ab, alone.ab, atol=1e-4)


@pytest.mark.parametrize("refine", [refine_flood, refine_scribble])
def test_flicker_of_the_whole_picture_changes_nothing(refine: Refine) -> None:
    """A frame that is brighter all over is refined as if it were not."""
    shot = [random_histogram(natural_picture(), seed) for seed in range(2)]
    brighter = Prediction(shot[1].map, shot[1].lightness + 8)
    _, steady = refine(shot, decode)
    _, flickering = refine([shot[0], brighter], decode)
    off = np.hypot(*(steady.ab - flickering.ab))
    assert np.quantile(off, 0.98) < 0.5
