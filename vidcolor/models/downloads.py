"""Files of others from the network: fetched once into the user's cache folder, and checked."""

import hashlib
from pathlib import Path
from urllib.error import URLError

import platformdirs
import torch

from vidcolor.errors import ModelError


def fetch(url: str, begins: str, name: str, option: str) -> Path:
    """A file from the network, or from the cache folder if it is there.

    Args:
        url: Its address; its last part is its name.
        begins: Of its SHA-256.
        name: What it is, for the error.
        option: By which a file that was fetched elsewhere can be given, for the error.

    Raises:
        ModelError: It cannot be fetched, or what came is not it.
    """
    path = platformdirs.user_cache_path("vidcolor") / url.rpartition("/")[2]
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), begins, progress=False)
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"{name}: cannot be fetched from {url} ({error}); fetch it elsewhere and give "
            f"{option} PATH/{path.name}"
        ) from error
    return path


def refuse_other_file(path: Path, begins: str) -> None:
    """Raise if a file is not the one meant.

    Raises:
        ModelError: It is missing, or its SHA-256 begins otherwise.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: no such weights file") from error
    if not digest.startswith(begins):
        raise ModelError(
            f"{path}: not the released weights (SHA-256 begins {digest[:8]}, not {begins}); "
            "delete it and fetch it again"
        )
