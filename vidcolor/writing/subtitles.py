"""Subtitles of plain text, put into the form that a container has for them, by FFmpeg's codecs."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.codeccontext import SubtitleCodecContext

if TYPE_CHECKING:
    Converter = Callable[[Packet[Stream]], Packet[Stream] | None]

GAP = b"\0\0"
"""A sample of mov_text without text: its length in 16 bits, 0 (3GPP TS 26.245, 5.17)."""

MOV_TEXT, SUBRIP = "mov_text", "subrip"
# FFmpeg's decoder of SubRip has two names.
SUBRIP_NAMES = {"srt", SUBRIP}
CODEC_BY_CONTAINER = {"matroska": SUBRIP, "mp4": MOV_TEXT, "mov": MOV_TEXT}


def text_codec(container: str, stream: Stream) -> str | None:
    """The codec that `stream` is rewritten in for `container`; None if it goes in as it is."""
    if stream.type != "subtitle" or stream.codec_context is None:
        return None
    wanted = CODEC_BY_CONTAINER.get(container)
    name = SUBRIP if stream.codec_context.name in SUBRIP_NAMES else stream.codec_context.name
    return wanted if wanted != name and name in {MOV_TEXT, SUBRIP} else None


def add_text_stream(output: OutputContainer, codec: str, like: Stream) -> Stream:
    """A stream of `output` for the text of `like`, in `codec`."""
    if codec == SUBRIP:
        return output.add_mux_stream(codec, time_base=like.time_base)
    stream = output.add_stream(codec)
    # Its encoder writes the styles that MP4 must describe in front of all text.
    cast(SubtitleCodecContext, stream.codec_context).subtitle_header = _header(_decoder())
    stream.time_base = like.time_base
    return stream


def text_converter(codec: str) -> Converter:
    """A function that gives a packet's text in `codec`; None for a packet without text."""
    return _plain_text if codec == SUBRIP else _styled_text()


def _plain_text(packet: Packet[Stream]) -> Packet[Stream] | None:
    """The text of a mov_text sample (3GPP TS 26.245, 5.17); None if it has none.

    A sample is a length of 16 bits, the text in UTF-8, and boxes of style, which SubRip lacks.
    """
    sample = bytes(packet)
    return _like(packet, sample[2 : 2 + int.from_bytes(sample[:2], "big")])


def _styled_text() -> Converter:
    """A function that makes mov_text of SubRip: bold, italic and underlined text stay so."""
    decoder = _decoder()
    encoder = cast(SubtitleCodecContext, av.CodecContext.create(MOV_TEXT, "w"))
    encoder.subtitle_header = _header(decoder)

    def convert(packet: Packet[Stream]) -> Packet[Stream] | None:
        words = Packet(bytes(packet).decode(errors="replace").encode())
        words.pts, words.time_base = packet.pts, packet.time_base
        said = decoder.decode2(words)
        sample = bytes(encoder.encode_subtitle(said)) if said is not None else GAP
        return _like(packet, sample) if sample[: len(GAP)] != GAP else None

    return convert


def _decoder() -> SubtitleCodecContext:
    decoder = cast(SubtitleCodecContext, av.CodecContext.create(SUBRIP, "r"))
    decoder.open()
    return decoder


def _header(decoder: SubtitleCodecContext) -> bytes:
    """The styles that all text has, as a string of C, which PyAV does not end."""
    return (decoder.subtitle_header or b"") + b"\0"


def _like(packet: Packet[Stream], content: bytes) -> Packet[Stream] | None:
    if not content:
        return None
    copy = Packet(content)
    copy.time_base = packet.time_base
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    return copy
