"""Reads a colorized film back and compares it with its source."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from math import log10
from pathlib import Path
from typing import cast

import numpy as np

from vidcolor.color.rgb import full_luma
from vidcolor.errors import OutputError, SourceError
from vidcolor.files import beside, write_whole
from vidcolor.frame import Frame, Plane
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.reading.source import Source, probe
from vidcolor.report.sidecar import read_sidecar, sidecar_path
from vidcolor.settings import InputSettings, Settings
from vidcolor.version import __version__
from vidcolor.words import counted
from vidcolor.writing.encoding import Encoding
from vidcolor.writing.mixed_frames import keeps_fields
from vidcolor.writing.plan import Job
from vidcolor.writing.shot_encoder import even_gray
from vidcolor.writing.stream_hashes import hash_copied, hash_written
from vidcolor.writing.stream_times import stream_time_errors

FRAME_TIME_ERROR_SECONDS = 0.0006
"""Containers round a frame's time: Matroska to a millisecond, so by half of one."""

LOSSLESS_CODECS = {"ffv1", "ffvhuff", "huffyuv", "rawvideo", "utvideo", "magicyuv"}
LOSSLESS_CODECS |= {"dpx", "png", "tiff"}


def hash_paths(film: Path) -> tuple[Path, Path]:
    """Where the hashes of a source's luma and of its colorized film's lie."""
    return beside(film, ".source.framemd5"), beside(film, ".framemd5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How a film differs from its source.

    Attributes:
        frames: How many frames the source has, as far as it was colorized.
        missing_frames: How many of them the result lacks; below 0 if it has more.
        unequal_luma: Frames whose luma is not the source's, code for code.
        luma_psnr: Of the luma where it is not equal, in dB; None if it is.
        time_error_seconds: By how much the time of a frame is off at most.
        streams: For each copied stream its kind and number, and whether its packets are equal.
        lossless: Whether the encoder was to keep the luma exactly.
        lost_captions: Frames whose closed captions the result lacks or has otherwise, if its codec
            can carry them.
        has_times: Whether the result says when its frames are shown; pictures do not.
        lost_fields: Frames that are woven otherwise than the source says, if its codec can say it.
        first_bad_frame: The first frame that differs in luma or time and must not, or is missing;
            None if there is none.
        stream_time_errors: Copied streams that lie elsewhere in time than in the source, with the
            greatest difference in seconds: their sync with the picture is lost.
    """

    frames: int
    missing_frames: int
    unequal_luma: int
    luma_psnr: float | None
    time_error_seconds: float
    streams: dict[str, bool]
    lossless: bool
    has_times: bool = True
    stream_time_errors: Mapping[str, float] = field(default_factory=dict)
    lost_captions: int = 0
    lost_fields: int = 0
    first_bad_frame: int | None = None

    def __str__(self) -> str:
        luma = "luma equal" if not self.unequal_luma else f"luma {self.luma_psnr:.1f} dB"
        times = ", times equal" if self.has_times else ""
        count = len(self.streams)
        streams = f", {counted(count, 'stream')} equal" if count else ""
        return f"{counted(self.frames, 'frame')}, {luma}{times}{streams}"

    @property
    def problems(self) -> list[str]:
        """What differs and must not, a phrase each."""
        found = []
        if self.missing_frames:
            count = abs(self.missing_frames)
            found.append(
                f"{count} of {counted(self.frames, 'frame')} are missing"
                if self.missing_frames > 0
                else counted(count, "frame too many", "frames too many")
            )
        if self.lossless and self.unequal_luma:
            found.append(
                f"the luma of {counted(self.unequal_luma, 'frame')} differs from the source's"
            )
        if self.has_times and self.time_error_seconds > FRAME_TIME_ERROR_SECONDS:
            found.append(f"times are off by up to {self.time_error_seconds:.4f} s")
        found += [
            f"{name} is up to {error:.3f} s off its time"
            for name, error in self.stream_time_errors.items()
        ]
        if self.lost_captions:
            lost = counted(self.lost_captions, "frame")
            found.append(f"the closed captions of {lost} are not the source's")
        if self.lost_fields:
            lost = counted(self.lost_fields, "frame")
            found.append(f"the field order of {lost} is not the source's")
        found += [f"{name} differs" for name, is_equal in self.streams.items() if not is_equal]
        return found


def was_verified(film: Path, settings: Settings) -> bool:
    """Whether a film that was made before was verified, if that is asked for now."""
    output = settings.output
    if output.framemd5 and not all(path.exists() for path in hash_paths(film)):
        return False
    if not (output.verify or output.framemd5):
        return True
    try:
        return read_sidecar(sidecar_path(film)).get("verification") is not None
    except SourceError:
        return False


class Verifier:
    """Verifies a film that was written, before it gets its name.

    Args:
        job: The film and how it is written.
        settings: Whether it is to be verified at all, and which piece of the film it holds.
    """

    def __init__(self, job: Job, settings: Settings) -> None:
        self._job = job
        self._settings = settings
        self._hashes = (LumaHashes(), LumaHashes()) if settings.output.framemd5 else None
        self.verification: Verification | None = None

    def check(self, written: Path) -> None:
        """Read the film back, if that is asked for.

        Raises:
            OutputError: It is not what it should be.
        """
        output = self._settings.output
        if not (output.verify or output.framemd5):
            return
        self.verification = verify_film(self._job, written, self._settings, self._hashes)
        if self.verification.problems:
            raise OutputError(
                f"{self._job.encoding.path}: verification failed, film not kept "
                f"({', '.join(self.verification.problems)}); run again, or on another disk"
            )

    def check_made(self, film: Path) -> None:
        """Read back a film that was made before; it stays as it is.

        Raises:
            OutputError: It is not what it should be.
        """
        self.verification = verify_film(self._job, film, self._settings, self._hashes)
        if self.verification.problems:
            raise OutputError(
                f"{film}: differs from its source ({', '.join(self.verification.problems)}). "
                "Make it again with --overwrite."
            )

    def write_hashes(self) -> None:
        """Write the lists of hashes, if they are asked for."""
        if self._hashes is not None:
            for path, hashes in zip(hash_paths(self._job.encoding.path), self._hashes, strict=True):
                write_whole(path, hashes.text().encode())


class LumaHashes:
    """The MD5 of each frame's luma, as `ffmpeg -vf extractplanes=y -f framemd5` would write it."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._head: tuple[str, ...] = ()

    def add(self, frame: Frame) -> None:
        """Add the next frame's line."""
        picture, aspect = frame.picture, frame.picture.sample_aspect_ratio
        self._head = (
            "#format: frame checksums",
            "#version: 2",
            "#hash: MD5",
            f"#software: vidcolor {__version__}",
            f"#tb 0: {frame.time_base.numerator}/{frame.time_base.denominator}",
            "#media_type 0: video",
            "#codec_id 0: rawvideo",
            f"#dimensions 0: {picture.width}x{picture.height}",
            f"#sar 0: {aspect.numerator}/{aspect.denominator}",
            "#stream#, dts,        pts, duration,     size, hash",
        )
        data = frame.luma.astype(frame.luma.dtype.newbyteorder("<"), copy=False).tobytes()
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self._lines.append(
            f"0, {frame.pts:10}, {frame.pts:10}, {frame.duration:8}, {len(data):8}, {digest}"
        )

    def text(self) -> str:
        """The whole list."""
        return "\n".join([*self._head, *self._lines, ""])


def verify_film(
    job: Job, result: Path, settings: Settings, hashes: tuple[LumaHashes, LumaHashes] | None = None
) -> Verification:
    """Compare a film that was written with its source, frame by frame and stream by stream.

    Args:
        job: The film and how it was to be written.
        result: What was written; its name may still be a temporary one.
        settings: Which piece of the film it holds.
        hashes: Get each frame's luma, of the source and of the result.

    Raises:
        SourceError: One of the files cannot be read.
    """
    names = job.encoding.names
    written = probe(result) if names is None else _probe_pictures(job, names.within(result))
    piece = read_frames(
        job.source,
        Damage(),
        start_seconds=settings.start_seconds,
        duration_seconds=settings.duration_seconds,
    )
    shift_seconds = float(job.shift_seconds(settings))
    is_alone = job.encoding.chroma_only or names is not None
    is_lossless = job.encoding.codec in LOSSLESS_CODECS
    count = _Count(is_lossless=is_lossless, has_times=names is None)
    for pair in zip_longest(piece, _written_frames(written, job.source)):
        for frame, luma_hashes in zip(pair, hashes or (), strict=False):
            if frame is not None:
                luma_hashes.add(frame)
        wanted, read = pair
        luma = None if wanted is None else _luma_wanted(wanted, job.encoding)
        count.add(wanted, luma, read, shift_seconds=shift_seconds)
    return Verification(
        frames=count.frames,
        missing_frames=count.missing,
        unequal_luma=count.unequal,
        luma_psnr=count.psnr(written.picture.depth) if count.unequal else None,
        time_error_seconds=count.time_error_seconds,
        streams={} if is_alone else _compare_streams(job, written, settings),
        lossless=is_lossless,
        has_times=names is None,
        stream_time_errors={} if is_alone else _stream_times(job, written, settings),
        lost_captions=count.lost_captions if job.encoding.captions == "inside" else 0,
        lost_fields=count.lost_fields if keeps_fields(job.encoding) else 0,
        first_bad_frame=count.first_bad,
    )


def _probe_pictures(job: Job, names: SequenceNames) -> Source:
    """The pictures that a film became, with the matrix that they are made by.

    They do not say it, and those of a film that says another one than its size would be misread.
    """
    settings = InputSettings(fps=job.source.frame_rate, gaps="none")
    found = probe(names.path, settings)
    return replace(found, picture=replace(found.picture, matrix=job.encoding.picture.matrix))


def _written_frames(written: Source, source: Source) -> Iterator[Frame]:
    """The frames of a result; pictures have the times that their numbers have in the source."""
    pictures, originals = written.sequence, source.sequence
    if pictures is None:
        yield from read_frames(written, Damage())
        return
    place = int if originals is None else originals.index_of
    first = place(pictures.number_at(0))
    for frame in read_frames(written, Damage()):
        yield replace(frame, pts=place(pictures.number_at(frame.pts)) - first)


def _luma_wanted(frame: Frame, encoding: Encoding) -> Plane:
    """The luma that the result should have of a frame of the source."""
    if encoding.is_sequence:
        return full_luma(frame.luma, frame.picture, encoding.rgb_depth)
    luma = even_gray(frame) if encoding.chroma_only else frame.luma
    shift = encoding.luma_shift
    return luma if not shift else cast(Plane, luma.astype(np.uint16) << np.uint16(shift))


@dataclass(slots=True)
class _Count:
    """What is added up while two films are read side by side."""

    is_lossless: bool
    has_times: bool
    first_bad: int | None = None
    pairs: int = 0
    frames: int = 0
    missing: int = 0
    unequal: int = 0
    time_error_seconds: float = 0.0
    squares: float = 0.0
    samples: int = 0
    lost_captions: int = 0
    lost_fields: int = 0

    def add(
        self,
        wanted: Frame | None,
        luma: Plane | None,
        read: Frame | None,
        *,
        shift_seconds: float,
    ) -> None:
        """Count a frame of the source and the one that stands for it, either of which may be None.

        Args:
            wanted: The source's.
            luma: What the other's should be.
            read: The other.
            shift_seconds: Source time at which the result begins.
        """
        self.pairs += 1
        self.frames += wanted is not None
        self.missing += (wanted is not None) - (read is not None)
        if wanted is None or luma is None or read is None:
            self._note_bad()
            return
        self.lost_captions += wanted.captions != read.captions
        self.lost_fields += wanted.top_field_first is not read.top_field_first
        error = abs(wanted.seconds - shift_seconds - read.seconds)
        if self.has_times and error > FRAME_TIME_ERROR_SECONDS:
            self._note_bad()
        self.time_error_seconds = max(self.time_error_seconds, error)
        self.samples += luma.size
        if luma.shape == read.luma.shape and np.array_equal(luma, read.luma):
            return
        self.unequal += 1
        if self.is_lossless:
            self._note_bad()
        if luma.shape == read.luma.shape:
            self.squares += float(np.square(luma.astype(np.float64) - read.luma).sum())

    def _note_bad(self) -> None:
        """Note the last pair, if it is the first that differs and must not."""
        if self.first_bad is None:
            self.first_bad = self.pairs - 1

    def psnr(self, depth: int) -> float:
        """Of all luma, in dB."""
        mean = self.squares / max(1, self.samples)
        return 10 * log10(((1 << depth) - 1) ** 2 / mean) if mean else 0.0


def _compare_streams(job: Job, result: Source, settings: Settings) -> dict[str, bool]:
    """For each copied stream, whether its payload is the same in both files."""
    wanted = hash_copied(
        job.source,
        job.encoding.container,
        shift_seconds=job.shift_seconds(settings),
        end_seconds=job.end_seconds(settings),
    )
    found = hash_written(result)
    return {
        name: index < len(found) and found[index] == digest
        for index, (name, digest) in enumerate(wanted.items())
    }


def _stream_times(job: Job, result: Source, settings: Settings) -> dict[str, float]:
    """Copied streams that are not where they should be in time."""
    return stream_time_errors(
        job.source,
        result,
        job.encoding.container,
        shift_seconds=job.shift_seconds(settings),
        end_seconds=job.end_seconds(settings),
    )
