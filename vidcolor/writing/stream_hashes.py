"""MD5 of what streams carry, to compare a film's copied streams with those of its source."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

import hashlib
from collections.abc import Iterator
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

from vidcolor.reading.source import Source, open_source
from vidcolor.writing.passthrough import (
    data_streams,
    demux_streams,
    holds_samples,
    holds_stream,
    is_gap,
    is_outside,
    name_stream,
)
from vidcolor.writing.samples import samples_of
from vidcolor.writing.subtitles import text_codec, text_converter

SHORT_ADTS_BYTES, LONG_ADTS_BYTES = 7, 9


def hash_copied(
    source: Source,
    container: str,
    *,
    shift_seconds: Fraction = Fraction(0),
    end_seconds: Fraction | None = None,
) -> dict[str, str]:
    """The payload that `Passthrough` copies: for each stream, in order, its name and an MD5.

    Args:
        source: The film.
        container: Of the output.
        shift_seconds: As for `Passthrough`.
        end_seconds: As for `Passthrough`.
    """
    with open_source(source) as opened:
        copied = {
            stream.index: stream
            for stream in data_streams(opened, source)
            if holds_stream(container, stream, source.container)
        }
        converters = {
            index: text_converter(codec)
            for index, stream in copied.items()
            if (codec := text_codec(container, stream)) is not None
        }
        payloads = {index: hashlib.md5(usedforsecurity=False) for index in copied}
        for packet in demux_streams(opened, list(copied.values()), source.clock):
            index = packet.stream.index
            if is_gap(packet) or is_outside(packet, shift_seconds, end_seconds):
                continue
            text = converters[index](packet) if index in converters else packet
            for data in _payload(text, packet.stream):
                payloads[index].update(data)
        return {name_stream(copied[index]): md5.hexdigest() for index, md5 in payloads.items()}


def hash_written(result: Source) -> list[str]:
    """MD5 of the payload of each stream that a written film has beside its picture, in order."""
    with open_source(result) as opened:
        streams = data_streams(opened, result)
        payloads = {stream.index: hashlib.md5(usedforsecurity=False) for stream in streams}
        for packet in demux_streams(opened, streams):
            if not is_gap(packet):
                for data in _payload(packet, packet.stream):
                    payloads[packet.stream.index].update(data)
        return [md5.hexdigest() for md5 in payloads.values()]


def _payload(packet: Packet[Stream] | None, stream: Stream) -> Iterator[bytes]:
    """What must come through of a packet: its samples where it holds such, else its bytes."""
    if packet is None:
        return
    name = stream.codec_context.name if stream.codec_context is not None else ""
    if holds_samples(stream):
        yield from samples_of([packet])
        return
    data = bytes(packet)
    yield data[_adts_bytes(data) :] if name.startswith("aac") else data


def _adts_bytes(data: bytes) -> int:
    """Length of the head that MPEG-TS has in front of AAC, and other containers do without.

    It begins with 0xFFF; a bit says whether a checksum follows (ISO/IEC 13818-7, 6.2).
    """
    if data[:1] != b"\xff" or len(data) <= LONG_ADTS_BYTES or data[1] & 0xF6 != 0xF0:  # noqa: PLR2004
        return 0
    return SHORT_ADTS_BYTES if data[1] & 1 else LONG_ADTS_BYTES
