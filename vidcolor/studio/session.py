"""A film or photograph in the studio: its strip, its desk, its color script, its renderings."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from math import floor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vidcolor.directing.direction import NO_DIRECTION, Direction, direct
from vidcolor.directing.script import ColorScript, Reference
from vidcolor.errors import OutputError, SettingError, SourceError, VidcolorError
from vidcolor.film.coloring import Progress
from vidcolor.film.colorize import Result, colorize_video
from vidcolor.film.directed import film_facts
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model, find_model
from vidcolor.photos.colorize import photo_target
from vidcolor.photos.statement import Statement
from vidcolor.preview.sheet import TILE_WIDTH, Tile, draw_sheet, write_sheet
from vidcolor.preview.stills import Picture
from vidcolor.reading.source import Source, probe
from vidcolor.settings import Settings
from vidcolor.studio.desk import Desk, Wanted
from vidcolor.studio.made import read_made, read_made_photo
from vidcolor.studio.photo import is_photo, open_photo, render_photo
from vidcolor.studio.references import keep_picture
from vidcolor.studio.rendering import Rendering
from vidcolor.studio.script_file import ScriptFile
from vidcolor.studio.shot_script import script_of_shot
from vidcolor.studio.strip import Strip, StripShot
from vidcolor.studio.turns import Turns
from vidcolor.version import __version__
from vidcolor.writing.encoding import default_path, wanted_container
from vidcolor.writing.side_by_side import put_side_by_side

SHEET_SHOTS, SHEET_COLUMNS = 24, 4
"""Of a contact sheet: shots at most, and those of a row."""


class Session:
    """A film that a person looks at and steers.

    Args:
        film: The film, or a photograph.
        output: The colorized film; None for `film.colorized.*` beside it.
        script: The color script.
        settings: All settings but the script's.

    Raises:
        SourceError: The film cannot be read.
    """

    def __init__(self, film: Path, output: Path | None, script: Path, settings: Settings) -> None:
        source: Source
        still: Frame | None = None
        if is_photo(film):
            source, still = open_photo(film, settings)
            target = photo_target(film)
        else:
            source = probe(film, settings.input)
            container = wanted_container(source, output, settings.output)
            target = default_path(source.title, container)
        self.source: Source = source
        self.output: Path = output or target
        self.is_still: bool = still is not None
        self.settings: Settings = settings
        self.script: ScriptFile = ScriptFile(script)
        turns = Turns()
        self.strip: Strip = Strip(self.source, turns, still)
        self.rendering: Rendering = Rendering(f"{film}: ")
        self._loader = ThreadPoolExecutor(1, "model")
        self._model: Future[Model] = self._loader.submit(find_model, settings.model)
        self.desk: Desk = Desk(self.source, self.strip, self._model.result, turns, still)
        self._placed: ColorScript | None = None
        self._direction: Direction = NO_DIRECTION
        self.direction_error: str | None = None

    def begin(self) -> None:
        """Begin to look for shots; the first frame is known then."""
        self.script.refresh()
        self.strip.begin()
        self.strip.await_first()

    def close(self) -> None:
        """Stop what is going on; what is finished of a rendering is kept."""
        self.rendering.close()
        self.strip.close()
        self.desk.close()
        self._loader.shutdown(cancel_futures=True)

    @property
    def model_state(self) -> str:
        """`loading`, `ready`, or why it cannot be loaded."""
        if not self._model.done():
            return "loading"
        error = self._model.exception()
        return "ready" if error is None else str(error)

    def wanted(self) -> Wanted:
        """The colors that the script asks for, as far as it is right."""
        script = self.script.script
        if script is not self._placed:
            self._placed = script
            try:
                self._direction = direct(
                    script, film_facts(self.source, self.settings), self.settings.model
                )
            except SettingError as error:
                self.direction_error = str(error)
            else:
                self.direction_error = None
        return Wanted(self.settings, self._direction, self._direction.identity or "")

    def add_reference(self, data: bytes, name: str, place: Mapping[str, object]) -> None:
        """Keep a picture beside the script, and have colors taken from it.

        Args:
            data: The file's bytes.
            name: What it was called.
            place: See `ScriptFile.add_reference`.

        Raises:
            VidcolorError: It is no color picture, does not fit the film, or cannot be kept.
        """
        path, is_new = keep_picture(data, name, self.script.path)
        try:
            given = {name: str(value) for name, value in place.items()}
            reference = Reference(
                picture=str(path.absolute()),
                frame=given.get("frame"),
                frames=given.get("frames"),
                shots=given.get("shots"),
            )
            alone = ColorScript(references=(reference,))
            direct(alone, film_facts(self.source, self.settings), self.settings.model)
            self.script.add_reference(path.name, place)
        except VidcolorError:
            if is_new:
                path.unlink()
            raise

    @property
    def is_made(self) -> bool:
        """Whether the finished film is there."""
        return self.output.exists()

    def made(self, frame: int, side: int) -> Picture:
        """A frame of the finished film.

        Args:
            frame: Its number.
            side: Pixels that its longer side is shrunk to.

        Raises:
            SourceError: The film is not there, or has no such frame.
        """
        pts = self.strip.pts_of(frame)
        if pts is None or not self.output.is_file():
            raise SourceError(f"{self.output.name} has no frame {frame}")
        if self.is_still:
            return read_made_photo(self.output, side)
        seconds = (pts - self.source.first_pts) * self.source.time_base
        return read_made(self.output, frame, seconds, side)

    def render(self, *, replace_film: bool, replace_colors: bool = False) -> None:
        """Begin to render the film.

        Args:
            replace_film: Overwrite the film if it is there.
            replace_colors: Color a film that is in color already; this holds from now on.

        Raises:
            VidcolorError: It is being rendered already, or the script is wrong.
        """
        self._refuse_wrong_script()
        self._force(replace_colors)
        settings = replace(
            self.settings,
            color_script=str(self.script.path) if self.script.path.exists() else None,
            output=replace(self.settings.output, overwrite=replace_film),
        )
        frames = self.strip.frames if self.strip.is_whole else self.source.frames_expected()
        # Even an empty script has the film's shots kept, so that a later run takes them over.
        script = None if settings.color_script is not None else ColorScript()
        make = render_photo if self.is_still else colorize_video
        self._begin(self.output, settings, script, frames, make)

    def clip(
        self,
        number: int,
        *,
        replace_clip: bool,
        side_by_side: bool = False,
        replace_colors: bool = False,
    ) -> None:
        """Begin to render a shot beside the film, before and after, to be shown.

        Args:
            number: Of the shot, from 0.
            replace_clip: Overwrite the clip if it is there.
            side_by_side: Have before and after beside each other; else the left half of the
                picture is black and white.
            replace_colors: See `render`.

        Raises:
            VidcolorError: Something is being rendered already, the script is wrong, or the shot is
                not found yet.
        """
        self._refuse_wrong_script()
        self._force(replace_colors)
        if self.is_still:
            raise SettingError("a photograph has no clips")
        found = next(iter(self.strip.shots(number)), None)
        if found is None:
            raise SourceError(f"shot {number + 1} is not found yet. Wait a moment.")
        first, end = (self.strip.pts_of(frame) for frame in (found.first, found.last + 1))
        begin = ((first or 0) - self.source.first_pts) * self.source.time_base
        length = None if end is None else (end - (first or 0)) * self.source.time_base
        settings = replace(
            self.settings,
            start_seconds=begin,
            duration_seconds=length,
            output=replace(
                self.settings.output,
                overwrite=replace_clip,
                compare=not side_by_side,
                purpose="web",
            ),
        )
        direction = self.wanted().direction
        script = script_of_shot(direction, self.strip, found, self._middle_of)
        kind = ".both" if side_by_side else ""
        name = f"{self.source.title.stem}.shot{number + 1}{kind}.mp4"
        frames = found.last - found.first + 1
        make = _both if side_by_side else colorize_video
        self._begin(self.source.title.with_name(name), settings, script, frames, make)

    def _middle_of(self, frame: int) -> Fraction:
        """The middle of a frame, in seconds after the film's first one."""
        begin = self.source.first_pts
        shown = ((self.strip.pts_of(frame) or begin) - begin) * self.source.time_base
        return shown + 1 / (2 * self.source.frame_rate)

    def _force(self, is_wanted: bool) -> None:
        """Color a film that is in color already, from now on."""
        if is_wanted:
            self.settings = replace(self.settings, force=True)

    def _begin(
        self,
        output: Path,
        settings: Settings,
        script: ColorScript | None,
        frames: int | None,
        make: Callable[..., Result] = colorize_video,
    ) -> None:
        if output.exists() and not settings.output.overwrite:
            raise OutputError(f"{output.name} exists already")

        def begun(progress: Progress) -> Result:
            return make(
                self.source.path,
                output,
                settings,
                progress=progress,
                model=self._model.result(),
                script=script,
            )

        self.rendering.begin(begun, output.name, frames)

    def _refuse_wrong_script(self) -> None:
        wrong = self.script.error or self.direction_error
        if wrong is not None:
            raise SettingError(wrong)

    def sheet(self, *, replace_sheet: bool) -> Path:
        """Write a contact sheet beside the film: shots spread over it, colored as they are steered.

        Args:
            replace_sheet: Overwrite the sheet if it is there.

        Raises:
            VidcolorError: It is there, no shot is found yet, or it cannot be written.
        """
        title = self.source.title
        path = title.with_name(f"{title.stem}.preview.png")
        if path.exists() and not replace_sheet:
            raise OutputError(f"{path.name} exists already")
        shots = self.strip.shots()
        if not shots:
            raise SourceError("no shot is found yet. Wait a moment.")
        chosen = shots[:: -(-len(shots) // SHEET_SHOTS)]
        wanted, model = self.wanted(), self._model.result()
        tiles = [self._tile(one, wanted) for one in chosen]
        words = f"synthetic color by vidcolor {__version__}, {Path(model.name).name}"
        drawn = draw_sheet(f"{title.name}: {words}", tiles, min(SHEET_COLUMNS, len(tiles)))
        write_sheet(path, drawn, Statement(words, __version__))
        return path

    def _tile(self, shot: StripShot, wanted: Wanted) -> Tile:
        middle = (shot.first + shot.last) // 2
        view = self.desk.color(middle, wanted, TILE_WIDTH)
        base, begin = self.source.time_base, self.source.first_pts
        seconds = floor(((self.strip.pts_of(middle) or begin) - begin) * base)
        words = (f"{shot.shot.number + 1}", str(timedelta(seconds=seconds)), *view.doubts)
        before = self.desk.gray(middle, TILE_WIDTH)
        return Tile((before, view.picture), "  ".join(words), bool(view.doubts))


def _both(source: Path, output: Path, settings: Settings, **others: Any) -> Result:
    """A clip before and after, beside each other; see `colorize_video`."""
    with TemporaryDirectory(dir=output.parent, prefix=".vidcolor-") as folder:
        result = colorize_video(source, Path(folder) / output.name, settings, **others)
        put_side_by_side(result.path, output)
    return replace(result, path=output)
