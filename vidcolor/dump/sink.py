"""The sink that stages' arrays of chosen frames are handed to: PNG for eyes, npz for programs.

```
DIR/index.html       a page that steps through the frames; needs no server
DIR/dump.json        of which film, by which model and settings
DIR/frames.jsonl     a line of figures and times for each frame
DIR/001734/          the frame's arrays, STAGE.npz, and pictures, STAGE-*.png
```
"""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_COUNT, Decoded
from vidcolor.color.lightness import shown_aspect
from vidcolor.dump.folder import DumpFolder, Facts, frame_folder
from vidcolor.dump.page import histogram_script
from vidcolor.dump.stages import STAGES, parse_stages
from vidcolor.dump.summaries import figures_of, views_of
from vidcolor.errors import OutputError, SourceError
from vidcolor.frame import ColorHistogram, Frame, Picture, Record
from vidcolor.spans import FrameSelection, Span

HISTOGRAM_STAGES, FINAL = ("net", "smooth"), "final"
SMALL_STAGES = ("lightness", "flow", "regions")
FINGERPRINT_BYTES = 1 << 20
# A header is believed about a film's length up to this; what may lie beyond is looked for.
_LENGTH_TOLERANCE_SECONDS, _NONE = Fraction(1), Fraction(0)
# Measured, with the pictures and the page's data: of one probability, and of one luma sample in
# each stage of the film's size.
HISTOGRAM_BYTES, PLANE_BYTES = 4.7, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What the sink must know of the film whose frames come.

    Attributes:
        path: Where it lies.
        files: The files that it lies in, if it is no single one.
        picture: Geometry and color of its frames, with the chroma planes that are made.
        frame_rate: Frames a second.
        first_seconds: Time of its first frame by its own clock.
        frames: How many frames will come, as its header leads to expect.
        end_seconds: When the last of them ends, in seconds after the film's first frame.
        timecode: Of its first frame, if it states one.
        map_size: Width and height of the histograms.
    """

    path: Path
    picture: Picture
    frame_rate: Fraction
    first_seconds: Fraction
    frames: int | None
    end_seconds: float | None
    timecode: str | None
    map_size: tuple[int, int]
    files: tuple[Path, ...] = ()


@dataclass(slots=True)
class _Entry:
    """What is known of a frame on its way."""

    folder: Path
    line: Facts
    lightness: NDArray[np.float32]
    seconds: float = 0.0


class FrameDump:
    """Writes what the stages make of chosen frames into a folder.

    Hand one to `colorize_video` or `replay_frames`. Numbers are those of the frames that are
    worked on; with `start_seconds` they begin there. Times and timecodes are the film's.

    Args:
        folder: Where to; made if missing. A dump of the same film in the same settings is added
            to.
        frames: Which frames, such as `1700-1740,57.8s,10:00:12:05`.
        stages: Which stages, of `STAGES`; with commas if a text.
        top_k: Keep this many of the most likely bins of each histogram; None for all.

    Attributes:
        count: Frames dumped so far.
        bytes: What they take on the disk.
        seconds: What dumping them has cost.

    Raises:
        ValueError: `frames`, `stages` or `top_k` are not as described.
    """

    def __init__(
        self,
        folder: str | Path,
        frames: str | FrameSelection,
        *,
        stages: str | Sequence[str] = STAGES,
        top_k: int | None = None,
    ) -> None:
        if top_k is not None and not 1 <= top_k <= BIN_COUNT:
            raise ValueError(f"top_k is {top_k}; it must be from 1 to {BIN_COUNT}")
        self.path = Path(folder)
        self.selection = (
            frames if isinstance(frames, FrameSelection) else FrameSelection.parse(frames)
        )
        self._stages = parse_stages(stages if isinstance(stages, str) else ",".join(stages))
        self._top_k = top_k
        self.count, self.bytes, self.seconds = 0, 0, 0.0
        self._spans: tuple[Span, ...] = ()
        self._met: set[Span] = set()
        self._wanted: set[int] = set()
        self._entries: dict[int, _Entry] = {}
        self._end: tuple[int, Fraction] | None = None

    def begin(self, film: Film, made_of: Facts) -> None:
        """Get ready for a film's frames.

        Args:
            film: What must be known of it.
            made_of: What decides about its colors, beside the film itself: equal facts, equal
                arrays.

        Raises:
            SourceError: Frames are chosen that the film has not, as far as its header tells.
            OutputError: The folder is another film's, holds something else, cannot be written, or
                the disk has no room for so much.
        """
        self._film = film
        self._spans = self.selection.resolve(film.frame_rate, film.timecode)
        if film.frames is not None and film.end_seconds is not None:
            self._refuse_beyond(film.frames, Fraction(film.end_seconds), _LENGTH_TOLERANCE_SECONDS)
        self._check_room()
        facts = {"film": _identity(film.files or (film.path,)), **made_of, "top_k": self._top_k}
        self._folder = DumpFolder(self.path, film.path.name, facts)

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Give frames on as they come, a frame late, and note which of them are chosen."""
        film = self._film
        before: Frame | None = None
        for frame in frames:
            if before is not None:
                self._note(before, _seconds(frame, film))
                yield before
            before = frame
        if before is None:
            return
        length = before.duration * before.time_base or 1 / film.frame_rate
        self._end = before.index + 1, _seconds(before, film) + length
        self._note(before, self._end[1])
        yield before

    def wants(self, frame: Frame) -> bool:
        """Whether a frame that `watch` has given is chosen."""
        return frame.index in self._wanted

    def is_over(self, frame: Frame) -> bool:
        """Whether all chosen frames come before this one."""
        begin = _seconds(frame, self._film)
        return all(s.last < (frame.index if s.unit == "frames" else begin) for s in self._spans)

    def refuse_missed(self) -> None:
        """Raise if frames were chosen that the film, as seen by now, has not.

        Raises:
            SourceError: There are such.
        """
        if self._end is not None:
            self._refuse_beyond(*self._end)
        missed = [span.text for span in self._spans if span not in self._met]
        if missed:
            raise SourceError(
                f"{self._film.path}: --dump-frames {','.join(missed)} lies outside the part that "
                "is colorized; begin earlier"
            )

    def begin_frame(self, frame: Frame, lightness: NDArray[np.float32]) -> None:
        """Open a chosen frame.

        Args:
            frame: The frame.
            lightness: L* at the network's size, (H, W); other views are drawn over it.
        """
        began = perf_counter()
        line = {
            "frame": frame.index,
            "folder": frame_folder(frame.index),
            "seconds": round(float(_seconds(frame, self._film)), 6),
            "pts": frame.pts,
            "aspect": shown_aspect(frame.picture),
            "views": [],
            "histograms": [],
            "figures": {},
            "times": {},
        }
        folder = self._folder.begin_frame(frame.index)
        self._entries[frame.index] = _Entry(folder, line, lightness)
        self._spent(frame, began)

    def tell(self, frame: Frame, **facts: float | None) -> None:
        """Add facts to a chosen frame's line."""
        self._entries[frame.index].line.update(facts)

    def add(self, frame: Frame, stage: str, arrays: Record, seconds: float | None = None) -> None:
        """Take what a stage made of a chosen frame.

        Args:
            frame: The frame, opened before.
            stage: Its name, of `STAGES`.
            arrays: What it made, by name.
            seconds: How long it took, if that is known.
        """
        entry = self._entries[frame.index]
        if seconds is not None:
            entry.line["times"][stage] = round(seconds, 6)
        if stage not in self._stages:
            return
        began = perf_counter()
        entry.line["figures"][stage] = figures_of(stage, arrays)
        with self._folder.explained():
            for name, view in views_of(stage, arrays, frame, entry.lightness).items():
                (entry.folder / f"{name}.png").write_bytes(cv2.imencode(".png", view)[1].tobytes())
                entry.line["views"].append(f"{name}.png")
            if stage != FINAL:  # which is a picture of the luma and chroma that are there already
                np.savez(entry.folder / f"{stage}.npz", **dict[str, Any](arrays))
        self._spent(frame, began)

    def add_histogram(
        self, frame: Frame, stage: str, histogram: ColorHistogram, decoded: Decoded, seconds: float
    ) -> None:
        """Take a chosen frame's histogram and the colors that it is decoded to; see `add`."""
        if stage not in self._stages:
            self.add(frame, stage, {}, seconds)
            return
        began = perf_counter()
        arrays: Record = {"ab": decoded.ab.cpu().numpy()}
        if histogram.past_share is not None:
            arrays["past_share"] = histogram.past_share
        if len(histogram.probabilities) == BIN_COUNT:
            arrays |= self._histogram_arrays(histogram, decoded)
            script = histogram_script(
                frame.index, stage, bins=arrays.get("bins"), probabilities=arrays["probabilities"]
            )
            entry = self._entries[frame.index]
            with self._folder.explained():
                (entry.folder / f"{stage}.js").write_text(script, encoding="utf-8")
            entry.line["histograms"].append(f"{stage}.js")
        self._spent(frame, began)
        self.add(frame, stage, arrays, seconds)

    def _histogram_arrays(self, histogram: ColorHistogram, decoded: Decoded) -> Record:
        """What there is of bins; nothing of a network that gives a* and b* at once."""
        top = histogram.probabilities.topk(self._top_k or 1, dim=0)
        probabilities = top.values if self._top_k else histogram.probabilities
        arrays: Record = {
            "probabilities": probabilities.half().cpu().numpy(),
            "top_bin": top.indices[0].cpu().numpy().astype(np.uint16),
            "top_probability": top.values[0].cpu().numpy(),
            "entropy": decoded.entropy[0].cpu().numpy(),
        }
        if self._top_k:
            arrays["bins"] = top.indices.cpu().numpy().astype(np.uint16)
        return arrays

    def add_smoothed(
        self,
        frame: Frame,
        histogram: ColorHistogram,
        decoded: Decoded,
        regions: Record | None,
        seconds: float,
    ) -> None:
        """Take a chosen frame's smoothed histogram, how its past was moved, and its regions.

        Args:
            frame: The frame, opened before.
            histogram: The histogram; its motion may be None.
            decoded: The colors that it is decoded to, before any refinement.
            regions: What refinement made on the way; None if there was none.
            seconds: How long it all took.
        """
        motion = histogram.motion
        if motion is not None:
            arrays = {"displacement": motion.displacement, "trust": motion.trust}
            self.add(frame, "flow", arrays)
        self.add_histogram(frame, "smooth", histogram, decoded, seconds)
        if regions is not None:
            self.add(frame, "regions", regions)

    def finish_frame(self, frame: Frame, **seconds: float) -> None:
        """Close a chosen frame, with the times of the steps after by name."""
        began = perf_counter()
        entry = self._entries.pop(frame.index)
        entry.line["times"] |= {name: round(spent, 6) for name, spent in seconds.items()}
        entry.line["times"]["dump"] = round(entry.seconds, 6)
        self.bytes += self._folder.finish_frame(frame.index, entry.line)
        self.count += 1
        self.seconds += entry.seconds + perf_counter() - began

    def close(self) -> None:
        """Write the page; frames that are not whole are removed."""
        began = perf_counter()
        self._entries.clear()
        self._folder.close()
        self.seconds += perf_counter() - began

    def _note(self, frame: Frame, end: Fraction) -> None:
        begin = _seconds(frame, self._film)
        met = {span for span in self._spans if span.holds(frame.index, begin, end)}
        self._met |= met
        if met:
            self._wanted.add(frame.index)

    def _spent(self, frame: Frame, began: float) -> None:
        self._entries[frame.index].seconds += perf_counter() - began

    def _refuse_beyond(self, frames: int, seconds: Fraction, tolerance: Fraction = _NONE) -> None:
        """Raise if spans end more than `tolerance` seconds beyond so many frames or seconds."""
        ends = {
            "frames": frames + tolerance * self._film.frame_rate,
            "seconds": seconds + tolerance,
        }
        beyond = [span.text for span in self._spans if span.last >= ends[span.unit]]
        if beyond:
            raise SourceError(
                f"{self._film.path}: --dump-frames {','.join(beyond)} lies beyond its end; it has "
                f"{'about ' if tolerance else ''}{frames} frames, 0 to {frames - 1}, in "
                f"{float(seconds):.2f} s"
            )

    def _check_room(self) -> None:
        """Refuse a dump that would fill the disk, before any work."""
        picture, (width, height) = self._film.picture, self._film.map_size
        rate = {"frames": Fraction(1), "seconds": self._film.frame_rate}
        count = sum(int((s.last - s.first) * rate[s.unit]) + 1 for s in self._spans)
        kept = sum(stage in self._stages for stage in HISTOGRAM_STAGES) * (self._top_k or BIN_COUNT)
        samples = picture.width * picture.height
        planes = len(set(self._stages) - {*HISTOGRAM_STAGES, *SMALL_STAGES})
        each = HISTOGRAM_BYTES * kept * width * height + PLANE_BYTES * planes * samples
        parent = next(p for p in (self.path, *self.path.absolute().parents) if p.exists())
        free = shutil.disk_usage(parent).free
        if count * each > free:
            raise OutputError(
                f"{self.path}: {count} frames take about {count * each / 1e9:.1f} GB, and "
                f"{free / 1e9:.1f} GB are free; dump fewer frames or stages, or fewer bins "
                "(--dump-top-k)"
            )


def _seconds(frame: Frame, film: Film) -> Fraction:
    """When a frame comes on screen, in seconds after the film's first one."""
    return frame.pts * frame.time_base - film.first_seconds


def _identity(paths: Sequence[Path]) -> Facts:
    """What tells a film from others, quickly however long it is."""
    digest = hashlib.sha256()
    with paths[0].open("rb") as first:
        digest.update(first.read(FINGERPRINT_BYTES))
    with paths[-1].open("rb") as last:
        last.seek(max(0, paths[-1].stat().st_size - FINGERPRINT_BYTES))
        digest.update(last.read())
    size = sum(path.stat().st_size for path in paths)
    return {"bytes": size, "sha256_of_ends": digest.hexdigest()}
