"""The order of the stages: frames in, the same frames with color out."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial
from itertools import groupby, takewhile
from operator import attrgetter
from time import perf_counter
from typing import NamedTuple

import cv2
import numpy as np
import torch

from vidcolor.color.bins import Decoded
from vidcolor.color.own import mixed_chroma, own_ab, own_chroma
from vidcolor.color.planes import chroma_planes
from vidcolor.directing.evidence import (
    UNDIRECTED,
    UNDIRECTED_SHOT,
    Directed,
    DirectedShot,
    ShotEvidence,
    hold,
)
from vidcolor.directing.grade import grade
from vidcolor.directing.pool import asking_both
from vidcolor.directing.script import PLAIN, Look, digest_of
from vidcolor.frame import (
    CPU,
    MAP_STRIDE,
    Chroma,
    Colored,
    Frame,
    Guess,
    Mapped,
    Numbered,
    Prediction,
    Record,
    Seen,
)
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, suited
from vidcolor.pipeline.cores import one_thread_each, one_torch_thread
from vidcolor.pipeline.decoder import Decoder
from vidcolor.pipeline.parts import begin_with, part_frames, state_after
from vidcolor.pipeline.stages import Place, name_errors
from vidcolor.pipeline.trace import NO_TRACE, Trace, show_chroma, show_smoothed
from vidcolor.refine.flood import Flood
from vidcolor.refine.refined import Decode, Refiner
from vidcolor.refine.scribble import Scribble
from vidcolor.settings import RENDER_SIZE, ColorSettings, Settings
from vidcolor.shot import Shot, ShotState
from vidcolor.shots.cuts import REMEMBERED_SHOTS, number_frames
from vidcolor.shots.seeing import see_frames
from vidcolor.temporal.gain import ChromaGain
from vidcolor.temporal.keyframes import Ask
from vidcolor.temporal.memory import ShotMemory
from vidcolor.temporal.smoothing import LOOK_AHEAD, steady
from vidcolor.threads import helper_count, map_ahead, run_ahead

FRAMES_READ_AHEAD = 16
FRAMES_COLORED_AHEAD = 8

EVERY = 4
"""Step, across and down, between the pixels that tell how strong a frame's own colors are."""


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
    place = Place()
    numbered = name_errors("reading", number_frames(place.follow(trace.watch(frames))), place)
    new = (one for one in numbered if one.frame.index >= past.frames)
    seen = _see(new, settings, trace, past.state)
    return _colorize(seen, past, model, _Asked(settings, directed, last_by_shot))


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
    seen = _see(numbered, settings, NO_TRACE, past.state)
    return _colorize(seen, past, model, _Asked(settings, directed))


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
    decode = Decoder(model.decoding, settings.color)
    numbered = (Numbered(frame, Shot(i, None), None) for i, frame in enumerate(frames))
    seen = _see(numbered, settings)
    device = model.device if model.device.type == "cuda" else CPU

    def guess() -> Generator[Guess, None, None]:
        with closing(predict_frames(seen, model, settings.model.batch_size)) as mapped:
            for one in mapped:
                refine = _refiner(settings, partial(_decoded_ab, decode))
                yield _color(one, ChromaGain(), decode, refine, settings.color)

    with one_thread_each():
        yield from name_errors("coloring", _finish(guess(), settings, device))


def _see(
    numbered: Iterable[Numbered],
    settings: Settings,
    trace: Trace = NO_TRACE,
    state: ShotState | None = None,
) -> Iterator[Seen]:
    """The frames as the network sees them."""
    size = settings.model.render_size or RENDER_SIZE
    color, begun = settings.color, (state or ShotState()).cards
    kinds = {"negative": color.negative, "logarithmic": color.log_to_lightness}
    return see_frames(numbered, size, trace.open, begun=begun, **kinds)


class _Asked(NamedTuple):
    """What is wanted of a film's colors; see `colorize_frames`."""

    settings: Settings
    directed: Directed
    last_by_shot: Mapping[int, int] | None = None


