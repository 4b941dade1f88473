"""The order of the stages, and nothing else: frames in, the same frames with color out."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, takewhile
from math import log2
from operator import attrgetter
from time import perf_counter

import cv2
import numpy as np
import torch

from vidcolor.color.bins import BIN_COUNT, Decoded
from vidcolor.color.cards import CardWatch
from vidcolor.color.decode import decode_prediction
from vidcolor.color.lightness import expose, network_size, to_network
from vidcolor.color.planes import chroma_planes
from vidcolor.devices import CPU
from vidcolor.dump.sink import FrameDump
from vidcolor.frame import ColorHistogram, Frame, Record, Spared
from vidcolor.models.lite import OUTPUT_STRIDE
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import Model, suited
from vidcolor.refine.flood import refine_flood
from vidcolor.refine.refined import Refined
from vidcolor.refine.scribble import refine_scribble
from vidcolor.settings import RENDER_SIZE, Settings
from vidcolor.stages import named, timed
from vidcolor.steps import Colored, Guess, Map, Past, Prepared
from vidcolor.temporal.memory import LongMemory
from vidcolor.temporal.motion import with_motions
from vidcolor.temporal.smoothing import LOOK_AHEAD, smooth_histograms
from vidcolor.temporal.sparing import Choice, Sparing
from vidcolor.temporal.strength import Strength
from vidcolor.threads import helper_count, map_ahead, run_ahead
from vidcolor.video.detail import SmallLuma, small_luma
from vidcolor.video.plan import Job
from vidcolor.video.reader import Losses, read_frames
from vidcolor.video.returns import REMEMBERED_SHOTS
from vidcolor.video.shots import CutScore, Shot, number_shots

NOTHING = np.zeros((0, 0), np.float32)
FRAMES_READ_AHEAD = 16
FRAMES_COLORED_AHEAD = 8

EVERY = 4
"""Step, across and down, between the pixels that tell how strong a frame's own colors are."""


def colorize_frames(
    frames: Iterator[Frame],
    model: Model,
    settings: Settings,
    dump: FrameDump | None = None,
    last_by_shot: Mapping[int, int] | None = None,
    past: Past | None = None,
) -> Generator[Colored, None, None]:
    """Yield each frame of a film with its color.

    Threads work at once: one decodes and prepares, one infers, others look for motion and finish.

    Args:
        frames: The film's frames.
        model: What predicts.
        settings: All settings.
        dump: Gets what the stages make of the frames that it chooses; the caller ends each.
        last_by_shot: If given, only the shots named are colorized, each at least up to the frame of
            this number, and no farther than it depends on.
        past: What was done of the film before; these frames are not yielded again.
    """
    settings = suited(settings, model)
    past = past or Past(0, LongMemory(REMEMBERED_SHOTS))
    prepared = _with_small_luma(_prepare(frames, settings, dump, past.frames))
    numbered = _told(number_shots(named("reading", prepared)), dump)
    return _colorize(numbered, past, model, settings, dump, last_by_shot)


def colorize_shots(
    frames: Iterator[Frame],
    shots: Iterable[Shot],
    memory: LongMemory,
    model: Model,
    settings: Settings,
) -> Generator[Colored, None, None]:
    """Yield each frame of some whole shots, in which cuts need not be looked for, with its color.

    Args:
        frames: Their frames; those of one shot follow each other.
        shots: The shot of each.
        memory: Knows how the shots ended that these return to.
        model: What predicts.
        settings: All settings.
    """
    settings = suited(settings, model)
    prepared = named("reading", _prepare(frames, settings, None, 0))
    numbered = (pair for pair in zip(prepared, shots, strict=True))
    return _colorize(numbered, Past(0, memory), model, settings, None, None)


def _colorize(
    numbered: Generator[tuple[Prepared, Shot], None, None],
    past: Past,
    model: Model,
    settings: Settings,
    dump: FrameDump | None,
    last_by_shot: Mapping[int, int] | None,
) -> Generator[Colored, None, None]:
    """Each frame with its color, by threads that work at once."""
    ahead = run_ahead(numbered, FRAMES_READ_AHEAD)
    guessed = _guess(ahead, model, settings, dump, last_by_shot, past)
    inferred = run_ahead(named("inference", guessed), FRAMES_COLORED_AHEAD)
    device = model.device if model.device.type == "cuda" else CPU
    with closing(inferred), _one_thread_each():
        yield from named("coloring", _finish(inferred, settings, device, dump))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Frames are shared out among threads already: OpenCV's own would wait for each other."""
    used = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(used)


