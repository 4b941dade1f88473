"""A film open in the studio, for tests."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from clips import Extras, write_film

from vidcolor.frame import Plane
from vidcolor.settings import ModelSettings, Settings
from vidcolor.studio import cli
from vidcolor.studio.session import Session
from vidcolor.web.gate import LOOPBACK, Gate

SHOT = 12
SHOTS = 3
WIDTH, HEIGHT = 96, 64
HOSTILE = "<img src=x onerror=hacked=1><script>hacked=1</script>\u202egnp &amp;"
"""Markup and a turned direction, if a page took it for that."""

FILM = "film <img src=x onerror=hacked=1>\u202egnp &amp;.mkv"
"""The same as a name that a file can have."""

TAGS = {"title": HOSTILE, "comment": 2000 * HOSTILE, "encoder": HOSTILE, "artist": "\x1b[31m"}


class Opened(NamedTuple):
    """A studio that runs.

    Attributes:
        session: Its film.
        gate: Whom it answers.
        film: The film's path.
    """

    session: Session
    gate: Gate
    film: Path

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """The status, the headers and the body of an answer."""
        own = {
            "Host": f"{LOOPBACK}:{self.gate.port}",
            "Origin": f"http://{LOOPBACK}:{self.gate.port}",
            "Cookie": f"{self.gate.cookie}={self.gate.token}",
        }
        given = own | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection(LOOPBACK, self.gate.port, timeout=30)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, path, data, given)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """What JSON an address answers."""
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, body: object) -> Any:
        """The same for a change."""
        status, _, answer = self.ask("POST", path, body)
        assert status == 200, answer
        return json.loads(answer)


def color_picture() -> bytes:
    """A reference that shows the second shot's thing, in oranges, as a PNG."""
    luma = shots()[SHOT].astype(float)[..., None]
    codes = np.clip(luma * (0.4, 0.9, 1.6), 0, 255).astype(np.uint8)  # BGR
    return bytes(cv2.imencode(".png", codes)[1])


def shots() -> list[Plane]:
    """Frames of three shots that are unlike each other."""
    planes: list[Plane] = []
    for seed in range(SHOTS):
        noise = np.random.default_rng(seed).integers(40, 220, (4, 6), dtype=np.uint8)
        still = noise.repeat(HEIGHT // 4, 0).repeat(WIDTH // 6, 1)
        planes += [np.roll(still, number, 1) for number in range(SHOT)]
    return planes


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Opened]:
    """A film of three shots, open."""
    pytest.importorskip("uvicorn", reason="the extra studio is not installed")
    from vidcolor.studio.api import Api
    from vidcolor.studio.routes import routes
    from vidcolor.web.server import PageServer, listen

    film = write_film(tmp_path / FILM, shots(), extras=Extras(metadata=TAGS))
    settings = Settings(model=ModelSettings(device="cpu", render_size=64))
    session = Session(film, None, film.with_suffix(".colors.toml"), settings)
    listening = listen(LOOPBACK, 0)
    gate = Gate(LOOPBACK, listening.getsockname()[1])
    page = Path(cli.__file__).with_name("page")
    server = PageServer(listening, gate, page, routes(lambda: Api(session)))
    session.begin()
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    session.strip.wait()
    yield Opened(session, gate, film)
    server.stop()
    thread.join()
    session.close()
