"""The file beside a colorized film that says how its colors were made and what they are like."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from pathlib import Path

from vidcolor.errors import OutputError, SourceError
from vidcolor.files import beside, raise_write_error, write_whole

FORMAT = "vidcolor-sidecar"
VERSION = 1
COLUMNS = (
    "second",
    "frames",
    "mean_a",
    "mean_b",
    "colorfulness",
    "confidence",
    "limited_share",
    "flicker",
    "frames_per_second",
)
"""Of the timeline in a sidecar, all of one length."""

_HEAD_BYTES = 4096  # enough to distinguish a text from a film
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some editors put it before a text
_TOO_LARGE = 2**53  # from here on 1 more is no other number
_REMEDY = "name the film.colorized.json beside a film"


def sidecar_path(film: Path) -> Path:
    """Where the sidecar of a colorized film lies: film.colorized.json for film.colorized.mp4."""
    return beside(film, ".json")


def check_sidecar(path: Path, *, overwrite: bool) -> None:
    """Raise if a file must not be written under this name.

    Raises:
        OutputError: Something stands there, a link to nothing included, and there is no leave to
            overwrite it; it is a folder; or nothing can stand there.
    """
    try:
        is_link = path.is_symlink()
        is_taken, is_folder = is_link or path.exists(), path.is_dir() and not is_link
    except OSError as error:
        raise_write_error(path, error)
    if is_taken and not overwrite:
        raise OutputError(f"{path}: exists already; use --overwrite or another -o")
    if is_folder:
        raise OutputError(f"{path}: is a folder; remove it or use another -o")


def write_sidecar(path: Path, facts: Mapping[str, object]) -> None:
    """Write a sidecar; what stands there is replaced only when the new one is whole.

    Args:
        path: See `sidecar_path`.
        facts: What to write. Paths become texts, fractions numbers, dataclasses objects, and
            numbers that are not finite null.

    Raises:
        OutputError: It cannot be written; nothing is left of it.
    """
    head = {"format": FORMAT, "format_version": VERSION}
    text = json.dumps(head | plain_items(facts), indent=1, ensure_ascii=False, allow_nan=False)
    # Bytes of a file's name that are no text become JSON's own escapes.
    write_whole(path, f"{text}\n".encode(errors="backslashreplace"))


def add_verification(path: Path, verification: object) -> None:
    """Add to a sidecar what was found when its film was read back later.

    Raises:
        SourceError: It is no sidecar.
        OutputError: It cannot be written; what stands there stays.
    """
    write_sidecar(path, read_sidecar(path) | {"verification": verification})


def fixity_of(*paths: Path) -> dict[str, object]:
    """Facts that show later whether a file is the same, in the terms of PREMIS 3.0, section 1.5.

    Args:
        paths: The file, or the files that a film lies in: one digest over all their bytes, in
            order, as of `cat`, and their size together.

    Raises:
        OutputError: A file cannot be read any more.
    """
    digest, size = hashlib.sha256(), 0
    for path in paths:
        try:
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
                size += file.tell()
        except OSError as error:
            raise OutputError(f"{path}: cannot be read again ({error.strerror})") from error
    return fixity(digest.hexdigest(), size)


def fixity(sha256: str, size: int) -> dict[str, object]:
    """Facts of files whose digest and size in bytes are known."""
    return {"messageDigestAlgorithm": "SHA-256", "messageDigest": sha256, "size": size}


def read_sidecar(path: Path) -> dict[str, object]:
    """Read a sidecar.

    Returns:
        Its facts, with at least `source`, `model`, `frames`, `shots` and `timeline` of the kinds
        that `write_sidecar` was given.

    Raises:
        SourceError: There is no such file, it cannot be read, or it is no sidecar, is damaged or
            too new.
    """
    try:
        if path.is_dir():
            raise SourceError(f"{path}: is a folder; {_REMEDY}")
        facts = _read_object(path)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; {_REMEDY}") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
    if facts.get("format") != FORMAT:
        raise SourceError(f"{path}: is no sidecar of vidcolor; {_REMEDY}")
    version = facts.get("format_version")
    if version != VERSION:
        raise SourceError(
            f"{path}: is a sidecar of version {version!r}, and this vidcolor reads {VERSION}; "
            "use the vidcolor that wrote it"
        )
    if not _is_whole(facts):
        raise SourceError(f"{path}: is a damaged sidecar; colorize the film again")
    return facts


def _read_object(path: Path) -> dict[str, object]:
    """The JSON object in a file; an empty one where there is none, as in a film."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if not head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{"):
            return {}
        data = head + file.read()
    try:
        facts: dict[str, object] = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return facts


def _is_whole(facts: dict[str, object]) -> bool:
    """Whether all that a plot needs is there and of the right kind."""
    source, model, shots, timeline = (
        facts.get(k) for k in ("source", "model", "shots", "timeline")
    )
    return (
        isinstance(source, dict)
        and isinstance(source.get("path"), str)
        and isinstance(model, dict)
        and isinstance(model.get("name"), str)
        and _is_number(facts.get("frames"))
        and isinstance(shots, list)
        and all(isinstance(shot, dict) and _is_number(shot.get("start_seconds")) for shot in shots)
        and isinstance(timeline, dict)
        and _is_table([timeline.get(name) for name in COLUMNS])
    )


def _is_table(columns: list[object]) -> bool:
    """Whether these are lists of one length, of numbers and None; the first of rising integers."""
    lists = [column for column in columns if isinstance(column, list)]
    seconds = lists[0] if lists else []
    return (
        len(lists) == len(columns)
        and len({len(column) for column in lists}) == 1
        and all(value is None or _is_number(value) for column in lists for value in column)
        and all(isinstance(second, int) for second in seconds)
        and seconds == sorted(set(seconds))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < _TOO_LARGE


def _plain(value: object) -> object:
    """`value` of things that JSON has."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return plain_items(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Real):  # fractions and NumPy's numbers among them
        return _plain_number(value)
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"{value!r} has no place in a sidecar")


def plain_items(items: Mapping[str, object]) -> dict[str, object]:
    """Values as JSON can hold them; see `write_sidecar`."""
    return {key: _plain(value) for key, value in items.items()}


def _plain_number(number: Real) -> float | None:
    if isinstance(number, bool):
        return number
    if isinstance(number, Integral):
        return int(number)
    return float(number) if math.isfinite(number) else None