def colorize_shot(
    frames: Iterable[Prepared],
    shot: Shot,
    memory: LongMemory,
    model: Model,
    settings: Settings,
    dump: FrameDump | None = None,
) -> Iterator[Guess]:
    """Yield each frame of one shot with the small map of its colors.

    All that is remembered from frame to frame begins and ends here, but for the ending of the shot
    that this one returns to.

    Args:
        frames: The shot's frames.
        shot: Which one it is.
        memory: Knows how earlier shots ended, and is told how this one did.
        model: What predicts.
        settings: All settings.
        dump: Gets what the stages make of the frames that it chooses.
    """
    waiting: deque[Prepared] = deque()
    cards = CardWatch()
    ending = memory.recall(shot.returns_to)
    last_given = 0.0

    def fresh() -> Iterator[ColorHistogram | Spared]:
        nonlocal last_given
        for prepared, histogram in asked:
            waiting.append(prepared)
            if dump is not None and dump.wants(prepared.frame):
                _dump_histogram(prepared.frame, histogram, model, settings, dump)
            last_given = perf_counter()
            yield histogram

    asked = _ask(frames, model, settings)
    with closing(asked):
        smoothed = smooth_histograms(fresh(), settings.temporal, ending.histogram)
        for histogram, refined in _refine(smoothed, model, settings):
            ending = ending._replace(histogram=histogram)
            frame, lightness, exposed, share = waiting.popleft()
            share *= cards.color_share(lightness, exposed)
            decoded = _decode(histogram.probabilities, model, settings)
            gain = _gain(histogram, decoded, ending.strength, model, settings)
            decoded = decoded._replace(ab=decoded.ab * gain)
            seconds = perf_counter() - last_given
            if dump is not None and dump.wants(frame):
                dump.tell(frame, gain=round(gain, 4), color_share=round(share, 4))
                dump.add_smoothed(frame, histogram, decoded, refined and refined.record, seconds)
            confidence = 1 - float(decoded.entropy.mean()) / log2(BIN_COUNT)
            ab = refined.ab * np.float32(gain) if refined else decoded.ab.cpu().numpy()
            yield Guess(frame, ab * np.float32(share), confidence, lightness, shot)
    memory.keep(shot.number, ending)


def _ask(
    frames: Iterable[Prepared], model: Model, settings: Settings
) -> Generator[tuple[Prepared, ColorHistogram | Spared], None, None]:
    """Each frame of one shot with what the network says of it, where it is asked."""
    coming: deque[tuple[Prepared, Choice]] = deque()

    def asked() -> Iterator[Map]:
        sparing = Sparing(settings.temporal)
        exposed = attrgetter("exposed")
        with closing(with_motions(frames, exposed, OUTPUT_STRIDE, settings.temporal)) as moved:
            for prepared, motion in moved:
                choice = sparing.choose(motion)
                coming.append((prepared, choice))
                if choice.asked:
                    yield prepared.exposed

    def spared() -> Iterator[tuple[Prepared, Spared]]:
        while coming and (motion := coming[0][1].spared_by) is not None:
            prepared, _ = coming.popleft()
            yield prepared, Spared(prepared.exposed, motion)

    predicted = predict_histograms(asked(), model, settings.model.batch_size)
    with closing(predicted):
        for histogram in predicted:
            yield from spared()
            prepared, choice = coming.popleft()
            yield prepared, replace(histogram, motion=choice.motion)
        yield from spared()


def _refine(
    smoothed: Iterable[ColorHistogram], model: Model, settings: Settings
) -> Iterator[tuple[ColorHistogram, Refined | None]]:
    """The smoothed histograms of one shot, each with its refined colors if that is asked for."""

    def decode(probabilities: torch.Tensor) -> torch.Tensor:
        return _decode(probabilities, model, settings).ab

    refine, memory = settings.refine, settings.temporal.smoothing
    if refine.method == "none":
        yield from ((histogram, None) for histogram in smoothed)
    elif refine.method == "flood":
        flooded = refine_flood(smoothed, decode, threshold=refine.threshold, memory=memory)
        yield from ((refined.histogram, refined) for refined in flooded)
    else:
        spread = refine_scribble(smoothed, decode, memory=memory)
        yield from ((refined.histogram, refined) for refined in spread)


def read_job(job: Job, settings: Settings, losses: Losses) -> Iterator[Frame]:
    """The frames of a planned film, as pictures with the chroma planes that will be written."""
    return read_frames(
        replace(job.source, picture=job.encoding.picture),
        losses,
        start_seconds=settings.start_seconds,
        duration_seconds=settings.duration_seconds,
        hwaccel=settings.input.hwaccel,
    )


def _prepare(
    frames: Iterator[Frame], settings: Settings, dump: FrameDump | None, done: int
) -> Generator[Prepared, None, None]:
    """Each frame with its lightness at network size; the first `done` are there for cuts alone."""
    frames = frames if dump is None else dump.watch(frames)
    for frame, decode_seconds in timed(frames):
        if frame.index < done:
            yield Prepared(frame, NOTHING, NOTHING, 0.0)
            continue
        began = perf_counter()
        picture = frame.picture
        seen = to_network(
            frame.luma, picture, network_size(picture, settings.model.render_size or RENDER_SIZE)
        )
        exposed, share = expose(seen)
        if dump is not None and dump.wants(frame):
            seconds = perf_counter() - began
            dump.begin_frame(frame, seen)
            dump.add(frame, "luma", {"luma": frame.luma}, decode_seconds)
            dump.add(frame, "lightness", {"lightness": seen, "exposed": exposed}, seconds)
        yield Prepared(frame, seen, exposed, share)


