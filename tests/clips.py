"""Builds small films for the tests, and asks the ffmpeg programs what is in a file."""

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.codec.context import Flags
from av.filter import Graph
from forking import forked
from numpy.typing import NDArray

from vidcolor.film.checkpoint import Checkpoint

CLIPS = Path(__file__).parents[2] / "shared" / "clips"
FORMATS = Path(__file__).parent / "data" / "formats"
"""Clips of `scripts/make_test_clips.py`, one for each trait of a film."""
SAMPLE = Path(__file__).parent / "data" / "coaches_1899.mpg"
REFUSED = {
    "media-zeroed-prores.mov": "not one frame of its prores video decodes",
    "not-a-video.mp4": "cannot be opened as a video",
    "sound-alone.m4a": "holds no video that can be decoded",
    "truncated-no-index.mp4": "cannot be opened as a video",
    "zero-bytes.mp4": "is empty (zero bytes)",
    "made-audio-only.m4a": "holds no video that can be decoded",
    "made-not-a-video.mp4": "cannot be opened as a video",
    "made-truncated-no-moov.mp4": "cannot be opened as a video",
    "made-zero-bytes.mp4": "is empty (zero bytes)",
    "real-mdat-zeroed-prores.mov": "not one frame of its prores video decodes",
}
"""Clips that cannot be read at all, and what the program says of them."""

needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="the ffmpeg and ffprobe programs are not installed",
)
needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason=f"no clips at {CLIPS}")


def each_clip(names: Iterable[str]) -> pytest.MarkDecorator:
    """A case for each clip of a folder that lies beside the repository; one if it is not there."""
    return pytest.mark.parametrize("clip", names if CLIPS.is_dir() else ["none"])


Plane = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What a film carries beside its picture.

    Attributes:
        audio: Codecs of the sound tracks, one second of noise each.
        subtitles: (start, length, text) in milliseconds of one SubRip or mov_text track.
        subtitle_codec: `subrip` or `mov_text`.
        chapters: (start, end, title) in milliseconds.
        attachments: (name, MIME type, bytes).
        metadata: Of the file.
        video_metadata: Of the video stream.
        audio_metadata: Of every sound track.
    """

    audio: Sequence[str] = ()
    subtitles: Sequence[tuple[int, int, str]] = ()
    subtitle_codec: str = "subrip"
    chapters: Sequence[tuple[int, int, str]] = ()
    attachments: Sequence[tuple[str, str, bytes]] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    video_metadata: dict[str, str] = field(default_factory=dict)
    audio_metadata: dict[str, str] = field(default_factory=dict)


def moving_luma(
    count: int, width: int = 96, height: int = 64, *, depth: int = 8, seed: int = 0
) -> list[Plane]:
    """Frames of noise over all codes of `depth` bits, moving one pixel to the right a frame."""
    noise = np.random.default_rng(seed).integers(0, 1 << depth, (height, width))
    noise = noise.astype(np.uint8 if depth == 8 else np.uint16)
    return [np.roll(noise, index, axis=1) for index in range(count)]


def soft_shot(seed: int, frames: int) -> list[Plane]:
    """A shot of a soft random picture that moves a little, with grain, 96 x 64."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(16, 235, (9, 12)).astype(np.float32)
    picture = cv2.resize(noise, (96, 64), interpolation=cv2.INTER_CUBIC)
    moved = (np.roll(picture, step, axis=1) for step in range(frames))
    return [np.clip(p + rng.normal(0, 1, p.shape), 16, 235).astype(np.uint8) for p in moved]


