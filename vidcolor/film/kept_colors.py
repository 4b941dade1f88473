"""Decoded colors of a film's shots, kept in the user's cache for later runs.

Saturation, casts and hues are laid over decoded colors. Where only they change, a later run takes
the colors from here and asks no network: they are kept as float32, so the film's bytes are those of
a run from scratch. Histograms would let the vividness change as well, but take 80 times the room.

```
FILM-SHOT.colors   a shot: what it is of, its frames, a SHA-256 of all that
FILM.whole         empty: a run came to the film's end
```

FILM is a digest of all that decides a film's decoded colors but for the color script, SHOT one of
what the script says of the shot and of where it lies. So a file is right or it is not found.
"""

import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import platformdirs

from vidcolor.color.lightness import network_size
from vidcolor.directing.script import digest_of
from vidcolor.errors import OutputError
from vidcolor.film.provenance import Provenance
from vidcolor.frame import MAP_STRIDE, Colored, Map
from vidcolor.settings import KEPT_COLORS, RENDER_SIZE
from vidcolor.shot import Shot

SUFFIX, PART_SUFFIX, WHOLE_SUFFIX = ".colors", ".part", ".whole"

_MAGIC: Final = b"vidcolor colors 1\n"
_FRAME: Final = struct.Struct("<IHHd")  # bytes that follow, rows, columns, confidence
_SIGNS: Final = 24  # of each digest, in file names
_READ_BYTES: Final = 1 << 20
_LEVEL: Final = 1  # of compression: more takes much longer and gains 1 %

_LOG = logging.getLogger(__name__)


def colors_folder() -> Path:
    """Where decoded colors lie; whoever wants the room may delete it."""
    return platformdirs.user_cache_path("vidcolor") / "colors"


class ColorCache:
    """What is kept of the decoded colors of one film.

    Args:
        film: Digest of all that decides them but for the color script.
        limit: Bytes of all files in the folder, those of other films too.
    """

    def __init__(self, film: str, limit: int) -> None:
        self._folder = colors_folder()
        self._film = film[:_SIGNS]
        self._limit = limit
        self._used: set[Path] = set()  # by this run, which needs them to its end

    @property
    def is_whole(self) -> bool:
        """Whether a run came to the film's end, so that what it kept may be used.

        A film that was stopped goes on as it began.
        """
        return self._mark.exists()

    @property
    def _mark(self) -> Path:
        return self._folder / f"{self._film}{WHOLE_SUFFIX}"

    def end_film(self) -> None:
        """Note that all shots that can be kept are."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._mark.touch()

    def path(self, key: str, ending: str = SUFFIX) -> Path:
        """Where the colors of a shot lie, or would."""
        return self._folder / f"{self._film}-{key[:_SIGNS]}{ending}"

    def holds(self, key: str) -> bool:
        """Whether a shot is kept, undamaged; what is damaged is deleted."""
        path = self.path(key)
        try:
            with path.open("rb") as file:
                is_whole = _is_whole(file, key)
        except OSError:
            return False
        with suppress(OSError):
            if is_whole:
                self._used.add(path)
                os.utime(path)  # those that were not used for longest go first
            else:
                path.unlink()
        return is_whole

    def read(self, key: str) -> Generator[tuple[Map, float], None, None]:
        """Yield the decoded colors, (2, h, w), and the confidence of each frame of a kept shot.

        Raises:
            OutputError: Somebody has deleted it.
        """
        path = self.path(key)
        try:
            with path.open("rb") as file:
                file.seek(len(_MAGIC) + len(key))
                end = path.stat().st_size - hashlib.sha256().digest_size
                while file.tell() < end:
                    size, rows, columns, confidence = _FRAME.unpack(file.read(_FRAME.size))
                    yield _unpacked(file.read(size), rows, columns), confidence
        except OSError as error:
            raise OutputError(f"{path}: is gone since the run began. Run again.") from error

    def begin(self) -> tuple[Path, BinaryIO]:
        """A file for a shot, which is not kept yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self.path(str(os.getpid()), PART_SUFFIX)
        return path, path.open("wb")

    def keep(self, part: Path, key: str) -> bool:
        """Give a shot's file its name, if there is room: files not used for longest are deleted.

        Returns:
            Whether there is; what this run has kept stays.
        """
        others, total = [], 0
        for path in self._folder.iterdir():
            if path.suffix in {SUFFIX, PART_SUFFIX}:
                facts = path.stat()
                total += facts.st_size
                if path != part and path not in self._used:
                    others.append((facts.st_mtime_ns, facts.st_size, path))
        for _, size, path in sorted(others):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size
        if total > self._limit:
            return False
        path = self.path(key)
        part.replace(path)
        self._used.add(path)
        return True


