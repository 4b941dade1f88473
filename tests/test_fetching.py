"""Weights from a server of the test's own: whole, in parts, cut, wrong, and not there at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from vidcolor.errors import ModelError
from vidcolor.models import downloads as fetching
from vidcolor.models.downloads import RemoteFile, fetch

DATA = b"PK\x03\x04" + bytes(range(256)) * 20_000  # more than four of the chunks that are read
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server:
    """Answers with what the test asks it to.

    Attributes:
        data: What it has.
        cut: Bytes that it breaks off after; None for none.
        ranges: Whether it gives parts.
        asked: The ranges that it was asked for.
    """

    def __init__(self) -> None:
        self.data, self.cut, self.ranges = DATA, None, True
        self.asked: list[str | None] = []
        test = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                test.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # clients may leave when they will
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/weights.pth"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Give the file, or a part of it."""
        wanted = request.headers["Range"]
        self.asked.append(wanted)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if begin and begin >= len(self.data):
            request.send_error(416)
            return
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(self.data) - begin))
        request.end_headers()
        request.wfile.write(self.data[begin : self.cut])

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    one = Server()
    yield one
    one.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder."""
    monkeypatch.setattr(fetching.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    return tmp_path / "cache"


def remote(*urls: str, sha256: str = SHA256, size: int | None = None) -> RemoteFile:
    """The file as the table would have it."""
    return RemoteFile("net.pth", urls, sha256, size)


def refusal(file: RemoteFile) -> str:
    """What is said where it cannot be had; one line."""
    with pytest.raises(ModelError) as caught:
        fetch(file, "net's released weights", "--model")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("net's released weights: cannot be ")
    return str(caught.value)


def test_it_is_fetched_once(server: Server, cache: Path) -> None:
    """Under its own name, whatever that of the address; the second time nobody is asked."""
    path = fetch(remote(server.url, size=len(DATA)), "x", "--model")
    assert path == cache / "net.pth"
    assert path.read_bytes() == DATA
    assert fetch(remote(server.url), "x", "--model") == path
    assert server.asked == [None]
    assert [found.name for found in cache.iterdir()] == ["net.pth"]


def test_a_cut_download_is_gone_on_with(server: Server, cache: Path) -> None:
    """The next run asks for the rest alone."""
    server.cut = 3_000_000
    told = refusal(remote(server.url))
    assert f"ended after 3000000 of {len(DATA)} bytes" in told
    assert "the next run resumes it" in told
    assert not (cache / "net.pth").exists()
    server.cut = None
    assert fetch(remote(server.url), "x", "--model").read_bytes() == DATA
    assert server.asked == [None, "bytes=3000000-"]
    assert not (cache / "net.pth.part").exists()


def test_a_server_that_gives_no_parts_gives_all_again(server: Server, cache: Path) -> None:
    """What was there is overwritten."""
    cache.mkdir()
    (cache / "net.pth.part").write_bytes(DATA[:1000])
    server.ranges = False
    assert fetch(remote(server.url), "x", "--model").read_bytes() == DATA


def test_what_is_whole_but_unnamed_is_only_checked(server: Server, cache: Path) -> None:
    """A run that ended just before its end."""
    cache.mkdir()
    (cache / "net.pth.part").write_bytes(DATA)
    assert fetch(remote(server.url), "x", "--model").read_bytes() == DATA
    assert server.asked == [f"bytes={len(DATA)}-"]


def test_the_next_address_is_tried(server: Server, cache: Path) -> None:
    """Where the first is dead, or breaks off, the second goes on."""
    assert fetch(remote("http://127.0.0.1:1/x", server.url), "x", "--model").read_bytes() == DATA
    (cache / "net.pth").unlink()
    server.cut = 2_000_000
    assert "nor" in refusal(remote(server.url, "http://127.0.0.1:1/x"))
    assert (cache / "net.pth.part").stat().st_size == 2_000_000


def test_a_wrong_hash_is_refused_and_thrown_away(server: Server, cache: Path) -> None:
    """Both hashes are told, nothing is kept."""
    told = refusal(remote(server.url, sha256="0" * 64))
    assert f"its SHA-256 is {SHA256}, not {'0' * 64}" in told
    assert list(cache.iterdir()) == []


def test_another_size_is_refused_before_it_is_fetched(server: Server, cache: Path) -> None:
    """Hundreds of megabytes are not brought to be thrown away."""
    assert f"{len(DATA)} bytes in place of 7" in refusal(remote(server.url, size=7))
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "a web page in place of weights"),
        (b"\n <html>", "a web page in place of weights"),
        (b"version https://git-lfs", r"data that begin with b'version '"),
    ],
)
def test_a_web_page_in_place_of_weights_is_named(
    server: Server, cache: Path, data: bytes, named: str
) -> None:
    """What torch would say of it is `invalid load key`."""
    server.data = data
    told = refusal(remote(server.url))
    assert named in told
    assert "kept" not in told
    assert list(cache.iterdir()) == []


def test_without_a_server_it_says_what_to_do(cache: Path) -> None:
    """The address, the reason, where to put the file, and the option that takes it."""
    told = refusal(remote("http://127.0.0.1:1/weights.pth"))
    assert "http://127.0.0.1:1/weights.pth (Connection refused)" in told
    assert f"put it at {cache / 'net.pth'}, or give --model PATH" in told
    assert list(cache.iterdir()) == []


def test_a_missing_file_is_named(server: Server, cache: Path) -> None:
    """A server that has it no more."""
    server.answer = lambda request: request.send_error(404)
    assert "Not Found" in refusal(remote(server.url))
    assert list(cache.iterdir()) == []


def test_a_full_disk_is_seen_before(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the server says of the file's size."""
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert f"cannot be kept in {cache} (no room for 5 MB)" in refusal(remote(server.url))
    assert list(cache.iterdir()) == []


def test_a_disk_that_fills_keeps_nothing(server: Server, cache: Path) -> None:
    """What came of it would only be in the way."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    cache.mkdir()
    (cache / "net.pth.part").symlink_to("/dev/full")
    told = refusal(remote(server.url))
    assert f"cannot be kept in {cache} (No space left on device)" in told
    assert list(cache.iterdir()) == []
