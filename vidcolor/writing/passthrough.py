"""What is copied beside the picture: other streams, chapters, attachments, metadata."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from vidcolor.reading.clock import NO_CLOCK, Clock
from vidcolor.reading.container_words import ContainerWords
from vidcolor.reading.source import Source, open_source
from vidcolor.writing.mxf import MXF, holds_in_mxf
from vidcolor.writing.samples import SampleRewriter, sample_codec
from vidcolor.writing.stream_copy import add_copied_stream, is_pcm, takes_stream
from vidcolor.writing.subtitles import GAP, add_text_stream, text_codec, text_converter

if TYPE_CHECKING:
    from av.container.core import Chapter  # exists in PyAV's stubs only

    Rewrite = Callable[[Packet[Stream]], Iterable[Packet[Stream]]]

# Tags that describe the source's container or encoder and would be false in the output; those of
# statistics are mkvmerge's.
STALE_TAGS = {
    "_statistics_tags",
    "_statistics_writing_app",
    "_statistics_writing_date_utc",
    "alpha_mode",
    "bps",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "duration",
    "vendor_id",
    "number_of_bytes",
    "number_of_frames",
}
# FFmpeg appends a Matroska tag's language to its name: `BPS-eng`.
TAG_LANGUAGE = re.compile(r"-[a-z]{3}$")
# MPEG-TS takes anything, but players read only what its standards name.
TRANSPORT_STREAM_CODECS = {
    "mp2",
    "mp2float",
    "mp3",
    "mp3float",
    "aac",
    "aac_latm",
    "ac3",
    "eac3",
    "dca",
    "opus",
    "libopus",
    "dvbsub",
    "dvb_teletext",
}

MIME_BY_CODEC = {"mjpeg": "image/jpeg", "png": "image/png"}
"""Of pictures that lie beside a film, by the name of their decoder."""

SAMPLE_CODECS = {"s302m", "flac"}
"""That hold samples, beside PCM: a container may have these in another of the codecs."""


COVER_CONTAINERS = {"matroska", "mp4"}


def kept_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags that stay true for the output."""
    return {
        key: text
        for key, text in tags.items()
        if TAG_LANGUAGE.sub("", key.lower()) not in STALE_TAGS
    }


def film_tags(tags: dict[str, str], words: ContainerWords, container: str) -> dict[str, str]:
    """The tags of a film as a whole: without those of its parts, which Matroska gets as they are.

    Other containers get these under the names of their levels, if they have any.
    """
    kept = {
        key: text
        for key, text in tags.items()
        if key.lower() not in words.tag_names or (container != "matroska" and "/" in key)
    }
    if words.title is not None:
        kept = {key: text for key, text in kept.items() if key.lower() != "title"}
        kept["title"] = words.title
    return kept


def name_stream(stream: Stream) -> str:
    """A stream's kind, number and codec, for messages."""
    codec = stream.codec_context.name if stream.codec_context else "no codec"
    return f"{stream.type} {stream.index} ({codec})"


def holds_stream(container: str, stream: Stream, source_container: str) -> bool:
    """Whether `container` can carry `stream`, as it is or its text rewritten."""
    if stream.type == "attachment":
        return container == "matroska"
    if stream.codec_context is None:
        return container == source_container == "mpegts"
    if _is_cover(stream):
        return container in COVER_CONTAINERS and stream.codec_context.name in MIME_BY_CODEC
    if container == MXF or (container == "mpegts" and source_container != "mpegts"):
        if container == MXF:
            return holds_in_mxf(stream)
        return stream.codec_context.name in TRANSPORT_STREAM_CODECS
    is_held = text_codec(container, stream) is not None or takes_stream(container, stream)
    return is_held or sample_codec(container, stream) is not None


def rewritten_samples(container: str, stream: Stream) -> str | None:
    """The codec that a sound track of samples becomes in `container`; None if it goes as it is."""
    if container in {"mpegts", MXF} or takes_stream(container, stream):
        return None
    return sample_codec(container, stream)


