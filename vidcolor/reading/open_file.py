"""A source's file as FFmpeg reads it, by a file object of ours: no error of reading is lost.

FFmpeg's demuxers take an error of the disk for the end of the file, and say nothing.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import av
from av.codec.hwaccel import HWAccel

from vidcolor.errors import SourceError
from vidcolor.interrupts import called_by_ffmpeg
from vidcolor.reading.texts import mend_tags

if TYPE_CHECKING:
    from av.container.core import Chapter

BLOCK_BYTES = 4096
"""What a disk that fails gives back in one piece, or does not."""

_BUFFER_BYTES = 1 << 18

_MOST_OF_OPTION = 2**31 - 1

LONGEST_PROBE = str(24 * 3600 * 1_000_000)
"""In microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the files of a source are read.

    Attributes:
        unread: Gets the file and place of each block that cannot be read, which is then taken for
            zeros; None if such an error ends the reading.
        follow_playlists: Whether playlists may name files outside of their own folder.
        probe_bytes: How far into a file its streams are looked for; 0 for FFmpeg's default.
        most_pixels: Pictures of more are not decoded while it is opened; 0 for FFmpeg's own limit.
    """

    unread: set[tuple[str, int]] | None = None
    follow_playlists: bool = False
    probe_bytes: int = 0
    most_pixels: int = 0

    @property
    def decoder_options(self) -> dict[str, str]:
        """FFmpeg's options for the decoders that are asked what a film is.

        They count the pixels with which rows are filled up as well.
        """
        most = min(self.most_pixels * 9 // 8, _MOST_OF_OPTION)
        return {"max_pixels": str(most)} if most else {}

    @property
    def probe_options(self) -> dict[str, str]:
        """FFmpeg's options for how far it looks; the number of bytes ends that before the time."""
        if not self.probe_bytes:
            return {}
        return {"probesize": str(self.probe_bytes), "analyzeduration": LONGEST_PROBE}


class SourceFile:
    """A file that is read to its end, or an error says why not.

    Args:
        path: Where it lies.
        access: What is done about blocks that cannot be read.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, access: Access) -> None:
        self.name: str = str(path.absolute())
        self._path = path
        self._access = access
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether places in it can be sought."""
        return self._file.seekable()

    @called_by_ffmpeg
    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, as of any file; a damaged film sends to places that no file has.

        That is an error of FFmpeg's kind, a number below 0: PyAV would print an exception.
        """
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError) as error:
            return -(getattr(error, "errno", None) or errno.EINVAL)

    @called_by_ffmpeg
    def tell(self) -> int:
        """The place that is read next."""
        return self._file.tell()

    @called_by_ffmpeg
    def read(self, size: int) -> bytes:
        """Some bytes, at most `size`; none at the end.

        Raises:
            SourceError: They cannot be read, and that is not accepted. It is raised once: FFmpeg,
                which goes on reading, then finds the end. Or Ctrl-C ends a program that is not
                ours: PyAV would not hand on its exception, nor FFmpeg read on.
        """
        try:
            return self._read(size)
        except Exception:
            raise
        except BaseException as stop:
            raise SourceError(f"{self._path}: reading it was stopped; run again") from stop

    def _read(self, size: int) -> bytes:
        if self._is_over:
            return b""
        place = self._file.tell()
        try:
            data = self._file.read(size) or b""
        except OSError as error:
            return self._unread(place, size, error.strerror or str(error))
        if not data and size and place < self._size:
            return self._unread(place, size, f"ends there, though it has {self._size} bytes")
        return data

    def _unread(self, place: int, size: int, reason: str) -> bytes:
        """What stands for the block at a place that cannot be read, up to that block's end."""
        if self._access.unread is None:
            self._is_over = True
            raise unreadable(self._path, f"{reason} at byte {place}")
        self._access.unread.add((self.name, place // BLOCK_BYTES))
        end = min(place + size, self._size, (place // BLOCK_BYTES + 1) * BLOCK_BYTES)
        self._file.seek(end)
        return bytes(end - place)


def unreadable(path: Path, reason: str) -> SourceError:
    """The error of a source that the disk does not give back."""
    return SourceError(
        f"{path}: cannot be read to its end ({reason}); copy it again from a good source, "
        "or use --accept-losses"
    )


class OpenFile:
    """An `InputContainer` of PyAV's whose file closes with it, and whose tags are text.

    Args:
        path: The file.
        access: How it, and those that it names, are read.
        hwaccel: What decodes it in place of the processor.

    Attributes:
        has_mended_tags: Whether some tags are no UTF-8; see `decode_text`.

    Raises:
        av.FFmpegError: FFmpeg cannot open it.
        OSError: It cannot be read.
        SourceError: It cannot be read to where FFmpeg looks.
    """

    def __init__(self, path: Path, access: Access, hwaccel: HWAccel | None = None) -> None:
        self._file = SourceFile(path, access)
        try:
            self._container = av.open(
                self._file,
                "r",
                metadata_errors="surrogateescape",
                hwaccel=hwaccel,
                buffer_size=_BUFFER_BYTES,
                options=access.decoder_options,
                io_open=_opener(path, access),
                # Else what calls itself a film may make FFmpeg listen to a network.
                container_options={"protocol_whitelist": "file"}
                | ({"safe": "0"} if access.follow_playlists else {})
                | access.probe_options,
            )
        except BaseException:
            self._file.close()
            raise
        tags = (self._container.metadata, *(s.metadata for s in self._container.streams))
        self.has_mended_tags: bool = max(map(mend_tags, tags))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chapters(self) -> "list[Chapter]":
        """The container's, with names that are text."""
        found = self._container.chapters()
        for chapter in found:
            mend_tags(chapter["metadata"])
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def close(self) -> None:
        """Close the container and its file.

        PyAV frees decoders with Python's lock held, and waits for their threads. If FFmpeg's log is
        on, a thread that complains of a damaged picture waits for that lock: neither would ever go
        on. So the threads are waited for before, by a flush, without the lock.
        """
        for stream in self._container.streams:
            if stream.codec_context is not None:
                stream.codec_context.flush_buffers()
        self._container.close()
        self._file.close()


def _opener(path: Path, access: Access) -> Callable[[str, int, dict[str, str]], SourceFile]:
    """What opens the files that a playlist names."""
    folder = path.absolute().parent.resolve()

    @called_by_ffmpeg
    def open_named(url: str, _flags: int, _options: dict[str, str]) -> SourceFile:
        named = Path(url.removeprefix("file:"))
        if not access.follow_playlists and not named.resolve().is_relative_to(folder):
            raise SourceError(
                f"{path}: names a file outside of its folder ({url}); "
                "use --follow-playlists if that is right"
            )
        try:
            return SourceFile(named, access)
        except OSError as error:
            raise SourceError(
                f"{path}: names a file that cannot be opened ({url}: {error.strerror}); "
                "put it there"
            ) from error

    return open_named
