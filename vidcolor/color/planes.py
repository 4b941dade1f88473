"""The last step to color: a frame's luma and its small ab map become its Cb and Cr planes."""

import numpy as np
from numpy.typing import NDArray

from vidcolor.color.lightness import from_network, lightness_of
from vidcolor.color.siting import mean_at_chroma, range_at_chroma
from vidcolor.color.upsample import upsample_ab
from vidcolor.color.ycbcr import chroma_codes
from vidcolor.frame import Frame, Plane, Record


def chroma_planes(
    frame: Frame,
    ab_map: NDArray[np.float32],
    lightness: NDArray[np.float32],
    record: Record | None = None,
) -> tuple[Plane, Plane]:
    """Give the Cb and Cr planes of a frame.

    Args:
        frame: The frame; its luma is only read.
        ab_map: CIELAB a* and b* as decoded, (2, h, w), in the network's orientation.
        lightness: L* of the picture that the network saw, (H, W).
        record: Gets `ab`, a* and b* at the chroma samples, (2, Hc, Wc), and what `chroma_codes`
            adds.

    Returns:
        Cb and Cr, each (Hc, Wc) of the frame's picture, in its depth, range and matrix.
    """
    picture = frame.picture
    guide = mean_at_chroma(lightness_of(frame.luma, picture), picture)  # (Hc, Wc)
    stored_map, stored_lightness = from_network(ab_map, picture), from_network(lightness, picture)
    ab = upsample_ab(stored_map, stored_lightness, guide, picture)  # (2, Hc, Wc)
    if record is not None:
        record["ab"] = ab
    return chroma_codes(ab, guide, range_at_chroma(frame.luma, picture), picture, record)
