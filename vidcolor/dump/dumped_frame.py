"""One frame of a dump: its arrays as npz, its pictures, and its line of figures and times."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import cv2
import numpy as np

from vidcolor.color.bins import BIN_COUNT, Decoded
from vidcolor.dump.folder import DumpFolder, Facts
from vidcolor.dump.page import histogram_script
from vidcolor.dump.summaries import figures_of, views_of
from vidcolor.frame import Frame, Map, Prediction, Record
from vidcolor.pipeline.trace import Decode

LIGHTNESS, FINAL = "lightness", "final"


class Wish(NamedTuple):
    """What is wanted of each frame.

    Attributes:
        stages: Which stages, of `STAGES`.
        top_k: How many of the most likely bins; None for all.
        decode: Makes predictions colors.
    """

    stages: tuple[str, ...]
    top_k: int | None
    decode: Decode


class DumpedFrame:
    """Writes what the stages make of one frame into its folder.

    Args:
        frame: The frame.
        line: What is known of it; figures, times and names of files are added.
        folder: The dump's.
        wish: What is wanted of it.
        closed: Told the frame's bytes and the seconds that dumping it took, when it is whole.

    Attributes:
        seconds: What dumping it has taken so far.
    """

    def __init__(
        self,
        frame: Frame,
        line: Facts,
        folder: DumpFolder,
        wish: Wish,
        closed: Callable[[int, float], None],
    ) -> None:
        self._frame = frame
        self._line = line
        self._dump = folder
        self._wish = wish
        self._closed = closed
        self._folder = folder.begin_frame(frame.index)
        self._lightness: Map = np.zeros((0, 0), np.float32)  # until it comes
        self.seconds: float = 0.0

    def decode_by(self, decode: Decode) -> None:
        """Decode predictions to come in this way, not in the film's."""
        self._wish = self._wish._replace(decode=decode)

    def note(self, **facts: float | None) -> None:
        """Take single facts by name."""
        self._line.update(facts)

    def add(self, stage: str, arrays: Record, seconds: float | None = None) -> None:
        """Take what a stage made.

        Args:
            stage: Its name, of `STAGES`.
            arrays: What it made, by name.
            seconds: How long it took, if that is known.
        """
        if stage == LIGHTNESS:
            self._lightness = arrays[LIGHTNESS]  # other views are drawn over it
        if seconds is not None:
            self._line["times"][stage] = round(seconds, 6)
        if stage not in self._wish.stages:
            return
        began = perf_counter()
        self._line["figures"][stage] = figures_of(stage, arrays)
        with self._dump.explained():
            for name, view in views_of(stage, arrays, self._frame, self._lightness).items():
                (self._folder / f"{name}.png").write_bytes(cv2.imencode(".png", view)[1].tobytes())
                self._line["views"].append(f"{name}.png")
            if stage != FINAL:  # which is a picture of the luma and chroma that are there already
                np.savez(self._folder / f"{stage}.npz", **dict[str, Any](arrays))
        self.seconds += perf_counter() - began

    def add_prediction(
        self, stage: str, prediction: Prediction, seconds: float, gain: float = 1.0
    ) -> None:
        """Take a prediction, whose colors will have a `gain`; see `add`."""
        if stage not in self._wish.stages:
            self.add(stage, {}, seconds)
            return
        began = perf_counter()
        decoded = self._wish.decode(prediction.map, gain)
        arrays: Record = {"ab": decoded.ab.cpu().numpy()}
        if prediction.past_share is not None:
            arrays["past_share"] = prediction.past_share
        if len(prediction.map) == BIN_COUNT:
            arrays |= self._bins(prediction, decoded)
            script = histogram_script(
                self._frame.index,
                stage,
                bins=arrays.get("bins"),
                probabilities=arrays["probabilities"],
            )
            with self._dump.explained():
                (self._folder / f"{stage}.js").write_text(script, encoding="utf-8")
            self._line["histograms"].append(f"{stage}.js")
        self.seconds += perf_counter() - began
        self.add(stage, arrays, seconds)

    def _bins(self, prediction: Prediction, decoded: Decoded) -> Record:
        """What there is of bins; nothing of a network that gives a* and b* at once."""
        top_k = self._wish.top_k
        top = prediction.map.topk(top_k or 1, dim=0)
        probabilities = top.values if top_k else prediction.map
        arrays: Record = {
            "probabilities": probabilities.half().cpu().numpy(),
            "top_bin": top.indices[0].cpu().numpy().astype(np.uint16),
            "top_probability": top.values[0].cpu().numpy(),
            "entropy": decoded.entropy[0].cpu().numpy(),
        }
        if top_k:
            arrays["bins"] = top.indices.cpu().numpy().astype(np.uint16)
        return arrays

    def close(self, **seconds: float) -> None:
        """Give the frame's folder its name, with the times of the steps after by name."""
        began = perf_counter()
        self._line["times"] |= {name: round(spent, 6) for name, spent in seconds.items()}
        self._line["times"]["dump"] = round(self.seconds, 6)
        size = self._dump.finish_frame(self._frame.index, self._line)
        self._closed(size, self.seconds + perf_counter() - began)
