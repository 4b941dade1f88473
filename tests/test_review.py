import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import soft_shot, write_film
from review_session import NAMES

from vidcolor.errors import SourceError
from vidcolor.review.cli import main
from vidcolor.review.pictures import LARGEST_SIDE, read_pairs
from vidcolor.review.rates import fooling_rate, recognition_rate
from vidcolor.review.store import Store
from vidcolor.review.trials import PRACTICE, draw_trials


def request_of(
    address: str, path: str, data: bytes | None = None, **headers: str
) -> urllib.request.Request:
    """A request as the page of a server makes it."""
    place, _, query = address.partition("?")
    own = {"Origin": place.rstrip("/")} | headers
    return urllib.request.Request(f"{place.rstrip('/')}{path}?{query}", data, own)


def ask(address: str, path: str, given: object) -> dict[str, Any] | None:
    """What the server answers to JSON; None if it is no good."""
    try:
        request = request_of(address, path, json.dumps(given).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())
    except urllib.error.HTTPError as error:
        error.close()
        return None


def color_of(address: str, name: str) -> tuple[str, bytes]:
    """What a served picture shows, and its bytes."""
    with urllib.request.urlopen(request_of(address, f"/picture/{name}"), timeout=10) as reply:
        data = reply.read()
    _, green, red = cv2.imdecode(np.frombuffer(data, np.uint8), 1)[30, 40].astype(int)
    return ("real" if red > green else "colorized"), data


@pytest.mark.parametrize("singles", [False, True])
def test_trials_are_drawn_evenly(*, singles: bool) -> None:
    """Half on each side, each picture once, practice on others; each person has a draw."""
    trials = draw_trials(NAMES, seed=3, count=10, singles=singles)
    counted = [trial for trial in trials if not trial.is_practice]
    assert (len(trials), len(counted)) == (PRACTICE + 10, 10)
    assert len({trial.picture for trial in trials}) == len(trials)
    sides = [trial.shows for trial in counted]
    words = ("real", "colorized") if singles else ("left", "right")
    assert [sides.count(word) for word in words] == [5, 5]
    assert trials == draw_trials(NAMES, seed=3, count=10, singles=singles)
    assert trials != draw_trials(NAMES, seed=4, count=10, singles=singles)


def test_few_pictures_leave_little_to_practise_on() -> None:
    """Of eight a quarter; all others count."""
    trials = draw_trials(NAMES[:8], seed=0, count=40, singles=False)
    assert [trial.is_practice for trial in trials] == [True] * 2 + [False] * 6


def test_a_whole_session(serve: Callable[..., str], tmp_path: Path) -> None:
    """Practice is told, the rest is not; pictures are given once under names that tell nothing."""
    address = serve()
    participant = ask(address, "/begin", {"x": 1})["participant"]
    seen = []
    while not (trial := ask(address, "/trial", {"participant": participant}))["done"]:
        kinds = [color_of(address, name)[0] for name in trial["pictures"]]
        assert sorted(kinds) == ["colorized", "real"]
        with pytest.raises(urllib.error.HTTPError) as gone:
            color_of(address, trial["pictures"][0])
        gone.value.close()
        said = ["left", "right"][kinds.index("colorized")]
        given = {"participant": participant, "number": trial["number"], "said": said, "seconds": 1}
        told = ask(address, "/answer", given)
        assert told == ({"right": True} if trial["practice"] else {})
        assert ask(address, "/answer", given) is None  # once
        seen.append(trial)
    assert len(seen) == PRACTICE + 6
    assert set(seen[0]) == {
        "done", "number", "of", "practice", "seconds", "pictures", "width", "height"
    }  # fmt: skip
    with Store(tmp_path / "answers") as store:
        answers = store.answers()
    assert len(answers) == 6
    assert fooling_rate(answers).share == 0
    assert len({answer.picture for answer in answers}) == 6


def test_what_was_seen_is_not_seen_again(serve: Callable[..., str]) -> None:
    """A reload goes on with the next trial, and the one that was not answered is lost."""
    address = serve()
    participant = ask(address, "/begin", {"x": 1})["participant"]
    first = ask(address, "/trial", {"participant": participant})
    second = ask(address, "/trial", {"participant": participant})
    assert (first["number"], second["number"]) == (0, 1)


