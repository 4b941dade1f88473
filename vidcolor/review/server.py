"""The test that people take: trials one by one, and what is answered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock
from typing import Any

from vidcolor.review.pictures import Pair, encode
from vidcolor.review.store import Store
from vidcolor.review.trials import Trial, draw_trials
from vidcolor.web.server import Reply, Request, Route, reply_error, reply_json

PAGE = Path(__file__).with_name("page")

JPEG = "image/jpeg"
LARGEST_BODY = 10_000
NOT_FOUND = HTTPStatus.NOT_FOUND
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


def routes(test: Session) -> list[Route]:
    """What is answered beside the page and its files."""

    def begin(request: Request) -> Reply:
        if _object(request.body) is None:
            return reply_error("no request", HTTPStatus.BAD_REQUEST)
        return reply_json({"participant": test.store.admit()})

    def trial(request: Request) -> Reply:
        given = _object(request.body)
        found = given and test.next_trial(str(given.get("participant")))
        return reply_error("no such participant", NOT_FOUND) if not found else reply_json(found)

    def answer(request: Request) -> Reply:
        given = _object(request.body)
        taken = None if given is None else test.answer(given)
        return reply_error("no answer", NOT_FOUND) if taken is None else reply_json(taken)

    def picture(request: Request) -> Reply:
        data = test.fetch(request.path["name"])
        return reply_error("no such picture", NOT_FOUND) if data is None else Reply(data, JPEG)

    return [
        Route("GET", "/test", lambda _: reply_json({"singles": test.singles})),
        Route("GET", "/picture/{name}", picture),
        Route("POST", "/begin", begin, LARGEST_BODY),
        Route("POST", "/trial", trial, LARGEST_BODY),
        Route("POST", "/answer", answer, LARGEST_BODY),
    ]


def by_name(pairs: Sequence[Pair]) -> dict[str, Pair]:
    """The pairs by their names."""
    return {pair.name: pair for pair in pairs}


def _object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body is; None if it is none."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None
