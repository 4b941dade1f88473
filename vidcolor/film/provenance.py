"""What decides the bytes of a colorized film, and whether its source is still what it was."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import av
import torch

from vidcolor.errors import SourceGoneError
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model
from vidcolor.reading.open_file import BLOCK_BYTES, Access, SourceFile, unreadable
from vidcolor.reading.sequence import count_new
from vidcolor.reading.source import Source
from vidcolor.report.sidecar import plain_items
from vidcolor.settings import Settings
from vidcolor.version import __version__
from vidcolor.writing.plan import Job

_READ_BYTES = 1 << 20
_SAMPLES = 64

WITHOUT_EFFECT = ("overwrite", "verify", "framemd5", "c2pa_key", "drop_streams")
"""Settings of the output that do not change its bytes."""


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


def tell_identity(
    job: Job, model: Model, settings: Settings, origin: SourceDigest
) -> dict[str, object]:
    """Everything that decides a film's bytes, as values that JSON has.

    Args:
        job: The film and how it is written.
        model: What predicts.
        settings: All settings.
        origin: The film by its content.
    """
    encoding = job.encoding
    told = asdict(settings)
    for name in ("accept_losses", "follow_playlists"):
        told["input"].pop(name)  # another digest tells of it, if they change a byte
    # Work that was begun before there were such settings goes on.
    if settings.input.dpx_order == "auto":
        del told["input"]["dpx_order"]
    if not settings.color.log_to_lightness:
        del told["color"]["log_to_lightness"]
    output = {k: v for k, v in told.pop("output").items() if k not in WITHOUT_EFFECT}
    if not settings.output.compare:  # work that was begun before there was such a setting goes on
        del output["compare"]
    return {
        "film": origin.sha256,
        **versions(),
        "weights": model.sha256,
        "device": str(model.device),
        "settings": plain_items(told | {"output": output}),
        "encoding": {
            "container": encoding.container,
            "codec": encoding.codec,
            "pixel_format": encoding.pixel_format,
            "options": encoding.options,
        }
        # Of a film in one file the name plays no part.
        | ({} if encoding.names is None else {"names": encoding.names.path.name})
        | ({} if encoding.captions == "none" else {"captions": encoding.captions})
        # Said where it is so, so that films begun by older versions go on.
        | ({"times": times} if (times := job.source.clock.identity()) else {})
        | ({"left_out": list(encoding.left_out)} if encoding.left_out else {}),
    } | _scans(job)


def _scans(job: Job) -> dict[str, object]:
    """How images are read, where FFmpeg alone would read them wrongly."""
    sequence = job.source.sequence
    return {"scans": list(sequence.form.notes)} if sequence and sequence.form.notes else {}


def versions() -> dict[str, str]:
    """Of the programs that decide a film's bytes, as they are on this machine."""
    return {"vidcolor": __version__, "torch": torch.__version__, "PyAV": av.__version__}


def find_origin(files: Sequence[Path], access: Access | None = None) -> SourceDigest:
    """What a source is by its content.

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
    """Some bytes of a file; what cannot be read is told by those who read all of it."""
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
    frames: Iterator[Frame], source: Source, origin: SourceDigest
) -> Generator[Frame, None, None]:
    """The frames of a film; its end is believed only if its files are what they were.

    Raises:
        SourceGoneError: They are not.
    """
    yield from frames
    refuse_other(source, origin)


def refuse_other(source: Source, origin: SourceDigest, *, is_read_again: bool = False) -> None:
    """Raise if a film is not what it was when the work on it began.

    Args:
        source: The film.
        origin: What it was.
        is_read_again: Compare all of its bytes, not some.

    Raises:
        SourceGoneError: Its files were changed or replaced, or images came to its sequence.
    """
    more = 0 if source.sequence is None else count_new(source.sequence)
    if more:
        raise SourceGoneError(
            f"{source.path}: {more} image{'s' if more > 1 else ''} came while it was read; "
            "run again when it is complete"
        )
    is_same = find_stamp(source.files) == origin.stamp
    if is_same and is_read_again:
        is_same = find_origin(source.files, source.access).sha256 == origin.sha256
    if not is_same:
        raise SourceGoneError(
            f"{source.path}: changed while it was read; run again when it is complete"
        )


def _gone(error: OSError) -> SourceGoneError:
    return SourceGoneError(
        f"{error.filename}: vanished while it was read; run again when it is back"
    )
