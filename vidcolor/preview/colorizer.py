"""A colorizer that is loaded once: single frames and streams of frames, as arrays."""

from collections.abc import Generator, Iterable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vidcolor.color.rgb import luma_of_rgb, rgb_picture
from vidcolor.errors import SourceError
from vidcolor.film.coloring import Progress
from vidcolor.film.colorize import Result, colorize_video
from vidcolor.frame import Frame, FrameFormat, Matrix, Plane
from vidcolor.models.zoo import Model, find_model
from vidcolor.photos.colorize import PhotoResult, colorize_photo
from vidcolor.pipeline.run import colorize_frames, colorize_stills
from vidcolor.settings import Settings

Picture = NDArray[np.uint8] | NDArray[np.uint16]

MATRIX = Matrix.SMPTE170M
"""Of the luma of R'G'B' arrays: BT.601's, as of photographs."""

_GRAY_AXES, _RGB_AXES = 2, 3


class Colorizer:
    """Colors frames, films and photographs with weights that are loaded once.

    ```python
    with vidcolor.Colorizer() as colorizer:
        rgb = colorizer.colorize_frame(luma)  # (H, W) in, (H, W, 3) out
    ```

    It may be used from several threads. After it is closed, or the `with` ends, it colors nothing.

    Args:
        settings: All settings; None for the defaults.

    Raises:
        ModelError: The model is unknown, or its weights are missing or damaged.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._model: Model | None = find_model(self._settings.model)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Colorizer({self._model or 'closed'})"

    def close(self) -> None:
        """Let go of the weights."""
        self._model = None

    def colorize_frame(self, frame: NDArray[Any]) -> Picture:
        """Color one picture by itself.

        Args:
            frame: Luma (H, W), or R'G'B' (H, W, 3) whose luma is taken; uint8 or uint16, full
                range, 0 black. It is only read.

        Returns:
            R'G'B', (H, W, 3), of the same type and range. Its luma by BT.601, rounded, is the one
            given, code for code.

        Raises:
            SourceError: The array has another shape or type, or no pixels; it is a ValueError, too.
        """
        (colored,) = colorize_stills([_frame(frame, 0)], self._open_model(), self._settings)
        return _rgb(colored.frame, colored.chroma[:2])

    def colorize_frames(self, frames: Iterable[NDArray[Any]]) -> Generator[Picture, None, None]:
        """Color the frames of a film as they come; colors are smoothed over time inside a shot.

        Frames come out in the order they went in, some dozens later; memory does not grow with
        their number.

        Args:
            frames: As of `colorize_frame`, all of one shape and type.

        Yields:
            As `colorize_frame` returns.

        Raises:
            SourceError: An array has another shape or type than those before it.
        """
        model = self._open_model()
        numbered = (_frame(frame, index) for index, frame in enumerate(_alike(frames)))
        with closing(colorize_frames(numbered, model, self._settings)) as colored:
            for one in colored:
                yield _rgb(one.frame, one.chroma[:2])

    def colorize_video(
        self,
        source: str | Path,
        output: str | Path | None = None,
        *,
        progress: Progress | None = None,
    ) -> Result:
        """Colorize a film; see `vidcolor.colorize_video`."""
        model = self._open_model()
        return colorize_video(source, output, self._settings, progress=progress, model=model)

    def colorize_photo(self, source: str | Path, output: str | Path | None = None) -> PhotoResult:
        """Colorize a photograph; see `vidcolor.colorize_photo`."""
        return colorize_photo(source, output, self._settings, model=self._open_model())

    def _open_model(self) -> Model:
        if self._model is None:
            raise ValueError("the colorizer is closed; make another")
        return self._model


def _alike(frames: Iterable[NDArray[Any]]) -> Generator[NDArray[Any], None, None]:
    """Frames of one shape and type."""
    first: NDArray[Any] | None = None
    for number, frame in enumerate(frames):
        first = frame if first is None else first
        if frame.shape[:2] != first.shape[:2] or frame.dtype != first.dtype:
            raise SourceError(
                f"frame {number} is {frame.shape} {frame.dtype}, the first is "
                f"{first.shape} {first.dtype}; give those of each film to a call of their own"
            )
        yield frame


def _frame(array: NDArray[Any], index: int) -> Frame:
    """An array as the stages have it."""
    luma = _luma(array)
    height, width = luma.shape
    picture = FrameFormat(
        width=width,
        height=height,
        depth=8 * luma.itemsize,
        log2_chroma_width=0,
        log2_chroma_height=0,
        matrix=MATRIX,
        full_range=True,
    )
    return Frame(index, luma, index, 1, Fraction(1, 25), picture)


def _luma(array: NDArray[Any]) -> Plane:
    """The luma of an array, writable, since torch asks for that."""
    is_rgb = array.ndim == _RGB_AXES and array.shape[2] == _RGB_AXES
    if array.dtype not in (np.uint8, np.uint16) or not (array.ndim == _GRAY_AXES or is_rgb):
        raise SourceError(
            f"an array of {array.shape} {array.dtype}; give luma (height, width) or R'G'B' "
            "(height, width, 3) of uint8 or uint16"
        )
    if array.size == 0:
        raise SourceError(f"an array of {array.shape} has no pixels")
    return luma_of_rgb(array, MATRIX) if is_rgb else np.array(array, order="C")


def _rgb(frame: Frame, chroma: tuple[Plane, Plane]) -> Picture:
    return rgb_picture(frame.luma, chroma, frame.picture, frame.picture.depth)
