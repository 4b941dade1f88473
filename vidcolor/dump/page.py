"""The page of a dump, and the scripts that hand it its frames and histograms.

A page opened as a file may not fetch JSON, but it may load scripts: so all its data are scripts.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT
from vidcolor.files import write_text


def write_page(folder: Path, facts: dict[str, object], frames: Sequence[dict[str, object]]) -> None:
    """Write `index.html` and `frames.js`; each appears whole or not at all.

    Args:
        folder: The dump's folder, which exists.
        facts: What holds for all frames. The page heads itself with "film", "model" and "vidcolor"
            and lists the rest.
        frames: The lines of `frames.jsonl`, in the order of the film.

    Raises:
        OSError: A file cannot be written.
        TypeError: Something is not JSON.
    """
    data = {"facts": facts, "bins": BIN_CENTERS.int().tolist(), "frames": list(frames)}
    write_text(folder / "frames.js", f"var vidcolorDump = {_literal(data)};\n")
    page = files("vidcolor.dump").joinpath("page.html").read_text(encoding="utf-8")
    write_text(folder / "index.html", page)


def histogram_script(
    frame: int, stage: str, *, bins: NDArray[np.uint16] | None, probabilities: NDArray[np.float16]
) -> str:
    """Give the script that hands the page one frame's histograms, pixel by pixel.

    Args:
        frame: Its number, as in `frames.jsonl`.
        stage: What the file is named, without ".js".
        bins: Which bins are stored, (K, h, w), each below 313; None if all are.
        probabilities: (313, h, w), or (K, h, w) with `bins`.

    Returns:
        A classic script. The base64 in it holds arrays of (h, w, K), little-endian.

    Raises:
        ValueError: The shapes do not fit, or there is no such bin.
    """
    expected = (BIN_COUNT, *probabilities.shape[1:]) if bins is None else bins.shape
    if probabilities.ndim != 3 or probabilities.shape != expected:  # noqa: PLR2004
        raise ValueError(f"probabilities of shape {probabilities.shape}; expected {expected}")
    if bins is not None and (bins >= BIN_COUNT).any():
        raise ValueError(f"bin {bins.max()}; there are {BIN_COUNT}")
    count, height, width = probabilities.shape
    record = {
        "frame": frame,
        "stage": stage,
        "width": width,
        "height": height,
        "count": count,
        "bins": None if bins is None else _base64(bins, "<u2"),
        "probabilities": _base64(probabilities, "<f2"),
    }
    return f"vidcolorHistogram({_literal(record)});\n"


def _base64(values: NDArray[np.float16] | NDArray[np.uint16], kind: str) -> str:
    """(K, h, w) as the bytes of (h, w, K), so that a pixel's lie in a row."""
    return b64encode(np.moveaxis(values, 0, -1).astype(kind).tobytes()).decode("ascii")


def _literal(data: object) -> str:
    """JSON that is a JavaScript literal in ASCII and cannot end or open anything in HTML."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
