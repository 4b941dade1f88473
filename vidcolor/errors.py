"""What can go wrong, as a tree.

```
VidcolorError                 anything the user can act on; its text is one clear line
├── SourceError               the input cannot be used as it is
│   ├── AlreadyColorError     the input is in color already
│   └── SourceGoneError       the input vanished or changed while it was read
├── OutputError               the output cannot be written as asked
│   ├── DiskFullError         there is no room for it; what is done of it is kept
│   ├── LedgerError           the account of an output folder cannot be used
│   └── ReelTakenError        another run has it in work
├── ModelError                a model is unknown, missing or damaged
├── SettingError              a setting is out of its range
├── ClusterError              other machines do not do their part; what is done is kept
└── UnexpectedError           what nobody foresaw befell one reel; a report was written
```

Every text names the file, the fault and the remedy. The command line prints it after `vidcolor: `
and exits with 1; bad usage never gets this far and exits with 2.
"""

from pathlib import Path


class VidcolorError(Exception):
    """Base of all errors that vidcolor raises on purpose."""


class SourceError(VidcolorError, ValueError):
    """The input is missing, unreadable, no video, or broken beyond use."""


class AlreadyColorError(SourceError):
    """The input is a color film; colorizing would replace its own chroma."""


class OutputError(VidcolorError, OSError):
    """The output exists already, cannot be created, or cannot hold what it should."""


class SourceGoneError(SourceError):
    """The input vanished or changed while it was read."""


class DiskFullError(OutputError):
    """There is no room for the output; what is done of it is kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: the disk is full; make room or choose another -o")
        self._folder = folder

    def __reduce__(self) -> "tuple[type[DiskFullError], tuple[Path]]":
        """As it is made again in another process."""
        return DiskFullError, (self._folder,)


class LedgerError(OutputError):
    """The ledger of an output folder cannot be used; what is done of a film is kept."""


class ReelTakenError(OutputError):
    """Another run has the film in work."""


class ModelError(VidcolorError, ValueError):
    """A model is unknown, its weights are missing, or they are not what the table says."""


class SettingError(VidcolorError, ValueError):
    """A setting is out of its range or none of its choices."""


class ClusterError(VidcolorError):
    """Other machines cannot be reached, or do not do their part; what is done is kept."""


class UnexpectedError(VidcolorError):
    """A fault of the program, or of what it is made with, befell one reel; the others go on."""
