"""Pictures to learn from: any folders and tar files of them, decoded once and kept as bytes."""

import hashlib
import json
import logging
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from tqdm import tqdm

from vidcolor.errors import SourceError
from vidcolor.threads import map_ahead

_SUFFIXES = {".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

_HEADER_BYTES = 4096  # of a cache, the rest of them spaces; written last, when sizes are known
_ALIGNMENT = 8  # of whole numbers in a cache

_log = logging.getLogger(__name__)


Member = tuple[str, Callable[[], bytes]]
"""A file's name in its folder or tar file, and how to read it."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureStore:
    """Pictures of any sizes in one flat array.

    Attributes:
        pixels: (bytes,) uint8, picture after picture, each (height, width, 3) in RGB.
        offsets: (pictures,) int64, where each begins in `pixels`.
        sizes: (pictures, 2) int64, height and width.
    """

    pixels: torch.Tensor
    offsets: torch.Tensor
    sizes: torch.Tensor

    def __len__(self) -> int:
        return len(self.offsets)

    def __repr__(self) -> str:
        return f"PictureStore({len(self)} pictures, {len(self.pixels) / 1e9:.1f} GB)"

    def to(self, device: torch.device) -> "PictureStore":
        """The same pictures with all bytes on a device."""
        return PictureStore(self.pixels.to(device), self.offsets.to(device), self.sizes.to(device))

    def __getitem__(self, part: slice) -> "PictureStore":
        """Some of the pictures, without a copy of their bytes."""
        return PictureStore(self.pixels, self.offsets[part], self.sizes[part])

    def picture(self, index: int) -> NDArray[np.uint8]:
        """One picture, (height, width, 3) uint8 RGB: a view, not a copy."""
        height, width = self.sizes[index].tolist()
        start = int(self.offsets[index])
        pixels: NDArray[np.uint8] = self.pixels[start : start + height * width * 3].numpy()
        return pixels.reshape(height, width, 3)


def read_pictures(
    sources: Sequence[Path], cache: Path | None = None, limit: int | None = None
) -> PictureStore:
    """All pictures of some folders and tar files, in the order of their names.

    Args:
        sources: Folders (searched in depth) and tar files.
        cache: A file to keep the decoded pictures in; read instead if it was made from the same
            sources, otherwise written.
        limit: How many to read at most.

    Raises:
        SourceError: A source is missing or there is no picture in any.
    """
    fingerprint = _fingerprint(sources, limit)
    if cache is None:
        return _decode_all(sources, limit)
    if not cache.exists() or _fingerprint_of(cache) != fingerprint:
        temporary = cache.with_name(f"{cache.name}.part")
        _write_cache(temporary, _pictures(sources, limit), fingerprint)
        temporary.replace(cache)
    with safe_open(cache, "pt") as file:
        return PictureStore(*(file.get_tensor(k) for k in ("pixels", "offsets", "sizes")))


def _fingerprint_of(cache: Path) -> str | None:
    with safe_open(cache, "pt") as file:
        return (file.metadata() or {}).get("sources")


def read_named_pictures(
    sources: Sequence[Path], limit: int | None = None
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield name and pixels, (height, width, 3) RGB, of the pictures that `read_pictures` reads.

    A name is the file's path, or `ARCHIVE:MEMBER` in a tar file.

    Raises:
        SourceError: A source is missing or there is no picture in any.
    """
    found = 0
    with closing(map_ahead(_decode, _encoded_pictures(sources), os.cpu_count() or 1)) as decoded:
        for name, rgb in decoded:
            if limit is not None and found >= limit:
                break
            if rgb is None:
                _log.warning("%s: not a picture that can be decoded, left out", name)
                continue
            found += 1
            yield name, rgb
    if not found:
        raise SourceError("no picture in any of the folders and tar files given")


def _pictures(sources: Sequence[Path], limit: int | None) -> Iterator[NDArray[np.uint8]]:
    """The pixels without their names, with a bar that counts them."""
    named = read_named_pictures(sources, limit)
    for _, rgb in tqdm(named, desc="pictures", total=limit, unit="", leave=False):
        yield rgb


def _fingerprint(sources: Sequence[Path], limit: int | None) -> str:
    """Changes when a source's name, size or time does."""
    digest = hashlib.sha256(str(limit).encode())
    for source in sources:
        _require(source)
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in files:
            status = file.stat()
            digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _require(source: Path) -> None:
    if not source.exists():
        raise SourceError(f"{source}: no such folder or tar file of pictures")


def _encoded_pictures(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each picture file; says of each source what else is in it."""
    for source in sources:
        _require(source)
        passed_over: Counter[str] = Counter()
        members = _files_of(source) if source.is_dir() else _members_of(source)
        for name, read in members:
            suffix = Path(name).suffix.lower()
            if suffix in _SUFFIXES:
                yield name, read()
            else:
                passed_over[suffix or "no suffix"] += 1
        if passed_over:
            counts = ", ".join(f"{n} of {suffix}" for suffix, n in passed_over.most_common())
            _log.warning("%s: passed over what is no picture by its name: %s", source, counts)


def _files_of(folder: Path) -> Iterator[Member]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield str(file), file.read_bytes


def _members_of(tar: Path) -> Iterator[Member]:
    with tarfile.open(tar) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield f"{tar}:{member.name}", file.read


def _decode(encoded: tuple[str, bytes]) -> tuple[str, NDArray[np.uint8] | None]:
    """Name and (height, width, 3) RGB of a picture file; None in place of what is no picture."""
    name, data = encoded
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return name, None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8)


def _decode_all(sources: Sequence[Path], limit: int | None) -> PictureStore:
    pixels = bytearray()
    sizes: list[tuple[int, int]] = []
    for rgb in _pictures(sources, limit):
        sizes.append((rgb.shape[0], rgb.shape[1]))
        pixels += rgb.data
    offsets, shapes = _places(sizes)
    return PictureStore(torch.frombuffer(pixels, dtype=torch.uint8), offsets, shapes)


def _places(sizes: Sequence[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Offsets and sizes, as `PictureStore` has them, of pictures that follow one another."""
    shapes = torch.tensor(sizes)
    lengths = 3 * shapes.prod(1)
    return lengths.cumsum(0) - lengths, shapes


def _write_cache(path: Path, pictures: Iterator[NDArray[np.uint8]], fingerprint: str) -> None:
    """A safetensors file of a `PictureStore`, written as pictures come: they need not fit memory.

    https://huggingface.co/docs/safetensors: eight bytes for the length of a header in JSON, which
    may end in spaces, then the tensors' bytes without gaps.
    """
    sizes: list[tuple[int, int]] = []
    with path.open("wb") as file:
        file.seek(8 + _HEADER_BYTES)
        for rgb in pictures:
            sizes.append((rgb.shape[0], rgb.shape[1]))
            file.write(rgb.data)
        offsets, shapes = _places(sizes)
        # Bytes beyond the last picture belong to `pixels` too, so that what follows is aligned.
        file.write(bytes(-file.tell() % _ALIGNMENT))
        ends = [0, file.tell() - 8 - _HEADER_BYTES]
        for whole in (offsets, shapes):
            file.write(whole.numpy().data)
            ends.append(file.tell() - 8 - _HEADER_BYTES)
        parts = {"pixels": ("U8", [ends[1]]), "offsets": ("I64", [len(sizes)])}
        parts["sizes"] = ("I64", [len(sizes), 2])
        header: dict[str, object] = {"__metadata__": {"sources": fingerprint}}
        for index, (name, (kind, shape)) in enumerate(parts.items()):
            place = ends[index : index + 2]
            header[name] = {"dtype": kind, "shape": shape, "data_offsets": place}
        file.seek(0)
        file.write(_HEADER_BYTES.to_bytes(8, "little"))
        file.write(json.dumps(header).encode().ljust(_HEADER_BYTES))
