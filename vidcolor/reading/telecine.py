"""Whether a film's frames were spread over more fields, as for television of 60 fields a second."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import cast

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from vidcolor.reading.source import Source, main_video_stream, open_source

FRAMES_ASKED = 100
LEAST_FRAMES = 25

CADENCE = 5
"""Of 3:2 pulldown: four frames of film become five of video, of which one repeats its top field
and another its bottom field (ITU-R BR.1422 calls the pattern 2:3)."""

MOST_AGREE = 0.8
"""Share of the repeated fields that lie where the pattern wants them."""

LEAST_SHARE = 0.1
"""Of the frames, how many repeat a top field, and how many a bottom field; 1/5 if all do."""


def is_telecined(source: Source) -> bool:
    """Whether an interlaced film shows 3:2 pulldown, by FFmpeg's `idet` on its first frames."""
    repeated = _repeated_fields(source)
    if len(repeated) < LEAST_FRAMES:
        return False
    for field in ("top", "bottom"):
        places = Counter(k % CADENCE for k, found in enumerate(repeated) if found == field)
        total = places.total()
        least = LEAST_SHARE * len(repeated)
        if total < least or max(places.values()) < MOST_AGREE * total:
            return False
    return True


def _repeated_fields(source: Source) -> list[str]:
    """For each of the first frames which field it repeats: `top`, `bottom` or `neither`."""
    found: list[str] = []
    with open_source(source) as container:
        stream = main_video_stream(container, source.path)
        graph: Graph | None = None
        with suppress(av.FFmpegError):  # damage is reported when the film is read
            for frame in islice(container.decode(stream), FRAMES_ASKED):
                graph = graph or _idet_graph(frame)
                graph.push(frame)
                found += _pulled(graph)
    return found


def _idet_graph(like: VideoFrame) -> Graph:
    graph = Graph()
    entry = graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=like.time_base
    )
    graph.link_nodes(entry, graph.add("idet"), graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[str]:
    """What `idet` says of the frames that it is done with; it is one behind."""
    while True:
        try:
            frame = cast(VideoFrame, graph.pull())
        except (av.BlockingIOError, av.EOFError):
            return
        yield frame.metadata["lavfi.idet.repeated.current_frame"]