def _colorize(
    seen: Iterator[Seen], past: Past, model: Model, asked: _Asked
) -> Generator[Colored, None, None]:
    """Each frame with its color, by threads that work at once."""
    ahead = run_ahead(name_errors("reading", seen), FRAMES_READ_AHEAD)
    guessed = _guess(ahead, past, model, asked)
    inferred = run_ahead(name_errors("inference", guessed), FRAMES_COLORED_AHEAD, one_torch_thread)
    device = model.device if model.device.type == "cuda" else CPU
    with one_thread_each(), closing(inferred):
        yield from name_errors("coloring", _finish(inferred, asked.settings, device))


def _guess(
    seen: Generator[Seen, None, None], past: Past, model: Model, asked: _Asked
) -> Generator[Guess, None, None]:
    """The guess for each frame, shot by shot."""
    settings, (direction, evidence_of), last_by_shot = asked
    state = past.state
    with closing(seen):
        for shot, members in groupby(seen, key=attrgetter("shot")):
            frames: Iterator[Seen] = members
            if last_by_shot is not None:
                frames = _until(last_by_shot.get(shot.number), frames)
            if keeps_color(shot, settings.color):
                yield from _keep_shot(frames, model)
            else:
                is_wanted = last_by_shot is None or shot.number in last_by_shot
                evidence = evidence_of(shot) if is_wanted else None
                told = DirectedShot(direction, evidence)
                with nullcontext() if evidence is None else closing(evidence):
                    yield from colorize_shot(
                        frames, shot, past.memory, model, settings, told, state
                    )
            state = None


def keeps_color(shot: Shot, settings: ColorSettings) -> bool:
    """Whether a shot goes out with the color that it has in the source."""
    if shot.color is None:
        return False
    return shot.color.is_color or (shot.color.is_tinted and settings.tint == "keep")


