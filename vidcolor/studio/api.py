"""What the studio's page asks for: facts, pictures, changes."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import cv2

from vidcolor.directing.script import NEUTRAL, Hint, Range
from vidcolor.errors import SettingError
from vidcolor.preview.stills import Picture
from vidcolor.studio.session import Session
from vidcolor.version import __version__
from vidcolor.web.server import Reply, Request, reply_error, reply_json

THUMBNAIL_SIDE = 240
"""Up to it pictures are sent as JPEG, larger ones without loss."""

MOST_SIDE = 8192
MOST_SHOTS = 500
"""In one answer."""

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class Api:
    """Answers the page of one session; `vidcolor.studio.routes` says where."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def close(self) -> None:
        """Close the film; what is finished of a rendering is kept."""
        self._session.close()

    def film(self, _: Request) -> Reply:
        """What does not change while the film is open."""
        source = self._session.source
        return reply_json(
            {
                "name": source.path.name,
                "width": source.picture.width,
                "height": source.picture.height,
                "rate": float(source.frame_rate),
                "timecode": source.timecode,
                "seconds": source.duration_seconds,
                "script": self._session.script.path.name,
                "model": self._session.settings.model.name,
                "version": __version__,
            }
        )

    def state(self, _: Request) -> Reply:
        """What changes; a page asks for it about every second."""
        session = self._session
        session.script.refresh()
        wanted = session.wanted()
        script, strip = session.script, session.strip
        return reply_json(
            {
                "frames": strip.frames,
                "whole": strip.is_whole,
                "error": strip.error,
                "model": session.model_state,
                "script": {
                    "version": wanted.version,
                    "error": script.error or session.direction_error,
                    "undo": script.can_undo,
                    "redo": script.can_redo,
                    "changed": script.shots_with_a_look(),
                    "film": _plain(script.look_of(None)),
                    "hints": [_hint(one) for one in script.script.hints],
                },
                "render": session.rendering.report._asdict(),
                "output": session.output.name,
                "made": session.is_made,
            }
        )

    def shots(self, request: Request) -> Reply:
        """The shots from a number on, as far as they are found."""
        session = self._session
        source, strip = session.source, session.strip
        first = _number(request.query, "from", 0)
        found = strip.shots(first)[:MOST_SHOTS]
        hints = [_hint(one) for one in session.script.script.hints]
        begin = source.first_pts * source.time_base

        def seconds(frame: int) -> float:
            return float((strip.pts_of(frame) or 0) * source.time_base - begin)

        return reply_json(
            [
                {
                    "number": one.shot.number + 1,
                    "first": one.first,
                    "last": one.last,
                    "returns": None if one.shot.returns_to is None else one.shot.returns_to + 1,
                    "seconds": seconds(one.first),
                    "look": _plain(session.script.look_of(one.shot.number + 1)),
                    "hints": [
                        hint
                        for hint in hints
                        if hint["frame"] is not None and one.first <= hint["frame"] <= one.last
                    ],
                }
                for one in found
            ]
        )

    def frame(self, request: Request) -> Reply:
        """A picture of a frame, `before` or `after`; what is doubtful stands in no picture."""
        session, number = self._session, int(request.path["number"])
        side = max(16, min(MOST_SIDE, _number(request.query, "side", MOST_SIDE)))
        kind = request.path["kind"]
        if kind == "before":
            return _sent(session.desk.gray(number, side), side)
        if kind == "after":
            return _sent(session.desk.color(number, session.wanted(), side).picture, side)
        if kind == "doubts":
            return reply_json(session.desk.color(number, session.wanted(), side).doubts)
        return reply_error("no such picture", HTTPStatus.NOT_FOUND)

    def suggest(self, request: Request) -> Reply:
        """The likeliest colors of a place."""
        session, query = self._session, request.query
        x, y = _share(query, "x"), _share(query, "y")
        found = session.desk.suggest(_number(query, "frame", 0), x, y, session.settings)
        return reply_json(
            [{"color": one.color, "probability": round(one.probability, 3)} for one in found]
        )

    def look(self, request: Request) -> Reply:
        """Change what holds for a shot, some shots, or the film."""
        given = _object(request)
        shots, settings = given.get("shots"), given.get("settings")
        if not isinstance(settings, dict) or not settings:
            raise SettingError("settings: name at least one")
        whole = {name: value for name, value in settings.items() if value is not None}
        for name in settings:
            if name not in _LOOK_NAMES:
                raise SettingError(f"{name} means nothing here")
        try:
            Range(**whole)
        except TypeError as error:
            raise SettingError(str(error)) from error
        self._session.script.set_look(_shots(shots), settings)
        return self.state(request)

    def hint(self, request: Request) -> Reply:
        """Say the color of a thing at a place of a frame."""
        given = _object(request)
        match given:
            case {"frame": int(frame), "at": [float() | int() as x, float() | int() as y]}:
                hint = Hint(frame=str(frame), at=(x, y), color=str(given.get("color")))
            case _:
                raise SettingError("hint: give a frame, a place and a color")
        if frame >= self._session.strip.frames:
            raise SettingError(f"frame {frame} is not found yet. Wait a moment.")
        self._session.script.set_hint(frame, (x, y), hint.color)
        return self.state(request)

    def remove_hint(self, request: Request) -> Reply:
        """Take a hint away."""
        number = _object(request).get("number")
        if not isinstance(number, int) or number < 0:
            raise SettingError("number: give that of a hint")
        self._session.script.remove_hint(number)
        return self.state(request)

    def undo(self, request: Request) -> Reply:
        """Take the last change back."""
        self._session.script.undo()
        return self.state(request)

    def redo(self, request: Request) -> Reply:
        """Make it again."""
        self._session.script.redo()
        return self.state(request)

    def render(self, request: Request) -> Reply:
        """Begin to render the film, or go on with it."""
        self._session.render(replace_film=bool(_object(request).get("replace")))
        return self.state(request)

    def clip(self, request: Request) -> Reply:
        """Begin to render a clip of one shot."""
        given = _object(request)
        shots = _shots([given.get("shot"), given.get("shot")])
        self._session.clip(shots[0] - 1 if shots else 0, replace_clip=bool(given.get("replace")))
        return self.state(request)

    def stop(self, request: Request) -> Reply:
        """Stop rendering; what is finished is kept."""
        self._session.rendering.stop()
        return self.state(request)

    def sheet(self, request: Request) -> Reply:
        """Write a contact sheet beside the film."""
        made = self._session.sheet(replace_sheet=bool(_object(request).get("replace")))
        return reply_json({"name": made.path.name, "frames": made.frames})


