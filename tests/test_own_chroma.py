"""The color that a frame has of its own, read from formats that FFmpeg converts wrongly."""

import av
import numpy as np
import pytest

from vidcolor.color.ycbcr import neutral_chroma
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.reading.chroma import read_chroma

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("name", ["gbrap10le", "gbrap12le", "gbrap16le", "gbrap10be", "gbrp10le"])
def test_gray_rgb_with_alpha_has_no_color(name: str) -> None:
    """No sample is whatever lay in memory before; of each frame the same codes are read."""
    bits, order = int(name.strip("gbraple")), ">" if name.endswith("be") else "<"
    picture = FrameFormat(
        width=96, height=72, depth=bits, log2_chroma_width=0, log2_chroma_height=0,
        matrix=Matrix.BT709, full_range=True,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    for _ in range(20):
        frame = av.VideoFrame(96, 72, name)
        gray = rng.integers(0, 1 << bits, (72, 96)).astype(f"{order}u2")
        for plane in frame.planes:
            rows = np.frombuffer(memoryview(plane), f"{order}u2").reshape(72, -1)
            rows[:, :96] = gray
        chroma = read_chroma(frame, picture)
        assert chroma is not None
        assert [np.unique(plane).tolist() for plane in chroma] == [[neutral_chroma(bits)]] * 2
