"""Frames with closed captions, for encoders that put them into their pictures."""

import av
import numpy as np
from av.packet import Packet, PacketSideData, packet_sidedata_type_from_literal
from av.video.frame import VideoFrame

from vidcolor.reading.pixels import SEMIPLANAR, component_views
from vidcolor.writing.encoder_options import NVENC

CAPTION_ENCODERS = {"libx264", "libx265", "mpeg2video", *NVENC}
"""Encoders of FFmpeg 8.1 that write a frame's closed captions."""


class CaptionedFrames:
    """Makes frames that carry captions.

    PyAV 18.1 reads a frame's side data and cannot add any. FFmpeg's decoder of raw video hands on
    what its packet carries, so a frame's samples are decoded from such a packet.

    Args:
        width: Of the frames.
        height: The same.
        pixel_format: FFmpeg's name of it.
    """

    def __init__(self, width: int, height: int, pixel_format: str) -> None:
        self._decoder = av.CodecContext.create("rawvideo", "r")
        self._decoder.width, self._decoder.height = width, height
        self._decoder.pix_fmt = pixel_format

    def with_captions(self, frame: VideoFrame, captions: bytes) -> VideoFrame:
        """A copy of a frame, without its tags and times, that carries `captions`."""
        packet = Packet(_samples(frame))
        kind = packet_sidedata_type_from_literal("a53_cc")
        # Its stub lacks the constructor.
        side_data = PacketSideData(kind, len(captions))  # type: ignore[call-arg]
        side_data.update(captions)
        packet.set_sidedata(side_data)
        return self._decoder.decode(packet)[0]


def _samples(frame: VideoFrame) -> bytes:
    """All samples of a frame in the order of raw video, its planes one after the other."""
    views = component_views(frame)
    if frame.format.name == SEMIPLANAR:
        views = [views[0], np.stack(views[1:], axis=-1)]
    return b"".join(view.tobytes() for view in views)