_LOOK_NAMES = ("color", "saturation", "vividness", "temperature", "tint")


def _sent(picture: Picture, side: int) -> Reply:
    """A picture, (H, W, 3) R'G'B', as a browser shows it."""
    suffix, options, kind = (".png", _PNG, "image/png")
    if side <= THUMBNAIL_SIDE:
        suffix, options, kind = (".jpg", _JPEG, "image/jpeg")
    _, data = cv2.imencode(suffix, picture[..., ::-1], options)
    return Reply(data.tobytes(), kind)


def _object(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise SettingError("the request is no JSON") from error
    if not isinstance(given, dict):
        raise SettingError("the request is no object")
    return given


def _number(query: Mapping[str, str], name: str, missing: int) -> int:
    text = query.get(name, str(missing))
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004
        raise SettingError(f"{name}: {text!r} is no number")
    return int(text)


def _share(query: Mapping[str, str], name: str) -> float:
    try:
        value = float(query.get(name, ""))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise SettingError(f"{name}: give a fraction of the picture, from 0 to 1")
    return value


def _shots(given: object) -> tuple[int, int] | None:
    if given is None:
        return None
    match given:
        case [int(first), int(last)] if 1 <= first <= last < 10**9:
            return first, last
    raise SettingError("shots: give the first and the last, counted from 1")


def _plain(settings: Mapping[str, object]) -> dict[str, object]:
    """What JSON has of settings."""
    return {name: value for name, value in settings.items() if name in _LOOK_NAMES}


def _hint(hint: Hint) -> dict[str, Any]:
    """A hint as the page draws it; `frame` is None where the script counts in time."""
    return {
        "frame": int(hint.frame) if hint.frame.isdigit() else None,
        "written": hint.frame,
        "points": hint.points,
        "color": None if hint.color == NEUTRAL else hint.color,
    }
