from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
import pytest

from vidcolor.review.pictures import read_pairs
from vidcolor.review.store import Store
from vidcolor.web.gate import LOOPBACK, Gate

NAMES = [f"p{number:02}" for number in range(20)]
SECONDS = 0.4
RED, GREEN = (40, 40, 220), (40, 200, 40)  # BGR: what is real, what is not


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Real pictures are red, colorized ones green."""
    real, colorized = tmp_path / "real", tmp_path / "colorized"
    for folder, color in ((real, RED), (colorized, GREEN)):
        folder.mkdir()
        for name in NAMES:
            cv2.imwrite(str(folder / f"{name}.png"), np.full((60, 80, 3), color, np.uint8))
    return real, colorized


@pytest.fixture
def serve(folders: tuple[Path, Path], tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts a server of a test; gives its address, the token in it."""
    pytest.importorskip("uvicorn", reason="the extra studio is not installed")
    from vidcolor.review.server import PAGE, Session, by_name, routes
    from vidcolor.web.server import PageServer, listen

    running: list[Any] = []

    def start(*, singles: bool = False, count: int = 6) -> str:
        store = Store(tmp_path / "answers", {"singles": singles})
        pairs = by_name(read_pairs(*folders, 5))
        session = Session(pairs=pairs, store=store, seconds=SECONDS, count=count, singles=singles)
        listening = listen(LOOPBACK, 0)
        gate = Gate(LOOPBACK, listening.getsockname()[1], any_port=True)
        server = PageServer(listening, gate, PAGE, routes(session))
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread, store))
        return gate.address

    yield start
    for server, thread, store in running:
        server.stop()
        thread.join()
        store.__exit__()
