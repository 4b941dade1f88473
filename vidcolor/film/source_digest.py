"""What a source is by its content, and whether it is still what it was."""

from collections.abc import Generator, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from vidcolor.errors import SourceGoneError
from vidcolor.frame import Frame
from vidcolor.reading.open_file import BLOCK_BYTES, Access, SourceFile, unreadable
from vidcolor.reading.sequence import count_new
from vidcolor.reading.source import Source

_READ_BYTES = 1 << 20
_SAMPLES = 64


class SourceDigest(NamedTuple):
    """What a source was when the work on it began.

    Attributes:
        size: In bytes.
        mtime_ns: Its time of change, in nanoseconds.
        sha256: Of its content.
        stamp: What changes if one of its files does; see `find_stamp`.
    """

    size: int
    mtime_ns: int
    sha256: str
    stamp: str = ""


def digest_source(files: Sequence[Path], access: Access | None = None) -> SourceDigest:
    """The digest of a source, for which all of it is read.

    Args:
        files: The film, or the images of a sequence in order.
        access: What is done about bytes that cannot be read; None to raise.

    Raises:
        SourceGoneError: One is not there any more.
        SourceError: One cannot be read to its end.
    """
    stamp, digest = find_stamp(files), sha256()
    for path in files:
        try:
            with SourceFile(path, access or Access()) as file:
                while data := file.read(_READ_BYTES):
                    digest.update(data)
        except OSError as error:
            raise unreadable(path, error.strerror or str(error)) from error
    return SourceDigest(*size_and_mtime(files), digest.hexdigest(), stamp)


def find_stamp(files: Sequence[Path]) -> str:
    """What changes if one of some files is changed or replaced, found without reading all of them.

    It is made of each one's size, time of change and number on the disk, and of some bytes at
    places spread over all of them.

    Raises:
        SourceGoneError: One is not there any more.
    """
    digest = sha256()
    every = max(1, len(files) // _SAMPLES)
    try:
        for number, path in enumerate(files):
            found = path.stat()
            digest.update(f"{found.st_size} {found.st_mtime_ns} {found.st_ino};".encode())
            if number % every == 0:
                samples = max(1, _SAMPLES // len(files))
                for place in range(0, found.st_size, max(1, found.st_size // samples)):
                    digest.update(_sample(path, place))
    except OSError as error:
        raise _gone(error) from error
    return digest.hexdigest()


def _sample(path: Path, place: int) -> bytes:
    """Some bytes of a file; what cannot be read is reported when all of it is read."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(place)
            return file.read(BLOCK_BYTES) or b""
    except OSError:
        return b""


def size_and_mtime(files: Sequence[Path]) -> tuple[int, int]:
    """Size of some files in bytes, and when the last of them was changed, in nanoseconds.

    Raises:
        SourceGoneError: One is not there any more.
    """
    try:
        found = [path.stat() for path in files]
    except OSError as error:
        raise _gone(error) from error
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def refuse_changed(
    frames: Iterator[Frame], source: Source, digest: SourceDigest
) -> Generator[Frame, None, None]:
    """The frames of a film; its end is believed only if its files are what they were.

    Raises:
        SourceGoneError: They are not.
    """
    yield from frames
    refuse_other(source, digest)


def refuse_other(source: Source, digest: SourceDigest, *, is_read_again: bool = False) -> None:
    """Raise if a film is not what it was when the work on it began.

    Args:
        source: The film.
        digest: What it was.
        is_read_again: Compare all of its bytes, not some.

    Raises:
        SourceGoneError: Its files were changed or replaced, or images came to its sequence.
    """
    more = 0 if source.sequence is None else count_new(source.sequence)
    if more:
        raise SourceGoneError(
            f"{source.path}: {more} image{'s' if more > 1 else ''} were added while it was read; "
            "run again when it is complete"
        )
    is_same = find_stamp(source.files) == digest.stamp
    if is_same and is_read_again:
        is_same = digest_source(source.files, source.access).sha256 == digest.sha256
    if not is_same:
        raise SourceGoneError(
            f"{source.path}: changed while it was read; run again when it is complete"
        )


def _gone(error: OSError) -> SourceGoneError:
    return SourceGoneError(
        f"{error.filename}: vanished while it was read; run again when it is back"
    )
