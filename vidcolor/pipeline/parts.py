"""The parts of a long shot: after each one a run that was stopped can go on, with the same colors.

All that a frame takes from those before it is handed on as a value, so no color depends on where
a part ends.
"""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save

from vidcolor.frame import FrameFormat, Prediction, Seen
from vidcolor.models.predict import SMALLEST_CPU_BATCH
from vidcolor.models.zoo import Model
from vidcolor.refine.refined import Refiner
from vidcolor.shot import CardState, ShotState
from vidcolor.temporal.gain import ChromaGain
from vidcolor.temporal.keyframes import MOST_APART_IF_SLOW
from vidcolor.temporal.memory import ShotEnding

PIXELS: Final = 440_000_000
"""Of the frames of a part together: at most a minute of work on a slow processor, as a rule."""

LEAST_FRAMES, MOST_FRAMES = 24, 240
"""A part begins with a key frame of its own encoder. By x264 parts of 240 frames make a film no
larger, of 106 by 1 %, of 24 by 11 to 18 %. A shot's first part has all the frames that the shot's
first frame learns from: `LOOK_AHEAD` or more."""

BATCH_PIXELS: Final = 24_000_000
"""Of the keyframes that the network is asked about at once: all frames between them wait, too."""

_REFINED = "refined."


def part_frames(picture: FrameFormat, model: Model) -> int:
    """How many frames a part has, but for a shot's last.

    Where a network is slow, as many as lie between two keyframes at most: a stopped run with
    `--every 1` may lose some minutes of its work, and keyframes need not be nearer to each other.
    """
    if is_slow(model):
        return MOST_APART_IF_SLOW
    return min(max(LEAST_FRAMES, PIXELS // (picture.width * picture.height)), MOST_FRAMES)


def batch_size(picture: FrameFormat, most: int) -> int:
    """How many keyframes the network is asked about at once; no color depends on it.

    Args:
        picture: The film's.
        most: What the user lets it be, of frames that are not large.
    """
    fitting = BATCH_PIXELS // (picture.width * picture.height)
    return min(most, max(fitting, SMALLEST_CPU_BATCH))


def is_slow(model: Model) -> bool:
    """Whether a network takes long for each frame: a large one, on a processor."""
    return bool(model.gmac) and model.device.type == "cpu"


def state_after(
    seen: Seen, prediction: Prediction, strength: ChromaGain, refine: Refiner | None
) -> ShotState:
    """All that the frame after this one takes from it and those before.

    Args:
        seen: The frame, a keyframe.
        prediction: Its prediction, smoothed.
        strength: The shot's gain, after this frame.
        refine: What refines the shot, after this frame.
    """
    state = ShotState(
        gain=strength.sums,
        cards=seen.cards,
        refined={} if refine is None else refine.state(),
    )
    if prediction.weight is None:  # without smoothing frames know nothing of each other
        return state
    return state._replace(
        map=prediction.map, weight=prediction.weight, lightness=prediction.lightness
    )


def begin_with(state: ShotState, device: torch.device) -> ShotEnding:
    """How a shot would end at the frame before those that go on with a state.

    Args:
        state: Of the frames before.
        device: Where the model computes.
    """
    strength = ChromaGain(*state.gain)
    if state.map is None or state.lightness is None:
        return ShotEnding(None, strength)
    past = Prediction(state.map.to(device), state.lightness, weight=state.weight)
    return ShotEnding(past, strength)


def write_state(state: ShotState) -> bytes:
    """A state as a safetensors file, for `read_state`: not a bit of it is lost."""
    ab, lightness = state.shown or (None, None)
    arrays = {
        "weight": state.weight,
        "lightness": state.lightness,
        "gain": np.array(state.gain, np.float64),
        "cards": np.array(state.cards, np.float64),
        "shown_ab": ab,
        "shown_lightness": lightness,
        **{f"{_REFINED}{name}": array for name, array in state.refined.items()},
    }
    tensors = {
        name: torch.from_numpy(np.array(array, order="C"))
        for name, array in arrays.items()
        if array is not None
    }
    if state.map is not None:
        tensors["map"] = state.map.contiguous().cpu()
    return save(tensors)


def read_state(data: bytes) -> ShotState:
    """The state that was written so, on the CPU."""
    kept = load(data)
    arrays: dict[str, NDArray[Any]] = {
        name: tensor.numpy() for name, tensor in kept.items() if name != "map"
    }
    share, scenes, was_card = arrays["cards"].tolist()
    alone, smoothed = arrays["gain"].tolist()
    has_shown = "shown_ab" in arrays
    return ShotState(
        map=kept.get("map"),
        weight=arrays.get("weight"),
        lightness=arrays.get("lightness"),
        gain=(alone, smoothed),
        cards=CardState(share, int(scenes), bool(was_card)),
        refined={
            name.removeprefix(_REFINED): array
            for name, array in arrays.items()
            if name.startswith(_REFINED)
        },
        shown=(arrays["shown_ab"], arrays["shown_lightness"]) if has_shown else None,
    )
