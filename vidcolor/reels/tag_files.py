"""The tag files of a BagIt bag (RFC 8493, 2.1 and 2.2), made in memory.

The library `bagit` writes them only into the process's current folder, which belongs to the caller.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import NamedTuple

from vidcolor.errors import OutputError
from vidcolor.words import spelled

PAYLOAD = "data"
ALGORITHM = "sha256"
DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = f"manifest-{ALGORITHM}.txt"
TAG_MANIFEST = f"tagmanifest-{ALGORITHM}.txt"
TAG_FILES = (MANIFEST, INFO, TAG_MANIFEST, DECLARATION)
"""In writing order: the file that makes the folder a bag comes last."""

_DECLARED = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class Digested(NamedTuple):
    """A file whose digest is known, so that it need not be read again while it is the same.

    Attributes:
        sha256: Of its content.
        size: In bytes.
        mtime_ns: When it was last changed, in nanoseconds.
    """

    sha256: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, sha256: str) -> "Digested":
        """A file as it is now, of which a digest is known."""
        found = path.stat()
        return cls(sha256, found.st_size, found.st_mtime_ns)


def make_tag_files(
    folder: Path, facts: Mapping[str, Sequence[str]], known: Mapping[Path, Digested]
) -> dict[str, bytes]:
    """What the tag files of a bag hold, by name and in writing order.

    Args:
        folder: The bag. The files of its payload are read, but for known ones.
        facts: For bag-info.txt, in place of those of the same labels there; the others stay.
        known: Digests of files of the payload, which hold if the file was not changed since.

    Raises:
        OutputError: bag-info.txt is no tag file, or a manifest cannot hold the name of a file.
        OSError: A file cannot be read.
    """
    manifest, sizes = [], []
    for path in _walk(folder / PAYLOAD):
        if not can_list(str(path.relative_to(folder))):
            shown = spelled(str(path))
            raise OutputError(
                f"{shown}: a bag's manifest cannot hold this name. Move it out of the bag."
            )
        digested = _digest(path, known.get(path))
        sizes.append(digested.size)
        manifest.append(f"{digested.sha256}  {path.relative_to(folder).as_posix()}\n")
    facts = {**facts, "Payload-Oxum": [f"{sum(sizes)}.{len(sizes)}"]}
    texts = {
        DECLARATION: _DECLARED,
        INFO: _info_text(folder / INFO, facts),
        MANIFEST: "".join(manifest),
    }
    made = {name: text.encode() for name, text in texts.items()}
    lines = (f"{sha256(made[name]).hexdigest()}  {name}\n" for name in sorted(made))
    made[TAG_MANIFEST] = "".join(lines).encode()
    return {name: made[name] for name in TAG_FILES}


def _digest(path: Path, known: Digested | None) -> Digested:
    """A file's digest: the known one, or by reading it if it was changed since or none is known."""
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if known is not None and known[1:] == (found.st_size, found.st_mtime_ns):
            return known
        digest = file_digest(file, ALGORITHM).hexdigest()
        return Digested(digest, os.fstat(file.fileno()).st_size, found.st_mtime_ns)


def can_list(name: str) -> bool:
    """Whether all programs read a name in a manifest alike.

    The RFC encodes % and line ends; `bagit` does not encode %, and takes more signs for line ends.
    """
    try:
        lines = name.encode().decode().splitlines()
    except UnicodeEncodeError:
        return False
    return "%" not in name and len(lines) == 1 and len(lines[0]) == len(name)


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a folder, then those of its subfolders, each sorted by name."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names))


def _raise(error: OSError) -> None:
    """A folder that cannot be read is no empty one."""
    raise error


def _info_text(path: Path, facts: Mapping[str, Sequence[str]]) -> str:
    """bag-info.txt with new facts, sorted by label; an archive may have added others to it."""
    kept = [(label, text) for label, text in _read_info(path) if label not in facts]
    pairs = [*kept, *((label, text) for label, texts in facts.items() for text in texts)]
    ordered = sorted(pairs, key=lambda pair: pair[0])
    return "".join(f"{label}: {' '.join(text.split())}\n" for label, text in ordered)


def _read_info(path: Path) -> list[tuple[str, str]]:
    """Labels and values of a tag file, in its order; none if it is missing.

    A line that begins with space continues the one before.

    Raises:
        OutputError: It holds something else.
    """
    if not path.exists():
        return []
    pairs: list[tuple[str, str]] = []
    for line in path.read_bytes().decode("utf-8-sig", "backslashreplace").splitlines():
        if line[:1].isspace() and pairs and line.strip():
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        elif line.strip():
            label, colon, text = line.partition(":")
            if not colon:
                raise OutputError(f"{path}: is damaged at {line.strip()!r}; mend or delete it")
            pairs.append((label.strip(), text.strip()))
    return pairs
