"""A colored clip beside itself in black and white, as one picture, to be shown to others."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.files import part_path, write_error

_OPTIONS = {"crf": "18"}
_TURNED = {90: ("transpose", "cclock"), -90: ("transpose", "clock"), 180: ("rotate", "PI")}


def put_side_by_side(clip: Path, output: Path) -> None:
    """Write a clip of H.264 in MP4, on the left without color, on the right with it; sound is kept.

    Args:
        clip: The colored clip.
        output: The new one; it gets its name when it is whole.

    Raises:
        OutputError: It cannot be written.
    """
    part = part_path(output)
    try:
        with (
            av.open(str(clip)) as source,
            av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as target,
        ):
            target.metadata.update(source.metadata)
            _write(source, target)
        part.replace(output)
    except (av.FFmpegError, OSError) as error:
        raise write_error(output, error) from error
    finally:
        part.unlink(missing_ok=True)


def _write(source: InputContainer, target: OutputContainer) -> None:
    video = source.streams.video[0]
    sound = source.streams.audio[0] if source.streams.audio else None
    copied = None if sound is None else target.add_stream_from_template(sound)
    made: VideoStream | None = None
    composer = _Composer(video)
    for packet in source.demux(*([video] if sound is None else [video, sound])):
        if packet.stream is sound:
            if packet.dts is not None and copied is not None:
                packet.stream = copied
                target.mux(packet)
            continue
        for decoded in packet.decode():
            for frame in composer.compose(decoded):  # type: ignore[arg-type]
                made = made or _begin(target, video, frame)
                target.mux(made.encode(frame))
    if made is not None:
        target.mux(made.encode(None))


def _begin(target: OutputContainer, video: VideoStream, frame: VideoFrame) -> VideoStream:
    """The stream of the new picture, its rate and color those of the clip."""
    rate = video.average_rate or Fraction(25)
    made = target.add_stream("libx264", rate, options=_OPTIONS)
    made.width, made.height, made.pix_fmt = frame.width, frame.height, "yuv420p"
    made.time_base = made.codec_context.time_base = frame.time_base or 1 / rate
    given, own = video.codec_context, made.codec_context
    own.sample_aspect_ratio = given.sample_aspect_ratio
    own.colorspace, own.color_range = given.colorspace, given.color_range
    own.color_primaries, own.color_trc = given.color_primaries, given.color_trc
    return made


class _Composer:
    """Puts frames beside themselves."""

    def __init__(self, video: VideoStream) -> None:
        self._video = video
        self._graph: Graph | None = None

    def compose(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frame beside itself."""
        if self._graph is None:
            self._graph = self._build(frame.rotation)
        self._graph.push(frame)
        composed = self._graph.pull()
        if isinstance(composed, VideoFrame):
            yield composed

    def _build(self, rotation: int) -> Graph:
        graph = Graph()
        shown: FilterContext = graph.add_buffer(
            template=self._video, time_base=self._video.time_base
        )
        if rotation in _TURNED:
            shown = _linked(graph, shown, *_TURNED[rotation])
        shown = _linked(graph, shown, "format", "yuv420p")
        both = graph.add("split")
        shown.link_to(both)
        gray, beside = graph.add("hue", "s=0"), graph.add("hstack")
        both.link_to(gray)
        gray.link_to(beside)
        both.link_to(beside, 1, 1)
        _linked(graph, beside, "buffersink")
        graph.configure()
        return graph


def _linked(
    graph: Graph, before: FilterContext, name: str, options: str | None = None
) -> FilterContext:
    made = graph.add(name) if options is None else graph.add(name, options)
    before.link_to(made)
    return made