def test_singles_ask_of_one_picture(serve: Callable[..., str], tmp_path: Path) -> None:
    """Said to be real whatever it is: all are fooled, and every real one is recognised."""
    address = serve(singles=True, count=8)
    participant = ask(address, "/begin", {"x": 1})["participant"]
    while not (trial := ask(address, "/trial", {"participant": participant}))["done"]:
        assert len(trial["pictures"]) == 1
        given = {"participant": participant, "number": trial["number"], "said": "real"}
        assert ask(address, "/answer", given | {"seconds": 0.5}) is not None
    with Store(tmp_path / "answers") as store:
        answers = store.answers()
    assert (fooling_rate(answers).share, fooling_rate(answers).answers) == (1, 4)
    assert (recognition_rate(answers).share, recognition_rate(answers).answers) == (1, 4)


@pytest.mark.parametrize(
    "given",
    [
        {"participant": "nobody", "number": 0, "said": "left", "seconds": 1},
        {"number": 0, "said": "middle"}, {"number": 99, "said": "left"},
        {"number": "0", "said": "left"}, {"said": "left"}, {"number": 1, "said": "left"},
        {"number": 0, "said": "left", "seconds": None}, {"number": 0, "said": ["left"]},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(serve: Callable[..., str], given: dict[str, Any]) -> None:
    """And the trial stays open for one."""
    address = serve()
    participant = ask(address, "/begin", {"x": 1})["participant"]
    ask(address, "/trial", {"participant": participant})
    right = {"participant": participant, "number": 0, "said": "left", "seconds": 1.0}
    if "number" in given and "said" in given:
        assert ask(address, "/answer", right | given) is None
    else:
        assert ask(address, "/answer", given) is None
    assert ask(address, "/answer", right) is not None


@pytest.mark.parametrize("path", ["/begin", "/trial", "/answer", "/elsewhere"])
def test_bad_requests_do_no_harm(serve: Callable[..., str], path: str) -> None:
    """Whatever is sent, the server goes on."""
    address = serve()
    for data in (b"", b"[]", b"{", b"x" * 20_000):
        with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as bad:
            urllib.request.urlopen(request_of(address, path, data), timeout=10)
        if isinstance(bad.value, urllib.error.HTTPError):
            bad.value.close()
    assert ask(address, "/begin", {"x": 1}) is not None
    assert ask(address, "/trial", {"participant": "../../etc"}) is None


def test_two_people_see_other_draws(serve: Callable[..., str]) -> None:
    """Their answers do not mix."""
    address = serve()
    people = [ask(address, "/begin", {"x": 1})["participant"] for _ in range(2)]
    trials = [ask(address, "/trial", {"participant": who}) for who in people]
    given = {"number": 0, "said": "left", "seconds": 1}
    assert ask(address, "/answer", given | {"participant": people[0]}) is not None
    assert ask(address, "/answer", given | {"participant": people[1]}) is not None
    assert len({name for trial in trials for name in trial["pictures"]}) == 4


def test_films_are_compared_frame_by_frame(tmp_path: Path) -> None:
    """Frames are spread evenly; large ones are shrunk alike."""
    luma = soft_shot(1, 9)
    real = write_film(tmp_path / "real.mkv", luma)
    colorized = write_film(tmp_path / "colorized.mkv", luma)
    pairs = read_pairs(real, colorized, 3)
    assert [pair.name for pair in pairs] == ["000000", "000004", "000008"]
    for pair in pairs:
        np.testing.assert_array_equal(pair.real, pair.colorized)
    short = write_film(tmp_path / "short.mkv", luma[:5])
    with pytest.raises(SourceError, match=r"short\.mkv: has 5 frames, but .*real\.mkv has 9"):
        read_pairs(real, short, 3)


def test_sizes_tell_nothing(tmp_path: Path) -> None:
    """A larger and a smaller one of a picture come out alike."""
    for name, side in (("a", 900), ("b", 450)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "x.png"), np.zeros((side, 2 * side, 3), np.uint8))
    (pair,) = read_pairs(tmp_path / "a", tmp_path / "b", 1)
    assert pair.real.shape == pair.colorized.shape == (LARGEST_SIDE // 2, LARGEST_SIDE, 3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--turing", "t", "--real", "none", "--colorized", "colorized"], "none: no such folder"),
        (["--turing", "t", "--real", "real", "--colorized", "f.mkv"], "name two folders, or two"),
        (["--turing", "t", "--real", "real", "--colorized", "empty"], "no picture of the same"),
        (["--turing", "t", "--real", "bad", "--colorized", "colorized"], "p00.png: not a picture"),
        (["--turing", "t", "--real", "f.mkv", "--colorized", "x.mkv"], "x.mkv: cannot be read as"),
        (["--results", "nothing"], "no answers there; name the folder of a test"),
        (["--turing", "f.mkv", "--real", "real", "--colorized", "colorized"], "cannot be used"),
    ],
)
def test_bad_input_is_one_line(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], *, arguments: list[str], told: str,
) -> None:  # fmt: skip
    """It names the file, and ends with 1."""
    monkeypatch.chdir(folders[0].parent)
    for name in ("empty", "bad"):
        Path(name).mkdir()
    Path("bad/p00.png").write_text("text")
    write_film(Path("f.mkv"), soft_shot(1, 2))
    Path("x.mkv").write_text("text")
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_taken_port_is_told(
    serve: Callable[..., str], folders: tuple[Path, Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With the remedy."""
    port = port_of(serve())
    real, colorized = map(str, folders)
    given = ["--turing", str(tmp_path / "t"), "--real", real, "--colorized", colorized]
    assert main([*given, "--port", port]) == 1
    assert f":{port}: cannot be listened on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Host", "evil.example", "another host"),
        ("Origin", "http://evil.example", "another page"),
        ("Origin", "http://127.0.0.1:1", "another page"),
    ],
)
def test_other_pages_change_nothing(
    serve: Callable[..., str], name: str, value: str, reason: str
) -> None:
    """Neither a question nor the page is answered, nor anybody who has not the link."""
    address = serve()
    for path, data in (("/", None), ("/begin", b'{"x": 1}')):
        for request, why in (
            (request_of(address, path, data, **{name: value}), reason),
            (request_of(address.partition("?")[0], path, data), "no token"),
        ):
            with pytest.raises(urllib.error.HTTPError, match="403") as refused:
                urllib.request.urlopen(request, timeout=10)
            assert why in refused.value.read().decode()
            refused.value.close()


def test_a_tunnel_may_change_the_port(serve: Callable[..., str]) -> None:
    """Then name and page have the tunnel's."""
    address = serve()
    for name in ("localhost:9000", "[::1]:9000"):
        asked = request_of(address, "/begin", b"{}", Host=name, Origin=f"http://{name}")
        with urllib.request.urlopen(asked, timeout=10) as reply:
            assert "participant" in json.loads(reply.read())


def test_who_says_nothing_keeps_no_place(
    serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent and slow connections end, and others are answered then."""
    monkeypatch.setattr("vidcolor.web.server.HEADER_SECONDS", 1)
    monkeypatch.setattr("vidcolor.web.server.BODY_SECONDS", 1)
    monkeypatch.setattr("vidcolor.web.server.MOST_CONNECTIONS", 4)
    monkeypatch.setattr("vidcolor.web.server.IDLE_SECONDS", 60)
    address = serve()
    place = ("127.0.0.1", int(port_of(address)))
    assert ask(address, "/begin", {"x": 1}) is not None
    silent = [socket.create_connection(place, 10) for _ in range(4)]
    token = address.partition("=")[2].encode()
    silent[0].sendall(
        b"POST /begin?token=" + token + b" HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
        b"Origin: http://127.0.0.1:1\r\nContent-Length: 9\r\n\r\n{"
    )
    silent[1].sendall(b"GET / HT")
    for one in silent:
        while one.recv(4096):
            pass
        one.close()
    assert ask(address, "/begin", {"x": 1}) is not None


def port_of(address: str) -> str:
    """The port of an address."""
    return address.partition("?")[0].rstrip("/").rpartition(":")[2]
