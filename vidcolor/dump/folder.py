"""The folder that a dump lies in: of one film and one way to color it, whole frames only."""

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vidcolor.dump.page import write_page
from vidcolor.errors import OutputError
from vidcolor.files import LINES, MANIFEST, PART_SUFFIX, describe_differences, write_text

Facts = dict[str, Any]

FORMAT = "vidcolor-dump"
FORMAT_VERSION = 1


class DumpFolder:
    """A folder with a dump, new or begun before.

    Frames dumped before stay; one that comes again replaces the older. A frame's folder has its
    final name only when it is whole.

    Args:
        path: The folder, made if it is missing.
        film: The film's name, for people.
        made_of: What decides about the arrays of a frame: film, model, settings, version. Equal
            facts give equal arrays, so frames of equal facts may lie side by side.

    Raises:
        OutputError: The folder holds something else, or cannot be written.
    """

    def __init__(self, path: Path, film: str, made_of: Facts) -> None:
        self.path = path
        self._film = film
        self._made_of: Facts = json.loads(json.dumps(made_of, default=str))
        self._lines: dict[int, Facts] = {}
        with self.explained():
            self._check()
            path.mkdir(parents=True, exist_ok=True)
            write_text(path / MANIFEST, json.dumps(self._manifest(), indent=1) + "\n")

    def begin_frame(self, number: int) -> Path:
        """Make the empty folder that a frame's files are to be written into."""
        part = self._part(number)
        with self.explained():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
        return part

    def finish_frame(self, number: int, line: Facts) -> int:
        """Give a frame's folder its final name, and say how many bytes are in it.

        Args:
            number: The frame's number.
            line: Its line of figures.
        """
        part, final = self._part(number), self.path / frame_folder(number)
        with self.explained():
            shutil.rmtree(final, ignore_errors=True)
            part.rename(final)
            with (self.path / LINES).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line) + "\n")
        self._lines[number] = line
        return sum(file.stat().st_size for file in final.iterdir())

    def close(self) -> None:
        """Write the page and the lines in the order of the film; remove what is not whole."""
        for part in self.path.glob(f"*{PART_SUFFIX}"):
            shutil.rmtree(part, ignore_errors=True)
        lines = [self._lines[number] for number in sorted(self._lines)]
        with self.explained():
            write_text(self.path / LINES, "".join(json.dumps(line) + "\n" for line in lines))
            write_page(self.path, {**self._made_of, "film": self._film}, lines)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Make an error of the system inside one line that names this folder and what to do."""
        try:
            yield
        except OutputError:
            raise
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise OutputError(
                    f"{self.path}: the disk is full; make room, dump fewer frames or stages, "
                    "or name another --dump"
                ) from error
            raise OutputError(
                f"{self.path}: cannot be written ({error.strerror}); name another --dump"
            ) from error

    def _check(self) -> None:
        """Raise if frames of `made_of` may not lie here; take in those that do."""
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        try:
            manifest: Facts = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{self.path}: is not a dump folder; name a new or empty one"
            ) from error
        there = manifest.get("made_of", {})
        if there.get("film") != self._made_of["film"]:
            raise OutputError(
                f"{self.path}: holds a dump of another film, {manifest.get('film')}; "
                "name another folder"
            )
        if there != self._made_of:
            changes = ", ".join(describe_differences(there, self._made_of))
            raise OutputError(
                f"{self.path}: holds a dump made with other settings ({changes}); "
                "name another folder"
            )
        for text in _read_lines(self.path / LINES):
            with suppress(ValueError):  # a line cut short as its run was killed
                line = json.loads(text)
                if (self.path / line["folder"]).is_dir():
                    self._lines[line["frame"]] = line

    def _manifest(self) -> Facts:
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "film": self._film,
            "made_of": self._made_of,
        }

    def _part(self, number: int) -> Path:
        return self.path / (frame_folder(number) + PART_SUFFIX)


def frame_folder(number: int) -> str:
    """The name of a frame's folder; names sort as frames do."""
    return f"{number:06}"


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
