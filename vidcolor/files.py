"""Names of the files of a film, and writing one whole or not at all. Standard library only."""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NoReturn

from vidcolor.errors import DiskFullError, OutputError

WRITTEN_SUFFIXES = {".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mxf", ".ts"}
"""Of films in one file; one in pictures is a folder."""

PHOTO_SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of photographs, read and written."""

_PICTURES = ".pictures"

_WRITE_FAULTS = {
    "EDQUOT": "the quota is used up; free some of it, or choose another -o",
    "EFBIG": "the file grows larger than its disk or a limit (ulimit -f) allows; "
    "choose another -o, on a disk with another file system",
    "EIO": "the disk or share reports an input/output error; check it, or choose another -o",
    "ENODEV": "the disk is disconnected; connect it again, or choose another -o",
    "ENOTCONN": "the share is disconnected; connect it again, or choose another -o",
    "EROFS": "the disk is read-only; make it writable, or choose another -o",
    "ESTALE": "the share is disconnected; connect it again, or choose another -o",
}
"""What stops writing though it went well before, by the names that this system has for it."""

LONGEST_NAME = 255
"""Bytes of a file's name on most file systems."""

_ENDING_BYTES = 8
"""Of what others add to the name of a helper file: `-wal`, `-shm`, `.pieces`."""

_DIGEST_SIGNS = 24

PART_SUFFIX = ".part"
"""Of the names that files and folders have until they are whole."""

_TRIED_BYTES = 1 << 17

_MOST_SIDECAR_BYTES = 1 << 28

MANIFEST, LINES = "dump.json", "frames.jsonl"
"""In a dump's folder, by which it is known."""


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder; False where its own folder may not be read."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether `path` is a file; False where its folder may not be read."""
    try:
        return path.is_file()
    except OSError:
        return False


def beside(film: Path, suffix: str) -> Path:
    """A file that belongs to a film: film.colorized.json for film.colorized.mp4, or a folder.

    If film.colorized.json is the sidecar of film.colorized.mkv, the name is
    film.colorized.mp4.json: files of two films never share a name.
    """
    stems = stems_of(film)
    owners = [_owner_of(film.with_name(f"{stem}.json")) for stem in stems]
    if film.name in owners:
        stem = stems[owners.index(film.name)]
    else:
        both = zip(stems, owners, strict=True)
        # A sidecar that was renamed with its film names another one, and is still the film's.
        free = (stem for stem, owner in both if not owner or stem not in stems_of(Path(owner)))
        stem = next(free, stems[-1])
    return film.with_name(stem + suffix)


def stems_of(film: Path) -> tuple[str, str]:
    """How the names of a film's files may begin; the first is taken unless another film has it."""
    is_file = film.suffix.lower() in WRITTEN_SUFFIXES
    return (film.stem, film.name) if is_file else (film.name, f"{film.name}.images")


def _owner_of(sidecar: Path) -> str | None:
    """The name of the film, or of the folder of images, that a sidecar describes; None if none."""
    try:
        if sidecar.stat().st_size > _MOST_SIDECAR_BYTES:
            return None
        path = Path(json.loads(sidecar.read_bytes())["output"]["path"])
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None
    return path.name if path.suffix.lower() in WRITTEN_SUFFIXES else path.parent.name


def files_of(film: Path) -> list[Path]:
    """The file that a film is, or the pictures in its folder by their names."""
    return sorted(film.iterdir()) if film.is_dir() else [film]


def work_path(target: Path) -> Path:
    """The file of the checkpoint of the film at `target`."""
    return _hidden(target, ".work")


def shots_path(film: Path) -> Path:
    """The file of what is kept of a finished film's shots for later runs."""
    return _hidden(film, ".shots")


def pictures_path(target: Path) -> Path:
    """The folder of the finished images of a sequence; it belongs to the checkpoint."""
    return _hidden(target, _PICTURES)


def is_pictures(folder: Path) -> bool:
    """Whether a folder is one of these."""
    return folder.name.startswith(".") and folder.name.endswith(_PICTURES)


def pieces_path(target: Path) -> Path:
    """The folder where other machines put shots until they are in the checkpoint."""
    path = work_path(target)
    return path.with_name(f"{path.name}.pieces")


def describe_differences(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    """A phrase for each fact that differs, such as `saturation 1.3, now 1`."""
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from describe_differences(old, new)
        elif old != new:
            yield f"{key} {old}, now {new}"


def part_path(target: Path) -> Path:
    """The temporary name of an unfinished file next to `target`."""
    return _hidden(target, f".part{target.suffix}", target.stem)


def _hidden(target: Path, ending: str, stem: str | None = None) -> Path:
    """A hidden name beside `target`; of a name that would be too long its digest is taken."""
    name = f".{target.name if stem is None else stem}{ending}"
    if len(os.fsencode(name)) + _ENDING_BYTES > LONGEST_NAME:
        digest = sha256(os.fsencode(target.name)).hexdigest()[:_DIGEST_SIGNS]
        name = f".{digest}{ending}"
    return target.with_name(name)


def refuse_long_names(paths: Iterable[Path]) -> None:
    """Raise if a file system cannot hold one of these names.

    Raises:
        OutputError: It cannot.
    """
    for path in paths:
        size, most = len(os.fsencode(path.name)), _longest_name(path.parent)
        if size > most:
            raise OutputError(
                f"{path}: the name is too long ({size} bytes, at most {most}). "
                "Name a shorter file with -o."
            )


def _longest_name(folder: Path) -> int:
    """Bytes that a name in a folder may have; of one that is not there yet the usual number."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, a missing folder
        return LONGEST_NAME


def make_folder(folder: Path) -> None:
    """Make the output folder if it is missing.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({error.strerror}); name another -o"
        ) from error


