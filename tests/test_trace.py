from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from clips import soft_shot

from vidcolor.color.lightness import network_size, to_network
from vidcolor.frame import Frame, FrameFormat, Matrix, Prediction, Record
from vidcolor.models.zoo import load_model
from vidcolor.pipeline.run import colorize_frames
from vidcolor.pipeline.trace import NO_TRACE, Decode, TracedFilm
from vidcolor.settings import ModelSettings, Settings, TemporalSettings

SMALL = Settings(model=ModelSettings(device="cpu", render_size=64, batch_size=4))


class Notes:
    """What the stages made of one frame."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.arrays: dict[str, Record] = {}
        self.predictions: dict[str, Prediction] = {}

    def note(self, **facts: float | None) -> None:
        """Keep facts by name."""
        self.facts |= facts

    def add(self, stage: str, arrays: Record, seconds: float | None = None) -> None:
        """Keep arrays by their stage."""
        assert seconds is None or seconds >= 0
        self.arrays[stage] = arrays

    def decode_by(self, decode: Decode) -> None:
        """Predictions are kept as they are."""

    def add_prediction(
        self, stage: str, prediction: Prediction, seconds: float, gain: float = 1.0
    ) -> None:
        """Keep a prediction by its stage."""
        assert seconds >= 0 < gain
        self.predictions[stage] = prediction

    def close(self, **_: float) -> None:
        """Nothing is kept open."""


class Recording:
    """A trace that takes every other frame."""

    def __init__(self) -> None:
        self.notes: dict[int, Notes] = {}

    def begin(self, film: TracedFilm, made_of: Mapping[str, object], decode: Decode) -> None:
        """Frames that come from no film begin with nothing."""

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The frames as they are."""
        return frames

    def open(self, frame: Frame) -> Notes | None:
        """Notes on an even frame."""
        return None if frame.index % 2 else self.notes.setdefault(frame.index, Notes())

    def end(self) -> None:
        """Nothing is kept open."""

    def refuse_missed(self) -> None:
        """No frame is missed."""


def film() -> list[Frame]:
    """Frames of three shots, the last of which goes on with the first, at random times."""
    shots = [soft_shot(seed, length) for seed, length in ((1, 11), (2, 5), (1, 9))]
    height, width = shots[0][0].shape
    picture = FrameFormat(
        width=width,
        height=height,
        depth=8,
        log2_chroma_width=1,
        log2_chroma_height=1,
        matrix=Matrix.BT709,
        full_range=False,
    )
    times = np.random.default_rng(5).integers(1, 90_000, 25).cumsum()
    luma = [one for shot in shots for one in shot]
    return [
        Frame(index, one, int(time), 1, Fraction(1, 90_000), picture)
        for index, (one, time) in enumerate(zip(luma, times, strict=True))
    ]


@pytest.mark.parametrize("every", [1, 3, "auto"])
def test_each_frame_keeps_what_is_known_of_it(every: Any) -> None:
    """Through all stages and threads a frame stays with its own luma, prediction and time."""
    frames, trace = film(), Recording()
    settings = replace(SMALL, temporal=TemporalSettings(every=every))
    colored = list(colorize_frames(iter(frames), load_model("lite", "cpu"), settings, trace))
    assert [one.frame for one in colored] == frames
    assert [one.shot.number for one in colored] == [0] * 11 + [1] * 5 + [2] * 9
    assert colored[-1].shot.returns_to == 0
    size = network_size(frames[0].picture, 64)
    for one in colored[::2]:
        notes, luma = trace.notes[one.frame.index], one.frame.luma
        assert one.trace is notes
        seen = to_network(luma, one.frame.picture, size)
        np.testing.assert_array_equal(notes.arrays["lightness"]["lightness"], seen)
        brightened = notes.arrays["lightness"]["exposed"]
        assert notes.predictions["smooth"].lightness is brightened
        assert notes.facts["spared"] == ("net" not in notes.predictions)
        assert notes.facts["shot"] == one.shot.number
        assert notes.arrays["chroma"]["cb"] is one.chroma.cb
    assert {one.trace for one in colored[1::2]} == {None}


def test_a_trace_changes_nothing() -> None:
    """Colors are the same with one and without."""
    model = load_model("lite", "cpu")
    shown, plain = (
        list(colorize_frames(iter(film()), model, SMALL, trace))
        for trace in (Recording(), NO_TRACE)
    )
    for one, other in zip(shown, plain, strict=True):
        assert all(
            np.array_equal(a, b) for a, b in zip(one.chroma[:2], other.chroma[:2], strict=True)
        )
