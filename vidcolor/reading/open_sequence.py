"""An image sequence, opened and read as a film in one file is."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

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
from vidcolor.reading.scans import readable
from vidcolor.reading.sequence import ImageSequence, open_picture

_READ_BYTES = 1 << 24

UNREADABLE = b"\0"
"""Stands for an empty image, which FFmpeg would take for the film's end."""


class OpenSequence:
    """The images of a sequence as packets, with the members of `InputContainer` that we use.

    FFmpeg's own `image2` ends at a missing or an empty image, and pipes have no parser of TIFF.
    One image at a time is read.

    Args:
        sequence: The images. The stream is that of the first one that is not empty.
        access: What is done about images that cannot be read.

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
        self._opened = open_picture(template, sequence.frame_rate, access)
        self.streams: StreamContainer = self._opened.streams
        self.format: ContainerFormat = self._opened.format
        self.metadata: dict[str, str] = dict(sequence.texts)
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
        """A picture's bytes, in a form that FFmpeg reads, or some that do not decode.

        Raises:
            SourceError: They cannot be read, and that is not accepted; or their form is not read.
        """
        try:
            with SourceFile(path, self._access) as file:
                data = b"".join(iter(lambda: file.read(_READ_BYTES), b""))
        except FileNotFoundError:
            return UNREADABLE  # reported when all are read: it vanished
        except OSError as error:
            if self._access.unread is None:
                raise unreadable(path, error.strerror or str(error)) from error
            self._access.unread.add((str(path), 0))
            return UNREADABLE
        return readable(data, path, self._sequence.form) or UNREADABLE


def _has_bytes(path: Path) -> bool:
    return path.stat().st_size > 0
