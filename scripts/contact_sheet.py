"""Lay frames of films side by side: one row a moment, one column a film.

python scripts/contact_sheet.py sheet.png film.mp4 film.colorized.mp4 --rows 4
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def sheet_frames(path: Path, wanted: set[int], height: int) -> Iterator[Image]:
    """The wanted frames of a film in display shape, (height, width, 3) BGR."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        aspect = float(stream.sample_aspect_ratio or 1)
        for index, frame in enumerate(container.decode(stream)):
            if index in wanted:
                width = round(frame.width * aspect * height / frame.height)
                yield cv2.resize(frame.to_ndarray(format="bgr24"), (width, height), None, 0, 0,
                                 cv2.INTER_AREA)  # fmt: skip
            if index >= max(wanted):
                return


def count_frames(path: Path) -> int:
    """How many frames decode."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path)
    parser.add_argument("films", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--height", type=int, default=240, help="of each frame, in pixels")
    parser.add_argument("--frames", type=int, nargs="+", help="numbers instead of even steps")
    arguments = parser.parse_args()
    count = count_frames(arguments.films[0])
    steps = [round((row + 0.5) * count / arguments.rows) for row in range(arguments.rows)]
    wanted = {min(step, count - 1) for step in arguments.frames or steps}
    columns = [
        np.concatenate(list(sheet_frames(film, wanted, arguments.height)))
        for film in arguments.films
    ]
    cv2.imwrite(str(arguments.sheet), np.concatenate(columns, axis=1))


if __name__ == "__main__":
    main()
