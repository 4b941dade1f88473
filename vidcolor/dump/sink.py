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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from time import perf_counter

from vidcolor.color.bins import BIN_COUNT
from vidcolor.color.lightness import shown_aspect
from vidcolor.dump.dumped_frame import DumpedFrame, Wish
from vidcolor.dump.folder import DumpFolder, Facts, frame_folder
from vidcolor.dump.stages import STAGES, parse_stages
from vidcolor.errors import OutputError, SourceError
from vidcolor.frame import Frame
from vidcolor.pipeline.trace import Decode, TracedFilm
from vidcolor.spans import FrameSelection, Span

HISTOGRAM_STAGES, FINAL = ("net", "smooth"), "final"
SMALL_STAGES = ("lightness", "evidence", "flow", "regions")
FINGERPRINT_BYTES = 1 << 20
# A header is believed about a film's length up to this; what may lie beyond is looked for.
_LENGTH_TOLERANCE_SECONDS, _NONE = Fraction(1), Fraction(0)
# Measured, with the pictures and the page's data: of one probability, and of one luma sample in
# each stage of the film's size.
HISTOGRAM_BYTES, PLANE_BYTES = 4.7, 1.5


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
        self.path: Path = Path(folder)
        self.selection: FrameSelection = (
            frames if isinstance(frames, FrameSelection) else FrameSelection.parse(frames)
        )
        self._stages = parse_stages(stages if isinstance(stages, str) else ",".join(stages))
        self._top_k = top_k
        self.count: int = 0
        self.bytes: int = 0
        self.seconds: float = 0.0
        self._spans: tuple[Span, ...] = ()
        self._met: set[Span] = set()
        self._wanted: dict[int, float] = {}  # seconds that decoding took, by frame
        self._end: tuple[int, Fraction] | None = None

    def begin(self, film: TracedFilm, made_of: Mapping[str, object], decode: Decode) -> None:
        """Get ready for a film's frames.

        Args:
            film: What must be known of it.
            made_of: What decides about its colors, beside the film itself: equal facts, equal
                arrays.
            decode: Makes predictions colors.

        Raises:
            SourceError: Frames are chosen that the film does not have, by its header.
            OutputError: The folder is another film's, holds something else, cannot be written, or
                the disk has no room for so much.
        """
        self._film = film
        self._spans = self.selection.resolve(film.frame_rate, film.timecode, "--dump-frames")
        if film.frames is not None and film.end_seconds is not None:
            self._refuse_beyond(film.frames, Fraction(film.end_seconds), _LENGTH_TOLERANCE_SECONDS)
        self._check_room()
        facts = {"film": _identity(film.files or (film.path,)), **made_of, "top_k": self._top_k}
        self._folder = DumpFolder(self.path, film.path.name, facts)
        self._wish = Wish(self._stages, self._top_k, decode)

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Give frames on as they come, a frame late, and note which of them are chosen."""
        film = self._film
        before: tuple[Frame, float] | None = None
        for frame, decode_seconds in _timed(frames):
            if before is not None:
                self._note(*before, _seconds(frame, film))
                yield before[0]
            before = frame, decode_seconds
        if before is None:
            return
        last, _ = before
        length = last.duration * last.time_base or 1 / film.frame_rate
        self._end = last.index + 1, _seconds(last, film) + length
        self._note(*before, self._end[1])
        yield last

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

    def open(self, frame: Frame) -> DumpedFrame | None:
        """Begin with a frame that `watch` has given; None if it is not chosen."""
        if not self.wants(frame):
            return None
        began = perf_counter()
        line: Facts = {
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
        opened = DumpedFrame(frame, line, self._folder, self._wish, self._count)
        opened.seconds = perf_counter() - began
        opened.add("luma", {"luma": frame.luma}, self._wanted[frame.index])
        return opened

    def end(self) -> None:
        """Write the page; frames that are not whole are removed."""
        began = perf_counter()
        self._folder.close()
        self.seconds += perf_counter() - began

    def _note(self, frame: Frame, decode_seconds: float, end: Fraction) -> None:
        begin = _seconds(frame, self._film)
        met = {span for span in self._spans if span.holds(frame.index, begin, end)}
        self._met |= met
        if met:
            self._wanted[frame.index] = decode_seconds

    def _count(self, size: int, seconds: float) -> None:
        """Add up what a frame came to that is whole."""
        self.count += 1
        self.bytes += size
        self.seconds += seconds

    def _refuse_beyond(self, frames: int, seconds: Fraction, tolerance: Fraction = _NONE) -> None:
        """Raise if spans end more than `tolerance` seconds beyond the given frames or seconds."""
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


def _timed(frames: Iterable[Frame]) -> Iterator[tuple[Frame, float]]:
    """Frames, each with the seconds that it was waited for."""
    began = perf_counter()
    for frame in frames:
        yield frame, perf_counter() - began
        began = perf_counter()


def _seconds(frame: Frame, film: TracedFilm) -> Fraction:
    """When a frame comes on screen, in seconds after the film's first one."""
    return frame.pts * frame.time_base - film.first_seconds


def _identity(paths: Sequence[Path]) -> Facts:
    """A digest that distinguishes a film from others, found quickly however long it is."""
    digest = hashlib.sha256()
    with paths[0].open("rb") as first:
        digest.update(first.read(FINGERPRINT_BYTES))
    with paths[-1].open("rb") as last:
        last.seek(max(0, paths[-1].stat().st_size - FINGERPRINT_BYTES))
        digest.update(last.read())
    size = sum(path.stat().st_size for path in paths)
    return {"bytes": size, "sha256_of_ends": digest.hexdigest()}