def _keep_shot(frames: Iterable[Seen], model: Model) -> Iterator[Guess]:
    """What is known of the colors of the frames of a shot that keeps them."""
    for count, seen in enumerate(frames, 1):
        rows, columns = seen.lightness.shape
        ab = own_ab(seen.frame, (rows // MAP_STRIDE, columns // MAP_STRIDE))
        ends_part = count % part_frames(seen.frame.picture, model) == 0
        yield Guess(seen, ab, 1.0, state=ShotState(cards=seen.cards) if ends_part else None)


def _kept_record(frame: Frame, chroma: Chroma) -> Record:
    """What a trace is shown in place of what is made on the way to new chroma."""
    shape = chroma.cb.shape
    ab = own_ab(frame, (shape[0], shape[1]))
    whole = {"cb_unlimited": chroma.cb, "cr_unlimited": chroma.cr}
    return {"ab": ab, "gamut_share": np.ones(shape, np.float32), **whole}


def _until(last: int | None, frames: Iterable[Seen]) -> Iterator[Seen]:
    """The frames that those up to number `last` depend on; none if no number is given."""
    end = -1 if last is None else last + LOOK_AHEAD
    return takewhile(lambda seen: seen.frame.index < end, frames)


def colorize_shot(
    frames: Iterable[Seen],
    shot: Shot,
    memory: ShotMemory,
    model: Model,
    settings: Settings,
    told: DirectedShot = UNDIRECTED_SHOT,
    state: ShotState | None = None,
) -> Iterator[Guess]:
    """Yield each frame of one shot with the small map of its colors.

    All that is remembered from frame to frame begins and ends here, but for the ending of the shot
    that this one returns to. The last frame of each part brings all of it.

    Args:
        frames: The shot's frames, or those from the beginning of a part on.
        shot: Which one it is.
        memory: Holds how earlier shots ended, and receives how this one does.
        model: What predicts.
        settings: All settings.
        told: What a color script says of them.
        state: What the part before brought, with which these go on; None from the shot's first on.
    """
    direction, evidence = told
    decode = usual = Decoder(model.decoding, settings.color)
    refine = _refiner(settings, lambda probabilities: _decoded_ab(decode, probabilities))
    if state is None:
        ending, begun = memory.recall(shot.returns_to), None
    else:
        ending, begun = begin_with(state, model.device)
        if refine is not None:
            refine.restore(state.refined)
    ask: Ask = partial(predict_frames, model=model, batch_size=settings.model.batch_size)
    if evidence is not None:
        ask = asking_both(ask, evidence, model.decoding, settings.color.vividness)
    with closing(steady(frames, ask, settings.temporal, ending.histogram, begun)) as steadied:
        for count, mapped in enumerate(steadied, 1):
            ending = ending._replace(histogram=mapped.prediction)
            look = direction.look_of(mapped.seen.frame, shot)
            decode = usual.with_vividness(look.vividness)
            guess = _color(mapped, ending.strength, decode, refine, settings.color, look, evidence)
            if count % part_frames(mapped.seen.frame.picture, model) == 0:
                guess = guess._replace(state=state_after(mapped, ending.strength, refine))
            yield guess
    memory.keep(shot.number, ending)


def _decoded_ab(decode: Decoder, probabilities: torch.Tensor) -> torch.Tensor:
    return decode(probabilities).ab


def _refiner(settings: Settings, colors: Decode) -> Refiner | None:
    """What refines the predictions of one shot, frame by frame; None if nothing does."""
    refine, memory = settings.refine, settings.temporal.smoothing
    if refine.method == "flood":
        return Flood(colors, threshold=refine.threshold, memory=memory)
    if refine.method == "scribble":
        return Scribble(colors, memory=memory)
    return None


def _color(
    mapped: Mapped,
    strength: ChromaGain,
    decode: Decoder,
    refine: Refiner | None,
    color: ColorSettings,
    look: Look = PLAIN,
    evidence: ShotEvidence | None = None,
) -> Guess:
    """What a frame's smoothed prediction says of its colors."""
    seen, prediction, began, _ = mapped
    refined = None if refine is None else refine(prediction)
    decoded = decode(prediction.map)
    gain = _gain(prediction, decoded, strength, decode)
    if seen.trace is not None:
        seen.trace.note(gain=round(gain, 4))
        show_smoothed(seen.trace, prediction, refined, perf_counter() - began, gain=gain)
    ab = torch.from_numpy(refined.ab) if refined else decoded.ab
    strong = decode.strengthen(ab, gain).cpu().numpy()
    directed = look.digest
    if evidence is not None:
        directed = digest_of([directed, evidence.digest])
        strong = hold(strong, evidence.at(seen.frame.index))
    share = seen.color_share
    wanted = grade(
        strong * np.float32(share), look, seen.lightness, saturation=color.saturation, share=share
    )
    return Guess(seen, wanted, decoded.confidence, directed)


def _gain(prediction: Prediction, decoded: Decoded, strength: ChromaGain, decode: Decoder) -> float:
    """What makes the colors of a smoothed prediction as strong as the frame's own."""
    if prediction.weight is None:
        return 1.0
    smoothed = decoded.ab.cpu().numpy()
    if prediction.predicted is None:
        return strength.gain_spared(smoothed)
    alone = decode(prediction.predicted[:, ::EVERY, ::EVERY]).ab
    return strength.gain(alone.cpu().numpy(), smoothed)


def _finish(
    inferred: Iterable[Guess], settings: Settings, device: torch.device
) -> Generator[Colored, None, None]:
    """Each frame with its chroma planes."""

    def finish(guess: Guess) -> tuple[Colored, Record | None, float]:
        seen, ab = guess.seen, guess.ab
        is_kept = keeps_color(seen.shot, settings.color)
        record: Record | None = None if seen.trace is None else {}
        began = perf_counter()
        if is_kept:
            chroma = own_chroma(seen.frame)
            if record is not None:
                record.update(_kept_record(seen.frame, chroma))
        else:
            chroma = chroma_planes(
                seen.frame,
                ab,
                seen.lightness,
                record,
                active=seen.shot.active,
                upsample=settings.color.upsample,
                device=device,
            )
            source = seen.shot.color
            if source is not None and source.is_tinted and settings.color.tint == "mix":
                chroma = mixed_chroma(chroma, seen.frame)
        small = cv2.resize(seen.lightness, ab.shape[:0:-1], interpolation=cv2.INTER_AREA)
        lightness = np.asarray(small, np.float32)  # (h, w), as the map
        colored = Colored(
            seen.frame,
            chroma,
            ab,
            lightness,
            guess.confidence,
            seen.shot,
            seen.trace,
            guess.directed,
            guess.state,
        )
        return colored, record, perf_counter() - began

    with closing(map_ahead(finish, inferred, helper_count(), one_torch_thread)) as finished:
        for colored, record, seconds in finished:
            if colored.trace is not None and record is not None:
                show_chroma(colored.trace, colored.chroma, record, seconds)
            yield colored
