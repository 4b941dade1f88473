"""A film in the studio, asked as its page asks."""

import json
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from clips import write_film
from numpy.typing import NDArray
from studio_session import HEIGHT, SHOT, SHOTS, WIDTH, Opened, color_picture, shots

from vidcolor import colorize_video
from vidcolor.color.rgb import luma_of_rgb
from vidcolor.errors import SettingError
from vidcolor.film.evidence import evidence_of_frames
from vidcolor.frame import Matrix, Numbered
from vidcolor.models.zoo import find_model
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.shot import Shot
from vidcolor.studio.desk import Kept
from vidcolor.studio.session import Session
from vidcolor.studio.shot_script import script_of_shot
from vidcolor.web.gate import LOOPBACK


def picture(studio: Opened, frame: int, kind: str, query: str = "") -> NDArray[np.uint8]:
    """A picture that the page shows, R'G'B'."""
    status, headers, body = studio.ask("GET", f"/api/frames/{frame}/{kind}?{query}")
    assert status == 200, body
    assert headers["content-type"] == ("image/jpeg" if "side" in query else "image/png")
    decoded = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, np.uint8)


def finished(studio: Opened) -> dict[str, object]:
    """How a rendering ended."""
    until = monotonic() + 120
    while monotonic() < until:
        run: dict[str, object] = studio.get("/api/state")["render"]
        if run["state"] not in {"running", "stopping"}:
            return run
        sleep(0.05)
    pytest.fail("the rendering does not end")


