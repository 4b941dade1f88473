"""Who is answered by a page's server."""

import pytest

from vidcolor.web.gate import Gate

GATE = Gate("127.0.0.1", 8000, "secret")
OWN = {"host": "127.0.0.1:8000", "cookie": "other=1; vidcolor-8000=secret"}


def test_the_person_who_started_it_is_answered() -> None:
    """By the link that is printed, then by the cookie; changes come from the page itself."""
    assert GATE.address == "http://127.0.0.1:8000/?token=secret"
    assert GATE.refusal("GET", {"host": "localhost:8000"}, {"token": "secret"}) is None
    assert GATE.refusal("GET", OWN, {}) is None
    for origin in ("http://127.0.0.1:8000", "http://localhost:8000"):
        assert GATE.refusal("POST", OWN | {"origin": origin}, {}) is None


@pytest.mark.parametrize(
    ("method", "changed", "query", "reason"),
    [
        ("GET", {"host": "evil.example:8000"}, {}, "another host"),
        ("GET", {"host": "127.0.0.1:9000"}, {}, "another host"),
        ("GET", {"host": ""}, {}, "another host"),
        ("GET", {"origin": "http://evil.example"}, {}, "another page"),
        ("POST", {"origin": "null"}, {}, "another page"),
        ("POST", {"origin": "https://127.0.0.1:8000"}, {}, "another page"),
        ("POST", {}, {}, "no page"),
        ("GET", {"cookie": ""}, {}, "no token"),
        ("GET", {"cookie": "vidcolor-8000=secreT"}, {}, "no token"),
        ("GET", {"cookie": "vidcolor-9000=secret"}, {}, "no token"),
        ("GET", {"cookie": "\x00=;;=\xff"}, {}, "no token"),
        ("GET", {}, {"token": "wrong"}, "no token"),
        ("GET", {}, {"token": "wröng"}, "no token"),
    ],
)
def test_others_are_refused(
    method: str, changed: dict[str, str], query: dict[str, str], reason: str
) -> None:
    """Other pages, names that were made to point here, and whoever lacks the token."""
    assert GATE.refusal(method, OWN | changed, query) == reason


def test_an_address_of_the_network_answers_to_itself_alone() -> None:
    """Where --host lets others in, localhost is no name of it."""
    gate = Gate("192.168.1.7", 8000, "secret")
    assert gate.refusal("GET", {"host": "192.168.1.7:8000"}, {"token": "secret"}) is None
    assert gate.refusal("GET", {"host": "localhost:8000"}, {"token": "secret"}) == "another host"


def test_a_tunnel_may_change_the_port() -> None:
    """If that is allowed; then the page is the one of the very name that was asked."""
    gate, query = Gate("127.0.0.1", 8000, "secret", any_port=True), {"token": "secret"}
    for host in ("127.0.0.1:8000", "localhost:9000", "[::1]:9000"):
        assert gate.refusal("POST", {"host": host, "origin": f"http://{host}"}, query) is None
        other = {"host": host, "origin": "http://localhost:8001"}
        assert gate.refusal("POST", other, query) == "another page"
    for host in ("evil.example:8000", "127.0.0.1.evil.example", "[127.0.0.1", "localhost"):
        assert gate.refusal("GET", {"host": host}, query) == "another host"


def test_tokens_are_long_and_not_shown_by_accident() -> None:
    """Nobody guesses them, and a log of the object has none."""
    one, other = Gate("127.0.0.1", 1), Gate("127.0.0.1", 1)
    assert one.token != other.token
    assert len(one.token) >= 32
    assert one.token not in repr(one)
