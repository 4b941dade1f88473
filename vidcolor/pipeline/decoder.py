"""How the predictions of one model become colors in one film."""

from dataclasses import dataclass

import torch

from vidcolor.color.bins import Decoded, Decoding
from vidcolor.color.decode import decode_prediction
from vidcolor.settings import ColorSettings


@dataclass(frozen=True, slots=True)
class Decoder:
    """Makes predictions colors, by the model's own decoding and the settings of the film.

    Attributes:
        decoding: The model's; None if it gives a* and b*.
        color: How vivid, and by which method.
    """

    decoding: Decoding | None
    color: ColorSettings

    def __call__(self, prediction: torch.Tensor) -> Decoded:
        """Give a* and b*, (2, h, w), and the entropy of a prediction, (C, h, w)."""
        return decode_prediction(
            prediction,
            self.decoding,
            vividness=self.color.vividness,
            method=self.color.decode,
            seed=self.color.seed,
        )
