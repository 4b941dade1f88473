"""Weights of `eccv16` as its authors released them: fetched, checked, and read into our net.

Of https://github.com/richzhang/colorization (BSD 2-Clause): `colorizers/eccv16.py` tells the names,
the input, (L* - 50) / 100, and that colors are the plain mean of the softmax.
"""

from pathlib import Path
from pickle import UnpicklingError

import torch

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding
from vidcolor.errors import ModelError
from vidcolor.models.downloads import fetch, refuse_other_file
from vidcolor.models.weights import Weights

NAME = "eccv16"
FILE = "colorization_release_v2-9b330a0b.pth"
URL = f"https://colorizers.s3.us-east-2.amazonaws.com/{FILE}"
SHA256_BEGINS = "9b330a0b"
"""The authors tell so much of it, in the file's name."""

_BIN_CENTERS_KEY = "model_out.weight"
_FIRST_KEY = "model1.0.weight"
_LAST_KEYS = ("model8.6.weight", "model8.6.bias")
_AB_SCALE = 110.0  # of the centers in the file


def find_released() -> Path:
    """The released file, fetched if it is not in the user's cache folder.

    Raises:
        ModelError: It cannot be fetched.
    """
    return fetch(URL, SHA256_BEGINS, f"{NAME}'s released weights", "--model")


def read_released(path: Path) -> Weights:
    """What the released file holds, for our net.

    Bins are put in our order, and the input's scale goes into the first kernels.

    Raises:
        ModelError: It is missing, not the one that was released, or not of this net.
    """
    refuse_other_file(path, SHA256_BEGINS)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return Weights(
            name=NAME,
            net=_in_our_order(dict(state)),
            shape={},
            bin_prior=None,
            decoding=Decoding(rebalancing_weight=torch.ones(BIN_COUNT), temperature=1.0),
            metadata={"licence": "BSD-2-Clause", "net": NAME, "source": URL},
        )
    except (UnpicklingError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: not the weights of {NAME}; fetch it again") from error


def _in_our_order(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The net's tensors, the bins of the last in the order of `BIN_CENTERS`.

    Raises:
        ValueError: Its bins are not ours.
    """
    centers = (_AB_SCALE * state.pop(_BIN_CENTERS_KEY)[..., 0, 0]).T.round()  # (bins, 2)
    place = {tuple(center): index for index, center in enumerate(centers.tolist())}
    order = [place.get(tuple(center)) for center in BIN_CENTERS.tolist()]
    if None in order:
        raise ValueError("other bins")
    for key in _LAST_KEYS:
        state[key] = state[key][order]
    state[_FIRST_KEY] = state[_FIRST_KEY] / 2  # `normalize_lightness` gives twice their input
    return {key: value.float() for key, value in state.items()}
