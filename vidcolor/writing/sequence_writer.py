"""A film's frames as numbered pictures, in a folder that appears when all of them are there."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Self

from vidcolor.errors import OutputError
from vidcolor.files import is_write_fault, open_new, refuse_link, write_error
from vidcolor.reading.source import Source
from vidcolor.timecode import Timecode
from vidcolor.writing.dpx import place_picture
from vidcolor.writing.encoding import Encoding
from vidcolor.writing.shot_encoder import Encoded


class ChangedPictureError(OutputError):
    """A picture that was kept is gone, or is not what was written.

    Args:
        path: The picture.
        count: How many images of the film come before it.
    """

    def __init__(self, path: Path, count: int) -> None:
        super().__init__(f"{path}: differs from what was written; run again")
        self.count = count


class PictureWriter:
    """Writes one film as an image sequence.

    Images are kept one by one until the film is complete. As a context manager: leaving it normally
    checks them and gives their folder its name; leaving it by an exception keeps them.

    Args:
        source: The film.
        encoding: How to write.
        place: The folder in which images are kept until all are there.
        shift_seconds: Source time at which the output begins, if not at the film's own start.
        check: Called with the folder before it gets its name; what it raises keeps it from that.

    Raises:
        OutputError: An image cannot be written, or has vanished.
    """

    def __init__(
        self,
        source: Source,
        encoding: Encoding,
        place: Path,
        *,
        shift_seconds: Fraction = Fraction(0),
        check: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._source = source
        if encoding.names is None:
            raise ValueError("a film in one file is not written as pictures")
        self._names = encoding.names
        self._encoding = encoding
        self._sequence = source.sequence
        self._place = place
        self._check = check
        self._shift_pts = round(shift_seconds / source.time_base)
        skipped_pts = max(0, self._shift_pts - source.first_pts)
        self._skipped = ceil(skipped_pts * source.time_base * source.frame_rate)
        self._timecode = Timecode.parse(source.timecode or "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            return
        try:
            self._finish()
        except OutputError:  # of `check`, and clear already
            raise
        except OSError as error:
            raise self._explained(error) from error

    def keep(self, packet: Encoded, index: int) -> Encoded:
        """Write the picture of frame `index` of the output; a packet of its digest comes back."""
        data, position = packet.data, self._position(packet, index)
        if self._encoding.codec == "dpx":
            rate, timecode = self._source.frame_rate, self._timecode_at(position)
            data = place_picture(data, position, rate, timecode)
        refuse_link(self._place)
        try:
            self._place.mkdir(exist_ok=True)
            with open_new(self._file(position)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._explained(error) from error
        return packet._replace(data=_digest(data))

    def write(self, packets: Iterable[Encoded], reordered: int) -> None:
        """Read the picture of each packet that `keep` gave back; none comes out of order."""
        for index, packet in enumerate(packets, reordered):
            path = self._file(self._position(packet, index))
            try:
                found = _digest(path.read_bytes())
            except FileNotFoundError as error:
                raise ChangedPictureError(path, index - reordered) from error
            except OSError as error:
                raise self._explained(error) from error
            if found != packet.data:
                raise ChangedPictureError(path, index - reordered)

    def abandon(self) -> None:
        """Do nothing: what is kept belongs to the work on the film."""

    def _position(self, packet: Encoded, index: int) -> int:
        """Which frame of the whole source a packet's is, from 0.

        Images of a sequence keep their numbers, even if some of them do not decode.
        """
        return self._skipped + index if self._sequence is None else packet.pts + self._shift_pts

    def _file(self, position: int) -> Path:
        """The picture of a frame of the source."""
        number = (
            position - self._skipped
            if self._sequence is None
            else self._sequence.number_at(position)
        )
        return self._names.within(self._folder).file(number)

    @property
    def _folder(self) -> Path:
        """Where the images lie: kept, or under their final name, by a run that was then killed.

        Digests distinguish them from whatever else has that name.
        """
        return self._place if self._place.exists() else self._encoding.path

    def _timecode_at(self, position: int) -> Timecode | None:
        try:
            return self._timecode and self._timecode.after(position, self._source.frame_rate)
        except ValueError:  # it is none at this rate
            return None

    def _finish(self) -> None:
        self._check(self._folder)
        target = self._encoding.path
        old = target.with_name(f".{target.name}.old")
        if self._place.exists():
            _sync_folder(self._place)
            if target.exists():
                target.rename(old)
            self._place.rename(target)
            _sync_folder(target.parent)
        if old.exists():
            shutil.rmtree(old)

    def _explained(self, error: OSError) -> OutputError:
        """`error` as one line that names the file and what to do."""
        folder = self._encoding.path
        if is_write_fault(error):
            return write_error(folder, error)
        reason = error.strerror or str(error)
        return OutputError(
            f"{error.filename or folder}: {reason} while images were written; run again"
        )


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system lets a folder be opened."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    finally:
        os.close(number)
