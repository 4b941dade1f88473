"""What a person says of a frame, pooled with what a net says of it, before smoothing in time.

Pooling is linear, as smoothing is: two plausible colors stay two peaks of a histogram and are not
averaged to a brown third. A person's color counts as so many more observations of its bins.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace

import numpy as np
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding, soft_encode
from vidcolor.directing.evidence import Told
from vidcolor.frame import Mapped, Prediction, Seen, to_device
from vidcolor.temporal.keyframes import Ask

MOST_OBSERVATIONS = 100.0
"""Of a place: what is surer is no longer remembered by later frames."""


def asking_both(
    ask: Ask,
    said_of: Callable[[Seen], Told | None],
    decoding: Decoding | None,
    vividness: float,
) -> Ask:
    """`ask`, whose answers are pooled with what a person says of the frames.

    Args:
        ask: The network.
        said_of: Gives what is said of a frame.
        decoding: Of the model.
        vividness: That predictions are decoded with.
    """

    def ask_both(frames: Iterable[Seen]) -> Generator[Mapped, None, None]:
        with closing(ask(frames)) as answers:
            for mapped in answers:
                told = said_of(mapped.seen)
                pooled = pool(mapped.prediction, told, decoding, vividness)
                yield mapped._replace(prediction=pooled)

    return ask_both


def pool(
    prediction: Prediction, told: Told | None, decoding: Decoding | None, vividness: float
) -> Prediction:
    """A prediction with what a person says; itself if nothing is said.

    Args:
        prediction: The network's.
        told: What is said of the frame.
        decoding: Of the model; None if it gives a* and b*.
        vividness: That the prediction will be decoded with.
    """
    if told is None:
        return prediction
    rows = prediction.map
    counted_as = np.minimum(told.observations, MOST_OBSERVATIONS)
    observations = to_device(counted_as, rows.device)
    ab = to_device(told.coarse_ab, rows.device)
    if decoding is None:
        sure = torch.zeros(len(rows) - len(ab), *ab.shape[1:], device=rows.device)
        pooled = (rows + observations * torch.cat([ab, sure])) / (1 + observations)
    else:
        indices, shares = (found[0] for found in soft_encode(ab[None]))  # (5, h, w)
        # Decoding divides by this: a rare color would lose to a common one that the net only hints.
        weight = decoding.rebalancing_weight.to(rows.device, torch.float32)
        added = observations * shares * weight.pow(1 - vividness)[indices]
        total = 1 + added.sum(0)
        counted = rows.movedim(0, -1).float().contiguous().movedim(-1, 0)
        pooled = counted.scatter_add(0, indices, added) / total
    kept = pooled.to(rows.dtype)
    if len(rows) == BIN_COUNT:
        kept = kept.movedim(0, -1).contiguous().movedim(-1, 0)
    return replace(prediction, map=kept, observations=counted_as)