def _with_small_luma(
    frames: Generator[Prepared, None, None],
) -> Generator[tuple[Prepared, SmallLuma], None, None]:
    """Each frame with the small picture of it in which cuts are looked for."""
    with closing(frames):
        for prepared in frames:
            frame = prepared.frame
            yield prepared, small_luma(frame.luma, frame.picture.depth)


def _told(
    numbered: Iterator[tuple[Prepared, Shot, CutScore]], dump: FrameDump | None
) -> Generator[tuple[Prepared, Shot], None, None]:
    """Each frame with its shot; a dump hears how much it looked like a cut."""
    for prepared, shot, score in numbered:
        if dump is not None and dump.wants(prepared.frame):
            cut = {f"cut_{name}": round(value, 4) for name, value in score._asdict().items()}
            told_of = {"shot": shot.number, "returns_to": shot.returns_to}
            dump.tell(prepared.frame, **told_of, **cut)
        yield prepared, shot


def _guess(
    numbered: Generator[tuple[Prepared, Shot], None, None],
    model: Model,
    settings: Settings,
    dump: FrameDump | None,
    last_by_shot: Mapping[int, int] | None,
    past: Past,
) -> Generator[Guess, None, None]:
    """The guess for each frame, shot by shot."""
    with closing(numbered):
        for shot, members in groupby(numbered, key=lambda item: item[1]):
            frames: Iterator[Prepared] = (prepared for prepared, _ in members)
            first = next(frames)
            if first.frame.index < past.frames:
                continue
            frames = chain([first], frames)
            if last_by_shot is not None:
                frames = _until(last_by_shot.get(shot.number), frames)
            yield from colorize_shot(frames, shot, past.memory, model, settings, dump)


def _dump_histogram(
    frame: Frame,
    histogram: ColorHistogram | Spared,
    model: Model,
    settings: Settings,
    dump: FrameDump,
) -> None:
    """Dump what the network says of a frame, or that it was not asked."""
    dump.tell(frame, spared=isinstance(histogram, Spared))
    if isinstance(histogram, ColorHistogram):
        decoded = _decode(histogram.probabilities, model, settings)
        dump.add_histogram(frame, "net", histogram, decoded, histogram.seconds)


def _gain(
    histogram: ColorHistogram,
    decoded: Decoded,
    strength: Strength,
    model: Model,
    settings: Settings,
) -> float:
    """What makes the colors of a smoothed histogram as strong as the frame's own."""
    if histogram.weight is None:
        return 1.0
    smoothed = decoded.ab.cpu().numpy()
    if histogram.predicted is None:
        return strength.gain_spared(smoothed)
    alone = _decode(histogram.predicted[:, ::EVERY, ::EVERY], model, settings).ab
    return strength.gain(alone.cpu().numpy(), smoothed)


def _until(last: int | None, frames: Iterable[Prepared]) -> Iterator[Prepared]:
    """The frames that those up to number `last` depend on; none if no number is given."""
    end = -1 if last is None else last + LOOK_AHEAD
    return takewhile(lambda prepared: prepared.frame.index < end, frames)


def _decode(probabilities: torch.Tensor, model: Model, settings: Settings) -> Decoded:
    color, decoding = settings.color, model.decoding
    vividness, method, seed = color.vividness, color.decode, color.seed
    return decode_prediction(probabilities, decoding, vividness=vividness, method=method, seed=seed)


def _finish(
    inferred: Iterable[Guess], settings: Settings, device: torch.device, dump: FrameDump | None
) -> Generator[Colored, None, None]:
    """Each frame with its chroma planes."""

    def finish(guess: Guess) -> tuple[Colored, Record | None, float]:
        frame, ab, confidence, lightness, shot = guess
        record: Record | None = {} if dump is not None and dump.wants(frame) else None
        shown = ab * settings.color.saturation
        began = perf_counter()
        way = settings.color.upsample
        chroma = chroma_planes(frame, shown, lightness, record, upsample=way, device=device)
        return Colored(frame, chroma, shown, confidence, shot), record, perf_counter() - began

    begin = partial(torch.set_num_threads, 1)
    with closing(map_ahead(finish, inferred, helper_count(), begin)) as finished:
        for colored, record, seconds in finished:
            if dump is not None and record is not None:
                planes = {"cb": colored.chroma.cb, "cr": colored.chroma.cr}
                dump.add(colored.frame, "chroma", record | planes, seconds)
                dump.add(colored.frame, "final", planes)
            yield colored
