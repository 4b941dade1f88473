"""Sound as samples, put into the form that a container has for them, each sample as it was."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections.abc import Iterable, Iterator
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from vidcolor.writing.stream_copy import is_pcm

# Of the forms that decoders give: that of Matroska and QuickTime. Of 32 bits in all but the codecs
# of `FULL_32` only the upper 24 are used.
PCM_BY_FORMAT = {
    "u8": "pcm_u8",
    "s16": "pcm_s16le",
    "s32": "pcm_s24le",
    "flt": "pcm_f32le",
    "dbl": "pcm_f64le",
}
FULL_32 = ("pcm_s32", "pcm_u32")
FLAC_FORMATS = ("s16", "s32")
"""Of 16 and 24 bits, what older programs too read of MP4 (FLAC in ISO base media, 3.3)."""


def sample_codec(container: str, stream: Stream) -> str | None:
    """The codec that keeps each sample of `stream` in a container that has no place for its own.

    Returns:
        FFmpeg's name of it; None for sound that is not of plain samples, or where there is none.
    """
    if not is_pcm(stream) and _name(stream) != "s302m":
        return None
    context = cast(AudioCodecContext, stream.codec_context)
    kind = context.format.name.removesuffix("p")
    if container == "mp4":
        # It must name the loudspeakers.
        is_named = not context.layout.name.endswith("channels")
        fits = is_named and kind in FLAC_FORMATS and not context.name.startswith(FULL_32)
        return "flac" if fits else None
    if container not in {"matroska", "mov"}:
        return None
    return "pcm_s32le" if context.name.startswith(FULL_32) else PCM_BY_FORMAT.get(kind)


class SampleRewriter:
    """Makes packets of another codec of a stream of samples.

    Args:
        output: The container that gets them, not begun yet.
        codec: Of `sample_codec`.
        like: The source's stream.

    Attributes:
        stream: That of the output.
    """

    def __init__(self, output: OutputContainer, codec: str, like: Stream) -> None:
        source = cast(AudioCodecContext, like.codec_context)
        self.stream: AudioStream = cast(
            AudioStream, output.add_stream(codec, rate=source.sample_rate)
        )
        self.stream.codec_context.format = source.format.name.removesuffix("p")
        self.stream.codec_context.layout = source.layout.name
        self._decoder = source

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """The packets that the samples of `packet` fill, with times of the source."""
        for frame in self._decoder.decode(packet):
            yield from self._encoded(frame)

    def flush(self) -> Iterator[Packet[Stream]]:
        """The packets of what is left."""
        yield from self._encoded(None)

    def _encoded(self, frame: AudioFrame | None) -> Iterable[Packet[Stream]]:
        return self.stream.codec_context.encode(frame)


def samples_of(packets: Iterable[Packet[Stream]]) -> Iterator[bytes]:
    """The samples in the packets of one stream, the channels in turn."""
    for packet in packets:
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in cast("list[AudioFrame]", frames):
            samples = frame.to_ndarray()
            yield (samples.T if frame.format.is_planar else samples).tobytes()


def _name(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else ""
