"""What a colorized film comes to on the disk, and what lies beside it. Standard library only."""

from pathlib import Path

FILM_SUFFIXES = {".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".ts"}
"""Of films in one file; one in pictures is a folder."""


_PICTURES = ".pictures"


def beside(film: Path, suffix: str) -> Path:
    """A file that belongs to a film: film.colorized.json for film.colorized.mp4, or a folder."""
    is_file = film.suffix.lower() in FILM_SUFFIXES
    return film.with_suffix(suffix) if is_file else film.with_name(film.name + suffix)


def files_of(film: Path) -> list[Path]:
    """The file that a film is, or the pictures in its folder by their names."""
    return sorted(film.iterdir()) if film.is_dir() else [film]


def work_path(target: Path) -> Path:
    """Where the work on the film at `target` is kept."""
    return target.with_name(f".{target.name}.work")


def pictures_path(target: Path) -> Path:
    """Where the pictures of a film that becomes some are kept; they belong to the work on it."""
    return target.with_name(f".{target.name}{_PICTURES}")


def is_pictures(folder: Path) -> bool:
    """Whether a folder is one of these."""
    return folder.name.startswith(".") and folder.name.endswith(_PICTURES)


def pieces_path(target: Path) -> Path:
    """Where other machines leave the shots of a film, until they are taken into the work on it."""
    return target.with_name(f".{target.name}.work.pieces")
