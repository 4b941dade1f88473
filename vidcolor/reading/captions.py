"""Closed captions that lie in a film's coded pictures (ATSC A/53 part 4; EIA-608 and EIA-708)."""

from itertools import islice

import av
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

from vidcolor.reading.side_data import side_data_of
from vidcolor.reading.source import Source, main_video_stream, open_source

CAPTIONED_CODECS = {"mpeg2video", "h264", "hevc"}
"""Whose pictures can carry captions, by the names of FFmpeg's decoders."""

FRAMES_ASKED = 30
"""Broadcasts and discs that have captions have them, if only as padding, in every picture."""


def captions_of(frame: VideoFrame) -> bytes:
    """The captions of one decoded frame, three bytes each; empty if it has none."""
    try:
        found = side_data_of(frame).get(SideDataType.A53_CC)
    except ValueError:  # PyAV 18.1 does not know every kind of FFmpeg 8.1
        return b""
    return b"" if found is None else bytes(found)


def has_captions(source: Source) -> bool:
    """Whether the first frames of a film carry closed captions."""
    if source.codec not in CAPTIONED_CODECS or source.sequence is not None:
        return False
    with open_source(source) as container:
        stream = main_video_stream(container, source.path)
        try:
            frames = islice(container.decode(stream), FRAMES_ASKED)
            return any(captions_of(frame) for frame in frames)
        except av.FFmpegError:  # damage is reported when the film is read
            return False
