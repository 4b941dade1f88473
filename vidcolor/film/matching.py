"""What free references say of a film's frames: the net's features of both, compared."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from vidcolor.directing.evidence import Matching, MatchOf, Told, merge
from vidcolor.directing.matching import Matched, match, prepare
from vidcolor.directing.pictures import read_picture
from vidcolor.directing.placed import PlacedReference
from vidcolor.directing.track import small_lightness
from vidcolor.frame import SIDE_MULTIPLE, Map, Seen
from vidcolor.models.features import find_levels, has_levels
from vidcolor.models.zoo import Model, load_model

MOST_PREPARED = 16
"""References that are kept prepared, 3 MB each."""


def find_matches(model: Model) -> MatchOf:
    """What gives what some references say of a frame.

    Args:
        model: What predicts; another's features are those of `lite`.
    """

    @lru_cache(maxsize=1)
    def net() -> Model:
        return model if has_levels(model) else load_model("lite", str(model.device))

    @lru_cache(maxsize=MOST_PREPARED)
    def prepared(one: PlacedReference, size: int) -> Matched:
        picture = read_picture(one.path, one.reference.place or "reference", one.sha256)
        lab = _at_network_size(picture.lab, size)
        return prepare(find_levels(lab[0], net()), lab)

    def match_of(seen: Seen, references: Sequence[Matching]) -> Told | None:
        levels = find_levels(seen.brightened, net())
        lightness, size = small_lightness(seen.brightened), min(seen.brightened.shape)
        told = merge(
            [
                match(prepared(one, size), levels, lightness, one.reference.strength, least)
                for one, least in references
            ]
        )
        return told if told.observations.any() else None

    return match_of


def _at_network_size(lab: Map, short: int) -> Map:
    """A picture as large as the frames that the network sees."""
    rows, columns = lab.shape[1:]
    scale = short / min(rows, columns)
    height, width = (
        max(SIDE_MULTIPLE, round(side * scale / SIDE_MULTIPLE) * SIDE_MULTIPLE)
        for side in (rows, columns)
    )
    resized = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in lab]
    return np.asarray(np.stack(resized), np.float32)
