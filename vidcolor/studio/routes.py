"""The addresses that the studio's page asks for. They are known before the film is open.

So the page can be there while torch is loaded, which takes seconds. Meanwhile it shows the film's
first frame in black and white; its other questions wait.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from vidcolor.web.server import Reply, Request, Route

if TYPE_CHECKING:
    from vidcolor.studio.api import Api

LARGEST_BODY = 64 << 10
LARGEST_PICTURE = 64 << 20
"""Of a reference picture that is sent: a photograph of 60 million pixels as JPEG."""


def no_picture(_: Request) -> Reply:
    """There is none."""
    return Reply(b"", "image/jpeg", HTTPStatus.NO_CONTENT)


Answer = Callable[[Request], Reply]


def routes(opened: Callable[[], "Api"], first: Answer = no_picture) -> list[Route]:
    """All of them.

    Args:
        opened: What answers; waits until the film is open.
        first: Answers with its first picture, before it is open.
    """

    def answered(name: str) -> Answer:
        def answer(request: Request) -> Reply:
            found: Reply = getattr(opened(), name)(request)
            return found

        return answer

    asked = {"film": "film", "state": "state", "shots": "shots", "suggest": "suggest"}
    asked |= {"frame": "frames/{number:int}/{kind}", "reference": "references/{number:int}"}
    asked["look_at"] = "look-at"
    changed = ("look", "hint", "mark", "remove", "undo", "redo", "render", "clip", "stop", "sheet")
    return [
        Route("GET", "/api/first", first),
        *(Route("GET", f"/api/{path}", answered(name)) for name, path in asked.items()),
        *(
            Route("POST", f"/api/{name.replace('_', '-')}", answered(name), LARGEST_BODY)
            for name in changed
        ),
        Route("POST", "/api/references", answered("add_reference"), LARGEST_PICTURE),
    ]
