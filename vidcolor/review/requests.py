"""Which requests the server takes: from pages of its own, few at once, each for a short time."""

import socket
from http.server import ThreadingHTTPServer
from threading import BoundedSemaphore, Timer
from typing import Any
from urllib.parse import urlsplit

MOST_AT_ONCE = 32
"""Connections; a browser opens some six."""

LONGEST_SECONDS = 30.0
"""From the beginning of a connection to its end: one request and its answer."""

WAIT_SECONDS = 1.0
_OUR_NAMES = {"127.0.0.1", "localhost", "::1"}


def is_ours(host: str, origin: str | None) -> bool:
    """Whether a request comes from a page of this server, or from no page.

    A page elsewhere can have a browser send requests here, by this machine's address (Origin tells
    it) or by a name of its own that leads to this machine (Host tells it). A tunnel may change the
    port, so that only the name counts.

    Args:
        host: The request's Host.
        origin: Its Origin; None if it has none, as from a program or a link.
    """
    try:
        is_here = urlsplit(f"//{host}").hostname in _OUR_NAMES
    except ValueError:
        return False
    return is_here and origin in (None, f"http://{host}")


class BoundedServer(ThreadingHTTPServer):
    """Serves at most `MOST_AT_ONCE` connections, and ends each after `LONGEST_SECONDS`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._places = BoundedSemaphore(MOST_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread, or close the connection if no place becomes free soon."""
        if self._places.acquire(timeout=WAIT_SECONDS):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, as long as there is time."""
        ending = Timer(LONGEST_SECONDS, _end, [request])
        ending.daemon = True
        ending.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            ending.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who went away, or was too slow, gets no answer."""


def _end(connection: socket.socket) -> None:
    """Have all that waits for a connection go on."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended
        return
