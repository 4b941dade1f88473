"""A folder of films as a BagIt bag (RFC 8493), which anyone can check without vidcolor."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import bagit

from vidcolor.errors import OutputError, SourceError, VidcolorError
from vidcolor.files import is_file, is_pictures, stems_of, work_path, write_whole
from vidcolor.film.checkpoint import discard_work
from vidcolor.film.checkpoint_file import is_taken
from vidcolor.reels.failures import PREFIX
from vidcolor.reels.find import Reel
from vidcolor.reels.ledger import NAME, Entry, Ledger
from vidcolor.reels.tag_files import (
    ALGORITHM,
    DECLARATION,
    PAYLOAD,
    TAG_FILES,
    Digested,
    can_list,
    make_tag_files,
)
from vidcolor.version import __version__
from vidcolor.words import spelled

_LOG = logging.getLogger(__name__)

_MISSING = "Vidcolor-Missing"
"""In bag-info.txt, of each reel that the bag lacks."""

_LOOKS = 5
"""How often a bag is looked at that other runs may be looking at as well."""

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
        left_out: Reels whose films stay outside, and why: a manifest cannot hold their names.

    Raises:
        OutputError: The folder holds files that vidcolor did not write, or another program's bag.
    """

    def __init__(self, folder: Path) -> None:
        self.payload: Path = folder / PAYLOAD
        self.left_out: dict[Path, str] = {}
        self._folder = folder
        self._is_begun = False
        self._beginning = Lock()
        self._known: dict[Path, Digested] = {}
        if folder.exists():
            refuse_bag(folder.absolute().parent)
        found = {path.name for path in self._inside()}
        ours = found & {PAYLOAD, *TAG_FILES}
        if ours and NAME not in found:
            raise OutputError(
                f"{folder}: holds {min(ours)} but no {NAME}, so vidcolor did not make this bag; "
                "name another -o"
            )
        if NAME not in found:
            for path in self._outside_payload():
                raise OutputError(f"{path}: is in no bag. Name another -o.")
        self.was_declared: bool = self._is_declared()
        self._missing = self._listed_missing() if self.was_declared else []

    def check(self, ledger: Ledger, *, dry_run: bool = False) -> None:
        """Raise if the bag cannot be made, however the work goes.

        Films that a run without a bag left beside the ledger are moved to the payload.

        Args:
            ledger: What was done.
            dry_run: Move nothing.

        Raises:
            OutputError: The bag holds a file that vidcolor did not write.
        """
        self._take_in(ledger, dry_run=dry_run)
        for path in self._strangers(ledger):
            if not path.name.startswith("."):
                raise OutputError(f"{path}: was not made by vidcolor; move it out of the bag")

    def refuse_name(self, reel: Reel) -> None:
        """Raise if a manifest cannot hold a reel's name.

        Raises:
            SourceError: It cannot.
        """
        name = str(reel.subfolder / reel.title.name)
        if not can_list(name):
            raise SourceError(
                f"{reel.path}: a bag's manifest cannot hold this name. "
                "Rename it without % and line ends."
            )

    def _take_in(self, ledger: Ledger, *, dry_run: bool) -> None:
        """Move films that lie beside the ledger to the payload, unless others' files do as well.

        Those whose names a manifest cannot hold stay, with a message.

        Raises:
            OutputError: Something there is no film of the ledger's, or cannot be moved.
        """
        ledger.move_films(self.payload)  # those of a run that was killed while it moved them
        entries = [entry for entry in ledger.entries() if entry.output]
        found = self._outside_payload()
        inner = (one for path in found for one in (path, *path.rglob("*")))
        strange = next((path for path in inner if self._is_strange(path, entries)), None)
        if strange is not None:
            raise OutputError(f"{strange}: is in no bag. Name another -o.")
        if dry_run:
            return
        with _explained(self._folder):
            for path in found:
                self._move_in(path)
        ledger.move_films(self.payload)
        self._find_left_out(ledger)

    def _move_in(self, path: Path) -> None:
        """Move a file or folder to the same place in the payload, but for names it cannot hold."""
        place = path.relative_to(self._folder)
        target = self.payload / place
        if not can_list(str(place)):
            return
        if path.is_dir() and (
            target.exists() or not all(can_list(str(inner)) for inner in path.rglob("*"))
        ):
            for inner in sorted(path.iterdir()):
                self._move_in(inner)
            with suppress(OSError):  # unless something stays
                path.rmdir()
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)

    def _find_left_out(self, ledger: Ledger) -> None:
        """Find the films that stay outside."""
        for entry in ledger.entries():
            film = entry.output
            if entry.state == "done" and film and not self.holds(film) and film.exists():
                why = f"{film} stays outside: a bag's manifest cannot hold its name"
                self.left_out[entry.path] = why
                _LOG.warning("%s: %s", self._folder, why)

    def holds(self, film: Path) -> bool:
        """Whether a film lies in the payload."""
        return film.is_relative_to(self.payload)

    def begin(self) -> None:
        """Open the folder for new films: it is not a bag until it is sealed.

        Raises:
            OutputError: It is a damaged bag; new checksums would hide the damage.
        """
        with self._beginning:  # several reels may begin at once
            if not self._is_begun and self._is_declared():
                with _explained(self._folder):
                    self._validate()
                    (self._folder / DECLARATION).unlink()
            self._is_begun = True

    def _validate(self) -> None:
        """Raise if a file of the bag has changed, and note the digests of the others."""
        bag = bagit.Bag(str(self._folder))
        digests = {name: found.get(ALGORITHM) for name, found in bag.payload_entries().items()}
        listed = {self._folder / name: digest for name, digest in digests.items() if digest}
        seen = {path: Digested.of(path, listed[path]) for path in listed if path.exists()}
        bag.validate()
        self._known.update(seen)

    def note(self, film: Path, sha256: str) -> None:
        """Note the digest of a film that was just written, which need not be read for it again."""
        if film.is_file():  # an image sequence has one digest for all of its files
            with _explained(self._folder):
                self._known[film] = Digested.of(film, sha256)

    def seal(self, ledger: Ledger, missing: Mapping[Path, str] | None = None) -> bool:
        """Make the folder a bag of all films that it holds; one that nothing changed is left.

        Args:
            ledger: What was done.
            missing: The reels that the bag lacks, and why; listed in bag-info.txt until they are
                done.

        Returns:
            Whether it is a bag; if not, another run is still writing to it and will seal it.

        Raises:
            OutputError: It holds an unfinished film, lacks a file of its manifest, or cannot be
                read or written.
        """
        lacking = self._missing_lines(ledger, missing or {})
        with _explained(self._folder):
            if self._is_begun or not self._is_declared() or lacking != self._missing:
                if self._is_in_work(ledger):
                    return False
                made = self._make_tag_files(lacking)
                with ledger.alone():
                    if self._is_in_work(ledger):
                        return False
                    for name, data in made.items():
                        write_whole(self._folder / name, data)
            return self._is_complete(ledger)

    def _is_complete(self, ledger: Ledger) -> bool:
        """Whether the bag has the files of its manifests and no other, and no run works on it.

        A run that finds a film done looks into its checkpoint first: a file for a moment.
        """
        for _ in range(_LOOKS - 1):
            try:
                return bool(bagit.Bag(str(self._folder)).validate(completeness_only=True))
            except bagit.BagError:
                if self._is_in_work(ledger):
                    return False
        return bool(bagit.Bag(str(self._folder)).validate(completeness_only=True))

    def _listed_missing(self) -> list[str]:
        """What the bag says that it lacks."""
        with _explained(self._folder):
            lines = bagit.Bag(str(self._folder)).info.get(_MISSING, [])
        return [lines] if isinstance(lines, str) else list(lines)

    def _missing_lines(self, ledger: Ledger, missing: Mapping[Path, str]) -> list[str]:
        """A line for each reel that the bag lacks, those of earlier runs as well."""
        now = {_one_line(f"{path.absolute()}"): _one_line(why) for path, why in missing.items()}
        settled = {_one_line(f"{one.path}") for one in ledger.entries() if _is_settled(one)}
        gone = settled | {*now}
        before = [line for line in self._missing if line.partition(" | ")[0] not in gone]
        return [*before, *(f"{path} | {why}" for path, why in now.items())]

    def _inside(self) -> list[Path]:
        """What lies in the folder, sorted."""
        with _explained(self._folder):
            return sorted(self._folder.iterdir()) if self._folder.exists() else []

    def _outside_payload(self) -> list[Path]:
        """What lies beside the payload and is no part of a bag, nor hidden or the program's own."""
        return [
            path
            for path in self._inside()
            if path.name not in {PAYLOAD, *TAG_FILES}
            and not path.name.startswith((".", NAME, PREFIX))
        ]

    def _is_declared(self) -> bool:
        return (self._folder / DECLARATION).exists()

    def _make_tag_files(self, missing: Sequence[str]) -> dict[str, bytes]:
        """What the tag files hold, by name."""
        self.payload.mkdir(parents=True, exist_ok=True)
        return make_tag_files(
            self._folder,
            {
                "Bag-Software-Agent": [f"vidcolor {__version__}"],
                "Bagging-Date": [datetime.now(UTC).date().isoformat()],
                "External-Description": [_DESCRIPTION],
                _MISSING: missing,
            },
            self._known,
        )

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
        """The files of the payload that are no film of the ledger's and lie beside none."""
        entries = [entry for entry in ledger.entries() if entry.output]
        for path in sorted(self.payload.rglob("*")):
            if self._is_strange(path, entries):
                yield path

    def _is_strange(self, path: Path, entries: Iterable[Entry]) -> bool:
        """Whether a file is no film of these, and lies beside none."""
        outputs = {entry.output for entry in entries if entry.output}
        films = {output.with_name(stem) for output in outputs for stem in stems_of(output)}
        ends = (index for index, sign in enumerate(path.name) if sign == "." and index)
        is_known = any(path.with_name(path.name[:end]) in films for end in ends)
        is_picture = path.parent in outputs or is_pictures(path.parent)
        return not (is_known or is_picture or path.is_dir())


def _database_of(path: Path) -> Path:
    """The checkpoint that an SQLite log file belongs to; any other path as it is."""
    return path.with_name(path.name.removesuffix("-wal").removesuffix("-shm"))


def refuse_bag(folder: Path) -> None:
    """Raise if a folder is in a bag, or one itself, and films are to be added as if it were not.

    Raises:
        OutputError: It is a bag.
    """
    place = folder.absolute()
    for bag in (place, *place.parents):
        # While films are added to a bag, only its declaration is gone.
        if any(is_file(bag / name) for name in TAG_FILES):
            raise OutputError(
                f"{folder}: is {'a bag' if bag == place else f'in the bag {bag}'}. "
                f"Add to it with --bagit -o {bag}, or name another -o."
            )


def _is_settled(entry: Entry) -> bool:
    """Whether a bag lacks a reel no longer: it is done, or renamed as the bag asked for."""
    is_renamed = not can_list(str(entry.path)) and not is_file(entry.path)
    return entry.state == "done" or is_renamed


def _one_line(text: str) -> str:
    return " ".join(spelled(text).split())


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Errors of the library and the disk become one line."""
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