@contextmanager
def small_disk(parent: Path, size: str) -> Iterator[Path]:
    """A disk with little room, such as `300k`; the test is skipped where none can be mounted."""
    disk = parent / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def write_film(  # noqa: PLR0913 - a film has many traits
    path: Path,
    pictures: Sequence[Plane | tuple[Plane, ...]],
    *,
    codec: str = "ffv1",
    pixel_format: str = "yuv420p",
    planar: str | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    options: dict[str, str] | None = None,
    extras: Extras | None = None,
    rotation: int = 0,
    fields: str | None = None,
    **context: object,
) -> Path:
    """Write a film; the path is handed back.

    Args:
        path: Its suffix names the container.
        pictures: Each frame's luma, to which neutral chroma is added, or all of its planes.
        codec: FFmpeg's encoder.
        pixel_format: What is encoded.
        planar: The format that `pictures` are planes of, if it is another.
        pts: Each frame's time in units of `time_base`; None for 0, 1, 2... A frame lasts until
            the next one, the last for one unit.
        time_base: Seconds a unit.
        options: The encoder's.
        extras: What else the film carries.
        rotation: Degrees counterclockwise that a player turns the picture by.
        fields: `tff` or `bff` marks all frames as interlaced.
        context: Attributes of the codec context, such as `sample_aspect_ratio`.
    """
    frames = [picture_frame(planes, planar or pixel_format) for planes in pictures]
    times = list(range(len(frames)) if pts is None else pts)
    lengths = [after - before for before, after in pairwise(times)] + [1]
    extras = extras or Extras()
    index_first = {"movflags": "+faststart"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(str(path), "w", container_options=index_first) as output:
        output.metadata.update(extras.metadata)
        size = {"width": frames[0].width, "height": frames[0].height}
        video = output.add_stream(codec, rate=Fraction(1) / time_base, options=options, **size)
        video.pix_fmt, video.codec_context.time_base = pixel_format, time_base
        for name, setting in context.items():
            setattr(video.codec_context, name, setting)
        video.codec_context.flags |= int(Flags.frame_duration)
        if fields:
            video.codec_context.flags |= int(Flags.interlaced_dct | Flags.interlaced_me)
        if rotation:
            video.set_display_rotation(rotation)
        video.metadata.update(extras.video_metadata)
        mux_extras = _add_extras(output, extras)
        output.start_encoding()
        mux_extras()
        for index, made in enumerate(frames):
            frame = made.reformat(format=pixel_format)
            frame.pts, frame.time_base = times[index], time_base
            frame.duration = lengths[index]
            output.mux(video.encode(_with_fields(frame, fields)))
        output.mux(video.encode(None))
    return path


def picture_frame(planes: Plane | tuple[Plane, ...], pixel_format: str) -> av.VideoFrame:
    """A frame with these planes; chroma that is not given is neutral."""
    given = planes if isinstance(planes, tuple) else (planes,)
    height, width = given[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for index, plane in enumerate(frame.planes):
        deep = frame.format.components[0].bits > 8
        rows = np.frombuffer(plane, np.uint16 if deep else np.uint8).reshape(plane.height, -1)
        neutral = 1 << (frame.format.components[0].bits - 1)
        rows[:, : plane.width] = given[index] if index < len(given) else neutral
    return frame


def _with_fields(frame: av.VideoFrame, fields: str | None) -> av.VideoFrame:
    if fields is None:
        return frame
    graph = Graph()
    entry = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(entry, graph.add("setfield", fields), graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull()


def _add_extras(output, extras: Extras):  # noqa: ANN001, ANN202 - PyAV's containers
    """Add the streams; gives back what fills them once encoding has started."""
    sounds = [output.add_stream(codec, rate=48000, layout="stereo") for codec in extras.audio]
    for sound in sounds:
        sound.metadata.update(extras.audio_metadata)
    titles = None
    if extras.subtitles:
        titles = output.add_mux_stream(extras.subtitle_codec, time_base=Fraction(1, 1000))
    for name, kind, content in extras.attachments:
        output.add_attachment(name, kind, content)
    output.set_chapters(
        [
            {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000),
             "metadata": {"title": title}}
            for number, (start, end, title) in enumerate(extras.chapters, 1)
        ]
    )  # fmt: skip

    def mux() -> None:
        for number, sound in enumerate(sounds):
            for frame in _noise(number):
                output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
        for start, length, text in extras.subtitles:
            words = text.encode()
            sized = len(words).to_bytes(2, "big") if extras.subtitle_codec == "mov_text" else b""
            packet = av.Packet(sized + words)
            packet.stream, packet.time_base = titles, Fraction(1, 1000)
            packet.pts = packet.dts = start
            packet.duration = length
            output.mux(packet)

    return mux


def _noise(seed: int) -> Iterator[av.AudioFrame]:
    """One second of it, 20 milliseconds a frame."""
    rng = np.random.default_rng(seed)
    for start in range(0, 48000, 960):
        samples = rng.integers(-9000, 9000, (1, 1920)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, start
        yield frame


PICTURE_CODECS = {
    ".dpx": "dpx", ".exr": "exr", ".png": "png", ".tif": "tiff", ".tiff": "tiff"
}  # fmt: skip


def picture_bytes(picture: NDArray, pixel_format: str, suffix: str, **options: str) -> bytes:
    """A picture file.

    Args:
        picture: As PyAV takes it for `pixel_format`.
        pixel_format: What is encoded.
        suffix: Of the kind of file.
        options: The encoder's.
    """
    context = av.CodecContext.create(PICTURE_CODECS[suffix], "w")
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = pixel_format, Fraction(1, 25)
    context.options = options
    frame = av.VideoFrame.from_ndarray(picture, format=pixel_format)
    frame.pts = 0
    return b"".join(bytes(packet) for end in (frame, None) for packet in context.encode(end))


def write_series(
    pattern: Path,
    pictures: Sequence[NDArray],
    pixel_format: str = "gray",
    *,
    first: int = 0,
    **options: str,
) -> list[Path]:
    """Write numbered pictures; their paths are handed back.

    Args:
        pattern: Such as `reel/%06d.dpx`; its folder is made.
        pictures: As PyAV takes them for `pixel_format`.
        pixel_format: What is encoded.
        first: The first one's number.
        options: The encoder's.
    """
    pattern.parent.mkdir(parents=True, exist_ok=True)
    paths = [pattern.parent / (pattern.name % (first + index)) for index in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        path.write_bytes(picture_bytes(picture, pixel_format, pattern.suffix, **options))
    return paths


def with_dpx_header(dpx: bytes, *, rate: float | None = None, timecode: str = "ffffffff") -> bytes:
    """A DPX file of FFmpeg's, which lacks them, with film and television headers (SMPTE ST 268).

    Args:
        dpx: The file.
        rate: Frames a second; None leaves it undefined.
        timecode: Eight digits of a SMPTE time code.
    """
    order = "<" if dpx.startswith(b"XPDS") else ">"
    head = bytearray(dpx[:1664] + b"\xff" * 384)
    if rate is not None:
        head[1724:1728] = struct.pack(f"{order}f", rate)
    head[1920:1924] = struct.pack(f"{order}I", int(timecode, 16))
    head[4:8] = struct.pack(f"{order}I", len(head))
    head[16:20] = struct.pack(f"{order}I", len(dpx) + 384)
    return bytes(head) + dpx[1664:]


@contextmanager
def held_elsewhere(target: Path) -> Iterator[None]:
    """Another process has the film at `target` in work."""
    with forked(_hold, target):
        yield


def _hold(stay: Callable[[], None], target: Path) -> None:
    with Checkpoint(target, {}):
        stay()


def ask_ffprobe(path: Path, *show: str) -> dict:
    """FFprobe's JSON answer, such as to `-show_streams`."""
    command = ["ffprobe", "-v", "quiet", "-of", "json", *show, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
