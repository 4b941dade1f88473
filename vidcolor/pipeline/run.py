"""The order of the stages: frames in, the same frames with color out."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from itertools import groupby, takewhile
from operator import attrgetter
from typing import NamedTuple, TypeVar

from vidcolor.directing.direction import Direction
from vidcolor.directing.evidence import UNDIRECTED, Directed, DirectedShot
from vidcolor.errors import VidcolorError
from vidcolor.frame import CPU, Colored, Frame, Guess, Numbered, Seen
from vidcolor.memory import frames_ahead, usable_memory
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, suited
from vidcolor.pipeline.choices import Choices
from vidcolor.pipeline.cores import one_thread_each, one_torch_thread
from vidcolor.pipeline.finish import finish_frames, keep_shot, keeps_color
from vidcolor.pipeline.parts import is_slow
from vidcolor.pipeline.regrade import KeptOf, grade_kept
from vidcolor.pipeline.shot import colorize_shot, colorize_still
from vidcolor.pipeline.trace import NO_TRACE, Trace
from vidcolor.settings import Settings
from vidcolor.shot import Shot, ShotState
from vidcolor.shots.cuts import REMEMBERED_SHOTS, number_frames
from vidcolor.shots.seeing import see_frames
from vidcolor.temporal.keyframes import most_apart
from vidcolor.temporal.memory import ShotMemory
from vidcolor.temporal.smoothing import LOOK_AHEAD
from vidcolor.threads import run_ahead

T = TypeVar("T")

FRAMES_READ_AHEAD = 16
FRAMES_COLORED_AHEAD = 8

FRAMES_FINISHED_AHEAD = 48
"""Frames that wait for the encoder: it codes most of a short shot at its end, and the other stages
go on meanwhile."""


class Past(NamedTuple):
    """What was done of a film before.

    Attributes:
        frames: How many frames are done.
        memory: How the last whole shots ended.
        state: What the next frame takes from those before it in its shot; None if it is the first.
    """

    frames: int
    memory: ShotMemory
    state: ShotState | None = None


def colorize_frames(
    frames: Iterator[Frame],
    model: Model,
    settings: Settings,
    trace: Trace = NO_TRACE,
    last_by_shot: Mapping[int, int] | None = None,
    past: Past | None = None,
    *,
    directed: Directed = UNDIRECTED,
) -> Generator[Colored, None, None]:
    """Yield each frame of a film with its color.

    Threads work at once: one decodes and prepares, one infers, others look for motion and finish.

    Args:
        frames: The film's frames.
        model: What predicts.
        settings: All settings.
        trace: Gets what the stages make of the frames that it chooses; the caller closes each.
        last_by_shot: If given, only the shots named are colorized, each at least up to the frame of
            this number, and no farther than it depends on.
        past: What was done of the film before; these frames are not yielded again.
        directed: What a color script says of the film.
    """
    settings = suited(settings, model)
    past = past or Past(0, ShotMemory(REMEMBERED_SHOTS))
    place = _Place()
    numbered = _name_errors("reading", number_frames(place.follow(trace.watch(frames))), place)
    new = (one for one in numbered if one.frame.index >= past.frames)
    choices = Choices(model, settings, directed.direction, directed.load)
    seen = _see(new, choices, trace, past.state)
    return _colorize(seen, past, _Asked(choices, directed, last_by_shot))


def colorize_shots(
    numbered: Iterable[Numbered],
    past: Past,
    model: Model,
    settings: Settings,
    directed: Directed = UNDIRECTED,
) -> Generator[Colored, None, None]:
    """Yield each frame of some shots or parts, in which cuts need not be looked for, in color.

    Args:
        numbered: Their frames; those of one shot follow each other.
        past: How the shots ended that these return to, and what goes before the first frame.
        model: What predicts.
        settings: All settings.
        directed: What a color script says of the film.
    """
    settings = suited(settings, model)
    choices = Choices(model, settings, directed.direction, directed.load)
    seen = _see(numbered, choices, NO_TRACE, past.state)
    return _colorize(seen, past, _Asked(choices, directed))


def grade_shots(
    numbered: Iterable[Numbered],
    kept_of: KeptOf,
    model: Model,
    settings: Settings,
    direction: Direction,
) -> Generator[Colored, None, None]:
    """Yield each frame of some shots whose decoded colors are kept; see `colorize_shots`."""
    settings = suited(settings, model)
    seen = _name_errors("reading", _see(numbered, Choices(model, settings, direction)))
    memory = usable_memory(settings.memory_limit)
    ahead = run_ahead(seen, lambda one: frames_ahead(FRAMES_READ_AHEAD, _size(one), memory))
    device = model.device if model.device.type == "cuda" else CPU
    with one_thread_each(), closing(ahead):
        graded = grade_kept(ahead, kept_of, model, settings.color, direction)
        yield from _name_errors("coloring", finish_frames(graded, settings, device))


def colorize_stills(
    frames: Sequence[Frame], model: Model, settings: Settings
) -> Generator[Colored, None, None]:
    """Yield each of some pictures that do not belong together with its color.

    It is the color of a film of that one frame; the network is asked about many at once.

    Args:
        frames: The pictures, of any sizes.
        model: What predicts.
        settings: All settings.
    """
    settings = suited(settings, model)
    numbered = (Numbered(frame, Shot(i, None), None) for i, frame in enumerate(frames))
    seen = _see(numbered, Choices(model, settings))
    device = model.device if model.device.type == "cuda" else CPU

    def guess() -> Generator[Guess, None, None]:
        with closing(predict_frames(seen, model, settings.model.batch_size)) as mapped:
            for one in mapped:
                yield colorize_still(one.seen, one.prediction, model, settings)

    with one_thread_each():
        yield from _name_errors("coloring", finish_frames(guess(), settings, device))


def _see(
    numbered: Iterable[Numbered],
    choices: Choices,
    trace: Trace = NO_TRACE,
    state: ShotState | None = None,
) -> Iterator[Seen]:
    """The frames as the network sees them."""
    color, begun = choices.settings.color, (state or ShotState()).cards
    return see_frames(
        numbered,
        choices.size_of,
        trace.open,
        begun=begun,
        negative=color.negative,
        logarithmic=color.log_to_lightness,
    )


class _Asked(NamedTuple):
    """What is wanted of a film's colors; see `colorize_frames`."""

    choices: Choices
    directed: Directed
    last_by_shot: Mapping[int, int] | None = None


