from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.film.colorize import Result, colorize_video
from vidcolor.frame import Frame
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source
from vidcolor.settings import InputSettings, ModelSettings, OutputSettings, Settings

AT_18 = InputSettings(fps=Fraction(18))


def read(source: Source, **piece: Fraction) -> tuple[list[Frame], Damage]:
    """All frames of a film, and what was lost of it."""
    losses = Damage()
    return list(read_frames(source, losses, **piece)), losses


def in_rgb(luma: NDArray) -> NDArray:
    """The picture with three equal colors, (height, width, 3)."""
    return np.stack([luma] * 3, axis=-1)


def settings(inputs: InputSettings = AT_18) -> Settings:
    """A quick lossless run that is verified."""
    return Settings(
        input=inputs,
        model=ModelSettings(device="cpu", render_size=64),
        output=OutputSettings(lossless=True, verify=True),
        force=True,
    )


def colorize(path: Path, output: Path | None = None, inputs: InputSettings = AT_18) -> Result:
    """A verified result."""
    result = colorize_video(path, output, settings(inputs))
    assert result.verification is not None
    assert (result.verification.unequal_luma, result.verification.missing_frames) == (0, 0)
    return result


def write_jpegs(pattern: Path, pictures: Sequence[NDArray], first: int = 0) -> list[Path]:
    """Numbered pictures of luma alone."""
    paths = [pattern.with_name(pattern.name % (first + k)) for k in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    return paths