class ColorKeeper:
    """Keeps the decoded colors of shots as they come; if that fails, the film is made all the same.

    Args:
        cache: Where; None to keep none.
        keys: By number of shot, of those that are known; others are added.
        begun: Number of the shot of which an earlier run has made the first frames.
    """

    def __init__(
        self, cache: ColorCache | None, keys: dict[int, str], begun: int | None = None
    ) -> None:
        self._cache, self._keys, self._begun = cache, keys, begun
        self._shot: Shot | None = None
        self._first = self._frames = self._bytes = 0
        self._said = hashlib.sha256()
        self._path, self._file = Path(), None  # type: tuple[Path, BinaryIO | None]

    def add(self, one: Colored) -> None:
        """Take the next frame."""
        if self._cache is None or one.ungraded is None or one.shot.number == self._begun:
            return
        if self._shot is None:
            self._shot, self._first, self._frames = one.shot, one.frame.index, 0
            self._said = hashlib.sha256()
            # A place for the key, which is known at the end.
            self._try(lambda: self._begin(self._cache))
        self._frames += 1
        _note(self._said, one.ungraded.said)
        ab = one.ungraded.ab
        packed = _packed(ab)
        head = _FRAME.pack(len(packed), *ab.shape[1:], one.confidence)
        self._try(lambda: self._file and self._file.write(head + packed))

    def end_shot(self) -> None:
        """The shot has no more frames."""
        shot, self._shot = self._shot, None
        if shot is None:
            return
        before = None if shot.returns_to is None else self._keys.get(shot.returns_to)
        if shot.returns_to is None or before is not None:
            key = _key(shot, self._first, self._frames, self._said.hexdigest(), before)
            self._keys[shot.number] = key
            self._try(lambda: self._finish(key))
        self.close()

    def close(self) -> None:
        """Forget a shot that is not whole."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _begin(self, cache: ColorCache | None) -> None:
        if cache is not None:
            self._path, self._file = cache.begin()
            self._file.write(_MAGIC + bytes(hashlib.sha256().digest_size * 2))

    def _finish(self, key: str) -> None:
        if self._file is None or self._cache is None:
            return
        self._file.seek(len(_MAGIC))
        self._file.write(key.encode())
        self._file.close()
        digest = _digest_of(self._path)
        with self._path.open("ab") as file:
            file.write(digest)
        if not self._cache.keep(self._path, key):
            self._cache = None  # the film is too long

    def _try(self, act: Callable[[], object]) -> None:
        """Do what may fail: then no more is kept."""
        try:
            act()
        except OSError as error:
            _LOG.info("%s: decoded colors are not kept (%s)", colors_folder(), error.strerror)
            self.close()
            self._cache = None


def find_cache(provenance: Provenance) -> ColorCache | None:
    """Where the decoded colors of a film are kept; None if they are not."""
    job, settings = provenance.job, provenance.settings
    limit = settings.keep_colors
    if limit is None:
        limit = 0 if provenance.direction.script is None else KEPT_COLORS
    if job.encoding.is_sequence:
        return None
    size = network_size(job.encoding.picture, settings.model.render_size or RENDER_SIZE)
    frames = job.source.frames_expected(settings.start_seconds, settings.duration_seconds) or 1
    places = size[0] * size[1] // MAP_STRIDE**2
    if frames * places * 2 * np.dtype(np.float32).itemsize > limit:
        return None
    return ColorCache(provenance.before_grading(), limit)


def shot_key(shot: Shot, first: int, said: Iterable[str | None], before: str | None) -> str:
    """What the decoded colors of a shot depend on, beside the film, as a SHA-256.

    Args:
        shot: The shot.
        first: Number of its first frame.
        said: For each frame the digest of what a color script says of its decoded colors.
        before: The key of the shot that it returns to; None for none.
    """
    digest, count = hashlib.sha256(), 0
    for one in said:
        _note(digest, one)
        count += 1
    return _key(shot, first, count, digest.hexdigest(), before)


def _key(shot: Shot, first: int, frames: int, said: str, before: str | None) -> str:
    return digest_of([shot.number, shot.active, first, frames, said, before])


def _note(digest: "hashlib._Hash", said: str | None) -> None:
    digest.update(f"{said or ''}\n".encode())


def _packed(ab: Map) -> bytes:
    """Maps, compressed; bytes of one place in numbers are alike, so these go together."""
    bytes_ = np.ascontiguousarray(ab, "<f4").view(np.uint8).reshape(-1, 4)
    return zlib.compress(np.ascontiguousarray(bytes_.T).tobytes(), _LEVEL)


def _unpacked(data: bytes, rows: int, columns: int) -> Map:
    bytes_ = np.frombuffer(zlib.decompress(data), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(bytes_.T).view("<f4").reshape(2, rows, columns)


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _is_whole(file: BinaryIO, key: str) -> bool:
    """Whether a file is of the shot of this key, and no bit of it has changed."""
    digest = hashlib.sha256()
    left = os.fstat(file.fileno()).st_size - digest.digest_size
    head = _MAGIC + key.encode()
    if left < len(head) or file.read(len(head)) != head:
        return False
    digest.update(head)
    left -= len(head)
    while left:
        data = file.read(min(left, _READ_BYTES))
        if not data:
            return False
        digest.update(data)
        left -= len(data)
    return file.read() == digest.digest()
