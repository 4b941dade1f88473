"""What is in an input file, learned by opening it and decoding its first frame."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal, cast

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.errors import SourceError
from vidcolor.frame import FrameFormat
from vidcolor.memory import most_pixels, usable_memory
from vidcolor.reading import matroska_words, quicktime_words
from vidcolor.reading.changes import NO_FIELDS, Change, Fields
from vidcolor.reading.clock import NO_CLOCK, Clock, ExactRate
from vidcolor.reading.container_words import NO_WORDS, ContainerWords
from vidcolor.reading.frame_format import format_of
from vidcolor.reading.marks import NO_MARKS, PictureMarks, marks_of
from vidcolor.reading.open_file import Access, OpenFile, SourceFile
from vidcolor.reading.open_sequence import OpenSequence
from vidcolor.reading.picture_size import large_refused, refuse_large
from vidcolor.reading.pixels import (
    DEEPEST,
    FLOAT_SUFFIXES,
    code_bits,
)
from vidcolor.reading.sequence import ImageSequence, find_sequence
from vidcolor.settings import InputSettings

# Decoders that give the same frames with threads that each take a part of a picture. Frame threads
# lose what they hold behind a picture that does not decode, lock up where one of them logs while it
# is closed, and are no faster here.
SLICED_CODECS = {"bmp", "dpx", "exr", "ffv1", "jpeg2000", "png", "tiff", "webp"}
# OpenEXR holds light, not codes; sRGB's transfer (IEC 61966-2-1) makes codes of it.
EXR_OPTIONS = {"apply_trc": "iec61966_2_1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input film.

    Attributes:
        path: Where it lies; of an image sequence the pattern of its names.
        container: FFmpeg's names of the container format, separated by commas.
        codec: FFmpeg's name of the video codec.
        stream_index: The video stream that is colorized.
        picture: Geometry and color tags of its frames.
        pixel_format: FFmpeg's name of the format that its decoder gives.
        has_chroma: Whether its frames carry color planes, colored or not.
        reads_chroma: Whether its frames are read with them.
        time_base: Seconds a unit of pts.
        frame_rate: Frames a second on average; for encoders' rate control and estimates only.
        first_pts: Time of the first frame that decodes, in units of `time_base`.
        picture_seconds: Length of the picture as its stream's header says; None if it says
            nothing. Never trusted: only compared with what was read, to report losses.
        duration_seconds: The same, or failing that of the whole file; for progress bars.
        timecode: Of the first frame, as a tag or track of the film states it.
        sequence: The pictures that it lies in; None for a film in one file.
        end_may_be_stated: Whether `picture_seconds` may be the time at which the picture ends.
        clock: How the times of its packets are mended.
        constant_rate: Frames a second if all of them keep one rate; None if not, or not known.
        exact_rate: That rate where the container rounds its times.
        marks: What its first frame says of its pictures besides their codes.
        access: How its files are read.
        has_mended_tags: Whether its tags are no UTF-8 and were read as Windows-1252.
        changes: Where its frames become other ones, in order.
        fields: Which kinds of frames it has, woven or not.
        words: What its container says that PyAV does not hand on.
    """

    path: Path
    container: str
    codec: str
    stream_index: int
    picture: FrameFormat
    pixel_format: str
    has_chroma: bool
    time_base: Fraction
    frame_rate: Fraction
    first_pts: int
    picture_seconds: float | None
    duration_seconds: float | None
    timecode: str | None = None
    sequence: ImageSequence | None = None
    end_may_be_stated: bool = False
    clock: Clock = field(default=NO_CLOCK, repr=False)
    constant_rate: Fraction | None = None
    exact_rate: ExactRate | None = None
    marks: PictureMarks = NO_MARKS
    access: Access = field(default_factory=Access, compare=False)
    reads_chroma: bool = False
    has_mended_tags: bool = False
    changes: tuple[Change, ...] = ()
    fields: Fields = NO_FIELDS
    words: ContainerWords = field(default=NO_WORDS, repr=False)

    def missing_seconds(self, first_seconds: float, end_seconds: float) -> float:
        """How much earlier the picture ended than its header states, by when it began and ended."""
        if self.picture_seconds is None:
            return 0.0
        missing = self.picture_seconds - (end_seconds - first_seconds)
        if self.end_may_be_stated:
            stated = end_seconds - float(self.clock.base_seconds)
            missing = min(missing, self.picture_seconds - stated)
        return missing

    @property
    def files(self) -> tuple[Path, ...]:
        """The file that it lies in, or the pictures in their order."""
        return (self.path,) if self.sequence is None else tuple(self.sequence.files())

    @property
    def title(self) -> Path:
        """The path that files made of it are named after."""
        return self.path if self.sequence is None else self.sequence.pattern.title

    def frames_expected(
        self, start_seconds: Fraction = Fraction(0), duration_seconds: Fraction | None = None
    ) -> int | None:
        """How many frames the header leads to expect in the film or a piece of it: an estimate."""
        if self.duration_seconds is None:
            return None
        begins = 0.0
        if self.end_may_be_stated and self.picture_seconds is not None:
            begins = float(self.first_pts * self.time_base - self.clock.base_seconds)
            begins = begins if begins < self.duration_seconds else 0.0
        length = max(0.0, self.duration_seconds - begins - float(start_seconds))
        if duration_seconds is not None:
            length = min(length, float(duration_seconds))
        return max(1, round(length * float(self.frame_rate)))


