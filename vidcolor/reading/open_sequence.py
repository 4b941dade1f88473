"""A series of pictures, opened: to those who read it, it is a film like any other."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from av.container.streams import StreamContainer
from av.format import ContainerFormat
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.reading.open_file import Access, SourceFile, unreadable
from vidcolor.reading.sequence import ImageSequence, open_picture

EXR_MAGIC = b"\x76\x2f\x31\x01"
EXR_TILES_OR_PARTS = 0x1A00
"""In its version: tiles (0x0200), deep data (0x0800), several parts (0x1000)."""

_READ_BYTES = 1 << 24

UNREADABLE = b"\0"
"""Stands for a picture without a byte, which FFmpeg would take for the film's end."""


class OpenSequence:
    """A series' pictures as packets: what is asked here of PyAV's `InputContainer`.

    FFmpeg's own `image2` ends at a missing or an empty picture, and pipes have no parser of TIFF.
    One picture at a time is read.

    Args:
        sequence: The pictures. The stream is that of the first which is not empty.
        access: What is done about pictures that cannot be read.

    Raises:
        av.FFmpegError: FFmpeg cannot open it.
        OSError: It cannot be read.
    """

    def __init__(self, sequence: ImageSequence, access: Access) -> None:
        self._sequence = sequence
        self._access = access
        self._next = 0
        files = sequence.files()
        first = next(files)
        template = first if first.stat().st_size else next(filter(_has_bytes, files), first)
        self._opened = open_picture(template, sequence.frame_rate)
        self.streams: StreamContainer = self._opened.streams
        self.format: ContainerFormat = self._opened.format
        self.metadata: dict[str, str] = {}
        self.duration: int | None = None
        if sequence.timecode is not None:
            self.streams.video[0].metadata["timecode"] = sequence.timecode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the picture that the stream is from."""
        self._opened.close()

    def chapters(self) -> list[object]:
        """None."""
        return []

    def seek(self, offset: int, *, stream: VideoStream) -> None:
        """Go on with frame `offset`, in the stream's time base."""
        self._next = max(0, min(offset, len(self._sequence)))
        stream.codec_context.flush_buffers()

    def demux(self, *streams: VideoStream) -> Iterator[Packet[Stream]]:
        """The pictures from the one that is next on, each a packet; its pts is its index."""
        stream = streams[0] if streams else self.streams.video[0]
        while self._next < len(self._sequence):
            index, self._next = self._next, self._next + 1
            packet = Packet(self._read(self._sequence.file_at(index)))
            packet.stream = stream
            packet.time_base = 1 / self._sequence.frame_rate
            packet.pts = packet.dts = index
            packet.duration = 1
            packet.is_keyframe = True  # else FFmpeg adds a PNG to the one before
            yield packet

    def decode(self, stream: VideoStream) -> Iterator[VideoFrame]:
        """The frames of `demux`."""
        for packet in self.demux(stream):
            yield from stream.decode(packet)
        yield from stream.decode(None)

    def _read(self, path: Path) -> bytes:
        """A picture's bytes, or some that do not decode.

        Raises:
            SourceError: They cannot be read, and that is not accepted.
        """
        try:
            with SourceFile(path, self._access) as file:
                data = b"".join(iter(lambda: file.read(_READ_BYTES), b""))
        except FileNotFoundError:
            return UNREADABLE  # told when all are read: it vanished
        except OSError as error:
            if self._access.unread is None:
                raise unreadable(path, error.strerror or str(error)) from error
            self._access.unread.add((str(path), 0))
            return UNREADABLE
        return UNREADABLE if not data or _is_cut_exr(data) else data


def _is_cut_exr(data: bytes) -> bool:
    """Whether these are the lines of an OpenEXR file (of one part) that breaks off.

    FFmpeg leaves the missing lines black and says nothing. Behind the header lies a table of where
    each chunk of lines begins, and each chunk tells its length after its first line's number (The
    OpenEXR file layout, "Offset tables" and "Chunks").
    """
    if not data.startswith(EXR_MAGIC):
        return False
    try:
        if struct.unpack_from("<I", data, len(EXR_MAGIC))[0] & EXR_TILES_OR_PARTS:
            return False
        table = _end_of_header(data)
        return any(
            at < table or at + 8 + struct.unpack_from("<I", data, at + 4)[0] > len(data)
            for at in _chunks(data, table)
        )
    except (struct.error, ValueError):
        return True


def _end_of_header(data: bytes) -> int:
    """Where an OpenEXR file's attributes end, each a name, a type, a length and as many bytes."""
    at = len(EXR_MAGIC) + 4
    while data[at : at + 1] != b"\0":
        at = data.index(b"\0", data.index(b"\0", at) + 1) + 1
        at += 4 + struct.unpack_from("<I", data, at)[0]
    return at + 1


def _chunks(data: bytes, table: int) -> Iterator[int]:
    """The entries of a table that begins at `table` and ends where the first chunk begins."""
    at, end = table, len(data)
    while at < end:
        (chunk,) = struct.unpack_from("<Q", data, at)
        at, end = at + 8, min(end, chunk)
        yield chunk


def _has_bytes(path: Path) -> bool:
    return path.stat().st_size > 0
