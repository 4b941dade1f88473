"""What decides the bytes of a colorized film, and whether its source is still what it was."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import av
import torch

from vidcolor.errors import SourceGoneError
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model
from vidcolor.reading.source import Source
from vidcolor.report.sidecar import plain_items, tell_fixity
from vidcolor.settings import Settings
from vidcolor.version import __version__
from vidcolor.writing.plan import Job

WITHOUT_EFFECT = ("overwrite", "verify", "framemd5", "c2pa_key", "drop_streams")
"""Settings of the output that do not change its bytes."""


class SourceDigest(NamedTuple):
    """What a source was when the work on it began.

    Attributes:
        size: In bytes.
        mtime_ns: Its time of change, in nanoseconds.
        sha256: Of its content.
    """

    size: int
    mtime_ns: int
    sha256: str


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
    }


def versions() -> dict[str, str]:
    """Of the programs that decide a film's bytes, as they are on this machine."""
    return {"vidcolor": __version__, "torch": torch.__version__, "PyAV": av.__version__}


def find_origin(files: Sequence[Path]) -> SourceDigest:
    """What a source is by its content.

    Args:
        files: The film, or the pictures of a series in order.

    Raises:
        SourceGoneError: One is not there any more.
        OutputError: One cannot be read again.
    """
    return SourceDigest(*size_and_mtime(files), str(tell_fixity(*files)["messageDigest"]))


def size_and_mtime(files: Sequence[Path]) -> tuple[int, int]:
    """Size of some files in bytes, and when the last of them was changed, in nanoseconds.

    Raises:
        SourceGoneError: One is not there any more.
    """
    try:
        found = [path.stat() for path in files]
    except OSError as error:
        raise SourceGoneError(
            f"{error.filename}: vanished while it was read; run again when it is back"
        ) from error
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def refuse_changed(
    frames: Iterator[Frame], source: Source, origin: SourceDigest
) -> Generator[Frame, None, None]:
    """The frames of a film; its end is believed only if its files are what they were.

    Raises:
        SourceGoneError: They are not.
    """
    yield from frames
    if size_and_mtime(source.files) != origin[:2]:
        raise SourceGoneError(
            f"{source.path}: changed while it was read; run again when it is complete"
        )
