"""What decides the bytes of a colorized film, and whether its source is still what it was."""

from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path

import av
import torch

from vidcolor import __version__
from vidcolor.errors import SourceGoneError
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model
from vidcolor.settings import Settings
from vidcolor.video.plan import Job

WITHOUT_EFFECT = ("overwrite", "verify", "framemd5")
"""Settings of the output that do not change its bytes."""

Stamp = tuple[int, int]


def tell_identity(job: Job, model: Model, settings: Settings, digest: str) -> dict[str, object]:
    """Everything that decides a film's bytes, as values that JSON has.

    Args:
        job: The film and how it is written.
        model: What predicts.
        settings: All settings.
        digest: SHA-256 of the source.
    """
    encoding = job.encoding
    told = asdict(settings)
    output = {k: v for k, v in told.pop("output").items() if k not in WITHOUT_EFFECT}
    told |= {name: str(told[name]) for name in ("start_seconds", "duration_seconds")}
    return {
        "film": digest,
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


def stamp(path: Path) -> Stamp:
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


def watched(frames: Iterator[Frame], path: Path, before: Stamp) -> Generator[Frame, None, None]:
    """The frames of a film; its end is believed only if the file is what it was.

    Raises:
        SourceGoneError: It is not.
    """
    yield from frames
    if stamp(path) != before:
        raise SourceGoneError(f"{path}: changed while it was read; run again when it is complete")
