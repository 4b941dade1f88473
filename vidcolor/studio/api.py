"""What the studio's page asks for: facts, pictures, changes."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import cv2

from vidcolor.directing.places import parse_shots
from vidcolor.directing.script import NEUTRAL, SHAPES, Hint, Range, Reference
from vidcolor.errors import SettingError
from vidcolor.preview.stills import Picture
from vidcolor.studio.asked import (
    number_of,
    object_of,
    reference_place,
    shape_of,
    share_of,
    shots_of,
)
from vidcolor.studio.desk import THUMBNAIL_SIDE
from vidcolor.studio.references import show_picture
from vidcolor.studio.session import Session
from vidcolor.version import __version__
from vidcolor.web.server import Reply, Request, reply_error, reply_json

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
        source, settings = self._session.source, self._session.settings
        return reply_json(
            {
                "name": source.path.name,
                "width": source.picture.width,
                "height": source.picture.height,
                "rate": float(source.frame_rate),
                "timecode": source.timecode,
                "still": self._session.is_still,
                "seconds": source.duration_seconds,
                "script": self._session.script.path.name,
                "model": settings.model.name,
                "usual": {
                    "saturation": settings.color.saturation,
                    "vividness": settings.color.vividness,
                    "smoothing": settings.temporal.smoothing,
                },
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
                    "revision": script.script.sha256,
                    "hints": [_hint(one) for one in script.script.hints],
                    "references": [_reference(one) for one in script.script.references],
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
        first = number_of(request.query, "from", 0)
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
                    "marked": session.script.is_marked(one.shot.number + 1),
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
        """A picture of a frame: `before`, `after`, `made`, of the finished film, or `played`.

        Frames that are played come one after the other, as JPEG. `doubts` are no picture.
        """
        session, number = self._session, int(request.path["number"])
        side = max(16, min(MOST_SIDE, number_of(request.query, "side", MOST_SIDE)))
        kind = request.path["kind"]
        is_exact = side > THUMBNAIL_SIDE
        if kind == "before":
            return _sent(session.desk.gray(number, side), is_exact=is_exact)
        if kind == "after":
            shown = session.desk.color(number, session.wanted(), side).picture
            return _sent(shown, is_exact=is_exact)
        if kind == "played":
            return _sent(session.desk.play(number, session.wanted(), side), is_exact=False)
        if kind == "made":
            return _sent(session.made(number, side), is_exact=is_exact)
        if kind == "doubts":
            return reply_json(session.desk.color(number, session.wanted(), side).doubts)
        return reply_error("no such picture", HTTPStatus.NOT_FOUND)

    def suggest(self, request: Request) -> Reply:
        """The likeliest colors of a place."""
        session, query = self._session, request.query
        x, y = share_of(query, "x"), share_of(query, "y")
        found = session.desk.suggest(number_of(query, "frame", 0), x, y, session.settings)
        return reply_json(
            [{"color": one.color, "probability": round(one.probability, 3)} for one in found]
        )

    def reference(self, request: Request) -> Reply:
        """A reference picture of the script, by its number, small."""
        given = self._session.script.script.references
        number = int(request.path["number"])
        if number >= len(given):
            return reply_error("no such reference", HTTPStatus.NOT_FOUND)
        shown = show_picture(given[number].picture, self._session.script.path)
        return _sent(shown, is_exact=False)

    def look_at(self, request: Request) -> Reply:
        """What the script says of some frames in a row."""
        query = request.query
        frames = [number_of(query, "first", 0), number_of(query, "last", 0)]
        found = shots_of(frames, "frames", 0)
        return reply_json({} if found is None else _plain(self._session.script.look_at(found)))

    def look(self, request: Request) -> Reply:
        """Change what holds for a shot, some shots, some frames, or the film."""
        given = object_of(request)
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
        frames = shots_of(given.get("frames"), "frames", 0)
        self._session.script.set_look(shots_of(shots), settings, frames=frames)
        return self.state(request)

    def mark(self, request: Request) -> Reply:
        """Mark a shot, or take its mark away."""
        given = object_of(request)
        shots = shots_of([given.get("shot"), given.get("shot")])
        if shots is not None:
            self._session.script.mark(shots[0], is_marked=bool(given.get("marked")))
        return self.state(request)

    def hint(self, request: Request) -> Reply:
        """Say the color of a thing at a place of a frame."""
        given = object_of(request)
        frame, radius = given.get("frame"), given.get("radius")
        shape = shape_of(given)
        if not isinstance(frame, int) or not isinstance(radius, int | float | None):
            raise SettingError("hint: give a frame, a place and a color")
        if not 0 <= frame < self._session.strip.frames:
            raise SettingError(f"frame {frame} is not found yet. Wait a moment.")
        self._session.script.set_hint(frame, shape, str(given.get("color")), radius)
        return self.state(request)

    def add_reference(self, request: Request) -> Reply:
        """Take a picture whose colors are wanted; the body is the file."""
        self._session.add_reference(
            request.body, request.query.get("name", ""), reference_place(request.query)
        )
        return self.state(request)

    def remove(self, request: Request) -> Reply:
        """Take a hint or a reference away."""
        given = object_of(request)
        kind, number = given.get("kind"), given.get("number")
        if kind not in {"hint", "reference"} or not isinstance(number, int) or number < 0:
            raise SettingError("number: give that of a hint or a reference")
        self._session.script.remove(str(kind), number)
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
        given = object_of(request)
        self._session.render(
            replace_film=bool(given.get("replace")), replace_colors=bool(given.get("force"))
        )
        return self.state(request)

    def clip(self, request: Request) -> Reply:
        """Begin to render a clip of one shot."""
        given = object_of(request)
        shots = shots_of([given.get("shot"), given.get("shot")])
        self._session.clip(
            shots[0] - 1 if shots else 0,
            replace_clip=bool(given.get("replace")),
            side_by_side=bool(given.get("both")),
            replace_colors=bool(given.get("force")),
        )
        return self.state(request)

    def stop(self, request: Request) -> Reply:
        """Stop rendering; what is finished is kept."""
        self._session.rendering.stop()
        return self.state(request)

    def sheet(self, request: Request) -> Reply:
        """Write a contact sheet beside the film."""
        made = self._session.sheet(replace_sheet=bool(object_of(request).get("replace")))
        return reply_json({"name": made.name})


_LOOK_NAMES = ("color", "saturation", "vividness", "temperature", "tint", "smoothing")


def _sent(picture: Picture, *, is_exact: bool) -> Reply:
    """A picture, (H, W, 3) R'G'B', for a browser: without loss, or as JPEG."""
    suffix, options, kind = (".jpg", _JPEG, "image/jpeg")
    if is_exact:
        suffix, options, kind = (".png", _PNG, "image/png")
    _, data = cv2.imencode(suffix, picture[..., ::-1], options)
    return Reply(data.tobytes(), kind)


def _plain(settings: Mapping[str, object]) -> dict[str, object]:
    """What JSON has of settings."""
    return {name: value for name, value in settings.items() if name in _LOOK_NAMES}


def _hint(hint: Hint) -> dict[str, Any]:
    """A hint as the page draws it; `frame` is None where the script counts in time."""
    return {
        "frame": int(hint.frame) if hint.frame.isdigit() else None,
        "written": hint.frame,
        "points": hint.points,
        "shape": next((name for name in SHAPES if getattr(hint, name) is not None), None),
        "radius": hint.radius,
        "color": None if hint.color == NEUTRAL else hint.color,
    }


def _reference(reference: Reference) -> dict[str, Any]:
    """A reference as the page lists it; see `_hint`."""
    frame = reference.frame
    return {
        "name": Path(reference.picture).name,
        "frame": int(frame) if frame is not None and frame.isdigit() else None,
        "written": frame or reference.frames,
        "shots": reference.shots,
        "places": None
        if reference.shots is None
        else [[int(one.first), int(one.last)] for one in parse_shots(reference.shots)],
    }