def test_a_film_is_shown(studio: Opened) -> None:
    """Its facts, its shots with their frames and times, and any of its frames, code by code."""
    film = studio.get("/api/film")
    assert (film["width"], film["height"]) == (WIDTH, HEIGHT)
    assert film["name"] == studio.film.name
    state = studio.get("/api/state")
    assert (state["frames"], state["whole"], state["error"]) == (SHOT * SHOTS, True, None)
    found = studio.get("/api/shots?from=0")
    assert [(shot["number"], shot["first"], shot["last"]) for shot in found] == [
        (n + 1, n * SHOT, (n + 1) * SHOT - 1) for n in range(SHOTS)
    ]
    assert found[1]["seconds"] == pytest.approx(SHOT / film["rate"], abs=0.002)
    assert [shot["number"] for shot in studio.get("/api/shots?from=2")] == [3]
    for frame in (30, 3, 4, 35, 0):  # on, back, the next one, the last one
        gray = picture(studio, frame, "before")
        assert gray.shape == (HEIGHT, WIDTH, 3)
        expected = np.clip((shots()[frame].astype(float) - 16) / 219, 0, 1) * 255
        assert np.abs(gray - expected[..., None]).max() <= 1
    small = picture(studio, 30, "before", "side=48")
    assert small.shape == (HEIGHT // 2, WIDTH // 2, 3)


def test_the_first_picture_is_there_before_the_film_is_open(tmp_path: Path) -> None:
    """What the desk shows of the first frame, but for JPEG; what cannot be shown is left to it."""
    pytest.importorskip("uvicorn", reason="the extra studio is not installed")
    from vidcolor.studio.first import FirstPicture, draw_first
    from vidcolor.web.server import Request

    path, shape = tmp_path / "film.mp4", Fraction(3, 2)
    film = write_film(path, shots()[:2], codec="libx264", sample_aspect_ratio=shape)
    drawn = draw_first(film)
    assert drawn is not None
    shown = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_GRAYSCALE)
    session = Session(film, None, tmp_path / "colors.toml", Settings())
    session.begin()
    gray = session.desk.gray(0, 8192)[..., 0]
    session.close()
    assert shown.shape == gray.shape == (HEIGHT, WIDTH * 3 // 2)
    assert np.abs(shown.astype(int) - gray).mean() < 2
    nothing = Request({}, {}, b"")
    for path in (tmp_path / "no.mkv", tmp_path):
        first = FirstPicture(path)
        first.make()
        assert first.answer(nothing).status == 204
    first = FirstPicture(film)
    first.make()
    assert first.answer(nothing).body == drawn


def test_colors_are_those_of_the_film(studio: Opened) -> None:
    """A frame's preview is what a film of that frame alone gets."""
    frame = SHOT  # the first of a shot: nothing before it smooths its colors
    shown = picture(studio, frame, "after").astype(float)
    settings = Settings(
        model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(lossless=True)
    )
    made = colorize_video(studio.film, studio.film.with_name("made.mkv"), settings)
    capture = cv2.VideoCapture(str(made.path))
    frames = [capture.read()[1][..., ::-1].astype(float) for _ in range(frame + 1)]
    color = np.abs(frames[-1] - frames[-1].mean(-1, keepdims=True)).mean()
    assert color > 2
    assert np.abs(shown - frames[-1]).mean() < color / 2


def test_steering_changes_what_it_is_for(studio: Opened) -> None:
    """A shot, here made grey: its picture and its table in the script, and nothing else."""
    own, other = SHOT + 2, 2
    before = [picture(studio, frame, "after") for frame in (own, other)]
    state = studio.post("/api/look", {"shots": [2, 2], "settings": {"saturation": 0}})
    assert state["script"]["changed"] == [[2, 2]]
    after = [picture(studio, frame, "after") for frame in (own, other)]
    assert np.ptp(after[0].astype(int), axis=-1).max() <= 2
    assert np.ptp(before[0].astype(int), axis=-1).max() > 10
    np.testing.assert_array_equal(after[1], before[1])
    script = tomllib.loads(studio.film.with_suffix(".colors.toml").read_text())
    assert script == {"range": [{"shots": "2", "saturation": 0}]}
    assert [shot["look"] for shot in studio.get("/api/shots?from=0")] == [{}, {"saturation": 0}, {}]
    studio.post("/api/undo", {})
    np.testing.assert_array_equal(picture(studio, own, "after"), before[0])
    studio.post("/api/redo", {})
    np.testing.assert_array_equal(picture(studio, own, "after"), after[0])


def test_a_shot_is_played_as_the_film_has_it(studio: Opened) -> None:
    """Smoothed over time, as much as the script says; hints go along, and no cut is crossed."""
    session, shot = studio.session, range(SHOT, 2 * SHOT)

    def shown(give: Callable[..., Any], frames: range = shot) -> NDArray[np.int64]:
        session.script.refresh()
        return np.stack([give(one, session.wanted(), WIDTH) for one in frames]).astype(int)

    settings = Settings(
        model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(lossless=True)
    )
    made = colorize_video(studio.film, studio.film.with_name("made.mkv"), settings)
    capture = cv2.VideoCapture(str(made.path))
    film = np.stack([capture.read()[1][..., ::-1] for _ in range(2 * SHOT)])[SHOT:].astype(int)
    alone = shown(lambda *given: session.desk.color(*given).picture)
    played = shown(session.desk.play)

    def miss(colors: NDArray[np.int64]) -> float:
        difference = colors - film  # less what is gray in it: luma is rounded in both
        return float(np.abs(difference - difference.mean(-1, keepdims=True)).mean())

    assert miss(played) < 0.7 * miss(alone)
    assert np.abs(played - alone).max() > 4
    middle = shown(session.desk.play, range(SHOT + 4, SHOT + 6))  # begins anew there
    assert np.abs(middle - film[4:6]).mean() < 2 * np.abs(played - film).mean()
    studio.post("/api/look", {"shots": [2, 2], "settings": {"smoothing": 0}})
    assert np.abs(shown(session.desk.play) - alone).max() <= 2
    box = [0.1, 0.1, 0.3, 0.3]
    studio.post("/api/hint", {"frame": SHOT + 5, "box": box, "color": "#3040c0"})
    hinted = shown(session.desk.play)[[2, 9], round(0.25 * HEIGHT), round(0.25 * WIDTH)]
    assert (hinted[:, 2] > hinted[:, 0] + 20).all()
    status, headers, _ = studio.ask("GET", f"/api/frames/{SHOT}/played?side=640")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert studio.ask("GET", "/api/frames/99/played")[0] == 422


def test_a_hint_colors_its_thing(studio: Opened) -> None:
    """In its frame at once, in a clip of its shot, and in no other shot."""
    frame, place = SHOT + 5, (0.4, 0.6)
    state = studio.post("/api/hint", {"frame": frame, "at": place, "color": "#3040c0"})
    (hint,) = state["script"]["hints"]
    assert (hint["frame"], hint["color"]) == (frame, "#3040c0")
    assert [len(shot["hints"]) for shot in studio.get("/api/shots?from=0")] == [0, 1, 0]
    row, column = round(place[1] * HEIGHT), round(place[0] * WIDTH)
    red, _, blue = picture(studio, frame, "after")[row, column].astype(int)
    assert blue > red + 20
    studio.post("/api/clip", {"shot": 2})
    assert finished(studio)["state"] == "done"
    clip = cv2.VideoCapture(str(studio.film.with_name(f"{studio.film.stem}.shot2.mp4")))
    right = [clip.read()[1][:, WIDTH // 2 + 4 :].astype(int) for _ in range(SHOT)]
    assert max(float((one[..., 0] - one[..., 2]).max()) for one in right) > 20  # BGR: blue
    for wrong in ({"frame": 999, "at": place}, {"frame": 1, "at": [2, 0]}, {"frame": 1, "at": 3}):
        assert studio.ask("POST", "/api/hint", wrong | {"color": "#000000"})[0] == 422
    assert studio.ask("POST", "/api/hint", {"frame": 1, "at": place, "color": "red"})[0] == 422
    state = studio.post("/api/remove", {"kind": "hint", "number": 0})
    assert state["script"]["hints"] == []


def test_strokes_and_boxes_color_what_they_cover(studio: Opened) -> None:
    """Also taking color away; what is said in one frame shows in the others of its shot."""
    frame = SHOT + 5
    before, plain = (picture(studio, one, "after").astype(int) for one in (frame + 2, frame))
    other = picture(studio, 2, "after")
    box = [0.1, 0.1, 0.3, 0.3]
    studio.post("/api/hint", {"frame": frame, "box": box, "color": "#3040c0"})
    own, near = (picture(studio, one, "after").astype(int) for one in (frame, frame + 2))
    inside = np.s_[
        round(0.2 * HEIGHT) : round(0.3 * HEIGHT), round(0.2 * WIDTH) : round(0.3 * WIDTH)
    ]
    for shown in (own, near):  # the picture moves by a pixel a frame
        assert (shown[inside][..., 2] - shown[inside][..., 0]).mean() > 20
    assert (before[inside][..., 2] - before[inside][..., 0]).mean() < 10
    np.testing.assert_array_equal(picture(studio, 2, "after"), other)
    stroke = [[0.5, 0.8], [0.9, 0.8]]
    given = {"frame": frame, "stroke": stroke, "radius": 0.05, "color": "neutral"}
    state = studio.post("/api/hint", given)
    assert [one["shape"] for one in state["script"]["hints"]] == ["box", "stroke"]
    tables = tomllib.loads(studio.film.with_suffix(".colors.toml").read_text())["hint"]
    assert tables[0]["box"] == box
    assert tables[1] == given
    along = np.s_[round(0.8 * HEIGHT), round(0.55 * WIDTH) : round(0.85 * WIDTH)]
    mixed = picture(studio, frame, "after").astype(int)
    assert np.ptp(mixed[along], -1).mean() < np.ptp(plain[along], -1).mean() / 2
    for wrong in ({"stroke": [[0, 0]]}, {"stroke": [[0, 0], [2, 0]]}, {"box": [0, 0, 1]}, {}):
        given = {"frame": frame, "color": "#3040c0"} | wrong
        assert studio.ask("POST", "/api/hint", given)[0] == 422
    long = {"frame": frame, "color": "#3040c0", "stroke": [[0.5, 0.5]] * 501}
    assert studio.ask("POST", "/api/hint", long)[0] == 422


def test_a_reference_is_kept_beside_the_script(studio: Opened) -> None:
    """Its shot takes its colors and no other does; the same picture is kept once."""
    frames = SHOT, 2
    before = [picture(studio, frame, "after") for frame in frames]
    address = "/api/references?first=2&name=..%2F..%2FK%20%3Cb%3Echen_001734.EXE"
    for _ in range(2):
        status, _, body = studio.ask("POST", address, color_picture())
        assert status == 200, body
    (listed,) = json.loads(body)["script"]["references"]
    folder = studio.film.parent
    (kept,) = folder.glob("*reference*")
    assert kept.name == f"{studio.film.stem}.reference-k-b-chen-001734.png" == listed["name"]
    assert kept.read_bytes() == color_picture()
    script = studio.film.with_suffix(".colors.toml")
    assert tomllib.loads(script.read_text()) == {
        "reference": [{"picture": kept.name, "shots": "2"}]
    }
    after = [picture(studio, frame, "after") for frame in frames]
    assert np.abs(after[0].astype(int) - before[0]).max() > 5
    np.testing.assert_array_equal(after[1], before[1])
    status, headers, shown = studio.ask("GET", "/api/references/0")
    assert (status, headers["content-type"], shown[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert studio.ask("GET", "/api/references/1")[0] == 404
    status, _, body = studio.ask("POST", "/api/references?frame=14&name=x.png", color_picture())
    assert json.loads(body)["script"]["references"][1]["frame"] == 14
    assert len(list(folder.glob("*reference*"))) == 2
    assert studio.post("/api/remove", {"kind": "reference", "number": 1})["script"]["references"]


def test_a_frame_is_matched_with_one_colored_by_hand(studio: Opened) -> None:
    """As in the film: where motion does not lead to it likeness may."""
    studio.ask("POST", f"/api/references?frame={SHOT}&name=x.png", color_picture())
    session, wanted = studio.session, studio.session.wanted()
    first, other = (
        Numbered(session.desk.frame(number), Shot(1, None), None) for number in (SHOT, SHOT + 9)
    )
    model = find_model(session.settings.model)
    evidence = evidence_of_frames([other], model, wanted.settings, wanted.direction, [first])(
        other.shot
    )
    assert evidence is not None
    ((reference, least),) = evidence.references.items()
    evidence.close()
    assert reference.path is not None
    assert reference.path.name.endswith("reference-x.png")
    assert least >= 0


def test_what_is_no_color_picture_is_not_kept(studio: Opened) -> None:
    """Whatever it is called, and however large it says it is."""
    gray = bytes(cv2.imencode(".png", np.full((32, 48, 3), 90, np.uint8))[1])
    tall = bytes(cv2.imencode(".png", np.full((96, 16, 3), (200, 60, 40), np.uint8))[1])
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    for data, query, words in (
        (gray, "", "is gray"),
        (tall, "&frame=3", "times as wide as high"),
        (postscript, "", "cannot be read as a picture"),
        (color_picture()[:200], "", "cannot be read as a picture"),
        (b"", "", "cannot be read as a picture"),
    ):
        status, _, body = studio.ask("POST", f"/api/references?name=x.png{query}", data)
        assert (status, words in json.loads(body)["error"]) == (422, True), body
    status, _, body = studio.ask("POST", "/api/references", b"", Content_Length=str(1 << 30))
    assert (status, b"67108864" in body) == (413, True)
    assert not list(studio.film.parent.glob("*reference*"))
    assert not studio.film.with_suffix(".colors.toml").exists()


def test_some_frames_are_steered_and_shots_are_marked(studio: Opened) -> None:
    """Both stand in the script; a mark changes no color."""
    shown = picture(studio, SHOT + 2, "after")
    state = studio.post("/api/mark", {"shot": 2, "marked": True})
    assert [one["marked"] for one in studio.get("/api/shots?from=0")] == [False, True, False]
    assert state["script"]["version"] == ""
    gray = {"frames": [SHOT, SHOT + 3], "settings": {"saturation": 0}}
    studio.post("/api/look", gray)
    path = studio.film.with_suffix(".colors.toml")
    assert tomllib.loads(path.read_text()) == {
        "film": {"marked": "2"},
        "range": [{"frames": "12-15", "saturation": 0}],
    }
    assert studio.get("/api/look-at?first=12&last=15") == {"saturation": 0}
    assert studio.get("/api/look-at?first=12&last=16") == {}
    assert np.ptp(picture(studio, SHOT + 2, "after").astype(int), -1).max() <= 2
    studio.post("/api/look", gray | {"settings": {"saturation": None}})
    studio.post("/api/mark", {"shot": 2, "marked": False})
    assert tomllib.loads(path.read_text()) == {}
    np.testing.assert_array_equal(picture(studio, SHOT + 2, "after"), shown)


def test_the_likeliest_colors_of_a_place(studio: Opened) -> None:
    """At most five, the likeliest first, as many percent as there are."""
    found = studio.get("/api/suggest?frame=3&x=0.4&y=0.6")
    assert 1 <= len(found) <= 5
    shares = [one["probability"] for one in found]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.01
    assert all(len(one["color"]) == 7 for one in found)
    assert len({one["color"] for one in found}) == len(found)


def test_the_film_is_rendered_as_it_was_steered(studio: Opened) -> None:
    """A second run colors what changed; a film that is there is replaced only if that is said."""
    studio.post("/api/render", {})
    run = finished(studio)
    assert (run["state"], run["frames"], run["notes"]) == ("done", SHOT * SHOTS, [])
    output = studio.session.output
    assert output.name == f"{studio.film.stem}.colorized.mkv"
    written = output.read_bytes()
    state = studio.post("/api/look", {"shots": [2, 2], "settings": {"color": False}})
    assert state["made"]
    status, _, body = studio.ask("POST", "/api/render", {})
    assert (status, json.loads(body)["error"]) == (422, f"{output.name} exists already")
    assert output.read_bytes() == written
    studio.post("/api/render", {"replace": True})
    run = finished(studio)
    assert run["state"] == "done"
    assert run["notes"][0].startswith("coloring 1 of 3 shots")  # type: ignore[index]
    shown = read_sidecar(output.with_suffix(".json"))["shots"]
    assert [shot["colorfulness"] == 0 for shot in shown] == [False, True, False]
    for frame in (2, SHOT, 2 * SHOT + 5):  # as it is in the file
        made, gray = picture(studio, frame, "made").astype(int), picture(studio, frame, "before")
        assert np.ptp(made, -1).mean() == pytest.approx(0, abs=1) or frame != SHOT
        assert np.ptp(made, -1).mean() > 3 or frame == SHOT
        assert np.abs(made.mean(-1) - gray.mean(-1)).mean() < 12


def test_a_rendering_that_is_stopped_goes_on(studio: Opened) -> None:
    """Nothing lies under the film's name meanwhile, and a second run is refused."""
    stops = studio.session.rendering

    def stop_soon(done: int, of: int) -> None:
        if done > SHOT:
            stops.stop()
        follow(done, of)

    follow, stops._follow = stops._follow, stop_soon  # type: ignore[method-assign]
    studio.post("/api/render", {})
    status, _, body = studio.ask("POST", "/api/render", {})
    assert status == 422, body
    assert finished(studio)["state"] == "stopped"
    assert not studio.session.output.exists()
    stops._follow = follow  # type: ignore[method-assign]
    studio.post("/api/render", {})
    assert finished(studio)["state"] == "done"


def test_a_shot_is_rendered_to_be_shown(studio: Opened) -> None:
    """With its own look, half of it in black and white; the script's numbers do not confuse it."""
    studio.post("/api/look", {"shots": [3, 3], "settings": {"saturation": 0.5}})
    studio.post("/api/clip", {"shot": 3})
    run = finished(studio)
    assert (run["state"], run["frames"]) == ("done", SHOT), run
    clip = studio.film.with_name(f"{studio.film.stem}.shot3.mp4")
    ok, frame = cv2.VideoCapture(str(clip)).read()
    assert ok
    spread = np.ptp(frame.astype(int), axis=-1).mean(0)
    assert spread[: WIDTH // 2 - 4].mean() < 2 < spread[WIDTH // 2 + 4 :].mean()
    studio.post("/api/clip", {"shot": 3, "both": True})
    assert finished(studio)["state"] == "done"
    both = cv2.VideoCapture(str(studio.film.with_name(f"{studio.film.stem}.shot3.both.mp4")))
    count = 0
    while (read := both.read())[0]:
        frame, count = read[1].astype(int), count + 1
        assert frame.shape == (HEIGHT, 2 * WIDTH, 3)
        left, right = np.ptp(frame[:, :WIDTH], -1), np.ptp(frame[:, WIDTH:], -1)
        assert left.mean() < 2 < right.mean()
        assert np.abs(frame[:, :WIDTH].mean(-1) - frame[:, WIDTH:].mean(-1)).mean() < 8
    assert count == SHOT
    assert not [path for path in studio.film.parent.iterdir() if path.name.startswith(".vidcolor")]


def test_a_contact_sheet_shows_what_was_steered(studio: Opened) -> None:
    """Each shot before and after; it says that its color is synthetic, and overwrites nothing."""
    studio.post("/api/look", {"shots": [2, 2], "settings": {"color": False}})
    assert studio.post("/api/sheet", {}) == {"name": f"{studio.film.stem}.preview.png"}
    path = studio.film.with_name(f"{studio.film.stem}.preview.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert b"synthetic color by vidcolor" in path.read_bytes()
    drawn = cv2.imread(str(path)).astype(int)
    spread = np.ptp(drawn, -1)
    lower = spread[drawn.shape[0] // 2 : -40]  # the row of colored pictures
    thirds = [part[:, 20:-20].mean() for part in np.array_split(lower, SHOTS, axis=1)]
    assert thirds[1] < 1 < min(thirds[0], thirds[2])
    assert studio.ask("POST", "/api/sheet", {})[0] == 422
    assert studio.post("/api/sheet", {"replace": True})


def test_a_photograph_opens_as_well(tmp_path: Path) -> None:
    """It is steered like a frame, and saved as such, its luma as it was."""
    pytest.importorskip("uvicorn", reason="the extra studio is not installed")
    from vidcolor.studio.api import Api
    from vidcolor.web.server import Request

    path, luma = tmp_path / "photo.png", shots()[SHOT]
    cv2.imwrite(str(path), luma)
    settings = Settings(model=ModelSettings(device="cpu", render_size=64))
    session = Session(path, None, path.with_suffix(".colors.toml"), settings)
    session.begin()
    session.strip.wait()
    api = Api(session)

    def post(answer: Callable[[Any], Any], **given: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(answer(Request({}, {}, json.dumps(given).encode())).body)
        return found

    def shown(kind: str) -> NDArray[np.int64]:
        body = api.frame(Request({"number": "0", "kind": kind}, {}, b"")).body
        codes = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB)
        return np.asarray(codes, np.int64)

    assert json.loads(api.film(Request({}, {}, b"")).body)["still"]
    np.testing.assert_array_equal(shown("before"), np.repeat(luma[..., None], 3, -1))
    post(api.hint, frame=0, box=[0.1, 0.1, 0.4, 0.4], color="#3040c0")
    post(api.render)
    session.rendering.wait()
    state = post(api.undo)
    assert (state["render"]["state"], state["output"]) == ("done", "photo.colorized.png")
    made = shown("made")
    for row, column, is_blue in ((15, 20, True), (50, 80, False)):
        red, _, blue = made[row, column]
        assert (blue > red + 20) == is_blue
    np.testing.assert_array_equal(luma_of_rgb(made.astype(np.uint8), Matrix.SMPTE170M), luma)
    assert (shown("after")[15, 20, 2] - shown("after")[15, 20, 0]) < 20  # the hint was undone
    with pytest.raises(SettingError, match="no clips"):
        post(api.clip, shot=1)
    session.close()


def test_a_wrong_script_is_shown_with_its_line(studio: Opened) -> None:
    """And nothing is rendered by half of it."""
    path = studio.film.with_suffix(".colors.toml")
    path.write_text('[[range]]\nshots = "1"\nsaturatoin = 1\n')
    assert f"{path}:3" in studio.get("/api/state")["script"]["error"]
    assert studio.ask("POST", "/api/render", {})[0] == 422
    path.write_text('[[range]]\nframes = "90000"\nsaturation = 1\n')
    assert "beyond the end" in studio.get("/api/state")["script"]["error"]
    assert studio.ask("POST", "/api/render", {})[0] == 422
    path.unlink()
    assert studio.get("/api/state")["script"]["error"] is None


def test_strangers_are_refused(studio: Opened) -> None:
    """Whoever lacks the token, other pages, other names; and no answer can be framed or sniffed."""
    for headers in (
        {"Cookie": ""},
        {"Host": f"evil.example:{studio.gate.port}"},
        {"Origin": "http://evil.example"},
    ):
        for method, path in (("GET", "/"), ("GET", "/api/state"), ("POST", "/api/undo")):
            status, _, body = studio.ask(method, path, None, **headers)
            assert (status, b"refused" in body) == (403, True)
    status, headers, _ = studio.ask("GET", "/")
    assert status == 200
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/page/../cli.py",
        "/page/..%2fcli.py",
        "/page/%2e%2e/cli.py",
        "/page/cli.py",
        "//etc/passwd",
        "/api/frames/-1/after",
        "/api/frames/0/../../film",
        "/api/frames/0/secret",
    ],
)
def test_no_path_leads_out_of_the_page(studio: Opened, path: str) -> None:
    """Only the page's own files, by their names."""
    status, _, body = studio.ask("GET", path)
    assert status in {404, 422}
    assert b"import" not in body
    assert b"root:" not in body


def test_what_is_wrong_or_too_large_is_refused(studio: Opened) -> None:
    """In one line, and the studio goes on."""
    wrong: list[tuple[str, object]] = [
        ("/api/look", {"settings": {"saturation": 99}}),
        ("/api/look", {"settings": {"saturation": "red"}}),
        ("/api/look", {"settings": {"hue": 1}}),
        ("/api/look", {"settings": {}}),
        ("/api/look", {"shots": [3, 1], "settings": {"tint": 1}}),
        ("/api/look", {"shots": ["1", 2], "settings": {"tint": 1}}),
        ("/api/look", [1]),
    ]
    for path, body in wrong:
        status, _, answer = studio.ask("POST", path, body)
        assert status == 422, body
        assert "\n" not in json.loads(answer)["error"]
    for path in ("/api/frames/99/after", "/api/suggest?frame=0&x=2&y=0", "/api/shots?from=-1"):
        assert studio.ask("GET", path)[0] == 422
    status, _, _ = studio.ask("POST", "/api/look", "x" * 70_000)
    assert status == 413
    assert not studio.film.with_suffix(".colors.toml").exists()
    assert studio.get("/api/state")["error"] is None


def test_a_body_of_no_stated_length_is_read_no_further_than_allowed(studio: Opened) -> None:
    """A gigabyte is sent piece by piece: an answer comes long before, memory stays bounded."""
    chunk, limit = 1 << 20, 64 << 20
    head = (
        f"POST /api/references?name=x.png HTTP/1.1\r\nHost: {LOOPBACK}:{studio.gate.port}\r\n"
        f"Origin: http://{LOOPBACK}:{studio.gate.port}\r\nTransfer-Encoding: chunked\r\n"
        f"Cookie: {studio.gate.cookie}={studio.gate.token}\r\n\r\n"
    )
    process, sent, peak = psutil.Process(), 0, 0
    before = process.memory_info().rss
    with socket.create_connection((LOOPBACK, studio.gate.port), timeout=60) as connection:
        connection.sendall(head.encode())
        piece = b"%x\r\n" % chunk + bytes(chunk) + b"\r\n"
        try:
            while sent < 1 << 30:
                connection.sendall(piece)
                sent += chunk
                peak = max(peak, process.memory_info().rss - before)
        except OSError:  # the studio hung up
            pass
    assert limit < sent < limit + (32 << 20)
    assert peak < 3 * limit
    assert studio.get("/api/state")["error"] is None
    assert not list(studio.film.parent.glob("*reference*"))


def test_only_so_much_is_kept() -> None:
    """What was not used for longest goes first."""
    kept: Kept[int] = Kept(2)
    made: list[int] = []

    def get(key: int) -> int:
        return kept.get(key, lambda: made.append(key) or key)

    assert [get(key) for key in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]


def test_the_program_says_what_is_wrong(tmp_path: Path) -> None:
    """A film that is not there, and a port that is taken: one line each."""
    from vidcolor.web.server import listen

    taken = listen("127.0.0.1", 0)
    port = str(taken.getsockname()[1])
    film = tmp_path / "film.mkv"
    command = [
        sys.executable,
        "-c",
        "import sys; from vidcolor.studio.cli import main; sys.exit(main())",
    ]
    missing = subprocess.run([*command, str(film)], capture_output=True, text=True, check=False)
    film.write_bytes(b"")
    busy = subprocess.run(
        [*command, str(film), "--port", port], capture_output=True, text=True, check=False
    )
    taken.close()
    for run, words in ((missing, "not found"), (busy, "cannot be listened on")):
        assert run.returncode == 1
        assert words in run.stderr
        assert run.stderr.count("\n") == 1


def test_a_clip_has_all_that_is_said_of_its_shot(studio: Opened) -> None:
    """Ranges, hints and references, told by time: what is said of other shots stays away."""
    path = studio.film.with_suffix(".colors.toml")
    kept = path.with_name("kitchen.png")
    kept.write_bytes(color_picture())
    path.write_text(
        "[[range]]\nsaturation = 0.5\nsmoothing = 0.5\n"
        '[[range]]\nshots = "2-3"\nsaturation = 0.7\n'
        '[[range]]\nframes = "5-13,20"\ntint = 4\n'
        '[[range]]\nframes = "30"\ntint = 9\n'
        '[[hint]]\nframe = 14\nat = [0.5, 0.5]\ncolor = "#3040c0"\n'
        '[[hint]]\nframe = 2\nat = [0.5, 0.5]\ncolor = "#3040c0"\n'
        '[[reference]]\npicture = "kitchen.png"\nshots = "2"\n'
        '[[reference]]\npicture = "kitchen.png"\nshots = "1"\n'
        '[[reference]]\npicture = "kitchen.png"\nframe = 13\n'
    )
    session = studio.session
    session.script.refresh()
    direction, (_, shot, _) = session.wanted().direction, session.strip.shots()
    assert session.direction_error is None
    script = script_of_shot(direction, session.strip, shot, Fraction)
    whole, some = script.ranges
    assert whole.settings == {"saturation": 0.7, "smoothing": 0.5}
    assert (some.frames, some.settings) == ("12.000000s-13.000000s,20.000000s", {"tint": 4.0})
    (hint,) = script.hints
    assert (hint.frame, hint.color) == ("14.000000s", "#3040c0")
    free, anchored = script.references
    assert {one.picture for one in script.references} == {str(kept)}
    assert (free.frame, free.frames, free.shots) == (None, None, None)
    assert anchored.frame == "13.000000s"
    studio.post("/api/clip", {"shot": 2})
    run = finished(studio)
    assert run["state"] == "done", run


def test_a_film_in_color_is_colored_anew_if_a_person_says_so(tmp_path: Path) -> None:
    """From then on; the page asks."""
    pytest.importorskip("uvicorn", reason="the extra studio is not installed")
    luma = shots()[:6]
    planes = [
        (one, np.full_like(one, 90)[::2, ::2], np.full_like(one, 90)[::2, ::2]) for one in luma
    ]
    for number, one in enumerate(planes):
        one[1][: HEIGHT // 4], one[2][:, : 10 + number] = 180, 200
    film = write_film(tmp_path / "film.mkv", planes)
    settings = Settings(model=ModelSettings(device="cpu", render_size=64))
    session = Session(film, None, tmp_path / "colors.toml", settings)
    session.begin()
    session.render(replace_film=False)
    session.rendering.wait()
    assert (session.rendering.report.state, session.rendering.report.in_color) == ("failed", True)
    assert "--" not in str(session.rendering.report.error)
    session.render(replace_film=False, replace_colors=True)
    session.rendering.wait()
    assert session.rendering.report.state == "done", session.rendering.report
    assert session.settings.force
    session.close()
