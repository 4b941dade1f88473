"""How the predictions of one model become colors in one film."""

from dataclasses import dataclass, replace

import torch

from vidcolor.color.bins import Decoded, Decoding
from vidcolor.color.decode import decode_prediction, strengthen
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

    def __call__(self, prediction: torch.Tensor, gain: float = 1.0) -> Decoded:
        """Give a* and b*, (2, h, w), with a gain, and the entropy of a prediction, (C, h, w)."""
        decoded = decode_prediction(
            prediction,
            self.decoding,
            vividness=self.color.vividness,
            method=self.color.decode,
            seed=self.color.seed,
        )
        return decoded._replace(ab=self.strengthen(decoded.ab, gain))

    def with_vividness(self, vividness: float | None) -> "Decoder":
        """The same with another vividness; itself for None."""
        if vividness is None:
            return self
        return replace(self, color=replace(self.color, vividness=vividness))

    def strengthen(self, ab: torch.Tensor, gain: float) -> torch.Tensor:
        """Give decoded colors, (2, h, w), with a gain."""
        return strengthen(ab, gain, self.decoding, self.color.decode)