def open_source(source: Source, hwaccel: HWAccel | None = None) -> InputContainer:
    """An open container of a film that is known; see `open_container`."""
    return open_container(source.path, source.sequence, hwaccel, source.access)


def open_container(
    path: Path,
    sequence: ImageSequence | None = None,
    hwaccel: HWAccel | None = None,
    access: Access | None = None,
) -> InputContainer:
    """An open container of the file at `path`, or of an image sequence.

    Args:
        path: The file.
        sequence: The images; None for a file.
        hwaccel: What decodes a file in place of the processor.
        access: What is done about bytes that cannot be read; None to raise.

    Raises:
        SourceError: The file is missing, a folder, empty, unreadable, or nothing FFmpeg knows. The
            container raises it as well, once, where the file cannot be read.
    """
    try:
        if sequence is not None:
            return cast(InputContainer, OpenSequence(sequence, access or Access()))
        _refuse_no_file(path)
        return cast(InputContainer, OpenFile(path, access or Access(), hwaccel))
    except av.FFmpegError as error:  # of what it holds, also where it is a PermissionError as well
        raise SourceError(
            f"{path}: cannot be opened as a video (not a video, or its header is lost); "
            "try to play it, or copy it again"
        ) from error
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file") from error
    except PermissionError as error:
        raise SourceError(f"{path}: may not be read; check its permissions") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def _refuse_no_file(path: Path) -> None:
    """Raise if a path is no file, or an empty one.

    Raises:
        SourceError: It is such.
        OSError: There is nothing, or it may not be looked at.
    """
    if path.is_dir():
        raise SourceError(f"{path}: is a folder; name a video file")
    size = path.stat().st_size
    if not path.is_file():  # to open a pipe would wait for its other end
        raise SourceError(f"{path}: is no file, but a pipe or a device; name a video file")
    if size == 0:
        raise SourceError(f"{path}: is empty (zero bytes); copy the file again")


