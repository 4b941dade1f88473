"""The colors that a model thinks likeliest at a place of a film, before anyone directs it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from vidcolor.directing.hints import shown_area
from vidcolor.errors import SettingError, SourceError
from vidcolor.frame import Frame, Numbered
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, find_model, suited
from vidcolor.preview.suggest import Suggestion, place_inside, suggest_at
from vidcolor.reading.part import seconds_at
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import RENDER_SIZE, Settings
from vidcolor.shot import ActiveArea, Shot
from vidcolor.shots.bars import BarWatch
from vidcolor.shots.seeing import see_frames
from vidcolor.spans import Moment

SUGGESTIONS = 6
"""Colors of a place, at most."""


def suggest_colors(
    film: str | Path,
    frame: int | str,
    point: tuple[float, float],
    settings: Settings | None = None,
    *,
    model: Model | None = None,
) -> list[Suggestion]:
    """The likeliest distinct colors of a place in a film, with their probabilities.

    The frame is looked at by itself, without the bars around it. What training does to rare colors
    is taken back, so that probabilities are those of the training photographs.

    Args:
        film: The film.
        frame: Number of a frame from 0, or a text as in `Hint.frame`.
        point: Across and down, in fractions of the frame as it is shown, in [0, 1].
        settings: All settings; None for the defaults.
        model: What predicts, loaded before; None to load the settings' one.

    Returns:
        At most six, the likeliest first; one of a model that gives plain colors.

    Raises:
        SettingError: The point lies outside the picture, or the text means no frame.
        VidcolorError: The film cannot be read, or has no such frame.
    """
    if not all(0 <= number <= 1 for number in point):
        raise SettingError(
            f"point: {point[0]:g},{point[1]:g} lies outside the frame. Write fractions of its "
            "width and height, from 0 to 1."
        )
    settings = settings or Settings()
    found = _read_frame(Path(film), str(frame), settings)
    model = model or find_model(settings.model)
    settings = suited(settings, model)
    size = settings.model.render_size or RENDER_SIZE
    active = BarWatch().judge([found])
    place = _inside(active, found, point)
    seen = see_frames(
        [Numbered(found, Shot(0, None, active), None)],
        size,
        negative=settings.color.negative,
        logarithmic=settings.color.log_to_lightness,
    )
    with closing(predict_frames(seen, model, 1)) as mapped:
        one = next(mapped)
    lightness = one.seen.lightness
    return suggest_at(one.prediction, lightness, model.decoding, place, SUGGESTIONS)


def _inside(
    active: ActiveArea | None, frame: Frame, point: tuple[float, float]
) -> tuple[float, float]:
    """A point of a frame as one of the picture inside its bars."""
    left, top, width, height = shown_area(frame.picture, active)
    if not (left <= point[0] <= left + width and top <= point[1] <= top + height):
        raise SettingError(
            f"point: {point[0]:g},{point[1]:g} lies on the bars around the picture. Move it inside."
        )
    return place_inside(active, frame.picture, *point)


def _read_frame(path: Path, text: str, settings: Settings) -> Frame:
    source = probe(path, settings.input)
    try:
        moment = Moment.parse(f"{text}f" if text.isdigit() else text)
    except ValueError as error:
        raise SettingError(f"frame: {error}") from error
    begin = seconds_at(source, moment, "frame")
    frames = read_frames(source, Damage(), start_seconds=begin, hwaccel=settings.input.hwaccel)
    found = next(iter(frames), None)
    if found is None:
        raise SourceError(f"{path}: has no frame {text}; name an earlier one")
    return replace(found, index=0)
