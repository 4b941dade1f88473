"""The names of numbered pictures. Standard library only."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

PICTURE_SUFFIXES = {
    *(".bmp", ".dng", ".dpx", ".exr", ".j2c", ".j2k", ".jp2", ".jpeg", ".jpg", ".png", ".tif"),
    *(".tiff", ".webp"),
}

_PATTERN = re.compile(r"((?:[^%]|%%)*)%(?:0([1-9]\d?))?d((?:[^%]|%%)*)")


@dataclass(frozen=True, slots=True)
class SequenceNames:
    """The names of a sequence's images: the part before the number, its digits, the part behind.

    Attributes:
        folder: Where the images lie.
        before: The part of their names before the number.
        digits: Numbers are filled up with zeros to this many digits.
        behind: The part behind the number, the suffix at its end.
    """

    folder: Path
    before: str
    digits: int
    behind: str

    @classmethod
    def parse(cls, path: Path) -> "SequenceNames | None":
        """The pattern that a path such as `reel/%06d.dpx` is, as FFmpeg has them; else None."""
        found = _PATTERN.fullmatch(path.name)
        if found is None or path.suffix.lower() not in PICTURE_SUFFIXES:
            return None
        before, digits, behind = found.groups()
        before, behind = before.replace("%%", "%"), behind.replace("%%", "%")
        return cls(path.parent, before, int(digits or 1), behind)

    @property
    def path(self) -> Path:
        """The pattern as `parse` takes it."""
        before, behind = (part.replace("%", "%%") for part in (self.before, self.behind))
        number = f"%0{self.digits}d" if self.digits > 1 else "%d"
        return self.folder / f"{before}{number}{behind}"

    @property
    def suffix(self) -> str:
        """What their names end with: `.dpx`."""
        return Path(self.name(0)).suffix

    @property
    def title(self) -> Path:
        """A name for the sequence without its number: `reel/scan.tif`, else its folder's.

        For `reel/%06d.dpx` it is `reel/reel.dpx`.
        """
        stem = f"{self.before}{self.behind.removesuffix(self.suffix)}".strip(" ._-()[]")
        return self.folder / f"{stem or self.folder.absolute().name or 'reel'}{self.suffix}"

    def within(self, folder: Path) -> "SequenceNames":
        """The same names in another folder."""
        return replace(self, folder=folder)

    def file(self, number: int) -> Path:
        """The picture of this number."""
        return self.folder / self.name(number)

    def name(self, number: int) -> str:
        """The name of the picture of this number."""
        return f"{self.before}{number:0{self.digits}d}{self.behind}"

    def number(self, name: str) -> int | None:
        """The number of the picture of this name; None if it is none of them."""
        text = name.removeprefix(self.before).removesuffix(self.behind)
        if not (text.isascii() and text.isdigit()):
            return None
        number = int(text)
        return number if self.name(number) == name else None
