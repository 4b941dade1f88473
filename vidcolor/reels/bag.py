"""A folder of films as a BagIt bag (RFC 8493), which others can check without vidcolor."""

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
"""In the order in which they are written: what makes the folder a bag comes last."""

_DECLARED = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_DESCRIPTION = (
    "Black-and-white film with synthetic color: a plausible guess made by vidcolor, not history. "
    "The JSON file beside each film tells its source, model and settings."
)


class Bag:
    """The bag that an output folder is, or will be when all of its films are done.

    Films go to its payload. What declares the bag goes away before a film is added and comes back
    last, so that a folder in work does not pass for a bag. The ledger lies beside the payload and
    is in no manifest, as every run may change it.

    Args:
        folder: Where the bag is; may be missing.

    Attributes:
        payload: Where its films go.

    Raises:
        OutputError: The folder holds what vidcolor did not put there, or is another's bag.
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
                f"{folder}: holds {min(ours)} but no {NAME}, so it is no bag of vidcolor's; "
                "name another -o"
            )
        for name in sorted(found - ours):
            if not name.startswith((".", NAME, PREFIX)):
                raise OutputError(f"{folder}: holds {name}, which is in no bag; name another -o")

    def check(self, ledger: Ledger, reels: Iterable[Reel]) -> None:
        """Raise if the bag cannot be made, however the work goes.

        Args:
            ledger: What was done.
            reels: What will be.

        Raises:
            SourceError: The name of a reel cannot be written in a manifest.
            OutputError: The bag holds what no run of vidcolor made.
        """
        for reel in reels:
            _refuse_odd_name(reel)
        for path in self._strangers(ledger):
            if not path.name.startswith("."):
                raise OutputError(f"{path}: was not made by vidcolor; move it out of the bag")

    def begin(self) -> None:
        """Make the folder one that films may be added to: no bag until it is sealed.

        Raises:
            OutputError: It is a damaged bag; new checksums would hide that.
        """
        with self._beginning:  # reels may be in work at once
            if not self._is_begun and self._is_declared():
                with _explained(self._folder):
                    bagit.Bag(str(self._folder)).validate()
                    (self._folder / DECLARATION).unlink()
            self._is_begun = True

    def seal(self, ledger: Ledger) -> bool:
        """Make the folder a bag of all films that it holds; one that nothing changed is left.

        Returns:
            Whether it is a bag; if not, another run is at work in it and comes to this later.

        Raises:
            OutputError: It holds an unfinished film, lacks what its manifest lists, or cannot be
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
        """Whether another run has one of its films in work.

        Raises:
            OutputError: A film is unfinished that nobody has in work.
        """
        entries = [(entry.output, entry.state) for entry in ledger.entries() if entry.output]
        states = {work_path(film): (film, state) for film, state in entries}
        for path in self._strangers(ledger):
            film, state = states.get(_database_of(path), (path, ""))
            if state == "done":
                discard_work(film)  # of a run that was killed at its very end
            if is_taken(film):
                return True
            if path.exists():
                raise OutputError(
                    f"{self._folder}: is no bag yet, as {path} is not finished; colorize that film "
                    "to its end or delete it, and run again"
                )
        return False

    def _strangers(self, ledger: Ledger) -> Iterator[Path]:
        """The files of the payload that are no film of the ledger's and lie beside none."""
        outputs = {entry.output for entry in ledger.entries() if entry.output}
        films = {beside(output, "") for output in outputs}
        for path in sorted(self.payload.rglob("*")):
            ends = (index for index, sign in enumerate(path.name) if sign == "." and index)
            is_known = any(path.with_name(path.name[:end]) in films for end in ends)
            is_picture = path.parent in outputs or is_pictures(path.parent)
            if not (is_known or is_picture or path.is_dir()):
                yield path


def _database_of(path: Path) -> Path:
    """The file of the work that SQLite's log of changes belongs to; others are left as they are."""
    return path.with_name(path.name.removesuffix("-wal").removesuffix("-shm"))


def refuse_bag(folder: Path) -> None:
    """Raise if a folder is a bag, to which films are to be added as if it were none.

    Raises:
        OutputError: It is.
    """
    if any((folder / name).exists() for name in TAG_FILES):
        raise OutputError(f"{folder}: is a bag; add to it with --bagit, or name another -o")


def _refuse_odd_name(reel: Reel) -> None:
    """Raise if a manifest cannot hold a reel's name: programs read some signs differently."""
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
            f"{folder}: is no valid bag ({error}); restore what it lacks, or name another -o"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made a bag ({error.strerror}); run again when that is mended"
        ) from error
    finally:
        bagit.LOGGER.disabled = was_silent
