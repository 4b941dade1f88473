"""Reference pictures that a page sends, kept beside the color script."""

import re
from pathlib import Path

import numpy as np
import torch

from vidcolor.color.lab import srgb_from_lab
from vidcolor.directing.pictures import SUFFIX_BY_KIND, parse_picture, read_picture, refuse_gray
from vidcolor.directing.read_script import SUFFIX
from vidcolor.errors import SettingError
from vidcolor.files import write_whole
from vidcolor.preview.stills import Picture

MOST_LETTERS = 40
_OTHER = re.compile(r"[^\w-]+|_+")


def keep_picture(data: bytes, name: str, script: Path) -> tuple[Path, bool]:
    """Keep a picture beside a color script; no file is overwritten.

    Args:
        data: The file's bytes.
        name: What it was called; of this only letters, digits and hyphens are used.
        script: The color script.

    Returns:
        The file, and whether it is new: the same picture is kept once.

    Raises:
        SettingError: It is no color picture.
        OutputError: It cannot be written.
    """
    shown = Path(_plain(name))
    picture = parse_picture(data, shown, "reference")
    refuse_gray(picture, shown, "reference")
    suffix = SUFFIX_BY_KIND[picture.kind]
    stem = f"{script.name.removesuffix(SUFFIX)}.reference-{shown}"
    for number in range(1, 10_000):
        path = script.with_name(f"{stem}{'' if number == 1 else f'-{number}'}{suffix}")
        if not path.exists():
            write_whole(path, data)
            return path, True
        if path.is_file() and path.read_bytes() == data:
            return path, False
    raise SettingError(f"{stem}{suffix}: there are too many of that name. Rename the picture.")


def show_picture(name: str, script: Path) -> Picture:
    """A reference picture, small, R'G'B', (H, W, 3).

    Args:
        name: As the script names it.
        script: The color script.

    Raises:
        SettingError: It cannot be read.
    """
    lab = read_picture(script.parent / name, "reference").lab
    codes = srgb_from_lab(torch.from_numpy(lab)).clamp(0, 1).mul(255).round().byte()
    return np.ascontiguousarray(codes.movedim(0, -1).numpy())


def _plain(name: str) -> str:
    """A name without anything that a file system or a page could take for more than letters."""
    stem = name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or name
    return _OTHER.sub("-", stem)[:MOST_LETTERS].strip("-").lower() or "picture"
