"""Pictures to learn from: any folders and tar files of them, decoded once and kept as bytes."""

import hashlib
import logging
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from vidcolor.errors import SourceError
from vidcolor.threads import map_ahead

_SUFFIXES = {".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

_log = logging.getLogger(__name__)


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
    if cache is not None and cache.exists():
        with safe_open(cache, "pt") as file:
            if (file.metadata() or {}).get("sources") == fingerprint:
                return PictureStore(*(file.get_tensor(k) for k in ("pixels", "offsets", "sizes")))
    store = _decode_all(sources, limit)
    if cache is not None:
        tensors = {"pixels": store.pixels, "offsets": store.offsets, "sizes": store.sizes}
        temporary = cache.with_name(f"{cache.name}.part")
        save_file(tensors, temporary, {"sources": fingerprint})
        temporary.replace(cache)
    return store


def read_named_pictures(
    sources: Sequence[Path], limit: int | None = None
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield name and pixels, (height, width, 3) RGB, of the pictures that `read_pictures` reads.

    A name is the file's path, or `ARCHIVE:MEMBER` in a tar file.

    Raises:
        SourceError: A source is missing or there is no picture in any.
    """
    found = 0
    encoded = _encoded_pictures(sources)
    with closing(map_ahead(_decode, encoded, os.cpu_count() or 1)) as decoded:
        for name, bgr in decoded:
            if limit is not None and found >= limit:
                break
            if bgr is None:
                _log.warning("%s: not a picture that can be decoded, left out", name)
                continue
            found += 1
            yield name, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    if not found:
        raise SourceError("no picture in any of the folders and tar files given")


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
    """Name and bytes of each picture file."""
    for source in sources:
        _require(source)
        if source.is_dir():
            for file in sorted(source.rglob("*")):
                if file.suffix.lower() in _SUFFIXES:
                    yield str(file), file.read_bytes()
        else:
            with tarfile.open(source) as archive:
                for member in archive:
                    extracted = archive.extractfile(member)
                    if extracted is not None and Path(member.name).suffix.lower() in _SUFFIXES:
                        yield f"{source}:{member.name}", extracted.read()


def _decode(encoded: tuple[str, bytes]) -> tuple[str, NDArray[np.uint8] | None]:
    """Name and (height, width, 3) BGR of a picture file; None in place of what is no picture."""
    name, data = encoded
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return name, None if bgr is None else bgr.astype(np.uint8, copy=False)


def _decode_all(sources: Sequence[Path], limit: int | None) -> PictureStore:
    pixels = bytearray()
    offsets: list[int] = []
    sizes: list[tuple[int, int]] = []
    named = read_named_pictures(sources, limit)
    for _, rgb in tqdm(named, desc="pictures", total=limit, unit="", leave=False):
        offsets.append(len(pixels))
        sizes.append((rgb.shape[0], rgb.shape[1]))
        pixels += rgb.data
    flat = torch.frombuffer(pixels, dtype=torch.uint8)
    return PictureStore(flat, torch.tensor(offsets), torch.tensor(sizes))
