"""Which requests of browsers are answered: those of the person who started the program.

Any page that a browser shows can send requests to this machine, and any name can be made to point
at it (DNS rebinding). So a request needs a secret token, the name of this server as its Host, and
no other page as its Origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from secrets import token_urlsafe

LOOPBACK = "127.0.0.1"

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self'; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: the page runs its own scripts alone, and nobody else may embed it."""

_READING = {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Gate:
    """Says who is answered.

    Attributes:
        host: The address that the server listens on.
        port: Its port.
        token: The secret; whoever has it is the person who started the program.
        any_port: Whether the server may be asked under other ports, as a tunnel gives it.
    """

    host: str
    port: int
    token: str = field(default_factory=lambda: token_urlsafe(24), repr=False)
    any_port: bool = False

    @property
    def address(self) -> str:
        """What a browser opens; it holds the token."""
        return f"http://{self.host}:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the token: browsers share cookies between ports."""
        return f"vidcolor-{self.port}"

    def refusal(
        self, method: str, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> str | None:
        """Why a request is refused; None for one that is answered.

        Args:
            method: Of the request.
            headers: Of the request, by names in lower case.
            query: What stands behind `?` in its address.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_own(host):
            return "another host"
        if origin is not None and not self._is_own_page(origin, host):
            return "another page"
        if origin is None and method not in _READING:
            return "no page"
        given = query.get("token") or self._cookie_of(headers) or ""
        if not compare_digest(given.encode(), self.token.encode()):
            return "no token"
        return None

    def _is_own_page(self, origin: str, host: str) -> bool:
        """Whether a page is this server's; under other ports other servers may be."""
        if self.any_port:
            return origin == f"http://{host}"
        return origin.startswith("http://") and self._is_own(origin.removeprefix("http://"))

    def _is_own(self, host: str) -> bool:
        """Whether a name and its port are those of this server."""
        names = {self.host, "localhost", "[::1]"} if self.host == LOOPBACK else {self.host}
        name, _, port = host.rpartition(":")
        return name in names and port.isdigit() and (self.any_port or int(port) == self.port)

    def _cookie_of(self, headers: Mapping[str, str]) -> str | None:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return None
        return None if found is None else found.value
