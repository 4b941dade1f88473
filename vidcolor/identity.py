"""What decides the bytes of a colorized film, and whether its source is still what it was."""

from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import av
import torch

from vidcolor import __version__
from vidcolor.errors import SourceGoneError
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model
from vidcolor.settings import Settings
from vidcolor.sidecar import tell_fixity
from vidcolor.video.plan import Job

WITHOUT_EFFECT = ("overwrite", "verify", "framemd5", "c2pa_key")
"""Settings of the output that do not change its bytes."""


class Origin(NamedTuple):
    """What a source was when the work on it began.

    Attributes:
        size: In bytes.
        mtime_ns: Its time of change, in nanoseconds.
        sha256: Of its content.
    """

    size: int
    mtime_ns: int
    sha256: str


def tell_identity(job: Job, model: Model, settings: Settings, origin: Origin) -> dict[str, object]:
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
    told |= {name: str(told[name]) for name in ("start_seconds", "duration_seconds")}
    return {
        "film": origin.sha256,
        "vidcolor": __version__,
        "torch": torch.__version__,
        "PyAV": av.__version__,
        "weights": model.sha256,
        "device": str(model.device),
        "settings": told | {"output": output},
        "encoding": {
            "container": encoding.container,
            "codec": encoding.codec,
            "pixel_format": encoding.pixel_format,
            "options": encoding.options,
        },
    }


def find_origin(path: Path) -> Origin:
    """What a source is by its content.

    Raises:
        SourceGoneError: It is not there any more.
        OutputError: It cannot be read again.
    """
    size, mtime_ns = stamp(path)
    return Origin(size, mtime_ns, str(tell_fixity(path)["messageDigest"]))


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of change of a file, in bytes and nanoseconds.

    Raises:
        SourceGoneError: It is not there any more.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise SourceGoneError(
            f"{path}: vanished while it was read; run again when it is back"
        ) from error
    return found.st_size, found.st_mtime_ns


def watched(frames: Iterator[Frame], path: Path, origin: Origin) -> Generator[Frame, None, None]:
    """The frames of a film; its end is believed only if the file is what it was.

    Raises:
        SourceGoneError: It is not.
    """
    yield from frames
    if stamp(path) != origin[:2]:
        raise SourceGoneError(f"{path}: changed while it was read; run again when it is complete")
