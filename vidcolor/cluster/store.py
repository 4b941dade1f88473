"""The folder of encoded shots on their way to the film, on any file system of fsspec."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

from fsspec.core import url_to_fs

from vidcolor.errors import ClusterError

_OPEN = "open"
"""A file that exists there as long as the run that collects shots."""

_ATTEMPTS, _RETRY_SECONDS = 5, 0.1


class Store:
    """A folder that all machines see.

    Args:
        url: Its path or fsspec URL, such as `s3://bucket/folder`.

    Raises:
        ClusterError: No library here can reach it.
    """

    def __init__(self, url: str) -> None:
        self.url: str = url if "://" in url else str(Path(url).absolute())
        with self._explained("reached"):
            self._files, self._folder = url_to_fs(self.url)

    def open(self) -> None:
        """Create it.

        Raises:
            ClusterError: It cannot be created.
        """
        with self._explained("written to"):
            self._files.makedirs(self._folder, exist_ok=True)
            self._files.touch(f"{self._folder}/{_OPEN}")

    def put(self, path: Path, name: str) -> None:
        """Copy a file into it.

        Raises:
            ClusterError: The file cannot be written, or the run that collects shots has ended.
        """
        with self._explained("written to"):
            self._files.invalidate_cache()
            if not self._files.exists(f"{self._folder}/{_OPEN}"):
                raise ClusterError(
                    f"{self.url}: does not exist: the run has ended, or it cannot be seen here; "
                    "name a folder that all machines see with --segments"
                )
            self._files.put_file(str(path), f"{self._folder}/{name}")

    def take(self, name: str, path: Path) -> None:
        """Move a file out of it.

        Raises:
            ClusterError: The file is missing or cannot be read.
        """
        with self._explained("read"):
            self._files.get_file(f"{self._folder}/{name}", str(path))
            self._files.rm_file(f"{self._folder}/{name}")

    def clear(self) -> None:
        """Delete it with all its files."""
        for _ in range(_ATTEMPTS):
            with suppress(OSError):
                self._files.rm(self._folder, recursive=True)
            with suppress(OSError):
                self._files.invalidate_cache()
                if not self._files.exists(self._folder):
                    return
            sleep(_RETRY_SECONDS)  # a machine was just copying a file into it

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Errors of the disk, the network or a missing library become one line."""
        try:
            yield
        except (OSError, ImportError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ClusterError(
                f"{self.url}: cannot be {done} ({reason}); "
                "name a folder that all machines see with --segments"
            ) from error
