import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import moving_luma, write_film

from vidcolor.cli.main import main

QUICK = ["--device", "cpu", "--render-size", "64"]


@pytest.fixture
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Work in an empty folder, and give signals back as they were."""
    monkeypatch.chdir(tmp_path)
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    }
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def film(name: str = "film.mkv", frames: int = 3, codec: str = "ffv1") -> Path:
    """A short black-and-white film in the working folder; nothing moves in it."""
    return write_film(Path(name), moving_luma(1, 64, 48) * frames, codec=codec)


def color_film(name: str = "color.mkv") -> Path:
    """A short film with two hues."""
    red = np.full((24, 32), 90, np.uint8)
    red[:, 16:] = 170
    chroma = red, red[:, ::-1]
    return write_film(Path(name), [(luma, *chroma) for luma in moving_luma(6, 64, 48)])


def names() -> set[str]:
    """What lies in the working folder, hidden files and folders' contents as well."""
    return {str(path) for path in Path().rglob("*")}


def run(*arguments: str | Path) -> int:
    """The exit code of the program in this process."""
    return main([*map(str, arguments), *QUICK])
