"""Serves routes and the files of a page; the one file that knows the server's libraries."""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.routing import Route as WebRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from vidcolor.errors import OutputError, VidcolorError
from vidcolor.web.gate import SAFE_HEADERS, Gate

BODY_SECONDS = 30
"""After which a request whose body does not come is given up."""

HEADER_SECONDS = 20
"""After which a connection is closed on which no whole request came."""

IDLE_SECONDS = 20
MOST_CONNECTIONS = 64

PAGE_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

JSON = "application/json"


class Request(NamedTuple):
    """What a browser asks.

    Attributes:
        path: The parts of its path that the route names.
        query: What stands behind `?` in its address.
        body: Its body, no larger than the route allows.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What a browser gets.

    Attributes:
        body: The bytes.
        kind: Their media type.
        status: HTTP's status code.
    """

    body: bytes
    kind: str = JSON
    status: int = HTTPStatus.OK


class Route(NamedTuple):
    """What is answered where.

    Attributes:
        method: GET or POST.
        path: As of starlette, `/api/frames/{number}`.
        answer: Called in a thread of its own. A `VidcolorError` becomes one line for the page.
        largest: Bytes that a body may have.
    """

    method: str
    path: str
    answer: Callable[[Request], Reply]
    largest: int = 0


def reply_json(facts: object, status: int = HTTPStatus.OK) -> Reply:
    """Facts as JSON."""
    return Reply(json.dumps(facts, allow_nan=False).encode(), JSON, status)


def reply_error(text: str, status: int) -> Reply:
    """One line that a page shows."""
    return reply_json({"error": text}, status)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        OutputError: The port is taken, or the address is not this machine's.
    """
    try:
        listening = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"{host}:{port}: cannot be listened on ({reason}). Name another --port."
        ) from error
    return listening


class _Impatient(H11Protocol):
    """A connection that is closed if no whole request comes on it."""

    _ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on if that was but a part of a request."""
        super().data_received(data)
        if self._is_asked and self._ending is not None:
            self._ending.cancel()
            self._ending = None
        elif not self._is_asked and self._ending is None:
            self._wait()

    @property
    def _is_asked(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._ending = self.loop.call_later(HEADER_SECONDS, self._end)

    def _end(self) -> None:
        self._ending = None
        if not self._is_asked and not self.transport.is_closing():
            self.transport.close()


class PageServer:
    """Serves a page and its routes until it is stopped.

    Args:
        listening: Where; see `listen`.
        gate: Who is answered.
        page: The folder of the page's files, `index.html` among them.
        routes: What else is answered.
    """

    def __init__(
        self, listening: socket.socket, gate: Gate, page: Path, routes: Sequence[Route]
    ) -> None:
        self._listening, self._gate = listening, gate
        self._files = {path.name: path for path in page.iterdir() if path.suffix in PAGE_KINDS}
        given = [self._guarded(route) for route in routes]
        own = [Route("GET", "/", self._index), Route("GET", "/page/{name}", self._file)]
        app = Starlette(routes=[*given, *map(self._guarded, own)])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=_Impatient,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=1,
                limit_concurrency=MOST_CONNECTIONS,
            )
        )

    def run(self) -> None:
        """Serve until `stop` is called, or Ctrl-C is pressed."""
        self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """End `run` soon; from any thread."""
        self._server.should_exit = True

    @property
    def is_running(self) -> bool:
        """Whether requests are answered."""
        return self._server.started and not self._server.should_exit

    def _index(self, _: Request) -> Reply:
        return self._sent(self._files["index.html"])

    def _file(self, request: Request) -> Reply:
        path = self._files.get(request.path["name"])
        if path is None:
            return reply_error("no such file", HTTPStatus.NOT_FOUND)
        return self._sent(path)

    def _sent(self, path: Path) -> Reply:
        return Reply(path.read_bytes(), PAGE_KINDS[path.suffix])

    def _guarded(self, route: Route) -> WebRoute:
        async def answer(asked: WebRequest) -> Response:
            headers, query = dict(asked.headers), dict(asked.query_params)
            refused = self._gate.refusal(asked.method, headers, query)
            if refused is not None:
                return _last(reply_error(f"refused: {refused}", HTTPStatus.FORBIDDEN))
            try:
                body = await asyncio.wait_for(_body(asked, route.largest), BODY_SECONDS)
            except TimeoutError:
                return _last(reply_error("too slow", HTTPStatus.REQUEST_TIMEOUT))
            if body is None:
                refused = f"more than {route.largest} bytes"
                return _last(reply_error(refused, HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            request = Request(asked.path_params, query, body)
            response = _response(await run_in_threadpool(_answered, route, request))
            if "token" in query:
                response.set_cookie(
                    self._gate.cookie, self._gate.token, httponly=True, samesite="strict"
                )
            return response

        return WebRoute(route.path, answer, methods=[route.method])


def _answered(route: Route, request: Request) -> Reply:
    """What a route answers; what a person can mend is one line."""
    try:
        return route.answer(request)
    except VidcolorError as error:
        return reply_error(str(error), HTTPStatus.UNPROCESSABLE_ENTITY)


async def _body(asked: WebRequest, largest: int) -> bytes | None:
    """The body of a request, never more of it in memory than `largest`; None for a larger one."""
    told = asked.headers.get("content-length", "0")
    if not told.isdigit() or int(told[:20]) > largest:
        return None
    body = bytearray()
    try:
        async for part in asked.stream():
            body += part
            if len(body) > largest:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, SAFE_HEADERS, media_type=reply.kind)


def _last(reply: Reply) -> Response:
    """A reply to a request whose body is not read, after which the connection is closed."""
    response = _response(reply)
    response.headers["connection"] = "close"
    return response