def main_video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream that is the film: the one shown by default, of those the largest, or the first.

    A cover picture is never it.

    Raises:
        SourceError: The file holds no picture at all.
    """
    pictures = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic and stream.codec_context
    ]
    if not pictures:
        raise SourceError(f"{path}: holds no video that can be decoded, only other streams")
    main = max(pictures, key=_prominence)
    main.thread_type = _thread_type(main)
    if main.codec_context.name == "exr":
        main.codec_context.options = EXR_OPTIONS
    return main


def _prominence(stream: VideoStream) -> tuple[bool, int]:
    """More for a stream that players show: the default one, then the larger one."""
    is_default = bool(stream.disposition & Disposition.default)
    return is_default, stream.codec_context.width * stream.codec_context.height


def probe(
    path: Path, settings: InputSettings | None = None, *, memory_limit: int | None = None
) -> Source:
    """What is in the file at `path`, or in the pictures that it is the pattern of.

    Args:
        path: A file, or a pattern such as `reel/%06d.dpx`.
        settings: How pictures are read; None for the defaults.
        memory_limit: See `Settings`.

    Raises:
        SourceError: The file cannot be used, or its pictures do not fit into memory; the text says
            why.
    """
    settings = settings or InputSettings()
    access = Access(
        unread=set() if settings.accept_losses else None,
        follow_playlists=settings.follow_playlists,
        most_pixels=most_pixels(usable_memory(memory_limit)),
    )
    sequence = find_sequence(path, settings, access)
    open_again = partial(open_container, path, sequence, access=access)
    with large_refused(path, access, open_again), open_again() as container:
        stream = main_video_stream(container, path)
        context = stream.codec_context
        context.options = {**context.options, **access.decoder_options}
        refuse_large(path, context.width, context.height, access.most_pixels)
        words = NO_WORDS if sequence else read_words(path, access, container, stream.index)
        frame = _first_frame(container, stream, path)
        refuse_depth(frame, path)
        codec = stream.codec_context.name
        rate = stream.guessed_rate or stream.average_rate or Fraction(25)
        found = Source(
            path=path,
            container=container.format.name,
            codec=codec,
            stream_index=stream.index,
            picture=format_of(frame, stream.codec_context, stream.sample_aspect_ratio),
            pixel_format=frame.format.name,
            has_chroma=len(frame.format.components) >= 3,  # noqa: PLR2004 - Y, Cb, Cr
            time_base=Fraction(stream.time_base or Fraction(1, 1000)),
            frame_rate=Fraction(rate),
            first_pts=frame.pts if frame.pts is not None else frame.dts or 0,
            picture_seconds=_picture_seconds(stream),
            duration_seconds=_picture_seconds(stream) or _file_seconds(container),
            end_may_be_stated=stream.duration is None,
            timecode=_timecode(container, stream) or words.timecode or settings.timecode,
            marks=marks_of(frame),
            access=access,
            has_mended_tags=sequence is None and cast(OpenFile, container).has_mended_tags,
            words=words,
        )
    return found if sequence is None else _of_sequence(found, sequence)


def read_words(path: Path, access: Access, container: InputContainer, index: int) -> ContainerWords:
    """What a file's container says that PyAV does not hand on; nothing of other containers."""
    readers = {"matroska": matroska_words.read_words, "mov": quicktime_words.read_words}
    reader = readers.get(container.format.name.split(",")[0])
    if reader is None:
        return NO_WORDS
    with SourceFile(path, access) as file:
        return reader(file, index)


def _thread_type(stream: VideoStream) -> Literal["NONE", "SLICE", "AUTO"]:
    """How the decoder may use threads and still give the same frames each time.

    Codecs that predict frames from frames patch damage up from whatever their threads have ready;
    such a film is decoded by one thread, which encoding outweighs by far. FFV1 patches from the
    frame before and is safe by slices, the others that code each frame alone by frames as well.
    """
    if stream.codec_context.name in SLICED_CODECS:
        return "SLICE"
    return "AUTO" if stream.codec_context.codec.intra_only else "NONE"


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> VideoFrame:
    """The first frame that decodes at all; packets that do not are passed over."""
    with suppress(av.FFmpegError):  # of the demuxer, behind which nothing can be read
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            if frames:
                return frames[0]
    raise SourceError(
        f"{path}: not one frame of its {stream.codec_context.name} video decodes; "
        "its media data is damaged or missing"
    )


def refuse_depth(frame: VideoFrame, path: Path) -> None:
    """Raise if a frame's codes have more bits than any film that could be written."""
    bits = code_bits(frame.format)
    if bits > DEEPEST and not frame.format.name.endswith(FLOAT_SUFFIXES):
        raise SourceError(
            f"{path}: has samples of {bits} bits ({frame.format.name}), of which no film keeps "
            f"more than {DEEPEST}. Convert it to {DEEPEST} bits."
        )


def _of_sequence(one: Source, sequence: ImageSequence) -> Source:
    """The source of an image sequence, of which the image `one` has been probed."""
    seconds = float(len(sequence) / sequence.frame_rate)
    return replace(
        one,
        sequence=sequence,
        time_base=1 / sequence.frame_rate,
        frame_rate=sequence.frame_rate,
        picture_seconds=seconds,
        duration_seconds=seconds,
    )


def _picture_seconds(stream: VideoStream) -> float | None:
    """Length that the container states for this stream; Matroska keeps it in a tag."""
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    try:
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except (KeyError, ValueError):
        return None


def _timecode(container: InputContainer, stream: VideoStream) -> str | None:
    """The picture's own tag, else that of a timecode track, else the file's."""
    tags = (stream.metadata, *(other.metadata for other in container.streams), container.metadata)
    found = ({key.lower(): text for key, text in each.items()}.get("timecode") for each in tags)
    return next((text for text in found if text), None)


def _file_seconds(container: InputContainer) -> float | None:
    return container.duration / av.time_base if container.duration else None