def other_streams(opened: InputContainer, source: Source) -> list[Stream]:
    """A film's other streams, but for the timecode track, which the muxer writes itself."""
    return [
        stream
        for stream in opened.streams
        if stream.index not in {source.stream_index, source.words.timecode_stream}
        and not is_timecode_track(stream)
    ]


def is_timecode_track(stream: Stream) -> bool:
    """Whether `stream` is QuickTime's timecode, which the muxer writes itself, from a tag."""
    return stream.type == "data" and "timecode" in {key.lower() for key in stream.metadata}


def is_gap(packet: Packet[Stream]) -> bool:
    """Whether `packet` is a subtitle without text, as MP4 fills the time between two with.

    Muxers add and drop them as they need, so they count for nothing.
    """
    return packet.stream.type == "subtitle" and bytes(packet) == GAP


class Passthrough:
    """The streams of a source that are copied into an output, packet by packet.

    Attributes:
        packet_counts: For each copied stream of the output, its packets so far; none for PCM.

    Args:
        source: The film; opened a second time here, so that reading frames and copying packets
            need not wait for each other.
        shift_seconds: Taken off all times, where the output starts within the film.
        end_seconds: Packets at this output time or later are left out; None keeps all.
    """

    def __init__(
        self,
        source: Source,
        *,
        shift_seconds: Fraction = Fraction(0),
        end_seconds: Fraction | None = None,
    ) -> None:
        self._source = source
        self._shift_seconds = shift_seconds
        self._end_seconds = end_seconds
        self.input: InputContainer = open_source(source)
        self.packet_counts: dict[int, int] = {}
        self._streams: dict[int, Stream] = {}
        self._rewrites: dict[int, Rewrite] = {}
        self._samples: dict[int, SampleRewriter] = {}
        self._last_dts: dict[int, int] = {}
        self._packets = self._fitted_packets()
        self._next: Packet[Stream] | None = None

    def close(self) -> None:
        """Close the source."""
        self._packets.close()
        self.input.close()

    def add_stream(self, stream: Stream, output: OutputContainer, container: str) -> None:
        """Give `stream` of the source a place in `output`, if that can hold it."""
        if not holds_stream(container, stream, self._source.container):
            return
        if container == "matroska" and _is_cover(stream):
            self._attach_cover(stream, output)
            return
        copy = self._added(stream, output, container)
        copy.metadata.update(kept_tags(stream.metadata))
        copy.disposition = stream.disposition
        if stream.type != "attachment":
            self._streams[stream.index] = copy
            if not is_pcm(stream) and stream.index not in self._samples:
                self.packet_counts[copy.index] = 0

    def _added(self, stream: Stream, output: OutputContainer, container: str) -> Stream:
        codec = text_codec(container, stream)
        if codec is not None:
            convert = text_converter(codec)
            self._rewrites[stream.index] = lambda packet: filter(None, [convert(packet)])
            return add_text_stream(output, codec, stream)
        codec = rewritten_samples(container, stream)
        if codec is not None:
            rewriter = self._samples[stream.index] = SampleRewriter(output, codec, stream)
            self._rewrites[stream.index] = rewriter.convert
            return rewriter.stream
        return add_copied_stream(output, stream, container)

    def _attach_cover(self, stream: Stream, output: OutputContainer) -> None:
        """Attach a cover picture as a file, which is what Matroska has for it."""
        mime = MIME_BY_CODEC[stream.codec_context.name]
        name = stream.metadata.get("filename", f"cover.{mime.removeprefix('image/')}")
        with open_source(self._source) as opened:
            for packet in demux_streams(opened, [opened.streams[stream.index]]):
                output.add_attachment(name, mime, bytes(packet))
                return

    def copy_tags(self, output: OutputContainer, container: str) -> None:
        """Copy the file's metadata and chapters."""
        tags = kept_tags(self.input.metadata)
        output.metadata.update(film_tags(tags, self._source.words, container))
        chapters = [self._shifted_chapter(chapter) for chapter in self.input.chapters()]
        if container != "mpegts":
            output.set_chapters([chapter for chapter in chapters if chapter is not None])

    def copy_until(self, output: OutputContainer, seconds: float | None) -> None:
        """Copy the packets up to `seconds` of output time, or all that are left for None."""
        while True:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None:
                return
            if seconds is not None and float((packet.dts or 0) * packet.time_base) > seconds:
                return
            if packet.stream.index in self.packet_counts:
                self.packet_counts[packet.stream.index] += not is_gap(packet)
            output.mux_one(packet)
            self._next = None

    def _shifted_chapter(self, chapter: Chapter) -> Chapter | None:
        """The chapter in output time, cut to the output; None if it lies outside."""
        time_base = Fraction(chapter["time_base"] or Fraction(1, 1000))
        shift = round((self._shift_seconds - self._source.clock.base_seconds) / time_base)
        start, end = max(0, chapter["start"] - shift), chapter["end"] - shift
        if self._end_seconds is not None:
            end = min(end, round(self._end_seconds / time_base))
        if end <= start:
            return None
        return {**chapter, "start": start, "end": end, "time_base": time_base}

    def _fitted_packets(self) -> Generator[Packet[Stream], None, None]:
        """The copied streams' packets in file order, moved to the output's streams and times."""
        streams = [self.input.streams[index] for index in self._streams]
        for packet in demux_streams(self.input, streams, self._source.clock):
            if not is_outside(packet, self._shift_seconds, self._end_seconds):
                yield from self._fitted(packet)
        for index, samples in self._samples.items():
            yield from (self._timed(packet, index) for packet in samples.flush())

    def _fitted(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """The packets that are written for one of the source, in their output stream and time."""
        index = packet.stream.index
        rewrite = self._rewrites.get(index)
        if rewrite is None:
            yield self._timed(packet, index)
            return
        try:
            yield from (self._timed(made, index) for made in rewrite(packet))
        except av.FFmpegError:
            return  # samples that do not decode

    def _timed(self, packet: Packet[Stream], index: int) -> Packet[Stream]:
        """`packet` of the source's stream `index`, in its output stream and time."""
        pts = packet.dts if packet.pts is None else packet.pts
        dts = packet.pts if packet.dts is None else packet.dts
        packet.stream = self._streams[index]
        if pts is None or dts is None:
            packet.pts = packet.dts = 0  # a cover, which is of no time
            return packet
        shift = round(self._shift_seconds / packet.time_base)
        # Muxers demand a decoding time that never goes back.
        packet.dts = max(dts - shift, self._last_dts.get(index, dts - shift))
        packet.pts = max(pts - shift, packet.dts)
        self._last_dts[index] = packet.dts
        return packet


def holds_samples(stream: Stream) -> bool:
    """Whether a sound track's packets are compared by the samples in them."""
    context = stream.codec_context
    return context is not None and (is_pcm(stream) or context.name in SAMPLE_CODECS)


def data_streams(opened: InputContainer, source: Source) -> list[Stream]:
    """The streams beside the picture that have packets to be copied."""
    return [stream for stream in other_streams(opened, source) if stream.type != "attachment"]


def demux_streams(
    opened: InputContainer, streams: list[Stream], clock: Clock = NO_CLOCK
) -> Generator[Packet[Stream], None, None]:
    """The streams' packets in file order, up to where the file breaks off, with mended times."""
    demuxed = clock.mended(opened.demux(*streams)) if streams else iter(())
    while True:
        try:
            yield next(demuxed)
        except (StopIteration, av.FFmpegError):
            return


def is_outside(
    packet: Packet[Stream], shift_seconds: Fraction, end_seconds: Fraction | None
) -> bool:
    """Whether a packet lies outside the piece of the film that is written, or has no time."""
    if _is_cover(packet.stream):
        return not packet.size
    pts = packet.dts if packet.pts is None else packet.pts
    if pts is None:
        return True
    # Exactly, so that of two parts of a film one has the packet.
    seconds = pts * packet.time_base - shift_seconds
    is_before = bool(shift_seconds) and seconds < 0
    return is_before or (end_seconds is not None and seconds >= end_seconds)


def _is_cover(stream: Stream) -> bool:
    """Whether a stream is one picture of no time, such as a disc's cover."""
    return bool(stream.disposition & Disposition.attached_pic)