def check_target(
    target: Path, source: Path, *, overwrite: bool, folder_comes: bool = False
) -> None:
    """Raise if `target` must not or cannot be written.

    Args:
        target: The output file.
        source: The film.
        overwrite: Whether a file that exists may be replaced.
        folder_comes: Whether a missing folder will be made before the film is written.

    Raises:
        OutputError: It is the source itself (through links as well), a folder, exists without
            leave to overwrite it, or its folder is missing or not writable.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the input itself; name another output")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; name a file in it")
    if (target.exists() or target.is_symlink()) and not overwrite:
        raise OutputError(f"{target}: exists already; use --overwrite or another -o")
    check_folder(target.parent, folder_comes=folder_comes)


def check_folder(folder: Path, *, folder_comes: bool) -> None:
    """Raise if nothing can be written in `folder`; see `check_target`.

    Raises:
        OutputError: It is missing or not writable.
    """
    if folder_comes and not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder; make it first")
    is_effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=is_effective):
        raise OutputError(f"{folder}: may not be written to; choose another folder with -o")


def open_new(path: Path, mode: int = 0o666) -> BinaryIO:
    """A new, empty file, open for reading and writing, in place of one of its name.

    In folders where others may write, a link of a known name may be planted: it is deleted, and
    never followed.

    Args:
        path: Where it lies.
        mode: Its permissions, less those that the process gives nobody.

    Raises:
        OSError: It cannot be made.
    """
    path.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0), mode), "w+b")


def own_place(file: BinaryIO, path: Path) -> Path:
    """A path of an open file that nobody can make a link of; its own where the system has none.

    Args:
        file: The file.
        path: Where it lies.
    """
    place = Path(f"/proc/self/fd/{file.fileno()}")
    return place if place.exists() else path


def refuse_other(path: Path, file: BinaryIO) -> None:
    """Raise if another file, or a link, has taken the place of one that is open.

    Raises:
        OutputError: It has.
        OSError: Nothing lies there any more.
    """
    if not os.path.samestat(path.lstat(), os.fstat(file.fileno())):
        raise OutputError(
            f"{path}: was replaced by another program while it was written; choose another -o"
        )


def refuse_link(path: Path) -> None:
    """Raise if a file or folder that is ours alone is a symbolic link.

    Raises:
        OutputError: It is one.
    """
    if path.is_symlink():
        raise OutputError(
            f"{path}: is a symbolic link, which is not followed. "
            "Delete it if it is yours, or choose another -o."
        )


def make_private(path: Path) -> None:
    """Make an empty file that its owner alone may read, if it can be made and is not there yet.

    Raises:
        OutputError: It is a symbolic link.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError:  # who opens it next says why
        refuse_link(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside its own, which it gets when it is on the disk.

    Raises:
        OutputError: It cannot be written; nothing is left of it, and what stood there stays.
    """
    part = part_path(path)
    try:
        with open_new(part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise_write_error(path, error)
        raise


def raise_write_error(path: Path, error: OSError) -> NoReturn:
    """Raise `error` as one line that names the file and what to do."""
    raise write_error(path, error) from error


def write_error(path: Path, error: Exception) -> OutputError:
    """`error`, met while a file was written, as one line that names the cause and what to do."""
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC:
        return DiskFullError(path.parent)
    name = errno.errorcode.get(number or 0, "")
    if name in _WRITE_FAULTS:
        return OutputError(f"{path}: cannot be written: {_WRITE_FAULTS[name]}")
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"{path}: cannot be written ({reason}); choose another -o")


def is_write_fault(error: Exception) -> bool:
    """Whether an error, of the system or of a library that hands its number on, is a disk's."""
    number = getattr(error, "errno", None)
    return number == errno.ENOSPC or errno.errorcode.get(number or 0) in _WRITE_FAULTS


def find_write_fault(path: Path) -> OSError | None:
    """Why a file cannot grow, found by trying; None if it can. It stays as it is.

    For libraries that say only that something failed.
    """
    is_new = not path.exists()
    try:
        refuse_link(path)
        with path.open("ab", buffering=0) as file:
            size, left = file.tell(), _TRIED_BYTES
            try:
                while left:
                    left -= file.write(bytes(left))
                os.fsync(file.fileno())
            finally:
                file.truncate(size)
    except OSError as error:
        return error
    finally:
        if is_new:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return None


def write_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all; of one that fails nothing is left."""
    part = path.with_name(f"{path.name}{PART_SUFFIX}")
    try:
        with open_new(part) as file:
            file.write(text.encode())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def cell_text(value: object) -> str:
    """A value as a cell of a CSV file; what a spreadsheet would take for a formula is quoted."""
    text = "" if value is None else str(value)
    is_text = not isinstance(value, int | float)
    return f"'{text}" if is_text and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
