"""Which field of a woven frame is shown first, as its decoder says it."""

from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import VideoFrame

SAYING_CODECS = {"h264", "mpeg2video", "ffv1", "prores"}
"""Whose decoders say it of each frame; of others the stream's word holds."""

ANY_TIME_BASE = Fraction(1, 1000)
"""Of frames of raw streams, which have no times."""


class FieldOrders:
    """Asks frames of one film.

    PyAV 18.1 hands on that a frame is woven, and not how; FFmpeg's filter `select` tells it.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._like: tuple[int, int, str] | None = None

    def is_top_first(self, frame: VideoFrame) -> bool:
        """Whether the top field of a woven frame is shown first."""
        like = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._like != like:
            self._graph, self._like = _graph(frame), like
        self._graph.push(frame)
        try:
            self._graph.pull()
        except av.BlockingIOError:
            return False
        return True


def _graph(like: VideoFrame) -> Graph:
    """A graph that lets frames through whose top field is first."""
    graph = Graph()
    entry = graph.add_buffer(
        width=like.width,
        height=like.height,
        format=like.format,
        time_base=like.time_base or ANY_TIME_BASE,
    )
    select = graph.add("select", r"eq(interlace_type\,TOPFIRST)")
    graph.link_nodes(entry, select, graph.add("buffersink")).configure()
    return graph
