"""Real photographs, and films that pan over them: those that scikit-image brings, free of rights.

The astronaut is by NASA (public domain), the others are dedicated to the public (CC0).
"""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from av import VideoFrame
from clips import Plane
from numpy.typing import NDArray

NAMES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")


def photograph(name: str) -> NDArray[np.uint8]:
    """RGB (height, width, 3) of one of `NAMES`."""
    found = find_spec("skimage")
    if found is None or found.origin is None:
        pytest.skip("scikit-image, whose photographs are used, is not installed")
    picture = cv2.imread(str(Path(found.origin).parent / "data" / name))
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1])


def panned(
    name: str, frames: int, width: int = 160, height: int = 120, saturation: float = 1.0
) -> list[tuple[Plane, ...]]:
    """Luma, Cb and Cr (4:4:4, limited range) as the camera goes over a photograph."""
    picture = photograph(name).astype(np.float32)
    scale = 1.2 * max(width / picture.shape[1], height / picture.shape[0])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    gray = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    picture = np.clip(gray[..., None] + saturation * (picture - gray[..., None]), 0, 255)
    rgb = np.rint(picture).astype(np.uint8)
    found = []
    for index in range(frames):
        left = (size[0] - width) * index // frames
        top = (size[1] - height) * index // frames
        window = np.ascontiguousarray(rgb[top : top + height, left : left + width])
        coded = VideoFrame.from_ndarray(window, "rgb24").reformat(format="yuv444p")
        found.append(tuple(np.array(plane) for plane in coded.to_ndarray()))
    return found
