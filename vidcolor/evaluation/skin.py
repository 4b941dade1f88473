"""Which pixels of a photograph are skin: of a skin's color and inside a face that a table names."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vidcolor.color.ycbcr import KR_KB
from vidcolor.errors import SourceError
from vidcolor.frame import Matrix

SKIN_CB = (77, 127)
SKIN_CR = (133, 173)
"""Codes of skin: D. Chai, K. N. Ngan, "Face Segmentation Using Skin-Color Map in Videophone
Applications", IEEE TCSVT 9(4), 1999. One map served all skins there; it is of 8-bit BT.601."""

_NEUTRAL, _SPAN = 128, 224  # of 8-bit Cb and Cr: BT.601-7, section 2.5.3
_COLUMNS = ("left", "top", "width", "height")


class Box(NamedTuple):
    """A rectangle in parts of a picture's width and height, 0 to 1 from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


def read_faces(path: Path) -> dict[tuple[str, str], list[Box]]:
    """Read the faces of photographs, by archive and member, from a table of tabs.

    Raises:
        SourceError: It is missing, or has not the columns archive, member, left, top, width and
            height.
    """
    faces = defaultdict(list)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                box = Box(*(float(row[name]) for name in _COLUMNS))
                faces[row["archive"], row["member"]].append(box)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    except (KeyError, ValueError, TypeError) as error:
        raise SourceError(f"{path}: not a table of faces ({error})") from error
    return dict(faces)


def draw_boxes(boxes: list[Box], height: int, width: int) -> NDArray[np.uint8]:
    """A picture (height, width, 3) that is 255 in the boxes and 0 elsewhere."""
    drawn = np.zeros((height, width, 3), np.uint8)
    for box in boxes:
        right, bottom = box.left + box.width, box.top + box.height
        rows = slice(round(box.top * height), round(bottom * height))
        drawn[rows, round(box.left * width) : round(right * width)] = 255
    return drawn


def has_skin_color(srgb: torch.Tensor) -> torch.Tensor:
    """Where a color lies in the skin's gamut: (3, H, W) sRGB in [0, 1] to (H, W) bool."""
    kr, kb = KR_KB[Matrix.SMPTE170M]
    red, green, blue = srgb
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb = _NEUTRAL + _SPAN * (blue - luma) / (2 * (1 - kb))
    cr = _NEUTRAL + _SPAN * (red - luma) / (2 * (1 - kr))
    is_skin: torch.Tensor = (
        (SKIN_CB[0] <= cb) & (cb <= SKIN_CB[1]) & (SKIN_CR[0] <= cr) & (cr <= SKIN_CR[1])
    )
    return is_skin
