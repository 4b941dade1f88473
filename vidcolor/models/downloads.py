"""Files of others from the network: fetched once into the user's cache folder, and checked."""

import errno
import hashlib
import http.client
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import platformdirs
from tqdm import tqdm

from vidcolor.errors import ModelError
from vidcolor.models.tensors import PICKLE, ZIP

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60
_PARTIAL, _BEYOND_END = 206, 416  # of HTTP: a part as asked for; there is no such part
_SHOWN_DIGITS = 12
_OURS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}  # faults of this machine

_log = logging.getLogger(__name__)


class RemoteFile(NamedTuple):
    """A file of weights on the network.

    Attributes:
        name: Under which it is kept.
        urls: Where it lies; they are tried in order.
        sha256: Of it, all 64 digits; empty if its publisher does not say.
        size: In bytes; None if its publisher does not say.
    """

    name: str
    urls: Sequence[str]
    sha256: str
    size: int | None = None


class _OtherFileError(Exception):
    """What an address gives is not the file meant."""


def cache_path(file: RemoteFile) -> Path:
    """Where a file is kept once it was fetched; who fetches it elsewhere can put it there."""
    return platformdirs.user_cache_path("vidcolor") / file.name


def fetch(file: RemoteFile, what: str, option: str) -> Path:
    """A file from the network, or from the cache folder if it is there.

    What comes is written beside its place. A download that broke off is resumed, by this run at
    the next address or by the next run. The file gets its name when all of it has been checked.

    Args:
        file: Which one.
        what: What it is, for the error.
        option: By which a file that was fetched elsewhere can be given, for the error.

    Raises:
        ModelError: It cannot be fetched, what came is not it, or the disk has no room for it.
    """
    path = cache_path(file)
    if path.exists():
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reasons = _try_addresses(file, part)
        if reasons is None:
            part.replace(path)
            return path
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ModelError(f"{what}: cannot be kept in {path.parent} ({error.strerror})") from error
    if part.exists() and not part.stat().st_size:
        part.unlink()
    kept = ", the next run resumes it" if part.exists() else ""
    raise ModelError(
        f"{what}: cannot be fetched from {' nor '.join(reasons)}{kept}; "
        f"fetch {path.name} elsewhere and put it at {path}, or give {option} PATH"
    )


def refuse_other_file(path: Path, sha256: str) -> str:
    """Raise if a file is not the one meant; its SHA-256 if it is.

    Raises:
        ModelError: It is missing, or its SHA-256 is another.
    """
    digest = file_sha256(path)
    if digest != sha256:
        raise ModelError(
            f"{path}: not the released weights (SHA-256 begins {digest[:_SHOWN_DIGITS]}, not "
            f"{sha256[:_SHOWN_DIGITS]}); delete it and fetch it again"
        )
    return digest


def file_sha256(path: Path) -> str:
    """SHA-256 of a file of weights.

    Raises:
        ModelError: It is missing.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: no such weights file") from error


def _try_addresses(file: RemoteFile, part: Path) -> list[str] | None:
    """Fetch a file from one address or another; None, or why none of them gave it.

    Raises:
        OSError: It cannot be kept.
    """
    reasons = []
    for url in file.urls:
        try:
            _download(url, file, part)
            _refuse_other(part, file)
        except (_OtherFileError, OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in _OURS:
                raise
            reasons.append(f"{url} ({_reason(error)})")
        else:
            return None
    return reasons


def _download(url: str, file: RemoteFile, part: Path) -> None:
    """Bring what is missing of a file behind what is there of it.

    Raises:
        _OtherFileError: Less came than was promised, or something else.
        OSError: The server does not answer, or the disk takes no more.
    """
    done = part.stat().st_size if part.exists() else 0
    if done and done == file.size:
        return
    headers = {"User-Agent": "vidcolor"} | ({"Range": f"bytes={done}-"} if done else {})
    request = Request(url, headers=headers)  # noqa: S310  # addresses are ours
    try:
        answer = urlopen(request, timeout=_TIMEOUT_SECONDS)  # noqa: S310
    except HTTPError as error:
        if error.code == _BEYOND_END:  # it was whole, or longer than the file
            return
        raise
    with answer:
        if answer.status != _PARTIAL:
            done = 0  # the server gives it from its beginning
        length = answer.headers["Content-Length"]
        total = None if length is None else done + int(length)
        if None not in (total, file.size) and total != file.size:
            raise _OtherFileError(f"{total} bytes in place of {file.size}")
        if total is not None and shutil.disk_usage(part.parent).free < total - done:
            raise OSError(errno.ENOSPC, f"no room for {(total - done) / 1e6:.0f} MB")
        with part.open("ab" if done else "wb") as target:
            _copy(answer, target, (done, total), file.name)
        if total is not None and part.stat().st_size < total:
            raise _OtherFileError(f"ended after {part.stat().st_size} of {total} bytes")


def _copy(
    answer: http.client.HTTPResponse, target: BinaryIO, known: tuple[int, int | None], name: str
) -> None:
    """Write the download, with a bar; `known` has the bytes present and the bytes expected."""
    done, total = known
    hidden = None if _log.isEnabledFor(logging.INFO) else True
    with tqdm(
        desc=name, total=total, initial=done, disable=hidden,
        unit="B", unit_scale=True, dynamic_ncols=True, leave=False,
    ) as bar:  # fmt: skip
        is_first = done == 0
        while chunk := answer.read(_CHUNK_BYTES):
            if is_first and not chunk.startswith((ZIP, PICKLE)):
                raise _OtherFileError(f"{_kind(chunk)} in place of weights")
            is_first = False
            target.write(chunk)
            bar.update(len(chunk))


def _kind(data: bytes) -> str:
    return "a web page" if data.lstrip()[:1] == b"<" else f"data that begin with {data[:8]!r}"


def _refuse_other(part: Path, file: RemoteFile) -> None:
    """Throw a whole file away that is not the one meant."""
    digest = file_sha256(part)
    if file.sha256 and digest != file.sha256:
        part.unlink()
        raise _OtherFileError(f"its SHA-256 is {digest}, not {file.sha256}")


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner) or type(error).__name__
