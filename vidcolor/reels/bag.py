"""A folder of films as a BagIt bag (RFC 8493), which anyone can check without vidcolor."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import bagit

from vidcolor.errors import OutputError, SourceError, VidcolorError
from vidcolor.files import beside, is_pictures, work_path, write_whole
from vidcolor.film.checkpoint import discard_work, is_taken
from vidcolor.reels.failures import PREFIX
from vidcolor.reels.find import Reel
from vidcolor.reels.ledger import NAME, Ledger
from vidcolor.version import __version__

PAYLOAD = "data"
ALGORITHM = "sha256"
DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
TAG_FILES = (f"manifest-{ALGORITHM}.txt", INFO, f"tagmanifest-{ALGORITHM}.txt", DECLARATION)
"""In writing order: the file that makes the folder a bag comes last."""

_DECLARED = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_DESCRIPTION = (
    "Black-and-white film with synthetic color: a plausible guess made by vidcolor, not history. "
    "The JSON file next to each film records its source, model and settings."
)


class Bag:
    """The bag that an output folder is, or will be when all of its films are done.

    Films go to its payload. The declaration is removed before a film is added and written again
    last, so that an unfinished folder does not pass for a bag. The ledger lies next to the payload
    and is in no manifest, as every run may change it.

    Args:
        folder: Where the bag is; may be missing.

    Attributes:
        payload: Where its films go.

    Raises:
        OutputError: The folder holds files that vidcolor did not write, or another program's bag.
    """

    def __init__(self, folder: Path) -> None:
        self.payload = folder / PAYLOAD
        self._folder = folder
        self._is_begun = False
        self._beginning = Lock()
        with _explained(folder):
            found = {path.name for path in folder.iterdir()} if folder.exists() else set()
        ours = found & {PAYLOAD, *TAG_FILES}
        if ours and NAME not in found:
            raise OutputError(
                f"{folder}: holds {min(ours)} but no {NAME}, so vidcolor did not make this bag; "
                "name another -o"
            )
        for name in sorted(found - ours):
            if not name.startswith((".", NAME, PREFIX)):
                raise OutputError(
                    f"{folder}: holds {name}, which does not belong in a bag; name another -o"
                )

    def check(self, ledger: Ledger, reels: Iterable[Reel]) -> None:
        """Raise if the bag could not be made even if all reels succeed.

        Args:
            ledger: The ledger of the folder.
            reels: The reels that will be colorized.

        Raises:
            SourceError: The name of a reel cannot be written in a manifest.
            OutputError: The bag holds a file that vidcolor did not write.
        """
        for reel in reels:
            _refuse_odd_name(reel)
        for path in self._strangers(ledger):
            if not path.name.startswith("."):
                raise OutputError(f"{path}: was not made by vidcolor; move it out of the bag")

    def begin(self) -> None:
        """Open the folder for new films: it is not a bag until it is sealed.

        Raises:
            OutputError: It is a damaged bag; new checksums would hide the damage.
        """
        with self._beginning:  # several reels may begin at once
            if not self._is_begun and self._is_declared():
                with _explained(self._folder):
                    bagit.Bag(str(self._folder)).validate()
                    (self._folder / DECLARATION).unlink()
            self._is_begun = True

    def seal(self, ledger: Ledger) -> bool:
        """Make the folder a bag of all its films, unless nothing changed since it was one.

        Returns:
            Whether it is a bag; if not, another run is still writing to it and will seal it.

        Raises:
            OutputError: It holds an unfinished film, lacks a file of its manifest, or cannot be
                read or written.
        """
        with _explained(self._folder):
            if self._is_begun or not self._is_declared():
                if self._is_in_work(ledger):
                    return False
                made = self._make_tag_files()
                with ledger.alone():
                    if self._is_in_work(ledger):
                        return False
                    for name, data in made.items():
                        write_whole(self._folder / name, data)
            return bool(bagit.Bag(str(self._folder)).validate(completeness_only=True))

    def _is_declared(self) -> bool:
        return (self._folder / DECLARATION).exists()

    def _make_tag_files(self) -> dict[str, bytes]:
        """What the tag files hold, by name.

        They are made elsewhere, as the library writes them where it can be interrupted, and lists
        all that lies beside them.
        """
        films, before = self.payload.absolute(), (self._folder / INFO).absolute()
        films.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as place, chdir(place):
            payload = Path(PAYLOAD)
            payload.symlink_to(films, target_is_directory=True)
            size, count = bagit.make_manifests(PAYLOAD, 1, algorithms=[ALGORITHM])
            payload.unlink()  # the library refuses bags with links to elsewhere
            payload.mkdir()
            Path(DECLARATION).write_text(_DECLARED, encoding="utf-8")
            if before.exists():  # an archive may have added to it
                shutil.copy(before, INFO)
            bag = bagit.Bag(".")
            bag.info |= {
                "Bag-Software-Agent": f"vidcolor {__version__}",
                "Bagging-Date": datetime.now(UTC).date().isoformat(),
                "External-Description": _DESCRIPTION,
                "Payload-Oxum": f"{size}.{count}",
            }
            bag.save()
            return {file: Path(file).read_bytes() for file in TAG_FILES}

    def _is_in_work(self, ledger: Ledger) -> bool:
        """Whether another run is working on one of its films.

        Raises:
            OutputError: A film is unfinished and no run is working on it.
        """
        entries = [(entry.output, entry.state) for entry in ledger.entries() if entry.output]
        states = {work_path(film): (film, state) for film, state in entries}
        for path in self._strangers(ledger):
            film, state = states.get(_database_of(path), (path, ""))
            if state == "done":
                discard_work(film)  # of a run that was killed just before it ended
            if is_taken(film):
                return True
            if path.exists():
                raise OutputError(
                    f"{self._folder}: is not a bag yet, as {path} is unfinished; finish that film "
                    "or delete it, and run again"
                )
        return False

    def _strangers(self, ledger: Ledger) -> Iterator[Path]:
        """The files of the payload that belong to no film of the ledger."""
        outputs = {entry.output for entry in ledger.entries() if entry.output}
        films = {beside(output, "") for output in outputs}
        for path in sorted(self.payload.rglob("*")):
            ends = (index for index, sign in enumerate(path.name) if sign == "." and index)
            is_known = any(path.with_name(path.name[:end]) in films for end in ends)
            is_picture = path.parent in outputs or is_pictures(path.parent)
            if not (is_known or is_picture or path.is_dir()):
                yield path


def _database_of(path: Path) -> Path:
    """The checkpoint that an SQLite log file belongs to; any other path as it is."""
    return path.with_name(path.name.removesuffix("-wal").removesuffix("-shm"))


def refuse_bag(folder: Path) -> None:
    """Raise if a folder is a bag, so that no film is added without a new manifest.

    Raises:
        OutputError: It is a bag.
    """
    if any((folder / name).exists() for name in TAG_FILES):
        raise OutputError(f"{folder}: is a bag; add to it with --bagit, or name another -o")


def _refuse_odd_name(reel: Reel) -> None:
    """Raise if programs would read a reel's name in a manifest differently."""
    name = str(reel.subfolder / reel.path.name)
    try:
        is_odd = "%" in name or len(name.encode().decode().splitlines()) > 1
    except UnicodeEncodeError:
        is_odd = True
    if is_odd:
        shown = name.encode(errors="backslashreplace").decode()
        raise SourceError(
            f"{shown}: a bag's manifest cannot hold this name; rename it without % and line ends"
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Errors of the library and the disk become one line; the library's own lines are not shown."""
    was_silent, bagit.LOGGER.disabled = bagit.LOGGER.disabled, True
    try:
        yield
    except VidcolorError:
        raise
    except bagit.BagError as error:
        raise OutputError(
            f"{folder}: is not a valid bag ({error}); restore what is missing, or name another -o"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made a bag ({error.strerror}); fix that and run again"
        ) from error
    finally:
        bagit.LOGGER.disabled = was_silent
