"""Serves the test to browsers on this machine: a page, trials one by one, and what is answered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock
from typing import Any

from vidcolor.errors import OutputError
from vidcolor.review.pictures import Pair, encode
from vidcolor.review.requests import BoundedServer, is_ours
from vidcolor.review.store import Store
from vidcolor.review.trials import Trial, draw_trials

HOST = "127.0.0.1"
"""Nobody beyond this machine is served; a tunnel can carry it elsewhere."""

_PAGE = Path(__file__).with_name("page.html")
_LARGEST_BODY = 10_000
_MOST_PICTURES = 512
"""That wait to be fetched; older ones are forgotten."""


@dataclass(slots=True, eq=False)
class Session:
    """A test that people take.

    Attributes:
        pairs: What they see, by name.
        store: Where answers go.
        seconds: How long pictures are shown.
        count: Trials of each person that count.
        singles: One picture at a time.
        waiting: Pictures that a browser will fetch once, by names that tell nothing.
        lock: Held while `waiting` changes.
    """

    pairs: dict[str, Pair]
    store: Store
    seconds: float
    count: int
    singles: bool
    waiting: dict[str, bytes] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def trials(self, participant: str) -> list[Trial] | None:
        """Those of a participant; None if there is no such."""
        seed = self.store.seed_of(participant)
        if seed is None:
            return None
        return draw_trials(sorted(self.pairs), seed=seed, count=self.count, singles=self.singles)

    def next_trial(self, participant: str) -> dict[str, Any] | None:
        """What a browser needs to show the next trial; None if there is no such participant."""
        trials = self.trials(participant)
        if trials is None:
            return None
        number = self.store.next_number(participant)
        if number >= len(trials):
            return {"done": True}
        trial = trials[number]
        is_first = self.store.show(
            participant,
            number,
            picture=trial.picture,
            shows=trial.shows,
            is_practice=trial.is_practice,
        )
        if not is_first:
            return self.next_trial(participant)  # another window was faster
        pair = self.pairs[trial.picture]
        pictures = [pair.colorized if kind == "colorized" else pair.real for kind in trial.kinds]
        return {
            "done": False,
            "number": number,
            "of": len(trials),
            "practice": trial.is_practice,
            "seconds": self.seconds,
            "pictures": [self._offer(encode(picture)) for picture in pictures],
            "width": pair.real.shape[1],
            "height": pair.real.shape[0],
        }

    def answer(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """Take an answer; for practice what was right. None if it is none."""
        words = {"real", "colorized"} if self.singles else {"left", "right"}
        participant, number, said = (given.get(k) for k in ("participant", "number", "said"))
        seconds = given.get("seconds")
        if not (
            isinstance(participant, str)
            and isinstance(number, int)
            and isinstance(seconds, int | float)
            and isinstance(said, str)
            and said in words
        ):
            return None
        trials = self.trials(participant)
        if trials is None or not 0 <= number < len(trials):
            return None
        shows = self.store.answer(participant, number, said, float(seconds))
        if shows is None:
            return None
        return {"right": said == shows} if trials[number].is_practice else {}

    def fetch(self, name: str) -> bytes | None:
        """A picture that was offered, once."""
        with self.lock:
            return self.waiting.pop(name, None)

    def _offer(self, data: bytes) -> str:
        name = token_urlsafe(12)
        with self.lock:
            self.waiting[name] = data
            while len(self.waiting) > _MOST_PICTURES:
                self.waiting.pop(next(iter(self.waiting)))
        return name


def make_server(session: Session, port: int) -> BoundedServer:
    """A server of a test, not yet running.

    Args:
        session: The test.
        port: To listen on; 0 for a free one.

    Raises:
        OutputError: The port is taken.
    """

    class Handler(_Handler):
        test = session

    try:
        return BoundedServer((HOST, port), Handler)
    except OSError as error:
        raise OutputError(
            f"port {port}: cannot be listened on ({error.strerror}); name another --port"
        ) from error


def by_name(pairs: Sequence[Pair]) -> dict[str, Pair]:
    """The pairs by their names."""
    return {pair.name: pair for pair in pairs}


class _Handler(BaseHTTPRequestHandler):
    test: Session

    def do_GET(self) -> None:
        """The page, or a picture."""
        if not self._is_ours():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            page = _PAGE.read_text(encoding="utf-8")
            mode = "singles" if self.test.singles else "pairs"
            self._send(page.replace("{{mode}}", mode).encode(), "text/html; charset=utf-8")
        elif self.path.startswith("/picture/"):
            data = self.test.fetch(self.path.removeprefix("/picture/"))
            self._send(data, "image/jpeg")
        else:
            self._send(None, "")

    def do_POST(self) -> None:
        """A beginning, the next trial, or an answer."""
        given = self._body()
        if not self._is_ours():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif given is None:
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif self.path == "/begin":
            self._send_json({"participant": self.test.store.admit()})
        elif self.path == "/trial":
            self._send_json(self.test.next_trial(str(given.get("participant"))))
        elif self.path == "/answer":
            self._send_json(self.test.answer(given))
        else:
            self._send(None, "")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def _is_ours(self) -> bool:
        return is_ours(self.headers.get("Host", ""), self.headers.get("Origin"))

    def _body(self) -> dict[str, Any] | None:
        try:
            length = int(self.headers.get("Content-Length", 0))
            if not 0 < length <= _LARGEST_BODY:
                return None
            given = json.loads(self.rfile.read(length))
        except ValueError:
            return None
        return given if isinstance(given, dict) else None

    def _send_json(self, told: dict[str, Any] | None) -> None:
        self._send(None if told is None else json.dumps(told).encode(), "application/json")

    def _send(self, data: bytes | None, kind: str) -> None:
        if data is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)
