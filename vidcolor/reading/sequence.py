"""A film that lies in a folder as numbered pictures: which they are, and how fast they go."""

import os
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate, islice, pairwise
from pathlib import Path

import av
from av.container import InputContainer

from vidcolor.errors import SourceError, SourceGoneError
from vidcolor.files import PHOTO_SUFFIXES, is_file
from vidcolor.reading.dpx_header import HEADER_BYTES, DpxHeader
from vidcolor.reading.open_file import Access
from vidcolor.reading.scans import PLAIN, ScanForm, find_form
from vidcolor.reading.sequence_names import PICTURE_SUFFIXES, SequenceNames
from vidcolor.reading.texts import image_texts
from vidcolor.settings import InputSettings
from vidcolor.timecode import parse_rate

FEWEST_PICTURES = 2
"""The fewest images that are taken for a sequence when a folder is searched."""

# Film has been shot and shown at these; other rates in a header are left-overs of some scanner.
SLOWEST_STATED, FASTEST_STATED = 8, 120
NAMED_GAPS = 3
_YEAR_SECONDS = 31_557_600

# The last number counts, with what is behind it: `film (1).png`, `0001_L.png`.
_NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9.]*\.[^.]+)", re.DOTALL)
# FFmpeg reads a field without a value as zeros.
_TIMECODE = re.compile(r"(?!00:00:00)([01]\d|2[0-3]):[0-5]\d:[0-5]\d[:;]\d\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSequence:
    """The images of one reel, each with its place in time.

    Attributes:
        pattern: Their names.
        runs: The numbers that there are, rising; between two runs some are missing.
        is_closed: Whether the images follow each other without regard to missing numbers.
        frame_rate: Pictures a second.
        rate_is_stated: Whether that is the word of the first picture's header, not the user's.
        timecode: Of the first picture, as its header says; None if it says nothing.
        texts: What the first picture says of itself in words, by FFmpeg's names of tags.
        form: How the pictures are stored.
    """

    pattern: SequenceNames
    runs: tuple[range, ...]
    frame_rate: Fraction
    is_closed: bool = False
    rate_is_stated: bool = False
    timecode: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict, hash=False)
    form: ScanForm = PLAIN
    _begins: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The frame at which each run begins."""

    def __post_init__(self) -> None:
        first = self.runs[0].start
        begins = (
            accumulate(map(len, self.runs[:-1]), initial=0)
            if self.is_closed
            else (run.start - first for run in self.runs)
        )
        object.__setattr__(self, "_begins", tuple(begins))

    def __len__(self) -> int:
        """How many frames the reel has, those of missing pictures included if they are held."""
        return self.count if self.is_closed else self.runs[-1].stop - self.runs[0].start

    @property
    def count(self) -> int:
        """How many images there are."""
        return sum(map(len, self.runs))

    def files(self) -> Iterator[Path]:
        """The pictures that there are, in order."""
        return (self.pattern.file(number) for run in self.runs for number in run)

    def file_at(self, index: int) -> Path:
        """The picture that is shown as frame `index`: its own, or the one before that is there."""
        run, number = self._find(index)
        return self.pattern.file(min(number, run.stop - 1))

    def is_held(self, index: int) -> bool:
        """Whether the picture of frame `index` is missing, so that the one before stands for it."""
        run, number = self._find(index)
        return number >= run.stop

    def number_at(self, index: int) -> int:
        """The number that belongs to frame `index`."""
        return self._find(index)[1]

    def index_of(self, number: int) -> int:
        """The frame of a number: of an image that is there, or of a held one."""
        place = bisect_right(self.runs, number, key=lambda run: run.start) - 1
        return self._begins[place] + number - self.runs[place].start

    def _find(self, index: int) -> tuple[range, int]:
        """The run that frame `index` belongs to, and its number, which may lie behind the run."""
        place = bisect_right(self._begins, index) - 1
        run = self.runs[place]
        return run, run.start + index - self._begins[place]


def find_sequence(
    path: Path, settings: InputSettings, access: Access | None = None
) -> ImageSequence | None:
    """The image sequence that `path` is a pattern of; None if it names a file, or should.

    Args:
        path: Such as `reel/%06d.dpx`. A file of this very name comes before the pattern.
        settings: The frame rate, and what is done about missing images.
        access: How large images may be.

    Raises:
        SourceError: There are no such images, some are missing and not to be held, or their rate is
            unknown; or a rate is given for a film, or one image of a sequence is named.
    """
    pattern = None if _is_there(path) else SequenceNames.parse(path)
    if pattern is None:
        refuse_one_of_many(path)
        if settings.fps is not None and is_file(path):
            raise SourceError(
                f"{path}: is not an image sequence and has a frame rate; leave --fps out"
            )
        return None
    try:
        names = os.listdir(pattern.folder)  # noqa: PTH208 - names alone, for there may be many
    except OSError as error:
        raise SourceError(f"{pattern.folder}: cannot be read ({error.strerror})") from error
    runs = _runs(number for number in map(pattern.number, names) if number is not None)
    if not runs:
        raise SourceError(f"{path}: no such images; name their folder instead of a pattern")
    is_sparse = _missing(runs) > sum(map(len, runs))
    if len(runs) > 1 and settings.gaps == "fail":
        raise SourceError(f"{path}: {_describe_gaps(pattern, runs, is_sparse=is_sparse)}")
    stated_rate, timecode = _ask_header(pattern.file(runs[0].start), access)
    rate = settings.fps or stated_rate
    if rate is None:
        raise SourceError(f"{path}: its images state no frame rate; give one, such as --fps 24")
    sequence = ImageSequence(
        pattern=pattern,
        runs=runs,
        frame_rate=rate,
        is_closed=settings.gaps == "none",
        rate_is_stated=settings.fps is None,
        timecode=timecode,
        texts=image_texts(pattern.file(runs[0].start), access.most_pixels if access else 0),
    )
    if is_sparse and settings.gaps == "hold":
        raise SourceError(
            f"{path}: {describe_held(sequence)}, more than there are; "
            "use --gaps none, which takes the images in their order"
        )
    return replace(sequence, form=find_form(list(sequence.files()), settings.dpx_order))


def _is_there(path: Path) -> bool:
    """Whether something has this name; a pattern may be longer than a file's name may be.

    Raises:
        SourceError: Its folder may not be read.
    """
    try:
        return path.exists()
    except PermissionError as error:
        raise SourceError(f"{path}: may not be read; check its permissions") from error
    except OSError:
        return False


def count_new(sequence: ImageSequence) -> int:
    """How many images there are by now that a sequence does not know of.

    Raises:
        SourceGoneError: Their folder is not there any more.
    """
    pattern = sequence.pattern
    try:
        names = os.listdir(pattern.folder)  # noqa: PTH208 - names alone, for there may be many
    except OSError as error:
        raise SourceGoneError(
            f"{pattern.folder}: vanished while it was read; run again when it is back"
        ) from error
    known = {number for run in sequence.runs for number in run}
    found = map(pattern.number, names)
    return sum(number is not None and number not in known for number in found)


def list_patterns(folder: Path, names: Iterable[str]) -> list[Path]:
    """The patterns of the image sequences in a folder, sorted; none of hidden files.

    Numbers of as many digits belong together where one of them begins with 0, and longer ones to
    those; all others are numbers without such zeros.
    """
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        found = _NUMBERED.fullmatch(name)
        is_picture = found is not None and _is_picture(found[3])
        if found is not None and is_picture and not name.startswith("."):
            groups[found[1], found[3]].append(found[2])
    counts: defaultdict[Path, int] = defaultdict(int)
    for (before, behind), numbers in groups.items():
        padded = sorted({len(text) for text in numbers if text[0] == "0" and len(text) > 1})
        for text in numbers:
            counts[SequenceNames(folder, before, _digits(text, padded), behind).path] += 1
    return sorted(path for path, count in counts.items() if count >= FEWEST_PICTURES)


def sequence_of(path: Path) -> Path | None:
    """The pattern of the sequence that an image belongs to; None for others and lone images."""
    found = _NUMBERED.fullmatch(path.name)
    if found is None or not _is_picture(found[3]):
        return None
    before, text, behind = found.groups()
    pattern = SequenceNames(path.parent, before, len(text) if text[0] == "0" else 1, behind)
    wide = SequenceNames(path.parent, before, len(text), behind)
    for number in (int(text) - 1, int(text) + 1):
        for named in (pattern, wide):
            if number >= 0 and is_file(named.file(number)):
                return named.path
    return None


def _is_picture(behind: str) -> bool:
    """Whether a name that ends so is that of an image."""
    return behind[behind.rindex(".") :].lower() in PICTURE_SUFFIXES


def refuse_one_of_many(path: Path) -> None:
    """Raise if `path` is a single image of a sequence.

    Raises:
        SourceError: It is; the text says how to name the sequence.
    """
    sequence = sequence_of(path) if is_file(path) else None
    if sequence is not None:
        told = f"{path}: is a single image of a sequence; name {sequence}, or its folder"
        is_photo = path.suffix.lower() in PHOTO_SUFFIXES
        aside = ", or add --photos to colorize it as a photograph" if is_photo else ""
        raise SourceError(f"{told}{aside}")


def open_picture(
    path: Path, frame_rate: Fraction = Fraction(25), access: Access | None = None
) -> InputContainer:
    """One picture, opened as a film of one frame.

    Raises:
        av.FFmpegError: FFmpeg cannot.
    """
    # Else it would take a % in the path for a number's place.
    options = {"pattern_type": "none", "framerate": str(frame_rate)}
    options |= (access or Access()).decoder_options
    return av.open(str(path.absolute()), format="image2", options=options)


def _digits(text: str, padded: Collection[int]) -> int:
    """The digits in the pattern of a number, given what lengths are filled up with zeros."""
    return max((length for length in padded if length <= len(text)), default=1)


def _runs(numbers: Iterable[int]) -> tuple[range, ...]:
    """The numbers as runs without gaps, rising."""
    runs: list[range] = []
    for number in sorted(numbers):
        if runs and runs[-1].stop == number:
            runs[-1] = range(runs[-1].start, number + 1)
        else:
            runs.append(range(number, number + 1))
    return tuple(runs)


def _missing(runs: tuple[range, ...]) -> int:
    """How many numbers there are not between the first and the last one."""
    return runs[-1].stop - runs[0].start - sum(map(len, runs))


def describe_held(sequence: ImageSequence) -> str:
    """How many images are held for missing ones, and how long that makes the film; else nothing."""
    missing = 0 if sequence.is_closed else _missing(sequence.runs)
    if not missing:
        return ""
    count = missing + sequence.count
    held, whole = (_clock_time(n / sequence.frame_rate) for n in (missing, count))
    return f"{missing} of {count} images are missing and held, {held} of {whole}"


def _clock_time(seconds: Fraction) -> str:
    """Such as 0:00:12.5, or 2.3 years."""
    if seconds > _YEAR_SECONDS:
        return f"{float(seconds / _YEAR_SECONDS):.3g} years"
    tenths = round(seconds * 10)
    return f"{timedelta(seconds=tenths // 10)}.{tenths % 10}"


def _describe_gaps(pattern: SequenceNames, runs: tuple[range, ...], *, is_sparse: bool) -> str:
    """What is missing, in words, and what to do."""
    count = _missing(runs)
    if is_sparse:
        there = sum(map(len, runs))
        return (
            f"numbers {there} images with {count} missing between them, as times do; "
            "use --gaps none, which takes the images in their order"
        )
    gaps = (range(before.stop, after.start) for before, after in pairwise(runs))
    first = islice((number for gap in gaps for number in gap), NAMED_GAPS)
    named = ", ".join(pattern.name(number) for number in first)
    more = f" and {count - NAMED_GAPS} more" if count > NAMED_GAPS else ""
    them = "them" if count > 1 else "it"
    return f"lacks {named}{more}; add {them}, or use --gaps hold or --gaps none"


def _ask_header(path: Path, access: Access | None) -> tuple[Fraction | None, str | None]:
    """The frame rate and timecode that a picture's header states, where they may be true."""
    rate, timecode = _ask_dpx(path) if path.suffix.lower() == ".dpx" else _ask_decoder(path, access)
    is_sane = rate is not None and SLOWEST_STATED <= rate <= FASTEST_STATED
    return (
        parse_rate(f"{float(rate or 0):.3f}") if is_sane else None,
        timecode if timecode and _TIMECODE.fullmatch(timecode) else None,
    )


def _ask_dpx(path: Path) -> tuple[float | None, str | None]:
    """What a DPX header states; its samples may be none that FFmpeg decodes."""
    try:
        with path.open("rb") as file:
            header = DpxHeader.parse(file.read(HEADER_BYTES))
    except OSError:
        return None, None
    return (None, None) if header is None else (header.rate, header.timecode)


def _ask_decoder(path: Path, access: Access | None) -> tuple[Fraction | None, str | None]:
    """What FFmpeg finds in other pictures; text that is not UTF-8 is ignored."""
    try:
        with open_picture(path, access=access) as opened:
            stream = opened.streams.video[0]
            frame = next(opened.decode(stream))
            rate = stream.codec_context.framerate
            try:
                return rate, frame.metadata.get("timecode")
            except UnicodeDecodeError:  # PyAV's, of any text in the header
                return rate, None
    except (av.FFmpegError, OSError, StopIteration, IndexError, OverflowError):
        return None, None