def _colorize(seen: Iterator[Seen], past: Past, asked: _Asked) -> Generator[Colored, None, None]:
    """Each frame with its color, by threads that work at once."""
    settings, film = asked.choices.settings, asked.choices.film
    memory = usable_memory(settings.memory_limit)

    def depth(most: int) -> Callable[[Seen | Guess], int]:
        return lambda one: frames_ahead(most, _size(one), memory)

    def depth_finished(one: Colored) -> int:
        return frames_ahead(FRAMES_FINISHED_AHEAD, one.nbytes, memory)

    ahead = run_ahead(_name_errors("reading", seen), depth(FRAMES_READ_AHEAD), name="read")
    guessed = _guess(ahead, past, asked)
    inferred = run_ahead(
        _name_errors("inference", guessed),
        depth(FRAMES_COLORED_AHEAD),
        one_torch_thread,
        name="color",
    )
    device = film.device if film.device.type == "cuda" else CPU

    def finish() -> Generator[Colored, None, None]:
        with closing(inferred):
            yield from _name_errors("coloring", finish_frames(inferred, settings, device))

    with (
        one_thread_each(),
        closing(run_ahead(finish(), depth_finished, name="finished")) as finished,
    ):
        yield from finished


def _size(one: Seen | Guess) -> int:
    """What the planes of a frame take in memory, in bytes."""
    return (one.seen if isinstance(one, Guess) else one).frame.nbytes


def _guess(
    seen: Generator[Seen, None, None], past: Past, asked: _Asked
) -> Generator[Guess, None, None]:
    """The guess for each frame, shot by shot."""
    choices, directed, last_by_shot = asked
    settings, state = choices.settings, past.state
    with closing(seen):
        for shot, members in groupby(seen, key=attrgetter("shot")):
            frames: Iterator[Seen] = members
            is_wanted = last_by_shot is None or shot.number in last_by_shot
            if last_by_shot is not None and is_wanted:
                slow = is_slow(choices.model_of(shot))
                ahead = LOOK_AHEAD + most_apart(settings.temporal, is_slow=slow)
                frames = _until(last_by_shot[shot.number], frames, ahead)
            if keeps_color(shot, settings.color):
                yield from keep_shot(frames if is_wanted else (), choices.film)
            elif is_wanted:
                evidence = directed.evidence_of(shot)
                told = DirectedShot(directed.direction, evidence, directed.match_of)
                with nullcontext() if evidence is None else closing(evidence):
                    yield from colorize_shot(frames, shot, past.memory, choices, told, state)
            state = None


def _until(last: int, frames: Iterable[Seen], ahead: int) -> Iterator[Seen]:
    """The frames that those up to number `last` depend on."""
    return takewhile(lambda seen: seen.frame.index < last + ahead, frames)


class _Place:
    """Where a stage is that takes frames in before it gives the first one.

    Attributes:
        frame: Number of the frame that it has taken last, from 0.
    """

    def __init__(self) -> None:
        self.frame: int = -1

    def follow(self, items: Iterable[T]) -> Iterator[T]:
        """`items`, counted."""
        for item in items:
            self.frame += 1
            yield item


def _name_errors(
    stage: str, items: Iterator[T], place: _Place | None = None
) -> Generator[T, None, None]:
    """`items`, with an unforeseen error made one that names the stage and the frame.

    Args:
        stage: Its name.
        items: What it makes; closed at the end if it is a generator.
        place: Where it is; None if it makes one frame of one, in order.

    Raises:
        VidcolorError: In place of such an error.
    """
    count = 0
    try:
        with closing(items) if isinstance(items, Generator) else nullcontext():
            for item in items:
                yield item
                count += 1
    except VidcolorError:
        raise
    except Exception as error:
        frame = count if place is None else place.frame
        raise VidcolorError(f"{stage} failed at frame {frame}: {error!r}") from error
