"""The tag files of a BagIt bag (RFC 8493, 2.1 and 2.2), made in memory.

The library `bagit` writes them only into the process's current folder, which belongs to the caller.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path

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


def make_tag_files(folder: Path, facts: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """What the tag files of a bag hold, by name and in writing order.

    Args:
        folder: The bag. All files of its payload are read.
        facts: For bag-info.txt, in place of those of the same labels there; the others stay.

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
        with path.open("rb") as file:
            digest = file_digest(file, ALGORITHM).hexdigest()
            sizes.append(os.fstat(file.fileno()).st_size)
        manifest.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
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
